"""Transport-wide feedback, read back by a decoder written from the draft (draft-holmer-…-01, §3.1)."""

from __future__ import annotations

from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signaling.relay.transport_feedback import MOST, SPAN, TransportFeedback, pack_transport_feedback


class Report(NamedTuple):
    sender: int
    ssrc: int
    base: int
    nth: int
    ticks: list[int | None]  # of 250 µs, from the reference time's zero on


def read(message: bytes) -> Report:
    assert message[0] == 0x80 | 15
    assert message[1] == 205
    assert int.from_bytes(message[2:4], "big") == len(message) // 4 - 1
    assert len(message) % 4 == 0
    sender, ssrc = int.from_bytes(message[4:8], "big"), int.from_bytes(message[8:12], "big")
    base, statuses = int.from_bytes(message[12:14], "big"), int.from_bytes(message[14:16], "big")
    reference, count = int.from_bytes(message[16:19], "big", signed=True), message[19]
    symbols: list[int] = []
    place = 20
    while len(symbols) < statuses:
        chunk = int.from_bytes(message[place : place + 2], "big")
        place += 2
        if chunk >> 15 == 0:
            symbols += [chunk >> 13] * (chunk & 0x1FFF)
        elif chunk >> 14 == 0b10:
            symbols += [chunk >> shift & 1 for shift in range(13, -1, -1)]
        else:
            symbols += [chunk >> shift & 3 for shift in range(12, -1, -2)]
    assert symbols[statuses:] == [0] * (len(symbols) - statuses)
    time = reference * 256
    ticks: list[int | None] = []
    for symbol in symbols[:statuses]:
        size = (0, 1, 2)[symbol]
        if symbol:
            time += int.from_bytes(message[place : place + size], "big", signed=symbol == 2)
        ticks.append(time if symbol else None)
        place += size
    assert place <= len(message)
    assert not any(message[place:])
    return Report(sender, ssrc, base, count, ticks)


@given(
    st.integers(0, 0xFFFF),
    st.integers(0, 1 << 30),
    st.lists(st.one_of(st.none(), st.integers(-0x8000, 0x7FFF), st.integers(0, 255)), max_size=300),
)
@settings(max_examples=300, deadline=None)
def test_what_is_written_is_read(base: int, first: int, steps: list[int | None]) -> None:
    ticks: list[int | None] = [first]
    last = first
    for step in steps:
        last = last + (step or 0)
        ticks.append(None if step is None else last)
    found = read(pack_transport_feedback(7, 9, base, ticks, 300))
    wrap = 1 << 31  # the reference time has 24 bits, of 64 ms
    assert found[:4] == (7, 9, base, 300 & 0xFF)
    assert [tick is None for tick in found.ticks] == [tick is None for tick in ticks]
    pairs = zip(ticks, found.ticks, strict=True)
    assert all((ours - theirs) % wrap == 0 for ours, theirs in pairs if ours is not None and theirs is not None)


def test_runs_are_short() -> None:
    message = pack_transport_feedback(1, 2, 0, [0, *[None] * 5_000, 1], 0)
    assert len(message) <= 28
    assert read(message).ticks == [0, *[None] * 5_000, 1]


def run(feedback: TransportFeedback, arrivals: list[tuple[int, float]]) -> list[Report]:
    found: list[Report] = []
    for number, at in arrivals:
        feedback.arrived(number & 0xFFFF, 9, at)
        found += map(read, feedback.take(7, at))
    return found


def test_a_message_every_100_ms_that_speaks_of_every_number() -> None:
    arrivals = [(65_500 + place, 1.0 + place / 100) for place in range(100) if place % 10 != 3]
    found = run(TransportFeedback(), arrivals)
    assert 8 <= len(found) <= 10
    assert [one.nth for one in found] == list(range(len(found)))
    told: dict[int, int | None] = {}
    for one in found:
        assert (one.sender, one.ssrc) == (7, 9)
        told.update({(one.base + place) & 0xFFFF: tick for place, tick in enumerate(one.ticks)})
    assert len(told) > 80
    assert list(told) == [(65_500 + place) & 0xFFFF for place in range(len(told))]
    for place, tick in enumerate(told.values()):
        assert (tick is None) is (place % 10 == 3)
        assert tick is None or tick == round((1.0 + place / 100) * 4000)


def test_nothing_is_told_where_nothing_came() -> None:
    feedback = TransportFeedback()
    assert feedback.take(7, 5.0) == []
    feedback.arrived(1, 9, 5.0)
    assert len(feedback.take(7, 5.2)) == 1
    assert feedback.take(7, 6.0) == []


def test_a_late_packet_is_reported_again_and_alone() -> None:
    feedback = TransportFeedback()
    for number in (1, 2, 4):
        feedback.arrived(number, 9, 1.0)
    assert [tick is None for tick in read(feedback.take(7, 1.1)[0]).ticks] == [False, False, True, False]
    feedback.arrived(5, 9, 1.11)
    feedback.arrived(3, 9, 1.12)
    late, fresh = map(read, feedback.take(7, 1.25))
    assert (late.base, len(late.ticks)) == (3, 1)
    assert (fresh.base, len(fresh.ticks)) == (5, 1)


def test_a_pause_longer_than_a_delta_begins_another_message() -> None:
    feedback = TransportFeedback()
    feedback.arrived(1, 9, 1.0)
    feedback.arrived(2, 9, 11.0)
    assert [(one.base, len(one.ticks)) for one in map(read, feedback.take(7, 11.0))] == [(1, 1), (2, 1)]


def test_a_duplicate_counts_once() -> None:
    feedback = TransportFeedback()
    feedback.arrived(1, 9, 1.0)
    feedback.arrived(1, 9, 1.05)
    assert read(feedback.take(7, 1.1)[0]).ticks == [4000]


@pytest.mark.parametrize("step", [SPAN + 1, 0x8000, -SPAN - 1])
def test_a_jump_begins_anew(step: int) -> None:
    feedback = TransportFeedback()
    feedback.arrived(30_000, 9, 1.0)
    feedback.arrived(30_000 + step, 9, 1.01)
    assert [(one.base, len(one.ticks)) for one in map(read, feedback.take(7, 1.2))] == [((30_000 + step) & 0xFFFF, 1)]


@given(st.lists(st.tuples(st.integers(0, 0xFFFF), st.floats(0, 0.05)), max_size=600))
@settings(max_examples=50, deadline=None)
def test_hostile_numbers_cost_little(arrivals: list[tuple[int, float]]) -> None:
    feedback = TransportFeedback()
    now = 0.0
    for number, passed in arrivals:
        now += passed
        feedback.arrived(number, 9, now)
        messages = feedback.take(7, now)
        assert len(messages) <= MOST
        assert all(len(message) < 1_200 for message in messages)
        for message in messages:
            read(message)
