from __future__ import annotations

from signaling.relay.quality import Allowance


def test_a_burst_and_then_the_rate() -> None:
    allowance = Allowance(rate=10.0, burst=5.0)
    assert sum(allowance.take(0.0) for _ in range(20)) == 5
    assert sum(allowance.take(0.3) for _ in range(20)) == 3
    assert sum(allowance.take(100.0) for _ in range(20)) == 5


def test_over_time_no_more_than_the_rate() -> None:
    allowance = Allowance(rate=100.0, burst=10.0)
    taken = sum(allowance.take(millisecond / 1000) for millisecond in range(10_000))
    assert taken <= 1_010
