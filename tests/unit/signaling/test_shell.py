"""The shell between a core that does as told and peers over loopback: what it feeds, performs and forgets."""

from __future__ import annotations

import math
import secrets
import select
import socket
import struct
from collections.abc import Callable, Iterator

import pytest
from pylibsrtp import Policy, Session

from signaling.control import ClosePeer, Closing, Load, ToWeb
from signaling.io.dtls_pyopenssl import PROFILES, DtlsIdentity, DtlsTransport, HandshakeState
from signaling.io.intake import Arrival, ReferenceIntake
from signaling.io.port_udp import Content, UdpPort
from signaling.io.shell import HANDSHAKES_EACH, MOVED, REPORTS, TRIALS_AT_ONCE, Shell
from signaling.ports import Address, SrtpKeys
from signaling.relay.actions import (
    Action,
    BeginHandshake,
    Commanded,
    Forget,
    Forward,
    Input,
    Mark,
    Move,
    PeerEnded,
    Resend,
    RtcpArrived,
    RtpArrived,
    Secured,
    SendDatagram,
    SendRtcp,
    StunArrived,
    Tell,
    Tick,
    Viewers,
)
from signaling.relay.quality import COPIES
from signaling.relay.schedule import Schedule
from signaling.session.offer import Fingerprint, Setup
from tests.unit.signaling.packet_paths import FANOUTS

STUN = struct.pack("!HHL12s", 1, 0, 0x2112A442, b"transaction!")
REPORT = struct.pack("!BBHL", 0x80, 201, 1, 1)


PERIOD, MARK = 7, 0xABCDEF01


def rtp(number: int, source: int = PERIOD) -> bytes:
    """A prepared packet; with `MARK` as its contributing source the viewer's own copy."""
    return struct.pack("!BBHLLL", 0x81, 96, number, 0, 0x1234, source) + b"payload"


class Core:
    """Remembers inputs; answers each with what `reply` returns."""

    def __init__(self) -> None:
        self.inputs: list[Input] = []
        self.reply: Callable[[Input], list[Action]] = lambda one: []

    def receive(self, one: Input, now: float) -> list[Action]:
        self.inputs.append(one)
        return self.reply(one)

    def of(self, kind: type) -> list[Input]:
        return [one for one in self.inputs if isinstance(one, kind)]


class Bench:
    def __init__(self, path: str) -> None:
        self.port = UdpPort.bind("127.0.0.1", 0)
        self.core = Core()
        self.schedule = Schedule()
        self.identity = DtlsIdentity()
        self.told: list[ToWeb] = []
        self.intake = ReferenceIntake(self.port)
        self.shell = Shell(
            self.core,
            self.schedule,
            self.port,
            self.intake,
            FANOUTS[path](self.port),
            self.identity,
            self.told.append,
            lambda: 4.5,
        )

    def perform(self, *actions: Action, now: float = 0.0) -> None:
        self.core.reply = lambda one: list(actions)
        self.shell.tick(now)
        self.core.reply = lambda one: []

    def read(self, now: float = 0.0) -> None:
        while select.select([self.port], [], [], 0.01)[0]:
            for arrival in self.intake.read(now):
                self.shell.arrived(arrival, now)
        self.work(now)

    def work(self, now: float) -> int:
        """Pieces of work until nothing is left, after what viewers reported."""
        while self.shell.reports:
            self.shell.listen(now)
        pieces = 0
        while self.shell.works:
            self.shell.work(now)
            pieces += 1
        return pieces


@pytest.fixture(params=FANOUTS)
def bench(request: pytest.FixtureRequest) -> Iterator[Bench]:
    made = Bench(request.param)
    yield made
    made.port.close()


class Peer:
    """A browser: a socket, DTLS as the client, SRTP after it."""

    def __init__(self, bench: Bench, name: str) -> None:
        self.name = name
        self._bench = bench
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        host, port = self.socket.getsockname()
        self.address: Address = (host, port)
        self.identity = DtlsIdentity()
        self.dtls: DtlsTransport = self.identity.connect(Setup.ACTIVE, (bench.identity.fingerprint,), 0.0)

    def connect(self, fingerprint: Fingerprint | None = None) -> None:
        bench = self._bench
        bench.intake.add_address(self.address, self.name)
        expected = fingerprint or self.identity.fingerprint
        bench.perform(BeginHandshake(self.name, self.address, Setup.PASSIVE, (expected,)))
        for _ in range(2):
            for datagram in self.dtls.take():
                self.send(datagram)
            bench.read()
            for datagram in self.arrived():
                self.dtls.receive(datagram, 0.0)

    def send(self, datagram: bytes) -> None:
        self.socket.sendto(datagram, ("127.0.0.1", self._bench.port.number))

    def arrived(self) -> list[bytes]:
        datagrams = []
        while select.select([self.socket], [], [], 0.01)[0]:
            datagrams.append(self.socket.recv(2048))
        return datagrams

    def session(self, keys: SrtpKeys | None, direction: int) -> Session:
        assert keys is not None
        profile = PROFILES[keys.profile].libsrtp_profile
        return Session(Policy(key=keys.key_and_salt, ssrc_type=direction, srtp_profile=profile))

    @property
    def outbound(self) -> Session:
        return self.session(self.dtls.sending, Policy.SSRC_ANY_OUTBOUND)

    @property
    def inbound(self) -> Session:
        return self.session(self.dtls.receiving, Policy.SSRC_ANY_INBOUND)


def test_a_peer_is_secured_heard_and_reached(bench: Bench) -> None:
    peer = Peer(bench, "one")
    peer.connect()
    (secured,) = bench.core.of(Secured)
    assert secured == Secured("one", 0)
    outbound = peer.outbound
    peer.send(outbound.protect(rtp(1)))
    peer.send(outbound.protect_rtcp(REPORT))
    bench.read()
    assert bench.core.of(RtpArrived) == [RtpArrived("one", rtp(1))]
    assert bench.core.of(RtcpArrived) == [RtcpArrived("one", REPORT, peer.address)]
    audience = Viewers()
    audience.add(0)
    bench.perform(
        Mark(0, PERIOD, MARK),
        SendRtcp("one", REPORT),
        Forward((rtp(2), rtp(3)), audience, False, 7),
        Resend((rtp(2),), 0, 0),
    )
    while bench.shell.due < math.inf:
        assert bench.shell.send_slice(64, math.inf)
    report, again, copy, first, second = peer.arrived()
    inbound = peer.inbound
    assert inbound.unprotect_rtcp(report) == REPORT
    assert inbound.unprotect(again) == rtp(2, MARK)
    assert again == copy == first  # byte for byte
    assert inbound.unprotect(second) == rtp(3, MARK)
    assert bench.shell.not_taken == 0


def test_after_forget_the_peer_hears_close_notify_and_nothing_more(bench: Bench) -> None:
    peer = Peer(bench, "one")
    peer.connect()
    audience = Viewers()
    audience.add(0)
    bench.perform(Forget("one", Closing.DELETED), SendRtcp("one", REPORT), Resend((rtp(2),), 0))
    for datagram in peer.arrived():
        peer.dtls.receive(datagram, 0.0)
    assert peer.dtls.state is HandshakeState.CLOSED
    assert bench.shell.not_taken == COPIES
    bench.intake.remove_address(peer.address)
    peer.send(rtp(9))
    bench.read()
    assert bench.core.of(RtpArrived) == []


def test_a_moved_peer_is_reached_elsewhere(bench: Bench) -> None:
    peer, elsewhere = Peer(bench, "one"), Peer(bench, "one")
    peer.connect()
    bench.perform(Move("one", elsewhere.address), SendRtcp("one", REPORT), Move("unknown", elsewhere.address))
    assert len(elsewhere.arrived()) == 1
    assert peer.arrived() == []


def test_what_viewers_report_waits_and_a_publishers_clock_does_not(bench: Bench) -> None:
    viewer, publisher = Peer(bench, "viewer"), Peer(bench, "publisher")
    for peer in (viewer, publisher):
        peer.connect()
    outbound = publisher.outbound
    for data, peer in (
        (viewer.outbound.protect_rtcp(REPORT), viewer),
        (outbound.protect(rtp(1)), publisher),
        (outbound.protect_rtcp(REPORT), publisher),
    ):
        content = Content.RTP if data[1] == 96 else Content.RTCP
        bench.shell.arrived(Arrival(content, data, peer.address, peer.name), 1.0)
    assert bench.core.of(RtcpArrived) == [RtcpArrived("publisher", REPORT, publisher.address)]
    assert bench.shell.reports
    bench.shell.listen(1.0)
    assert bench.core.of(RtcpArrived)[1:] == [RtcpArrived("viewer", REPORT, viewer.address)]
    assert not bench.shell.reports


def test_a_report_of_a_viewer_who_left_is_not_listened_to(bench: Bench) -> None:
    viewer = Peer(bench, "viewer")
    viewer.connect()
    report = Arrival(Content.RTCP, viewer.outbound.protect_rtcp(REPORT), viewer.address, "viewer")
    bench.shell.arrived(report, 1.0)
    bench.perform(Forget("viewer", Closing.CLOSED))
    bench.work(1.0)
    assert bench.core.of(RtcpArrived) == []


def test_of_too_many_reports_the_oldest_are_lost(bench: Bench) -> None:
    viewer = Peer(bench, "viewer")
    viewer.connect()
    outbound = viewer.outbound
    first, last = outbound.protect_rtcp(REPORT), outbound.protect_rtcp(REPORT)
    for data in (first, *[bytes(40)] * (REPORTS - 1), last):
        bench.shell.arrived(Arrival(Content.RTCP, data, viewer.address, "viewer"), 1.0)
    heard = 0
    while bench.shell.reports:
        bench.shell.listen(1.0)
        heard += 1
    assert heard == REPORTS
    assert bench.core.of(RtcpArrived) == [RtcpArrived("viewer", REPORT, viewer.address)]


def test_rtcp_from_a_new_address_is_recognized(bench: Bench) -> None:
    peers = [Peer(bench, name) for name in ("one", "two", "three")]
    for peer in peers:
        peer.connect()
    elsewhere = Peer(bench, "")
    elsewhere.send(peers[1].outbound.protect_rtcp(REPORT))
    bench.read(now=1.0)
    assert bench.core.of(RtcpArrived) == [RtcpArrived("two", REPORT, elsewhere.address)]


def test_forged_rtcp_costs_no_more_than_its_budget(bench: Bench) -> None:
    peers = [Peer(bench, name) for name in ("one", "two")]
    for peer in peers:
        peer.connect()
    stranger: Address = ("127.0.0.1", 9)
    forged = REPORT + secrets.token_bytes(20)
    genuine = peers[1].outbound

    def arrives(data: bytes, now: float) -> None:
        bench.shell.arrived(Arrival(Content.RTCP, data, stranger, None), now)
        bench.work(now)

    for _ in range(TRIALS_AT_ONCE):
        arrives(forged, 1.0)
    arrives(genuine.protect_rtcp(REPORT), 1.0)
    assert bench.core.of(RtcpArrived) == []
    arrives(genuine.protect_rtcp(REPORT), 2.0)
    assert len(bench.core.of(RtcpArrived)) == 1


def test_few_packets_wait_for_their_trials(bench: Bench) -> None:
    Peer(bench, "one").connect()
    for _ in range(10 * MOVED):
        bench.shell.arrived(Arrival(Content.RTCP, REPORT + bytes(20), ("127.0.0.1", 9), None), 1.0)
    assert bench.work(1.0) == MOVED


def test_handshakes_wait_and_are_done_one_datagram_at_a_time(bench: Bench) -> None:
    peers = [Peer(bench, name) for name in ("one", "two")]
    for peer in peers:
        bench.intake.add_address(peer.address, peer.name)
        bench.perform(BeginHandshake(peer.name, peer.address, Setup.PASSIVE, (peer.identity.fingerprint,)))
        (hello,) = peer.dtls.take()
        bench.shell.arrived(Arrival(Content.DTLS, hello, peer.address, peer.name), 0.0)
    assert [peer.arrived() for peer in peers] == [[], []]
    bench.shell.work(0.0)
    assert [bool(peer.arrived()) for peer in peers] == [True, False]
    bench.shell.work(0.0)
    assert peers[1].arrived()
    assert not bench.shell.works


def test_nothing_is_sent_again_to_a_peer_whose_answer_waits(bench: Bench) -> None:
    peer = Peer(bench, "one")
    bench.intake.add_address(peer.address, "one")
    bench.perform(BeginHandshake("one", peer.address, Setup.PASSIVE, (peer.identity.fingerprint,)))
    (hello,) = peer.dtls.take()
    peer.send(hello)
    bench.read()
    for datagram in peer.arrived():
        peer.dtls.receive(datagram, 0.0)
    for answer in peer.dtls.take():
        bench.shell.arrived(Arrival(Content.DTLS, answer, peer.address, "one"), 0.1)
    bench.shell.tick(1.0)
    assert peer.arrived() == []
    bench.work(1.0)
    assert len(bench.core.of(Secured)) == 1


def test_a_flood_of_one_peers_handshake_is_bounded(bench: Bench) -> None:
    peer = Peer(bench, "one")
    bench.perform(BeginHandshake("one", peer.address, Setup.PASSIVE, (peer.identity.fingerprint,)))
    (hello,) = peer.dtls.take()
    for _ in range(10 * HANDSHAKES_EACH):
        bench.shell.arrived(Arrival(Content.DTLS, hello, peer.address, "one"), 0.0)
    bench.perform(Forget("one", Closing.DELETED))
    assert bench.work(0.0) == HANDSHAKES_EACH
    assert peer.arrived() == []  # it is gone
    bench.shell.arrived(Arrival(Content.DTLS, hello, peer.address, "one"), 0.0)
    assert not bench.shell.works


def test_unauthenticated_datagrams_leave_nothing_behind(bench: Bench) -> None:
    before = _holdings(bench.shell)
    stranger = Peer(bench, "")
    for first in range(256):
        for size in (0, 1, 11, 12, 13, 60, 1_200):
            stranger.send((bytes([first]) + secrets.token_bytes(1_200))[:size])
        bench.read()
    assert _holdings(bench.shell) == before
    assert bench.core.inputs == []
    assert stranger.arrived() == []


def _holdings(shell: Shell) -> dict[str, int]:
    """The size of everything that the shell holds."""
    return {name: len(value) for name, value in vars(shell).items() if hasattr(value, "__len__")}


def test_a_wrong_certificate_ends_the_peer(bench: Bench) -> None:
    peer = Peer(bench, "one")
    peer.connect(Fingerprint(algorithm="sha-256", value=":".join(["AB"] * 32)))
    (ended,) = bench.core.of(PeerEnded)
    assert isinstance(ended, PeerEnded)
    assert (ended.reason, ended.detail) == (Closing.HANDSHAKE, "the certificate is not the one of the offer")
    assert bench.core.of(Secured) == []


def test_a_handshake_that_nobody_answers_ends_after_ten_seconds(bench: Bench) -> None:
    peer = Peer(bench, "one")
    bench.perform(BeginHandshake("one", peer.address, Setup.ACTIVE, ()))
    for tenth in range(110):
        bench.shell.tick(tenth / 10)
    (ended,) = bench.core.of(PeerEnded)
    assert isinstance(ended, PeerEnded)
    assert ended.reason is Closing.HANDSHAKE
    assert peer.arrived()


def test_the_peers_close_notify_ends_it(bench: Bench) -> None:
    peer = Peer(bench, "one")
    peer.connect()
    peer.dtls.close()
    for datagram in peer.dtls.take():
        peer.send(datagram)
    bench.read()
    assert bench.core.of(PeerEnded) == [PeerEnded("one", Closing.CLOSED)]


def test_every_action_is_performed_before_the_next_input(bench: Bench) -> None:
    """A handshake that fails inside an action becomes an input after the other actions of the same input."""
    order: list[str] = []
    peer = Peer(bench, "one")

    def reply(one: Input) -> list[Action]:
        order.append(type(one).__name__)
        if isinstance(one, StunArrived):
            return [SendDatagram(b"first", peer.address), SendDatagram(b"second", peer.address)]
        return []

    bench.core.reply = reply
    bench.shell.arrived(Arrival(Content.STUN, STUN, peer.address, None), 0.0)
    bench.shell.tick(0.02)
    assert peer.arrived() == [b"first", b"second"]
    assert order == ["StunArrived", "Tick"]


def test_the_load_carries_cpu_time_and_what_the_kernel_did_not_take(bench: Bench) -> None:
    load = Load(
        at=1.0, publications=1, viewers=2, packets_in=3, packets_out=4, bytes_out=5, dropped={}, cpu_seconds=0.0
    )
    bench.perform(Tell(load), Resend((rtp(1),), 3), Tell(load))
    told, later = bench.told
    assert isinstance(told, Load)
    assert isinstance(later, Load)
    assert told.cpu_seconds == 4.5
    assert told.packets_out == 4
    assert (told.dropped, later.dropped) == ({}, {"not-taken": COPIES})
    stranger = Peer(bench, "")
    stranger.send(b"")
    bench.read()
    bench.perform(Tell(load))
    again = bench.told[-1]
    assert isinstance(again, Load)
    assert again.dropped == {"not-taken": COPIES, "unreadable": 1}


def test_shutting_down_closes_every_peer(bench: Bench) -> None:
    for name in ("one", "two"):
        Peer(bench, name).connect()
    bench.shell.shut_down(9.0)
    assert bench.core.of(Commanded) == [
        Commanded(ClosePeer(peer=name, reason=Closing.SHUTDOWN)) for name in ("one", "two")
    ]
    assert bench.core.of(Tick)
