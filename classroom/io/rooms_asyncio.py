"""The rooms of this node: loads them, feeds them, performs what they decide.

Theory of operation: one loop, no locks. `feed` is synchronous: a room decides and every action is put where it belongs
(a socket's queue, the errands for the relay, the ledger) before the next input is looked at. Broadcasts of a tenth of a
second leave as one frame, encoded once for all sockets. A room is built from the ledger's facts when somebody first
asks for it, and forgotten when nobody is left in a lecture that does not go on.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal, Protocol

from attendance.errors import StoreUnavailable
from attendance.facts import Beat, Body, Fact, LectureMoved, LectureState, NodeStarted, NodeStopped
from attendance.ports import Clock, Store
from attendance.presence import Presence
from attendance.roster import Invitation
from classroom.errors import UserError
from classroom.evidence import Witness
from classroom.io.channel_aiohttp import Outlet
from classroom.io.errands_asyncio import Errands
from classroom.ports import Standing
from classroom.room import counting
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
    RoutePublication,
    Tell,
)
from classroom.room.inputs import (
    Input,
    Joined,
    Left,
    LinksReplaced,
    Ordered,
    PictureLevelChanged,
    RosterChanged,
    Ticked,
)
from classroom.room.lecture import BEGUN, OVER, Life
from classroom.room.messages import Level, Quality, batch, encode
from classroom.room.room import About, Room
from signaling.control import (
    Closing,
)
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

_log = logging.getLogger(__name__)


class Lecture(Protocol):
    """Times in µs since the epoch, UTC."""

    @property
    def title(self) -> str: ...

    @property
    def starts(self) -> int | None: ...

    @property
    def ends(self) -> int | None: ...


class Lectures(Protocol):
    async def get(self, lecture: str) -> Lecture | None: ...

    async def set_state(self, lecture: str, state: LectureState) -> None: ...


class Invitations(Protocol):
    async def invitation(self, lecture: str, member: str) -> Invitation | None: ...

    async def counts(self, lectures: Sequence[str]) -> dict[str, int]: ...


@dataclass(slots=True)
class Tally:
    """`counting.Attendance` of one lecture, by its facts and by what the relay told."""

    lecture: str
    presence: Presence
    witness: Witness

    def standing(self, member: str, now: int) -> counting.Standing:
        standing = self.presence.standing(member, now)
        return counting.Standing(standing.receiving, standing.credited // 1000, standing.since)

    def receiving(self) -> int:
        return self.witness.receiving(self.lecture)


@dataclass(slots=True)
class LiveRoom:
    """A room with what surrounds it on this node."""

    room: Room
    presence: Presence
    outlets: dict[str, Outlet] = field(default_factory=dict)
    pending: list[bytes] = field(default_factory=list)
    used: int = 0
    beaten: int | None = None
    """When a beat was written last, µs."""

    def flush(self) -> None:
        """Give everybody what was said since the last time, as one frame."""
        if self.pending:
            frame = batch(self.pending)
            self.pending.clear()
            for outlet in self.outlets.values():
                outlet.send(frame)


class Rooms:
    """Implements `ports.LectureDesk` and `ports.LivePresence`. They run within `open()`. Somebody must give `observe`
    every fact that the recorder has stored."""

    def __init__(
        self,
        clock: Clock,
        errands: Errands,
        store: Store,
        lectures: Lectures,
        invitations: Invitations,
        relay: Relay,
        witness: Witness,
        measure: Callable[[Quality], None],
    ) -> None:
        self._clock = clock
        self._errands = errands
        self._store = store
        self._lectures = lectures
        self._invitations = invitations
        self._relay = relay
        self._witness = witness
        self._rooms: dict[str, LiveRoom] = {}
        self._loading: dict[str, asyncio.Lock] = {}
        self._building: dict[str, Presence] = {}
        self._performers: dict[type, Callable[[str, LiveRoom, Any], None]] = {
            Broadcast: lambda lecture, live, it: live.pending.append(it.frame),
            Tell: self._tell,
            Replay: self._replay,
            Complain: self._complain,
            Dismiss: self._dismiss,
            Record: lambda lecture, live, it: self.record(lecture, it.body, it.happened),
            RoutePublication: lambda lecture, live, it: self._errands.put(
                lambda: self._relay.route(it.publication, it.slot, it.audience)
            ),
            ClosePublication: lambda lecture, live, it: self._errands.put(
                lambda: self._relay.close(it.publication, Closing.DELETED)
            ),
            CloseViewers: self._close_viewers,
            ReportReception: self._report_reception,
            Measured: lambda lecture, live, it: measure(it.quality),
        }

    # --- life of this node's rooms ---

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """The rooms run while the context lasts; the sockets should be gone when it ends. Nothing is left open then."""
        async with asyncio.TaskGroup() as tasks:
            loops = [
                tasks.create_task(self._tick(), name="room ticks"),
                tasks.create_task(self._beat(), name="beats"),
                tasks.create_task(self._count(), name="invited"),
            ]
            yield
            for loop in loops:
                loop.cancel()
        for lecture in self.going():
            self.record(lecture, NodeStopped())
        self._rooms.clear()

    async def take_up(self, lectures: Iterable[str]) -> None:
        """Lectures that went on when the last process of this node ended."""
        for lecture in lectures:
            await self.load(lecture)

    def __len__(self) -> int:
        return len(self._rooms)

    def observe(self, fact: Fact) -> None:
        """A fact that is stored."""
        live = self._rooms.get(fact.lecture)
        presence = self._building.get(fact.lecture) if live is None else live.presence
        if presence is not None:
            presence.apply(fact)

    async def load(self, lecture: str) -> LiveRoom:
        """The room of a lecture, built from its facts. Raises `UserError("no-such-lecture")`."""
        live = self._rooms.get(lecture)
        if live is not None:
            live.used = self._clock.now()
            return live
        lock = self._loading.setdefault(lecture, asyncio.Lock())
        async with lock:
            if lecture not in self._rooms:
                presence = self._building[lecture] = Presence()
                try:
                    self._rooms[lecture] = await self._build(lecture, presence)
                finally:
                    del self._building[lecture]
        self._loading.pop(lecture, None)
        return self._rooms[lecture]

    async def _build(self, lecture: str, presence: Presence) -> LiveRoom:
        found = await self._lectures.get(lecture)
        if found is None:
            raise UserError("no-such-lecture")
        invited = (await self._invitations.counts((lecture,)))[lecture]
        boots = 0
        life = Life(found.starts)
        async for stored in self._store.read(lecture):
            presence.apply(stored.fact)
            body = stored.fact.body
            if isinstance(body, LectureMoved):
                life.state, life.since = body.state, stored.fact.happened
            elif isinstance(body, NodeStarted):
                boots += 1
        about = About(lecture, found.title, found.starts, found.ends, f"/whip/{lecture}", f"/whep/{lecture}")
        now = self._clock.now()
        room = Room(about, life, Tally(lecture, presence, self._witness), now, boots, invited)
        live = LiveRoom(room, presence, used=now)
        if life.state not in OVER:
            self.record(lecture, NodeStarted(), now)
        return live

    # --- what the channel asks ---

    async def join(self, lecture: str, outlet: Outlet, joined: Joined) -> None:
        """Raises `Refused`."""
        try:
            live = await self.load(lecture)
        except UserError as error:
            raise Refused(Refusal.NO_LECTURE) from error
        except StoreUnavailable as error:
            raise Refused(Refusal.RELAY_DOWN, "the database is away", retry_after=5) from error
        live.flush()  # what was said before belongs to those who were here; the newcomer's snapshot holds it
        live.outlets[outlet.connection] = outlet
        self.feed(lecture, joined)
        member = joined.person.member
        # It may have changed while the channel was away.
        for peer, slot, level in self._witness.levels(lecture, member):
            self.feed(lecture, PictureLevelChanged(member, peer, slot, Level(level)))

    def feed(self, lecture: str, message: Input) -> None:
        live = self._rooms.get(lecture)
        if live is None:
            return
        self._perform(lecture, live, live.room.receive(message, self._clock.now()))
        if isinstance(message, Left):
            live.outlets.pop(message.connection, None)

    # --- what staff asks ---

    async def start(self, lecture: str, state: LectureState, by: str | None) -> LectureState:
        return await self._order(lecture, "start", by)

    async def end(self, lecture: str, state: LectureState, by: str | None) -> LectureState:
        return await self._order(lecture, "end", by)

    async def witness(self, lecture: str) -> None:
        live = self._rooms.get(lecture)
        if live is None or live.room.life.state not in BEGUN:
            return
        # Before the first beat a report goes as far as the last fact, which is further than a beat would vouch for.
        if live.beaten is None or self._clock.now() - live.beaten < BEAT_APART:
            return
        live.beaten = self._clock.now()
        await self._errands.store(lecture, *self._beat_of(lecture, live))

    async def expel(self, lecture: str, members: frozenset[str]) -> None:
        self.feed(lecture, LinksReplaced(members))

    async def standings(self, lecture: str) -> dict[str, Standing]:
        live = await self.load(lecture)
        now = self._clock.now()
        troubled = live.room.crowd.troubled(now)
        found: dict[str, Standing] = {}
        for member in {*live.presence.members, *troubled}:
            at = live.presence.standing(member, now)
            found[member] = Standing(at.connected, at.receiving, at.first_join, at.credited, troubled.get(member))
        return found

    async def _order(self, lecture: str, action: Literal["start", "end"], by: str | None) -> LectureState:
        live = await self.load(lecture)
        self._perform(lecture, live, live.room.receive(Ordered(action, by), self._clock.now()))
        live.flush()
        return live.room.life.state

    async def state_of(self, lecture: str) -> LectureState | None:
        """None: there is no such lecture. Raises `Refused` while the database is away."""
        live = await self._known(lecture)
        return None if live is None else live.room.life.state

    async def about(self, lecture: str) -> About | None:
        """None: there is no such lecture. Raises `Refused` while the database is away."""
        live = await self._known(lecture)
        return None if live is None else live.room.about

    async def _known(self, lecture: str) -> LiveRoom | None:
        try:
            return await self.load(lecture)
        except UserError:
            return None
        except StoreUnavailable as error:
            raise Refused(Refusal.RELAY_DOWN, "the database is away", retry_after=5) from error

    def going(self) -> list[str]:
        """Lectures of this node that are not over."""
        return [lecture for lecture, live in self._rooms.items() if live.room.life.state not in OVER]

    # --- performing ---

    def _perform(self, lecture: str, live: LiveRoom, actions: list[Action]) -> None:
        for action in actions:
            self._performers[type(action)](lecture, live, action)

    def _tell(self, _lecture: str, live: LiveRoom, action: Tell) -> None:
        outlet = live.outlets.get(action.connection)
        if outlet is not None:
            outlet.send(encode(action.message))

    def _replay(self, _lecture: str, live: LiveRoom, action: Replay) -> None:
        outlet = live.outlets.get(action.connection)
        if outlet is not None and action.frames:
            outlet.send(batch(action.frames))

    def _complain(self, _lecture: str, live: LiveRoom, action: Complain) -> None:
        outlet = live.outlets.get(action.connection)
        if outlet is not None:
            outlet.complain(action.reason)

    def _dismiss(self, _lecture: str, live: LiveRoom, action: Dismiss) -> None:
        outlet = live.outlets.pop(action.connection, None)
        if outlet is not None:
            outlet.dismiss(action.code, action.reason)

    def _close_viewers(self, lecture: str, _live: LiveRoom, action: CloseViewers) -> None:
        for peer in self._witness.peers(lecture, action.members):
            self._errands.put(partial(self._relay.close, peer, Closing.DELETED))

    def _report_reception(self, lecture: str, _live: LiveRoom, action: ReportReception) -> None:
        viewer = self._witness.viewer(action.session)
        if viewer is not None and (viewer.lecture, viewer.member) == (lecture, action.member):
            self._errands.put(partial(self._relay.reported, action.session, action.lost, action.frozen_ms))

    def record(self, lecture: str, body: Body, happened: int | None = None) -> None:
        """A fact of a lecture of this node; the room does not wait until it is stored."""
        self._errands.record(lecture, body, happened)
        if isinstance(body, LectureMoved):
            state = body.state
            self._errands.put(lambda: self._lectures.set_state(lecture, state))

    # --- time ---

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(TICK)
            now = self._clock.now()
            for lecture, live in tuple(self._rooms.items()):
                self._perform(lecture, live, live.room.receive(Ticked(), now))
                live.flush()
                if self._done_with(lecture, live, now):
                    self._forget(lecture, live)

    def _done_with(self, lecture: str, live: LiveRoom, now: int) -> bool:
        if not live.room.idle or live.room.life.state in BEGUN or self._witness.peers(lecture):
            live.used = now
        return now - live.used > FORGET_AFTER

    def _forget(self, lecture: str, live: LiveRoom) -> None:
        del self._rooms[lecture]
        if live.room.life.state not in OVER:
            self.record(lecture, NodeStopped(), None)

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(BEAT)
            for lecture, live in self._rooms.items():
                beat, happened = self._beat_of(lecture, live)
                if beat.connections or live.room.life.state in BEGUN:
                    live.beaten = self._clock.now()
                    self.record(lecture, beat, happened)

    def _beat_of(self, lecture: str, live: LiveRoom) -> tuple[Beat, int]:
        """What is known of every connection, and for which moment it holds."""
        happened = self._clock.now() - BEAT_AGE
        connections = {
            outlet.connection: live.room.bits(outlet.connection)
            for outlet in live.outlets.values()
            if outlet.evidence >= happened and live.room.since(outlet.connection) <= happened
        }
        return Beat({**connections, **self._witness.bits(lecture, happened)}), happened

    async def _count(self) -> None:
        """A roster may grow while its lecture goes on."""
        while True:
            await asyncio.sleep(COUNT)
            lectures = [lecture for lecture, live in self._rooms.items() if not live.room.idle]
            try:
                counts = await self._invitations.counts(lectures) if lectures else {}
            except StoreUnavailable as error:
                _log.warning("who is invited cannot be read now: %s", error)
                continue
            for lecture, count in counts.items():
                self.feed(lecture, RosterChanged(count))
