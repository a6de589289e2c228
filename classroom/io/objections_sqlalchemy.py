"""What members and organizers wrote about somebody's attendance: objections with their answers, and the reasons of
corrections. Free text about people, so it lies in tables that can be deleted from, and not in the ledger."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import msgspec
from sqlalchemy import BigInteger, Column, Row, Select, String, Table, func, select, update
from sqlalchemy.ext.asyncio import AsyncEngine

from attendance.io.engine_sqlalchemy import READ_ONLY, alone, available
from attendance.io.tables_sqlalchemy import metadata
from classroom.records import Objection

reasons = Table(
    "reasons",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("lecture", String(64), nullable=False, index=True),
    Column("member", String(64), nullable=False, index=True),
    Column("text", String(500), nullable=False),
)
"""`id` is the one that a fact names."""

objections = Table(
    "objections",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("lecture", String(64), nullable=False, index=True),
    Column("member", String(64), nullable=False, index=True),
    Column("at", BigInteger, nullable=False),
    Column("text", String(500), nullable=False),
    Column("answered_at", BigInteger, nullable=True),
    Column("by", String(64), nullable=True),
    Column("answer", String(500), nullable=False),
)
"""Times in µs since the epoch, UTC; `answered_at` NULL: it waits. `by` a staff id, NULL for the command line."""


class Remarks:
    """Implements `classroom.records.Remarks`, over an engine that stays the caller's. Raises `StoreUnavailable`."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def keep_reason(self, identity: str, lecture: str, member: str, text: str) -> None:
        row = {"id": identity, "lecture": lecture, "member": member, "text": text}
        with available():
            async with self._engine.begin() as connection:
                await connection.execute(reasons.insert(), [row])

    async def reasons(self, lecture: str) -> dict[str, str]:
        """By the id that a fact names."""
        found = await self._find(select(reasons.c.id, reasons.c.text).where(reasons.c.lecture == lecture))
        return {row.id: row.text for row in found}

    async def object(self, objection: Objection, most: int) -> str | None:
        """Keeps it, unless one of this member waits ("open") or they filed `most` already ("enough"); of two
        at once one waits for the other."""
        theirs = (objections.c.lecture == objection.lecture) & (objections.c.member == objection.member)
        with available():
            async with self._engine.begin() as connection:
                await alone(connection, f"objections/{objection.lecture}/{objection.member}")
                filed = await connection.scalar(select(func.count()).select_from(objections).where(theirs)) or 0
                waiting = theirs & objections.c.answered_at.is_(None)
                if await connection.scalar(select(func.count()).select_from(objections).where(waiting)):
                    return "open"
                if filed >= most:
                    return "enough"
                await connection.execute(objections.insert(), [msgspec.structs.asdict(objection)])
        return None

    async def objections(self, lecture: str, members: Collection[str] | None = None) -> list[Objection]:
        """In the order in which they were filed; `members` (some at most): theirs alone."""
        query = select(objections).where(objections.c.lecture == lecture)
        if members is not None:
            query = query.where(objections.c.member.in_(members))
        return [_objection(row) for row in await self._find(query.order_by(objections.c.at, objections.c.id))]

    async def objection(self, lecture: str, identity: str) -> Objection | None:
        chosen = (objections.c.lecture == lecture) & (objections.c.id == identity)
        found = await self._find(select(objections).where(chosen))
        return _objection(found[0]) if found else None

    async def answer(self, identity: str, at: int, by: str | None, answer: str) -> None:
        """A later answer takes the place of an earlier one."""
        statement = update(objections).where(objections.c.id == identity)
        with available():
            async with self._engine.begin() as connection:
                await connection.execute(statement.values(answered_at=at, by=by, answer=answer))

    async def _find(self, query: Select[Any]) -> list[Row[Any]]:
        with available():
            async with self._engine.connect() as connection:
                await connection.execution_options(**READ_ONLY)
                return list((await connection.execute(query)).all())


def _objection(row: Row[Any]) -> Objection:
    return Objection(row.id, row.lecture, row.member, row.at, row.text, row.answered_at, row.by, row.answer)
