from __future__ import annotations

import pytest

from classroom.errors import UserError
from classroom.room.actions import Broadcast, Keep, Remove, TellMember, TellThose
from classroom.room.inputs import Person
from classroom.room.journal import MemberBarred, MemberMuted, PinSet, RulesSet
from classroom.room.messages_talk import KeptOrder, Muted, Order, Pinned, TalkRules
from classroom.room.moderation import LISTED, Moderation

WEI = Person("m1", "张伟", "镇巴县", "member")
HOST = Person("h", "主持", "", "host")


def test_one_is_muted_and_told_so_and_may_write_again() -> None:
    moderation = Moderation()
    assert moderation.mute(WEI, True, "h") == [
        TellMember("m1", Muted(True)),
        TellThose("oversee", Order((KeptOrder("m1", "张伟", "镇巴县"),), (), ())),
        Keep(MemberMuted("m1", "张伟", "镇巴县", True), "h"),
    ]
    assert moderation.mute(WEI, True, "h") == []
    for chat in (True, False):
        with pytest.raises(UserError, match="muted"):
            moderation.check_writing(WEI, chat)
    assert moderation.listed("m1") == Person("m1", "张伟", "镇巴县", "")
    assert TellMember("m1", Muted(False)) in moderation.mute(Person("m1", "", "", ""), False, "h")
    moderation.check_writing(WEI, chat=True)


def test_while_all_are_muted_those_who_keep_order_write_and_questions_are_asked() -> None:
    moderation = Moderation()
    assert moderation.set_rules(True, 0, "h") == [Broadcast(TalkRules(0, True, 0)), Keep(RulesSet(True, 0), "h")]
    assert moderation.set_rules(True, 0, "h") == []
    with pytest.raises(UserError, match="all-muted"):
        moderation.check_writing(WEI, chat=True)
    moderation.check_writing(WEI, chat=False)
    moderation.check_writing(HOST, chat=True)


def test_slow_mode_is_for_those_who_do_not_keep_order() -> None:
    moderation = Moderation()
    moderation.set_rules(False, 30, "h")
    assert (moderation.slow(WEI), moderation.slow(HOST)) == (30, 0)


def test_who_is_barred_is_removed_and_may_be_let_in_again() -> None:
    moderation = Moderation()
    actions = moderation.bar(WEI, True, "h")
    assert actions[0] == Remove("m1")
    assert actions[-1] == Keep(MemberBarred("m1", "张伟", "镇巴县", True), "h")
    assert "m1" in moderation.barred
    assert moderation.bar(WEI, True, "h") == []
    assert not any(isinstance(each, Remove) for each in moderation.bar(WEI, False, "h"))
    assert not moderation.barred


@pytest.mark.parametrize("role", ["lecturer", "host", "operator"])
def test_those_who_keep_order_cannot_be_muted_or_barred(role: str) -> None:
    moderation = Moderation()
    whom = Person("x", "某", "", role)
    for act in (moderation.mute, moderation.bar):
        with pytest.raises(UserError, match="not-them"):
            act(whom, True, "h")
    assert moderation.order == Order((), (), ())


def test_both_lists_are_bounded() -> None:
    moderation = Moderation()
    for number in range(LISTED):
        moderation.mute(Person(f"m{number}", "n", "b", "member"), True, "h")
    with pytest.raises(UserError, match="order-full"):
        moderation.mute(WEI.__class__("x", "n", "b", "member"), True, "h")
    moderation.bar(WEI, True, "h")


def test_words_are_replaced_whole() -> None:
    moderation = Moderation()
    told, keep = moderation.set_words(("坏话", " ", "坏 话"), "h")
    assert told == TellThose("oversee", Order((), (), moderation.words.words))
    assert isinstance(keep, Keep)
    assert moderation.words.hit("坏-话")
    assert moderation.set_words(("坏 话",), "h") == []
    moderation.set_words((), "h")
    assert not moderation.words.hit("坏话")


def test_a_notice_is_pinned_and_taken_away() -> None:
    moderation = Moderation()
    assert moderation.pin("资料在群里", HOST) == [
        Broadcast(Pinned(0, "资料在群里", "主持")),
        Keep(PinSet("资料在群里", "主持"), "h"),
    ]
    assert moderation.pin("资料在群里", HOST) == []
    moderation.pin(None, HOST)
    assert moderation.pinned == Pinned(0, None, None)
