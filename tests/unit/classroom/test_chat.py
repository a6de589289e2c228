from __future__ import annotations

import pytest

from classroom.errors import UserError
from classroom.room.actions import Broadcast, Rewrite
from classroom.room.chat import DELETED, HISTORY, LINES, MEMBER_BURST, ROOM_BURST, ChatLog
from classroom.room.inputs import Person
from classroom.room.messages_talk import Chat, ChatDeleted, Quoted, Say

SECOND = 1_000_000
WEI = Person("m1", "张伟", "镇巴县 / 泾洋", "member")
NA = Person("m2", "李娜", "", "member")


def say(
    log: ChatLog,
    text: str,
    now: int,
    key: str | None = None,
    person: Person = WEI,
    reply: str | None = None,
    slow: int = 0,
) -> Chat | None:
    """As the room does it, numbered."""
    entry = log.draft(person, Say(text, key, reply), slow, now, now)
    if entry is None:
        return None
    message = log.say(entry, now, now)[0]
    assert isinstance(message, Broadcast)
    assert isinstance(message.message, Chat)
    numbered = Chat(
        int(entry.id[1:]),
        *(getattr(message.message, name) for name in ("id", "name", "branch", "role", "text", "at", "key", "reply")),
    )
    log.number(numbered)
    return numbered


def test_a_message_says_who_wrote_it() -> None:
    message = say(ChatLog(0), "大家好", 0)
    assert message is not None
    assert (message.name, message.branch, message.role, message.text) == ("张伟", "镇巴县 / 泾洋", "member", "大家好")


def test_text_that_is_empty_after_cleaning_is_refused() -> None:
    with pytest.raises(UserError, match="chat-empty"):
        say(ChatLog(0), "\u200b", 0)


def test_a_member_who_writes_too_fast_is_told_and_may_go_on_later() -> None:
    log = ChatLog(0)
    for _ in range(int(MEMBER_BURST)):
        say(log, "好", 0)
    with pytest.raises(UserError, match="chat-too-fast"):
        say(log, "好", 0)
    assert say(log, "好", 2 * SECOND) is not None


def test_the_room_has_a_limit_of_its_own_which_does_not_silence_the_host() -> None:
    log = ChatLog(0)
    for number in range(int(ROOM_BURST)):
        say(log, "好", 0, person=Person(f"m{number}", "n", "b", "member"))
    with pytest.raises(UserError, match="chat-busy"):
        say(log, "好", 0)
    assert say(log, "请安静", 0, person=Person("h", "主持", "", "host")) is not None


def test_in_slow_mode_a_member_waits() -> None:
    log = ChatLog(0)
    assert say(log, "一", 0, slow=30) is not None
    with pytest.raises(UserError, match="chat-slow"):
        say(log, "二", 29 * SECOND, slow=30)
    assert say(log, "别人", 29 * SECOND, slow=30, person=NA) is not None
    assert say(log, "二", 30 * SECOND, slow=30) is not None


def test_a_key_is_said_once_even_when_it_comes_again() -> None:
    log = ChatLog(0)
    assert say(log, "好", 0, "k") is not None
    assert say(log, "好", 1, "k") is None
    assert say(log, "好", 2, "k", NA) is not None


def test_a_refused_message_may_be_sent_again_with_its_key() -> None:
    log = ChatLog(0)
    for _ in range(int(MEMBER_BURST)):
        say(log, "好", 0)
    with pytest.raises(UserError):
        say(log, "好", 0, "k")
    assert say(log, "好", 10 * SECOND, "k") is not None


def test_the_last_fifty_are_shown_and_the_last_two_thousand_known() -> None:
    log = ChatLog(0)
    for number in range(LINES + 7):
        say(log, f"第{number}", number * 10 * SECOND)
    assert [message.text for message in log.history] == [f"第{LINES + 7 - HISTORY + each}" for each in range(HISTORY)]
    assert log.author("c7") is None
    assert log.author("c8") == WEI


def test_an_answer_quotes_the_line_it_answers() -> None:
    log = ChatLog(0)
    say(log, "谁是第一书记？", 0)
    answer = say(log, "我", SECOND, person=NA, reply="c1")
    assert answer is not None
    assert answer.reply == Quoted("c1", "张伟", "谁是第一书记？")


@pytest.mark.parametrize("reply", ["c2", "c9", "c0"])
def test_what_is_deleted_or_never_was_is_not_answered(reply: str) -> None:
    log = ChatLog(0)
    say(log, "一", 0)
    say(log, "二", 1)
    log.delete("c2", "h")
    with pytest.raises(UserError, match="chat-gone"):
        say(log, "三", 2, reply=reply)
    assert say(log, "三", 3) is not None


def test_what_is_deleted_leaves_no_text_behind_but_its_author_is_known() -> None:
    log = ChatLog(0)
    say(log, "坏话", 0)
    say(log, "什么？", SECOND, person=NA, reply="c1")
    actions = log.delete("c1", "h")
    rewritten = [each.message for each in actions if isinstance(each, Rewrite)]
    assert rewritten[0] == ChatDeleted(1, "c1")
    assert isinstance(rewritten[1], Chat)
    assert (rewritten[1].seq, rewritten[1].reply) == (2, Quoted("c1", "张伟", ""))
    assert [line.reply for line in log.history] == [Quoted("c1", "张伟", "")]
    assert list(log.deleted) == ["c1"]
    assert log.author("c1") == WEI
    assert "坏话" not in repr(log._lines)
    assert log.delete("c1", "h") == []


def test_a_line_that_is_not_kept_any_more_can_still_be_deleted_but_not_one_that_never_was() -> None:
    log = ChatLog(0)
    for number in range(LINES + 1):
        say(log, "好", number * 10 * SECOND)
    assert [each for each in log.delete("c1", "h") if isinstance(each, Broadcast)] == [Broadcast(ChatDeleted(0, "c1"))]
    assert log.delete("c1", "h") == []
    for unknown in ("c0", f"c{LINES + 2}"):
        with pytest.raises(UserError, match="chat-gone"):
            log.delete(unknown, "h")


def test_what_is_kept_is_bounded() -> None:
    log = ChatLog(0)
    for number in range(LINES + 300):
        say(log, "好", number * 10 * SECOND, f"k{number}", Person(f"m{number}", "n", "b", "member"))
        log.delete(f"c{number + 1}", "h")
    assert len(log._lines) == LINES
    assert len(log.deleted) == DELETED
    assert log.history == ()
