"""A lecture's room as a node sees it that has members of it, but is not its home.

Theory of operation. What members say goes to the home and what it says comes back, both numbered (nodes/link.py). The
sockets stay here, whatever happens to the home or to the bus: they are told that the room is away, what is said on them
is kept within bounds, and a home that is there again, or another one, is told everything by attaching. The facts about
this node's own sockets are written here, by this node alone.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable
from typing import Any

from attendance.facts import Bits, Body, MemberConnected, MemberDisconnected
from attendance.ports import Clock
from classroom.io.building_asyncio import Lecture
from classroom.io.channel_aiohttp import Outlet
from classroom.io.floor_asyncio import Guest, give, say
from classroom.io.node_asyncio import Node
from classroom.nodes.link import EdgeEnd, Hole
from classroom.nodes.wire import (
    Attach,
    Detach,
    EdgeInput,
    Home,
    Inputs,
    Parcel,
    Present,
    Spoken,
    Told,
    Unknown,
    Welcome,
)
from classroom.room.inputs import Input, Joined, Lagged, Left, LinksReplaced, OrderReplaced, Received
from classroom.room.messages import Close, Heartbeat, Notice, Quality, Reception, encode
from classroom.room.permission import invited

GATHER = 0.02
"""Seconds in which what members say is gathered into one letter."""
AGAIN = 2.5
"""Seconds after which an attaching that was not answered is tried again."""
PASSING = (Heartbeat, Quality, Reception)
"""What is worth nothing later."""
_AWAY = encode(Notice("bus-away"))
_BACK = encode(Notice("bus-back"))


class Edge:
    """Somebody must own `run()`. `record` takes facts; `seq` is the number of what its sockets were given last."""

    def __init__(
        self, lecture: str, node: Node, clock: Clock, record: Callable[[str, Body, int | None], None], seq: int = 0
    ) -> None:
        self.lecture = lecture
        self.guests: dict[str, Guest] = {}
        self.home: Home | None = None
        self.used = clock.now()
        self.involved = False
        """It wrote of somebody into the ledger."""
        self.row: Lecture | None = None
        """What the list says of the lecture, read at `row_at` (µs)."""
        self.row_at = 0
        self.wake = asyncio.Event()
        self._node = node
        self._clock = clock
        self._record = record
        self._end = EdgeEnd(seq, clock.now())
        self._ids = itertools.count(1)
        self._attaching: tuple[int, float] | None = None
        self._reset = False
        self._told_away = False
        self._letters: dict[type, Callable[[Any], None]] = {
            Welcome: self._welcome,
            Unknown: lambda letter: self._reattach(letter.fence),
            Parcel: self._open,
        }
        self._inputs: dict[type, Callable[[Any], None]] = {
            Received: self._received,
            Left: self._left,
            Lagged: self._pass_on,
            LinksReplaced: self._expel,
            OrderReplaced: self._pass_on,
        }

    @property
    def attached(self) -> bool:
        return self._end.fence is not None

    @property
    def reachable(self) -> bool:
        """Whether there is a way to whoever is home."""
        return not self._node.away

    @property
    def seq(self) -> int:
        return self._end.seq

    def unheard(self, heard: int) -> list[EdgeInput]:
        """What members said that the home had not heard, where it had heard up to that number."""
        return self._end.beyond(heard)

    # --- what the channel asks ---

    def join(self, outlet: Outlet, joined: Joined) -> None:
        self.guests[joined.connection] = Guest(outlet, joined, self._clock.now())
        self._put(joined)

    def adopt(self, guests: dict[str, Guest]) -> None:
        """Sockets that had a room here until now: their connecting is written once more, by what is an edge now."""
        self.guests.update(guests)
        for guest in guests.values():
            guest.recorded = False
            if guest.admitted:
                self._connected(guest, self._clock.now())

    def feed(self, message: Input) -> None:
        """What is of no concern to an edge (its relay's words: media is at the home) is passed over."""
        take = self._inputs.get(type(message))
        if take is not None:
            take(message)

    def _received(self, message: Received) -> None:
        guest = self.guests.get(message.connection)
        if guest is None:
            return
        if isinstance(message.message, Heartbeat):
            guest.visible = message.message.visible
        if isinstance(message.message, PASSING) and not self.attached:
            return
        if not self._put(message):
            guest.outlet.complain("room-away", getattr(message.message, "key", None))

    def _pass_on(self, message: Lagged | OrderReplaced) -> None:
        self._put(message)

    def _left(self, message: Left) -> None:
        guest = self.guests.pop(message.connection, None)
        if guest is not None:
            self._disconnected(guest, message)
        self._put(message)

    def _expel(self, message: LinksReplaced) -> None:
        """At once here, and everywhere when the home hears of it."""
        for connection, guest in tuple(self.guests.items()):
            if guest.joined.person.member in message.members:
                del self.guests[connection]
                guest.outlet.dismiss(Close.TICKET, "ticket-revoked")
                self._disconnected(guest, Left(connection, guest.outlet.evidence, "ticket-revoked"))
                self._put(Left(connection, guest.outlet.evidence, "ticket-revoked"))
        self._put(message)

    def _put(self, message: EdgeInput) -> bool:
        taken = self._end.put(message)
        self.wake.set()
        return taken

    # --- facts ---

    def beat(self, before: int) -> dict[str, int]:
        """Connection → bits of those that gave a sign since `before` (µs)."""
        return {
            connection: int(Bits.CONNECTED | (Bits.VISIBLE if guest.visible else 0))
            for connection, guest in self.guests.items()
            if guest.recorded
            and guest.outlet.evidence >= before
            and guest.joined_at <= before
            and invited(guest.joined.person.role)
        }

    def _connected(self, guest: Guest, at: int) -> None:
        joined = guest.joined
        guest.recorded = True
        if invited(joined.person.role):
            self.involved = True
            fact = MemberConnected(joined.person.member, joined.connection, joined.page.value, joined.device)
            self._record(self.lecture, fact, at)

    def _disconnected(self, guest: Guest, left: Left) -> None:
        person = guest.joined.person
        if guest.recorded and invited(person.role):
            last = min(self._clock.now(), max(left.last, guest.joined_at))
            fact = MemberDisconnected(person.member, guest.joined.connection, last, left.reason)
            self._record(self.lecture, fact, None)

    # --- the home ---

    def follow(self, home: Home | None) -> None:
        """Who is home now; None: nobody is known to be."""
        if home != self.home:
            self.home = home
            self._end.leave()
            self._attaching = None
        self.wake.set()

    def cut_off(self) -> None:
        """The bus is away: what is on the way is not known."""
        self._end.leave()
        self._attaching = None
        self.tell_away()

    def tell_away(self) -> None:
        if not self._told_away:
            self._told_away = True
            for guest in self.guests.values():
                guest.outlet.send(_AWAY)

    def receive(self, letter: Welcome | Unknown | Parcel) -> None:
        self._letters[type(letter)](letter)

    def _welcome(self, letter: Welcome) -> None:
        if self._attaching is None or self.home is None or letter.fence != self.home.fence:
            return
        if letter.id != self._attaching[0]:
            return
        self._attaching = None
        self._reset = False
        self._end.welcome(letter.fence, letter.heard, letter.seq)
        for guest in self.guests.values():
            guest.admitted = guest.admitted and not letter.anew
        self.tell_back()
        self.wake.set()

    def tell_back(self) -> None:
        if self._told_away:
            self._told_away = False
            for guest in self.guests.values():
                guest.outlet.send(_BACK)

    def _reattach(self, fence: int, reset: bool = False) -> None:
        if self._end.fence == fence:
            self._end.leave()
            self._attaching = None
            self._reset = self._reset or reset
            self.wake.set()

    def _open(self, parcel: Parcel) -> None:
        try:
            items = self._end.open(parcel)
        except Hole:
            self._reattach(parcel.fence, reset=True)
            return
        said: list[bytes] = []
        for item in items:
            if isinstance(item, Spoken):
                said += item.frames
                continue
            say(self.guests, said)
            guest = self.guests.get(item.connection)
            if isinstance(item, Told) and item.admits and guest is not None and not guest.recorded:
                self._connected(guest, guest.joined_at)
            give(self.guests, item)
        say(self.guests, said)

    # --- the way there ---

    async def run(self) -> None:
        while True:
            await self.wake.wait()
            await asyncio.sleep(GATHER)
            self.wake.clear()
            home = self.home
            if home is None or self._node.away:
                continue
            if not self.attached:
                await self._attach(home)
                continue
            inputs = self._end.next(self.lecture, self._node.name, self._node.boot)
            if inputs is not None and await self._send(home, inputs):
                self.wake.set()  # there may be more

    async def sign(self) -> None:
        """Of life, about once a second; and what was not answered is asked again."""
        home = self.home
        if home is None or self._node.away:
            return
        inputs = self._end.sign(self.lecture, self._node.name, self._node.boot)
        if inputs is not None:
            await self._send(home, inputs)
        else:
            self.wake.set()

    async def detach(self) -> None:
        if self.home is not None and not self._node.away:
            letter = Detach(self.lecture, self._node.name, self._node.boot)
            await self._node.post(self.home.node, self.home.boot, letter)

    async def _attach(self, home: Home) -> None:
        now = asyncio.get_running_loop().time()
        if self._attaching is not None and now - self._attaching[1] < AGAIN:
            return
        self._attaching = (next(self._ids), now)
        present = tuple(Present(guest.joined, guest.admitted) for guest in self.guests.values())
        letter = Attach(
            self.lecture,
            self._node.name,
            self._node.boot,
            home.fence,
            self._attaching[0],
            self._end.seq,
            self._end.heard,
            present,
            self._reset,
        )
        await self._node.post(home.node, home.boot, letter)

    async def _send(self, home: Home, inputs: Inputs) -> bool:
        if self.home is not home or self._end.fence != inputs.fence:
            return False
        if not await self._node.post(home.node, home.boot, inputs):
            return False
        self._end.sent(inputs)
        return True
