"""The stage in a whole room: what pages are told, what the relay is asked, what is recorded."""

from __future__ import annotations

from typing import Any, TypeVar

import pytest

from attendance.facts import AppearanceEnded, LectureState, StageEntered, StageLeft
from classroom.room.actions import CloseViewers
from classroom.room.inputs import LinksReplaced, Ordered
from classroom.room.journal import Attempted, HandSet, LayoutSet, PartSet
from classroom.room.messages import SlotState, moment
from classroom.room.messages_stage import (
    AnswerCall,
    Call,
    Extend,
    Hands,
    HandState,
    Layout,
    LeaveStage,
    LowerHand,
    Next,
    NextStep,
    Part,
    PartChanged,
    PutOn,
    RaiseHand,
    RunningOrder,
    SetLayout,
    StageChanged,
    TakeOff,
    Talkback,
)
from classroom.room.stage_people import AT_ONCE, RESUMES_WITHIN
from signaling.control import Audience
from tests.unit.classroom.theatre import (
    CHEN,
    DEAN,
    HOST,
    LI,
    LIU,
    NOW,
    PEOPLE,
    SECOND,
    WANG,
    ZHANG,
    Theatre,
    entry,
)

Kind = TypeVar("Kind")
BY = "赵主任"


@pytest.fixture
def theatre() -> Theatre:
    made = Theatre()
    made.come(DEAN, HOST, WANG, LIU, CHEN, ZHANG, LI)
    made.publish(DEAN, "lecturer")
    return made


def stage(theatre: Theatre) -> StageChanged:
    return theatre.room.stage.view


def order(theatre: Theatre) -> RunningOrder:
    told = theatre.told(HOST, RunningOrder)
    assert told is not None
    return told


def facts(theatre: Theatre, kind: type[Kind]) -> list[Kind]:
    return [each for each in theatre.facts if isinstance(each, kind)]


def kept(theatre: Theatre, kind: type[Kind]) -> list[Kind]:
    return [each.entry for each in theatre.journal if isinstance(each.entry, kind)]


# --- the way of one guest ---------------------------------------------------------------------------------------------


def test_from_the_seat_to_the_stage_and_back(theatre: Theatre) -> None:
    theatre.say(HOST, Call("zhang", minutes=3))
    called = theatre.told(ZHANG, PartChanged)
    assert called is not None
    assert (called.part, called.slot, called.by, called.minutes) == (Part.CALLED, "guest", BY, 3)
    theatre.say(ZHANG, AnswerCall(accept=True))
    assert theatre.part(ZHANG) is Part.CHECKING
    assert theatre.room.admits("zhang", "guest")
    peer = theatre.publish(ZHANG)
    assert theatre.part(ZHANG) is Part.BACKSTAGE
    assert theatre.routes[peer] == ("backstage", Audience.STAGE)
    assert theatre.place().state is SlotState.EMPTY
    theatre.say(HOST, PutOn("zhang"))
    on = stage(theatre).on
    assert on is not None
    assert (on.name, on.branch, on.lost) == ("张伟", "镇巴县 / 泾洋街道", False)
    assert on.until is not None
    assert (on.until - on.since).total_seconds() == 180
    assert theatre.routes[peer] == ("guest", Audience.EVERYONE)
    assert (theatre.place().state, theatre.place().name) == (SlotState.LIVE, "张伟")
    assert stage(theatre).layout is Layout.SIDE_BY_SIDE
    theatre.say(HOST, TakeOff("zhang"), after=100)
    off = theatre.told(ZHANG, PartChanged)
    assert off is not None
    assert (off.part, off.reason) == (Part.OFF, "taken-off")
    assert stage(theatre).on is None
    assert stage(theatre).layout is Layout.LECTURER
    assert theatre.closing == [peer]  # a member publishes only while called
    assert not theatre.room.admits("zhang", "guest")
    (appearance,) = facts(theatre, AppearanceEnded)
    assert (appearance.member, appearance.called_by, appearance.reconnects) == ("zhang", "host", 0)
    assert appearance.last - appearance.since == 100 * SECOND
    assert facts(theatre, StageEntered) == [StageEntered("zhang", "guest")]
    assert facts(theatre, StageLeft) == [StageLeft("zhang", "guest", theatre.now)]


def test_every_step_is_kept_with_whose_doing_it_was(theatre: Theatre) -> None:
    theatre.appear(WANG, by=DEAN)
    theatre.say(WANG, LeaveStage())
    steps = [(each.entry.part, each.by) for each in theatre.journal if isinstance(each.entry, PartSet)]
    assert steps == [
        (Part.CALLED, "dean"),
        (Part.CHECKING, "wang"),
        (Part.BACKSTAGE, None),
        (Part.ON, "dean"),
        (Part.OFF, "wang"),
    ]
    assert kept(theatre, PartSet)[-1].reason == "left"


def test_a_guest_whose_devices_are_open_is_backstage_at_once(theatre: Theatre) -> None:
    peer = theatre.publish(WANG)
    assert theatre.routes[peer] == (None, Audience.NOBODY)
    assert theatre.heard() == {}
    theatre.say(HOST, Call("wang"))
    assert theatre.part(WANG) is Part.BACKSTAGE
    assert theatre.routes[peer] == ("backstage", Audience.STAGE)
    theatre.say(HOST, TakeOff("wang"))
    assert theatre.routes[peer] == (None, Audience.NOBODY)
    assert theatre.closing == []  # a guest may leave them open


def test_a_guest_who_publishes_with_a_program_of_their_own_is_here(theatre: Theatre) -> None:
    theatre.order(entry(WANG))
    theatre.go(WANG)
    assert not order(theatre).entries[0].here
    peer = theatre.publish(WANG)
    assert order(theatre).entries[0].here
    theatre.next()
    theatre.next()
    assert theatre.routes[peer] == ("guest", Audience.EVERYONE)


def test_whoever_declines_is_off(theatre: Theatre) -> None:
    theatre.say(HOST, Call("zhang"))
    theatre.say(ZHANG, AnswerCall(accept=False))
    told = theatre.told(ZHANG, PartChanged)
    assert told is not None
    assert (told.part, told.reason) == (Part.OFF, "declined")
    theatre.say(ZHANG, AnswerCall(accept=True))  # too late
    assert theatre.part(ZHANG) is Part.OFF
    assert facts(theatre, AppearanceEnded) == []


@pytest.mark.parametrize(("accept", "seconds"), [(False, 60), (True, 120)])
def test_what_is_not_answered_in_time_ends(theatre: Theatre, accept: bool, seconds: int) -> None:
    theatre.say(HOST, Call("zhang"))
    if accept:
        theatre.say(ZHANG, AnswerCall(accept=True), after=0)
    theatre.tick(seconds - 0.5)
    assert theatre.part(ZHANG) is not Part.OFF
    theatre.tick(0.5)
    told = theatre.told(ZHANG, PartChanged)
    assert told is not None
    assert (told.part, told.reason) == (Part.OFF, "time-out")


def test_somebody_whose_page_is_gone_leaves_the_way_free(theatre: Theatre) -> None:
    theatre.say(HOST, Call("zhang"))
    theatre.go(ZHANG)
    theatre.tick(61)
    assert not theatre.room.admits("zhang", "guest")


def test_replaced_links_end_a_part(theatre: Theatre) -> None:
    peer = theatre.appear(WANG)
    theatre.feed(LinksReplaced(frozenset({"wang"})))
    theatre.tick()
    assert stage(theatre).on is None
    assert theatre.closing == [peer]
    assert len(facts(theatre, AppearanceEnded)) == 1


# --- media that dies --------------------------------------------------------------------------------------------------


def test_a_guest_whose_network_dies_on_stage_is_a_card_then_back(theatre: Theatre) -> None:
    peer = theatre.appear(WANG)
    theatre.tick(10)
    theatre.silence(peer)
    on = stage(theatre).on
    assert on is not None
    assert on.lost
    assert theatre.place().state is SlotState.LOST
    assert theatre.part(WANG) is Part.LOST
    assert stage(theatre).layout is Layout.SIDE_BY_SIDE
    theatre.close(peer, wanted=False)
    theatre.tick(20)
    theatre.publish(WANG)
    assert theatre.part(WANG) is Part.ON
    assert theatre.place().state is SlotState.LIVE
    theatre.say(HOST, TakeOff("wang"))
    assert facts(theatre, AppearanceEnded)[0].reconnects == 1


def test_a_guest_who_does_not_return_within_a_minute_is_off_and_was_there_until_the_loss(theatre: Theatre) -> None:
    peer = theatre.appear(WANG)
    theatre.tick(10)
    theatre.silence(peer)
    lost = theatre.now - SECOND
    theatre.tick(59)
    assert theatre.part(WANG) is Part.LOST
    theatre.tick(1)
    told = theatre.told(WANG, PartChanged)
    assert told is not None
    assert (told.part, told.reason) == (Part.OFF, "lost")
    assert theatre.place().state is SlotState.EMPTY
    assert facts(theatre, AppearanceEnded)[0].last == lost


def test_a_page_that_reloads_on_stage_stays_there(theatre: Theatre) -> None:
    peer = theatre.appear(WANG)
    theatre.go(WANG)
    theatre.close(peer, wanted=True)
    assert theatre.place().state is SlotState.LOST
    theatre.come(WANG)
    assert theatre.part(WANG) is Part.LOST
    theatre.publish(WANG)
    assert theatre.part(WANG) is Part.ON


def test_backstage_without_media_is_looking_at_devices_again(theatre: Theatre) -> None:
    peer = theatre.publish(WANG)
    theatre.say(HOST, Call("wang"))
    theatre.silence(peer)
    assert theatre.part(WANG) is Part.CHECKING
    theatre.flow(peer)
    assert theatre.part(WANG) is Part.BACKSTAGE


def test_after_a_relay_restart_everybody_is_where_they_were(theatre: Theatre) -> None:
    theatre.appear(WANG)
    theatre.publish(LIU)
    theatre.say(HOST, Call("liu"))
    theatre.restart_relay()
    assert (theatre.part(WANG), theatre.part(LIU)) == (Part.LOST, Part.CHECKING)
    peers = [theatre.publish(person) for person in (LIU, WANG)]
    assert (theatre.part(WANG), theatre.part(LIU)) == (Part.ON, Part.BACKSTAGE)
    assert [theatre.routes[peer][0] for peer in peers] == ["backstage", "guest"]


def test_after_a_restart_of_the_service_nobody_notices(theatre: Theatre) -> None:
    theatre.order(entry(WANG, "家乡"), entry(LIU))
    peer = theatre.appear(WANG)
    theatre.publish(LIU)
    theatre.say(HOST, Call("liu"))
    theatre.say(LI, RaiseHand(up=True))
    theatre.say(HOST, SetLayout(Layout.GUEST))
    before = stage(theatre)
    theatre.restart_web()
    theatre.tick(0)
    assert stage(theatre) == before
    theatre.retell()
    theatre.come(HOST, WANG, LI)
    assert stage(theatre) == before
    assert (theatre.part(WANG), order(theatre).entries[1].part) == (Part.ON, Part.BACKSTAGE)
    assert theatre.routes[peer] == ("guest", Audience.EVERYONE)
    assert theatre.told(LI, HandState) == HandState(True, 1)
    theatre.tick(RESUMES_WITHIN / SECOND)
    theatre.say(HOST, TakeOff("wang"))
    (appearance,) = facts(theatre, AppearanceEnded)
    assert appearance.reconnects == 0
    assert order(theatre).entries[0].done


def test_whose_media_ended_with_the_service_is_lost_soon_after(theatre: Theatre) -> None:
    theatre.appear(WANG)
    theatre.restart_web()
    theatre.restart_relay()
    theatre.tick(0)
    on = stage(theatre).on
    assert on is not None
    assert not on.lost
    theatre.tick(RESUMES_WITHIN / SECOND)
    on = stage(theatre).on
    assert on is not None
    assert on.lost


def test_what_ended_while_the_service_was_away_is_taken_off_the_audience(theatre: Theatre) -> None:
    """The relay still sends it where it was asked before."""
    peer = theatre.appear(WANG)
    theatre.routes[peer] = ("guest", Audience.EVERYONE)
    theatre.journal = [each for each in theatre.journal if not isinstance(each.entry, PartSet)]
    theatre.restart_web()
    theatre.retell()
    assert theatre.routes[peer] == (None, Audience.NOBODY)


# --- next -------------------------------------------------------------------------------------------------------------


def test_next_brings_one_after_the_other_with_a_tap(theatre: Theatre) -> None:
    theatre.order(entry(WANG, "第一个"), entry(LIU), entry(CHEN))
    assert stage(theatre).next == "王芳 · 镇巴县"
    theatre.next()
    assert theatre.part(WANG) is Part.CALLED
    theatre.say(WANG, AnswerCall(accept=True))
    theatre.publish(WANG)
    theatre.next()
    assert (theatre.part(WANG), theatre.part(LIU), theatre.part(CHEN)) == (Part.ON, Part.CALLED, Part.OFF)
    assert stage(theatre).next == "刘洋 · 西乡县"
    theatre.publish(LIU)
    theatre.next()
    assert (theatre.part(WANG), theatre.part(LIU), theatre.part(CHEN)) == (Part.OFF, Part.ON, Part.CALLED)
    told = theatre.told(WANG, PartChanged)
    assert told is not None
    assert told.reason == "replaced"
    theatre.publish(CHEN)
    theatre.next()
    assert (theatre.part(LIU), theatre.part(CHEN)) == (Part.OFF, Part.ON)
    assert stage(theatre).next is None
    theatre.next()
    assert theatre.part(CHEN) is Part.OFF
    assert theatre.refusals(theatre.next()) == ["nobody-next"]
    assert [each.done for each in order(theatre).entries] == [True] * 3
    assert [each.member for each in facts(theatre, AppearanceEnded)] == ["wang", "liu", "chen"]


def test_a_second_tap_takes_nobody_off(theatre: Theatre) -> None:
    theatre.order(entry(WANG), entry(LIU))
    for person in (WANG, LIU):
        theatre.say(HOST, Call(person.member))
        theatre.publish(person)
    tap = Next(off=None, on="wang")
    theatre.say(HOST, tap)
    assert theatre.refusals(theatre.say(HOST, tap, after=0.2)) == ["stage-moved"]
    assert theatre.refusals(theatre.say(DEAN, tap, after=0.2)) == ["stage-moved"]
    assert (theatre.part(WANG), theatre.part(LIU)) == (Part.ON, Part.BACKSTAGE)
    assert order(theatre).next == NextStep(off="wang", on="liu")


def test_a_second_tap_puts_nobody_on_who_was_only_called_by_the_first(theatre: Theatre) -> None:
    """Their devices are open, so that they are backstage at once."""
    theatre.order(entry(WANG))
    theatre.publish(WANG)
    tap = Next(off=None, on=None)
    theatre.say(HOST, tap)
    assert theatre.refusals(theatre.say(HOST, tap, after=0.2)) == ["stage-moved"]
    assert theatre.part(WANG) is Part.BACKSTAGE


def test_what_next_would_do_is_told(theatre: Theatre) -> None:
    assert order(theatre).next == NextStep()
    theatre.order(entry(WANG), entry(LIU))
    assert order(theatre).next == NextStep(call="wang")
    theatre.next()
    assert order(theatre).next == NextStep(coming="wang")
    theatre.publish(WANG)
    assert order(theatre).next == NextStep(on="wang", call="liu")


def test_whoever_is_called_is_told_until_when_to_answer(theatre: Theatre) -> None:
    theatre.say(HOST, Call("wang"))
    asked = theatre.now
    theatre.tick(20)
    (told,) = [each for each in theatre.room.stage.greet(WANG, theatre.now) if isinstance(each, PartChanged)]
    assert told.deadline == moment(asked + 60 * SECOND)
    theatre.publish(WANG)
    (told,) = [each for each in theatre.room.stage.greet(WANG, theatre.now) if isinstance(each, PartChanged)]
    assert told.deadline is None


def test_next_calls_nobody_twice_and_says_why_it_waits(theatre: Theatre) -> None:
    theatre.order(entry(WANG), entry(LIU))
    theatre.next()
    assert theatre.refusals(theatre.next()) == ["next-is-coming"]
    assert theatre.part(LIU) is Part.OFF


def test_next_passes_over_who_is_not_here_or_declined(theatre: Theatre) -> None:
    theatre.order(entry(WANG), entry(LIU), entry(CHEN))
    theatre.go(WANG)
    theatre.next()
    theatre.say(LIU, AnswerCall(accept=False))
    theatre.next()
    assert theatre.part(CHEN) is Part.CALLED
    assert [each.passed for each in order(theatre).entries] == [False, True, False]
    theatre.say(CHEN, AnswerCall(accept=False))
    theatre.next()
    assert theatre.part(LIU) is Part.CALLED


def test_whoever_is_first_in_the_order_is_shown_backstage_and_comes_on_first(theatre: Theatre) -> None:
    theatre.order(entry(WANG), entry(LIU))
    for person in (ZHANG, LIU, WANG):
        theatre.say(HOST, Call(person.member))
        theatre.publish(person)
    assert theatre.heard() == {"backstage": "wang"}
    theatre.next()
    assert theatre.heard() == {"guest": "wang", "backstage": "liu"}
    theatre.next()
    assert theatre.heard() == {"guest": "liu", "backstage": "zhang"}


def test_putting_somebody_on_takes_off_who_is_on(theatre: Theatre) -> None:
    first = theatre.appear(WANG)
    theatre.appear(ZHANG)
    assert (theatre.part(WANG), theatre.part(ZHANG)) == (Part.OFF, Part.ON)
    assert theatre.routes[first] == (None, Audience.NOBODY)
    assert theatre.refusals(theatre.say(HOST, PutOn("zhang"))) == []
    assert theatre.refusals(theatre.say(HOST, PutOn("liu"))) == ["not-backstage"]
    assert theatre.part(ZHANG) is Part.ON


def test_somebody_who_is_lost_gives_way_to_the_next(theatre: Theatre) -> None:
    peer = theatre.appear(WANG)
    theatre.silence(peer)
    theatre.publish(LIU)
    theatre.say(HOST, Call("liu"))
    theatre.next()
    assert (theatre.part(WANG), theatre.part(LIU)) == (Part.OFF, Part.ON)
    theatre.flow(peer)
    assert theatre.heard() == {"guest": "liu"}


# --- the running order ------------------------------------------------------------------------------------------------


def test_the_running_order_is_shown_to_those_who_oversee_alone(theatre: Theatre) -> None:
    theatre.order(entry(WANG, "家乡", 7), entry(LIU))
    first, second = order(theatre).entries
    assert (first.title, first.minutes, first.part, first.here, first.done) == ("家乡", 7, Part.OFF, True, False)
    assert theatre.told(WANG, RunningOrder) is None
    assert theatre.told(ZHANG, RunningOrder) is None
    theatre.go(LIU)
    assert [each.here for each in order(theatre).entries] == [True, False]
    theatre.say(HOST, Call("zhang"))
    assert [each.name for each in order(theatre).others] == ["张伟"]
    assert second.member == "liu"


def test_it_may_be_edited_while_somebody_is_on_the_way(theatre: Theatre) -> None:
    theatre.order(entry(WANG, "旧题目", 5), entry(LIU, "", 5))
    theatre.publish(WANG)
    theatre.say(HOST, Call("wang"))
    theatre.say(HOST, Call("liu", minutes=9))
    theatre.order(entry(LIU, "新", 6), entry(WANG, "新题目", 8))
    theatre.tick()
    told = theatre.told(WANG, PartChanged)
    assert told is not None
    assert (told.title, told.minutes) == ("新题目", 8)
    other = theatre.told(LIU, PartChanged)
    assert other is not None
    assert (other.title, other.minutes) == ("新", 9)  # as the host said
    theatre.order(entry(CHEN))
    assert [each.name for each in order(theatre).others] == ["王芳", "刘洋"]
    assert theatre.journal[-1].by == "staff"


def test_calls_that_cannot_be(theatre: Theatre) -> None:
    theatre.go(LIU)
    assert theatre.refusals(theatre.say(HOST, Call("liu"))) == ["not-here"]
    assert theatre.refusals(theatre.say(HOST, Call("dean"))) == ["not-for-the-stage"]
    theatre.say(HOST, Call("wang"))
    assert theatre.refusals(theatre.say(HOST, Call("wang"))) == ["called-already"]
    assert theatre.refusals(theatre.say(WANG, Call("chen"))) == ["role-may-not"]
    assert kept(theatre, Attempted) == [Attempted("call")]


def test_only_so_many_are_called_at_once(theatre: Theatre) -> None:
    for number in range(AT_ONCE + 1):
        person = type(ZHANG)(f"m{number}", f"名{number}", "镇巴县", "member")
        theatre.come(person)
        refused = theatre.refusals(theatre.say(HOST, Call(person.member)))
        assert refused == (["stage-full"] if number == AT_ONCE else [])


# --- minutes and layouts ----------------------------------------------------------------------------------------------


def test_minutes_are_shown_and_extended_and_cut_nobody_off(theatre: Theatre) -> None:
    theatre.order(entry(WANG, minutes=1))
    theatre.appear(WANG)
    theatre.tick(90)
    assert theatre.part(WANG) is Part.ON
    theatre.say(HOST, Extend(2), after=0)
    on = stage(theatre).on
    assert on is not None
    assert on.until is not None
    assert on.until.timestamp() * SECOND == pytest.approx(theatre.now + 120 * SECOND, abs=SECOND)
    told = theatre.told(WANG, PartChanged)
    assert told is not None
    assert told.until == on.until
    theatre.say(HOST, TakeOff("wang"))
    assert theatre.refusals(theatre.say(HOST, Extend(2))) == ["nobody-on"]


def test_the_layout_is_told_to_everybody_once(theatre: Theatre) -> None:
    theatre.say(HOST, SetLayout(Layout.GUEST))
    theatre.say(HOST, SetLayout(Layout.GUEST))
    changes = [each for each in theatre.broadcasts if isinstance(each, StageChanged)]
    assert [each.layout for each in changes] == [Layout.GUEST]
    assert [each.by for each in theatre.journal if isinstance(each.entry, LayoutSet)] == ["host", "host"]
    peer = theatre.publish(HOST, "screen")
    theatre.close(peer)
    assert stage(theatre).layout is Layout.GUEST


def test_a_screen_comes_and_goes(theatre: Theatre) -> None:
    peer = theatre.publish(DEAN, "screen")
    assert stage(theatre).layout is Layout.SCREEN
    theatre.close(peer)
    assert stage(theatre).layout is Layout.LECTURER


# --- hands ------------------------------------------------------------------------------------------------------------


def test_hands_are_queued_and_shown_to_those_who_oversee(theatre: Theatre) -> None:
    theatre.say(ZHANG, RaiseHand(up=True))
    theatre.say(LI, RaiseHand(up=True))
    assert (theatre.told(ZHANG, HandState), theatre.told(LI, HandState)) == (HandState(True, 1), HandState(True, 2))
    theatre.tick(1)
    hands = theatre.told(HOST, Hands)
    assert hands is not None
    assert (hands.count, [hand.name for hand in hands.hands]) == (2, ["张伟", "李娜"])
    assert theatre.told(LI, Hands) is None
    theatre.say(HOST, LowerHand("zhang"))
    theatre.tick(1)
    assert (theatre.told(ZHANG, HandState), theatre.told(LI, HandState)) == (HandState(False, None), HandState(True, 1))
    assert [each.by for each in theatre.journal if isinstance(each.entry, HandSet)] == ["zhang", "li", "host"]


def test_a_hand_goes_when_its_member_is_called_or_away(theatre: Theatre) -> None:
    theatre.say(ZHANG, RaiseHand(up=True))
    theatre.say(LI, RaiseHand(up=True))
    theatre.say(HOST, Call("zhang"))
    assert theatre.told(ZHANG, HandState) == HandState(False, None)
    assert theatre.refusals(theatre.say(ZHANG, RaiseHand(up=True))) == ["called-already"]
    theatre.go(LI)
    theatre.tick(59)
    hands = theatre.told(HOST, Hands)
    assert hands is not None
    assert hands.count == 1
    theatre.tick(2)
    hands = theatre.told(HOST, Hands)
    assert hands is not None
    assert hands.count == 0


def test_many_hands_at_once_are_told_twice_a_second(theatre: Theatre) -> None:
    told = 0
    for number in range(100):
        person = type(ZHANG)(f"m{number}", f"名{number}", "镇巴县", "member")
        theatre.come(person)
        actions = theatre.say(person, RaiseHand(up=True), after=0.01)
        told += sum(isinstance(getattr(each, "message", None), Hands) for each in actions)
    assert 2 <= told / 2 <= 4  # to lecturer and host
    theatre.tick(1)
    hands = theatre.told(HOST, Hands)
    assert hands is not None
    assert hands.count == 100


# --- the lecture ------------------------------------------------------------------------------------------------------


def test_the_end_of_the_lecture_ends_every_part_and_hand(theatre: Theatre) -> None:
    theatre.appear(WANG)
    theatre.say(HOST, Call("liu"))
    theatre.say(ZHANG, RaiseHand(up=True))
    theatre.feed(Ordered("end", "staff"))
    told = theatre.told(WANG, PartChanged)
    assert told is not None
    assert (told.part, told.reason, theatre.part(LIU)) == (Part.OFF, "over", Part.OFF)
    assert theatre.told(ZHANG, HandState) == HandState(False, None)
    assert len(facts(theatre, AppearanceEnded)) == 1
    assert theatre.refusals(theatre.next()) == ["lecture-over"]


def test_a_rehearsal_is_seen_by_the_stage_and_counts_for_nothing() -> None:
    theatre = Theatre(LectureState.LOBBY, starts=NOW + 600 * SECOND)
    theatre.come(HOST, WANG, LIU)
    theatre.order(entry(WANG), entry(LIU))
    peer = theatre.publish(WANG)
    assert theatre.routes[peer] == (None, Audience.NOBODY)
    theatre.next()
    theatre.next()
    assert theatre.routes[peer] == ("guest", Audience.STAGE)
    assert [(each.done, each.part) for each in order(theatre).entries] == [(False, Part.ON), (False, Part.CALLED)]
    theatre.next()
    assert [each.done for each in order(theatre).entries] == [True, False]
    theatre.tick(700)
    assert [each.done for each in order(theatre).entries] == [False, False]
    assert facts(theatre, AppearanceEnded) == []
    assert facts(theatre, StageEntered) == []


def test_whoever_is_on_when_the_rehearsal_ends_waits_backstage() -> None:
    theatre = Theatre(LectureState.LOBBY, starts=NOW + 600 * SECOND)
    theatre.come(HOST, WANG)
    peer = theatre.appear(WANG)
    sent: list[Any] = []
    while theatre.now < NOW + 602 * SECOND:
        theatre.tick(1)
        sent.append(theatre.routes[peer])
    assert ("guest", Audience.EVERYONE) not in sent
    assert theatre.part(WANG) is Part.BACKSTAGE
    assert stage(theatre).on is None
    theatre.say(HOST, PutOn("wang"))
    theatre.say(HOST, TakeOff("wang"))
    assert len(facts(theatre, AppearanceEnded)) == 1


def test_greetings_are_whole() -> None:
    theatre = Theatre()
    theatre.come(*PEOPLE.values())
    assert set(theatre.pages["c-host"]) >= {Hands, RunningOrder}
    assert theatre.told(ZHANG, HandState) == HandState(False, None)
    assert theatre.part(WANG) is Part.OFF
    assert Hands not in theatre.pages["c-wang"]


# --- behind the stage -------------------------------------------------------------------------------------------------


def test_a_host_who_speaks_aside_is_sent_to_the_stage_alone(theatre: Theatre) -> None:
    peer = theatre.publish(HOST, "host")
    assert theatre.routes[peer] == ("host", Audience.EVERYONE)
    theatre.say(HOST, Talkback(on=True))
    assert theatre.routes[peer] == ("host", Audience.STAGE)
    assert [each.state for each in theatre.room.slots.views() if each.slot == "host"] == [SlotState.STAGE]
    assert not theatre.room.slots.on_stage("host")
    again = theatre.publish(HOST, "host")  # their page offers anew meanwhile
    assert theatre.routes[again] == ("host", Audience.STAGE)
    theatre.say(HOST, Talkback(on=False))
    assert theatre.routes[again] == ("host", Audience.EVERYONE)
    assert facts(theatre, StageEntered) == [StageEntered("host", "host")] * 2
    assert [each.member for each in facts(theatre, StageLeft)] == ["host"]


def test_a_host_who_is_not_on_may_speak_aside_at_once(theatre: Theatre) -> None:
    theatre.say(HOST, Talkback(on=True))
    peer = theatre.publish(HOST, "host")
    assert theatre.routes[peer] == ("host", Audience.STAGE)
    assert facts(theatre, StageEntered) == []


def test_a_lecturer_is_never_taken_from_the_audience_so(theatre: Theatre) -> None:
    theatre.say(DEAN, Talkback(on=True))
    assert [each.state for each in theatre.room.slots.views() if each.slot == "lecturer"] == [SlotState.LIVE]
    assert theatre.refusals(theatre.say(ZHANG, Talkback(on=True))) == ["role-may-not"]


def test_a_called_member_hears_the_stage_from_their_yes_to_the_end(theatre: Theatre) -> None:
    theatre.say(HOST, Call("zhang"))
    assert not theatre.room.hears("zhang")
    theatre.say(ZHANG, AnswerCall(accept=True))
    assert theatre.room.hears("zhang")
    theatre.publish(ZHANG)
    theatre.say(HOST, PutOn("zhang"))
    assert theatre.room.hears("zhang")
    ended = theatre.say(HOST, TakeOff("zhang"))
    assert [each.members for each in ended if isinstance(each, CloseViewers)] == [frozenset({"zhang"})]
    assert not theatre.room.hears("zhang")


def test_a_guest_goes_on_hearing_the_stage(theatre: Theatre) -> None:
    theatre.appear(WANG)
    ended = theatre.say(HOST, TakeOff("wang"))
    assert not any(isinstance(each, CloseViewers) for each in ended)


def test_who_declines_is_not_disturbed(theatre: Theatre) -> None:
    theatre.say(HOST, Call("zhang"))
    declined = theatre.say(ZHANG, AnswerCall(accept=False))
    assert not any(isinstance(each, CloseViewers) for each in declined)
