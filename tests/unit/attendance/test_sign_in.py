from __future__ import annotations

import pytest

from attendance.interval import Span
from attendance.sign_in import EXTENDED_AT_MOST, SignIn, grown

S = 1_000_000
ASKED = SignIn(1_000 * S, "r1", 1_090 * S)


@pytest.mark.parametrize(
    ("connected", "until"),
    [
        ([], 1_090),
        ([(0, 5_000)], 1_090),
        ([(0, 1_030), (1_100, 5_000)], 1_160),
        ([(0, 1_030), (1_040, 1_060), (1_200, 5_000)], 1_240),
        ([(0, 1_000), (1_100, 5_000)], 1_190),
        ([(0, 1_030)], 1_090 + EXTENDED_AT_MOST // S),
        ([(0, 1_030), (1_680, 5_000)], 1_690),
        ([(0, 500)], 1_690),
    ],
)
def test_the_window_stands_still_while_nobody_is_connected(connected: list[tuple[int, int]], until: int) -> None:
    spans = [Span(start * S, end * S) for start, end in connected]
    assert grown(ASKED, spans).until == until * S
