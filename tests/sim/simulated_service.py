"""The web process of a simulated evening: the product's own rooms, follower of the relay, errands, recorder and store,
joined as `classroom.service` joins them, on a loop in virtual time; and what surrounds them: a database that may be
away, a relay that may die."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Coroutine, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from attendance.errors import StoreUnavailable
from attendance.facts import Fact, LectureState
from attendance.io.engine_sqlalchemy import open_engine
from attendance.io.recorder_asyncio import LedgerRecorder
from attendance.io.store_sqlalchemy import SqlStore
from attendance.io.tables_sqlalchemy import facts as facts_table
from attendance.io.tables_sqlalchemy import heads as heads_table
from attendance.io.tables_sqlalchemy import metadata
from attendance.ports import Stored
from attendance.roster import BranchPath, Invitation, Member
from attendance.site import Site
from classroom.errors import UserError
from classroom.evidence import Witness
from classroom.io.errands_asyncio import Errands
from classroom.io.records_attendance import RoomFacts
from classroom.io.relay_asyncio import RelayFollower
from classroom.io.rooms_asyncio import Rooms
from classroom.office import LectureRow
from classroom.people.invitations import Door
from classroom.people.ticket import TicketSigner
from classroom.room.inputs import Joined, Person
from classroom.room.journal import Journaled
from classroom.room.messages import Close
from classroom.sites import SiteDesk
from signaling.control import Audience, Closing, Event, OpenPeer, PublicationFlowing
from signaling.errors import Refused
from signaling.ports import Grant, RelayDown, RelayUp
from signaling.session.answer import Answer
from signaling.session.offer import Codec, Offer
from tests.sim.virtual_loop import VirtualLoop

LECTURE = "party"
SECRET = b"s" * 32
BASE = 1_800_000_000_000_000
S = 1_000_000
DEAN = Person("dean", "李教授", "", "lecturer")
MEMORY = "sqlite+aiosqlite:///:memory:"
LATENCY = 0.004
"""Seconds from a fact's leaving to its commit, and from there to the answer: a process may be killed in either."""
OVER = frozenset({"site-closed", "lecture-over"})
"""What a site's page is told where nothing comes of it any more."""
BRANCH = ("镇巴县",)
Found = TypeVar("Found")


def at(moment: float) -> int:
    return BASE + round(moment * S)


class Clock:
    """A machine's clock, `offset` µs off; as `SystemClock`."""

    def __init__(self, loop: VirtualLoop, offset: int = 0) -> None:
        self._loop = loop
        self._offset = offset

    def now(self) -> int:
        return self.at(self._loop.now)

    def at(self, monotonic: float) -> int:
        return at(monotonic) + self._offset

    def advance(self, floor: int) -> None:
        self._offset += max(0, floor + 1 - self.now())


class Database:
    """The ledger's database, which outlives every process and may be `away`. Its own work takes no virtual time, what
    is between it and a process does."""

    def __init__(self, url: str, loop: VirtualLoop) -> None:
        self.away = False
        self._loop = loop
        self._lock = asyncio.Lock()
        self._engine = open_engine(url)
        self.ledger = SqlStore(self._engine, Clock(loop))

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        with self._loop.undisturbed():
            async with self._engine.begin() as connection:
                await connection.run_sync(metadata.create_all, tables=[facts_table, heads_table])
        yield
        with self._loop.undisturbed():
            await self._engine.dispose()

    def come_back(self) -> None:
        self.away = False

    async def undisturbed(self, work: Coroutine[Any, Any, Found]) -> Found:
        async with self._lock:
            with self._loop.undisturbed():
                return await work

    async def append(self, facts: Sequence[Fact]) -> None:
        await asyncio.sleep(LATENCY)
        if self.away:
            raise StoreUnavailable("nobody answers")
        await self.undisturbed(self.ledger.append(facts))
        await asyncio.sleep(LATENCY)

    async def read(self, lecture: str, after: int = 0) -> AsyncIterator[Stored]:
        if self.away:
            raise StoreUnavailable("nobody answers")
        for stored in await self.undisturbed(self._all(lecture, after)):
            yield stored

    async def _all(self, lecture: str, after: int) -> list[Stored]:
        return [stored async for stored in self.ledger.read(lecture, after)]


@dataclass
class Outlet:
    """A socket: `sign` says when its page last gave one, `hear` takes each message."""

    connection: str
    sign: Callable[[], int]
    hear: Callable[[dict[str, object]], None]

    @property
    def evidence(self) -> int:
        return self.sign()

    @evidence.setter
    def evidence(self, value: int) -> None:
        raise NotImplementedError

    def send(self, frame: bytes) -> None:
        if b'"sign-in"' in frame:  # nothing else moves these people
            message = json.loads(frame)
            for each in message["messages"] if message["type"] == "batch" else [message]:
                self.hear(each)

    def complain(self, reason: str, key: str | None = None) -> None: ...

    def dismiss(self, code: Close, reason: str) -> None: ...


class Relay:
    """What the service sees of the relay. `peers_now`: its viewers, whose they are and whether they receive; `shut`:
    closes one."""

    def __init__(
        self, loop: VirtualLoop, peers_now: Callable[[], dict[str, tuple[str, bool]]], shut: Callable[[str], None]
    ) -> None:
        self.up = True
        self._loop = loop
        self._peers_now = peers_now
        self._shut = shut
        self._flows = False
        self._told: asyncio.Queue[Event | RelayUp | RelayDown] | None = None

    def tell(self, event: Event | RelayUp | RelayDown) -> None:
        """To the service that follows it; where none does nobody hears."""
        if self._told is not None:
            self._told.put_nowait(event)

    def flow(self) -> None:
        self._flows = True
        self.tell(PublicationFlowing("p", self._loop.now, True, Codec.VP8))

    def die(self) -> None:
        self.up = self._flows = False
        self.tell(RelayDown(self._loop.now))

    def rise(self) -> None:
        self.up = True
        self.tell(RelayUp(self._loop.now))

    def leave(self) -> None:
        """The service that followed is gone."""
        self._told = None

    async def open(self, grant: Grant, peer: str, offer: Offer) -> Answer:
        raise NotImplementedError

    async def close(self, peer: str, reason: Closing) -> None:
        if peer == "p":
            self._flows = False
        self._shut(peer)

    async def reported(self, peer: str, lost_share: float, frozen_ms: int) -> None: ...

    def knows(self, peer: str) -> bool:
        return True

    async def route(self, publication: str, slot: str | None, audience: Audience) -> None: ...

    async def peers(self) -> tuple[OpenPeer, ...]:
        viewers = [
            OpenPeer(peer, LECTURE, member, None, True, receiving)
            for peer, (member, receiving) in self._peers_now().items()
        ]
        published = [OpenPeer("p", LECTURE, DEAN.member, "lecturer", True, True, Codec.VP8)] if self._flows else []
        return (*published, *viewers)

    async def events(self) -> AsyncIterator[Event | RelayUp | RelayDown]:
        told = self._told = asyncio.Queue()
        if self.up:
            told.put_nowait(RelayUp(self._loop.now))
        while True:
            yield await told.get()


class Sites:
    """What organizers made, in memory."""

    def __init__(self) -> None:
        self.rows: dict[str, Site] = {}

    def make(self, host: str) -> None:
        site = f"s{len(self.rows) + 1}"
        self.rows[site] = Site(site, LECTURE, BRANCH, "党员活动室", host, host)

    async def get(self, site: str) -> Site | None:
        return self.rows.get(site)

    async def hosted(self, lecture: str, host: str) -> Site | None:
        return next((one for one in self.rows.values() if one.host == host), None)

    async def of(self, lecture: str, scope: BranchPath = ()) -> list[Site]:
        return list(self.rows.values())

    async def add(self, site: Site, most: int) -> str | None:
        raise NotImplementedError

    async def remove(self, site: str) -> None:
        raise NotImplementedError


class Hall:
    """The lecture, its roster, its sites and its journal, in memory."""

    def __init__(self, starts: float, ends: float) -> None:
        self.lecture = LectureRow(LECTURE, "党课", at(starts), at(ends), LectureState.PLANNED, BASE)
        self.sites = Sites()
        self.kept: list[Journaled] = []

    async def get(self, lecture: str) -> LectureRow | None:
        return self.lecture

    async def set_state(self, lecture: str, state: LectureState) -> None:
        self.lecture = msgspec.structs.replace(self.lecture, state=state)

    async def invitations(self, lecture: str, scope: BranchPath = ()) -> list[Invitation]:
        raise NotImplementedError

    async def branches(self, lecture: str) -> dict[str, str]:
        return {}

    async def invitation(self, lecture: str, member: str) -> Invitation | None:
        role = "lecturer" if member == DEAN.member else "member"
        return Invitation(lecture, Member(member, member, BRANCH), role, 1)

    async def of_members(self, lecture: str, members: Collection[str]) -> list[Invitation]:
        found = [await self.invitation(lecture, member) for member in sorted(members)]
        return [one for one in found if one is not None]

    def append(self, lecture: str, journaled: Journaled) -> None:
        self.kept.append(journaled)

    async def read(self, lecture: str) -> AsyncIterator[Journaled]:
        for journaled in tuple(self.kept):
            yield journaled


class Service:
    """One run of the web process. What it was asked before it was ready is done when it is."""

    def __init__(
        self, loop: VirtualLoop, database: Database, folder: Path, boot: str, relay: Relay, hall: Hall, offset: int
    ) -> None:
        self._loop = loop
        self._database = database
        self._relay = relay
        self._clock = Clock(loop, offset)
        self._recorder = LedgerRecorder(database, self._clock, folder, node="a", boot=boot)
        self._errands, self._witness = Errands(self._recorder), Witness(self._clock.at, SECRET)
        self.rooms = Rooms(
            self._clock,
            self._errands,
            database,
            hall,
            hall,
            hall,
            relay,
            self._witness,
            lambda quality: None,
            monotonic=loop.time,
        )
        self._recorder.follow(self.rooms.observe)
        self._hall, self._door = hall, Door(TicketSigner([SECRET.decode()]), hall)
        self._desk = SiteDesk(
            lectures=hall,
            roster=hall,
            rows=hall.sites,
            facts=RoomFacts(self.rooms, self._errands),
            door=self._door,
            clock=self._clock,
            new_id=lambda: "",
            secret=self._witness.secret,
            base_url="https://class.example.org",
        )
        self._follower = RelayFollower(
            relay, self.rooms, self._witness, self._errands, hall, self._clock, lambda load: None
        )
        self._tasks: set[asyncio.Task[None]] = set()
        self._ready = asyncio.Event()
        self._killed = False

    def start(self) -> None:
        self._do(self._live())

    def kill(self) -> None:
        """SIGKILL: what is in memory is gone, what is in the spool waits for the next process."""
        self._killed = True
        self._recorder._queue.clear()
        self._recorder._kept = 0
        for task in self._tasks:
            task.cancel()
        self._relay.leave()

    def join(self, outlet: Outlet, joined: Joined) -> None:
        self._do(self._after_start(lambda: self.rooms.join(LECTURE, outlet, joined)))

    def watched(self, member: str, peer: str) -> None:
        self._do(self._after_start(lambda: self._follower.watched(LECTURE, member, "member", peer)))

    def published(self) -> None:
        self._do(self._after_start(lambda: self._follower.published(LECTURE, "lecturer", DEAN, "p")))

    def at_site(
        self, host: str, deed: Callable[[SiteDesk, Site], Awaitable[None]], answered: Callable[[bool], None]
    ) -> None:
        """What is tapped on the page of a site, which its host opened by their own link. `answered` whether it is done
        or refused for good; nobody hears anything of what failed for now, or died with the process."""

        async def asked() -> None:
            try:
                invitation = await self._hall.invitation(LECTURE, host)
                assert invitation is not None
                link = self._door.issue(invitation, self._hall.lecture.links_expire)
                holder = (await self._door.read(link, self._clock.now())).member.id
                await deed(self._desk, await self._desk.hosted(LECTURE, holder))
            except UserError as error:
                if error.reason in OVER:
                    answered(False)
            except (StoreUnavailable, Refused):
                pass
            else:
                answered(True)

        self._do(self._after_start(asked))

    def end(self) -> None:
        async def by_button() -> None:
            await self.rooms.end(LECTURE, LectureState.LIVE, DEAN.member)

        self._do(self._after_start(by_button))

    async def _live(self) -> None:
        latest = await self._database.undisturbed(self._database.ledger.latest())
        if latest is not None:
            self._clock.advance(latest)
        await self._recorder.start()
        try:
            async with self._errands.open(), self.rooms.open(), asyncio.TaskGroup() as tasks:
                await self.rooms.take_up([LECTURE])
                tasks.create_task(self._follower.run())
                self._ready.set()
                await asyncio.Event().wait()
        finally:
            try:
                await self._recorder.stop()
            except ExceptionGroup:  # its writer was in the middle of what the kill took away
                if not self._killed:
                    raise

    async def _after_start(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        await self._ready.wait()
        await work()

    def _do(self, work: Coroutine[Any, Any, None]) -> None:
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            self._loop.call_exception_handler({"message": "a task failed", "exception": task.exception()})
