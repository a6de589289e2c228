"""The rooms of this process: loads them, feeds them, forgets them.

Theory of operation: one loop, no locks on the way of an input. `feed` is synchronous: a room decides and every action
is put where it belongs before the next input is looked at (home_asyncio). Broadcasts of a tenth of a second leave as
one frame, encoded once for all sockets (floor_asyncio). A room is built from the ledger's facts when somebody first
asks for it (building_asyncio), and forgotten when nobody is left in a lecture that does not go on. Where there are
several nodes a lecture may run on another one: then what is asked here is passed on (handover_asyncio, edge_asyncio).
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Callable, Iterable
from typing import Literal, Protocol

from attendance.errors import StoreUnavailable
from attendance.facts import Beat, Body, Fact, LectureState, NodeStopped
from attendance.ports import Clock, Store
from attendance.presence import Presence
from attendance.roster import Invitation
from classroom.errors import UserError
from classroom.evidence import Witness
from classroom.io import building_asyncio
from classroom.io.building_asyncio import Builder, Journal, Lecture
from classroom.io.channel_aiohttp import Outlet
from classroom.io.edge_asyncio import Edge
from classroom.io.errands_asyncio import Errands
from classroom.io.floor_asyncio import Guest, SharedFloor
from classroom.io.handover_asyncio import Handover
from classroom.io.home_asyncio import JUDGED_AT_ONCE, LiveRoom, Performer
from classroom.io.node_asyncio import Hold, Node
from classroom.ports import RollCall
from classroom.room.inputs import (
    Input,
    Joined,
    Left,
    LinksReplaced,
    Ordered,
    OrderReplaced,
    Received,
    RosterChanged,
    Ticked,
)
from classroom.room.journal import OrderEntry
from classroom.room.lecture import BEGUN, OVER
from classroom.room.messages import Close, Quality
from classroom.room.room import About
from signaling.errors import Refusal, Refused
from signaling.ports import Relay

TICK = 0.1
BEAT = 15.0
BEAT_APART = 1_000_000
"""µs between two beats at least, however often somebody asks for a report."""
BEAT_AGE = 6_000_000
"""A beat vouches for the moment six seconds before it is written: by then each socket has answered a ping since, and
the relay has told each viewer that stalled."""
FORGET_AFTER = 60_000_000
COUNT = 10.0
ROW_AGE = 500_000
"""µs that the list's row of a lecture that runs elsewhere is used again."""

_log = logging.getLogger(__name__)


class Lectures(building_asyncio.Lectures, Protocol):
    async def set_state(self, lecture: str, state: LectureState) -> None: ...


class Invitations(building_asyncio.Invitations, Protocol):
    async def invitation(self, lecture: str, member: str) -> Invitation | None: ...


class Rooms:
    """Implements `ports.LectureDesk` and `ports.LivePresence`. They run within `open()`. Somebody must give `observe`
    every fact that the recorder has stored. `node`: this process among several; None: it is the only one."""

    def __init__(
        self,
        clock: Clock,
        errands: Errands,
        store: Store,
        journal: Journal,
        lectures: Lectures,
        invitations: Invitations,
        relay: Relay,
        witness: Witness,
        measure: Callable[[Quality], None],
        node: Node | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.live: dict[str, LiveRoom] = {}
        self._clock = clock
        self._errands = errands
        self._invitations = invitations
        self._witness = witness
        self._performer = Performer(clock, errands, lectures, relay, witness, measure, monotonic)
        self._builder = Builder(clock, store, journal, lectures, invitations, witness, self._performer, node)
        self._handover = None if node is None else Handover(node, self, self._performer, store, clock)
        self._locks: dict[str, asyncio.Lock] = {}
        self._building: dict[str, Presence] = {}

    # --- life of this process's rooms ---

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """The rooms run while the context lasts; the sockets should be gone when it ends. Nothing is left open then."""
        async with contextlib.AsyncExitStack() as stack:
            if self._handover is not None:
                await stack.enter_async_context(self._handover.open())
            async with asyncio.TaskGroup() as tasks:
                loops = [
                    tasks.create_task(self._tick(), name="room ticks"),
                    tasks.create_task(self._beat(), name="beats"),
                    tasks.create_task(self._count(), name="invited"),
                ]
                yield
                for loop in loops:
                    loop.cancel()
        if self._handover is not None:
            await self._handover.close()
        for lecture in self.going():
            self.record(lecture, NodeStopped())
        self.live.clear()

    async def take_up(self, lectures: Iterable[str]) -> None:
        """Lectures that went on when the last process of this node ended."""
        for lecture in lectures:
            await self.find(lecture)

    def __len__(self) -> int:
        return len(self.live)

    def observe(self, fact: Fact) -> None:
        """A fact that is stored."""
        live = self.live.get(fact.lecture)
        presence = self._building.get(fact.lecture) if live is None else live.presence
        if presence is not None:
            presence.apply(fact)

    @contextlib.asynccontextmanager
    async def lock(self, lecture: str) -> AsyncIterator[None]:
        """Who holds it may make the lecture's room, move it, or give it up."""
        lock = self._locks.setdefault(lecture, asyncio.Lock())
        async with lock:
            yield
        if not lock.locked():
            self._locks.pop(lecture, None)

    async def find(self, lecture: str) -> LiveRoom | Edge:
        """The room of a lecture, built from its facts; or the edge of one that another node runs. Raises
        `UserError("no-such-lecture")` and `StoreUnavailable`."""
        found = self._here(lecture)
        if found is None:
            async with self.lock(lecture):
                found = self._here(lecture)
                if found is None:
                    found = await self._settle(lecture)
        found.used = self._clock.now()
        return found

    async def load(self, lecture: str) -> LiveRoom:
        """As `find`; raises `Refused` too, where another node runs the room."""
        found = await self.find(lecture)
        if isinstance(found, Edge):
            raise Refused(Refusal.ELSEWHERE, "" if found.home is None else found.home.url, retry_after=2)
        return found

    def _here(self, lecture: str) -> LiveRoom | Edge | None:
        live = self.live.get(lecture)
        return live if live is not None or self._handover is None else self._handover.edges.get(lecture)

    async def _settle(self, lecture: str) -> LiveRoom | Edge:
        if self._handover is None:
            live = self.live[lecture] = await self.build(lecture)
            return live
        await self._builder.known(lecture)
        return await self._handover.settle(lecture)

    async def build(self, lecture: str, hold: Hold | None = None) -> LiveRoom:
        presence = self._building[lecture] = Presence()
        try:
            return await self._builder.build(lecture, presence, hold)
        finally:
            del self._building[lecture]

    # --- what the channel asks ---

    async def join(self, lecture: str, outlet: Outlet, joined: Joined) -> None:
        """Raises `Refused`."""
        try:
            found = await self.find(lecture)
        except UserError as error:
            raise Refused(Refusal.NO_LECTURE) from error
        except StoreUnavailable as error:
            raise _database_away() from error
        if isinstance(found, Edge):
            if not found.reachable:
                raise Refused(Refusal.RELAY_DOWN, "the way to the room is away", retry_after=5)
            found.join(outlet, joined)
            return
        found.floor.flush()  # what was said before belongs to those who were here; the newcomer's snapshot holds it
        found.floor.guests[outlet.connection] = Guest(outlet, joined, self._clock.now())
        self.feed(lecture, joined)

    def feed(self, lecture: str, message: Input) -> None:
        found = self._here(lecture)
        if isinstance(found, Edge):
            found.feed(message)
        elif found is not None:
            if isinstance(message, Received) and isinstance(found.floor, SharedFloor):
                found.floor.hear(message)
            self._performer.feed(lecture, found, message)

    # --- what staff asks ---

    async def start(self, lecture: str, state: LectureState, by: str | None) -> LectureState:
        return await self._order(lecture, "start", by)

    async def end(self, lecture: str, state: LectureState, by: str | None) -> LectureState:
        return await self._order(lecture, "end", by)

    async def witness(self, lecture: str) -> None:
        if self._handover is not None and lecture in self._handover.edges:
            with contextlib.suppress(UserError):  # the report goes as far as it can
                await self._handover.ask(self._handover.edges[lecture], "witness", None)
            return
        beat = self._due(lecture)
        if beat is not None:
            with contextlib.suppress(UserError):  # the report goes as far as it can
                await self._errands.store(lecture, *beat)

    def beat_soon(self, lecture: str) -> None:
        """Like `witness`, for another node, which does not wait."""
        beat = self._due(lecture)
        if beat is not None:
            self.record(lecture, *beat)

    def _due(self, lecture: str) -> tuple[Beat, int] | None:
        live = self.live.get(lecture)
        if live is None or live.room.life.state not in BEGUN:
            return None
        # Before the first beat a report goes as far as the last fact, which is further than a beat would vouch for.
        if live.beaten is None or self._clock.now() - live.beaten < BEAT_APART:
            return None
        live.beaten = self._clock.now()
        return self._beat_of(lecture, live)

    async def expel(self, lecture: str, members: frozenset[str]) -> None:
        if self._handover is not None and self._here(lecture) is None:
            with contextlib.suppress(UserError):  # no such lecture
                await self.find(lecture)
        self.feed(lecture, LinksReplaced(members))

    async def recount(self, lecture: str) -> None:
        """A room that runs elsewhere, or that the database keeps from it, counts them within `COUNT` seconds."""
        if lecture in self.live:
            await self._counted(lecture)

    async def renew(self, lecture: str) -> None:
        """Whoever is in that room comes back to it, as after a restart. One to which media is published stays."""
        live = self.live.get(lecture)
        if live is None or live.room.life.state in BEGUN or live.room.slots.publications:
            return
        for connection, guest in tuple(live.floor.guests.items()):
            self._performer.feed(lecture, live, Left(connection, guest.outlet.evidence, "restarting"))
            guest.outlet.dismiss(Close.RESTARTING, "restarting")
        self._forget(lecture, live)

    async def set_order(self, lecture: str, entries: tuple[OrderEntry, ...], by: str | None) -> None:
        """The running order, wherever the room is. Raises `UserError`."""
        found = await self.find(lecture)
        if isinstance(found, Edge) and not found.reachable:
            raise UserError("room-away")
        self.feed(lecture, OrderReplaced(entries, by))

    async def roll(self, lecture: str) -> RollCall:
        found = await self.find(lecture)
        if isinstance(found, Edge):
            return RollCall() if self._handover is None else await self._handover.roll(found)
        now = self._clock.now()
        unjudged = found.roll.judge(now, JUDGED_AT_ONCE)
        for _ in range(0, unjudged, JUDGED_AT_ONCE):  # the first look at everybody leaves others their turn
            await asyncio.sleep(0)
            found.roll.judge(now, JUDGED_AT_ONCE)
        return found.call(now)

    async def presence(self, lecture: str) -> Presence:
        """What the ledger says of a lecture, wherever its room is. Raises `UserError` and `StoreUnavailable`."""
        found = await self.find(lecture)
        if isinstance(found, Edge):
            return await self._builder.presence(lecture)
        if self._handover is not None:
            await self._handover.follow(found, lecture)
        return found.presence

    async def _order(self, lecture: str, action: Literal["start", "end"], by: str | None) -> LectureState:
        found = await self.find(lecture)
        if isinstance(found, Edge) and self._handover is not None:
            return await self._handover.move(found, action, by)
        live = self.live[lecture]
        self._performer.feed(lecture, live, Ordered(action, by))
        live.floor.flush()
        return live.room.life.state

    async def state_of(self, lecture: str) -> LectureState | None:
        """None: there is no such lecture. Raises `Refused` while the database is away."""
        found = await self._known(lecture)
        if found is None:
            return None
        if isinstance(found, LiveRoom):
            return found.room.life.state
        row = await self._row(lecture, found)
        return row.state

    def barred(self, lecture: str, member: str) -> bool:
        """Of a lecture that is loaded; the home of one that runs elsewhere turns them away itself."""
        live = self.live.get(lecture)
        return live is not None and live.room.talk.barred(member)

    def admits(self, lecture: str, member: str, slot: str) -> bool:
        """Of a lecture that is loaded; media is taken where it runs."""
        live = self.live.get(lecture)
        return live is not None and live.room.admits(member, slot)

    def hears(self, lecture: str, member: str) -> bool:
        """Of a lecture that is loaded; media is sent from where it runs."""
        live = self.live.get(lecture)
        return live is not None and live.room.hears(member)

    async def title(self, lecture: str) -> str | None:
        """None: it is not known now, or there is no such lecture."""
        try:
            about = await self.about(lecture)
        except Refused:
            return None
        return None if about is None else about.title

    async def about(self, lecture: str) -> About | None:
        """None: there is no such lecture. Raises `Refused` while the database is away."""
        found = await self._known(lecture)
        if found is None:
            return None
        if isinstance(found, LiveRoom):
            return found.room.about
        return self._builder.about(lecture, await self._row(lecture, found), None)

    async def _known(self, lecture: str) -> LiveRoom | Edge | None:
        try:
            return await self.find(lecture)
        except UserError:
            return None
        except StoreUnavailable as error:
            raise _database_away() from error

    async def _row(self, lecture: str, edge: Edge) -> Lecture:
        """Of a lecture that runs elsewhere, as the list has it: at most half a second old."""
        now = self._clock.now()
        if edge.row is None or now - edge.row_at > ROW_AGE:
            try:
                edge.row, edge.row_at = await self._builder.known(lecture), now
            except StoreUnavailable as error:
                raise _database_away() from error
        return edge.row

    def going(self) -> list[str]:
        """Lectures of this process that are not over."""
        return [lecture for lecture, live in self.live.items() if live.room.life.state not in OVER]

    def record(self, lecture: str, body: Body, happened: int | None = None) -> None:
        """A fact of a lecture of this node; the room does not wait until it is stored."""
        self._performer.record(lecture, body, happened)

    # --- time ---

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(TICK)
            now = self._clock.now()
            for lecture, live in tuple(self.live.items()):
                self._performer.feed(lecture, live, Ticked())
                live.floor.flush()
                if self._done_with(lecture, live, now):
                    self._forget(lecture, live)

    def _done_with(self, lecture: str, live: LiveRoom, now: int) -> bool:
        if not live.room.idle or live.room.life.state in BEGUN or self._witness.peers(lecture):
            live.used = now
        return now - live.used > FORGET_AFTER

    def _forget(self, lecture: str, live: LiveRoom) -> None:
        del self.live[lecture]
        if self._handover is not None:
            self._handover.release(lecture, live)
        elif live.room.life.state not in OVER:
            self.record(lecture, NodeStopped(), None)

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(BEAT)
            for lecture, live in self.live.items():
                beat, happened = self._beat_of(lecture, live)
                if beat.connections or live.room.life.state in BEGUN:
                    live.beaten = self._clock.now()
                    self.record(lecture, beat, happened)
            happened = self._clock.now() - BEAT_AGE
            for lecture, beat in [] if self._handover is None else self._handover.beats(happened):
                self.record(lecture, beat, happened)

    def _beat_of(self, lecture: str, live: LiveRoom) -> tuple[Beat, int]:
        """What is known of every connection, and for which moment it holds."""
        happened = self._clock.now() - BEAT_AGE
        return self._performer.beat(lecture, live.bits(happened), happened), happened

    async def _count(self) -> None:
        """A roster may grow while its lecture goes on."""
        while True:
            await asyncio.sleep(COUNT)
            for lecture in [lecture for lecture, live in self.live.items() if not live.room.idle]:
                if not await self._counted(lecture):
                    break

    async def _counted(self, lecture: str) -> bool:
        """False: the database is away."""
        try:
            invited = await self._invitations.branches(lecture)
        except StoreUnavailable as error:
            _log.warning("who is invited cannot be read now: %s", error)
            return False
        self.feed(lecture, RosterChanged(invited))
        return True


def _database_away() -> Refused:
    return Refused(Refusal.RELAY_DOWN, "the database is away", retry_after=5)
