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
from typing import Any, Literal, Protocol

from sqlalchemy.exc import SQLAlchemyError

from attendance.errors import AttendanceError, StoreUnavailable
from attendance.facts import Beat, Body, Fact, LectureMoved, LectureState, NodeStarted, NodeStopped
from attendance.ports import Clock, Recorder, Store
from attendance.presence import Presence
from attendance.roster import Invitation
from classroom.admission import person_of
from classroom.errors import ClassroomError, UserError
from classroom.evidence import Witness
from classroom.io.channel_aiohttp import Outlet
from classroom.people.role import rights
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
    RoutePublication,
    Tell,
)
from classroom.room.inputs import (
    Input,
    Joined,
    Left,
    MemberTroubled,
    Ordered,
    Person,
    PublicationClosed,
    PublicationFellSilent,
    PublicationFlowed,
    PublicationOpened,
    RelayLost,
    RosterChanged,
    Ticked,
)
from classroom.room.lecture import BEGUN, OVER, Life
from classroom.room.messages import batch, encode
from classroom.room.room import About, Room
from signaling.control import (
    Closing,
    Event,
    Load,
    OpenPeer,
    PeerClosed,
    PublicationFlowing,
    PublicationSilent,
    PublisherTrouble,
    ViewerLacksCodec,
    ViewerReceiving,
)
from signaling.errors import Refusal, Refused
from signaling.ports import Relay, RelayDown, RelayUp

TICK = 0.1
BEAT = 15.0
BEAT_AGE = 6_000_000
"""A beat vouches for the moment six seconds before it is written: by then each socket has answered a ping since, and
the relay has told each viewer that stalled."""
CLOSE_WITHIN = 5.0
FORGET_AFTER = 60_000_000
ERRANDS = 20_000
LOAD_AGE = 3.0
WANTED = frozenset({Closing.DELETED, Closing.REPLACED})

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


class Meter(Protocol):
    """What the service measures of itself; every method returns at once."""

    def quality(self, fps: float | None, freezes: int | None, loss: float | None) -> None: ...

    def load(self, load: Load) -> None: ...


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
        recorder: Recorder,
        store: Store,
        lectures: Lectures,
        invitations: Invitations,
        relay: Relay,
        meter: Meter,
    ) -> None:
        self.witness = Witness(clock.at)
        self.relay_seen: float | None = None
        """CLOCK_MONOTONIC of the relay's last sign of life; None while it is away."""
        self._clock = clock
        self._recorder = recorder
        self._store = store
        self._lectures = lectures
        self._invitations = invitations
        self._relay = relay
        self._meter = meter
        self._rooms: dict[str, LiveRoom] = {}
        self._loading: dict[str, asyncio.Lock] = {}
        self._building: dict[str, Presence] = {}
        self._publishers: dict[str, str] = {}
        self._errands: asyncio.Queue[Callable[[], Any]] = asyncio.Queue(ERRANDS)
        self._tasks: asyncio.TaskGroup | None = None
        self._storing: set[asyncio.Task[None]] = set()
        self._performers: dict[type, Callable[[str, LiveRoom, Any], None]] = {
            Broadcast: lambda lecture, live, it: live.pending.append(it.frame),
            Tell: self._tell,
            Replay: self._replay,
            Complain: self._complain,
            Dismiss: self._dismiss,
            Record: lambda lecture, live, it: self._record(lecture, it.body, it.happened),
            RoutePublication: lambda lecture, live, it: self._errand(
                lambda: self._relay.route(it.publication, it.slot, it.audience)
            ),
            ClosePublication: lambda lecture, live, it: self._errand(
                lambda: self._relay.close(it.publication, Closing.DELETED)
            ),
            CloseViewers: self._close_viewers,
            Measured: lambda lecture, live, it: self._meter.quality(
                it.quality.fps, it.quality.freezes, it.quality.loss
            ),
        }
        self._events: dict[type, Callable[[Any], None]] = {
            PublicationFlowing: self._flowing,
            PublicationSilent: self._silent,
            PeerClosed: self._peer_closed,
            PublisherTrouble: self._publisher_trouble,
            ViewerLacksCodec: self._lacks_codec,
            Load: self._load,
        }

    # --- life of this node's rooms ---

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """The rooms run while the context lasts; the sockets should be gone when it ends. Nothing is left open then."""
        try:
            async with asyncio.TaskGroup() as tasks:
                self._tasks = tasks
                loops = [
                    tasks.create_task(self._listen(), name="relay events"),
                    tasks.create_task(self._run_errands(), name="relay errands"),
                    tasks.create_task(self._tick(), name="room ticks"),
                    tasks.create_task(self._beat(), name="beats"),
                ]
                yield
                for loop in loops:
                    loop.cancel()
                await self._close()
        finally:
            self._tasks = None

    async def _close(self) -> None:
        for lecture, live in self._rooms.items():
            if live.room.life.state not in OVER:
                self._record(lecture, NodeStopped(), None)
        self._rooms.clear()
        if self._storing:
            _, late = await asyncio.wait(self._storing, timeout=CLOSE_WITHIN)
            for task in late:  # the fact is in the recorder's hands, which keeps it
                task.cancel()

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
        room = Room(about, life, Tally(lecture, presence, self.witness), now, boots, invited)
        live = LiveRoom(room, presence, used=now)
        if life.state not in OVER:
            self._record(lecture, NodeStarted(), now)
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

    def feed(self, lecture: str, message: Input) -> None:
        live = self._rooms.get(lecture)
        if live is None:
            return
        self._perform(lecture, live, live.room.receive(message, self._clock.now()))
        if isinstance(message, Left):
            live.outlets.pop(message.connection, None)

    # --- what signaling asks ---

    async def watched(self, lecture: str, member: str, role: str, peer: str) -> None:
        """The relay has a viewer of this member."""
        await self.load(lecture)
        self.witness.watch(peer, lecture, member, rights(role).counted)

    async def published(self, lecture: str, slot: str, person: Person, peer: str) -> None:
        """The relay has a publication of this person."""
        await self.load(lecture)
        self._publishers[peer] = lecture
        self.feed(lecture, PublicationOpened(peer, slot, person))

    # --- what staff asks ---

    async def start(self, lecture: str, state: LectureState, by: str | None) -> LectureState:
        return await self._order(lecture, "start", by)

    async def end(self, lecture: str, state: LectureState, by: str | None) -> LectureState:
        return await self._order(lecture, "end", by)

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
        try:
            return (await self.load(lecture)).room.life.state
        except UserError:
            return None
        except StoreUnavailable as error:
            raise Refused(Refusal.RELAY_DOWN, "the database is away", retry_after=5) from error

    def invited(self, lecture: str, count: int) -> None:
        """The roster changed."""
        self.feed(lecture, RosterChanged(count))

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

    def _close_viewers(self, lecture: str, _live: LiveRoom, _action: CloseViewers) -> None:
        for peer in self.witness.peers(lecture):
            self._errand(lambda peer=peer: self._relay.close(peer, Closing.DELETED))  # type: ignore[misc]

    def _record(self, lecture: str, body: Body, happened: int | None) -> None:
        """Facts are stamped in this order; their storing is awaited by a task of its own each, so that the recorder
        commits many at once and the room never waits for a disk."""
        if self._tasks is None:
            raise RuntimeError("the rooms do not run")
        task = self._tasks.create_task(self._store_fact(lecture, body, happened))
        self._storing.add(task)
        task.add_done_callback(self._storing.discard)
        if isinstance(body, LectureMoved):
            state = body.state
            self._errand(lambda: self._lectures.set_state(lecture, state))

    async def _store_fact(self, lecture: str, body: Body, happened: int | None) -> None:
        try:
            await self._recorder.record(lecture, body, happened)
        except (AttendanceError, SQLAlchemyError, ValueError) as error:
            _log.error("a fact of lecture %s cannot be stored: %s: %s", lecture, type(body).__name__, error)

    def _errand(self, errand: Callable[[], Any]) -> None:
        try:
            self._errands.put_nowait(errand)
        except asyncio.QueueFull:
            _log.error("too many errands for the relay: one is dropped")

    async def _run_errands(self) -> None:
        while True:
            errand = await self._errands.get()
            try:
                await errand()
            except Refused as refused:  # the peer is gone, or the relay is: its events say so
                _log.info("an errand for the relay was refused: %s", refused)
            except SQLAlchemyError as error:  # the list's copy of a lecture's state; the facts hold the truth
                _log.error("a lecture's state cannot be written: %s", type(error).__name__)

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
        if not live.room.idle or live.room.life.state in BEGUN or self.witness.peers(lecture):
            live.used = now
        return now - live.used > FORGET_AFTER

    def _forget(self, lecture: str, live: LiveRoom) -> None:
        del self._rooms[lecture]
        if live.room.life.state not in OVER:
            self._record(lecture, NodeStopped(), None)

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(BEAT)
            happened = self._clock.now() - BEAT_AGE
            for lecture, live in self._rooms.items():
                connections = {
                    outlet.connection: live.room.bits(outlet.connection)
                    for outlet in live.outlets.values()
                    if outlet.evidence >= happened and live.room.since(outlet.connection) <= happened
                }
                connections.update(self.witness.bits(lecture, happened))
                if connections or live.room.life.state in BEGUN:
                    self._record(lecture, Beat(connections), happened)

    # --- the relay ---

    async def _listen(self) -> None:
        async for event in self._relay.events():
            if isinstance(event, RelayUp):
                await self._relay_up(event)
            elif isinstance(event, RelayDown):
                self._relay_down(event)
            else:
                self._evidence(event)
                handler = self._events.get(type(event))
                if handler is not None:
                    handler(event)

    def _evidence(self, event: Event | RelayUp | RelayDown) -> None:
        going = [lecture for lecture, live in self._rooms.items() if live.room.life.state not in OVER]
        for told in self.witness.receive(event, going):
            self._record(told.lecture, told.body, told.happened)

    async def _relay_up(self, event: RelayUp) -> None:
        """Take over what the relay holds: nothing after its own restart, everything after ours."""
        _log.info("the relay is up")
        self.relay_seen = event.at
        try:
            peers = await self._relay.peers()
        except Refused:  # it went down again; RelayDown follows
            return
        self._evidence(event)
        for peer in peers:
            try:
                await self._take_over(peer, event.at)
            except (ClassroomError, AttendanceError) as error:
                _log.error("a peer of the relay cannot be taken over and is closed: %s", error)
                self._errand(lambda peer=peer: self._relay.close(peer.peer, Closing.DELETED))  # type: ignore[misc]

    async def _take_over(self, peer: OpenPeer, at: float) -> None:
        invitation = await self._invitations.invitation(peer.lecture, peer.member)
        if invitation is None:
            self._errand(lambda: self._relay.close(peer.peer, Closing.DELETED))
            return
        if peer.publishes is None:
            await self.watched(peer.lecture, peer.member, invitation.role, peer.peer)
            if peer.receiving:
                self._evidence(ViewerReceiving(peer.peer, at))
            return
        await self.published(peer.lecture, peer.publishes, person_of(invitation), peer.peer)
        if peer.receiving:
            self.feed(peer.lecture, PublicationFlowed(peer.peer, self._clock.at(at), peer.video))

    def _relay_down(self, event: RelayDown) -> None:
        _log.warning("the relay is down")
        self.relay_seen = None
        self._evidence(event)
        self._publishers.clear()
        for lecture in tuple(self._rooms):
            self.feed(lecture, RelayLost(self._clock.at(event.at)))

    def _flowing(self, event: PublicationFlowing) -> None:
        lecture = self._publishers.get(event.peer)
        if lecture is not None:
            self.feed(lecture, PublicationFlowed(event.peer, self._clock.at(event.at), event.video))

    def _silent(self, event: PublicationSilent) -> None:
        lecture = self._publishers.get(event.peer)
        if lecture is not None:
            self.feed(lecture, PublicationFellSilent(event.peer, self._clock.at(event.last)))

    def _peer_closed(self, event: PeerClosed) -> None:
        lecture = self._publishers.pop(event.peer, None)
        if lecture is not None:
            wanted = event.reason in WANTED
            self.feed(lecture, PublicationClosed(event.peer, self._clock.at(event.last), wanted))

    def _publisher_trouble(self, event: PublisherTrouble) -> None:
        lecture = self._publishers.get(event.peer)
        live = None if lecture is None else self._rooms.get(lecture)
        if lecture is not None and live is not None:
            member = live.room.slots.publisher(event.peer)
            if member is not None:
                self.feed(lecture, MemberTroubled(member, event.trouble))

    def _lacks_codec(self, event: ViewerLacksCodec) -> None:
        viewer = self.witness.viewer(event.peer)
        if viewer is not None:
            self.feed(viewer.lecture, MemberTroubled(viewer.member, "no-codec"))

    def _load(self, event: Load) -> None:
        self.relay_seen = event.at
        self._meter.load(event)
