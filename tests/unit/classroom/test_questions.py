from __future__ import annotations

import itertools

import pytest

from classroom.errors import UserError
from classroom.room.actions import Action, Broadcast, Keep, TellMember, TellThose
from classroom.room.inputs import Person
from classroom.room.journal import Asked, QuestionSet
from classroom.room.messages_talk import Ask, QuestionMoved, QuestionsAsked, QuestionState
from classroom.room.questions import MOVES, SHOWN, WAITING, WAITING_EACH, Questions

SECOND = 1_000_000
WEI = Person("m1", "张伟", "镇巴县", "member")
DEAN = Person("d", "李教授", "", "lecturer")
S = QuestionState


def ask(
    questions: Questions, text: str = "为什么？", now: int = 0, person: Person = WEI, key: str | None = None
) -> str:
    entry = questions.draft(person, Ask(text, key), now, now)
    assert entry is not None
    questions.ask(entry, now)
    return entry.id


def moved(actions: list[Action]) -> list[S]:
    every = [each.message for each in actions if isinstance(each, Broadcast)]
    return [each.question.state for each in every if isinstance(each, QuestionMoved)]


def test_a_question_waits_seen_by_who_asked_and_by_those_who_keep_order() -> None:
    questions = Questions(0)
    entry = questions.draft(WEI, Ask("为什么？"), 5 * SECOND, 5 * SECOND)
    assert entry is not None
    to_member, keep = questions.ask(entry, 5 * SECOND)
    assert isinstance(to_member, TellMember)
    assert isinstance(to_member.message, QuestionsAsked)
    assert (to_member.member, [each.text for each in to_member.message.questions]) == ("m1", ["为什么？"])
    assert keep == Keep(Asked("q1", "m1", "张伟", "镇巴县", "member", "为什么？"), "m1")
    (to_those,) = questions.tick(5 * SECOND)
    assert to_those == TellThose("oversee", questions.waiting())
    assert questions.tick(6 * SECOND) == []
    assert questions.shown == ()
    assert questions.waiting("m2").questions == ()


def test_who_oversees_is_told_of_all_not_of_their_own() -> None:
    questions = Questions(0)
    entry = questions.draft(DEAN, Ask("有问题吗？"), 0, 0)
    assert entry is not None
    assert [type(each) for each in questions.ask(entry, 0)] == [Keep]


def test_many_who_ask_at_once_make_one_list_a_second() -> None:
    questions = Questions(0)
    lists = 0
    for number in range(60):
        now = 100 * SECOND + number * SECOND // 12
        ask(questions, now=now, person=Person(f"m{number}", "n", "b", "member"))
        lists += len(questions.tick(now))
    assert lists == 5
    assert len(questions.tick(200 * SECOND)) == 1
    assert questions.tick(300 * SECOND) == []


def test_a_long_list_is_told_less_often() -> None:
    questions = Questions(0)
    for number in range(100):
        ask(questions, now=number * SECOND, person=Person(f"m{number}", "n", "b", "member"))
    assert questions.tick(1_000 * SECOND)
    ask(questions, now=1_000 * SECOND)
    assert questions.tick(1_002 * SECOND) == []
    assert questions.tick(1_003 * SECOND)


@pytest.mark.parametrize(("before", "after"), list(itertools.product(S, S)))
def test_a_question_moves_by_its_table(before: S, after: S) -> None:
    if before is S.DISMISSED or after is S.ASKED:
        return  # forgotten, and no message says so
    questions = Questions(0)
    asked = ask(questions)
    if before is not S.ASKED:
        questions.move(asked, before, "h")
    actions = questions.move(asked, after, "h")
    if after not in MOVES[before]:
        assert actions == []
        return
    assert Keep(QuestionSet(asked, after), "h") in actions
    shown = [each.state for each in questions.shown]
    assert shown == ([] if after is S.DISMISSED else [after])
    assert moved(actions) == ([] if (before, after) == (S.ASKED, S.DISMISSED) else [after])
    waiting = [each for each in actions if isinstance(each, TellMember | TellThose)]
    assert [each.message for each in waiting] == ([QuestionsAsked(())] * 2 if before is S.ASKED else [])


def test_a_question_that_is_gone_cannot_be_moved() -> None:
    questions = Questions(0)
    asked = ask(questions)
    questions.move(asked, S.DISMISSED, "h")
    for name in (asked, "q7"):
        with pytest.raises(UserError, match="no-such-question"):
            questions.move(name, S.PUBLISHED, "h")


def test_one_in_twenty_seconds_and_five_that_wait() -> None:
    questions = Questions(0)
    ask(questions)
    with pytest.raises(UserError, match="ask-too-fast"):
        ask(questions, now=19 * SECOND)
    for number in range(1, WAITING_EACH):
        ask(questions, now=number * 20 * SECOND)
    with pytest.raises(UserError, match="ask-enough"):
        ask(questions, now=1_000 * SECOND)
    questions.move("q1", S.PUBLISHED, "h")
    ask(questions, now=1_000 * SECOND)


def test_a_key_is_asked_once() -> None:
    questions = Questions(0)
    ask(questions, key="k")
    assert questions.draft(WEI, Ask("为什么？", "k"), 60 * SECOND, 60 * SECOND) is None


def test_those_that_wait_and_those_that_are_shown_are_bounded() -> None:
    questions = Questions(0)
    for number in range(SHOWN + 10):
        asked = ask(questions, now=number * SECOND, person=Person(f"m{number}", "n", "b", "member"))
        questions.move(asked, S.ANSWERED if number == 5 else S.PUBLISHED, "h")
    assert len(questions.shown) == SHOWN
    assert [each.id for each in questions.shown][:6] == ["q11", "q12", "q13", "q14", "q15", "q16"]
    for number in range(WAITING):
        ask(questions, now=(SHOWN + 10 + number) * SECOND, person=Person(f"n{number}", "n", "b", "member"))
    with pytest.raises(UserError, match="ask-full"):
        ask(questions, now=10_000 * SECOND)
