"""Where attendance meets the rest."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Protocol

import msgspec

from attendance.facts import Body, Fact


class Stored(msgspec.Struct, frozen=True):
    """A fact as the ledger holds it: `row` counts from 1 in its lecture; hashes are SHA-256 (32 bytes)."""

    row: int
    fact: Fact
    stored: int  # microseconds since the epoch, UTC
    previous: bytes
    hash: bytes


class Recorder(Protocol):
    async def record(self, lecture: str, body: Body, happened: int | None = None) -> None:
        """Stamps and stores; completes when the fact is committed. `happened` (µs, UTC) only where the event itself
        carries a time; it is the clock's now otherwise."""


class Store(Protocol):
    async def append(self, facts: Sequence[Fact]) -> None:
        """Idempotent by fact id, one transaction; raises `StoreUnavailable`."""

    def read(self, lecture: str, after: int = 0) -> AsyncIterator[Stored]:
        """Rows of a lecture beyond `after`, in order."""


class Clock(Protocol):
    def now(self) -> int:
        """Microseconds since the epoch, UTC: wall time anchored at start to the monotonic clock; never goes back."""

    def at(self, monotonic: float) -> int:
        """The same scale for a CLOCK_MONOTONIC reading (seconds) of this machine."""
