"""The roster in a database: branches as a tree, members, and who is invited to which lecture."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Executor
from functools import partial
from typing import Any

import msgspec
from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Integer,
    LargeBinary,
    Row,
    Select,
    String,
    Table,
    bindparam,
    func,
    or_,
    select,
    text,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from sqlalchemy.sql.elements import ColumnElement

from attendance.io.engine_sqlalchemy import READ_ONLY
from attendance.io.phone_cryptography import PhoneVault
from attendance.io.tables_sqlalchemy import metadata
from attendance.ports import Clock
from attendance.roster import BranchPath, Invitation, Member, Role
from attendance.sheet import phone
from attendance.sheet.preview import Change, Known, Person, Preview, Refused, compare
from attendance.sheet.reasons import Language, sentence

SEPARATOR = " / "

branches = Table(
    "branches",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("parent", ForeignKey("branches.id"), nullable=True, index=True),
    Column("name", String(64), nullable=False),
    Column("path", String(640), nullable=False, unique=True),
)
"""`path` joins the names from the top with " / "; "" is the root."""

members = Table(
    "members",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("name", String(64), nullable=False),
    Column("branch", ForeignKey("branches.id"), nullable=False, index=True),
    Column("phone", LargeBinary, nullable=True),
    Column("phone_digest", LargeBinary, nullable=True, index=True),
    Column("added", BigInteger, nullable=False),
)
"""`phone` is sealed by `PhoneVault`; `added` in µs since the epoch, UTC."""

invitations = Table(
    "invitations",
    metadata,
    Column("lecture", String(64), primary_key=True),
    Column("member", ForeignKey("members.id"), primary_key=True, index=True),
    Column("role", String(16), nullable=False),
    Column("serial", Integer, nullable=False),
)

ORDER = {Role.LECTURER: 0, Role.HOST: 1, Role.GUEST: 2, Role.MEMBER: 3}
"""In which order people of a lecture are listed."""


class _Sealed(msgspec.Struct, frozen=True):
    """A person of the roster as stored."""

    id: str
    name: str
    branch: BranchPath
    phone: bytes | None


class Roster:
    """The roster over an engine, which stays the caller's.

    `new_id` draws an opaque id; `executor` takes the work of an import that is CPU (the loop's own threads if None).
    """

    def __init__(
        self,
        engine: AsyncEngine,
        vault: PhoneVault,
        clock: Clock,
        new_id: Callable[[], str],
        executor: Executor | None = None,
    ) -> None:
        self._engine = engine
        self._vault = vault
        self._clock = clock
        self._new_id = new_id
        self._executor = executor

    async def take(
        self,
        people: Sequence[Person],
        lecture: str | None = None,
        scope: BranchPath = (),
        language: Language = "zh",
    ) -> Preview:
        """Adds and changes what a file says, in one transaction, and invites everyone in it to `lecture`.

        Nobody outside `scope` is added or changed. Twice the same file changes nothing the second time.
        """
        async with self._engine.begin() as connection:
            await _alone(connection)
            known = [_sealed(row) for row in await connection.execute(_PEOPLE)]
            work = partial(_prepare, self._vault, list(people), known, scope, language)
            preview = await asyncio.get_running_loop().run_in_executor(self._executor, work)
            paths = {one.branch for one in preview.added} | {change.person.branch for change in preview.changed}
            ids = await self._branch_ids(connection, paths)
            added = [(self._new_id(), one) for one in preview.added]
            if added:
                rows = [self._row(identity, one, ids) for identity, one in added]
                await connection.execute(members.insert(), rows)
            await self._change(connection, preview.changed, ids)
            if lecture is not None:
                everyone = added + [(each.id, each.person) for each in (*preview.changed, *preview.unchanged)]
                await self._invite(connection, lecture, {identity: one.role for identity, one in everyone})
        return preview

    async def invite_new(self, lecture: str, people: Iterable[tuple[str, str]]) -> None:
        """People that no file names, each (name, role), in no branch: the lecturer, the host, guests."""
        async with self._engine.begin() as connection:
            root = (await self._branch_ids(connection, {()}))[()]
            drawn = [(self._new_id(), name, role) for name, role in people]
            now = self._clock.now()
            rows = [{"id": identity, "name": name, "branch": root, "added": now} for identity, name, _ in drawn]
            await connection.execute(members.insert(), rows)
            await self._invite(connection, lecture, {identity: role for identity, _, role in drawn})

    async def invitation(self, lecture: str, member: str) -> Invitation | None:
        found = await self._find(_invited(lecture).where(members.c.id == member))
        return self._invitation(found[0]) if found else None

    async def invitations(self, lecture: str, scope: BranchPath = ()) -> list[Invitation]:
        """Lecturer, host and guests first, then members by branch and name; those of `scope` and below it only."""
        query = _invited(lecture)
        found = await self._find(query if not scope else query.where(_within(scope)))
        people = [self._invitation(row) for row in found]
        return sorted(people, key=lambda one: (ORDER[one.role], one.member.branch, one.member.name, one.member.id))

    async def renew(self, lecture: str, member: str) -> Invitation | None:
        """The same place under the next serial: tickets with an older one are revoked. None: not invited."""
        chosen = (invitations.c.lecture == lecture) & (invitations.c.member == member)
        async with self._engine.begin() as connection:
            await connection.execute(update(invitations).where(chosen).values(serial=invitations.c.serial + 1))
            row = (await connection.execute(_invited(lecture).where(members.c.id == member))).first()
        return None if row is None else self._invitation(row)

    async def counts(self, lectures: Sequence[str]) -> dict[str, int]:
        """Members invited to each lecture; lecturer, host and guests are not counted."""
        query = (
            select(invitations.c.lecture, func.count())
            .where(invitations.c.lecture.in_(lectures), invitations.c.role == Role.MEMBER)
            .group_by(invitations.c.lecture)
        )
        found = dict(tuple(row) for row in await self._find(query))
        return {lecture: found.get(lecture, 0) for lecture in lectures}

    async def _find(self, query: Select[Any]) -> Sequence[Row[Any]]:
        async with self._engine.connect() as connection:
            await connection.execution_options(**READ_ONLY)
            rows: Sequence[Row[Any]] = (await connection.execute(query)).all()
            return rows

    def _invitation(self, row: Row[Any]) -> Invitation:
        shown = None if row.phone is None else phone.mask(self._vault.open(row.id, row.phone))
        return Invitation(row.lecture, Member(row.id, row.name, split_path(row.path), shown), row.role, row.serial)

    def _row(self, identity: str, one: Person, ids: Mapping[BranchPath, int]) -> dict[str, Any]:
        number = one.phone
        return {
            "id": identity,
            "name": one.name,
            "branch": ids[one.branch],
            "phone": None if number is None else self._vault.seal(identity, number),
            "phone_digest": None if number is None else self._vault.digest(number),
            "added": self._clock.now(),
        }

    async def _change(
        self, connection: AsyncConnection, changes: Sequence[Change], ids: Mapping[BranchPath, int]
    ) -> None:
        """A row without a number keeps the number that is known."""
        moved = [{"key": each.id, "to": ids[each.person.branch]} for each in changes]
        if moved:
            statement = update(members).where(members.c.id == bindparam("key")).values(branch=bindparam("to"))
            await connection.execute(statement, moved)
        numbered = [
            {"key": each.id, "sealed": self._vault.seal(each.id, number), "digested": self._vault.digest(number)}
            for each in changes
            if (number := each.person.phone) is not None
        ]
        if numbered:
            await connection.execute(
                update(members)
                .where(members.c.id == bindparam("key"))
                .values(phone=bindparam("sealed"), phone_digest=bindparam("digested")),
                numbered,
            )

    async def _branch_ids(self, connection: AsyncConnection, paths: Iterable[BranchPath]) -> dict[BranchPath, int]:
        """Ids of these branches, made with all above them where they are new."""
        wanted = {path[:depth] for path in paths for depth in range(len(path) + 1)}
        known = await self._known_branches(connection)
        for depth in range(max((len(path) for path in wanted), default=-1) + 1):
            new = [
                {"parent": known[path[:-1]] if path else None, "name": path[-1] if path else "", "path": _joined(path)}
                for path in sorted(wanted - known.keys())
                if len(path) == depth
            ]
            if new:
                dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
                await connection.execute(dialect.insert(branches).on_conflict_do_nothing(), new)
                known = await self._known_branches(connection)
        return known

    async def _known_branches(self, connection: AsyncConnection) -> dict[BranchPath, int]:
        found = await connection.execute(select(branches.c.path, branches.c.id))
        return {split_path(row.path): row.id for row in found}

    async def _invite(self, connection: AsyncConnection, lecture: str, roles: Mapping[str, str | None]) -> None:
        """Who is invited already keeps link and role, unless a file says another role; that revokes the link."""
        query = select(invitations.c.member, invitations.c.role).where(invitations.c.lecture == lecture)
        invited = dict(tuple(row) for row in await connection.execute(query))
        new = [
            {"lecture": lecture, "member": member, "role": role or Role.MEMBER, "serial": 1}
            for member, role in roles.items()
            if member not in invited
        ]
        if new:
            await connection.execute(invitations.insert(), new)
        turned = [
            {"who": member, "now": role}
            for member, role in roles.items()
            if role not in (None, invited.get(member, role))
        ]
        if turned:
            chosen = (invitations.c.lecture == lecture) & (invitations.c.member == bindparam("who"))
            values = {"role": bindparam("now"), "serial": invitations.c.serial + 1}
            await connection.execute(update(invitations).where(chosen).values(**values), turned)


def split_path(path: str) -> BranchPath:
    """As stored → its parts; "" is the root."""
    return tuple(path.split(SEPARATOR)) if path else ()


def _joined(path: BranchPath) -> str:
    return SEPARATOR.join(path)


def _within(scope: BranchPath) -> ColumnElement[bool]:
    path = _joined(scope)
    return or_(branches.c.path == path, branches.c.path.startswith(path + SEPARATOR, autoescape=True))


_PEOPLE: Select[Any] = select(members.c.id, members.c.name, members.c.phone, branches.c.path).join(branches)


def _invited(lecture: str) -> Select[Any]:
    columns = (invitations.c.lecture, invitations.c.role, invitations.c.serial, *_PEOPLE.selected_columns)
    joined = invitations.join(members).join(branches, members.c.branch == branches.c.id)
    return select(*columns).select_from(joined).where(invitations.c.lecture == lecture)


def _sealed(row: Row[Any]) -> _Sealed:
    return _Sealed(row.id, row.name, split_path(row.path), row.phone)


async def _alone(connection: AsyncConnection) -> None:
    """One import at a time: two that run together would add the same people twice. (SQLite has one writer anyway.)"""
    if connection.dialect.name == "postgresql":
        await connection.execute(text("LOCK TABLE members IN SHARE ROW EXCLUSIVE MODE"))


def _prepare(
    vault: PhoneVault, people: list[Person], known: list[_Sealed], scope: BranchPath, language: Language
) -> Preview:
    """The part of an import that takes CPU; runs in the executor."""
    inside = [one for one in people if one.branch[: len(scope)] == scope]
    outside = [Refused(one.line, sentence("outside", language)) for one in people if one.branch[: len(scope)] != scope]
    opened = [
        Known(one.id, one.name, one.branch, None if one.phone is None else vault.open(one.id, one.phone))
        for one in known
        if one.branch[: len(scope)] == scope
    ]
    found = compare(inside, opened, language)
    return Preview(found.added, found.changed, found.unchanged, (*outside, *found.refused))
