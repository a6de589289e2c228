from __future__ import annotations

from attendance.facts import Body, SlotFlowing, SlotSilent, StageEntered, StageLeft
from classroom.room.actions import Action, Broadcast, ClosePublication, Record, RoutePublication
from classroom.room.inputs import Person
from classroom.room.messages import SlotChanged, SlotState
from classroom.room.slots import LOST_FOR, Actor, Cast, Slots
from signaling.control import Audience
from signaling.session.offer import Codec

DEAN = Person("dean", "李教授", "", "lecturer")
GUEST = Person("guest", "王芳", "镇巴县", "guest")
OTHER = Person("other", "刘洋", "西乡县", "guest")
HOST = Person("host", "赵主任", "", "host")
MEMBER = Person("member", "张伟", "镇巴县", "member")
NOBODY = (None, Audience.NOBODY)


def opened(everyone: bool = True) -> Slots:
    return Slots(everyone=everyone)


def told(actions: list[Action]) -> list[tuple[str, SlotState, str | None]]:
    messages = [each.message for each in actions if isinstance(each, Broadcast)]
    return [(each.slot, each.state, each.name) for each in messages if isinstance(each, SlotChanged)]


def facts(actions: list[Action]) -> list[Body]:
    return [each.body for each in actions if isinstance(each, Record)]


def actor(person: Person) -> Actor:
    return Actor(person.member, person.name, person.branch)


def cast(on: Person | None = None, lost: bool = False, backstage: Person | None = None, *called: Person) -> Cast:
    members = {person.member for person in (on, backstage, *called) if person is not None}
    return Cast(
        None if on is None else actor(on), lost, None if backstage is None else backstage.member, frozenset(members)
    )


def routes(actions: list[Action]) -> list[tuple[str, str | None, Audience]]:
    return [(each.publication, each.slot, each.audience) for each in actions if isinstance(each, RoutePublication)]


def test_a_guest_is_seen_by_nobody_then_backstage_then_by_everyone() -> None:
    slots = opened()
    assert slots.open("p1", "guest", GUEST) == []
    assert routes(slots.follow(cast(), 5)) == [("p1", *NOBODY)]
    slots.flow("p1", 10, Codec.VP8)
    assert slots.follow(cast(), 10) == []
    assert slots.seen.flowing == {"guest": GUEST}
    assert slots.follow(cast(backstage=GUEST), 20) == [RoutePublication("p1", "backstage", Audience.STAGE)]
    actions = slots.follow(cast(GUEST), 30)
    assert routes(actions) == [("p1", "guest", Audience.EVERYONE)]
    assert told(actions) == [("guest", SlotState.LIVE, "王芳")]
    assert actions[1:3] == [
        Record(SlotFlowing("guest", "guest"), 30),
        Record(StageEntered("guest", "guest"), 30),
    ]
    assert slots.on_stage("guest")
    actions = slots.follow(cast(), 40)
    assert routes(actions) == [("p1", *NOBODY)]
    assert told(actions) == [("guest", SlotState.EMPTY, None)]
    assert facts(actions) == [StageLeft("guest", "guest", 40), SlotSilent("guest", 40)]


def test_who_goes_off_is_taken_off_before_the_next_is_put_on() -> None:
    slots = opened()
    for peer, person in (("p2", OTHER), ("p1", GUEST)):
        slots.open(peer, "guest", person)
        slots.flow(peer, 10, Codec.VP8)
    slots.follow(cast(GUEST, False, OTHER), 10)
    actions = slots.follow(cast(OTHER), 30)
    assert routes(actions) == [("p1", *NOBODY), ("p2", "guest", Audience.EVERYONE)]
    assert told(actions) == [("guest", SlotState.LIVE, "刘洋")]
    assert facts(actions) == [
        StageLeft("guest", "guest", 30),
        SlotFlowing("guest", "other"),
        StageEntered("other", "guest"),
    ]


def test_a_guest_whose_network_dies_is_a_card_and_comes_back() -> None:
    slots = opened()
    slots.open("p1", "guest", GUEST)
    slots.flow("p1", 10, Codec.VP8)
    slots.follow(cast(GUEST), 10)
    assert slots.fall_silent("p1", 20) == []
    assert slots.seen.flowing == {}
    assert slots.seen.lost == 20
    actions = slots.follow(cast(GUEST, lost=True), 22)
    assert told(actions) == [("guest", SlotState.LOST, "王芳")]
    assert facts(actions) == [StageLeft("guest", "guest", 20), SlotSilent("guest", 20)]
    slots.close("p1", 20, wanted=False)
    slots.open("p2", "guest", GUEST)
    assert routes(slots.follow(cast(GUEST, lost=True), 30)) == [("p2", "guest", Audience.EVERYONE)]
    slots.flow("p2", 31, Codec.H264)
    actions = slots.follow(cast(GUEST), 31)
    assert told(actions) == [("guest", SlotState.LIVE, "王芳")]
    assert facts(actions) == [SlotFlowing("guest", "guest"), StageEntered("guest", "guest")]


def test_in_a_rehearsal_only_the_stage_sees_who_is_on() -> None:
    slots = opened(everyone=False)
    slots.open("p1", "guest", GUEST)
    slots.flow("p1", 10, Codec.VP8)
    actions = slots.follow(cast(GUEST), 10)
    assert routes(actions) == [("p1", "guest", Audience.STAGE)]
    assert told(actions) == [("guest", SlotState.STAGE, "王芳")]
    assert facts(actions) == []
    actions = slots.open_to(True, 50)
    assert routes(actions) == [("p1", "guest", Audience.EVERYONE)]
    assert [each.happened for each in actions if isinstance(each, Record)] == [50, 50]


def test_a_member_who_is_not_called_any_more_is_told_to_stop() -> None:
    slots = opened()
    slots.open("p1", "guest", MEMBER)
    slots.flow("p1", 10, Codec.VP8)
    assert slots.follow(cast(None, False, MEMBER), 10) == [RoutePublication("p1", "backstage", Audience.STAGE)]
    assert slots.follow(cast(), 20) == [ClosePublication("p1"), RoutePublication("p1", *NOBODY)]
    assert slots.seen.flowing == {}
    assert slots.follow(cast(MEMBER), 21) == [
        Broadcast(SlotChanged(0, "guest", SlotState.EXPECTED, "张伟", "镇巴县", "member", None))
    ]
    assert slots.close("p1", 22, wanted=True) == []


def test_another_one_on_the_screen_hands_back_when_they_stop() -> None:
    slots = opened()
    slots.open("p1", "screen", DEAN)
    slots.flow("p1", 10, Codec.VP8)
    assert slots.seen.screen
    slots.open("p2", "screen", HOST)
    assert told(slots.flow("p2", 20, Codec.VP8)) == [("screen", SlotState.LIVE, "赵主任")]
    actions = slots.close("p2", 30, wanted=True)
    assert routes(actions) == [("p1", "screen", Audience.EVERYONE)]
    assert told(actions) == [("screen", SlotState.LIVE, "李教授")]
    assert facts(actions) == [SlotFlowing("screen", "dean")]


def test_one_who_is_still_to_come_takes_over_from_whoever_was_shown_meanwhile() -> None:
    slots = opened()
    for peer, person in (("p1", DEAN), ("p2", HOST)):
        slots.open(peer, "screen", person)
        slots.flow(peer, 10, Codec.VP8)
    slots.open("p3", "screen", HOST)
    assert routes(slots.close("p2", 20, wanted=True)) == [("p1", "screen", Audience.EVERYONE)]
    actions = slots.flow("p3", 30, Codec.VP8)
    assert routes(actions) == [("p3", "screen", Audience.EVERYONE)]
    assert told(actions) == [("screen", SlotState.LIVE, "赵主任")]


def test_a_rehearsal_is_routed_to_the_stage_and_members_see_only_that_somebody_is_there() -> None:
    slots = opened(everyone=False)
    assert RoutePublication("p1", "lecturer", Audience.STAGE) in slots.open("p1", "lecturer", DEAN)
    actions = slots.flow("p1", 10, Codec.H264)
    assert told(actions) == [("lecturer", SlotState.STAGE, "李教授")]
    assert facts(actions) == []
    assert slots.picture
    assert slots.silent_since is not None
    actions = slots.open_to(True, 50)
    assert actions[0] == RoutePublication("p1", "lecturer", Audience.EVERYONE)
    assert told(actions) == [("lecturer", SlotState.LIVE, "李教授")]
    assert facts(actions) == [SlotFlowing("lecturer", "dean")]
    assert slots.silent_since is None


def test_silence_is_lost_and_media_again_is_live() -> None:
    slots = opened()
    slots.open("p1", "lecturer", DEAN)
    slots.flow("p1", 10, Codec.VP8)
    actions = slots.fall_silent("p1", 90)
    assert told(actions) == [("lecturer", SlotState.LOST, "李教授")]
    assert facts(actions) == [SlotSilent("lecturer", 90)]
    assert slots.silent_since == 90
    assert not slots.picture
    assert told(slots.flow("p1", 120, Codec.VP8)) == [("lecturer", SlotState.LIVE, "李教授")]


def test_a_lecturer_who_returns_takes_over_without_a_hole() -> None:
    slots = opened()
    slots.open("old", "lecturer", DEAN)
    slots.flow("old", 10, Codec.VP8)
    assert told(slots.open("new", "lecturer", DEAN)) == []
    actions = slots.flow("new", 20, Codec.H264)
    assert told(actions) == [("lecturer", SlotState.LIVE, "李教授")]  # another codec
    assert facts(actions) == []
    assert told(slots.close("old", 21, wanted=True)) == []
    assert slots.picture


def test_a_page_that_vanished_is_lost_for_a_minute_then_its_place_is_empty() -> None:
    slots = opened()
    slots.open("p1", "lecturer", DEAN)
    slots.flow("p1", 10, Codec.VP8)
    assert told(slots.close("p1", 50, wanted=False)) == [("lecturer", SlotState.LOST, "李教授")]
    assert told(slots.tick(50 + LOST_FOR)) == []
    assert told(slots.tick(51 + LOST_FOR)) == [("lecturer", SlotState.EMPTY, None)]


def test_a_dead_relay_takes_every_publication_with_it() -> None:
    slots = opened()
    for peer, name in (("p1", "lecturer"), ("p2", "screen")):
        slots.open(peer, name, DEAN)
        slots.flow(peer, 10, Codec.VP8)
    actions = slots.lose_all(70)
    assert facts(actions) == [SlotSilent("lecturer", 70), SlotSilent("screen", 70)]
    assert {state for _, state, _ in told(actions)} == {SlotState.LOST}
    assert slots.publications == ()
    assert slots.silent_since == 70


def test_words_about_unknown_publications_change_nothing() -> None:
    slots = opened()
    assert slots.flow("x", 1, None) == []
    assert slots.fall_silent("x", 1) == []
    assert slots.close("x", 1, wanted=True) == []
    assert slots.open("x", "nowhere", DEAN) == []


def test_what_another_node_told_is_told_anew() -> None:
    slots = opened()
    slots.open("p1", "lecturer", DEAN)
    slots.flow("p1", 10, Codec.VP8)
    slots.doubted = True
    assert told(slots.tick(20)) == [
        ("lecturer", SlotState.LIVE, "李教授"),
        ("screen", SlotState.EMPTY, None),
        ("host", SlotState.EMPTY, None),
        ("guest", SlotState.EMPTY, None),
    ]
    assert slots.tick(30) == []


def test_the_end_closes_every_publication() -> None:
    slots = opened()
    slots.open("p1", "lecturer", DEAN)
    assert slots.end() == [ClosePublication("p1")]


def test_sound_alone_is_live_but_no_picture() -> None:
    slots = opened()
    slots.open("p1", "lecturer", DEAN)
    slots.flow("p1", 1, None)
    assert not slots.picture
    assert slots.silent_since is None
