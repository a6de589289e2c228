from __future__ import annotations

import pytest

from classroom.errors import UserError
from classroom.room.hand import AWAY_FOR, QUEUE, RAISES, SHOWN, HandQueue
from classroom.room.inputs import Person
from classroom.room.messages_stage import HandState

SECOND = 1_000_000


def person(number: int) -> Person:
    return Person(f"m{number}", f"名{number}", "镇巴县", "member")


def test_longest_waiting_first_and_each_once() -> None:
    queue = HandQueue()
    for number in (3, 1, 2, 3):
        queue.put_up(person(number), number)
    view = queue.view()
    assert view.count == 3
    assert [hand.member for hand in view.hands] == ["m3", "m1", "m2"]
    assert [queue.state(member).position for member in ("m3", "m1", "m2", "m9")] == [1, 2, 3, None]


def test_positions_are_told_where_they_changed() -> None:
    queue = HandQueue()
    for number in range(4):
        queue.put_up(person(number), 0)
        queue.state(f"m{number}")
    assert queue.moved() == []
    queue.lower("m1")
    assert queue.moved() == [("m2", HandState(True, 2)), ("m3", HandState(True, 3))]
    assert queue.moved() == []
    assert queue.state("m1") == HandState(False, None)
    assert queue.lower("m1") is None


def test_who_is_away_for_a_minute_has_no_hand() -> None:
    queue = HandQueue()
    for number in range(3):
        queue.put_up(person(number), 0)
        queue.went(f"m{number}", 10)
    queue.went("m0", 20)  # their other page
    queue.came("m1")
    assert queue.overdue(10 + AWAY_FOR) == []
    assert queue.overdue(11 + AWAY_FOR) == ["m0", "m2"]


def test_up_and_down_without_end_is_refused() -> None:
    queue = HandQueue()
    for _ in range(int(RAISES)):
        queue.put_up(person(1), 0)
        queue.lower("m1")
    with pytest.raises(UserError, match="hand-too-fast"):
        queue.put_up(person(1), 0)
    assert queue.put_up(person(1), 5 * SECOND)


def test_a_room_full_of_hands() -> None:
    queue = HandQueue()
    for number in range(QUEUE):
        queue.put_up(person(number), number)
    with pytest.raises(UserError, match="hands-full"):
        queue.put_up(person(QUEUE), 0)
    assert queue.view().count == QUEUE
    assert len(queue.view().hands) == SHOWN
