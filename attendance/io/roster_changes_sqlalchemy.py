"""What was done to the roster, each kept with what takes it back. Runs in the transaction of whoever changes it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import msgspec
from sqlalchemy import BigInteger, Column, Integer, LargeBinary, Row, String, Table, bindparam, delete, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from attendance.errors import NotUndone
from attendance.io import roster_rolls_sqlalchemy as rolls
from attendance.io.roster_branches_sqlalchemy import BranchRow, Follower, restored, within
from attendance.io.roster_rows_sqlalchemy import SEPARATOR
from attendance.io.roster_tables_sqlalchemy import branches, invitations, members
from attendance.io.tables_sqlalchemy import metadata
from attendance.roster import BranchPath, ListedChange, RosterChange, Undone

PAGE = 500
NAMED = 3
"""People of a change that lists name."""

changes = Table(
    "roster_changes",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("at", BigInteger, nullable=False, index=True),
    Column("by", String(64), nullable=True),
    Column("what", String(16), nullable=False),
    Column("file", String(200), nullable=False),
    Column("lecture", String(64), nullable=True),
    Column("scope", String(640), nullable=False),
    Column("added", Integer, nullable=False),
    Column("changed", Integer, nullable=False),
    Column("undone", BigInteger, nullable=True),
    Column("undo", LargeBinary, nullable=False),
)
"""Times in µs since the epoch, UTC; `scope` as a branch's path; `undo` in msgpack."""


class Before(msgspec.Struct, frozen=True, array_like=True):
    """A member's row as it was. `branch` is the branch's number; `phone` is sealed."""

    id: str
    branch: int
    phone: bytes | None
    phone_digest: bytes | None
    city: str | None
    extra: str | None
    left: int | None


class Place(msgspec.Struct, frozen=True, array_like=True):
    """An invitation that was withdrawn, as it was."""

    lecture: str
    member: str
    role: str
    serial: int


class Undo(msgspec.Struct, frozen=True):
    """What takes a change back. `invited`: who was invited by it; `turned`: whose role it changed, and from what;
    `withdrawn`: which invitations it ended; `branches`: as they were; `followed`: what followed their paths, by key;
    `scopes`: earlier changes, and the paths that they were kept under; `rolls`: (lecture, member, path) of rolls that
    followed too."""

    added: tuple[str, ...] = ()
    before: tuple[Before, ...] = ()
    invited: tuple[str, ...] = ()
    turned: tuple[tuple[str, str], ...] = ()
    withdrawn: tuple[Place, ...] = ()
    branches: tuple[BranchRow, ...] = ()
    followed: tuple[tuple[str, str], ...] = ()
    scopes: tuple[tuple[str, str], ...] = ()
    rolls: tuple[tuple[str, str, str], ...] = ()

    @property
    def people(self) -> tuple[str, ...]:
        named = (*self.added, *(one.id for one in self.before), *self.invited, *(member for member, _ in self.turned))
        return tuple(dict.fromkeys(named))

    @property
    def touched(self) -> frozenset[str]:
        return frozenset((*self.people, *(f"branch {row.id}" for row in self.branches)))


async def keep(connection: AsyncConnection, change: RosterChange, undo: Undo) -> None:
    row = msgspec.structs.asdict(change)
    row["scope"] = " / ".join(change.scope)
    await connection.execute(changes.insert(), [{**row, "undo": msgspec.msgpack.encode(undo)}])


async def before(connection: AsyncConnection, chosen: Sequence[str]) -> tuple[Before, ...]:
    """The rows of these members as they are."""
    columns = (members.c[name] for name in Before.__struct_fields__)
    query = select(*columns)
    found: list[Before] = []
    for first in range(0, len(chosen), PAGE):
        rows = await connection.execute(query.where(members.c.id.in_(chosen[first : first + PAGE])))
        found += [Before(*row) for row in rows]
    return tuple(found)


async def latest(connection: AsyncConnection, limit: int, scope: BranchPath = ()) -> list[ListedChange]:
    """The newest first, of a branch and below it."""
    query = select(changes).order_by(changes.c.at.desc(), changes.c.id).limit(limit)
    rows = (await connection.execute(query.where(within(scope, changes.c.scope)) if scope else query)).all()
    people = {row.id: _undo(row.undo).people for row in rows}
    shown = {member for touched in people.values() for member in touched[:NAMED]}
    names = await named(connection, shown)
    return [
        ListedChange(
            _change(row), len(people[row.id]), tuple(names[one] for one in people[row.id][:NAMED] if one in names)
        )
        for row in rows
    ]


async def of_member(connection: AsyncConnection, member: str, limit: int) -> list[tuple[RosterChange, Before | None]]:
    """What touched a member, the newest first, and their row before it; of the latest `limit` changes."""
    rows = await connection.execute(select(changes).order_by(changes.c.at.desc(), changes.c.id).limit(limit))
    found: list[tuple[RosterChange, Before | None]] = []
    for row in rows:
        kept = _undo(row.undo)
        if member in kept.touched:
            found.append((_change(row), next((one for one in kept.before if one.id == member), None)))
    return found


async def named(connection: AsyncConnection, chosen: Collection[str]) -> dict[str, str]:
    """Names of members, by id."""
    listed = sorted(chosen)
    found: dict[str, str] = {}
    for first in range(0, len(listed), PAGE):
        query = select(members.c.id, members.c.name).where(members.c.id.in_(listed[first : first + PAGE]))
        found.update(tuple(row) for row in await connection.execute(query))
    return found


async def rescoped(connection: AsyncConnection, old: BranchPath, new: BranchPath) -> tuple[tuple[str, str], ...]:
    """Changes of a branch stay those of its organizers when its path changes. Answers which, and their paths before."""
    rows = (await connection.execute(select(changes.c.id, changes.c.scope).where(within(old, changes.c.scope)))).all()
    at, to = SEPARATOR.join(old), SEPARATOR.join(new)
    await _scope(connection, [(row.id, to + row.scope[len(at) :]) for row in rows])
    return tuple((row.id, row.scope) for row in rows)


async def _scope(connection: AsyncConnection, rows: Sequence[tuple[str, str]]) -> None:
    if rows:
        statement = update(changes).where(changes.c.id == bindparam("key")).values(scope=bindparam("to"))
        await connection.execute(statement, [{"key": key, "to": to} for key, to in rows])


async def undo(
    connection: AsyncConnection, chosen: str, now: int, scope: BranchPath, follower: Follower | None = None
) -> Undone:
    """Takes a change back, whole, where no later one touched the same people. Raises `NotUndone`."""
    row = (await connection.execute(select(changes).where(changes.c.id == chosen))).first()
    if row is None or _change(row).scope[: len(scope)] != scope:
        raise NotUndone("no-such-change")
    if row.undone is not None:
        raise NotUndone("undone-already")
    taken = _undo(row.undo)
    if row.lecture is not None and (taken.invited or taken.turned) and await rolls.kept(connection, row.lecture):
        raise NotUndone("invited-to-one-over")
    later = select(changes.c.undo).where(changes.c.at > row.at, changes.c.undone.is_(None))
    if any(taken.touched & _undo(other.undo).touched for other in await connection.execute(later)):
        raise NotUndone("changed-since")
    revoked = await _uninvite(connection, row.lecture, taken)
    if taken.branches and not await restored(connection, taken.branches):
        raise NotUndone("changed-since")
    if not await _there(connection, {one.branch for one in taken.before}):
        raise NotUndone("changed-since")
    await _restore(connection, taken.before)
    await _reinvite(connection, taken.withdrawn)
    await _scope(connection, taken.scopes)
    await rolls.restore(connection, taken.rolls)
    if follower is not None and taken.followed:
        await follower.restored(connection, taken.followed)
    removed = await _remove(connection, taken.added, now)
    await connection.execute(update(changes).where(changes.c.id == chosen).values(undone=now))
    lectures = frozenset((*((row.lecture,) if row.lecture else ()), *(one.lecture for one in taken.withdrawn)))
    return Undone(msgspec.structs.replace(_change(row), undone=now), removed, len(taken.before), revoked, lectures)


async def expire(connection: AsyncConnection, before: int) -> int:
    done = await connection.execute(delete(changes).where(changes.c.at < before))
    return done.rowcount


async def forget(connection: AsyncConnection, member: str) -> None:
    """What is kept of a member, so that no change brings it back."""
    for row in (await connection.execute(select(changes.c.id, changes.c.undo))).all():
        kept = _undo(row.undo)
        if member in kept.touched:
            rest = Undo(
                tuple(one for one in kept.added if one != member),
                tuple(one for one in kept.before if one.id != member),
                tuple(one for one in kept.invited if one != member),
                tuple(one for one in kept.turned if one[0] != member),
                tuple(one for one in kept.withdrawn if one.member != member),
                kept.branches,
                kept.followed,
                kept.scopes,
                kept.rolls,
            )
            statement = update(changes).where(changes.c.id == row.id)
            await connection.execute(statement.values(undo=msgspec.msgpack.encode(rest)))


async def _uninvite(
    connection: AsyncConnection, lecture: str | None, taken: Undo
) -> frozenset[str]:  # fmt: skip
    if lecture is None:
        return frozenset()
    chosen = (invitations.c.lecture == lecture) & (invitations.c.member == bindparam("who"))
    if taken.invited:
        await connection.execute(delete(invitations).where(chosen), [{"who": member} for member in taken.invited])
    if taken.turned:
        statement = update(invitations).where(chosen).values(role=bindparam("was"), serial=invitations.c.serial + 1)
        await connection.execute(statement, [{"who": member, "was": role} for member, role in taken.turned])
    return frozenset((*taken.invited, *(member for member, _ in taken.turned)))


async def withdraw(
    connection: AsyncConnection, people: Collection[str], lectures: Collection[str], roles: Collection[str] = ()
) -> tuple[Place, ...]:
    """Ends these people's invitations to these lectures (of these roles, if any are named); answers which."""
    listed = list(people)
    found: list[Place] = []
    for first in range(0, len(listed), PAGE):
        page = invitations.c.member.in_(listed[first : first + PAGE]) & invitations.c.lecture.in_(lectures)
        chosen = page & invitations.c.role.in_(roles) if roles else page
        columns = (invitations.c[name] for name in Place.__struct_fields__)
        found += [Place(*row) for row in await connection.execute(select(*columns).where(chosen))]
        await connection.execute(delete(invitations).where(chosen))
    return tuple(found)


async def _reinvite(connection: AsyncConnection, places: Sequence[Place]) -> None:
    """Under the old serials: the links that they had hold again. Who was invited again since keeps that, and a lecture
    that is over by now its roll."""
    over = {lecture for lecture in {place.lecture for place in places} if await rolls.kept(connection, lecture)}
    for place in places:
        if place.lecture in over:
            continue
        key = (invitations.c.lecture == place.lecture) & (invitations.c.member == place.member)
        if (await connection.execute(select(invitations.c.serial).where(key))).first() is None:
            await connection.execute(invitations.insert().values(msgspec.structs.asdict(place)))


async def _restore(connection: AsyncConnection, rows: Sequence[Before]) -> None:
    if not rows:
        return
    names = [name for name in Before.__struct_fields__ if name != "id"]
    statement = update(members).where(members.c.id == bindparam("key"))
    statement = statement.values({name: bindparam(f"to_{name}") for name in names})
    values = [{"key": one.id, **{f"to_{name}": getattr(one, name) for name in names}} for one in rows]
    await connection.execute(statement, values)


async def _there(connection: AsyncConnection, numbers: Collection[int]) -> bool:
    """All of these branches still exist: one that nobody was in may have been merged since."""
    found = {row.id for row in await connection.execute(select(branches.c.id))}
    return found.issuperset(numbers)


async def _remove(connection: AsyncConnection, added: Collection[str], now: int) -> int:
    """Who was added goes; who was invited elsewhere since stays in that list, and leaves the roster."""
    listed = list(added)
    for first in range(0, len(listed), PAGE):
        page = listed[first : first + PAGE]
        query = select(invitations.c.member).where(invitations.c.member.in_(page)).distinct()
        kept = [row.member for row in await connection.execute(query)]
        gone = [member for member in page if member not in set(kept)]
        if kept:
            await connection.execute(update(members).where(members.c.id.in_(kept)).values(left=now))
        if gone:
            await connection.execute(delete(members).where(members.c.id.in_(gone)))
    return len(listed)


def _undo(stored: bytes) -> Undo:
    return msgspec.msgpack.decode(stored, type=Undo)


def _change(row: Row[Any]) -> RosterChange:
    scope = tuple(row.scope.split(" / ")) if row.scope else ()
    return RosterChange(
        row.id, row.at, row.by, row.what, row.file, row.lecture, scope, row.added, row.changed, row.undone
    )
