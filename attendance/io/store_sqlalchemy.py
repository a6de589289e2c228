"""The ledger in a database: idempotent appends by several processes at once, and reading in order."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence

import msgspec
from sqlalchemy import func, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from attendance import chain
from attendance.chain import Row
from attendance.facts import Fact
from attendance.io.engine_sqlalchemy import READ_ONLY, available
from attendance.io.tables_sqlalchemy import facts as facts_table
from attendance.io.tables_sqlalchemy import heads as heads_table
from attendance.ports import Clock, Stored

PAGE = 200
"""Rows read at a time; the largest are beats of some 100 KB."""
LAST_FACTS = 200
"""Of a lecture, among which its latest is sought: facts are stored within seconds of one another's time."""
SHARED, ROW_WEIGHT = 64 * 1024, 1024
"""After so many bytes of rows, each of them with something for itself, others have their turn: a reader that decodes a
thousand beats holds nobody up for longer than some milliseconds."""
IDS_AT_ONCE = 1_000
"""Counters in one query, well below either database's limit of parameters."""


class SqlStore:
    """Implements `attendance.ports.Ledger`. `clock` says when a row is stored; the engine stays the caller's."""

    def __init__(self, engine: AsyncEngine, clock: Clock) -> None:
        self._engine = engine
        self._clock = clock

    async def append(self, facts: Sequence[Fact]) -> None:
        """Stores what is not yet stored (by node, boot, counter), in the order given, in one transaction.

        Raises `StoreUnavailable` when the database does not answer, and `ValueError` or SQLAlchemy's
        `IntegrityError` or `DataError` for facts that it can never take; then nothing of the batch is stored.
        """
        lectures: defaultdict[str, list[Fact]] = defaultdict(list)
        for fact in facts:
            lectures[fact.lecture].append(fact)
        with available():
            async with self._engine.begin() as connection:
                for lecture in sorted(lectures):  # one order of locks for everybody: no deadlock
                    await self._extend(connection, lecture, lectures[lecture])

    async def _extend(self, connection: AsyncConnection, lecture: str, facts: list[Fact]) -> None:
        row, digest = await self._lock(connection, lecture)
        stored = await self._stored_ids(connection, facts)
        now = self._clock.now()
        rows: list[Row] = []
        for fact in facts:
            identity = (fact.node, fact.boot, fact.counter)
            if identity in stored:
                continue
            stored.add(identity)
            rows.append(chain.link(digest, row + 1, fact, now))
            row, digest = rows[-1].row, rows[-1].hash
        if rows:
            await connection.execute(facts_table.insert(), [msgspec.structs.asdict(added) for added in rows])
            await connection.execute(
                update(heads_table).where(heads_table.c.lecture == lecture).values(row=row, hash=digest)
            )

    async def _lock(self, connection: AsyncConnection, lecture: str) -> tuple[int, bytes]:
        """The head row, locked until the transaction ends (on SQLite BEGIN IMMEDIATE already holds the database)."""
        query = select(heads_table.c.row, heads_table.c.hash).where(heads_table.c.lecture == lecture).with_for_update()
        found = (await connection.execute(query)).first()
        if found is None:
            dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
            first = dialect.insert(heads_table).values(lecture=lecture, row=0, hash=chain.GENESIS)
            await connection.execute(first.on_conflict_do_nothing())
            found = (await connection.execute(query)).one()
        return found.row, found.hash

    async def _stored_ids(self, connection: AsyncConnection, facts: list[Fact]) -> set[tuple[str, str, int]]:
        boots: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
        for fact in facts:
            boots[fact.node, fact.boot].append(fact.counter)
        found: set[tuple[str, str, int]] = set()
        column = facts_table.c
        for (node, boot), counters in boots.items():
            for first in range(0, len(counters), IDS_AT_ONCE):
                some = counters[first : first + IDS_AT_ONCE]
                query = select(column.counter).where(
                    column.node == node, column.boot == boot, column.counter.in_(some)
                )  # fmt: skip
                found.update((node, boot, counter) for counter in await connection.scalars(query))
        return found

    async def read(self, lecture: str, after: int = 0) -> AsyncIterator[Stored]:
        """Raises `StoreUnavailable`, and `LedgerBroken` for a row whose body is not one that was stored."""
        async for row in self.rows(lecture, after):
            yield Stored(row.row, row.fact(), row.stored, row.previous, row.hash)

    async def rows(self, lecture: str, after: int = 0, until: int | None = None) -> AsyncIterator[Row]:
        """Page by page: a long report holds no transaction open. Raises `StoreUnavailable`."""
        column = facts_table.c
        while True:
            query = select(*(column[name] for name in Row.__struct_fields__))
            query = query.where(column.lecture == lecture, column.row > after)
            if until is not None:
                query = query.where(column.row <= until)
            with available():
                async with self._engine.connect() as connection:
                    await connection.execution_options(**READ_ONLY)
                    page = (await connection.execute(query.order_by(column.row).limit(PAGE))).all()
            weight = 0
            for found in page:
                weight += ROW_WEIGHT + len(found.body)
                if weight > SHARED:
                    await asyncio.sleep(0)
                    weight = 0
                yield Row(*found)
            if len(page) < PAGE:
                return
            after = page[-1].row

    async def latest(self) -> int | None:
        """The latest `happened` (µs) among the last facts of each lecture; None of an empty ledger."""
        column, head = facts_table.c, heads_table.c
        query = select(func.max(column.happened)).where(
            column.lecture == head.lecture, column.row > head.row - LAST_FACTS
        )  # fmt: skip
        with available():
            async with self._engine.connect() as connection:
                await connection.execution_options(**READ_ONLY)
                found: int | None = await connection.scalar(query)
        return found

    async def last(self, lecture: str) -> tuple[int, bytes]:
        query = select(heads_table.c.row, heads_table.c.hash).where(heads_table.c.lecture == lecture)
        with available():
            async with self._engine.connect() as connection:
                await connection.execution_options(**READ_ONLY)
                found = (await connection.execute(query)).first()
        return (0, chain.GENESIS) if found is None else (found.row, found.hash)
