"""Once a day: what is older than the service is to remember goes."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection
from typing import Protocol

from attendance.errors import StoreUnavailable
from attendance.ports import Clock

DAY = 86_400
MICROSECONDS = 1_000_000
EVERY = DAY

_log = logging.getLogger(__name__)


class Journals(Protocol):
    async def expire(self, before: int) -> int: ...

    async def recent(self, before: int) -> list[str]:
        """Lectures that are not that old."""


class Roster(Protocol):
    async def erase_left(self, before: int, kept: Collection[str] = ()) -> int: ...

    async def expire_changes(self, before: int) -> int: ...


class Retention:
    """`days` is how long words, people who left, guests, and what takes a change of the roster back are kept; 0: for
    ever. Somebody must own `run()`."""

    def __init__(self, days: int, journals: Journals, roster: Roster, clock: Clock) -> None:
        self._days = days
        self._journals = journals
        self._roster = roster
        self._clock = clock

    async def run(self) -> None:
        while self._days:
            try:
                await self.expire()
            except StoreUnavailable as error:
                _log.warning("what is too old is removed later, the database is away: %s", error)
            await asyncio.sleep(EVERY)

    async def expire(self) -> None:
        """Raises `StoreUnavailable`."""
        before = self._clock.now() - self._days * DAY * MICROSECONDS
        entries = await self._journals.expire(before)
        people = await self._roster.erase_left(before, await self._journals.recent(before))
        changes = await self._roster.expire_changes(before)
        if entries or people or changes:
            _log.info(
                "kept for %d days: %d entries, %d people who left or came to nothing since, %d changes were erased",
                self._days,
                entries,
                people,
                changes,
            )
