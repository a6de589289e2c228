"""The tree of branches. Runs in the transaction of whoever changes the roster."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Protocol

import msgspec
from sqlalchemy import bindparam, delete, func, insert, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql.elements import ColumnElement

from attendance.io.roster_rows_sqlalchemy import SEPARATOR, split_path
from attendance.io.roster_tables_sqlalchemy import branches, members
from attendance.roster import BranchPath

LONGEST_PATH = 640
"""Characters of a path."""


class BranchCount(msgspec.Struct, frozen=True):
    """A branch, and who is directly in it: `left` are those who were, and left the roster."""

    path: BranchPath
    members: int
    left: int


class BranchRow(msgspec.Struct, frozen=True, array_like=True):
    """A branch's row as it was."""

    id: int
    parent: int | None
    name: str
    path: str


class Follower(Protocol):
    """Whoever else keeps paths of branches (who manages which), and changes them in the same transaction."""

    async def renamed(self, connection: AsyncConnection, old: str, new: str) -> tuple[tuple[str, str], ...]:
        """Everything at `old` and below it is at `new` now; answers what was changed, as (key, path before)."""

    async def restored(self, connection: AsyncConnection, rows: Sequence[tuple[str, str]]) -> None: ...


def joined(path: BranchPath) -> str:
    return SEPARATOR.join(path)


def within(scope: BranchPath, column: Any = branches.c.path) -> ColumnElement[bool]:
    """A path is that of `scope`, or below it."""
    path = joined(scope)
    return or_(column == path, column.startswith(path + SEPARATOR, autoescape=True))


async def known(connection: AsyncConnection) -> dict[BranchPath, int]:
    found = await connection.execute(select(branches.c.path, branches.c.id))
    return {split_path(row.path): row.id for row in found}


async def made(connection: AsyncConnection, paths: Iterable[BranchPath]) -> dict[BranchPath, int]:
    """Ids of these branches, made with all above them where they are new."""
    wanted = {path[:depth] for path in paths for depth in range(len(path) + 1)}
    there = await known(connection)
    for depth in range(max((len(path) for path in wanted), default=-1) + 1):
        new = [
            {"parent": there[path[:-1]] if path else None, "name": path[-1] if path else "", "path": joined(path)}
            for path in sorted(wanted - there.keys())
            if len(path) == depth
        ]
        if new:
            dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
            await connection.execute(dialect.insert(branches).on_conflict_do_nothing(), new)
            there = await known(connection)
    return there


async def counted(connection: AsyncConnection, scope: BranchPath) -> list[BranchCount]:
    """`scope` and every branch below it, by path, also those in which nobody is."""
    gone = func.count(members.c.left)
    query = (
        select(branches.c.path, func.count(members.c.id) - gone, gone)
        .select_from(branches.outerjoin(members, members.c.branch == branches.c.id))
        .where(branches.c.path != "")
        .group_by(branches.c.path)
        .order_by(branches.c.path)
    )
    rows = await connection.execute(query.where(within(scope)) if scope else query)
    return [BranchCount(split_path(path), number, left) for path, number, left in rows]


async def below(connection: AsyncConnection, path: BranchPath) -> list[BranchRow]:
    """The rows of a branch and of everything below it, those above first."""
    columns = (branches.c[name] for name in BranchRow.__struct_fields__)
    rows = [BranchRow(*row) for row in await connection.execute(select(*columns).where(within(path)))]
    return sorted(rows, key=lambda row: len(split_path(row.path)))


async def renamed(connection: AsyncConnection, rows: Sequence[BranchRow], old: BranchPath, name: str) -> None:
    """`rows`: what `below` answered. The new path must be free."""
    new = (*old[:-1], name)
    values = [
        {
            "key": row.id,
            "called": name if len(split_path(row.path)) == len(old) else row.name,
            "to": joined((*new, *split_path(row.path)[len(old) :])),
        }
        for row in rows
    ]
    statement = update(branches).where(branches.c.id == bindparam("key"))
    await connection.execute(statement.values(name=bindparam("called"), path=bindparam("to")), values)


async def emptied(connection: AsyncConnection, rows: Sequence[BranchRow]) -> None:
    """Branches in which nobody is any more go, those below first."""
    for row in reversed(rows):
        await connection.execute(delete(branches).where(branches.c.id == row.id))


async def restored(connection: AsyncConnection, rows: Sequence[BranchRow]) -> bool:
    """As they were, also those that are gone. False: another branch has taken the place of one."""
    paths = [row.path for row in rows]
    taken = await connection.execute(select(branches.c.id, branches.c.path).where(branches.c.path.in_(paths)))
    ours = {row.path: row.id for row in rows}
    if any(ours[row.path] != row.id for row in taken):
        return False
    ids = [row.id for row in rows]
    there = {row.id for row in await connection.execute(select(branches.c.id).where(branches.c.id.in_(ids)))}
    for row in rows:
        values = msgspec.structs.asdict(row)
        if row.id in there:
            await connection.execute(update(branches).where(branches.c.id == row.id).values(values))
        else:
            await connection.execute(insert(branches).values(values))
    return True
