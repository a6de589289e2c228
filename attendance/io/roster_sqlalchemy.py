"""The roster in a database: branches as a tree, members, and who is invited to which lecture."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import Executor
from functools import partial
from typing import Any, TypeVar

import msgspec
from sqlalchemy import (
    BigInteger,
    Column,
    Executable,
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

from attendance.io.engine_sqlalchemy import READ_ONLY, available
from attendance.io.phone_cryptography import PhoneVault
from attendance.io.tables_sqlalchemy import metadata
from attendance.ports import Clock
from attendance.roster import BranchPath, Invitation, Member, Role
from attendance.sheet import phone
from attendance.sheet.preview import Known, Person, Preview, Refused, compare
from attendance.sheet.reasons import Language, sentence

SEPARATOR = " / "
Answer = TypeVar("Answer")

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


PAGE = 500
"""Rows written at once: the loop goes on in between."""


class _Prepared(msgspec.Struct, frozen=True):
    """What the executor found: the preview, and the rows to write, which lack only their branch's number."""

    preview: Preview
    added: list[tuple[Person, dict[str, Any]]]
    changed: list[tuple[Person, dict[str, Any]]]


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
            known = (await connection.execute(_PEOPLE)).all()
            work = partial(_prepare, self._vault, self._new_id, self._clock.now(), list(people), known, scope, language)
            prepared = await self._aside(work)
            preview = prepared.preview
            ids = await self._branch_ids(connection, {one.branch for one, _ in (*prepared.added, *prepared.changed)})
            rows = [{**row, "branch": ids[one.branch]} for one, row in prepared.added]
            await _pagewise(connection, members.insert(), rows)
            changes = [{**row, "to": ids[one.branch]} for one, row in prepared.changed]
            await self._change(connection, changes)
            if lecture is not None:
                roles = {row["id"]: one.role for one, row in prepared.added}
                roles.update({each.id: each.person.role for each in (*preview.changed, *preview.unchanged)})
                preview = msgspec.structs.replace(preview, revoked=await self._invite(connection, lecture, roles))
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
        return _invitation(self._vault, found[0]) if found else None

    async def of_members(self, lecture: str, chosen: Collection[str]) -> list[Invitation]:
        """The invitations of those among `chosen` (some hundreds of ids at most) who are invited, in no order."""
        found = await self._find(_invited(lecture).where(members.c.id.in_(chosen)))
        return [_invitation(self._vault, row) for row in found]

    async def invitations(self, lecture: str, scope: BranchPath = ()) -> list[Invitation]:
        """Lecturer, host and guests first, then members by branch and name; those of `scope` and below it only."""
        query = _invited(lecture)
        found = await self._find(query if not scope else query.where(_within(scope)))
        return await self._aside(partial(_in_order, self._vault, found))

    async def renew(self, lecture: str, member: str) -> Invitation | None:
        """The same place under the next serial: tickets with an older one are revoked. None: not invited."""
        chosen = (invitations.c.lecture == lecture) & (invitations.c.member == member)
        async with self._engine.begin() as connection:
            await connection.execute(update(invitations).where(chosen).values(serial=invitations.c.serial + 1))
            row = (await connection.execute(_invited(lecture).where(members.c.id == member))).first()
        return None if row is None else _invitation(self._vault, row)

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
        """Raises `StoreUnavailable`."""
        with available():
            async with self._engine.connect() as connection:
                await connection.execution_options(**READ_ONLY)
                rows: Sequence[Row[Any]] = (await connection.execute(query)).all()
        return rows

    async def _aside(self, work: Callable[[], Answer]) -> Answer:
        return await asyncio.get_running_loop().run_in_executor(self._executor, work)

    async def _change(self, connection: AsyncConnection, changes: Sequence[dict[str, Any]]) -> None:
        """A row without a number keeps the number that is known."""
        chosen = update(members).where(members.c.id == bindparam("key"))
        moved = [{"key": each["key"], "to": each["to"]} for each in changes]
        await _pagewise(connection, chosen.values(branch=bindparam("to")), moved)
        numbered = [{name: each[name] for name in ("key", "sealed", "digested")} for each in changes if each["sealed"]]
        statement = chosen.values(phone=bindparam("sealed"), phone_digest=bindparam("digested"))
        await _pagewise(connection, statement, numbered)

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

    async def _invite(
        self, connection: AsyncConnection, lecture: str, roles: Mapping[str, str | None]
    ) -> frozenset[str]:
        """Who is invited already keeps link and role, unless a file says another role; that revokes the link. Answers
        whose links were revoked."""
        query = select(invitations.c.member, invitations.c.role).where(invitations.c.lecture == lecture)
        invited = dict(tuple(row) for row in await connection.execute(query))
        new = [
            {"lecture": lecture, "member": member, "role": role or Role.MEMBER, "serial": 1}
            for member, role in roles.items()
            if member not in invited
        ]
        await _pagewise(connection, invitations.insert(), new)
        turned = [
            {"who": member, "now": role}
            for member, role in roles.items()
            if role not in (None, invited.get(member, role))
        ]
        chosen = (invitations.c.lecture == lecture) & (invitations.c.member == bindparam("who"))
        statement = update(invitations).where(chosen).values(role=bindparam("now"), serial=invitations.c.serial + 1)
        await _pagewise(connection, statement, turned)
        return frozenset(each["who"] for each in turned if each["who"] is not None)


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


async def _alone(connection: AsyncConnection) -> None:
    """One import at a time: two that run together would add the same people twice. (SQLite has one writer anyway.)"""
    if connection.dialect.name == "postgresql":
        await connection.execute(text("LOCK TABLE members IN SHARE ROW EXCLUSIVE MODE"))


async def _pagewise(connection: AsyncConnection, statement: Executable, rows: Sequence[dict[str, Any]]) -> None:
    for first in range(0, len(rows), PAGE):
        await connection.execute(statement, rows[first : first + PAGE])


# --- what takes CPU: runs in the executor ----------------------------------------------------------------------------


def _prepare(
    vault: PhoneVault,
    new_id: Callable[[], str],
    now: int,
    people: list[Person],
    known: Sequence[Row[Any]],
    scope: BranchPath,
    language: Language,
) -> _Prepared:
    inside = [one for one in people if one.branch[: len(scope)] == scope]
    outside = [Refused(one.line, sentence("outside", language)) for one in people if one.branch[: len(scope)] != scope]
    opened = [
        Known(row.id, row.name, branch, None if row.phone is None else vault.open(row.id, row.phone))
        for row in known
        if (branch := split_path(row.path))[: len(scope)] == scope
    ]
    found = compare(inside, opened, language)
    preview = Preview(found.added, found.changed, found.unchanged, (*outside, *found.refused))
    added: list[tuple[Person, dict[str, Any]]] = []
    for one in found.added:
        identity = new_id()
        sealed, digest = _seal(vault, identity, one.phone)
        row = {"id": identity, "name": one.name, "phone": sealed, "phone_digest": digest, "added": now}
        added.append((one, row))
    changed: list[tuple[Person, dict[str, Any]]] = []
    for each in found.changed:
        sealed, digest = _seal(vault, each.id, each.person.phone)
        changed.append((each.person, {"key": each.id, "sealed": sealed, "digested": digest}))
    return _Prepared(preview, added, changed)


def _seal(vault: PhoneVault, member: str, number: str | None) -> tuple[bytes | None, bytes | None]:
    return (None, None) if number is None else (vault.seal(member, number), vault.digest(number))


def _in_order(vault: PhoneVault, rows: Sequence[Row[Any]]) -> list[Invitation]:
    people = [_invitation(vault, row) for row in rows]
    return sorted(people, key=lambda one: (ORDER[one.role], one.member.branch, one.member.name, one.member.id))


def _invitation(vault: PhoneVault, row: Row[Any]) -> Invitation:
    shown = None if row.phone is None else phone.mask(vault.open(row.id, row.phone))
    return Invitation(row.lecture, Member(row.id, row.name, split_path(row.path), shown), row.role, row.serial)
