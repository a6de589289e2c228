"""Lectures, staff and their sessions in a database. The engine stays the caller's."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from typing import Any

import msgspec
from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    LargeBinary,
    Row,
    Select,
    String,
    Table,
    delete,
    or_,
    select,
    update,
)
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from attendance.facts import LectureState
from attendance.io import roster_rolls_sqlalchemy as rolls
from attendance.io.engine_sqlalchemy import READ_ONLY, available
from attendance.io.roster_rows_sqlalchemy import SEPARATOR, split_path
from attendance.io.tables_sqlalchemy import metadata
from attendance.roster import BranchPath
from classroom.errors import UserError
from classroom.office import LectureRow
from classroom.people.staff import Signed, StaffMember
from classroom.room.lecture import OVER

lectures = Table(
    "lectures",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("title", String(200), nullable=False),
    Column("starts", BigInteger, nullable=True),
    Column("ends", BigInteger, nullable=True),
    Column("state", String(16), nullable=False),
    Column("created", BigInteger, nullable=False),
)
"""Times in µs since the epoch, UTC. `state` only repeats what the facts say, for lists."""

staff = Table(
    "staff",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("name", String(64), nullable=False, unique=True),
    Column("password", String(200), nullable=False),
    Column("branch", String(640), nullable=False),
    Column("created", BigInteger, nullable=False),
)
"""`password` is an argon2 hash; `branch` a path joined with " / ", "" sees everything."""

staff_sessions = Table(
    "staff_sessions",
    metadata,
    Column("digest", LargeBinary, primary_key=True),
    Column("staff", ForeignKey("staff.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("expires", BigInteger, nullable=False, index=True),
)
"""`digest` is SHA-256 of what the cookie holds: a copy of the database opens no session."""


class Lectures:
    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def add(self, lecture: LectureRow) -> None:
        async with self._engine.begin() as connection:
            await connection.execute(lectures.insert().values(msgspec.structs.asdict(lecture)))

    async def get(self, lecture: str) -> LectureRow | None:
        found = await _find(self._engine, select(lectures).where(lectures.c.id == lecture))
        return _lecture(found[0]) if found else None

    async def all(self) -> list[LectureRow]:
        """The latest first: by planned start, or by when it was created where there is none."""
        rows = [_lecture(row) for row in await _find(self._engine, select(lectures))]
        return sorted(rows, key=lambda row: (row.starts or row.created, row.id), reverse=True)

    async def set_state(self, lecture: str, state: LectureState) -> None:
        """Once it is over, who was invited is kept as they are in the same transaction."""
        async with self._engine.begin() as connection:
            await connection.execute(update(lectures).where(lectures.c.id == lecture).values(state=state.value))
            if state in OVER:
                await rolls.keep(connection, lecture)


class StaffStore:
    """Who signs in, and who is signed in."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def add(self, member: StaffMember, password: str, created: int) -> None:
        """`password` is a hash. Raises `UserError("name-taken")`."""
        values = {
            "id": member.id,
            "name": member.name,
            "password": password,
            "branch": SEPARATOR.join(member.branch),
            "created": created,
        }
        try:
            async with self._engine.begin() as connection:
                await connection.execute(staff.insert().values(values))
        except IntegrityError as error:
            raise UserError("name-taken", member.name) from error

    async def find(self, name: str) -> tuple[StaffMember, str] | None:
        """With the hash of the password."""
        found = await _find(self._engine, select(staff).where(staff.c.name == name))
        return (_member(found[0]), found[0].password) if found else None

    async def names(self, chosen: Collection[str]) -> dict[str, str]:
        """By id, of those among `chosen` (some hundreds at most) who are staff."""
        found = await _find(self._engine, select(staff.c.id, staff.c.name).where(staff.c.id.in_(chosen)))
        return {row.id: row.name for row in found}

    async def all(self) -> list[tuple[StaffMember, int]]:
        """By name, each with when it was made (µs)."""
        found = await _find(self._engine, select(staff).order_by(staff.c.name))
        return [(_member(row), row.created) for row in found]

    async def change(self, member: StaffMember, password: str | None, sign_out: bool) -> None:
        """Name and branch, and the password where it is not None (a hash); `sign_out`: what they have open ends. Raises
        `UserError("name-taken")`."""
        values = {"name": member.name, "branch": SEPARATOR.join(member.branch)}
        try:
            async with self._engine.begin() as connection:
                changed = values if password is None else {**values, "password": password}
                await connection.execute(update(staff).where(staff.c.id == member.id).values(changed))
                if sign_out:
                    await connection.execute(delete(staff_sessions).where(staff_sessions.c.staff == member.id))
        except IntegrityError as error:
            raise UserError("name-taken", member.name) from error

    async def remove(self, member: str) -> None:
        async with self._engine.begin() as connection:
            await connection.execute(delete(staff_sessions).where(staff_sessions.c.staff == member))
            await connection.execute(delete(staff).where(staff.c.id == member))

    async def set_password(self, member: str, password: str) -> None:
        async with self._engine.begin() as connection:
            await connection.execute(update(staff).where(staff.c.id == member).values(password=password))

    async def open_session(self, token: str, member: str, now: int, expires: int) -> None:
        """Sessions that have expired are removed on the way."""
        async with self._engine.begin() as connection:
            await connection.execute(delete(staff_sessions).where(staff_sessions.c.expires <= now))
            row = {"digest": _digest(token), "staff": member, "expires": expires}
            await connection.execute(staff_sessions.insert().values(row))

    async def session(self, token: str, now: int) -> Signed | None:
        query = select(staff, staff_sessions.c.expires).join(staff_sessions, staff_sessions.c.staff == staff.c.id)
        chosen = (staff_sessions.c.digest == _digest(token)) & (staff_sessions.c.expires > now)
        found = await _find(self._engine, query.where(chosen))
        return Signed(_member(found[0]), found[0].expires) if found else None

    async def close_session(self, token: str) -> None:
        async with self._engine.begin() as connection:
            await connection.execute(delete(staff_sessions).where(staff_sessions.c.digest == _digest(token)))


class StaffBranches:
    """Implements `roster_branches_sqlalchemy.Follower`: who manages a branch still does when it has another path."""

    async def renamed(self, connection: AsyncConnection, old: str, new: str) -> tuple[tuple[str, str], ...]:
        at = or_(staff.c.branch == old, staff.c.branch.startswith(old + SEPARATOR, autoescape=True))
        rows = (await connection.execute(select(staff.c.id, staff.c.branch).where(at))).all()
        await self.restored(connection, [(row.id, new + row.branch[len(old) :]) for row in rows])
        return tuple((row.id, row.branch) for row in rows)

    async def restored(self, connection: AsyncConnection, rows: Sequence[tuple[str, str]]) -> None:
        """They sign in again: what they had open is of the branch that it was."""
        for key, branch in rows:
            await connection.execute(update(staff).where(staff.c.id == key).values(branch=branch))
            await connection.execute(delete(staff_sessions).where(staff_sessions.c.staff == key))


async def _find(engine: AsyncEngine, query: Select[Any]) -> Sequence[Row[Any]]:
    """Raises `StoreUnavailable`."""
    with available():
        async with engine.connect() as connection:
            await connection.execution_options(**READ_ONLY)
            rows: Sequence[Row[Any]] = (await connection.execute(query)).all()
    return rows


def _lecture(row: Row[Any]) -> LectureRow:
    return LectureRow(row.id, row.title, row.starts, row.ends, LectureState(row.state), row.created)


def _member(row: Row[Any]) -> StaffMember:
    branch: BranchPath = split_path(row.branch)
    return StaffMember(row.id, row.name, branch)


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
