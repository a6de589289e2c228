from __future__ import annotations

import json
from typing import Any, TypeVar

import msgspec
import pytest

from attendance.facts import (
    Bits,
    Body,
    JoinFailed,
    LectureMoved,
    LectureState,
    MemberConnected,
    MemberDisconnected,
    PageTroubled,
)
from classroom.errors import UserError
from classroom.room.actions import (
    Action,
    Broadcast,
    ClosePublication,
    CloseViewers,
    Complain,
    Dismiss,
    Measured,
    Record,
    Replay,
    ReportReception,
    Tell,
)
from classroom.room.counting import Standing
from classroom.room.inputs import (
    AudienceFellSilent,
    Input,
    Joined,
    Lagged,
    Left,
    LinksReplaced,
    MemberTroubled,
    Ordered,
    Person,
    PictureLevelChanged,
    PublicationFlowed,
    PublicationOpened,
    PublisherWarned,
    Received,
    Rehomed,
    RosterChanged,
    Ticked,
)
from classroom.room.lecture import Life
from classroom.room.messages import (
    AudienceSeen,
    Cause,
    Close,
    Command,
    Counted,
    County,
    Heartbeat,
    HomeMoved,
    LectureChanged,
    Level,
    NotCounting,
    Page,
    PictureLevel,
    Presence,
    Quality,
    Reception,
    Resumed,
    SlotState,
    Snapshot,
    Trouble,
    encode,
)
from classroom.room.messages_stage import Call, PutOn
from classroom.room.messages_talk import Chat, Say
from classroom.room.outbox import BOOT_STRIDE, KEPT
from classroom.room.room import About, Room
from signaling.session.offer import Codec
from tests.unit.classroom.roll import NoHistory

SECOND = 1_000_000
NOW = 1_800_000_000 * SECOND
ABOUT = About("l1", "讲座", None, None, "/whip/l1", "/whep/l1")
DEAN = Person("dean", "李教授", "", "lecturer")
Kind = TypeVar("Kind")


def invited(count: int) -> dict[str, str]:
    return {f"invited{number}": "镇巴县 / 泾洋" for number in range(count)}


class Ledger(NoHistory):
    """What the room is told of attendance."""

    def __init__(self) -> None:
        self.standings: dict[str, Standing] = {}
        self.pictures: dict[str, list[tuple[str, str, str]]] = {}

    def levels(self, member: str) -> list[tuple[str, str, str]]:
        return self.pictures.get(member, [])

    def standing(self, member: str, now: int) -> Standing:
        return self.standings.get(member, Standing(False, 0))

    def receiving(self) -> frozenset[str]:
        return frozenset(member for member, each in self.standings.items() if each.receiving)

    def excused(self) -> frozenset[str]:
        return frozenset()


class Stage:
    """A room, its ledger and a clock."""

    def __init__(self, state: LectureState = LectureState.LOBBY, starts: int | None = None, boots: int = 0) -> None:
        self.ledger = Ledger()
        self.now = NOW
        about = msgspec.structs.replace(ABOUT, starts=starts)
        self.room = Room(about, Life(starts, state, NOW), self.ledger, NOW, boots, invited(7))

    def feed(self, message: Input, after: int = 0) -> list[Action]:
        self.now += after
        return self.room.receive(message, self.now)

    def join(
        self, name: str, device: str = "", last: int | None = None, role: str = "member", member: str | None = None
    ) -> list[Action]:
        person = Person(member or name, name, "镇巴县", role)
        return self.feed(Joined(f"c-{name}{device}", person, Page.ROOM, device, last))

    def say(self, name: str, text: str, after: int = 3 * SECOND) -> list[Action]:
        return self.feed(Received(f"c-{name}", Say(text)), after)


def only(actions: list[Action], kind: type[Kind]) -> list[Kind]:
    return [each for each in actions if isinstance(each, kind)]


def facts(actions: list[Action]) -> list[Body]:
    return [each.body for each in only(actions, Record)]


def messages(actions: list[Action], kind: type[Kind]) -> list[Kind]:
    every: list[Any] = [each.message for each in actions if isinstance(each, Tell | Broadcast)]
    return [each for each in every if isinstance(each, kind)]


def test_who_joins_gets_a_snapshot_and_is_a_fact() -> None:
    stage = Stage()
    actions = stage.join("张伟", device="d1")
    (snapshot,) = messages(actions, Snapshot)
    assert (snapshot.you.name, snapshot.you.branch, snapshot.lecture.title) == ("张伟", "镇巴县", "讲座")
    assert (snapshot.count, snapshot.whip, snapshot.whep) == (1, "/whip/l1", "/whep/l1")
    assert [slot.state for slot in snapshot.slots] == [SlotState.EMPTY] * 4
    assert facts(actions) == [MemberConnected("张伟", "c-张伟d1", "room", "d1")]


def test_numbers_have_no_gap_and_frames_carry_them() -> None:
    stage = Stage()
    stage.join("a")
    spoken = [only(stage.say("a", f"{number}"), Broadcast)[0] for number in range(5)]
    assert [each.message.seq for each in spoken] == [1, 2, 3, 4, 5]
    assert [json.loads(each.frame)["seq"] for each in spoken] == [1, 2, 3, 4, 5]


def test_who_returns_gets_what_was_missed() -> None:
    stage = Stage()
    stage.join("a")
    for number in range(4):
        stage.say("a", f"{number}")
    actions = stage.join("b", last=2)
    (resumed,) = messages(actions, Resumed)
    (replay,) = only(actions, Replay)
    assert resumed.seq == 4
    assert [json.loads(frame)["seq"] for frame in replay.frames] == [3, 4]
    assert not messages(actions, Snapshot)


def test_a_room_that_moved_goes_on_without_a_gap_and_says_where_it_is() -> None:
    stage = Stage()
    eight, nine = encode(Presence(8, 1)), encode(Presence(9, 2))
    stage.room.resume(7, (eight, nine))
    fresh = only(stage.feed(Rehomed("https://b/whip/l", "https://b/whep/l")), Broadcast)
    assert fresh[0].message == HomeMoved(10, "https://b/whip/l", "https://b/whep/l")
    frames = tuple(each.frame for each in fresh)
    assert stage.room.missed(8) == (nine, *frames)
    assert stage.room.missed(6) is None
    assert stage.room.seq == 9 + len(frames)
    (replay,) = only(stage.join("a", last=7), Replay)
    assert replay.frames == (eight, nine, *frames)
    (snapshot,) = messages(stage.join("b"), Snapshot)
    assert (snapshot.seq, snapshot.whep) == (stage.room.seq, "https://b/whep/l")


@pytest.mark.parametrize("last", [5, 10**9])
def test_a_number_that_was_never_given_gets_a_snapshot(last: int) -> None:
    stage = Stage()
    stage.join("a")
    stage.say("a", "好")
    assert messages(stage.join("b", last=last), Snapshot)


def test_who_missed_too_much_gets_a_snapshot() -> None:
    stage = Stage()
    stage.join("a")
    for number in range(KEPT + 1):
        stage.say("a", f"{number}", after=5 * SECOND)
    assert messages(stage.join("b", last=0), Snapshot)
    assert messages(stage.join("c", last=1), Resumed)


def test_after_a_restart_old_numbers_get_a_snapshot() -> None:
    stage = Stage(boots=2)
    (snapshot,) = messages(stage.join("a", last=40), Snapshot)
    assert snapshot.seq == 2 * BOOT_STRIDE
    assert messages(stage.join("b", last=snapshot.seq), Resumed)


def test_a_member_counts_once_and_leaves_with_the_last_device() -> None:
    stage = Stage()
    for device in ("phone", "office"):
        stage.join("a", device)
    assert [each.count for each in messages(stage.feed(Ticked(), SECOND), Presence)] == [1]
    assert stage.feed(Left("c-aphone", stage.now, "closed"))
    assert stage.room.crowd.count == 1
    stage.feed(Left("c-aoffice", stage.now, "closed"))
    assert [each.count for each in messages(stage.feed(Ticked(), SECOND), Presence)] == [0]


def test_the_more_are_here_the_rarer_they_are_told_how_many() -> None:
    stage = Stage()
    for number in range(1_000):
        stage.join(f"m{number}")
    assert messages(stage.feed(Ticked(), SECOND), Presence)
    told = []
    for number in range(40):  # four seconds, in each of which ten more come in
        stage.join(f"late{number}")
        told += messages(stage.feed(Ticked(), SECOND // 10), Presence)
    assert 1 <= len(told) <= 2


def test_the_lecturer_is_no_audience() -> None:
    stage = Stage()
    actions = stage.join("dean", role="lecturer")
    assert messages(actions, AudienceSeen) == [AudienceSeen(0, 0, 7, 0, 7, (County("镇巴县", 7, 0, 0, 7),))]
    assert stage.room.crowd.count == 0


def test_a_fourth_device_is_sent_away() -> None:
    stage = Stage()
    for device in ("1", "2", "3"):
        stage.join("a", device)
    assert only(stage.join("a", "4"), Dismiss) == [Dismiss("c-a4", Close.TOO_MANY_DEVICES, "too-many-devices")]
    assert not facts(stage.feed(Left("c-a4", NOW, "too-many-devices")))
    stage.feed(Left("c-a1", NOW, "closed"))
    assert messages(stage.join("a", "4"), Snapshot)


def test_a_disconnection_ends_at_the_last_evidence_and_never_before_it_began() -> None:
    stage = Stage()
    stage.join("a")
    actions = stage.feed(Left("c-a", stage.now + 4 * SECOND, "silent"), after=16 * SECOND)
    assert facts(actions) == [MemberDisconnected("a", "c-a", NOW + 4 * SECOND, "silent")]
    stage.join("b")
    (fact,) = facts(stage.feed(Left("c-b", 0, "silent")))
    assert isinstance(fact, MemberDisconnected)
    assert fact.last == stage.now


def test_only_who_may_moves_the_lecture() -> None:
    stage = Stage()
    stage.join("a")
    assert only(stage.feed(Received("c-a", Command("start"))), Complain) == [Complain("c-a", "role-may-not")]
    stage.join("dean", role="lecturer")
    actions = stage.feed(Received("c-dean", Command("start")))
    assert facts(actions) == [LectureMoved(LectureState.LIVE, "button", "dean")]
    assert not facts(stage.feed(Received("c-dean", Command("start"))))


def test_the_first_picture_begins_the_lecture_at_once() -> None:
    stage = Stage()
    stage.feed(PublicationOpened("p", "lecturer", DEAN))
    actions = stage.feed(PublicationFlowed("p", stage.now, Codec.VP8))
    assert LectureMoved(LectureState.LIVE, "first-picture") in facts(actions)


def test_a_rehearsal_goes_live_when_the_start_is_due() -> None:
    stage = Stage(starts=NOW + 10 * SECOND)
    stage.feed(PublicationOpened("p", "lecturer", DEAN))
    assert not facts(stage.feed(PublicationFlowed("p", stage.now, Codec.VP8)))
    actions = stage.feed(Ticked(), after=10 * SECOND)
    assert [type(each).__name__ for each in facts(actions)] == ["SlotFlowing", "LectureMoved"]


def test_the_end_closes_publications_and_viewers_and_nobody_comes_in_any_more() -> None:
    stage = Stage(LectureState.LIVE)
    stage.join("a")
    stage.feed(PublicationOpened("p", "lecturer", DEAN))
    actions = stage.feed(Ordered("end", "staff-1"))
    assert LectureMoved(LectureState.ENDED, "ended", "staff-1") in facts(actions)
    assert only(actions, ClosePublication)
    assert only(actions, CloseViewers)
    assert messages(actions, LectureChanged)[0].state is LectureState.ENDED
    assert only(stage.join("b"), Dismiss) == [Dismiss("c-b", Close.LECTURE_OVER, "lecture-over")]
    assert only(stage.say("a", "再见"), Complain) == [Complain("c-a", "lecture-over")]
    assert stage.feed(Ordered("end", None)) == []
    with pytest.raises(UserError, match="lecture-over"):
        stage.feed(Ordered("start", None))


def test_members_are_told_why_their_minutes_do_not_grow() -> None:
    stage = Stage()
    (message,) = messages(stage.join("a"), Counted)
    assert (message.receiving, message.reason) == (False, NotCounting.NOT_STARTED)
    stage.feed(Ordered("start", None))
    (message,) = messages(stage.feed(Ticked()), Counted)
    assert message.reason is NotCounting.NO_MEDIA
    stage.ledger.standings["a"] = Standing(True, 1500, NOW)
    (message,) = messages(stage.feed(Ticked()), Counted)
    assert (message.receiving, message.counted_ms, message.reason) == (True, 1500, None)
    stage.ledger.standings["a"] = Standing(True, 2500, NOW)
    assert not messages(stage.feed(Ticked(), after=SECOND), Counted)
    (message,) = messages(stage.feed(Ticked(), after=15 * SECOND), Counted)
    assert message.counted_ms == 2500


def test_every_member_is_looked_at_within_a_second() -> None:
    stage = Stage()
    for number in range(95):
        stage.join(f"m{number}")
    stage.feed(Ordered("start", None))
    told = [each.connection for _ in range(10) for each in only(stage.feed(Ticked()), Tell)]
    assert len(told) == 95
    assert len(set(told)) == 95


def test_the_stage_sees_the_audience_when_it_changes() -> None:
    stage = Stage()
    stage.join("dean", role="lecturer")
    stage.join("a")
    (seen,) = messages(stage.feed(Ticked(), after=2 * SECOND), AudienceSeen)
    assert (seen.connected, seen.receiving, seen.invited, seen.missing) == (1, 0, 7, 7)
    assert not messages(stage.feed(Ticked(), after=2 * SECOND), AudienceSeen)
    stage.feed(RosterChanged(invited(9)))
    stage.feed(Received("c-a", Trouble(Cause.NO_UDP)))
    (seen,) = messages(stage.feed(Ticked(), after=2 * SECOND), AudienceSeen)
    assert (seen.invited, seen.trouble) == (9, 1)
    (seen,) = messages(stage.feed(Ticked(), after=61 * SECOND), AudienceSeen)
    assert seen.trouble == 0


def test_whoever_speaks_is_told_at_once_when_nobody_receives_any_more() -> None:
    stage = Stage()
    stage.join("dean", role="lecturer")
    for name in ("a", "b"):
        stage.join(name)
        stage.ledger.standings[name] = Standing(True, 0)
    (seen,) = messages(stage.feed(Ticked(), after=2 * SECOND), AudienceSeen)
    assert (seen.receiving, seen.silent) == (2, False)
    (seen,) = messages(stage.feed(AudienceFellSilent(0), after=SECOND // 3), AudienceSeen)
    assert (seen.receiving, seen.silent) == (0, True)
    (seen,) = messages(stage.feed(AudienceFellSilent(None), after=SECOND // 3), AudienceSeen)
    assert (seen.receiving, seen.silent) == (2, False)


def test_trouble_is_a_fact_but_not_without_end() -> None:
    stage = Stage()
    stage.join("a")
    kept = [facts(stage.feed(Received("c-a", Trouble(Cause.NO_UDP, "x")))) for _ in range(30)]
    assert kept[0] == [JoinFailed("a", "no-udp", "x")]
    assert sum(map(bool, kept)) == 20


def test_whoever_has_too_many_devices_is_known_to_have_come_but_not_without_end() -> None:
    stage = Stage()
    for number in range(3):
        stage.join("a", device=f"d{number}")
    told = [facts(stage.join("a", device=f"x{number}")) for number in range(30)]
    assert told[0] == [JoinFailed("a", "too-many-devices", "room")]
    assert sum(map(bool, told)) == 5


def test_who_is_in_and_lacks_sound_or_camera_did_not_fail_to_join() -> None:
    stage = Stage()
    stage.join("a")
    assert facts(stage.feed(Received("c-a", Trouble(Cause.AUTOPLAY, "x")))) == [PageTroubled("a", "autoplay", "x")]
    told = facts(stage.feed(Received("c-a", Trouble(Cause.CAMERA_REFUSED))))
    assert told == [PageTroubled("a", "camera-refused")]


def test_beats_say_visible_and_on_stage() -> None:
    stage = Stage()
    stage.join("guest", role="guest")
    assert stage.room.bits("c-guest") == Bits.CONNECTED | Bits.VISIBLE
    stage.feed(Received("c-guest", Heartbeat(visible=False, playing=True)))
    stage.feed(PublicationOpened("p", "guest", Person("guest", "王芳", "", "guest")))
    stage.feed(PublicationFlowed("p", stage.now, Codec.VP8))
    assert stage.room.bits("c-guest") == Bits.CONNECTED
    stage.join("host", role="host")
    stage.feed(Received("c-host", Call("guest")))
    stage.feed(Received("c-host", PutOn("guest")))
    assert stage.room.bits("c-guest") == Bits.CONNECTED | Bits.ON_STAGE
    assert stage.room.bits("c-nobody") == 0


def test_quality_goes_to_the_meter_and_a_slow_socket_gets_a_snapshot() -> None:
    stage = Stage()
    stage.join("a")
    assert only(stage.feed(Received("c-a", Quality(fps=25))), Measured) == [Measured(Quality(fps=25))]
    assert messages(stage.feed(Lagged("c-a")), Snapshot)
    assert stage.feed(Lagged("c-gone")) == []


def test_what_arrives_is_passed_on_every_two_seconds_at_most() -> None:
    stage = Stage()
    stage.join("a")
    said = Received("c-a", Reception("w1", 0.1, 200))
    assert only(stage.feed(said), ReportReception) == [ReportReception("a", "w1", 0.1, 200)]
    stage.now += SECOND
    assert only(stage.feed(said), ReportReception) == []
    stage.now += SECOND
    assert only(stage.feed(said), ReportReception)


def test_the_level_of_the_picture_is_told_on_every_page_of_that_member() -> None:
    stage = Stage()
    stage.join("a", "1")
    stage.join("a", "2")
    stage.join("b")
    told = only(stage.feed(PictureLevelChanged("a", "w1", "lecturer", Level.REDUCED)), Tell)
    assert {each.connection for each in told} == {"c-a1", "c-a2"}
    assert {each.message for each in told} == {PictureLevel("w1", "lecturer", Level.REDUCED)}


def test_who_comes_returns_or_lagged_is_told_what_holds_of_the_picture() -> None:
    stage = Stage()
    stage.ledger.pictures["a"] = [("w1", "lecturer", "reduced"), ("w1", "screen", "full")]
    holds = [PictureLevel("w1", "lecturer", Level.REDUCED), PictureLevel("w1", "screen", Level.FULL)]
    assert messages(stage.join("a"), PictureLevel) == holds
    assert messages(stage.join("a", "phone", last=stage.room.seq), PictureLevel) == holds
    assert messages(stage.feed(Lagged("c-a")), PictureLevel) == holds
    assert not messages(stage.join("b"), PictureLevel)


def test_the_relays_warning_reaches_every_page_of_that_member() -> None:
    stage = Stage()
    stage.join("a", "1")
    stage.join("a", "2")
    complaints = only(stage.feed(MemberTroubled("a", "no-codec")), Complain)
    assert {each.connection for each in complaints} == {"c-a1", "c-a2"}
    stage.join("dean", role="lecturer")
    stage.feed(PublicationOpened("p", "lecturer", msgspec.structs.replace(DEAN, member="dean")))
    assert only(stage.feed(PublisherWarned("p", "b-frames")), Complain) == [Complain("c-dean", "b-frames")]
    assert stage.feed(PublisherWarned("gone", "b-frames")) == []


def test_chat_is_in_the_next_snapshot() -> None:
    stage = Stage()
    stage.join("a")
    stage.say("a", "第一")
    (snapshot,) = messages(stage.join("b"), Snapshot)
    assert [each.text for each in snapshot.chat] == ["第一"]
    assert all(isinstance(each, Chat) and each.seq == 1 for each in snapshot.chat)


def test_words_of_sockets_that_are_gone_change_nothing() -> None:
    stage = Stage()
    assert stage.feed(Received("c-x", Say("好"))) == []
    assert stage.feed(Left("c-x", NOW, "closed")) == []
    assert stage.room.idle


def test_a_replaced_link_ends_all_that_was_opened_with_it_and_nothing_else() -> None:
    stage = Stage()
    for device in ("1", "2"):
        stage.join("a", device)
    stage.join("b")
    stage.join("dean", role="lecturer")
    stage.feed(PublicationOpened("p", "lecturer", DEAN))
    stage.feed(PublicationOpened("q", "screen", DEAN))
    actions = stage.feed(LinksReplaced(frozenset(("a", "nobody"))))
    assert {each.connection for each in only(actions, Dismiss)} == {"c-a1", "c-a2"}
    assert {(each.code, each.reason) for each in only(actions, Dismiss)} == {(Close.TICKET, "ticket-revoked")}
    assert only(actions, CloseViewers) == [CloseViewers(frozenset(("a", "nobody")))]
    assert not only(actions, ClosePublication)
    actions = stage.feed(LinksReplaced(frozenset(("dean",))))
    assert {each.publication for each in only(actions, ClosePublication)} == {"p", "q"}
