"""The dispatch, the answers and the refusals; what flows is in tests/sim."""

from __future__ import annotations

from random import Random

from signaling.control import (
    Audience,
    ClosePeer,
    Closing,
    ListPeers,
    Load,
    NotOpened,
    Opened,
    OpenPublication,
    OpenViewer,
    PeerClosed,
    PeerConnected,
    Peers,
    Route,
    ToWeb,
)
from signaling.errors import Refusal
from signaling.relay.actions import (
    Action,
    Commanded,
    Forget,
    PeerEnded,
    RtcpArrived,
    RtpArrived,
    Secured,
    StunArrived,
    Tell,
    Tick,
)
from signaling.relay.limits import Limits
from signaling.relay.relay import Relay
from signaling.session.offer import Codec, Direction, Fingerprint, Kind, Line, Offer, Setup
from tests.sim.simulated_evening import Evening
from tests.sim.simulated_peers import CHROMIUM, FIREFOX, offer

PRINT = Fingerprint("sha-256", "AA:BB")
SLOTS = ("lecturer", "screen", "guest")


def relay(limits: Limits | None = None) -> Relay:
    return Relay(PRINT, (("192.0.2.1", 4000), ("2001:db8::1", 4000)), Random(1), limits or Limits())


def told(actions: list[Action]) -> list[ToWeb]:
    return [action.message for action in actions if isinstance(action, Tell)]


def watch(core: Relay, peer: str, setup: Setup = Setup.ACTPASS, lecture: str = "l", now: float = 0.0) -> ToWeb:
    offered = offer(Direction.RECVONLY, CHROMIUM, 3, setup)
    return told(core.receive(Commanded(OpenViewer(1, peer, lecture, "m", SLOTS, offered)), now))[-1]


def publish(core: Relay, peer: str, offered: Offer | None = None) -> ToWeb:
    offered = offered or offer(Direction.SENDONLY, FIREFOX, 1)
    return told(core.receive(Commanded(OpenPublication(2, peer, "l", "m", "lecturer", offered)), 0.0))[-1]


def test_answers() -> None:
    core = relay()
    first, second = watch(core, "a"), watch(core, "b")
    assert isinstance(first, Opened)
    assert isinstance(second, Opened)
    assert first.answer.fingerprint == PRINT
    assert first.answer.addresses == (("192.0.2.1", 4000), ("2001:db8::1", 4000))
    assert first.answer.ufrag != second.answer.ufrag
    assert len(first.answer.ufrag) >= 4
    assert len(first.answer.pwd) >= 22
    assert [line.ssrc for line in first.answer.lines] == [line.ssrc for line in second.answer.lines]
    assert len({line.ssrc for line in first.answer.lines}) == 6
    assert [line.slot for line in first.answer.lines] == [slot for slot in SLOTS for _ in Kind]


def test_another_lecture_has_other_ssrcs() -> None:
    core = relay()
    first, second = watch(core, "a"), watch(core, "b", lecture="other")
    assert isinstance(first, Opened)
    assert isinstance(second, Opened)
    assert not {line.ssrc for line in first.answer.lines} & {line.ssrc for line in second.answer.lines}


def test_roles() -> None:
    core = relay()
    for setup, ours in ((Setup.ACTPASS, Setup.PASSIVE), (Setup.ACTIVE, Setup.PASSIVE), (Setup.PASSIVE, Setup.ACTIVE)):
        opened = watch(core, setup.value, setup)
        assert isinstance(opened, Opened)
        assert opened.answer.setup is ours


def test_no_codec_and_full_are_refused_and_leave_nothing() -> None:
    core = relay(Limits(viewers=1, publications=1))
    mute = Offer("u", "p", (PRINT,), Setup.ACTPASS, (Line("0", Kind.VIDEO, Direction.SENDONLY, {}, rejected=True),))
    assert publish(core, "x", mute) == NotOpened(2, "x", Refusal.NO_CODEC)
    assert isinstance(publish(core, "p"), Opened)
    assert publish(core, "q") == NotOpened(2, "q", Refusal.FULL)
    assert isinstance(watch(core, "a"), Opened)
    assert watch(core, "b") == NotOpened(1, "b", Refusal.FULL)
    peers = told(core.receive(Commanded(ListPeers(9)), 0.0))[0]
    assert isinstance(peers, Peers)
    assert [(peer.peer, peer.publishes, peer.connected) for peer in peers.peers] == [
        ("p", "lecturer", False),
        ("a", None, False),
    ]


def test_a_publisher_is_answered_at_its_own_numbers() -> None:
    opened = publish(relay(), "p")
    assert isinstance(opened, Opened)
    assert [line.codecs for line in opened.answer.lines] == [{Codec.OPUS: 109}, {Codec.VP8: 120}]


def test_closing() -> None:
    core = relay()
    watch(core, "a")
    actions = core.receive(Commanded(ClosePeer("a", Closing.DELETED)), 3.0)
    assert actions == [Forget("a", Closing.DELETED), Tell(PeerClosed("a", Closing.DELETED, 3.0, 0.0))]
    assert core.receive(Commanded(ClosePeer("a", Closing.DELETED)), 3.0) == []
    assert core.receive(PeerEnded("a", Closing.CLOSED), 3.0) == []


def test_the_shells_reasons_are_told() -> None:
    core = relay()
    watch(core, "a")
    closed = told(core.receive(PeerEnded("a", Closing.HANDSHAKE, "wrong curve"), 3.0))
    assert closed == [PeerClosed("a", Closing.HANDSHAKE, 3.0, 0.0, "wrong curve")]


def test_who_is_never_heard_ends_after_fifteen_seconds() -> None:
    core = relay()
    watch(core, "a")
    closed: list[PeerClosed] = []
    for second in range(20):
        closed += [one for one in told(core.receive(Tick(), float(second))) if isinstance(one, PeerClosed)]
    assert [(one.reason, one.at) for one in closed] == [(Closing.SILENT, 16.0)]


def test_an_id_opened_again_is_the_new_peer() -> None:
    core = relay()
    watch(core, "a")
    offered = offer(Direction.RECVONLY, CHROMIUM, 3)
    messages = told(core.receive(Commanded(OpenViewer(1, "a", "l", "m", SLOTS, offered)), 1.0))
    assert isinstance(messages[0], PeerClosed)
    assert isinstance(messages[1], Opened)


def test_inputs_about_nobody_do_nothing() -> None:
    core = relay()
    assert core.receive(Secured("x", 1), 0.0) == []
    assert core.receive(RtpArrived("x", b"x"), 0.0) == []
    assert core.receive(RtcpArrived("x", b"x", ("192.0.2.9", 1)), 0.0) == []
    assert core.receive(Commanded(Route("x", "guest", Audience.EVERYONE)), 0.0) == []
    assert core.receive(StunArrived(b"", ("192.0.2.9", 1)), 0.0) == []


def test_malformed_media_is_counted_and_keeps_the_peer() -> None:
    evening = Evening()
    evening.publish("p")
    evening.watch("a")
    evening.time.run(1)
    for packet in (b"", b"\x80", bytes(40), b"\xff" * 40):
        evening.feed(RtpArrived("p", packet))
        evening.feed(RtcpArrived("p", packet, evening.connections["p"].address))
        evening.feed(RtcpArrived("a", packet, evening.connections["a"].address))
    evening.time.run(1.5)
    load = evening.told(Load)[-1]
    assert load.dropped["malformed"] == 12
    assert (load.publications, load.viewers) == (1, 1)
    assert load.packets_in > 200
    assert load.packets_out > 200
    assert load.bytes_out > 200 * 12
    assert [event.peer for event in evening.told(PeerConnected)] == ["p", "a"]


def test_load_comes_every_second() -> None:
    evening = Evening()
    evening.time.run(5.005)
    assert 5 <= len(evening.told(Load)) <= 6


def test_an_empty_lecture_leaves_nothing() -> None:
    core = relay()
    watch(core, "a")
    publish(core, "p")
    core.receive(Commanded(Route("p", "lecturer", Audience.EVERYONE)), 0.0)
    for peer in ("a", "p"):
        core.receive(Commanded(ClosePeer(peer, Closing.DELETED)), 1.0)
    assert not core._lectures
    assert not core._names
    assert not core._populations
