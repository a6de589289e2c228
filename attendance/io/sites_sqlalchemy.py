"""Sites of collective viewing in a database: what people call them. When they were open and who was there are facts."""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, Column, ForeignKey, Row, Select, String, Table, delete, select, update
from sqlalchemy.ext.asyncio import AsyncEngine

from attendance.io.engine_sqlalchemy import READ_ONLY, alone, available
from attendance.io.roster_rows_sqlalchemy import SEPARATOR, split_path
from attendance.io.roster_tables_sqlalchemy import branches, members
from attendance.io.tables_sqlalchemy import metadata
from attendance.roster import BranchPath
from attendance.site import Site

PLACE_LENGTH = 80

sites = Table(
    "sites",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("lecture", String(64), nullable=False, index=True),
    Column("branch", ForeignKey("branches.id"), nullable=False),
    Column("host", String(32), nullable=False, index=True),
    Column("place", String(PLACE_LENGTH), nullable=False),
    Column("created", BigInteger, nullable=False),
)
"""`host` refers to nothing: an import that is taken back takes its members with it."""


class Sites:
    """Over an engine that stays the caller's. Every method raises `StoreUnavailable`."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def add(self, site: Site, most: int) -> str | None:
        """Keeps it, unless the roster has no such branch ("no-such-branch"), its host has a site in that lecture
        ("hosts-already"), or the lecture has `most` of them ("sites-enough"); of several at once one waits for the
        other."""
        path = select(branches.c.id).where(branches.c.path == SEPARATOR.join(site.branch))
        with available():
            async with self._engine.begin() as connection:
                await alone(connection, f"sites/{site.lecture}")
                branch = await connection.scalar(path)
                if branch is None:
                    return "no-such-branch"
                hosts = list(await connection.scalars(select(sites.c.host).where(sites.c.lecture == site.lecture)))
                if site.host in hosts:
                    return "hosts-already"
                if len(hosts) >= most:
                    return "sites-enough"
                row = {"id": site.id, "lecture": site.lecture, "branch": branch, "host": site.host}
                await connection.execute(sites.insert().values(**row, place=site.place, created=site.created))
        return None

    async def get(self, site: str) -> Site | None:
        found = await self._find(_SITES.where(sites.c.id == site))
        return found[0] if found else None

    async def of(self, lecture: str, scope: BranchPath = ()) -> list[Site]:
        """By branch and place; those of `scope` and below it."""
        found = await self._find(_SITES.where(sites.c.lecture == lecture))
        chosen = (one for one in found if one.branch[: len(scope)] == scope)
        return sorted(chosen, key=lambda one: (one.branch, one.place, one.id))

    async def hosted(self, lecture: str, host: str) -> Site | None:
        found = await self._find(_SITES.where((sites.c.lecture == lecture) & (sites.c.host == host)))
        return found[0] if found else None

    async def remove(self, site: str) -> None:
        await self._do(delete(sites).where(sites.c.id == site))

    async def erase(self, member: str) -> None:
        """The name of a place may be somebody's home: that of an erased host goes."""
        await self._do(update(sites).where(sites.c.host == member).values(place=""))

    async def _find(self, query: Select[Any]) -> list[Site]:
        with available():
            async with self._engine.connect() as connection:
                await connection.execution_options(**READ_ONLY)
                return [_site(row) for row in (await connection.execute(query)).all()]

    async def _do(self, statement: Any) -> None:
        with available():
            async with self._engine.begin() as connection:
                await connection.execute(statement)


_SITES: Select[Any] = (
    select(sites, branches.c.path, members.c.name)
    .select_from(sites.join(branches, sites.c.branch == branches.c.id).outerjoin(members, sites.c.host == members.c.id))
    .order_by(sites.c.created, sites.c.id)
)


def _site(row: Row[Any]) -> Site:
    return Site(row.id, row.lecture, split_path(row.path), row.place, row.host, row.name or "", row.created)
