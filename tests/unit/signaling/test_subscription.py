from __future__ import annotations

import pytest

from signaling.relay.subscription import REACH, VISITS, Subscription
from signaling.session.offer import Codec


def subscription() -> Subscription:
    return Subscription("p", "m", False, 0, {Codec.VP8: 96})


@pytest.mark.parametrize("number", [*range(0, 200_000, 997), 65_535, 65_536, 65_300, 131_000])
def test_nobody_begins_near_a_wrap(number: int) -> None:
    one = subscription()
    one.enter(0, number)
    assert REACH <= one.own(number) & 0xFFFF < 65_536 - REACH


@pytest.mark.parametrize("away", [1, 500, 20_000, 40_000, 65_536, 131_072, -4_000])
@pytest.mark.parametrize("begin", [5_000, 40_000])
def test_own_numbers_go_on_without_a_gap_wherever_a_viewer_enters(begin: int, away: int) -> None:
    one = subscription()
    one.enter(0, begin)
    one.leave(begin + 100)
    one.enter(1, begin + away)
    assert one.own(begin + away) == begin + 100
    assert one.offset == (100 - away) & 0xFFFF
    assert one.first == begin + away


def test_a_visit_in_which_nothing_was_sent_changes_nothing() -> None:
    one = subscription()
    one.enter(0, 5_000)
    one.leave(5_100)
    one.enter(1, 50_000)
    one.leave(50_000)
    one.enter(0, 5_200)
    assert one.own(5_200) == 5_100


def test_numbers_are_found_again_by_what_the_viewer_saw() -> None:
    one = subscription()
    one.enter(0, 60_000)
    for number in (60_000, 65_536, 70_000):
        named = one.named(one.own(number) & 0xFFFF, 70_001)
        assert named is not None
        assert (named.number, named.layer, named.present) == (number, 0, True)
    assert one.named(one.own(59_999) & 0xFFFF, 70_001) is None
    assert one.named(one.own(70_001) & 0xFFFF, 70_001) is None


def test_numbers_of_former_visits_are_found_where_they_were() -> None:
    one = subscription()
    one.enter(2, 10_000)
    one.leave(10_010)
    one.enter(0, 70_000)
    before, after = one.named(10_009, 70_005), one.named(10_010, 70_005)
    assert before is not None
    assert after is not None
    assert (before.layer, before.number, before.offset, before.present) == (2, 10_009, 0, False)
    assert (after.layer, after.number, after.present) == (0, 70_000, True)
    assert (after.number + after.offset) & 0xFFFF == 10_010


def test_visits_are_bounded() -> None:
    one = subscription()
    for turn in range(5 * VISITS):
        one.enter(turn % 2, 5_000 + 100 * turn)
        one.leave(5_010 + 100 * turn)
    one.enter(0, 50_000)
    assert one.named(5_000, 50_001) is None
    assert one.named(one.own(50_000) - 1 & 0xFFFF, 50_001) is not None
