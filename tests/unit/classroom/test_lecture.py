from __future__ import annotations

import itertools

import pytest

from attendance.facts import LectureMoved, LectureState
from classroom.room.actions import Action, Broadcast, Record
from classroom.room.lecture import INTERRUPTED_AFTER, LOBBY_BEFORE, TRANSITIONS, Life, Trigger
from classroom.room.messages import LectureChanged

SECOND = 1_000_000
NOW = 1_800_000_000 * SECOND


def moves(actions: list[Action]) -> list[tuple[LectureState, str]]:
    """What was recorded; each move is told to everybody, too."""
    recorded = [each.body for each in actions if isinstance(each, Record)]
    told = [each.message for each in actions if isinstance(each, Broadcast)]
    assert all(isinstance(each, LectureChanged) for each in told)
    assert len(recorded) == len(told)
    return [(body.state, body.cause) for body in recorded if isinstance(body, LectureMoved)]


@pytest.mark.parametrize(("state", "trigger"), list(itertools.product(LectureState, Trigger)))
def test_every_pair_is_a_transition_or_changes_nothing(state: LectureState, trigger: Trigger) -> None:
    life = Life(None, state, 1)
    actions = life.move(trigger, NOW)
    wanted = TRANSITIONS.get((state, trigger))
    assert life.state is (wanted or state)
    assert bool(actions) is (wanted is not None)
    assert life.since == (NOW if wanted else 1)


def test_a_finished_lecture_never_moves_by_itself_or_by_media() -> None:
    for state in (LectureState.ENDED, LectureState.PUBLISHED):
        assert not any(source is state for source, _ in TRANSITIONS)


def test_the_lobby_opens_half_an_hour_before_the_start() -> None:
    life = Life(NOW + LOBBY_BEFORE + 1)
    assert moves(life.tick(NOW, False, 0)) == []
    assert moves(life.tick(NOW + 1, False, 0)) == [(LectureState.LOBBY, "doors-open")]


def test_a_picture_before_the_start_is_a_rehearsal() -> None:
    life = Life(NOW)
    assert moves(life.tick(NOW - SECOND, True, None)) == [(LectureState.LOBBY, "doors-open")]
    assert life.rehearsing(NOW - SECOND)
    assert moves(life.tick(NOW, True, None)) == [(LectureState.LIVE, "first-picture")]


def test_without_a_planned_start_the_first_picture_begins_it() -> None:
    life = Life(None)
    assert not life.rehearsing(NOW)
    assert moves(life.tick(NOW, True, None))[-1] == (LectureState.LIVE, "first-picture")


def test_the_button_begins_it_early_and_says_who_pressed() -> None:
    life = Life(NOW + 60 * SECOND, LectureState.LOBBY)
    (fact,) = [each.body for each in life.move(Trigger.BUTTON, NOW, "lecturer-1") if isinstance(each, Record)]
    assert fact == LectureMoved(LectureState.LIVE, "button", "lecturer-1")
    assert not life.rehearsing(NOW)


def test_five_seconds_of_nothing_interrupt_and_media_resumes() -> None:
    life = Life(None, LectureState.LIVE, NOW)
    silent = NOW + 10 * SECOND
    assert moves(life.tick(silent + INTERRUPTED_AFTER - 1, False, silent)) == []
    assert moves(life.tick(silent + INTERRUPTED_AFTER, False, silent)) == [(LectureState.INTERRUPTED, "nothing-flows")]
    assert moves(life.tick(silent + 9 * SECOND, False, None)) == [(LectureState.LIVE, "media-again")]


def test_silence_before_the_start_does_not_count_as_an_interruption() -> None:
    life = Life(None, LectureState.LOBBY)
    life.move(Trigger.BUTTON, NOW)
    assert moves(life.tick(NOW + INTERRUPTED_AFTER - 1, False, 0)) == []
