"""This process as one of several nodes: its place on the bus, and the leases that it holds.

Theory of operation. A lecture's home is who holds its lease; that its holder was made home last, the fence in the
database says, and where the two disagree the fence is right. A holder that could not renew in time looks at the fence
before it goes on: another node may have been home meanwhile. While the bus is away nobody else can become home, so the
home goes on alone, and says so in the database, for what it then tells its own members no outbox holds.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Protocol

import msgspec

from attendance.errors import StoreUnavailable
from classroom.errors import BusAway, LeaseLost
from classroom.nodes.lease import LEASE, Last, Verdict, judge
from classroom.nodes.wire import Home, Letter, decode_home, decode_letter, encode, inbox, lease_key
from classroom.ports import Bus, Lease

NEVER = float("-inf")
LETTERS = 50_000
"""So many are kept in an inbox: some minutes of a full lecture."""

_log = logging.getLogger(__name__)


class Homes(Protocol):
    async def last(self, lecture: str) -> Last | None: ...

    async def take(self, lecture: str, node: str, boot: str, after: int) -> bool: ...

    async def mark(self, lecture: str, fence: int, *, held: bool = True, alone: bool = False) -> bool: ...


@dataclass(slots=True)
class Hold:
    """A lease of ours. `renewed`: when it was last known to be ours, in the caller's seconds. `before`: who was home
    before us; None for the first."""

    lecture: str
    home: Home
    lease: Lease
    renewed: float
    before: Last | None


@dataclass(slots=True)
class Look:
    """What was last seen of a lease that is not ours. `missing`: since when it is not there, or None."""

    home: Home | None = None
    missing: float | None = None


class Node:
    """`url` is where pages reach this node, and no other. `now` gives monotonic seconds."""

    def __init__(self, bus: Bus, homes: Homes, name: str, boot: str, url: str, now: Callable[[], float]) -> None:
        self.bus = bus
        self.name = name
        self.boot = boot
        self.url = url
        self.away = False
        """Whether the bus did not answer the last time."""
        self.holds: dict[str, Hold] = {}
        self._homes = homes
        self._now = now
        self._looks: dict[str, Look] = {}
        self._position = ""
        self._back = now()

    @property
    def steady(self) -> float:
        """Seconds since when the bus has answered."""
        return 0.0 if self.away else self._now() - self._back

    @property
    def key(self) -> str:
        return f"{self.name}/{self.boot}"

    # --- the bus ---

    def lost(self, error: BusAway) -> None:
        if not self.away:
            _log.error("the bus is away: %s", error)
        self.away = True
        self._looks.clear()  # what was seen before says nothing of what the bus remembers when it is back

    def found(self) -> None:
        if self.away:
            _log.info("the bus is back")
            self._back = self._now()
        self.away = False

    async def post(self, node: str, boot: str, letter: Letter) -> bool:
        """Whether the bus took it."""
        try:
            await self.bus.publish(inbox(node, boot), encode(letter), LETTERS)
        except BusAway as error:
            self.lost(error)
            return False
        self.found()
        return True

    async def letters(self) -> AsyncIterator[Letter]:
        """What is sent to this process, until the bus is away: raises `BusAway` then."""
        async for delivery in self.bus.follow(inbox(self.name, self.boot), self._position):
            self._position = delivery.position
            self.found()
            try:
                yield decode_letter(delivery.body)
            except msgspec.MsgspecError as error:
                _log.error("a letter cannot be read; do all nodes run the same version? %s", error)

    # --- leases ---

    async def look(self, lecture: str) -> Home | None:
        """Who is home now; where nobody is, this process becomes it (`holds`) if it is its turn, and otherwise None is
        returned: ask again. Raises `StoreUnavailable`."""
        held = self.holds.get(lecture)
        if held is not None:
            return held.home
        try:
            found = await self.holder(lecture)
        except BusAway:
            return await self._take_alone(lecture)
        seen = self._looks.setdefault(lecture, Look())
        if found is not None and found.node != self.name:
            seen.home, seen.missing = found, None
            return found
        now = self._now()
        if seen.missing is None:
            seen.missing = now
        last = await self._homes.last(lecture)
        verdict = judge((self.name, self.boot), found, seen.home is not None, last, now - seen.missing)
        if verdict is Verdict.DISPLACE and found is not None:
            await self.bus.release(Lease(lease_key(lecture), encode(found)))
            verdict = Verdict.TAKE
        return await self._take(lecture, last) if verdict is Verdict.TAKE else None

    async def holder(self, lecture: str) -> Home | None:
        """Raises `BusAway`."""
        try:
            value = await self.bus.holder(lease_key(lecture))
        except BusAway as error:
            self.lost(error)
            raise
        self.found()
        if value is None:
            return None
        try:
            return decode_home(value)
        except msgspec.MsgspecError:
            return Home("", "", 0, "")  # of another version: somebody's all the same

    async def _take(self, lecture: str, last: Last | None) -> Home | None:
        fence = 0 if last is None else last.fence
        home = Home(self.name, self.boot, fence + 1, self.url)
        lease = Lease(lease_key(lecture), encode(home))
        try:
            if not await self.bus.take(lease, LEASE):
                return None
            if not await self._homes.take(lecture, self.name, self.boot, fence):
                await self.bus.release(lease)
                return None
        except BusAway as error:
            self.lost(error)
            return None
        self._looks.pop(lecture, None)
        self.holds[lecture] = Hold(lecture, home, lease, self._now(), last)
        return home

    async def _take_alone(self, lecture: str) -> Home | None:
        """While the bus is away: a lecture that no other node has. The lease follows when the bus is back."""
        last = await self._homes.last(lecture)
        if last is not None and last.held and last.node != self.name:
            return None
        fence = 0 if last is None else last.fence
        if not await self._homes.take(lecture, self.name, self.boot, fence):
            return None
        home = Home(self.name, self.boot, fence + 1, self.url)
        self.holds[lecture] = Hold(lecture, home, Lease(lease_key(lecture), encode(home)), NEVER, last)
        return home

    async def renew(self, hold: Hold) -> bool:
        """Whether it is still ours. Raises `BusAway`, and `StoreUnavailable` where only the fence could tell."""
        if self._now() - hold.renewed > LEASE / 2 and not await self.fenced(hold):
            return False
        started = self._now()
        try:
            taken = await self.bus.take(hold.lease, LEASE)
        except BusAway as error:
            self.lost(error)
            raise
        self.found()
        if taken:
            hold.renewed = started
        return taken

    async def fenced(self, hold: Hold) -> bool:
        """Whether nobody was made home since. Raises `StoreUnavailable`."""
        last = await self._homes.last(hold.lecture)
        return last is not None and last.fence == hold.home.fence

    async def alone(self, hold: Hold, alone: bool) -> bool:
        """We go on without the bus, or all that was said meanwhile is on it. False where another node is home."""
        try:
            return await self._homes.mark(hold.lecture, hold.home.fence, alone=alone)
        except StoreUnavailable as error:
            _log.error("that lecture %s goes on without the bus cannot be written: %s", hold.lecture, error)
            return True  # nobody can be made home either

    async def still_alone(self, hold: Hold) -> bool:
        """False where another node was made home meanwhile."""
        try:
            return await self.fenced(hold)
        except StoreUnavailable:
            return True

    def forget(self, lecture: str) -> None:
        """It is not ours any more."""
        self.holds.pop(lecture, None)
        self._looks.pop(lecture, None)

    async def release(self, hold: Hold) -> None:
        """In order: another node may be home at once."""
        self.forget(hold.lecture)
        try:
            await self._homes.mark(hold.lecture, hold.home.fence, held=False)
            await self.bus.release(hold.lease)
        except (StoreUnavailable, BusAway) as error:
            _log.warning("the lease of lecture %s lapses by itself: %s", hold.lecture, error)

    async def publish(self, hold: Hold, topic: str, body: bytes, keep: int) -> bool:
        """Under the lease; False while the bus is away. Raises `LeaseLost` where another node is home. A lease that the
        bus forgot is taken again."""
        try:
            try:
                await self.bus.publish(topic, body, keep, hold.lease)
            except LeaseLost:
                hold.renewed = NEVER
                if not await self.renew(hold):
                    raise
                await self.bus.publish(topic, body, keep, hold.lease)
        except BusAway as error:
            self.lost(error)
            return False
        except StoreUnavailable:
            return False
        self.found()
        return True
