"""Where attendance meets the rest."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Protocol

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from attendance.chain import Head, Row
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


class Ledger(Store, Protocol):
    """The same rows as they are stored, for the check of the chain and for reports."""

    def rows(self, lecture: str, after: int = 0, until: int | None = None) -> AsyncIterator[Row]:
        """Rows beyond `after` up to `until` (the last one where None), in order, their bodies not decoded."""

    async def last(self, lecture: str) -> tuple[int, bytes]:
        """The number and the hash of the last row; (0, 32 zero bytes) where there is none."""


class Notary(Protocol):
    @property
    def public(self) -> Ed25519PublicKey:
        """Whose signature the heads carry."""

    async def known(self, lecture: str) -> list[Head]:
        """The heads that were signed before, as they are kept outside the database, not yet verified."""

    async def seal(self, lecture: str) -> Head | None:
        """The signed head of what is stored now, also kept outside the database; None while nothing is stored.
        An unchanged head keeps its first signature."""


class Clock(Protocol):
    def now(self) -> int:
        """Microseconds since the epoch, UTC: wall time anchored at start to the monotonic clock; never goes back."""

    def at(self, monotonic: float) -> int:
        """The same scale for a CLOCK_MONOTONIC reading (seconds) of this machine."""
