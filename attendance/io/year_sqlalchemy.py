"""What a year is reckoned from, in a database: each lecture's outcomes, the versions of the table of hours, and the
worths that somebody set. Outcomes are made of the ledger and can be made again; the rest is the organization's word."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import msgspec
from sqlalchemy import BigInteger, Column, Integer, LargeBinary, Row, String, Table, delete, func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine

from attendance.hours import DEFAULT, HoursTable
from attendance.io.engine_sqlalchemy import READ_ONLY, available
from attendance.io.roster_tables_sqlalchemy import invitations
from attendance.io.tables_sqlalchemy import Octets, heads, metadata
from attendance.year import Outcomes, Stamp

outcomes = Table(
    "outcomes",
    metadata,
    Column("lecture", String(64), primary_key=True),
    Column("row", BigInteger, nullable=False),
    Column("hash", Octets, nullable=False),
    Column("invited", Integer, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("started", BigInteger, nullable=True),
    Column("body", LargeBinary, nullable=False),
)
"""One row a lecture, under the stamp of what it was made from; `body` is all members' outcomes in msgpack. Whatever is
here may be deleted: it is made again."""

hours_tables = Table(
    "hours_tables",
    metadata,
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("at", BigInteger, nullable=False),
    Column("by", String(64), nullable=True),
    Column("why", String(200), nullable=False),
    Column("body", LargeBinary, nullable=False),
)
"""The organization's table of hours (JSON), every version. Only ever added to; `by` is a staff id."""

lecture_hours = Table(
    "lecture_hours",
    metadata,
    Column("lecture", String(64), primary_key=True),
    Column("hours", Integer, nullable=False),
)
"""Worths set by hand, in hundredths of an hour."""


class HoursVersion(msgspec.Struct, frozen=True):
    """`at` (µs, UTC) and `by` are None of the table that nobody has set."""

    version: int = 1
    at: int | None = None
    by: str | None = None
    why: str = ""
    table: HoursTable = DEFAULT


class YearStore:
    """Over an engine that stays the caller's. Every method raises `StoreUnavailable`."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def stamps(self, lectures: Collection[str]) -> dict[str, Stamp]:
        """By lecture, what its outcomes would be made from now; none of a lecture without facts."""
        invited = invitations.c.lecture
        chosen = select(invited, func.count().label("invited")).where(invited.in_(lectures))
        counts = chosen.group_by(invited).subquery()
        joined = heads.outerjoin(counts, counts.c.lecture == heads.c.lecture)
        query = select(heads.c.lecture, heads.c.row, heads.c.hash, counts.c.invited).select_from(joined)
        query = query.where(heads.c.lecture.in_(lectures))
        return {one.lecture: Stamp(one.row, one.hash, one.invited or 0) for one in await self._find(query)}

    async def kept_stamps(self, lectures: Collection[str]) -> dict[str, tuple[Stamp, int | None]]:
        """By lecture, what the outcomes that are kept were made from, and when it began (µs, UTC)."""
        columns = outcomes.c
        query = select(columns.lecture, columns.row, columns.hash, columns.invited, columns.revision, columns.started)
        found = await self._find(query.where(columns.lecture.in_(lectures)))
        return {one.lecture: (Stamp(one.row, one.hash, one.invited, one.revision), one.started) for one in found}

    async def kept(self, lectures: Collection[str]) -> list[bytes]:
        """The outcomes of these, as they were kept, in no order: `decode` takes CPU."""
        query = select(outcomes.c.body).where(outcomes.c.lecture.in_(lectures))
        return [one.body for one in await self._find(query)]

    async def keep(self, made: Outcomes) -> None:
        """In place of what was kept of that lecture."""
        stamp = msgspec.structs.asdict(made.stamp)
        values = {"lecture": made.lecture, **stamp, "started": made.started, "body": msgspec.msgpack.encode(made)}
        await self._put(outcomes, values)

    async def versions(self) -> list[HoursVersion]:
        """Of the table of hours, in order; the last one holds. The default is the first."""
        rows = await self._find(select(hours_tables).order_by(hours_tables.c.version))
        return [HoursVersion(), *(_version(row) for row in rows)]

    async def add_version(self, version: HoursVersion) -> bool:
        """False: there is one of that number already."""
        values = {**msgspec.structs.asdict(version), "body": msgspec.json.encode(version.table)}
        del values["table"]
        try:
            with available():
                async with self._engine.begin() as connection:
                    await connection.execute(hours_tables.insert().values(values))
        except IntegrityError:
            return False
        return True

    async def worths(self) -> dict[str, int]:
        """Those set by hand, by lecture, in hundredths of an hour."""
        return {one.lecture: one.hours for one in await self._find(select(lecture_hours))}

    async def set_worth(self, lecture: str, worth: int | None) -> None:
        """None: by the table again."""
        if worth is None:
            with available():
                async with self._engine.begin() as connection:
                    await connection.execute(delete(lecture_hours).where(lecture_hours.c.lecture == lecture))
        else:
            await self._put(lecture_hours, {"lecture": lecture, "hours": worth})

    async def _put(self, table: Table, values: dict[str, Any]) -> None:
        """One row a lecture."""
        with available():
            async with self._engine.begin() as connection:
                dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
                statement = dialect.insert(table).values(values)
                await connection.execute(statement.on_conflict_do_update(index_elements=["lecture"], set_=values))

    async def _find(self, query: Any) -> list[Row[Any]]:
        with available():
            async with self._engine.connect() as connection:
                await connection.execution_options(**READ_ONLY)
                return list((await connection.execute(query)).all())


_decoder = msgspec.msgpack.Decoder(Outcomes)


def decode(body: bytes) -> Outcomes:
    """What `keep` wrote."""
    return _decoder.decode(body)


def _version(row: Row[Any]) -> HoursVersion:
    return HoursVersion(row.version, row.at, row.by, row.why, msgspec.json.decode(row.body, type=HoursTable))
