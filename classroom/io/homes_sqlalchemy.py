"""Which process runs a lecture's room, where there are several nodes: a row a lecture, fenced. The engine stays the
caller's."""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, Boolean, Column, String, Table, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine

from attendance.io.engine_sqlalchemy import READ_ONLY, available
from attendance.io.tables_sqlalchemy import metadata
from classroom.nodes.lease import Last

homes = Table(
    "homes",
    metadata,
    Column("lecture", String(64), primary_key=True),
    Column("fence", BigInteger, nullable=False),
    Column("node", String(64), nullable=False),
    Column("boot", String(64), nullable=False),
    Column("held", Boolean, nullable=False),
    Column("alone", Boolean, nullable=False),
)
"""`nodes.lease.Last` of each lecture."""


class Homes:
    """Every method raises `StoreUnavailable`."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def last(self, lecture: str) -> Last | None:
        with available():
            async with self._engine.connect() as connection:
                await connection.execution_options(**READ_ONLY)
                row = (await connection.execute(select(homes).where(homes.c.lecture == lecture))).first()
        return None if row is None else Last(row.fence, row.node, row.boot, row.held, row.alone)

    async def take(self, lecture: str, node: str, boot: str, after: int) -> bool:
        """The next fence, where `after` (0: none) is still the last: whoever was faster has it."""
        values: dict[str, Any] = {"fence": after + 1, "node": node, "boot": boot, "held": True, "alone": False}
        with available():
            async with self._engine.begin() as connection:
                if after:
                    mine = update(homes).where((homes.c.lecture == lecture) & (homes.c.fence == after)).values(values)
                    return (await connection.execute(mine)).rowcount == 1
                try:
                    await connection.execute(homes.insert().values(lecture=lecture, **values))
                except IntegrityError:
                    await connection.rollback()
                    return False
                return True

    async def mark(self, lecture: str, fence: int, *, held: bool = True, alone: bool = False) -> bool:
        """By whoever holds that fence; False, and nothing, where another one is the last."""
        with available():
            async with self._engine.begin() as connection:
                mine = update(homes).where((homes.c.lecture == lecture) & (homes.c.fence == fence))
                return (await connection.execute(mine.values(held=held, alone=alone))).rowcount == 1
