from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Collection

import pytest

from attendance.errors import StoreUnavailable
from attendance.facts import (
    Beat,
    Bits,
    Evidence,
    Fact,
    LectureMoved,
    LectureState,
    MemberDisconnected,
    NodeStarted,
    NodeStopped,
    OutageBegan,
    OutageEnded,
    ReceivingBegan,
    ReceivingStopped,
    SlotFlowing,
    SlotSilent,
)
from attendance.roster import Invitation
from classroom.errors import UserError
from classroom.io import rooms_asyncio
from classroom.room.inputs import Joined, Left, Person, Received
from classroom.room.messages import Cause, Close, Heartbeat, Page, Proof, Reception, Trouble
from classroom.room.outbox import BOOT_STRIDE
from signaling.control import (
    Audience,
    Closing,
    Load,
    OpenPeer,
    PeerClosed,
    PublicationFlowing,
    PublicationSilent,
    PublisherTrouble,
    ViewerLacksCodec,
    ViewerQuality,
    ViewerReceiving,
    ViewerStalled,
)
from signaling.ports import RelayDown, RelayUp
from signaling.proof import key_of, mark_of, period_at
from signaling.session.offer import Codec
from tests.unit.classroom.hall import LECTURE, PROOFS, Hall, hall, until

DEAN = Person("lecturer-1", "李教授", "", "lecturer")


class Outlet:
    def __init__(self, here: Hall, connection: str) -> None:
        self.connection = connection
        self.evidence = here.clock.now()
        self.frames: list[bytes] = []
        self.complaints: list[str] = []
        self.code: Close | None = None

    def send(self, frame: bytes) -> None:
        self.frames.append(frame)

    def complain(self, reason: str, key: str | None) -> None:
        self.complaints.append(reason)

    def dismiss(self, code: Close, reason: str) -> None:
        self.code = code


@pytest.fixture
async def here() -> AsyncIterator[Hall]:
    async with hall() as made:
        yield made


async def joined(here: Hall, member: str = "member-1") -> Outlet:
    outlet = Outlet(here, f"c-{member}")
    person = Person(member, "张伟", "", member.split("-")[0])
    await here.rooms.join(LECTURE, outlet, Joined(outlet.connection, person, Page.ROOM, ""))
    return outlet


def restarts(outlet: Outlet) -> int:
    """How often it was told that the relay had started anew."""
    return sum(frame.count(b'"relay-restarted"') for frame in outlet.frames)


def monotonic(here: Hall) -> float:
    return asyncio.get_running_loop().time()


async def test_a_viewers_evidence_becomes_facts(here: Hall) -> None:
    now = monotonic(here)
    await here.follower.watched(LECTURE, "member-1", "member", "w1")
    here.relay.told.put_nowait(ViewerReceiving("w1", now))
    await until(lambda: here.recorder.bodies(ReceivingBegan))
    (began,) = here.recorder.bodies(ReceivingBegan)
    assert began == ReceivingBegan("member-1", "w1", Evidence.REPORTED, here.clock.at(now))
    standings = (await here.rooms.roll(LECTURE)).members
    assert standings["member-1"].receiving
    here.relay.told.put_nowait(ViewerStalled("w1", now + 1, now + 1))
    here.relay.told.put_nowait(PeerClosed("w1", Closing.DELETED, now + 1, now + 1))
    await until(lambda: here.recorder.bodies(ReceivingStopped))
    assert here.recorder.bodies(ReceivingStopped)[0].last == here.clock.at(now + 1)


async def test_a_page_that_echoes_its_marks_is_proved(here: Hall) -> None:
    outlet = await joined(here)
    other = await joined(here, "member-2")
    now = time.monotonic()
    mark = mark_of(key_of(PROOFS, LECTURE), "w1", period_at(now))
    await here.follower.watched(LECTURE, "member-1", "member", "w1")
    here.relay.told.put_nowait(ViewerReceiving("w1", now))
    await until(lambda: here.recorder.bodies(ReceivingBegan))
    foreign = Heartbeat(visible=True, playing=True, proofs=(Proof("w1", (mark,)),))
    here.rooms.feed(LECTURE, Received(other.connection, foreign))  # another member's page
    invented = Heartbeat(visible=True, playing=True, proofs=(Proof("w1", (mark ^ 1, 0)), Proof("w2", (mark,))))
    here.rooms.feed(LECTURE, Received(outlet.connection, invented))
    assert here.witness.bits(LECTURE, here.clock.at(now)) == {"w1": Bits.REPORTED}
    here.rooms.feed(LECTURE, Received(outlet.connection, foreign))
    await until(lambda: len(here.recorder.bodies(ReceivingBegan)) == 2)
    assert here.recorder.bodies(ReceivingBegan)[1].evidence is Evidence.PROVED
    standings = (await here.rooms.roll(LECTURE)).members
    assert standings["member-1"].proved


async def test_a_publication_is_routed_seen_and_lost(here: Hall) -> None:
    await here.follower.published(LECTURE, "lecturer", DEAN, "p1")
    await until(lambda: here.relay.routes)
    assert here.relay.routes == [("p1", "lecturer", Audience.EVERYONE)]
    now = monotonic(here)
    here.relay.told.put_nowait(PublicationFlowing("p1", now, True, Codec.VP8))
    await until(lambda: here.lectures.states.get(LECTURE) is LectureState.LIVE)
    assert here.recorder.bodies(SlotFlowing) == [SlotFlowing("lecturer", "lecturer-1")]
    here.relay.told.put_nowait(PublicationSilent("p1", now + 2, now))
    await until(lambda: here.recorder.bodies(SlotSilent))
    assert here.recorder.bodies(SlotSilent)[0].last == here.clock.at(now)


async def test_a_dead_relay_is_an_outage_of_lectures_that_go_on(here: Hall) -> None:
    await here.rooms.load(LECTURE)
    await here.follower.watched(LECTURE, "member-1", "member", "w1")
    now = monotonic(here)
    for event in (RelayUp(now), ViewerReceiving("w1", now), RelayDown(now + 1), RelayUp(now + 2)):
        here.relay.told.put_nowait(event)
    await until(lambda: len(here.recorder.bodies(OutageEnded)) == 2)
    assert [each.cause for each in here.recorder.bodies(OutageBegan)] == ["relay"]
    assert here.recorder.bodies(ReceivingStopped)[0].reason == "relay-down"
    assert here.follower.seen == now + 2


async def test_pages_hear_of_a_new_relay_but_not_of_one_that_lived_on(here: Hall) -> None:
    member = await joined(here, "member-1")
    now = monotonic(here)
    for event in (RelayUp(now), RelayDown(now + 1), RelayUp(now + 2)):
        here.relay.told.put_nowait(event)
    await until(lambda: restarts(member) == 1)
    here.relay.open_peers = (OpenPeer("w1", LECTURE, "member-1", None, True, True),)
    for event in (RelayDown(now + 3), RelayUp(now + 4)):
        here.relay.told.put_nowait(event)
    await until(lambda: here.follower.seen == now + 4 and here.recorder.bodies(ReceivingBegan))
    assert restarts(member) == 1


async def test_a_new_web_process_takes_over_what_the_relay_holds(here: Hall) -> None:
    here.relay.open_peers = (
        OpenPeer("p1", LECTURE, "lecturer-1", "lecturer", True, True, Codec.H264),
        OpenPeer("w1", LECTURE, "member-1", None, True, True),
        OpenPeer("w2", LECTURE, "nobody-1", None, True, True),
        OpenPeer("w3", "no-lecture", "member-2", None, True, True),
    )
    here.relay.told.put_nowait(RelayUp(monotonic(here)))
    await until(lambda: here.recorder.bodies(ReceivingBegan) and len(here.relay.closed) == 2)
    assert here.relay.routes == [("p1", "lecturer", Audience.EVERYONE)]
    assert sorted(here.relay.closed) == ["w2", "w3"]
    assert here.witness.receiving(LECTURE) == {"member-1"}
    assert (await here.rooms.load(LECTURE)).room.life.state is LectureState.LIVE


async def test_a_full_relay_is_taken_over_by_a_few_queries(here: Hall, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    of_members = here.roster.of_members

    async def counting(lecture: str, members: Collection[str]) -> list[Invitation]:
        asked.append(len(members))
        return await of_members(lecture, members)

    monkeypatch.setattr(here.roster, "of_members", counting)
    here.relay.open_peers = tuple(
        OpenPeer(f"w{number}", LECTURE, f"member-{number}", None, True, False) for number in range(1_120)
    )
    here.relay.told.put_nowait(RelayUp(monotonic(here)))
    await until(lambda: len(here.witness) == 1_120)
    assert asked == [500, 500, 120]


async def test_who_cannot_be_looked_up_is_closed(here: Hall, monkeypatch: pytest.MonkeyPatch) -> None:
    async def away(lecture: str, members: Collection[str]) -> list[Invitation]:
        raise StoreUnavailable("away")

    monkeypatch.setattr(here.roster, "of_members", away)
    here.relay.open_peers = (OpenPeer("w1", LECTURE, "member-1", None, True, True),)
    here.relay.told.put_nowait(RelayUp(monotonic(here)))
    await until(lambda: here.relay.closed == ["w1"])


async def test_a_beat_vouches_only_for_what_was_seen_since(here: Hall, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rooms_asyncio, "BEAT", 0.3)
    monkeypatch.setattr(rooms_asyncio, "BEAT_AGE", 200_000)
    async with hall() as other:
        fresh, stale = await joined(other, "member-1"), await joined(other, "member-2")
        await other.follower.watched(LECTURE, "member-1", "member", "w1")
        other.relay.told.put_nowait(ViewerReceiving("w1", monotonic(other)))
        stale.evidence -= 10_000_000
        fresh.evidence += 3_600_000_000  # gives signs without end, however slowly this machine runs
        await until(lambda: any("w1" in beat.connections for beat in other.recorder.bodies(Beat)))
        beat = next(beat for beat in other.recorder.bodies(Beat) if "w1" in beat.connections)
        assert set(beat.connections) == {fresh.connection, "w1"}
        assert next(each for each in other.recorder.facts if each.body is beat).happened <= other.clock.now() - 200_000
        for outlet in (fresh, stale):
            other.rooms.feed(LECTURE, Left(outlet.connection, 0, "closed"))


async def test_a_room_is_rebuilt_from_facts() -> None:
    facts = [
        Fact(LECTURE, "n", "b", 1, 1_000, NodeStarted()),
        Fact(LECTURE, "n", "b", 2, 2_000, LectureMoved(LectureState.LOBBY, "doors-open")),
        Fact(LECTURE, "n", "b", 3, 3_000, LectureMoved(LectureState.LIVE, "button")),
        Fact("other", "n", "b", 4, 4_000, LectureMoved(LectureState.ENDED, "ended")),
    ]
    async with hall(facts) as here:
        await here.rooms.take_up([LECTURE])
        live = await here.rooms.load(LECTURE)
        assert (live.room.life.state, live.room.life.since) == (LectureState.LIVE, 3_000)
        outlet = await joined(here)
        assert f'"seq":{BOOT_STRIDE}'.encode() in outlet.frames[0]
        await until(lambda: here.recorder.bodies(NodeStarted))
        await here.rooms.load("other")
    assert len(here.recorder.bodies(NodeStarted)) == 1
    assert here.recorder.bodies(NodeStopped) == [NodeStopped()]


async def test_two_who_come_first_get_one_room(here: Hall) -> None:
    rooms = await asyncio.gather(*(here.rooms.load(LECTURE) for _ in range(5)))
    assert len({id(room) for room in rooms}) == 1
    assert len(here.recorder.bodies(NodeStarted)) == 1


async def test_staff_start_and_end_it(here: Hall) -> None:
    outlet = await joined(here)
    assert await here.rooms.start(LECTURE, LectureState.PLANNED, "staff") is LectureState.LIVE
    assert await here.rooms.start(LECTURE, LectureState.LIVE, "staff") is LectureState.LIVE
    assert await here.rooms.end(LECTURE, LectureState.LIVE, "staff") is LectureState.ENDED
    assert any(b'"ended"' in frame for frame in outlet.frames)
    with pytest.raises(UserError, match="lecture-over"):
        await here.rooms.start(LECTURE, LectureState.ENDED, "staff")
    with pytest.raises(UserError, match="no-such-lecture"):
        await here.rooms.start("nowhere", LectureState.PLANNED, "staff")
    assert await here.rooms.state_of("nowhere") is None


async def test_the_end_closes_the_lectures_peers(here: Hall) -> None:
    await here.follower.published(LECTURE, "lecturer", DEAN, "p1")
    await here.follower.watched(LECTURE, "member-1", "member", "w1")
    await here.follower.watched("other", "member-1", "member", "w2")
    await here.rooms.end(LECTURE, LectureState.LIVE, None)
    await until(lambda: len(here.relay.closed) == 2)
    assert sorted(here.relay.closed) == ["p1", "w1"]


async def test_a_replaced_link_closes_that_members_peers_and_sockets_alone(here: Hall) -> None:
    mine, other = await joined(here), await joined(here, "member-2")
    await here.follower.published(LECTURE, "lecturer", DEAN, "p1")
    await here.follower.watched(LECTURE, "member-1", "member", "w1")
    await here.follower.watched(LECTURE, "member-2", "member", "w2")
    await here.follower.watched("other", "member-1", "member", "w3")
    await here.rooms.expel(LECTURE, frozenset(("member-1", DEAN.member)))
    await until(lambda: len(here.relay.closed) == 2)
    assert sorted(here.relay.closed) == ["p1", "w1"]
    assert (mine.code, other.code) == (Close.TICKET, None)
    await here.rooms.expel("nowhere", frozenset(("member-1",)))


async def test_a_room_is_read_anew_where_its_words_were_erased_but_not_in_mid_lecture(here: Hall) -> None:
    outlet = await joined(here)
    before = here.rooms.live[LECTURE]
    await here.rooms.renew(LECTURE)
    assert outlet.code == Close.RESTARTING
    await until(lambda: here.recorder.bodies(MemberDisconnected))
    assert here.recorder.bodies(MemberDisconnected)[0].reason == "restarting"
    await joined(here)
    during = here.rooms.live[LECTURE]
    assert during is not before
    during.room.life.state = LectureState.LIVE
    await here.rooms.renew(LECTURE)
    assert here.rooms.live[LECTURE] is during
    await here.rooms.renew("nowhere")


async def test_trouble_is_shown_to_staff_with_its_cause(here: Hall) -> None:
    outlet = await joined(here)
    here.rooms.feed(LECTURE, Received(outlet.connection, Trouble(Cause.NO_UDP)))
    await until(lambda: here.recorder.facts)
    standings = (await here.rooms.roll(LECTURE)).members
    assert standings["member-1"].trouble == "no-udp"
    assert standings["member-1"].connected


async def test_the_relays_warnings_reach_the_pages(here: Hall) -> None:
    dean, member = await joined(here, "lecturer-1"), await joined(here, "member-1")
    await here.follower.published(LECTURE, "lecturer", DEAN, "p1")
    await here.follower.watched(LECTURE, "member-1", "member", "w1")
    here.relay.told.put_nowait(PublisherTrouble("p1", "b-frames"))
    here.relay.told.put_nowait(ViewerLacksCodec("w1", "lecturer", Codec.H264))
    await until(lambda: dean.complaints and member.complaints)
    assert (dean.complaints, member.complaints) == (["b-frames"], ["no-codec"])


async def test_the_relays_load_is_a_sign_of_life(here: Hall) -> None:
    here.relay.told.put_nowait(Load(5.0, 1, 2, 3, 4, 5, {}, 0.1))
    await until(lambda: here.loads)
    assert here.follower.seen == 5.0
    assert here.follower.load == here.loads[0]
    here.relay.told.put_nowait(RelayDown(6.0))
    await until(lambda: here.follower.load is None)


async def test_a_member_is_told_which_picture_the_relay_sends_also_after_coming_back(here: Hall) -> None:
    member, other = await joined(here), await joined(here, "member-2")
    await here.follower.watched(LECTURE, "member-1", "member", "w1")
    here.relay.told.put_nowait(ViewerQuality("w1", "lecturer", "audio-only", 1.0))
    told = b'{"type":"picture","session":"w1","slot":"lecturer","level":"audio-only"}'
    await until(lambda: told in b"".join(member.frames))
    here.rooms.feed(LECTURE, Left(member.connection, here.clock.now(), ""))
    again = await joined(here)
    assert told in b"".join(again.frames)
    assert b'"picture"' not in b"".join(other.frames)
    here.relay.told.put_nowait(PeerClosed("w1", Closing.DELETED, 2.0, 2.0))
    here.relay.told.put_nowait(ViewerQuality("w1", "lecturer", "full", 3.0))  # of nobody
    await until(lambda: here.relay.told.empty())
    here.rooms.feed(LECTURE, Left(again.connection, here.clock.now(), ""))
    last = await joined(here)
    assert last.frames
    assert b'"picture"' not in b"".join(last.frames)


async def test_a_new_web_process_learns_which_pictures_the_relay_sends(here: Hall) -> None:
    told = b'{"type":"picture","session":"w1","slot":"lecturer","level":"reduced"}'
    early = await joined(here)
    here.relay.open_peers = (OpenPeer("w1", LECTURE, "member-1", None, True, True, levels={"lecturer": "reduced"}),)
    here.relay.told.put_nowait(RelayUp(monotonic(here)))
    await until(lambda: told in b"".join(early.frames))
    here.rooms.feed(LECTURE, Left(early.connection, here.clock.now(), ""))
    late = await joined(here)
    assert told in b"".join(late.frames)


async def test_what_a_page_says_of_its_own_session_alone_reaches_the_relay(here: Hall) -> None:
    member, other = await joined(here), await joined(here, "member-2")
    await here.follower.watched(LECTURE, "member-1", "member", "w1")
    for outlet, session in ((other, "w1"), (member, "w2"), (other, "w2")):
        here.rooms.feed(LECTURE, Received(outlet.connection, Reception(session, 0.5, 0)))
    again = await joined(here, "member-1")  # a page of this member that has said nothing yet
    here.rooms.feed(LECTURE, Received(again.connection, Reception("w1", 0.25, 400)))
    await until(lambda: here.relay.reports)
    assert here.relay.reports == [("w1", 0.25, 400)]


async def test_who_is_invited_meanwhile_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rooms_asyncio, "COUNT", 0.05)
    async with hall() as here:
        outlet = await joined(here)
        live = await here.rooms.load(LECTURE)
        live.room.audience.invite({})
        await until(lambda: live.room.audience.invited == 5)
        here.rooms.feed(LECTURE, Left(outlet.connection, 0, "closed"))


async def test_who_was_invited_just_now_is_counted_at_once(here: Hall) -> None:
    await joined(here)
    live = await here.rooms.load(LECTURE)
    live.room.audience.invite({})
    await here.rooms.recount(LECTURE)
    assert live.room.audience.invited == 5
    await here.rooms.recount("of which no room is here")


async def test_a_room_that_nobody_needs_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rooms_asyncio, "FORGET_AFTER", 100_000)
    async with hall() as here:
        outlet = await joined(here)
        await asyncio.sleep(0.4)
        assert len(here.rooms) == 1
        here.rooms.feed(LECTURE, Left(outlet.connection, 0, "closed"))
        await until(lambda: len(here.rooms) == 0)
        assert here.recorder.bodies(NodeStopped) == [NodeStopped()]
        assert (await here.rooms.load(LECTURE)).room.life.state is LectureState.PLANNED
