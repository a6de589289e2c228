from __future__ import annotations

from attendance.facts import Body, SlotFlowing, SlotSilent, StageEntered, StageLeft
from classroom.room.actions import Action, Broadcast, ClosePublication, Record, RoutePublication
from classroom.room.inputs import Person
from classroom.room.messages import SlotChanged, SlotState
from classroom.room.slots import LOST_FOR, Slots
from signaling.control import Audience
from signaling.session.offer import Codec

DEAN = Person("dean", "李教授", "", "lecturer")
GUEST = Person("guest", "王芳", "镇巴县", "guest")
OTHER = Person("other", "刘洋", "西乡县", "guest")


def opened(everyone: bool = True) -> Slots:
    return Slots(everyone=everyone)


def told(actions: list[Action]) -> list[tuple[str, SlotState, str | None]]:
    messages = [each.message for each in actions if isinstance(each, Broadcast)]
    return [(each.slot, each.state, each.name) for each in messages if isinstance(each, SlotChanged)]


def facts(actions: list[Action]) -> list[Body]:
    return [each.body for each in actions if isinstance(each, Record)]


def test_a_guest_goes_to_everyone_at_once() -> None:
    slots = opened()
    actions = slots.open("p1", "guest", GUEST)
    assert RoutePublication("p1", "guest", Audience.EVERYONE) in actions
    assert told(actions) == [("guest", SlotState.EXPECTED, "王芳")]
    actions = slots.flow("p1", 10, Codec.VP8)
    assert told(actions) == [("guest", SlotState.LIVE, "王芳")]
    assert facts(actions) == [SlotFlowing("guest", "guest"), StageEntered("guest", "guest")]
    assert slots.on_stage("guest")
    actions = slots.close("p1", 20, wanted=True)
    assert told(actions) == [("guest", SlotState.EMPTY, None)]
    assert facts(actions) == [StageLeft("guest", "guest", 20), SlotSilent("guest", 20)]


def test_a_rehearsal_is_routed_to_the_stage_and_members_see_only_that_somebody_is_there() -> None:
    slots = opened(everyone=False)
    assert RoutePublication("p1", "lecturer", Audience.STAGE) in slots.open("p1", "lecturer", DEAN)
    actions = slots.flow("p1", 10, Codec.H264)
    assert told(actions) == []
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


def test_another_guest_follows_on_the_same_slot() -> None:
    slots = opened()
    slots.open("p1", "guest", GUEST)
    slots.flow("p1", 10, Codec.VP8)
    slots.open("p2", "guest", OTHER)
    actions = slots.flow("p2", 30, Codec.VP8)
    assert told(actions) == [("guest", SlotState.LIVE, "刘洋")]
    assert facts(actions) == [
        StageLeft("guest", "guest", 30),
        SlotFlowing("guest", "other"),
        StageEntered("other", "guest"),
    ]


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
