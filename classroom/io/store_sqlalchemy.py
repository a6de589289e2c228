"""Lectures, staff and their sessions in a database. The engine stays the caller's."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import BigInteger, Column, ForeignKey, LargeBinary, Row, Select, String, Table, delete, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine

from attendance.facts import LectureState
from attendance.io.engine_sqlalchemy import READ_ONLY, available
from attendance.io.roster_sqlalchemy import SEPARATOR, split_path
from attendance.io.tables_sqlalchemy import metadata
from attendance.roster import BranchPath
from classroom.errors import UserError
from classroom.office import LectureRow
from classroom.people.staff import Signed, StaffMember

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
        async with self._engine.begin() as connection:
            await connection.execute(update(lectures).where(lectures.c.id == lecture).values(state=state.value))


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
