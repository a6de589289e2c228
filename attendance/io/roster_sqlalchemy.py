"""The roster in a database: branches as a tree, members, and who is invited to which lecture."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import Executor
from functools import partial
from typing import Any, TypeVar

import msgspec
from sqlalchemy import (
    Executable,
    Row,
    Select,
    bindparam,
    func,
    or_,
    select,
    text,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from sqlalchemy.sql.elements import ColumnElement

from attendance.errors import BranchUnfit
from attendance.hours import Kind, marked
from attendance.io import roster_changes_sqlalchemy as changes
from attendance.io import roster_rolls_sqlalchemy as rolls
from attendance.io.engine_sqlalchemy import READ_ONLY, available
from attendance.io.phone_cryptography import PhoneVault
from attendance.io.roster_branches_sqlalchemy import (
    LONGEST_PATH,
    BranchCount,
    BranchRow,
    Follower,
    below,
    counted,
    emptied,
    joined,
    known,
    made,
    renamed,
    within,
)
from attendance.io.roster_rows_sqlalchemy import (
    Asked,
    Prepared,
    in_order,
    invitation,
    listed,
    prepare,
    split_path,
    told,
    written,
)
from attendance.io.roster_tables_sqlalchemy import branches, invitations, members
from attendance.ports import Clock
from attendance.roster import (
    ERASED,
    BranchPath,
    Deed,
    Invitation,
    Listed,
    ListedChange,
    Role,
    RosterChange,
    Undone,
)
from attendance.sheet.preview import Person, Preview, Refused
from attendance.sheet.reasons import Language

Answer = TypeVar("Answer")

PAGE = 500
"""Rows written at once: the loop goes on in between."""
REMEMBERED = 500
"""Changes of the roster that are looked through for one person's history."""


class Invited(msgspec.Struct, frozen=True):
    """What an import did to the invitations of its lecture."""

    new: tuple[str, ...] = ()
    turned: tuple[tuple[str, str], ...] = ()
    """Members whose role was changed, and which it was: their old links hold no more."""


class Past(msgspec.Struct, frozen=True):
    """What was done to a member; `was`: the branch that they were in before, where that is known."""

    change: RosterChange
    was: BranchPath | None


class Seat(msgspec.Struct, frozen=True):
    lecture: str
    role: str


class Roster:
    """The roster over an engine, which stays the caller's.

    `new_id` draws an opaque id; `executor` takes the work of an import that is CPU (the loop's own threads if None);
    `follower` is told of branches that are renamed.
    """

    def __init__(
        self,
        engine: AsyncEngine,
        vault: PhoneVault,
        clock: Clock,
        new_id: Callable[[], str],
        executor: Executor | None = None,
        follower: Follower | None = None,
    ) -> None:
        self._engine = engine
        self._vault = vault
        self._clock = clock
        self._new_id = new_id
        self._executor = executor
        self._follower = follower

    async def take(
        self,
        people: Sequence[Person],
        lecture: str | None = None,
        scope: BranchPath = (),
        language: Language = "zh",
        by: str | None = None,
        file: str = "",
        *,
        guarded: Collection[str] = (),
        unread: Collection[str] = (),
        agreed: Callable[[Preview], None] | None = None,
        leaving: Collection[str] | None = None,
    ) -> Preview:
        """Adds and changes what a file says, in one transaction, and invites everyone in it to `lecture`; who had left
        comes back. The answer's `id` takes it back (`undo`).

        Nobody outside `scope` is added or changed. Twice the same file changes nothing the second time. `guarded`:
        roles that are taken from nobody; `unread`: names of rows that could not be read. `agreed` is shown what is
        about to be done, and raises where somebody agreed to something else. `leaving`: whom the file lacks
        leaves, and these lectures, still to come, count them no more; None: they stay.
        """
        async with self._engine.begin() as connection:
            await _alone(connection)
            prepared = await self._prepared(connection, people, scope, language, lecture, guarded, unread)
            preview = prepared.preview
            if agreed is not None:
                agreed(preview)
            gone = [one.id for one in preview.missing] if leaving is not None else []
            ids = await made(connection, {one.branch for one, _ in (*prepared.added, *prepared.changed)})
            rows = [{**row, "branch": ids[one.branch]} for one, row in prepared.added]
            await _pagewise(connection, members.insert(), rows)
            moved = [{**row, "to": ids[one.branch]} for one, row in prepared.changed]
            was = await changes.before(connection, [*(each.id for each in preview.changed), *gone])
            await self._change(connection, moved)
            withdrawn = await self._gone(connection, gone, leaving or ())
            invited = Invited()
            if lecture is not None:
                roles = {row["id"]: one.role for one, row in prepared.added}
                roles.update({each.id: each.person.role for each in (*preview.changed, *preview.unchanged)})
                invited = await self._invite(connection, lecture, roles)
            touched = len(preview.changed) + len(gone)
            kept = self._noted("import", by, file, lecture, scope, len(preview.added), touched)
            added = tuple(row["id"] for _, row in prepared.added)
            undo = changes.Undo(added, was, invited.new, invited.turned, withdrawn)
            await changes.keep(connection, kept, undo)
        revoked = frozenset(member for member, _ in invited.turned)
        return msgspec.structs.replace(
            preview,
            revoked=revoked,
            id=kept.id,
            left=len(gone),
            withdrawn=frozenset((one.lecture, one.member) for one in withdrawn),
        )

    async def preview(
        self,
        people: Sequence[Person],
        scope: BranchPath = (),
        language: Language = "zh",
        *,
        lecture: str | None = None,
        guarded: Collection[str] = (),
        unread: Collection[str] = (),
    ) -> Preview:
        """What `take` would do now; nothing is changed."""
        with available():
            async with self._engine.connect() as connection:
                await connection.execution_options(**READ_ONLY)
                return (
                    await self._prepared(connection, people, scope, language, lecture, guarded, unread)
                ).preview  # fmt: skip

    async def invite_all(
        self, lecture: str, scope: BranchPath = (), by: str | None = None
    ) -> tuple[int, str | None]:  # fmt: skip
        """Invites everybody of a branch and below it who has not left; answers how many were not invited before, and
        the change's id (None: there was nobody to invite)."""
        async with self._engine.begin() as connection:
            await _alone(connection)
            found = await connection.execute(_to_invite(lecture, scope))
            invited = await self._invite(connection, lecture, {row.id: None for row in found})
            if not invited.new:
                return 0, None
            kept = self._noted("invite", by, "", lecture, scope, len(invited.new), 0)
            await changes.keep(connection, kept, changes.Undo(invited=invited.new))
        return len(invited.new), kept.id

    async def to_invite(self, lecture: str, scope: BranchPath = ()) -> list[tuple[str, BranchPath]]:
        """Whom `invite_all` would invite now: name and branch, by branch."""
        rows = await self._find(_to_invite(lecture, scope).order_by(branches.c.path, members.c.name, members.c.id))
        return [(row.name, split_path(row.path)) for row in rows]

    async def branches_of(self, scope: BranchPath = ()) -> list[BranchCount]:
        """The tree: `scope` and every branch below it, by path."""
        with available():
            async with self._engine.connect() as connection:
                await connection.execution_options(**READ_ONLY)
                return await counted(connection, scope)

    async def paths(self) -> list[BranchPath]:
        """Every branch there is."""
        return [split_path(row.path) for row in await self._find(select(branches.c.path))]

    async def rename(self, branch: BranchPath, name: str, by: str | None = None) -> str:
        """Another name for a branch; everything below goes with it, and whoever manages it. Answers the change's id.
        Raises `BranchUnfit`."""
        new = (*branch[:-1], name)
        async with self._engine.begin() as connection:
            await _alone(connection)
            rows = await below(connection, branch)
            if not rows or not branch:
                raise BranchUnfit("no-such-branch")
            if name != branch[-1] and new in await known(connection):
                raise BranchUnfit("branch-exists")
            if max(len(row.path) for row in rows) - len(joined(branch)) + len(joined(new)) > LONGEST_PATH:
                raise BranchUnfit("bad-branch")
            await renamed(connection, rows, branch, name)
            return await self._moved_branch(connection, "rename", branch, new, tuple(rows), (), by)

    async def merge(self, branch: BranchPath, into: BranchPath, by: str | None = None) -> str:
        """Everybody of a branch and below it into another, branch by branch where both have one of the same name; the
        first is gone then. Raises `BranchUnfit`."""
        async with self._engine.begin() as connection:
            await _alone(connection)
            rows = await below(connection, branch)
            if not rows or not branch or not into or into not in await known(connection):
                raise BranchUnfit("no-such-branch")
            if into[: len(branch)] == branch:
                raise BranchUnfit("branch-within")
            targets = {row.id: (*into, *split_path(row.path)[len(branch) :]) for row in rows}
            if any(len(joined(path)) > LONGEST_PATH for path in targets.values()):
                raise BranchUnfit("bad-branch")
            ids = await made(connection, targets.values())
            query = select(members.c.id).where(members.c.branch.in_(list(targets)))
            was = await changes.before(connection, [row.id for row in await connection.execute(query)])
            for key, path in targets.items():
                statement = update(members).where(members.c.branch == key)
                await connection.execute(statement.values(branch=ids[path]))
            await emptied(connection, rows)
            return await self._moved_branch(connection, "merge", branch, into, tuple(rows), was, by)

    async def _moved_branch(
        self,
        connection: AsyncConnection,
        what: Deed,
        old: BranchPath,
        new: BranchPath,
        rows: tuple[BranchRow, ...],
        was: tuple[changes.Before, ...],
        by: str | None,
    ) -> str:
        """Those who keep its path are told, and the change is noted."""
        follower = self._follower
        followed = () if follower is None else await follower.renamed(connection, joined(old), joined(new))
        scopes = await changes.rescoped(connection, old, new)
        kept = self._noted(what, by, f"{joined(old)} → {joined(new)}", None, (), 0, len(was))
        kept_rolls = await rolls.follow(connection, joined(old), joined(new))
        undo = changes.Undo(before=was, branches=rows, followed=followed, scopes=scopes, rolls=kept_rolls)
        await changes.keep(connection, kept, undo)
        return kept.id

    async def people(self, scope: BranchPath = (), limit: int = 20_000) -> list[Listed]:
        """Everybody of a branch and below it, by branch and name, those who left too; numbers masked. Whoever is in no
        branch (lecturers, hosts, guests) is everybody's, and comes first."""
        query = (
            _ROSTER.where(members.c.name != ERASED).order_by(branches.c.path, members.c.name, members.c.id).limit(limit)
        )
        found = await self._find(query.where(within(scope)) if scope else query)
        return await self._aside(lambda: [listed(self._vault, row) for row in found])

    async def person(self, member: str, scope: BranchPath = ()) -> tuple[Listed, list[Past], list[Seat]] | None:
        """One of them, what was done to them (the newest first), and the lectures that they are invited to."""
        found = await self._find(_ROSTER.where(_chosen(member, scope)))
        if not found:
            return None
        with available():
            async with self._engine.connect() as connection:
                await connection.execution_options(**READ_ONLY)
                past = await changes.of_member(connection, member, REMEMBERED)
                paths = {number: path for path, number in (await known(connection)).items()}
                query = select(invitations.c.lecture, invitations.c.role).where(invitations.c.member == member)
                seats = [Seat(row.lecture, row.role) for row in await connection.execute(query)]
        history = [Past(change, None if was is None else paths.get(was.branch)) for change, was in past]
        return listed(self._vault, found[0]), history, seats

    async def names(self, chosen: Collection[str]) -> dict[str, str]:
        """By id, of those among `chosen` who are members."""
        with available():
            async with self._engine.connect() as connection:
                await connection.execution_options(**READ_ONLY)
                return await changes.named(connection, chosen)

    async def move(self, member: str, to: BranchPath, scope: BranchPath = (), by: str | None = None) -> str | None:
        """Into another branch of `scope`, which is made where it is new; who had left comes back. Answers the change's
        id; None: there is no such member in `scope`."""
        return await self._set(member, "move", to, scope, by)

    async def leave(
        self, member: str, scope: BranchPath = (), by: str | None = None, coming: Collection[str] = ()
    ) -> str | None:
        """Out of the roster: invited to nothing more, and as a member no longer to the lectures that are `coming`. What
        is recorded stays."""
        return await self._set(member, "leave", None, scope, by, coming)

    async def come_back(self, member: str, scope: BranchPath = (), by: str | None = None) -> str | None:
        return await self._set(member, "return", None, scope, by)

    async def set_kind(self, member: str, kind: Kind, scope: BranchPath = (), by: str | None = None) -> str | None:
        """Whether they are one of a branch's officers, who owe more hours a year: as if the file had said so, until one
        says otherwise."""
        async with self._engine.begin() as connection:
            await _alone(connection)
            row = (await connection.execute(_ROSTER.where(_chosen(member, scope)))).first()
            if row is None:
                return None
            was = await changes.before(connection, [member])
            extra = written(marked(told(row.extra), kind))
            await connection.execute(update(members).where(members.c.id == member).values(extra=extra))
            kept = self._noted("officer", by, kind, None, split_path(row.path), 0, 1)
            await changes.keep(connection, kept, changes.Undo(before=was))
        return kept.id

    async def _set(
        self,
        member: str,
        what: Deed,
        to: BranchPath | None,
        scope: BranchPath,
        by: str | None,
        coming: Collection[str] = (),
    ) -> str | None:
        async with self._engine.begin() as connection:
            await _alone(connection)
            row = (await connection.execute(_PEOPLE.where(_chosen(member, scope)))).first()
            if row is None:
                return None
            was = await changes.before(connection, [member])
            withdrawn: tuple[changes.Place, ...] = ()
            if what == "leave":
                withdrawn = await self._gone(connection, [member], coming)
            else:
                values: dict[str, Any] = {"left": None}
                if to is not None:
                    values["branch"] = (await made(connection, {to}))[to]
                await connection.execute(update(members).where(members.c.id == member).values(values))
            kept = self._noted(what, by, "", None, to or split_path(row.path), 0, 1)
            await changes.keep(connection, kept, changes.Undo(before=was, withdrawn=withdrawn))
        return kept.id

    async def _gone(
        self, connection: AsyncConnection, people: Sequence[str], coming: Collection[str]
    ) -> tuple[changes.Place, ...]:
        """They leave; who left before stays so since then."""
        for first in range(0, len(people), PAGE):
            chosen = members.c.id.in_(people[first : first + PAGE]) & members.c.left.is_(None)
            await connection.execute(update(members).where(chosen).values(left=self._clock.now()))
        return await changes.withdraw(connection, people, coming, (Role.MEMBER,))

    async def phone(self, member: str, scope: BranchPath = ()) -> tuple[bool, str | None]:
        """Whether there is such a member within `scope`, and their number in full."""
        found = await self._find(_PEOPLE.where(_chosen(member, scope)))
        if not found:
            return False, None
        sealed = found[0].phone
        return True, None if sealed is None else self._vault.open(member, sealed)

    async def erase(self, member: str, scope: BranchPath = (), coming: Collection[str] = ()) -> bool:
        """Name, number, place and whatever else is known of a member, also where it is kept to take a change back, and
        their place in the lectures that are `coming`; the id stays, in its branch, without a name. False: there is no
        such member within `scope`."""
        async with self._engine.begin() as connection:
            await _alone(connection)
            if (await connection.execute(_PEOPLE.where(_chosen(member, scope)))).first() is None:
                return False
            gone = {"name": ERASED, "phone": None, "phone_digest": None, "city": None, "extra": None}
            statement = update(members).where(members.c.id == member)
            await connection.execute(statement.values(**gone, left=func.coalesce(members.c.left, self._clock.now())))
            await changes.withdraw(connection, [member], coming)
            await changes.forget(connection, member)
            await rolls.forget(connection, member, ERASED)
        return True

    async def erase_left(self, before: int, kept: Collection[str] = ()) -> int:
        """Everybody who left before this moment (µs), and whoever is in no branch, came before it and is invited to
        none of the lectures that are `kept`; as `erase` does. Answers how many."""
        old = or_(members.c.left < before, (branches.c.path == "") & (members.c.added < before))
        query = select(members.c.id, members.c.left).join(branches).where(old, members.c.name != ERASED)
        found = await self._find(query)
        invited = await self._find(select(invitations.c.member).where(invitations.c.lecture.in_(kept)).distinct())
        needed = {row.member for row in invited}
        erased = [row.id for row in found if row.left is not None or row.id not in needed]
        for member in erased:
            await self.erase(member)
        return len(erased)

    async def expire_changes(self, before: int) -> int:
        """Changes made before this moment (µs), with what would take them back; answers how many."""
        with available():
            async with self._engine.begin() as connection:
                return await changes.expire(connection, before)

    async def history(self, limit: int = 50, scope: BranchPath = ()) -> list[ListedChange]:
        """What was done to the roster in a branch and below it, the newest first."""
        with available():
            async with self._engine.connect() as connection:
                await connection.execution_options(**READ_ONLY)
                return await changes.latest(connection, limit, scope)

    async def undo(self, change: str, scope: BranchPath = ()) -> Undone:
        """Raises `NotUndone`."""
        async with self._engine.begin() as connection:
            await _alone(connection)
            return await changes.undo(connection, change, self._clock.now(), scope, self._follower)

    def _noted(
        self,
        what: Deed,
        by: str | None,
        file: str,
        lecture: str | None,
        scope: BranchPath,
        added: int,
        changed: int,
    ) -> RosterChange:
        now = self._clock.now()
        return RosterChange(self._new_id(), now, by, what, file[:200], lecture, scope, added, changed)

    async def _prepared(
        self,
        connection: AsyncConnection,
        people: Sequence[Person],
        scope: BranchPath,
        language: Language,
        lecture: str | None = None,
        guarded: Collection[str] = (),
        unread: Collection[str] = (),
    ) -> Prepared:
        there = (await connection.execute(_ROSTER)).all()
        paths = frozenset(await known(connection))
        query = select(invitations.c.member, invitations.c.role).where(invitations.c.lecture == lecture)
        invited = {} if lecture is None else dict(tuple(row) for row in await connection.execute(query))
        asked = Asked(scope, language, paths, invited, frozenset(guarded), frozenset(unread))
        work = partial(prepare, self._vault, self._new_id, self._clock.now(), list(people), there, asked)
        return await self._aside(work)

    async def invite_new(self, lecture: str, people: Iterable[tuple[str, str]]) -> None:
        """People that no file names, each (name, role), in no branch: the lecturer, the host, guests."""
        async with self._engine.begin() as connection:
            root = (await made(connection, {()}))[()]
            drawn = [(self._new_id(), name, role) for name, role in people]
            now = self._clock.now()
            rows = [{"id": identity, "name": name, "branch": root, "added": now} for identity, name, _ in drawn]
            await connection.execute(members.insert(), rows)
            await self._invite(connection, lecture, {identity: role for identity, _, role in drawn})

    async def invite_guests(
        self, lecture: str, people: Sequence[Person], language: Language = "zh", by: str | None = None
    ) -> tuple[dict[int, str], tuple[Refused, ...]]:
        """Whoever is on the roster stays as they are, whoever is new is added; who is invited already keeps their role
        and link, the others are invited as guests. Answers the members' ids by line, and who could not be told apart.
        """
        async with self._engine.begin() as connection:
            await _alone(connection)
            prepared = await self._prepared(connection, people, (), language)
            ids = await made(connection, {one.branch for one, _ in prepared.added})
            rows = [{**row, "branch": ids[one.branch]} for one, row in prepared.added]
            await _pagewise(connection, members.insert(), rows)
            preview = prepared.preview
            found = {one.line: str(row["id"]) for one, row in prepared.added}
            found.update({each.person.line: each.id for each in (*preview.changed, *preview.unchanged)})
            query = select(invitations.c.member).where(invitations.c.lecture == lecture)
            there = {row.member for row in await connection.execute(query)}
            roles = {member: Role.GUEST for member in found.values() if member not in there}
            invited = await self._invite(connection, lecture, roles)
            if roles:
                kept = self._noted("invite", by, "", lecture, (), len(invited.new), 0)
                added = tuple(row["id"] for _, row in prepared.added)
                await changes.keep(connection, kept, changes.Undo(added, invited=invited.new))
        return found, preview.refused

    async def invitation(self, lecture: str, member: str) -> Invitation | None:
        found = await self._find(rolls.invited(lecture).where(members.c.id == member))
        return invitation(self._vault, found[0]) if found else None

    async def of_members(self, lecture: str, chosen: Collection[str]) -> list[Invitation]:
        """The invitations of those among `chosen` (some hundreds of ids at most) who are invited, in no order."""
        found = await self._find(rolls.invited(lecture).where(members.c.id.in_(chosen)))
        return [invitation(self._vault, row) for row in found]

    async def invitations(self, lecture: str, scope: BranchPath = ()) -> list[Invitation]:
        """Lecturer, host and guests first, then members by branch and name; those of `scope` and below it only. Of a
        lecture that is over: as they were then."""
        query = rolls.invited(lecture)
        found = await self._find(query if not scope else query.where(within(scope, rolls.PATH)))
        return await self._aside(partial(in_order, self._vault, found))

    async def renew(self, lecture: str, member: str) -> Invitation | None:
        """The same place under the next serial: tickets with an older one are revoked. None: not invited."""
        chosen = (invitations.c.lecture == lecture) & (invitations.c.member == member)
        async with self._engine.begin() as connection:
            await connection.execute(update(invitations).where(chosen).values(serial=invitations.c.serial + 1))
            row = (await connection.execute(rolls.invited(lecture).where(members.c.id == member))).first()
        return None if row is None else invitation(self._vault, row)

    async def counts(self, lectures: Sequence[str], scope: BranchPath = ()) -> dict[str, int]:
        """Members of a branch and below it who are invited to each lecture; no lecturer, host or guest."""
        query = select(invitations.c.lecture, func.count()).where(
            invitations.c.lecture.in_(lectures), invitations.c.role == Role.MEMBER
        )
        if scope:
            query = query.select_from(rolls.JOINED).where(within(scope, rolls.PATH))
        query = query.group_by(invitations.c.lecture)
        found = dict(tuple(row) for row in await self._find(query))
        return {lecture: found.get(lecture, 0) for lecture in lectures}

    async def branches(self, lecture: str) -> dict[str, str]:
        """Members invited to a lecture by id, and the path of each one's branch; no lecturer, host or guest."""
        chosen = (invitations.c.lecture == lecture) & (invitations.c.role == Role.MEMBER)
        query = select(members.c.id, rolls.PATH.label("path")).select_from(rolls.JOINED)
        found = await self._find(query.where(chosen))
        return {row.id: row.path for row in found}

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
        await _pagewise(connection, chosen.values(branch=bindparam("to"), left=None), moved)
        told = [{name: each[name] for name in ("key", "lives", "more")} for each in changes]
        await _pagewise(connection, chosen.values(city=bindparam("lives"), extra=bindparam("more")), told)
        numbered = [{name: each[name] for name in ("key", "sealed", "digested")} for each in changes if each["sealed"]]
        statement = chosen.values(phone=bindparam("sealed"), phone_digest=bindparam("digested"))
        await _pagewise(connection, statement, numbered)

    async def _invite(self, connection: AsyncConnection, lecture: str, roles: Mapping[str, str | None]) -> Invited:
        """Who is invited already keeps link and role, unless a file says another role; that revokes the link."""
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
            if role is not None and role != invited.get(member, role)
        ]
        chosen = (invitations.c.lecture == lecture) & (invitations.c.member == bindparam("who"))
        statement = update(invitations).where(chosen).values(role=bindparam("now"), serial=invitations.c.serial + 1)
        await _pagewise(connection, statement, turned)
        return Invited(
            tuple(str(each["member"]) for each in new), tuple((each["who"], invited[each["who"]]) for each in turned)
        )


def _chosen(member: str, scope: BranchPath) -> ColumnElement[bool]:
    """A member within `scope`, who was not erased."""
    chosen = (members.c.id == member) & (members.c.name != ERASED)
    return chosen & within(scope) if scope else chosen


def _to_invite(lecture: str, scope: BranchPath) -> Select[Any]:
    """Members of a branch who have not left and are not invited."""
    invited = select(invitations.c.member).where(invitations.c.lecture == lecture)
    query = select(members.c.id, members.c.name, branches.c.path).join(branches)
    query = query.where(members.c.left.is_(None), branches.c.path != "", members.c.id.not_in(invited))
    return query.where(within(scope)) if scope else query


_PEOPLE: Select[Any] = select(members.c.id, members.c.name, members.c.phone, members.c.city, branches.c.path).join(
    branches
)


_ROSTER: Select[Any] = _PEOPLE.add_columns(members.c.extra, members.c.left, members.c.phone_digest)


async def _alone(connection: AsyncConnection) -> None:
    """One import at a time: two that run together would add the same people twice. (SQLite has one writer anyway.)"""
    if connection.dialect.name == "postgresql":
        await connection.execute(text("LOCK TABLE members IN SHARE ROW EXCLUSIVE MODE"))


async def _pagewise(connection: AsyncConnection, statement: Executable, rows: Sequence[dict[str, Any]]) -> None:
    for first in range(0, len(rows), PAGE):
        await connection.execute(statement, rows[first : first + PAGE])
