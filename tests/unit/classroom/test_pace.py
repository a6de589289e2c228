from __future__ import annotations

import pytest

from classroom.room.inputs import Person
from classroom.room.pace import ATTEMPTS, MEMBER_BURST, ROOM_BURST, Pace

SECOND = 1_000_000
WEI = Person("m1", "张伟", "", "member")


def test_one_person_may_act_so_often_at_once_and_goes_on_later() -> None:
    pace = Pace(0)
    assert [pace.allows(WEI, 0, 0) for _ in range(int(MEMBER_BURST) + 1)] == [True] * int(MEMBER_BURST) + [False]
    assert pace.allows(Person("m2", "李娜", "", "member"), 0, 0)
    assert pace.allows(WEI, SECOND, SECOND)


def test_everybody_may_act_at_once_but_not_without_end() -> None:
    pace = Pace(0)
    acted = sum(pace.allows(Person(f"m{number}", "", "", "member"), 0, 0) for number in range(int(ROOM_BURST) + 100))
    assert acted == ROOM_BURST


@pytest.mark.parametrize("role", ["host", "lecturer", "operator"])
def test_those_who_keep_order_are_not_held_up(role: str) -> None:
    pace = Pace(0)
    assert all(pace.allows(Person("h", "", "", role), 0, 0) for _ in range(1_000))


def test_a_few_attempts_of_one_person_are_kept() -> None:
    pace = Pace(0)
    assert sum(pace.worth_keeping("m1", 0) for _ in range(100)) == ATTEMPTS
    assert pace.worth_keeping("m2", 0)
    assert pace.worth_keeping("m1", 60 * SECOND)
