from __future__ import annotations

import pytest

from classroom.nodes.lease import RECLAIM, Last, Verdict, judge
from classroom.nodes.wire import Home

ME = ("b", "b1")
OTHER = Home("a", "a1", 4, "https://a.example")


@pytest.mark.parametrize(
    ("found", "lapsed", "last", "absent", "verdict"),
    [
        (OTHER, False, None, 0.0, Verdict.FOLLOW),
        (Home("b", "b1", 4, ""), False, None, 0.0, Verdict.HOLD),
        (Home("b", "b0", 4, ""), False, None, 0.0, Verdict.DISPLACE),
        (None, False, None, 0.0, Verdict.TAKE),
        (None, False, Last(4, "a", "a1", held=False), 0.0, Verdict.TAKE),
        (None, False, Last(4, "b", "b0", held=True), 0.0, Verdict.TAKE),
        (None, True, Last(4, "a", "a1", held=True), 0.0, Verdict.TAKE),
        (None, False, Last(4, "a", "a1", held=True), 0.0, Verdict.WAIT),
        (None, False, Last(4, "a", "a1", held=True), RECLAIM, Verdict.TAKE),
    ],
)
def test_who_becomes_home(found: Home | None, lapsed: bool, last: Last | None, absent: float, verdict: Verdict) -> None:
    assert judge(ME, found, lapsed, last, absent) is verdict
