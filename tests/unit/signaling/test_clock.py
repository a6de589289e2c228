from __future__ import annotations

import pytest

from signaling.relay.clock import Origin, SourceClock, signed


def test_signed_is_the_short_way_round() -> None:
    assert signed(5 - 0xFFFFFFFF) == 6
    assert signed(0xFFFFFFFF - 5) == -6


def test_the_earliest_arrival_says_most() -> None:
    clock = SourceClock(90_000)
    clock.arrived(0, 10.5)
    clock.arrived(9_000, 10.52)
    clock.arrived(18_000, 10.9)
    assert clock.time(9_000) == pytest.approx(10.52)
    assert clock.timestamp(10.62) == 18_000


def test_a_report_overrules_arrivals() -> None:
    clock = SourceClock(48_000)
    assert clock.timestamp(0.0) is None
    clock.arrived(0, 10.5)
    clock.reported(48_000, 11.0)
    clock.arrived(96_000, 11.2)
    assert clock.time(96_000) == pytest.approx(12.0)


def test_timestamps_that_begin_anew_are_followed() -> None:
    clock = SourceClock(90_000)
    clock.arrived(0, 10.0)
    clock.arrived(3_000_000_000, 10.1)
    assert clock.time(3_000_000_000) == pytest.approx(10.1)


def test_timestamps_wrap() -> None:
    clock = SourceClock(90_000)
    clock.arrived(0xFFFFFFFF, 10.0)
    assert clock.timestamp(11.0) == 89_999


def test_one_origin_for_both_media_takes_the_least_delay() -> None:
    origin = Origin()
    assert origin.place(5_000.0, 10.3) == pytest.approx(10.3)
    assert origin.place(5_001.0, 11.1) == pytest.approx(11.1)
    assert origin.place(5_002.0, 12.9) == pytest.approx(12.1)


def test_a_clock_set_anew_is_followed() -> None:
    origin = Origin()
    origin.place(5_000.0, 10.0)
    assert origin.place(4_000.0, 11.0) == pytest.approx(11.0)
    assert origin.place(9_000.0, 12.0) == pytest.approx(12.0)
