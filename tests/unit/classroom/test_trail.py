"""Who did what in a room: from the journal to what organizers are shown."""

from __future__ import annotations

import pytest

from classroom.room.journal import (
    Asked,
    Attempted,
    Deleted,
    Entry,
    HandSet,
    Journaled,
    LayoutSet,
    MemberBarred,
    OrderSet,
    PartSet,
    PinSet,
    PollEnded,
    PollOpened,
    QuestionSet,
    RulesSet,
    Said,
    VoteCast,
    Withheld,
    WordsSet,
)
from classroom.room.messages_stage import Layout, Part
from classroom.room.messages_talk import QuestionState
from classroom.room.trail import Deed, Trail, seen_by

BRANCH = "镇巴县 / 泾洋"
SAID = Said("c1", "m1", "张伟", BRANCH, "member", "加微信")
ASKED = Asked("q1", "m1", "张伟", BRANCH, "member", "何时结束？")


def read(*entries: Entry, by: str | None = "s1") -> list[Deed]:
    trail = Trail()
    journaled = [Journaled(number, number * 10, by, entry) for number, entry in enumerate(entries, 1)]
    return [deed for each in journaled if (deed := trail.read(each)) is not None]


@pytest.mark.parametrize(
    ("entry", "told"),
    [
        (Deleted("c1"), ("deleted", "张伟", BRANCH, "加微信")),
        (Deleted("c9"), ("deleted", None, None, None)),
        (PinSet("八点签到", "值班"), ("pinned", None, None, "八点签到")),
        (PinSet(None, "值班"), ("unpinned", None, None, None)),
        (QuestionSet("q1", QuestionState.PUBLISHED), ("question-published", "张伟", BRANCH, "何时结束？")),
        (MemberBarred("m1", "张伟", BRANCH, barred=True), ("barred", "张伟", BRANCH, None)),
        (MemberBarred("m1", "张伟", BRANCH, barred=False), ("let-in", "张伟", BRANCH, None)),
        (RulesSet(muted=True, slow=0), ("all-muted", None, None, None)),
        (RulesSet(muted=False, slow=30), ("slow", None, None, "30")),
        (WordsSet(("甲", "乙")), ("words", None, None, "2")),
        (OrderSet(()), ("order", None, None, "0")),
        (LayoutSet(Layout.GUEST), ("layout", None, None, "guest")),
        (PartSet("m1", "张伟", BRANCH, Part.ON, title="返乡"), ("put-on", "张伟", BRANCH, "返乡")),
        (HandSet("m1", "张伟", BRANCH, up=False), ("hand-lowered", "张伟", BRANCH, None)),
        (Attempted("delete"), ("attempted", None, None, "delete")),
        (Withheld("chat", "张伟", BRANCH, "广告"), ("withheld", "张伟", BRANCH, "广告")),
    ],
)
def test_each_deed_says_whom_it_concerns(entry: Entry, told: tuple[str | None, ...]) -> None:
    (deed,) = read(SAID, ASKED, entry)
    assert (deed.number, deed.at, deed.by) == (3, 30, "s1")
    assert (deed.kind, deed.name, deed.branch, deed.text) == told


def test_a_poll_is_named_when_it_is_closed() -> None:
    deeds = read(
        PollOpened("p1", "听清了吗", ("是", "否"), multiple=False), VoteCast("p1", "m1", (0,)), PollEnded("p1")
    )
    assert [(deed.kind, deed.text) for deed in deeds] == [("poll-opened", "听清了吗"), ("poll-closed", "听清了吗")]


def test_what_people_do_with_themselves_and_what_the_room_does_is_no_deed() -> None:
    own = (HandSet("m1", "张伟", BRANCH, up=True), PartSet("m1", "张伟", BRANCH, Part.OFF, reason="left"))
    assert read(SAID, ASKED, *own, by="m1") == []
    assert read(LayoutSet(Layout.SCREEN), PartSet("m1", "张伟", BRANCH, Part.OFF, reason="time-out"), by=None) == []
    assert read(PartSet("m1", "张伟", BRANCH, Part.CHECKING)) == []


def test_an_organizer_sees_what_concerns_their_people() -> None:
    deeds = read(SAID, Deleted("c1"), PinSet("通知", "值班"))
    assert [deed.kind for deed in seen_by(deeds, "")] == ["deleted", "pinned"]
    assert [deed.kind for deed in seen_by(deeds, "镇巴县")] == ["deleted"]
    assert list(seen_by(deeds, "西乡县")) == []
