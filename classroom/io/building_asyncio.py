"""Builds a lecture's room from what outlives a process: the ledger's facts, the room's journal, and, where another node
ran it before, that one's outbox."""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Protocol

import msgspec

from attendance.facts import LectureMoved, LectureState, NodeStarted
from attendance.ports import Clock, Store
from attendance.presence import Presence
from classroom.errors import BusAway, UserError
from classroom.evidence import Witness
from classroom.io.floor_asyncio import LocalFloor, SharedFloor
from classroom.io.home_asyncio import LiveRoom, Performer
from classroom.io.node_asyncio import Hold, Node
from classroom.nodes.wire import Uttered, decode_uttered, outbox
from classroom.room.journal import Journaled
from classroom.room.lecture import BEGUN, OVER, Life
from classroom.room.room import About, Room
from classroom.tally import Tally

SKEW = 2_000_000
"""µs by which the clock of the node that ran a lecture before may be ahead of this one's without a word."""

_log = logging.getLogger(__name__)


class Lecture(Protocol):
    """Times in µs since the epoch, UTC."""

    @property
    def title(self) -> str: ...

    @property
    def starts(self) -> int | None: ...

    @property
    def ends(self) -> int | None: ...

    @property
    def state(self) -> LectureState: ...


class Lectures(Protocol):
    async def get(self, lecture: str) -> Lecture | None: ...


class Journal(Protocol):
    """What rooms must still know when they are built anew."""

    def append(self, lecture: str, journaled: Journaled) -> None:
        """Never waits."""

    def read(self, lecture: str) -> AsyncIterator[Journaled]:
        """In order. Raises `StoreUnavailable`."""


class Invitations(Protocol):
    async def branches(self, lecture: str) -> dict[str, str]: ...


READ = 4
"""Lectures that run elsewhere whose facts stay in memory."""


@dataclass
class Elsewhere:
    """What was read of the ledger of a lecture that runs elsewhere, up to `row`; one reads on at a time."""

    presence: Presence = field(default_factory=Presence)
    row: int = 0
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class Builder:
    """`node` None: this process is the only one."""

    def __init__(
        self,
        clock: Clock,
        store: Store,
        journal: Journal,
        lectures: Lectures,
        invitations: Invitations,
        witness: Witness,
        performer: Performer,
        node: Node | None,
    ) -> None:
        self._clock = clock
        self._store = store
        self._journal = journal
        self._lectures = lectures
        self._invitations = invitations
        self._witness = witness
        self._performer = performer
        self._node = node
        self._read: OrderedDict[str, Elsewhere] = OrderedDict()

    async def known(self, lecture: str) -> Lecture:
        """Raises `UserError("no-such-lecture")` and `StoreUnavailable`."""
        found = await self._lectures.get(lecture)
        if found is None:
            raise UserError("no-such-lecture")
        return found

    async def presence(self, lecture: str) -> Presence:
        """Of a lecture whose room is elsewhere; asked again, it reads what came since. A thousand members who ask for
        their record at once have it read once."""
        read = self._read.setdefault(lecture, Elsewhere())
        self._read.move_to_end(lecture)
        while len(self._read) > READ:
            self._read.popitem(last=False)
        async with read.lock:
            async for stored in self._store.read(lecture, read.row):
                read.presence.apply(stored.fact, stored.row)
                read.row = stored.row
        return read.presence

    async def build(self, lecture: str, presence: Presence, hold: Hold | None = None) -> LiveRoom:
        """`presence` is filled; `hold`: the lease under which a home among nodes runs it. Raises as `known`."""
        found = await self.known(lecture)
        invited = await self._invitations.branches(lecture)
        boots = row = latest = 0
        life = Life(found.starts)
        async for stored in self._store.read(lecture):
            presence.apply(stored.fact, stored.row)
            row, latest = stored.row, max(latest, stored.fact.happened)
            body = stored.fact.body
            if isinstance(body, LectureMoved):
                life.state, life.since = body.state, stored.fact.happened
            elif isinstance(body, NodeStarted):
                boots += 1
        uttered = [] if hold is None else await self._uttered(hold)
        if hold is not None:
            boots = max(boots, hold.home.fence - 1)
        about = self.about(lecture, found, hold)
        now = self._clock.now()
        if latest - now > SKEW:
            _log.error("lecture %s was told of %.1f s ahead: the nodes' clocks disagree", lecture, (latest - now) / 1e6)
        room = Room(about, life, Tally(lecture, presence, self._witness), now, boots, invited)
        journaled = await self._restore(lecture, room)
        floor: LocalFloor | SharedFloor
        if hold is None or self._node is None:
            floor = LocalFloor(lecture, self._journal)
        else:
            heard = self._resume(lecture, room, uttered, journaled, hold)
            floor = SharedFloor(self._journal, self._node, hold, room.seq, heard)
            floor.begin()
        live = LiveRoom(room, presence, floor, used=now, row=row)
        if life.state not in OVER:
            self._performer.record(lecture, NodeStarted(), now)
        if life.state in BEGUN:
            self._performer.freeze_rule(lecture, presence)  # begun without a service, or one that died just then
        return live

    def about(self, lecture: str, found: Lecture, hold: Hold | None) -> About:
        base = "" if hold is None else hold.home.url
        return About(
            lecture, found.title, found.starts, found.ends, f"{base}/whip/{lecture}", f"{base}/whep/{lecture}"
        )  # fmt: skip

    async def _restore(self, lecture: str, room: Room) -> int:
        """The number of the last entry."""
        number = 0
        async for journaled in self._journal.read(lecture):
            room.restore(journaled)
            number = journaled.number
        return number

    async def _uttered(self, hold: Hold) -> list[Uttered]:
        """The outbox of the home before this one; nothing where the bus is away, holds none, or lacks what that home
        said when it was alone."""
        if self._node is None or hold.before is None or hold.before.alone:
            return []
        try:
            kept = await self._node.bus.kept(outbox(hold.lecture))
        except BusAway as error:
            self._node.lost(error)
            return []
        try:
            return [decode_uttered(body) for body in kept]
        except msgspec.MsgspecError:
            return []  # of another version

    def _resume(self, lecture: str, room: Room, uttered: list[Uttered], journaled: int, hold: Hold) -> dict[str, int]:
        """What each edge was heard to say. Where nothing is known, the room's count goes on at its next million."""
        if not uttered:
            return {}
        after = uttered[0].spoken.after
        frames: list[bytes] = []
        heard: dict[str, int] = {}
        for each in uttered:
            heard |= each.heard
            if each.spoken.after != after + len(frames):
                if each.spoken.last <= after + len(frames):
                    continue  # published twice
                after, frames = each.spoken.after, []
            frames += each.spoken.frames
            for entry in each.kept:
                if entry.number > journaled:
                    journaled = entry.number
                    room.restore(entry)
                    self._journal.append(lecture, entry)
        room.resume(after, frames)
        return heard
