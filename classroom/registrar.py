"""The registrar: the roster as organizers keep it. Files are looked at before they count, and everything can be taken
back."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable, Collection, Iterator, Sequence
from functools import partial
from typing import Protocol

import msgspec

from attendance.errors import BranchUnfit, NotUndone, SheetError
from attendance.facts import LectureState
from attendance.hours import Kind
from attendance.roster import BranchPath, Invitation, Undone
from attendance.sheet import phone, preview
from attendance.sheet.preview import Person, Preview, Reading, Refused, refuse
from attendance.sheet.reasons import sentence
from attendance.sheet.rows import Sheet
from classroom.errors import UserError
from classroom.office import Aside, Lectures
from classroom.people.invitations import Door
from classroom.people.role import RIGHTS, rights
from classroom.ports import (
    Difference,
    ImportPreview,
    ImportResult,
    Language,
    LectureDesk,
    PreviewedRow,
    RefusedRow,
    RoleTurn,
)
from classroom.room.lecture import BEGUN, OVER

SHOWN = 2_000
"""Rows of each kind that a preview names; of more it says how many."""
COMING = frozenset(LectureState) - BEGUN - OVER


class Roster(Protocol):
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
    ) -> Preview: ...

    async def preview(
        self,
        people: Sequence[Person],
        scope: BranchPath = (),
        language: Language = "zh",
        *,
        lecture: str | None = None,
        guarded: Collection[str] = (),
        unread: Collection[str] = (),
    ) -> Preview: ...

    async def invite_all(
        self, lecture: str, scope: BranchPath = (), by: str | None = None
    ) -> tuple[int, str | None]: ...  # fmt: skip

    async def to_invite(self, lecture: str, scope: BranchPath = ()) -> list[tuple[str, BranchPath]]: ...

    async def rename(self, branch: BranchPath, name: str, by: str | None = None) -> str: ...

    async def merge(self, branch: BranchPath, into: BranchPath, by: str | None = None) -> str: ...

    async def move(self, member: str, to: BranchPath, scope: BranchPath = (), by: str | None = None) -> str | None: ...

    async def leave(
        self, member: str, scope: BranchPath = (), by: str | None = None, coming: Collection[str] = ()
    ) -> str | None: ...

    async def come_back(self, member: str, scope: BranchPath = (), by: str | None = None) -> str | None: ...

    async def set_kind(
        self, member: str, kind: Kind, scope: BranchPath = (), by: str | None = None
    ) -> str | None: ...  # fmt: skip

    async def undo(self, change: str, scope: BranchPath = ()) -> Undone: ...

    async def phone(self, member: str, scope: BranchPath = ()) -> tuple[bool, str | None]: ...

    async def erase(self, member: str, scope: BranchPath = (), coming: Collection[str] = ()) -> bool: ...

    async def invitation(self, lecture: str, member: str) -> Invitation | None: ...


class Journal(Protocol):
    async def erase(self, member: str) -> list[str]:
        """What this person said, in all lectures; answers which."""


class Sites(Protocol):
    async def erase(self, member: str) -> None: ...


class Registrar:
    """`read_sheets` turns a file's bytes and name into sheets. `scope` is the branch of the organizer that asks, `by`
    their staff id (None: the command line). Raises `UserError`."""

    def __init__(
        self,
        *,
        lectures: Lectures,
        roster: Roster,
        journal: Journal,
        sites: Sites,
        desk: LectureDesk,
        door: Door,
        aside: Aside,
        read_sheets: Callable[[bytes, str], Sequence[Sheet]],
    ) -> None:
        self._lectures = lectures
        self._roster = roster
        self._journal = journal
        self._sites = sites
        self._desk = desk
        self._door = door
        self._aside = aside
        self._read_sheets = read_sheets

    async def preview(
        self, name: str, body: bytes, language: Language = "zh", scope: BranchPath = (), lecture: str | None = None
    ) -> ImportPreview:
        """What an import of this file would do now; nothing is changed. `lecture`: to which it would invite."""
        if lecture is not None:
            await self._known(lecture)
        read = await self._read(body, name, language, scope)
        found = await self._roster.preview(
            read.people, scope, language, lecture=lecture, guarded=_guarded(scope), unread=_names(read)
        )
        return _shown(found, read, digest_of(body, found), scope, language)

    async def take(
        self,
        name: str,
        body: bytes,
        lecture: str | None,
        language: Language = "zh",
        scope: BranchPath = (),
        by: str | None = None,
        seen: str | None = None,
        leaving: bool = False,
    ) -> ImportResult:
        """`seen`: the digest of the preview that somebody looked at; where the import would do something else by now,
        nothing is changed (`preview-stale`). `leaving`: whom the file lacks, as the preview says it, leaves."""
        if lecture is not None:
            await self._known(lecture)
        read = await self._read(body, name, language, scope)

        def agreed(found: Preview) -> None:
            if seen is not None and digest_of(body, found) != seen:
                raise UserError("preview-stale")

        taken = await self._roster.take(
            read.people,
            lecture,
            scope,
            language,
            by,
            name,
            guarded=_guarded(scope),
            unread=_names(read),
            agreed=agreed,
            leaving=await self._coming() if leaving else None,
        )
        if lecture is not None:
            await self._turned_out(lecture, taken.revoked)
            await self._desk.recount(lecture)
        for other in {other for other, _ in taken.withdrawn}:
            await self._turned_out(other, frozenset(member for where, member in taken.withdrawn if where == other))
        refused = (*read.refused, *taken.refused)
        return ImportResult(
            added=len(taken.added),
            changed=len(taken.changed),
            unchanged=len(taken.unchanged),
            refused=_by_line(refused),
            change=taken.id,
            refusals=len(refused),
            left=taken.left,
        )

    async def undo(self, change: str, scope: BranchPath = ()) -> Undone:
        """Takes an import, or another change of the roster, back as a whole; whom it had invited is out at once."""
        try:
            undone = await self._roster.undo(change, scope)
        except NotUndone as error:
            raise UserError(error.reason) from error
        for lecture in undone.lectures:
            await self._turned_out(lecture, undone.revoked if lecture == undone.change.lecture else frozenset())
            await self._desk.recount(lecture)
        return undone

    async def to_invite(self, lecture: str, scope: BranchPath = ()) -> list[tuple[str, BranchPath]]:
        """Name and branch of everybody whom `invite_all` would invite."""
        await self._known(lecture)
        return await self._roster.to_invite(lecture, scope)

    async def invite_all(
        self, lecture: str, scope: BranchPath = (), by: str | None = None
    ) -> tuple[int, str | None]:  # fmt: skip
        """Everybody of the roster within `scope`; answers how many were not invited before, and what takes it back."""
        await self._known(lecture)
        invited = await self._roster.invite_all(lecture, scope, by)
        self._door.forget(lecture)
        await self._desk.recount(lecture)
        return invited

    async def rename(self, branch: str, name: str, by: str | None = None) -> str:
        """Answers what takes it back."""
        named = preview.branch_path(name)
        if len(named) != 1 or len(named[0]) > preview.PART_LENGTH:
            raise UserError("bad-branch")
        with _branches():
            return await self._roster.rename(preview.branch_path(branch), named[0], by)

    async def merge(self, branch: str, into: str, by: str | None = None) -> str:
        with _branches():
            return await self._roster.merge(preview.branch_path(branch), preview.branch_path(into), by)

    async def move(self, member: str, to: str, scope: BranchPath = (), by: str | None = None) -> str:
        path = preview.branch_path(to)
        if path[: len(scope)] != scope:
            raise UserError("branch-not-yours")
        if not path or len(path) > preview.DEPTH or any(len(part) > preview.PART_LENGTH for part in path):
            raise UserError("bad-branch")
        return _found(await self._roster.move(member, path, scope, by))

    async def leave(self, member: str, scope: BranchPath = (), by: str | None = None) -> str:
        """Also out of the lectures that are still to come: nobody counts on them there, and their links end."""
        coming = await self._coming()
        change = _found(await self._roster.leave(member, scope, by, coming))
        for lecture in coming:
            await self._turned_out(lecture, frozenset((member,)), member)
        return change

    async def come_back(self, member: str, scope: BranchPath = (), by: str | None = None) -> str:
        return _found(await self._roster.come_back(member, scope, by))

    async def set_officer(self, member: str, officer: bool, scope: BranchPath = (), by: str | None = None) -> str:
        """Whether they are one of a branch's officers, by hand; answers what takes it back."""
        kind = Kind.OFFICER if officer else Kind.MEMBER
        return _found(await self._roster.set_kind(member, kind, scope, by))

    async def phone(self, member: str, scope: BranchPath = ()) -> str | None:
        """A number in full."""
        known, number = await self._roster.phone(member, scope)
        if not known:
            raise UserError("no-such-member")
        return number

    async def erase(self, member: str, scope: BranchPath = ()) -> None:
        """Name, number, place and words of a person, for good. Their place in past lectures stays, without a name: the
        ledger knows only an id, and every count stays true. Not while a lecture that they are invited to is live,
        in which others have their words before them."""
        known, _ = await self._roster.phone(member, scope)
        if not known:
            raise UserError("no-such-member")
        lectures = await self._lectures.all()
        for row in lectures:
            if row.state in BEGUN and await self._roster.invitation(row.id, member) is not None:
                raise UserError("member-in-lecture", row.title)
        coming = frozenset(row.id for row in lectures if row.state in COMING)
        if not await self._roster.erase(member, scope, coming):
            raise UserError("no-such-member")
        await self._sites.erase(member)
        for row in lectures:
            self._door.forget(row.id, member)
        said = await self._journal.erase(member)
        for lecture in {*said, *coming}:
            await self._desk.expel(lecture, frozenset((member,)))
        for lecture in said:
            await self._desk.renew(lecture)

    async def _coming(self) -> frozenset[str]:
        """The lectures that have not begun."""
        return frozenset(row.id for row in await self._lectures.all() if row.state in COMING)

    async def _turned_out(self, lecture: str, members: frozenset[str], only: str | None = None) -> None:
        self._door.forget(lecture, only)
        if members:
            await self._desk.expel(lecture, members)

    async def _known(self, lecture: str) -> None:
        row = await self._lectures.get(lecture)
        if row is None:
            raise UserError("no-such-lecture", lecture[:64])
        if row.state in OVER:
            raise UserError("lecture-over", lecture[:64])

    async def _read(self, body: bytes, name: str, language: Language, scope: BranchPath) -> Reading:
        try:
            read = await self._aside.run(partial(_read, self._read_sheets, body, name, language))
        except SheetError as error:
            raise UserError(f"sheet-{error.reason}", error.detail) from error
        return _within_rights(read, language) if scope else read


def digest_of(body: bytes, found: Preview) -> str:
    """What would be done with this file, in short: two previews that would do the same have the same."""
    done = (
        [(one.line, one.name, one.branch) for one in found.added],
        [(each.id, each.person.line, each.person.branch) for each in found.changed],
        [one.line for one in found.refused],
        [one.id for one in found.missing],
        [(each.id, each.was, each.role) for each in found.turned],
    )
    return hashlib.sha256(hashlib.sha256(body).digest() + msgspec.json.encode(done)).hexdigest()[:32]


def _shown(found: Preview, read: Reading, digest: str, scope: BranchPath, language: Language) -> ImportPreview:
    headings = {heading for one in read.people for heading in one.extra}
    notes = list(read.notes)
    if found.placed:
        notes.append(sentence("prefixed", language, count=found.placed, branch=" / ".join(scope)))
    refused = (*read.refused, *found.refused)
    return ImportPreview(
        digest=digest,
        people=len(read.people),
        added=len(found.added),
        changed=len(found.changed),
        unchanged=len(found.unchanged),
        refused=_by_line(refused),
        new=tuple(_row(one) for one in found.added[:SHOWN]),
        changes=tuple(_row(each.person, _differences(each)) for each in found.changed[:SHOWN]),
        kept=tuple(sorted(headings)),
        refusals=len(refused),
        same=tuple(_row(each.person) for each in found.unchanged[:SHOWN]),
        missing=len(found.missing),
        lacking=tuple(_lacking(one) for one in found.missing[:SHOWN]),
        turned=tuple(RoleTurn(each.line, each.name, each.was, each.role) for each in found.turned[:SHOWN]),
        notes=tuple(notes),
    )


def _row(person: Person, differs: tuple[Difference, ...] = ()) -> PreviewedRow:
    return PreviewedRow(
        line=person.line,
        name=person.name,
        branch=" / ".join(person.branch),
        phone=_masked(person.phone),
        city=person.city,
        differs=differs,
    )


def _lacking(known: preview.Known) -> PreviewedRow:
    return PreviewedRow(0, known.name, " / ".join(known.branch), _masked(known.phone), known.city)


def _differences(change: preview.Change) -> tuple[Difference, ...]:
    """Field by field; a cell left empty changes nothing."""
    person, before = change.person, change.before
    if before is None:
        return ()
    fields = [
        Difference("left", None, None) if before.left else None,
        _difference("branch", " / ".join(before.branch), " / ".join(person.branch)),
        _difference("phone", before.phone, person.phone),
        _difference("city", before.city, person.city),
        *(_difference(heading, before.extra.get(heading), said) for heading, said in person.extra.items()),
    ]
    return tuple(one for one in fields if one is not None)


def _difference(field: str, old: str | None, new: str | None) -> Difference | None:
    if new is None or new == old:
        return None
    return Difference(field, _masked(old), _masked(new)) if field == "phone" else Difference(field, old, new)


def _masked(number: str | None) -> str | None:
    return None if number is None else phone.mask(number)


def _by_line(refused: Sequence[Refused]) -> tuple[RefusedRow, ...]:
    """The first of them: nobody reads a hundred thousand."""
    first = sorted(refused, key=lambda one: one.line)[:SHOWN]
    return tuple(RefusedRow(one.line, one.reason, one.name) for one in first)


def _names(read: Reading) -> frozenset[str]:
    return frozenset(one.name for one in read.refused)


@contextlib.contextmanager
def _branches() -> Iterator[None]:
    try:
        yield
    except BranchUnfit as error:
        raise UserError(error.reason) from error


def _found(change: str | None) -> str:
    if change is None:
        raise UserError("no-such-member")
    return change


def _read(
    read_sheets: Callable[[bytes, str], Sequence[Sheet]], body: bytes, name: str, language: Language
) -> Reading:  # fmt: skip
    """The part of an import that takes CPU."""
    return preview.read(read_sheets(body, name), language)


def _guarded(scope: BranchPath) -> frozenset[str]:
    """Roles that an organizer of a branch takes from nobody, and gives to nobody: who may start and end the lecture."""
    return frozenset(role for role, may in RIGHTS.items() if may.move) if scope else frozenset()


def _within_rights(read: Reading, language: Language) -> Reading:
    """Without those whom an organizer of a branch would give such a role."""
    denied = [one for one in read.people if _moves(one.role)]
    refused = [refuse(one, "role-not-yours", language) for one in denied]
    people = tuple(one for one in read.people if not _moves(one.role))
    return msgspec.structs.replace(read, people=people, refused=(*read.refused, *refused))


def _moves(role: str | None) -> bool:
    return role is not None and rights(role).move
