from __future__ import annotations

import time

import pytest

from classroom.io.clock_time import AHEAD_AT_MOST, SystemClock


def test_both_scales_agree() -> None:
    clock = SystemClock()
    before, monotonic, after = clock.now(), time.monotonic(), clock.now()
    assert before - 1 <= clock.at(monotonic) <= after + 1
    assert abs(clock.now() - time.time_ns() // 1000) < 50_000


def test_a_clock_that_is_set_does_not_move_it(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = SystemClock()
    before = clock.now()
    real = time.time_ns
    monkeypatch.setattr(time, "time_ns", lambda: real() - 3_600_000_000_000)
    assert clock.now() >= before
    assert clock.drift() < -3599


def test_it_goes_on_from_where_the_ledger_ends() -> None:
    clock = SystemClock()
    clock.advance(clock.now() - 1)
    assert abs(clock.now() - time.time_ns() // 1000) < 50_000
    floor = clock.now() + 3_600_000_000
    clock.advance(floor)
    assert floor < clock.now() < floor + 1_000_000
    assert clock.at(time.monotonic()) > floor


def test_it_does_not_follow_a_ledger_into_another_age(caplog: pytest.LogCaptureFixture) -> None:
    clock = SystemClock()
    clock.advance(clock.now() + AHEAD_AT_MOST + 60_000_000)
    assert abs(clock.now() - time.time_ns() // 1000) < 50_000
    assert "set this machine's clock" in caplog.text
