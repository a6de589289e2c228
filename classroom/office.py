"""The office: what an organizer does outside the live channel, over the stores."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Protocol, TypeVar

import msgspec

from attendance.errors import SheetError
from attendance.facts import LectureMoved, LectureState, NodeStarted, NodeStopped
from attendance.ports import Clock, Recorder
from attendance.roster import BranchPath, Invitation, Role
from attendance.sheet import preview
from attendance.sheet.preview import Person, Preview
from attendance.sheet.reasons import sentence
from attendance.sheet.rows import Sheet
from classroom.errors import UserError
from classroom.people.invitations import Door
from classroom.people.role import rights
from classroom.people.staff import NAME_LENGTH, PASSWORD_LENGTHS, StaffMember
from classroom.ports import (
    ExportFormat,
    ImportResult,
    Language,
    LectureDesk,
    LectureInfo,
    Link,
    RefusedRow,
    Verified,
)
from classroom.room.lecture import OVER, TRANSITIONS, Trigger

TITLE_LENGTH = 200
VALID_AFTER = 30 * 86_400 * 1_000_000
"""µs that a link holds beyond the lecture: for questions about one's attendance."""
STAGE = ((Role.LECTURER, "主讲人"), (Role.HOST, "主持人"), (Role.GUEST, "嘉宾"))
"""Who is invited to every lecture from the beginning, under these names."""

EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
Answer = TypeVar("Answer")


class LectureRow(msgspec.Struct, frozen=True):
    """A lecture as stored. Times in µs since the epoch, UTC; `state` only repeats what the facts say, for lists."""

    id: str
    title: str
    starts: int | None
    ends: int | None
    state: LectureState
    created: int

    @property
    def links_expire(self) -> int:
        return max(self.created, self.starts or 0, self.ends or 0) + VALID_AFTER


class Lectures(Protocol):
    async def add(self, lecture: LectureRow) -> None: ...

    async def get(self, lecture: str) -> LectureRow | None: ...

    async def all(self) -> list[LectureRow]: ...

    async def set_state(self, lecture: str, state: LectureState) -> None: ...


class Roster(Protocol):
    async def take(
        self,
        people: Sequence[Person],
        lecture: str | None = None,
        scope: BranchPath = (),
        language: Language = "zh",
    ) -> Preview: ...

    async def invite_new(self, lecture: str, people: Iterable[tuple[str, str]]) -> None: ...

    async def invitations(self, lecture: str, scope: BranchPath = ()) -> list[Invitation]: ...

    async def invitation(self, lecture: str, member: str) -> Invitation | None: ...

    async def renew(self, lecture: str, member: str) -> Invitation | None: ...

    async def counts(self, lectures: Sequence[str]) -> dict[str, int]: ...


class Staff(Protocol):
    async def add(self, member: StaffMember, password: str, created: int) -> None: ...


class Passwords(Protocol):
    async def hash(self, password: str) -> str: ...


class Reports(Protocol):
    """What can be said of a lecture's ledger."""

    async def export(
        self,
        lecture: LectureRow,
        invitations: Sequence[Invitation],
        form: ExportFormat,
        scope: BranchPath,
        language: Language,
    ) -> bytes: ...

    async def verify(self, lecture: str) -> Verified: ...


class Aside(Protocol):
    """Where work goes that would hold up the loop."""

    async def run(self, work: Callable[[], Answer]) -> Answer: ...


class StoreOffice:
    """Implements `classroom.ports.Office`. `read_sheets` turns a file's bytes and name into sheets; `base_url` is how
    people reach the service."""

    def __init__(
        self,
        *,
        lectures: Lectures,
        roster: Roster,
        staff: Staff,
        passwords: Passwords,
        reports: Reports,
        desk: LectureDesk,
        door: Door,
        aside: Aside,
        read_sheets: Callable[[bytes, str], Sequence[Sheet]],
        clock: Clock,
        new_id: Callable[[], str],
        base_url: str,
    ) -> None:
        self._lectures = lectures
        self._roster = roster
        self._staff = staff
        self._passwords = passwords
        self._reports = reports
        self._desk = desk
        self._door = door
        self._aside = aside
        self._read_sheets = read_sheets
        self._clock = clock
        self._new_id = new_id
        self._base_url = base_url.rstrip("/")

    # --- lectures ---

    async def create_lecture(
        self, title: str, starts: datetime.datetime | None, ends: datetime.datetime | None
    ) -> LectureInfo:
        title = preview.tidy(title)
        if not 0 < len(title) <= TITLE_LENGTH:
            raise UserError("bad-title")
        if starts is not None and ends is not None and ends <= starts:
            raise UserError("bad-times")
        row = LectureRow(
            self._new_id(), title, micros(starts), micros(ends), LectureState.PLANNED, self._clock.now()
        )  # fmt: skip
        await self._roster.invite_new(row.id, [(name, role) for role, name in STAGE])
        await self._lectures.add(row)
        return _info(row, 0)

    async def lectures(self) -> list[LectureInfo]:
        rows = await self._lectures.all()
        counts = await self._roster.counts([row.id for row in rows])
        return [_info(row, counts[row.id]) for row in rows]

    async def lecture(self, lecture: str) -> LectureInfo:
        row = await self._row(lecture)
        return _info(row, (await self._roster.counts([lecture]))[lecture])

    async def start(self, lecture: str, by: str | None = None) -> LectureInfo:
        row = await self._row(lecture)
        return await self._moved(row, await self._desk.start(lecture, row.state, by))

    async def end(self, lecture: str, by: str | None = None) -> LectureInfo:
        row = await self._row(lecture)
        return await self._moved(row, await self._desk.end(lecture, row.state, by))

    async def _moved(self, row: LectureRow, state: LectureState) -> LectureInfo:
        counts = await self._roster.counts([row.id])
        return _info(msgspec.structs.replace(row, state=state), counts[row.id])

    async def _row(self, lecture: str) -> LectureRow:
        row = await self._lectures.get(lecture)
        if row is None:
            raise UserError("no-such-lecture", lecture[:64])
        return row

    # --- people ---

    async def import_roster(
        self,
        name: str,
        body: bytes,
        lecture: str | None,
        language: Language = "zh",
        scope: BranchPath = (),
    ) -> ImportResult:
        if lecture is not None:
            await self._row(lecture)
        try:
            people, refused = await self._aside.run(partial(_people, self._read_sheets, body, name, language))
        except SheetError as error:
            raise UserError(f"sheet-{error.reason}", error.detail) from error
        if scope:
            people, denied = _within_rights(people, language)
            refused = [*refused, *denied]
        taken = await self._roster.take(people, lecture, scope, language)
        if lecture is not None:
            self._door.forget(lecture)
            if taken.revoked:
                await self._desk.expel(lecture, taken.revoked)
        refusals = sorted((*refused, *taken.refused), key=lambda refusal: refusal.line)
        return ImportResult(
            added=len(taken.added),
            changed=len(taken.changed),
            unchanged=len(taken.unchanged),
            refused=tuple(RefusedRow(refusal.line, refusal.reason) for refusal in refusals),
        )

    async def links(self, lecture: str, scope: BranchPath = ()) -> list[Link]:
        row = await self._row(lecture)
        invitations = await self._roster.invitations(lecture, scope)
        return await self._aside.run(partial(self._link_all, row, invitations))

    async def renew_link(self, lecture: str, member: str, scope: BranchPath = ()) -> Link:
        row = await self._row(lecture)
        invitation = await self._roster.invitation(lecture, member)
        if invitation is None or invitation.member.branch[: len(scope)] != scope:
            raise UserError("no-such-member", member[:64])
        renewed = await self._roster.renew(lecture, member)
        if renewed is None:
            raise UserError("no-such-member", member[:64])
        self._door.forget(lecture, member)
        await self._desk.expel(lecture, frozenset((member,)))
        return self._link(row, renewed)

    async def create_staff(self, name: str, password: str, branch: BranchPath = ()) -> None:
        name = preview.tidy(name)
        if not 0 < len(name) <= NAME_LENGTH:
            raise UserError("bad-staff-name")
        shortest, longest = PASSWORD_LENGTHS
        if not shortest <= len(password) <= longest:
            raise UserError("weak-password")
        path = tuple(preview.tidy(part) for part in branch)
        hashed = await self._passwords.hash(password)
        await self._staff.add(StaffMember(self._new_id(), name, path), hashed, self._clock.now())

    def _link_all(self, row: LectureRow, invitations: Sequence[Invitation]) -> list[Link]:
        return [self._link(row, invitation) for invitation in invitations]

    def _link(self, row: LectureRow, invitation: Invitation) -> Link:
        ticket = self._door.issue(invitation, row.links_expire)
        member = invitation.member
        url = f"{self._base_url}/j#{ticket}"
        return Link(member.id, member.name, " / ".join(member.branch), invitation.role, url, ticket)

    # --- attendance ---

    async def export(
        self,
        lecture: str,
        form: ExportFormat,
        scope: BranchPath = (),
        language: Language = "zh",
    ) -> bytes:
        row = await self._row(lecture)
        invitations = await self._roster.invitations(lecture, scope)
        await self._desk.witness(lecture)
        return await self._reports.export(row, invitations, form, scope, language)

    async def verify(self, lecture: str) -> Verified:
        await self._row(lecture)
        return await self._reports.verify(lecture)


class RecorderDesk:
    """`LectureDesk` without a room: nobody is in the lecture, so the facts alone are what there is to do.

    The node says that it started, and closes with that whatever a crash left open, and that it stopped."""

    def __init__(self, recorder: Recorder, lectures: Lectures) -> None:
        self._recorder = recorder
        self._lectures = lectures

    async def start(self, lecture: str, state: LectureState, by: str | None) -> LectureState:
        if state in OVER:
            raise UserError("lecture-over", lecture)
        return await self._move(lecture, state, Trigger.BUTTON, by)

    async def end(self, lecture: str, state: LectureState, by: str | None) -> LectureState:
        return await self._move(lecture, state, Trigger.END, by)

    async def witness(self, lecture: str) -> None:
        """Nobody is there."""

    async def expel(self, lecture: str, members: frozenset[str]) -> None:
        """Nobody is there."""

    async def _move(self, lecture: str, state: LectureState, trigger: Trigger, by: str | None) -> LectureState:
        moved = TRANSITIONS.get((state, trigger))
        if moved is None:
            return state
        for body in (NodeStarted(), LectureMoved(moved, trigger.value, by), NodeStopped()):
            await self._recorder.record(lecture, body)
        await self._lectures.set_state(lecture, moved)
        return moved


def micros(time: datetime.datetime | None) -> int | None:
    """Aware → µs since the epoch."""
    return None if time is None else (time - EPOCH) // datetime.timedelta(microseconds=1)


def moment(time: int | None) -> datetime.datetime | None:
    """µs since the epoch → aware, UTC."""
    return None if time is None else EPOCH + datetime.timedelta(microseconds=time)


def _info(row: LectureRow, invited: int) -> LectureInfo:
    return LectureInfo(row.id, row.title, moment(row.starts), moment(row.ends), row.state, invited)


def _within_rights(people: Sequence[Person], language: Language) -> tuple[list[Person], list[preview.Refused]]:
    """Without those whom an organizer of a branch would give a right that they lack: to start and end the lecture."""
    denied = [one for one in people if one.role is not None and rights(one.role).move]
    refused = [preview.Refused(one.line, sentence("role-not-yours", language)) for one in denied]
    return [one for one in people if one not in denied], refused


def _people(
    read_sheets: Callable[[bytes, str], Sequence[Sheet]], body: bytes, name: str, language: Language
) -> tuple[list[Person], list[preview.Refused]]:
    """The part of an import that takes CPU."""
    return preview.read(read_sheets(body, name), language)
