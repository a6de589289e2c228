"""Peers that move, and strangers that pretend to."""

from __future__ import annotations

from random import Random

import pytest

from signaling.control import PeerConnected
from signaling.relay.actions import Move, RtcpArrived, SendDatagram, StunArrived
from signaling.session.offer import Kind
from tests.sim.simulated_evening import Evening

STRANGER = ("203.0.113.9", 6666)


def test_a_viewer_whose_address_changes_is_followed() -> None:
    evening = Evening()
    evening.publish("p")
    viewer = evening.watch("a")
    evening.time.run(2)
    connection = evening.connections["a"]
    connection.address = ("198.51.100.99", 2222)
    evening.time.run(3)
    assert connection.sent_to == connection.address
    assert evening.known.addresses[connection.address] == "a"
    received = viewer.of("lecturer", Kind.VIDEO)
    assert received.times[-1] > evening.time.now - 0.1
    assert len(evening.told(PeerConnected, "a")) == 1


def test_an_srtcp_packet_from_a_new_address_starts_the_check() -> None:
    evening = Evening()
    evening.publish("p")
    evening.watch("a")
    evening.time.run(2)
    actions = evening.relay.receive(RtcpArrived("a", b"\x80\xc9\x00\x01\x00\x00\x00\x01" * 12, STRANGER), 1002.0)
    assert [action.destination for action in actions if isinstance(action, SendDatagram)] == [STRANGER]


def test_an_address_that_does_not_answer_gets_at_most_three_times_what_it_sent() -> None:
    evening = Evening()
    evening.publish("p")
    evening.watch("a")
    evening.time.run(2)
    ice = evening.connections["a"].ice
    received = 0
    for _ in range(40):
        data = ice.check()
        received += len(data)
        evening.feed(StunArrived(data, STRANGER))
        evening.time.run(0.1)
        assert evening.sent_bytes.get(STRANGER, 0) <= 3 * received
    assert evening.sent_bytes[STRANGER] > 0
    assert evening.connections["a"].sent_to == evening.connections["a"].address


def test_a_forged_answer_moves_nobody() -> None:
    evening = Evening()
    evening.watch("a")
    evening.time.run(1)
    ice = evening.connections["a"].ice
    actions = evening.relay.receive(StunArrived(ice.check(), STRANGER), evening.time.now)
    check = next(action.data for action in reversed(actions) if isinstance(action, SendDatagram))
    answer = ice.receive(check, STRANGER)
    assert answer is not None
    forged = answer[:-1] + bytes([answer[-1] ^ 1])
    assert evening.relay.receive(StunArrived(forged, STRANGER), evening.time.now) == []
    elsewhere = evening.relay.receive(StunArrived(answer, ("203.0.113.10", 1)), evening.time.now)
    assert elsewhere == []
    assert evening.relay.receive(StunArrived(answer, STRANGER), evening.time.now) == [Move("a", STRANGER)]


@pytest.mark.parametrize("seed", range(3))
def test_what_does_not_authenticate_allocates_nothing_and_is_not_answered(seed: int) -> None:
    evening = Evening()
    evening.publish("p")
    evening.watch("a")
    evening.time.run(1)
    relay, random = evening.relay, Random(seed)
    ice = evening.connections["a"].ice
    state = sizes(relay)
    for number in range(300):
        data = bytearray(ice.check())
        data[random.randrange(len(data))] ^= 1 << random.randrange(8)
        if number % 3 == 0:
            data = bytearray(random.randbytes(random.randrange(200)))
        assert relay.receive(StunArrived(bytes(data), ("203.0.113.1", 1000 + number)), evening.time.now) == []
        assert ("203.0.113.1", 1000 + number) not in evening.known.addresses
    assert sizes(relay) == state


def sizes(found: object, depth: int = 4) -> dict[str, object]:
    """How many entries every container below an object has; counters of what was dropped aside."""
    result: dict[str, object] = {}
    for name, value in vars(found).items() if hasattr(found, "__dict__") else ():
        if isinstance(value, dict | list | set):
            result[name] = len(value)
        elif depth and type(value).__module__.startswith("signaling.relay"):
            result[name] = sizes(value, depth - 1)
    return result
