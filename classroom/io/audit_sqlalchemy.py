"""Who of the staff did what: read personal data, exported, changed the roster. Only ever added to."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import BigInteger, Column, Integer, Row, String, Table, or_, select
from sqlalchemy.ext.asyncio import AsyncEngine

from attendance.io.engine_sqlalchemy import READ_ONLY, available
from attendance.io.roster_rows_sqlalchemy import SEPARATOR, split_path
from attendance.io.tables_sqlalchemy import metadata
from attendance.ports import Clock
from attendance.roster import BranchPath

audit = Table(
    "audit",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("at", BigInteger, nullable=False, index=True),
    Column("by", String(64), nullable=False),
    Column("name", String(64), nullable=False),
    Column("branch", String(640), nullable=False),
    Column("action", String(40), nullable=False),
    Column("lecture", String(64), nullable=True),
    Column("subject", String(64), nullable=True),
    Column("detail", String(200), nullable=False),
)
"""`at` in µs since the epoch, UTC; `by` a staff id, "" for the command line; `branch` is theirs; `subject` a member's
id."""


class Audited(msgspec.Struct, frozen=True):
    at: int
    by: str
    name: str
    branch: BranchPath
    action: str
    lecture: str | None
    subject: str | None
    detail: str
    number: int = 0
    """Grows; 0: not stored yet."""


class Audit:
    """Over an engine that stays the caller's."""

    def __init__(self, engine: AsyncEngine, clock: Clock) -> None:
        self._engine = engine
        self._clock = clock

    async def note(
        self,
        by: str,
        name: str,
        branch: BranchPath,
        action: str,
        lecture: str | None = None,
        subject: str | None = None,
        detail: str = "",
    ) -> None:
        """Stored when it returns. Raises `StoreUnavailable`."""
        row = Audited(self._clock.now(), by, name, branch, action, lecture, subject, detail[:200])
        values = {**msgspec.structs.asdict(row), "branch": SEPARATOR.join(branch)}
        del values["number"]
        with available():
            async with self._engine.begin() as connection:
                await connection.execute(audit.insert(), [values])

    async def latest(self, scope: BranchPath = (), limit: int = 200, before: int | None = None) -> list[Audited]:
        """The newest first (below the number `before`), of staff of a branch and below. Raises `StoreUnavailable`."""
        query = select(audit).order_by(audit.c.id.desc()).limit(limit)
        if before is not None:
            query = query.where(audit.c.id < before)
        if scope:
            path = SEPARATOR.join(scope)
            below = audit.c.branch.startswith(path + SEPARATOR, autoescape=True)
            query = query.where(or_(audit.c.branch == path, below))
        with available():
            async with self._engine.connect() as connection:
                await connection.execution_options(**READ_ONLY)
                return [_audited(row) for row in await connection.execute(query)]


def _audited(row: Row[Any]) -> Audited:
    return Audited(
        row.at, row.by, row.name, split_path(row.branch), row.action, row.lecture, row.subject, row.detail, row.id
    )  # fmt: skip
