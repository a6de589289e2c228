from __future__ import annotations

from collections import Counter

import pytest

from signaling.relay.layer import HELD, NO_KEY_FRAME, RESTS, RETURN, Layer, Line
from signaling.relay.limits import Limits
from signaling.relay.publication import Arrival, Track
from signaling.relay.ring import Kept
from signaling.session.offer import Codec, Kind

TRACK = Track(Kind.VIDEO, 1)


def layer(dropped: Counter[str] | None = None) -> Layer:
    return Layer(0, Kind.VIDEO, 5_000, Limits(), Counter() if dropped is None else dropped)


def arrival(
    number: int, starts: bool = False, codec: Codec = Codec.VP8, track: Track = TRACK, payload: bytes = b"x"
) -> Arrival:
    return Arrival(track, codec, number, 0, 0, payload, starts, None)


def test_it_follows_the_source_that_it_is_locked_on() -> None:
    one = layer()
    assert not one.follows(arrival(1))
    assert one.lock(arrival(1, starts=True))
    assert one.follows(arrival(2))
    assert not one.follows(arrival(2, track=Track(Kind.VIDEO, 2)))
    assert not one.follows(arrival(2, codec=Codec.H264))
    one.end("behind")
    assert not one.follows(arrival(3))
    assert not one.lock(arrival(4, starts=True))  # the same source again


def test_a_source_that_numbers_anew_is_another_one() -> None:
    one, track = layer(), Track(Kind.VIDEO, 1)
    one.lock(arrival(1, starts=True, track=track))
    track.reception.restarts += 1
    assert not one.follows(arrival(2, track=track))
    assert one.lock(arrival(2, starts=True, track=track))


def test_what_came_before_its_key_frame_follows_it_in_order_and_the_rest_is_counted() -> None:
    dropped = Counter[str]()
    one = layer(dropped)
    start = arrival(11, starts=True)
    for each in (arrival(10), arrival(13), arrival(12), start, arrival(14, codec=Codec.H264)):
        one.hold(each)
    one.lock(start)
    assert [each.number for each in one.held_from(start)] == [11, 12, 13]
    assert dropped == {NO_KEY_FRAME: 1}


def test_what_is_held_is_bounded_and_of_one_source() -> None:
    dropped = Counter[str]()
    one = layer(dropped)
    one.end("uplink")
    for number in range(HELD + 7):
        one.hold(arrival(number))
    assert dropped == {"uplink": 7}
    other = arrival(1, starts=True, track=Track(Kind.VIDEO, 2))
    one.hold(other)
    assert dropped == {"uplink": 7 + HELD}
    one.lock(other)
    assert one.held_from(other) == [other]


def test_a_layer_that_stopped_must_flow_a_while_before_it_is_used() -> None:
    dropped = Counter[str]()
    one = layer(dropped)
    one.lock(arrival(1, starts=True))
    one.stop()
    one.hold(arrival(2))
    one.drop_held()
    assert dropped == {RESTS: 1}
    one.arrived(arrival(3), 10.0)
    one.arrived(arrival(4), 11.0)
    assert not one.usable(10.0 + RETURN - 0.1)
    assert one.usable(10.0 + RETURN)


def test_its_bit_rate_is_measured_over_a_second() -> None:
    one = layer()
    one.measure(10.0)
    for hundredth in range(100):
        one.arrived(arrival(hundredth, payload=bytes(1_000)), 10.0 + hundredth / 100)
    one.measure(10.5)
    assert one.rate == 0.0
    one.measure(11.0)
    assert one.rate == 800_000


def test_a_key_frame_counts_its_packets_and_keeps_what_overtook_its_beginning() -> None:
    one = layer()
    one.lock(arrival(1, starts=True))
    one.numbering.reach(1)
    number = one.numbering.next
    for place in range(3):
        one.numbering.reach(1 + place)
        one.numbering.place(1 + place)
        one.ring.put(Kept(number + place, b"packet", Codec.VP8))
    one.begin_key_frame(number, 9_000, 0.0)
    for timestamp in (9_000, 9_000, 12_000):
        one.count(timestamp)
    assert one.key_packets == 2
    assert [kept.number for kept in one.group.packets] == [number, number + 1, number + 2]
    one.keep = False
    one.begin_key_frame(number + 3, 15_000, 0.2)
    assert not one.group.packets


@pytest.mark.parametrize("last", [1_000, 2**32 - 100])
def test_a_line_of_timestamps_goes_on_by_what_passed(last: int) -> None:
    line = Line(Kind.VIDEO, last)
    assert line.next(5.0) == last
    assert not line.strays(0, 5.0, 10.0)
    line.sent(last, 5.0)
    assert line.next(5.0) == (last + 1) & 0xFFFFFFFF
    assert line.next(6.0) == (last + 90_000) & 0xFFFFFFFF
    assert not line.strays((last + 5 * 90_000) & 0xFFFFFFFF, 6.0, 10.0)
    assert line.strays((last + 20 * 90_000) & 0xFFFFFFFF, 6.0, 10.0)
    line.sent((last - 3_000) & 0xFFFFFFFF, 5.5)  # of another layer: not remembered
    assert line.next(6.0) == (last + 90_000) & 0xFFFFFFFF
