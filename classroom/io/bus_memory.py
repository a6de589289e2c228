"""The bus of a service that is one process: topics and leases in its own memory."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from classroom.errors import LeaseLost
from classroom.ports import Delivery, Lease


@dataclass(slots=True)
class Topic:
    """`entries` are numbered on from 1; `changed` is replaced, and the old one set, with each that comes."""

    entries: deque[tuple[int, bytes]] = field(default_factory=deque)
    last: int = 0
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    def add(self, body: bytes, keep: int) -> None:
        self.last += 1
        self.entries.append((self.last, body))
        while len(self.entries) > keep:
            self.entries.popleft()
        self.changed.set()
        self.changed = asyncio.Event()


class MemoryBus:
    """Implements `ports.Bus`. `alone` is false where several nodes of one process share it."""

    def __init__(self, alone: bool = True) -> None:
        self.alone = alone
        self._topics: dict[str, Topic] = {}
        self._leases: dict[str, tuple[bytes, float]] = {}

    async def publish(self, topic: str, body: bytes, keep: int, lease: Lease | None = None) -> None:
        if lease is not None and await self.holder(lease.key) != lease.value:
            raise LeaseLost(lease.key)
        self._topic(topic).add(body, keep)

    async def follow(self, topic: str, after: str = "") -> AsyncIterator[Delivery]:
        found = self._topic(topic)
        seen = int(after or 0)
        seen = seen if seen <= found.last else 0
        while True:
            changed = found.changed
            for number, body in tuple(found.entries):
                if number > seen:
                    seen = number
                    yield Delivery(str(number), body)
            await changed.wait()

    async def kept(self, topic: str) -> list[bytes]:
        return [body for _, body in self._topic(topic).entries]

    async def take(self, lease: Lease, lasts: float) -> bool:
        held = await self.holder(lease.key)
        if held not in (None, lease.value):
            return False
        self._leases[lease.key] = (lease.value, asyncio.get_running_loop().time() + lasts)
        return True

    async def release(self, lease: Lease) -> None:
        if await self.holder(lease.key) == lease.value:
            del self._leases[lease.key]

    async def holder(self, key: str) -> bytes | None:
        held = self._leases.get(key)
        return None if held is None or held[1] <= asyncio.get_running_loop().time() else held[0]

    def _topic(self, name: str) -> Topic:
        found = self._topics.get(name)
        if found is None:
            found = self._topics[name] = Topic()
        return found
