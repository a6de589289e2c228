"""Where a room's words go: to the sockets of this process, and, where there are several nodes, to those of the others.

Theory of operation of `SharedFloor`. Everything that a room says goes into one queue, in order, and one task takes it
out: first what was said to all goes onto the bus, into the lecture's outbox, under the lease; only then does anybody
get it. So whatever any page has seen, the next home will know; and a home that was replaced while it slept says nothing
to anybody. While the bus is away the home goes on with its own members and keeps what the others miss, within bounds.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from classroom.errors import LeaseLost
from classroom.io.channel_aiohttp import Outlet
from classroom.io.node_asyncio import Hold, Node
from classroom.nodes.link import HomeEnd
from classroom.nodes.wire import Complained, Dismissed, EdgeInput, Item, Spoken, Told, Uttered, Welcome, encode, outbox
from classroom.room.inputs import Joined
from classroom.room.journal import Journaled
from classroom.room.messages import Close, batch
from classroom.room.outbox import KEPT

UNSPOKEN = 5_000
"""What was said to all while the bus is away, in tenths of a second at most: eight minutes."""
HEARD = 500
"""What sockets of this process said since something was said to all last."""


class Journal(Protocol):
    def append(self, lecture: str, journaled: Journaled) -> None: ...


@dataclass(slots=True)
class Guest:
    """A socket of this process in a room. `admitted`: it was given a snapshot, or what it missed, and gets what is said
    to all; `recorded`: the ledger has it; `joined_at` in µs."""

    outlet: Outlet
    joined: Joined
    joined_at: int
    admitted: bool = False
    recorded: bool = False
    visible: bool = True


class Floor(Protocol):
    """None of these waits."""

    guests: dict[str, Guest]

    def say(self, frame: bytes) -> None:
        """To all."""

    def keep(self, journaled: Journaled) -> None: ...

    def tell(self, connection: str, frames: tuple[bytes, ...], admits: bool) -> None: ...

    def complain(self, connection: str, reason: str, key: str | None) -> None: ...

    def dismiss(self, connection: str, code: Close, reason: str) -> None: ...

    def flush(self) -> None:
        """What was said to all since the last time goes out, as one frame."""

    def own(self, connection: str) -> bool:
        """Not a socket of another node."""


class LocalFloor:
    """Of a service that is one process."""

    def __init__(self, lecture: str, journal: Journal) -> None:
        self.guests: dict[str, Guest] = {}
        self._lecture = lecture
        self._journal = journal
        self._pending: list[bytes] = []

    def say(self, frame: bytes) -> None:
        self._pending.append(frame)

    def keep(self, journaled: Journaled) -> None:
        self._journal.append(self._lecture, journaled)

    def tell(self, connection: str, frames: tuple[bytes, ...], admits: bool) -> None:
        guest = self.guests.get(connection)
        if guest is not None and frames:
            guest.outlet.send(batch(frames))

    def complain(self, connection: str, reason: str, key: str | None) -> None:
        guest = self.guests.get(connection)
        if guest is not None:
            guest.outlet.complain(reason, key)

    def dismiss(self, connection: str, code: Close, reason: str) -> None:
        guest = self.guests.pop(connection, None)
        if guest is not None:
            guest.outlet.dismiss(code, reason)

    def flush(self) -> None:
        if self._pending:
            frame = batch(self._pending)
            self._pending.clear()
            for guest in self.guests.values():
                guest.outlet.send(frame)

    def own(self, connection: str) -> bool:
        return True


class SharedFloor:
    """Of a home among nodes. Somebody must own `run()`, which ends by `LeaseLost` alone. `seq` is the number of what
    was said last, `heard` what each edge ("node/boot") had said by then."""

    def __init__(self, journal: Journal, node: Node, hold: Hold, seq: int, heard: dict[str, int]) -> None:
        self.guests: dict[str, Guest] = {}
        self.edges: dict[str, HomeEnd] = {}
        self.whose: dict[str, str] = {}
        """Sockets of other nodes, and the edge of each."""
        self.hold = hold
        self.heard = heard
        self.settled = dict(heard)
        """Of what was heard of each edge, whose outcome cannot be lost any more."""
        self.spoken = seq
        """The number of what sockets were given last."""
        self.wake = asyncio.Event()
        self._journal = journal
        self._node = node
        self._seq = seq
        self._pending: list[bytes] = []
        self._kept: list[Journaled] = []
        self._queue: deque[Uttered | Told | Complained | Dismissed] = deque()
        self._welcomes: deque[tuple[str, Welcome]] = deque()
        self._unspoken: deque[Uttered] = deque()
        self._heard: list[EdgeInput] = []
        self._settling: deque[tuple[Uttered, list[EdgeInput]]] = deque()
        self._alone = False
        self._torn = False

    # --- what the room says ---

    def say(self, frame: bytes) -> None:
        self._pending.append(frame)

    def keep(self, journaled: Journaled) -> None:
        self._kept.append(journaled)

    def tell(self, connection: str, frames: tuple[bytes, ...], admits: bool) -> None:
        if admits:
            self.flush()  # what was said before belongs to those who were here
        self._put(Told(connection, frames, admits))

    def complain(self, connection: str, reason: str, key: str | None) -> None:
        self._put(Complained(connection, reason, key))

    def dismiss(self, connection: str, code: Close, reason: str) -> None:
        self._put(Dismissed(connection, code, reason))

    def flush(self) -> None:
        if self._pending or self._kept:
            spoken = Spoken(self._seq, self._seq + len(self._pending), tuple(self._pending))
            uttered = Uttered(self.hold.home.fence, spoken, tuple(self._kept), dict(self.heard))
            self._settling.append((uttered, self._heard))
            self._heard = []
            self._put(uttered)
            self._seq = spoken.last
            self._pending.clear()
            self._kept.clear()
        elif not self._settling:
            self._settle(self.heard)  # it came to nothing that could be lost

    def hear(self, message: EdgeInput) -> None:
        """Somebody here said something; until what came of it is given out it may have to be said again elsewhere."""
        if len(self._heard) < HEARD:
            self._heard.append(message)

    @property
    def unsettled(self) -> list[EdgeInput]:
        """What was heard here, and came to nothing."""
        return [message for _, heard in self._settling for message in heard] + self._heard

    def begin(self) -> None:
        """The outbox shows from where this home counts, though nothing is said yet."""
        self._put(Uttered(self.hold.home.fence, Spoken(self._seq, self._seq, ()), (), dict(self.heard)))

    def own(self, connection: str) -> bool:
        return connection not in self.whose

    # --- edges ---

    def given(self, missed: tuple[bytes, ...] | None, after: int) -> tuple[bytes, ...] | None:
        """Of what was said after that number, what others were given already; the rest comes to all."""
        return None if missed is None else missed[: max(0, self.spoken - after)]

    def attach(self, end: HomeEnd, welcome: Welcome, missed: Iterable[bytes]) -> None:
        """An edge is there, from now on. `missed`: what its sockets lack of what was given to others already."""
        key = f"{end.node}/{end.boot}"
        self.edges[key] = end
        self._welcomes.append((key, welcome))
        frames = tuple(missed)
        if frames:
            end.put(Spoken(welcome.seq, welcome.seq + len(frames), frames))
        self.wake.set()

    def _settle(self, heard: dict[str, int]) -> None:
        for key, number in heard.items():
            if number > self.settled.get(key, 0):
                self.settled[key] = number
                if key in self.edges:
                    self.edges[key].settled = number
                    self.wake.set()

    # --- the way out ---

    async def run(self) -> None:
        """Raises `LeaseLost` where another node is home."""
        while True:
            await self.wake.wait()
            self.wake.clear()
            items = list(self._queue)
            self._queue.clear()
            await self._publish([item for item in items if isinstance(item, Uttered)])
            self._give(items)
            if not self._node.away:
                await self._send()

    async def drain(self) -> None:
        """What is left, at the end."""
        self.flush()
        items = list(self._queue)
        self._queue.clear()
        await self._publish([item for item in items if isinstance(item, Uttered)])
        self._give(items)
        if not self._node.away:
            await self._send()

    async def _publish(self, fresh: list[Uttered]) -> None:
        self._unspoken.extend(fresh)
        if len(self._unspoken) > UNSPOKEN:
            self._unspoken.clear()
            self._torn = True
        while self._unspoken and not self._node.away:
            uttered = self._unspoken[0]
            if not await self._node.publish(self.hold, outbox(self.hold.lecture), encode(uttered), KEPT):
                break
            self._unspoken.popleft()
        alone = bool(self._unspoken) or self._torn
        if alone != self._alone:
            ours = await self._node.alone(self.hold, alone)
            self._alone = alone
        else:
            ours = not alone or not fresh or await self._node.still_alone(self.hold)
        if not ours:
            raise LeaseLost(self.hold.lecture)

    def _give(self, items: Iterable[Uttered | Told | Complained | Dismissed]) -> None:
        said: list[bytes] = []
        for item in items:
            if isinstance(item, Uttered):
                said += item.spoken.frames
                self._utter(item)
            else:
                say(self.guests, said)
                self._give_one(item)
        say(self.guests, said)

    def _utter(self, uttered: Uttered) -> None:
        if self._settling and self._settling[0][0] is uttered:
            self._settling.popleft()
        self.spoken = uttered.spoken.last
        self._settle(uttered.heard)
        for journaled in uttered.kept:
            self._journal.append(self.hold.lecture, journaled)
        if uttered.spoken.frames:
            for end in self.edges.values():
                end.put(uttered.spoken)

    def _give_one(self, item: Told | Complained | Dismissed) -> None:
        edge = self.whose.get(item.connection)
        if edge is None:
            give(self.guests, item)
        elif edge in self.edges:
            self.edges[edge].put(item)

    async def _send(self) -> None:
        while self._welcomes:
            key, welcome = self._welcomes[0]
            end = self.edges.get(key)
            if end is not None and not await self._node.post(end.node, end.boot, welcome):
                return
            self._welcomes.popleft()
        for end in tuple(self.edges.values()):
            while (parcel := end.pack(self.hold.lecture, self.hold.home.fence)) is not None:
                if not await self._node.post(end.node, end.boot, parcel):
                    return
                end.sent()

    def _put(self, item: Uttered | Told | Complained | Dismissed) -> None:
        self._queue.append(item)
        self.wake.set()


def say(guests: dict[str, Guest], said: list[bytes]) -> None:
    """To every socket of this process that was admitted, in one frame; `said` is empty afterwards."""
    if said:
        frame = batch(said)
        said.clear()
        for guest in guests.values():
            if guest.admitted:
                guest.outlet.send(frame)


def give(guests: dict[str, Guest], item: Item) -> None:
    """To one socket of this process, if it is there."""
    if isinstance(item, Spoken):
        return
    if isinstance(item, Dismissed):
        leaving = guests.pop(item.connection, None)
        if leaving is not None:
            leaving.outlet.dismiss(item.code, item.reason)
        return
    guest = guests.get(item.connection)
    if guest is None:
        return
    if isinstance(item, Complained):
        guest.outlet.complain(item.reason, item.key)
        return
    guest.admitted = guest.admitted or item.admits
    if item.frames:
        guest.outlet.send(batch(item.frames))


__all__ = ["Floor", "Guest", "LeaseLost", "LocalFloor", "SharedFloor", "give", "say"]
