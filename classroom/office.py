"""The office: what an organizer does outside the live channel, over the stores."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import partial
from typing import Protocol, TypeVar

import msgspec

from attendance.facts import LectureMoved, LectureState, NodeStarted, NodeStopped, Rule
from attendance.hours import Kind, kind_of
from attendance.ports import Clock, Recorder
from attendance.report import Report
from attendance.roster import BranchPath, Invitation, Listed, ListedChange, Role, Undone
from attendance.seal import Exported
from attendance.sheet import preview
from attendance.site import Site
from classroom.errors import UserError
from classroom.people.invitations import Door
from classroom.people.role import rights
from classroom.people.staff import NAME_LENGTH, StaffMember
from classroom.people.token import DAY, LONGEST, PREFIX, USUAL, ApiToken
from classroom.personnel import Personnel
from classroom.ports import (
    Encoding,
    ExportChecked,
    ExportFormat,
    ImportPreview,
    ImportResult,
    Language,
    LectureDesk,
    LectureInfo,
    Link,
    Person,
    RecordDesk,
    RosterChange,
    RuleBookInfo,
    RuleDesk,
    SiteInfo,
    StaffInfo,
    TokenInfo,
    UndoResult,
    Verified,
)
from classroom.room.lecture import OVER, TRANSITIONS, Trigger
from classroom.room.text import clean
from classroom.rules import shown
from classroom.times import micros as micros  # others know them from here
from classroom.times import moment as moment

TITLE_LENGTH = 200
CHANGES = 50
"""Changes of the roster that are listed."""
VALID_AFTER = 30 * 86_400 * 1_000_000
"""µs that a link holds beyond the lecture: for questions about one's attendance."""
STAGE = ((Role.LECTURER, "主讲人"), (Role.HOST, "主持人"), (Role.GUEST, "嘉宾"))
"""Who is invited to every lecture from the beginning, under these names."""

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
    async def invite_new(self, lecture: str, people: Iterable[tuple[str, str]]) -> None: ...

    async def invitations(self, lecture: str, scope: BranchPath = ()) -> list[Invitation]: ...

    async def invitation(self, lecture: str, member: str) -> Invitation | None: ...

    async def renew(self, lecture: str, member: str) -> Invitation | None: ...

    async def counts(self, lectures: Sequence[str], scope: BranchPath = ()) -> dict[str, int]: ...

    async def people(self, scope: BranchPath = ()) -> Sequence[Listed]: ...

    async def history(self, limit: int = CHANGES, scope: BranchPath = ()) -> Sequence[ListedChange]: ...


class Imports(Protocol):
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
    ) -> ImportResult: ...

    async def preview(
        self, name: str, body: bytes, language: Language = "zh", scope: BranchPath = (), lecture: str | None = None
    ) -> ImportPreview: ...

    async def undo(self, change: str, scope: BranchPath = ()) -> Undone: ...


class Staff(Protocol):
    async def names(self, chosen: Collection[str]) -> dict[str, str]: ...

    async def find(self, name: str) -> tuple[StaffMember, str] | None: ...


class Tokens(Protocol):
    async def add(self, token: ApiToken, secret: str) -> None: ...

    async def all(self) -> list[ApiToken]: ...

    async def remove(self, token: str) -> bool: ...


class Reports(Protocol):
    """What can be said of a lecture's ledger."""

    async def export(
        self,
        lecture: LectureRow,
        invitations: Sequence[Invitation],
        form: ExportFormat,
        scope: BranchPath,
        language: Language,
        encoding: Encoding = "utf-8",
        sites: Sequence[Site] = (),
    ) -> bytes: ...

    async def report(
        self, lecture: LectureRow, invitations: Sequence[Invitation], scope: BranchPath, sites: Sequence[Site] = ()
    ) -> Report: ...

    async def verify(self, lecture: str) -> Verified: ...

    async def read_export(self, name: str, body: bytes) -> Exported:
        """Raises `UserError`."""

    async def check(
        self,
        lecture: LectureRow,
        invitations: Sequence[Invitation],
        exported: Exported,
        body: bytes,
        language: Language,
        sites: Sequence[Site] = (),
    ) -> ExportChecked: ...


class Sites(Protocol):
    """Where members watch together."""

    async def create(
        self, lecture: str, place: str, branch: BranchPath, host: str, scope: BranchPath = ()
    ) -> SiteInfo: ...  # fmt: skip

    async def sites(self, lecture: str, scope: BranchPath = ()) -> list[SiteInfo]: ...

    async def staff_site(self, lecture: str, site: str, scope: BranchPath) -> Site: ...

    async def link(self, site: Site) -> str: ...

    async def rows(self, lecture: str) -> list[Site]: ...


class Years(Protocol):
    async def export(
        self, chosen: int, scope: BranchPath = (), language: Language = "zh", anew: bool = False
    ) -> bytes: ...  # fmt: skip


class Aside(Protocol):
    """Where work goes that would hold up the loop."""

    async def run(self, work: Callable[[], Answer]) -> Answer: ...


class StoreOffice:
    """Implements `classroom.ports.Office`. `base_url` is how people reach the service."""

    def __init__(
        self,
        *,
        lectures: Lectures,
        roster: Roster,
        staff: Staff,
        personnel: Personnel,
        tokens: Tokens,
        reports: Reports,
        sites: Sites,
        rules: RuleDesk,
        years: Years,
        registrar: Imports,
        records: RecordDesk,
        desk: LectureDesk,
        door: Door,
        aside: Aside,
        clock: Clock,
        new_id: Callable[[], str],
        new_secret: Callable[[], str],
        base_url: str,
    ) -> None:
        self._lectures = lectures
        self._roster = roster
        self._staff = staff
        self._personnel = personnel
        self._tokens = tokens
        self._reports = reports
        self._sites = sites
        self._rules = rules
        self._years = years
        self._registrar = registrar
        self.records = records
        self._desk = desk
        self._door = door
        self._aside = aside
        self._clock = clock
        self._new_id = new_id
        self._new_secret = new_secret
        self._base_url = base_url.rstrip("/")

    # --- lectures ---

    async def create_lecture(
        self, title: str, starts: datetime.datetime | None, ends: datetime.datetime | None
    ) -> LectureInfo:
        title = clean(title)
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

    async def lectures(self, scope: BranchPath = ()) -> list[LectureInfo]:
        rows = await self._lectures.all()
        counts = await self._roster.counts([row.id for row in rows], scope)
        return [_info(row, counts[row.id]) for row in rows]

    async def lecture(self, lecture: str, scope: BranchPath = ()) -> LectureInfo:
        row = await self._row(lecture)
        return _info(row, (await self._roster.counts([lecture], scope))[lecture])

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
        seen: str | None = None,
        leaving: bool = False,
    ) -> ImportResult:
        return await self._registrar.take(name, body, lecture, language, scope, None, seen, leaving)

    async def preview_roster(
        self, name: str, body: bytes, lecture: str | None, language: Language = "zh", scope: BranchPath = ()
    ) -> ImportPreview:
        return await self._registrar.preview(name, body, language, scope, lecture)

    async def people(self, scope: BranchPath = ()) -> list[Person]:
        return [person(one) for one in await self._roster.people(scope)]

    async def roster_changes(self, scope: BranchPath = ()) -> list[RosterChange]:
        found = await self._roster.history(CHANGES, scope)
        names = await self._staff.names({one.change.by for one in found if one.change.by is not None})
        return [_change(one, names) for one in found]

    async def undo_change(self, change: str, scope: BranchPath = ()) -> UndoResult:
        undone = await self._registrar.undo(change, scope)
        return UndoResult(undone.removed, undone.restored)

    async def links(self, lecture: str, scope: BranchPath = ()) -> list[Link]:
        row = await self._row(lecture)
        invitations = [one for one in await self._roster.invitations(lecture, scope) if _theirs(one, scope)]
        return await self._aside.run(partial(self._link_all, row, invitations))

    async def renew_link(self, lecture: str, member: str, scope: BranchPath = ()) -> Link:
        row = await self._row(lecture)
        invitation = await self._roster.invitation(lecture, member)
        if invitation is None or invitation.member.branch[: len(scope)] != scope or not _theirs(invitation, scope):
            raise UserError("no-such-member", member[:64])
        renewed = await self._roster.renew(lecture, member)
        if renewed is None:
            raise UserError("no-such-member", member[:64])
        self._door.forget(lecture, member)
        await self._desk.expel(lecture, frozenset((member,)))
        return self._link(row, renewed)

    async def create_staff(self, name: str, password: str, branch: BranchPath = ()) -> None:
        await self._personnel.create(name, password, branch)

    async def staff(self) -> list[StaffInfo]:
        return await self._personnel.all()

    async def change_staff(
        self,
        chosen: str,
        name: str | None = None,
        branch: BranchPath | None = None,
        password: str | None = None,
        by: str | None = None,
    ) -> StaffInfo:
        return await self._personnel.change(chosen, name, branch, password, by)

    async def remove_staff(self, chosen: str, by: str | None = None) -> StaffInfo:
        return await self._personnel.remove(chosen, by)

    async def create_token(self, name: str, staff: str, branch: BranchPath = (), days: int = USUAL) -> TokenInfo:
        name = preview.tidy(name)
        if not 0 < len(name) <= NAME_LENGTH:
            raise UserError("bad-token-name")
        if not 0 < days <= LONGEST:
            raise UserError("bad-days")
        found = await self._staff.find(staff)
        if found is None:
            raise UserError("no-such-staff", staff[:64])
        owner, _ = found
        path = tuple(preview.tidy(part) for part in branch) or owner.branch
        if path[: len(owner.branch)] != owner.branch:
            raise UserError("branch-not-yours")
        now, secret = self._clock.now(), PREFIX + self._new_secret()
        token = ApiToken(self._new_id(), name, owner.id, owner.name, path, now, now + days * DAY)
        await self._tokens.add(token, secret)
        return _told(token, secret)

    async def tokens(self) -> list[TokenInfo]:
        return [_told(token) for token in await self._tokens.all()]

    async def revoke_token(self, token: str) -> None:
        if not await self._tokens.remove(token):
            raise UserError("no-such-token", token[:64])

    def _link_all(self, row: LectureRow, invitations: Sequence[Invitation]) -> list[Link]:
        return [self._link(row, invitation) for invitation in invitations]

    def _link(self, row: LectureRow, invitation: Invitation) -> Link:
        ticket = self._door.issue(invitation, row.links_expire)
        member = invitation.member
        url = f"{self._base_url}/j?l={row.id}#{ticket}"
        return Link(member.id, member.name, " / ".join(member.branch), invitation.role, url, ticket)

    # --- attendance ---

    async def export(
        self,
        lecture: str,
        form: ExportFormat,
        scope: BranchPath = (),
        language: Language = "zh",
        encoding: Encoding = "utf-8",
    ) -> bytes:
        if encoding != "utf-8" and form != "csv":
            raise UserError("bad-encoding", form)
        row = await self._row(lecture)
        invitations = await self._roster.invitations(lecture, scope)
        await self._desk.witness(lecture)
        sites = await self._sites.rows(lecture)
        return await self._reports.export(row, invitations, form, scope, language, encoding, sites)

    async def create_site(
        self, lecture: str, place: str, branch: BranchPath, host: str, scope: BranchPath = ()
    ) -> SiteInfo:  # fmt: skip
        return await self._sites.create(lecture, place, branch, host, scope)

    async def sites(self, lecture: str, scope: BranchPath = ()) -> list[SiteInfo]:
        return await self._sites.sites(lecture, scope)

    async def site_link(self, lecture: str, site: str, scope: BranchPath = ()) -> str:
        return await self._sites.link(await self._sites.staff_site(lecture, site, scope))

    async def report(self, lecture: str, scope: BranchPath = ()) -> Report:
        """What an export is made of, up to now."""
        row = await self._row(lecture)
        invitations = await self._roster.invitations(lecture, scope)
        await self._desk.witness(lecture)
        return await self._reports.report(row, invitations, scope, await self._sites.rows(lecture))

    async def verify(self, lecture: str) -> Verified:
        await self._row(lecture)
        return await self._reports.verify(lecture)

    async def year(
        self, year: int, scope: BranchPath = (), language: Language = "zh", anew: bool = False
    ) -> bytes:  # fmt: skip
        return await self._years.export(year, scope, language, anew)

    async def check_export(
        self, name: str, body: bytes, scope: BranchPath = (), language: Language = "zh"
    ) -> ExportChecked:
        exported = await self._reports.read_export(name, body)
        seal = exported.seal
        if seal.scope[: len(scope)] != scope:
            raise UserError("branch-not-yours")
        row = await self._row(seal.lecture)
        invitations = await self._roster.invitations(row.id, seal.scope)
        sites = await self._sites.rows(row.id)
        return await self._reports.check(row, invitations, exported, body, language, sites)

    # --- the rule ---

    async def rule(self, lecture: str, language: Language = "zh") -> RuleBookInfo:
        book = await self._rules.rules(lecture)
        authors = {one.by for one in book.history if one.by is not None}
        return shown(book, language, await self._staff.names(authors) if authors else {})

    async def set_rule(
        self,
        lecture: str,
        version: int,
        rule: Rule,
        why: str = "",
        language: Language = "zh",
        by: str | None = None,
    ) -> RuleBookInfo:
        await self._rules.set_rule(lecture, version, rule, by, why.strip())
        return await self.rule(lecture, language)


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

    async def recount(self, lecture: str) -> None:
        """There is no room."""

    async def renew(self, lecture: str) -> None:
        """There is no room."""

    async def _move(self, lecture: str, state: LectureState, trigger: Trigger, by: str | None) -> LectureState:
        moved = TRANSITIONS.get((state, trigger))
        if moved is None:
            return state
        for body in (NodeStarted(), LectureMoved(moved, trigger.value, by), NodeStopped()):
            await self._recorder.record(lecture, body)
        await self._lectures.set_state(lecture, moved)
        return moved


def _theirs(invitation: Invitation, scope: BranchPath) -> bool:
    """Whether an organizer of `scope` may hold this link: none that starts and ends lectures, which they themselves may
    not."""
    return not scope or not rights(invitation.role).move


def _told(token: ApiToken, secret: str | None = None) -> TokenInfo:
    times = (moment(token.created), moment(token.expires), moment(token.used))
    return TokenInfo(token.id, token.name, token.owner, " / ".join(token.branch), *times, secret)


def _info(row: LectureRow, invited: int) -> LectureInfo:
    return LectureInfo(row.id, row.title, moment(row.starts), moment(row.ends), row.state, invited)


def person(one: Listed) -> Person:
    officer = kind_of(one.extra) is Kind.OFFICER
    return Person(one.id, one.name, " / ".join(one.branch), one.phone, one.city, one.extra, moment(one.left), officer)


def _change(told: ListedChange, names: Mapping[str, str]) -> RosterChange:
    one = told.change
    return RosterChange(
        id=one.id,
        at=moment(one.at),
        by=None if one.by is None else names.get(one.by, ""),
        what=one.what,
        file=one.file,
        lecture=one.lecture,
        branch=" / ".join(one.scope),
        added=one.added,
        changed=one.changed,
        people=told.people,
        names=told.names,
        undone=moment(one.undone),
    )
