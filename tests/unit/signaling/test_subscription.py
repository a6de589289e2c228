from __future__ import annotations

import pytest

from signaling.relay.subscription import REACH, Subscription
from signaling.session.offer import Codec


def subscription() -> Subscription:
    return Subscription("p", "m", False, 0, {Codec.VP8: 96})


@pytest.mark.parametrize("number", [*range(0, 200_000, 997), 65_535, 65_536, 65_300, 131_000])
def test_nobody_begins_near_a_wrap(number: int) -> None:
    one = subscription()
    one.enter(number)
    assert REACH <= one.sent(number) < 65_536 - REACH


@pytest.mark.parametrize("away", [1, 500, 20_000, 30_000, 31_000, 40_000, 65_000, 65_536, 66_000, 100_000, 131_072])
@pytest.mark.parametrize("begin", [5_000, 40_000])
def test_who_returns_goes_on_well_ahead_of_what_was_sent(begin: int, away: int) -> None:
    one = subscription()
    one.enter(begin)
    one.leave(begin + 100)
    last = one.sent(begin + 99)
    one.enter(begin + 99 + away)
    ahead = (one.sent(begin + 99 + away) - last) & 0xFFFF
    assert ahead == away or REACH <= ahead < 1 << 15


def test_a_visit_in_which_nothing_was_sent_changes_nothing() -> None:
    one = subscription()
    one.enter(5_000)
    one.leave(5_100)
    line = one.line
    one.enter(50_000)
    assert one.line != line
    one.leave(50_000)
    one.enter(5_200)
    assert one.line == line


def test_numbers_are_found_again_by_what_the_viewer_saw() -> None:
    one = subscription()
    one.enter(65_000)
    for number in (65_000, 65_536, 70_000):
        assert one.number(one.sent(number), 70_001) == number
    assert one.number(one.sent(64_999), 70_001) is None
    assert one.number(one.sent(70_001), 70_001) is None
