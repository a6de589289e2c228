from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classroom.errors import UserError
from classroom.room.actions import Broadcast
from classroom.room.chat import HISTORY, MEMBER_BURST, ROOM_BURST, ChatLog, clean
from classroom.room.inputs import Person
from classroom.room.messages import Chat, Say

SECOND = 1_000_000
WEI = Person("m1", "张伟", "镇巴县 / 泾洋", "member")


def said(log: ChatLog, text: str, now: int, key: str | None = None, person: Person = WEI) -> Chat | None:
    actions = log.say(person, Say(text, key), now, now)
    if not actions:
        return None
    (action,) = actions
    assert isinstance(action, Broadcast)
    assert isinstance(action.message, Chat)
    log.keep(action.message)
    return action.message


def test_a_message_says_who_wrote_it() -> None:
    message = said(ChatLog(0), "大家好", 0)
    assert message is not None
    assert (message.name, message.branch, message.role, message.text) == ("张伟", "镇巴县 / 泾洋", "member", "大家好")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\u202eb\u2066c", "abc"),
        ("a\x00\x1b[31mb", "a[31mb"),
        ("第一行\n\n第二行\t完", "第一行 第二行 完"),
        ("\u200b \ufeff", ""),
        ("👨\u200d👩\u200d👧 好", "👨\u200d👩\u200d👧 好"),
        ("e\u0301", "é"),
        ("Z" + "\u0336" * 50, "Z" + "\u0336" * 3),
        ("\ud800x", "x"),
    ],
)
def test_what_could_disturb_other_lines_is_taken_out(text: str, shown: str) -> None:
    assert clean(text) == shown


@given(st.text(max_size=500))
def test_cleaning_is_idempotent_and_leaves_nothing_dangerous(text: str) -> None:
    once = clean(text)
    assert clean(once) == once
    assert not any(unicodedata.category(each) in ("Cc", "Cs") or "\u202a" <= each <= "\u202e" for each in once)


def test_text_that_is_empty_after_cleaning_is_refused() -> None:
    with pytest.raises(UserError, match="chat-empty"):
        said(ChatLog(0), "\u200b", 0)


def test_a_member_who_writes_too_fast_is_told_and_may_go_on_later() -> None:
    log = ChatLog(0)
    for _ in range(int(MEMBER_BURST)):
        said(log, "好", 0)
    with pytest.raises(UserError, match="chat-too-fast"):
        said(log, "好", 0)
    assert said(log, "好", 2 * SECOND) is not None


def test_the_room_has_a_limit_of_its_own() -> None:
    log = ChatLog(0)
    for number in range(int(ROOM_BURST)):
        said(log, "好", 0, person=Person(f"m{number}", "n", "b", "member"))
    with pytest.raises(UserError, match="chat-busy"):
        said(log, "好", 0)


def test_a_key_is_said_once_even_when_it_comes_again() -> None:
    log = ChatLog(0)
    assert said(log, "好", 0, "k") is not None
    assert said(log, "好", 1, "k") is None
    assert said(log, "好", 2, "k", Person("m2", "李娜", "", "member")) is not None


def test_a_refused_message_may_be_sent_again_with_its_key() -> None:
    log = ChatLog(0)
    for _ in range(int(MEMBER_BURST)):
        said(log, "好", 0)
    with pytest.raises(UserError):
        said(log, "好", 0, "k")
    assert said(log, "好", 10 * SECOND, "k") is not None


def test_the_last_fifty_are_kept() -> None:
    log = ChatLog(0)
    for number in range(HISTORY + 7):
        said(log, f"第{number}", number * 10 * SECOND)
    assert [message.text for message in log.history] == [f"第{number}" for number in range(7, HISTORY + 7)]
