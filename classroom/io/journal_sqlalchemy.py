"""The rooms' journals in a database, written behind by one task. The engine stays the caller's.

What was said has been shown when it is written here: unlike a fact, an entry is not acknowledged. While the database is
away entries wait, in order and bounded; a fact that must not be lost belongs in the ledger.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections import deque
from collections.abc import AsyncIterator, Callable, Collection
from typing import Any

import msgspec
from sqlalchemy import BigInteger, Column, LargeBinary, Row, String, Table, select
from sqlalchemy.exc import DataError, IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine

from attendance.errors import StoreUnavailable
from attendance.io.engine_sqlalchemy import READ_ONLY, available
from attendance.io.tables_sqlalchemy import metadata
from classroom.room.journal import Entry, Journaled

journal = Table(
    "journal",
    metadata,
    Column("lecture", String(64), primary_key=True),
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("at", BigInteger, nullable=False),
    Column("by", String(64), nullable=True),
    Column("kind", String(32), nullable=False),
    Column("body", LargeBinary, nullable=False),
)
"""`at` in µs since the epoch, UTC; `body` is the entry as JSON, `kind` its name."""

WAITING = 50_000
BATCH = 500
RETRY = 1.0
CLOSE_WITHIN = 5.0
PAGE = 2_000

_log = logging.getLogger(__name__)


class Journal:
    """Use it as an asynchronous context manager; what waits is written at its end, as far as the database answers."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._waiting: deque[tuple[str, Journaled]] = deque()
        self._wake = asyncio.Event()
        self._writing = asyncio.Lock()
        self._closing = False
        self._written = 0
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Journal:
        self._task = asyncio.create_task(self._run(), name="journal")
        return self

    async def __aexit__(self, *_: object) -> None:
        self._closing = True
        self._wake.set()
        if self._task is not None:
            await asyncio.wait([self._task], timeout=CLOSE_WITHIN)
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def append(self, lecture: str, journaled: Journaled) -> None:
        """Never waits. Beyond 50,000 that wait the newest is dropped and logged."""
        if len(self._waiting) >= WAITING:
            _log.error("too many entries wait for the database: one of lecture %s is dropped", lecture)
            return
        self._waiting.append((lecture, journaled))
        self._wake.set()

    async def rewrite(self, change: Callable[[Entry], Entry | None]) -> set[str]:
        """What still waits, while nothing is on its way to the database, becomes what `change` makes of it (None: it
        stays as it is). Answers the lectures in which anything changed."""
        touched: set[str] = set()
        async with self._writing:
            for place, (lecture, journaled) in enumerate(self._waiting):
                changed = change(journaled.entry)
                if changed is not None:
                    self._waiting[place] = lecture, msgspec.structs.replace(journaled, entry=changed)
                    touched.add(lecture)
        return touched

    async def read(
        self, lecture: str, after: int = 0, kinds: Collection[type] | None = None
    ) -> AsyncIterator[Journaled]:
        """In order, what is written and what still waits; `kinds`: these entries alone. Raises `StoreUnavailable`."""
        names = None if kinds is None else {kind.__name__ for kind in kinds}
        while True:
            written = self._written
            rows = await self._page(lecture, after, names)
            waiting, settled = tuple(self._waiting), self._written == written
            for row in rows:
                yield _journaled(row)
                after = row.number
            if settled and len(rows) < PAGE:  # else there is more, or was written while we looked
                break
        for owner, each in waiting:
            if owner == lecture and each.number > after and (names is None or type(each.entry).__name__ in names):
                yield each

    async def _page(self, lecture: str, after: int, names: Collection[str] | None) -> list[Row[Any]]:
        chosen = (journal.c.lecture == lecture) & (journal.c.number > after)
        if names is not None:
            chosen &= journal.c.kind.in_(sorted(names))
        query = select(journal).where(chosen).order_by(journal.c.number).limit(PAGE)
        with available():
            async with self._engine.connect() as connection:
                await connection.execution_options(**READ_ONLY)
                return list((await connection.execute(query)).all())

    async def _run(self) -> None:
        while self._waiting or not self._closing:
            if not self._waiting:
                self._wake.clear()
                await self._wake.wait()
                continue
            try:
                async with self._writing:
                    await self._write_some()
            except StoreUnavailable as error:
                _log.warning("%d journal entries wait for the database: %s", len(self._waiting), error)
                await asyncio.sleep(RETRY)

    async def _write_some(self) -> None:
        batch = list(itertools.islice(self._waiting, BATCH))
        await self._write(batch)
        for _ in batch:
            self._waiting.popleft()
        self._written += len(batch)

    async def _write(self, batch: list[tuple[str, Journaled]]) -> None:
        try:
            with available():
                async with self._engine.begin() as connection:
                    await connection.execute(journal.insert(), [_row(*each) for each in batch])
        except (IntegrityError, DataError) as error:
            if len(batch) == 1:
                lecture, journaled = batch[0]
                _log.error("entry %d of lecture %s is refused: %s", journaled.number, lecture, error.orig)
                return
            for each in batch:
                await self._write([each])


def _row(lecture: str, journaled: Journaled) -> dict[str, object]:
    return {
        "lecture": lecture,
        "number": journaled.number,
        "at": journaled.at,
        "by": journaled.by,
        "kind": type(journaled.entry).__name__,
        "body": msgspec.json.encode(journaled.entry),
    }


def _journaled(row: Row[Any]) -> Journaled:
    return Journaled(row.number, row.at, row.by, _decoder.decode(row.body))


_decoder: msgspec.json.Decoder[Entry] = msgspec.json.Decoder(Entry)
