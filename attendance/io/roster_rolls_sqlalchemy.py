"""The roll of a lecture that is over: who was invited, under which name, in which branch, living where.

Whoever moves, is renamed or leaves afterwards changes no old report: it can be made again as it was. The roll is kept
beside the invitations, in the transaction that says that the lecture is over; erasing a person erases them here
too. Runs in the transaction of whoever calls.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import Label, Select, bindparam, case, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql.elements import ColumnElement

from attendance.io.roster_rows_sqlalchemy import SEPARATOR
from attendance.io.roster_tables_sqlalchemy import branches, invitations, members

PAGE = 500
_KEPT = invitations.c.path.is_not(None)

PATH: Final[ColumnElement[str]] = func.coalesce(invitations.c.path, branches.c.path)
"""The branch that an invitation counts for: on a roll the one of then, otherwise today's."""


def _then(name: str) -> Label[Any]:
    return case((_KEPT, invitations.c[name]), else_=members.c[name]).label(name)


COLUMNS: Final = (
    invitations.c.lecture,
    invitations.c.role,
    invitations.c.serial,
    members.c.id,
    _then("name"),
    _then("phone"),
    _then("city"),
    PATH.label("path"),
)


JOINED: Final = invitations.join(members).join(branches, members.c.branch == branches.c.id)


def invited(lecture: str) -> Select[Any]:
    """Who is invited to a lecture; of one that is over as they were then."""
    return select(*COLUMNS).select_from(JOINED).where(invitations.c.lecture == lecture)


async def keep(connection: AsyncConnection, lecture: str) -> None:
    """A second time changes nothing."""
    path = select(branches.c.path).join(members, members.c.branch == branches.c.id)
    values = {name: _of_member(select(members.c[name])) for name in ("name", "phone", "city")}
    statement = update(invitations).where(invitations.c.lecture == lecture, invitations.c.path.is_(None))
    await connection.execute(statement.values(**values, path=_of_member(path)))


async def kept(connection: AsyncConnection, lecture: str) -> bool:
    """Whether the lecture is over and its roll kept."""
    query = select(invitations.c.member).where(invitations.c.lecture == lecture, _KEPT).limit(1)
    return (await connection.execute(query)).first() is not None


async def follow(connection: AsyncConnection, old: str, new: str) -> tuple[tuple[str, str, str], ...]:
    """A branch that has another path keeps its people on rolls too: its organizers see theirs. Answers (lecture,
    member, path before) of all that were changed."""
    column = invitations.c.path
    query = select(invitations.c.lecture, invitations.c.member, column)
    below = or_(column == old, column.startswith(old + SEPARATOR, autoescape=True))
    was = tuple((row.lecture, row.member, row.path) for row in await connection.execute(query.where(below)))
    await _write(connection, [(lecture, member, new + path[len(old) :]) for lecture, member, path in was])
    return was


async def restore(connection: AsyncConnection, was: Sequence[tuple[str, str, str]]) -> None:
    """Takes `follow` back."""
    await _write(connection, was)


async def _write(connection: AsyncConnection, rows: Sequence[tuple[str, str, str]]) -> None:
    chosen = (invitations.c.lecture == bindparam("of")) & (invitations.c.member == bindparam("who"))
    statement = update(invitations).where(chosen, _KEPT).values(path=bindparam("to"))
    for first in range(0, len(rows), PAGE):
        page = [{"of": lecture, "who": member, "to": path} for lecture, member, path in rows[first : first + PAGE]]
        await connection.execute(statement, page)


async def forget(connection: AsyncConnection, member: str, name: str) -> None:
    """Whoever is erased has no name but `name` on any roll."""
    statement = update(invitations).where(invitations.c.member == member, _KEPT)
    await connection.execute(statement.values(name=name, phone=None, city=None))


def _of_member(query: Select[Any]) -> Any:
    return query.where(members.c.id == invitations.c.member).correlate(invitations).scalar_subquery()
