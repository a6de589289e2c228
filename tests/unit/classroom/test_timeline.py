from __future__ import annotations

from attendance.facts import (
    AppearanceEnded,
    Beat,
    Body,
    Fact,
    LectureMoved,
    LectureState,
    MemberConnected,
    NodeStarted,
    NodeStopped,
    OutageBegan,
    OutageEnded,
    SignInAnswered,
    SignInAsked,
)
from classroom.room.journal import Entry, Journaled, OrderEntry, OrderSet, PartSet, PollEnded, PollOpened, Said
from classroom.room.messages_stage import Call, Part, TakeOff
from classroom.room.timeline import Event, Timeline
from tests.unit.classroom.theatre import HOST, LIU, NOW, SECOND, WANG, Theatre, entry

MINUTE = 60 * SECOND


class Record:
    def __init__(self) -> None:
        self.timeline = Timeline()
        self.counter = 0
        self.number = 0
        self.boot = "b1"

    def fact(self, minute: float, body: Body) -> None:
        self.counter += 1
        at = NOW + round(minute * MINUTE)
        self.timeline.fact(Fact("l1", "n", self.boot, self.counter, at, body))

    def keep(self, minute: float, kept: Entry, by: str | None = None) -> None:
        self.number += 1
        self.timeline.entry(Journaled(self.number, NOW + round(minute * MINUTE), by, kept))

    def said(self) -> list[tuple[float, str, float | None, str | None]]:
        return [
            ((each.at - NOW) / MINUTE, each.kind, None if each.until is None else (each.until - NOW) / MINUTE, each.by)
            for each in self.timeline.events()
        ]


def moved(state: LectureState, by: str | None = None) -> LectureMoved:
    return LectureMoved(state, "button", by)


def test_an_evening_in_order() -> None:
    it = Record()
    it.fact(0, NodeStarted())
    it.fact(0, moved(LectureState.LOBBY))
    it.fact(5, moved(LectureState.LIVE, "dean"))
    it.fact(6, MemberConnected("m1", "c1"))
    it.fact(10, moved(LectureState.INTERRUPTED))
    it.fact(12, moved(LectureState.LIVE))
    it.fact(20, OutageBegan("relay", NOW + 20 * MINUTE))
    it.fact(21, OutageEnded("relay"))
    for member in ("m1", "m2", "m3"):
        it.fact(30, SignInAsked(member, "c1", NOW + 32 * MINUTE))
    it.fact(30.5, SignInAnswered("m1", "c1"))
    it.fact(33, SignInAsked("m1", "s7", NOW + 35 * MINUTE))  # drawn for one member
    it.keep(40, PollOpened("p1", "听得清吗？", ("是", "否"), multiple=False), "host")
    it.keep(42, PollEnded("p1"), "host")
    it.fact(60, moved(LectureState.ENDED, "staff"))
    it.fact(60, NodeStopped())
    assert it.said() == [
        (0, "doors", None, None),
        (5, "started", None, "dean"),
        (10, "interrupted", 12, None),
        (20, "outage", 21, None),
        (30, "sign-in", 32, None),
        (40, "poll", 42, "host"),
        (60, "ended", None, "staff"),
    ]
    events = {each.kind: each.detail for each in it.timeline.events()}
    assert (events["outage"], events["sign-in"], events["poll"]) == ("relay", "1/3", "听得清吗？")


def test_a_crash_of_the_service_is_an_outage_too() -> None:
    it = Record()
    it.fact(0, NodeStarted())
    it.fact(0, moved(LectureState.LIVE))
    it.fact(10, Beat({"c1": 1}))
    it.boot = "b2"
    it.fact(12, NodeStarted())
    it.fact(20, Beat({}))
    assert (10, "outage", 12, None) in it.said()


def test_what_goes_on_has_no_end_yet() -> None:
    it = Record()
    it.fact(0, moved(LectureState.LIVE))
    it.fact(9, moved(LectureState.INTERRUPTED))
    it.keep(5, PollOpened("p1", "?", ("a", "b"), multiple=False), "host")
    it.keep(6, PartSet("wang", "王芳", "镇巴县", Part.ON, "赵主任", "家乡", since=NOW + 6 * MINUTE))
    assert [(kind, until) for _, kind, until, _ in it.said()] == [
        ("started", None),
        ("poll", None),
        ("testimonial", None),
        ("interrupted", None),
    ]


def test_a_testimonial_is_from_coming_on_to_the_loss_of_the_network() -> None:
    it = Record()
    since = NOW + 6 * MINUTE
    on = PartSet("wang", "王芳", "镇巴县", Part.ON, "赵主任", "家乡", since=since)
    it.keep(6, PartSet("wang", "王芳", "镇巴县", Part.CALLED, "赵主任"))
    it.keep(6, on)
    it.keep(7, PartSet("wang", "王芳", "镇巴县", Part.LOST, "赵主任", "家乡", since=since))
    it.keep(8, PartSet("wang", "王芳", "镇巴县", Part.OFF, "赵主任", "家乡", since=since, reason="lost"))
    assert it.said() == [(6, "testimonial", 8, "赵主任")]
    it.fact(8, AppearanceEnded("wang", "host", since, NOW + 7 * MINUTE, 0))
    assert it.timeline.events() == [
        Event(since, "testimonial", NOW + 7 * MINUTE, "王芳", "镇巴县", "赵主任", named=True, detail="家乡")
    ]


def test_rehearsals_and_chat_are_not_of_the_record() -> None:
    it = Record()
    it.keep(1, PartSet("wang", "王芳", "镇巴县", Part.ON, since=NOW, rehearsed=True))
    it.keep(2, Said("c1", "m", "张伟", "镇巴县", "member", "你好"))
    it.keep(3, PollEnded("p9"))
    assert it.said() == []
    assert it.timeline.number == 3


def test_it_knows_the_order_that_was_set_last() -> None:
    it = Record()
    first = OrderEntry("e1", "wang", "王芳", "镇巴县", "", 5)
    it.keep(1, OrderSet((first,)), "staff")
    it.keep(2, OrderSet(()), "staff")
    assert it.timeline.order == ()


def test_of_a_room_itself() -> None:
    theatre = Theatre()
    theatre.come(HOST, WANG, LIU)
    theatre.order(entry(WANG, "家乡"), entry(LIU))
    theatre.publish(WANG)
    theatre.publish(LIU)
    theatre.next()
    theatre.next()
    theatre.next(after=60)
    theatre.say(HOST, TakeOff("liu"), after=30)
    assert theatre.refusals(theatre.say(HOST, Call("wang"))) == []
    timeline = Timeline()
    for journaled in theatre.journal:
        timeline.entry(journaled)
    for number, body in enumerate(theatre.facts, 1):
        timeline.fact(Fact("l1", "n", "b", number, theatre.now, body))
    shared = [each for each in timeline.events() if each.kind == "testimonial"]
    assert [(each.name, each.detail, each.by) for each in shared] == [
        ("王芳", "家乡", "赵主任"),
        ("刘洋", None, "赵主任"),
    ]
    assert [(each.until or 0) - each.at for each in shared] == [60 * SECOND, 30 * SECOND]
