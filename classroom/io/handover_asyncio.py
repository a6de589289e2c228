"""Rooms among several nodes: which run here, which run elsewhere, and how they move.

Theory of operation. Each lecture that somebody here asks for is either a room of this process (its home) or an `Edge`
of a room elsewhere. One task reads this process's inbox; one looks at every lease about once a second, renews those of
ours and finds out who is home of the others; one follows the ledger, for the home must know of the facts that other
nodes write. A home that finds that it is one no longer becomes an edge and keeps its sockets; an edge that finds that
nobody is home becomes it, takes what the outbox holds, and goes on with its sockets and with those of the edges that
attach to it. Every move happens under the lecture's lock.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import AsyncIterator, Callable
from typing import Any, Literal, Protocol

import msgspec

from attendance.errors import StoreUnavailable
from attendance.facts import Beat, Body, LectureState, NodeLost, NodeStopped
from attendance.ports import Clock, Store
from classroom.errors import BusAway, LeaseLost, UserError
from classroom.io.edge_asyncio import Edge
from classroom.io.floor_asyncio import Guest, SharedFloor
from classroom.io.home_asyncio import LiveRoom, Performer
from classroom.io.host_asyncio import Host
from classroom.io.node_asyncio import Hold, Node
from classroom.nodes.lease import GONE, RENEW
from classroom.nodes.wire import (
    Answer,
    Ask,
    Attach,
    Detach,
    Inputs,
    Letter,
    Parcel,
    Unknown,
    Welcome,
)
from classroom.ports import RollCall
from classroom.room.inputs import Joined, Rehomed
from classroom.room.lecture import OVER
from classroom.room.messages import batch

FOLLOW = 1.0
"""Seconds between two looks at what other nodes wrote into the ledger."""
ANSWER_WITHIN = 5.0
RETRY = 0.5
REPLIES = 2_000
FORGET_AFTER = 60_000_000
"""µs that an edge without members is kept."""

_log = logging.getLogger(__name__)
_roll = msgspec.msgpack.Decoder(RollCall)


class Rooms(Protocol):
    """What this module asks of the rooms of this process."""

    live: dict[str, LiveRoom]

    def lock(self, lecture: str) -> contextlib.AbstractAsyncContextManager[None]: ...

    async def build(self, lecture: str, hold: Hold) -> LiveRoom:
        """Raises `UserError("no-such-lecture")` and `StoreUnavailable`."""

    def beat_soon(self, lecture: str) -> None:
        """A beat of this process's sockets and viewers; nobody waits for it."""


class Handover:
    """Runs within `open()`; `close()` after the sockets are gone."""

    def __init__(self, node: Node, rooms: Rooms, performer: Performer, store: Store, clock: Clock) -> None:
        self.edges: dict[str, Edge] = {}
        self._node = node
        self._rooms = rooms
        self._performer = performer
        self._store = store
        self._clock = clock
        self._tasks: asyncio.TaskGroup | None = None
        self._runs: dict[str, asyncio.Task[None]] = {}
        self._replies: deque[tuple[str, str, Letter]] = deque(maxlen=REPLIES)
        self._replying = asyncio.Event()
        self._asked: dict[str, asyncio.Future[bytes]] = {}
        self._asks = 0
        self._host = Host(node, rooms, performer, clock, self._send)

        self._letters: dict[type, Callable[[Any], None]] = {
            Attach: self._host.attach,
            Inputs: self._host.hear,
            Detach: self._host.detach,
            Ask: self._host.answer,
            Welcome: self._for_edge,
            Unknown: self._for_edge,
            Parcel: self._for_edge,
            Answer: self._answered,
        }

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        async with asyncio.TaskGroup() as tasks:
            self._tasks = tasks
            loops = [
                tasks.create_task(self._read(), name="inbox"),
                tasks.create_task(self._reply(), name="replies"),
                tasks.create_task(self._keep(), name="leases"),
                tasks.create_task(self._follow(), name="other nodes' facts"),
            ]
            yield
            for task in (*loops, *self._runs.values()):
                task.cancel()
        self._tasks = None

    async def close(self) -> None:
        """Gives up in order what runs here: another node may go on at once."""
        for lecture, edge in tuple(self.edges.items()):
            await self._leave(lecture, edge)
        for lecture, live in tuple(self._rooms.live.items()):
            await self._release(live, self._give_up(lecture, live))

    # --- what this process's rooms ask ---

    async def settle(self, lecture: str) -> LiveRoom | Edge:
        """Home or edge of a lecture that somebody asks for; called under its lock. Raises `StoreUnavailable`, and
        `UserError` where there is no such lecture."""
        home = await self._node.look(lecture)
        hold = self._node.holds.get(lecture)
        if hold is not None:
            return await self._set_up(lecture, hold)
        edge = self._edge(lecture)
        edge.follow(home)
        return edge

    async def ask(self, edge: Edge, what: Literal["start", "end", "roll", "witness"], by: str | None) -> bytes:
        """Raises `UserError`: what the home said, or that it is away."""
        home = edge.home
        if home is None or self._node.away:
            raise UserError("room-away")
        self._asks += 1
        name = str(self._asks)
        future: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._asked[name] = future
        letter = Ask(edge.lecture, self._node.name, self._node.boot, name, what, by)
        try:
            async with asyncio.timeout(ANSWER_WITHIN):
                if not await self._node.post(home.node, home.boot, letter):
                    raise UserError("room-away")
                return await future
        except TimeoutError as error:
            raise UserError("room-away") from error
        finally:
            del self._asked[name]

    async def roll(self, edge: Edge) -> RollCall:
        return _roll.decode(await self.ask(edge, "roll", None))

    async def follow(self, live: LiveRoom, lecture: str) -> None:
        """What other nodes wrote of it meanwhile. Raises `StoreUnavailable`."""
        async for stored in self._store.read(lecture, live.row):
            live.presence.apply(stored.fact, stored.row)
            live.row = max(live.row, stored.row)

    async def move(self, edge: Edge, what: Literal["start", "end"], by: str | None) -> LectureState:
        return LectureState((await self.ask(edge, what, by)).decode())

    def release(self, lecture: str, live: LiveRoom) -> None:
        """A room that is not needed here any more: it is nobody's then."""
        self._spawn(self._release(live, self._give_up(lecture, live)), f"giving up {lecture}")

    def _give_up(self, lecture: str, live: LiveRoom) -> Hold | None:
        hold = self._node.holds.get(lecture)
        self._node.forget(lecture)
        self._rooms.live.pop(lecture, None)
        self._cancel(lecture)
        if live.room.life.state not in OVER:
            self._record(lecture, NodeStopped())
        return hold

    async def _release(self, live: LiveRoom, hold: Hold | None) -> None:
        if isinstance(live.floor, SharedFloor):
            with contextlib.suppress(LeaseLost):
                await live.floor.drain()
        if hold is not None:
            await self._node.release(hold)

    # --- tasks ---

    async def _read(self) -> None:
        while True:
            try:
                async for letter in self._node.letters():
                    self._letters[type(letter)](letter)
            except BusAway as error:
                self._node.lost(error)
                for edge in self.edges.values():
                    edge.cut_off()
                await asyncio.sleep(RETRY)

    async def _reply(self) -> None:
        while True:
            await self._replying.wait()
            self._replying.clear()
            while self._replies:
                await self._node.post(*self._replies.popleft())

    def _send(self, node: str, boot: str, letter: Letter) -> None:
        """What is lost here is asked for again."""
        self._replies.append((node, boot, letter))
        self._replying.set()

    async def _follow(self) -> None:
        while True:
            await asyncio.sleep(FOLLOW)
            for lecture, live in tuple(self._rooms.live.items()):
                try:
                    await self.follow(live, lecture)
                except StoreUnavailable as error:
                    _log.debug("what other nodes wrote cannot be read now: %s", error)
                    break

    async def _keep(self) -> None:
        while True:
            await asyncio.sleep(RENEW)
            tried = False  # a bus that does not answer is asked once in a round: each time may take seconds
            for hold in tuple(self._node.holds.values()):
                await self._renew(hold, tried and self._node.away)
                tried = True
            for lecture, edge in tuple(self.edges.items()):
                await self._look(lecture, edge, tried and self._node.away)
                tried = True
            for lecture, live in tuple(self._rooms.live.items()):
                if isinstance(live.floor, SharedFloor):
                    live.floor.wake.set()
                    if self._node.steady > GONE:
                        self._host.bury(lecture, live, live.floor)

    async def _renew(self, hold: Hold, away: bool) -> None:
        try:
            ours = await self._fenced(hold) if away else await self._node.renew(hold)
        except BusAway:
            ours = await self._fenced(hold)
        except StoreUnavailable:
            return  # nobody can be made home either
        if not ours and self._node.holds.get(hold.lecture) is hold:
            await self._depose(hold)

    async def _fenced(self, hold: Hold) -> bool:
        try:
            return await self._node.fenced(hold)
        except StoreUnavailable:
            return True

    async def _look(self, lecture: str, edge: Edge, away: bool) -> None:
        if self._node.away:
            edge.cut_off()
        if away:
            return
        try:
            home = await self._node.look(lecture)
        except StoreUnavailable:
            return
        hold = self._node.holds.get(lecture)
        if hold is not None:
            self._spawn(self._take_over(lecture, edge, hold), f"taking over {lecture}")
            return
        edge.follow(home)
        if home is None:
            edge.tell_away()
        await edge.sign()
        if edge.guests:
            edge.used = self._clock.now()
        elif self._clock.now() - edge.used > FORGET_AFTER:
            await self._leave(lecture, edge)

    # --- becoming home, and ceasing to be ---

    async def _set_up(self, lecture: str, hold: Hold) -> LiveRoom:
        try:
            live = await self._rooms.build(lecture, hold)
        except (StoreUnavailable, UserError):
            await self._node.release(hold)
            raise
        self._rooms.live[lecture] = live
        before = hold.before
        if before is not None and before.held and before.node != self._node.name and live.room.life.state not in OVER:
            self._record(lecture, NodeLost(before.node, before.boot))
        floor = live.floor
        assert isinstance(floor, SharedFloor)
        self._run(lecture, self._speak(hold, floor))
        if before is not None and before.node != self._node.name:
            about = live.room.about
            self._performer.feed(lecture, live, Rehomed(about.whip, about.whep))
        return live

    async def _speak(self, hold: Hold, floor: SharedFloor) -> None:
        try:
            await floor.run()
        except LeaseLost:
            self._spawn(self._depose(hold), f"ceding {hold.lecture}")

    async def _take_over(self, lecture: str, edge: Edge, hold: Hold) -> None:
        """The sockets of an edge go on in a room of this process."""
        async with self._rooms.lock(lecture):
            if self.edges.get(lecture) is not edge or self._node.holds.get(lecture) is not hold:
                return
            _log.warning("the room of lecture %s goes on here", lecture)
            try:
                live = await self._set_up(lecture, hold)
            except (StoreUnavailable, UserError) as error:
                _log.error("the room of lecture %s cannot be taken over: %s", lecture, error)
                return
            del self.edges[lecture]
            floor = live.floor
            assert isinstance(floor, SharedFloor)
            missed = floor.given(live.room.missed(edge.seq), edge.seq)
            floor.guests.update(edge.guests)
            for guest in edge.guests.values():
                self._bring(lecture, live, guest, missed)
            for message in edge.unheard(floor.heard.get(self._node.key, 0)):
                if not isinstance(message, Joined):
                    self._performer.feed(lecture, live, message)
            edge.tell_back()

    def _bring(self, lecture: str, live: LiveRoom, guest: Guest, missed: tuple[bytes, ...] | None) -> None:
        if not guest.admitted:
            self._performer.feed(lecture, live, guest.joined)
            return
        if missed:
            guest.outlet.send(batch(missed))  # which the outbox holds already
        guest.admitted = missed is not None
        self._host.readmit(lecture, live, guest.joined, missed is not None)

    async def _depose(self, hold: Hold) -> None:
        """Another node is home: what was media here ends, and the sockets become an edge's."""
        lecture = hold.lecture
        async with self._rooms.lock(lecture):
            if self._node.holds.get(lecture) is not hold:
                return
            self._node.forget(lecture)
            live = self._rooms.live.pop(lecture, None)
            if live is None or not isinstance(live.floor, SharedFloor):
                return
            _log.warning("the room of lecture %s is another node's now", lecture)
            self._cancel(lecture)
            self._record(lecture, NodeStopped())
            self._performer.close_viewers(lecture)
            for peer in live.room.slots.publications:
                self._performer.close(peer)
            edge = self._edge(lecture, live.floor.spoken)
            edge.adopt(live.floor.guests)
            for message in live.floor.unsettled:
                edge.feed(message)

    def _edge(self, lecture: str, seq: int = 0) -> Edge:
        edge = self.edges[lecture] = Edge(lecture, self._node, self._clock, self._record, seq)
        self._run(lecture, edge.run())
        return edge

    async def _leave(self, lecture: str, edge: Edge) -> None:
        del self.edges[lecture]
        self._cancel(lecture)
        if edge.involved:
            self._record(lecture, NodeStopped())
        await edge.detach()

    # --- letters to edges ---

    def _for_edge(self, letter: Welcome | Unknown | Parcel) -> None:
        edge = self.edges.get(letter.lecture)
        if edge is not None:
            edge.receive(letter)

    def _answered(self, letter: Answer) -> None:
        future = self._asked.get(letter.id)
        if future is None or future.done():
            return
        if letter.reason is None:
            future.set_result(letter.body)
        else:
            future.set_exception(UserError(letter.reason))

    # --- details ---

    def beats(self, before: int) -> list[tuple[str, Beat]]:
        """Of edges: what is known of their sockets."""
        found = [(lecture, edge.beat(before)) for lecture, edge in self.edges.items()]
        return [(lecture, Beat(connections)) for lecture, connections in found if connections]

    def _record(self, lecture: str, body: Body, happened: int | None = None) -> None:
        self._performer.record(lecture, body, happened)

    def _run(self, lecture: str, work: Any) -> None:
        self._cancel(lecture)
        self._runs[lecture] = self._spawn(work, f"room {lecture}")

    def _cancel(self, lecture: str) -> None:
        task = self._runs.pop(lecture, None)
        if task is not None and task is not asyncio.current_task():
            task.cancel()

    def _spawn(self, work: Any, name: str) -> asyncio.Task[None]:
        if self._tasks is None:
            work.close()
            raise RuntimeError("the rooms are not open")
        return self._tasks.create_task(work, name=name)
