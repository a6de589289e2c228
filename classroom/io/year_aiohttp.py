"""The year over REST: who has how many credit hours, each member's lectures, the workbook, and the table of hours."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from functools import partial
from typing import Any, Protocol

import msgspec
from aiohttp import web

from attendance import hours
from attendance.book.naming import year_file_name
from attendance.hours import WHOLE, HoursTable, table_sentence
from attendance.io.year_sqlalchemy import HoursVersion
from attendance.verdict import Verdict
from attendance.year import BranchYear, Entry, Held, MemberYear, Year
from classroom import admission
from classroom.errors import UserError
from classroom.io.answer_aiohttp import file_answer, json_answer, language, problems, read_json
from classroom.io.lectures_aiohttp import XLSX, scope_of
from classroom.io.session_aiohttp import Guard
from classroom.io.years_attendance import Years
from classroom.office import Aside, moment
from classroom.people.role import rights
from classroom.ports import Language
from classroom.room.messages import Ticket
from signaling.errors import Refused
from signaling.io.problem_aiohttp import refusal_response
from signaling.session.turnstile import Turnstile

PARTLY = (Verdict.LATE, Verdict.LEFT_EARLY, Verdict.INCOMPLETE)


class NewTable(msgspec.Struct, forbid_unknown_fields=True):
    """`version`: the one that it takes the place of."""

    version: int
    table: HoursTable
    why: str = ""


class NewWorth(msgspec.Struct, forbid_unknown_fields=True):
    """None: by the table."""

    hours: float | None


class LectureView(msgspec.Struct, frozen=True):
    """`row`, `hash` and `signature` are the ledger's head that it was reckoned from; `broken`: a row that did not
    verify."""

    id: str
    title: str
    started: datetime.datetime | None
    minutes: int
    hours: float
    by_hand: bool
    row: int
    hash: str
    signature: str | None
    broken: int | None


class MemberView(msgspec.Struct, frozen=True):
    """`hours` and `progress` are null where there were lectures and none could be measured."""

    id: str
    name: str
    branch: str
    phone: str | None
    kind: str
    left: bool
    hours: float | None
    target: float
    progress: float | None
    invited: int
    present: int
    partly: int
    excused: int
    absent: int
    not_measured: int


class BranchView(msgspec.Struct, frozen=True):
    branch: str
    members: int
    reached: int
    not_measured: int
    progress: float | None


class EntryView(msgspec.Struct, frozen=True):
    """`hours` is null where nothing could be measured."""

    lecture: str
    title: str
    started: datetime.datetime | None
    worth: float
    verdict: str
    by_hand: bool
    hours: float | None
    credited_seconds: float | None
    denominator_seconds: float | None


class YearHandlers:
    def __init__(self, years: Years, guard: Guard, aside: Aside) -> None:
        self._years = years
        self._guard = guard
        self._aside = aside

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/api/attendance/year", problems(self.show)),
            web.get("/api/attendance/year.xlsx", problems(self.export)),
            web.get("/api/attendance/year/members/{member}", problems(self.member)),
            web.get("/api/attendance/hours", problems(self.table)),
            web.put("/api/attendance/hours", problems(self.change)),
            web.put("/api/lectures/{lecture}/hours", problems(self.set_worth)),
        ]

    async def show(self, request: web.Request) -> web.StreamResponse:
        staff = await self._guard.staff(request, "console")
        found, pending = await self._years.year(self._year(request), scope_of(request, staff.branch))
        view: Callable[[], dict[str, Any]] = partial(shown, found, pending, language(request))
        return json_answer(await self._aside.run(view))

    async def export(self, request: web.Request) -> web.StreamResponse:
        staff = await self._guard.staff(request, "console")
        chosen, spoken, scope = self._year(request), language(request), scope_of(request, staff.branch)
        body = await self._years.export(chosen, scope, spoken, "anew" in request.query)
        return file_answer(body, XLSX, f"{year_file_name(chosen, scope, spoken)}.xlsx")

    async def member(self, request: web.Request) -> web.StreamResponse:
        staff = await self._guard.staff(request, "console")
        scope = scope_of(request, staff.branch)
        found, one = await self._years.member(self._year(request), request.match_info["member"], scope)
        lectures = {lecture.id: lecture for lecture in found.lectures}
        entries = [_entry(lectures[entry.lecture], entry) for entry in one.entries]
        return json_answer({"member": _member(one), "lectures": entries})

    async def table(self, request: web.Request) -> web.StreamResponse:
        await self._guard.staff(request, "console")
        return await self._tables(request)

    async def change(self, request: web.Request) -> web.StreamResponse:
        staff = await self._guard.staff(request, "plan")
        new = await read_json(request, NewTable)
        await self._years.set_table(new.version, new.table, staff.id or None, new.why.strip())
        return await self._tables(request)

    async def set_worth(self, request: web.Request) -> web.StreamResponse:
        await self._guard.staff(request, "plan")
        new = await read_json(request, NewWorth)
        await self._years.set_worth(request.match_info["lecture"], new.hours)
        return web.Response(status=204)

    async def _tables(self, request: web.Request) -> web.StreamResponse:
        spoken = language(request)
        versions = [_version(one, spoken) for one in await self._years.tables()]
        return json_answer({**versions[-1], "versions": versions})

    def _year(self, request: web.Request) -> int:
        """The present one where none is asked for."""
        asked = request.query.get("year", "")
        if not asked:
            return self._years.now
        if not (asked.isascii() and asked.isdigit() and len(asked) == 4):
            raise UserError("bad-year", asked[:10])
        return int(asked)


class Doorman(Protocol):
    async def read(self, ticket: str) -> admission.Entry: ...


class Mine(msgspec.Struct, forbid_unknown_fields=True):
    ticket: Ticket


class OwnYearHandlers:
    """A member's own sum, by their link."""

    def __init__(self, doorman: Doorman, years: Years, turnstile: Turnstile) -> None:
        self._doorman = doorman
        self._years = years
        self._turnstile = turnstile

    def routes(self) -> list[web.RouteDef]:
        return [web.post("/api/record/year", problems(self.show))]

    async def show(self, request: web.Request) -> web.StreamResponse:
        body = await read_json(request, Mine)
        try:
            with self._turnstile.passing():
                invitation = (await self._doorman.read(body.ticket)).invitation
        except Refused as refused:
            return refusal_response(request, refused)
        own = await self._years.sum(invitation.member.id) if rights(invitation.role).counted else None
        if own is None:
            raise UserError("role-may-not")
        told = {"hours": None if own.hours is None else own.hours / WHOLE, "target": own.target / WHOLE}
        return json_answer({**msgspec.structs.asdict(own), **told})


def shown(found: Year, pending: int, spoken: Language) -> dict[str, Any]:
    return {
        "year": found.year,
        "scope": " / ".join(found.scope),
        "pending": pending,
        "version": found.version,
        "sentence": table_sentence(found.table, spoken),
        "lectures": [_lecture(one) for one in found.lectures],
        "branches": [_branch(one) for one in found.branches],
        "members": [_member(one) for one in found.members],
    }


def _lecture(one: Held) -> LectureView:
    made = one.outcomes
    return LectureView(
        id=one.id,
        title=one.title,
        started=moment(one.started),
        minutes=hours.minutes(one.ended - one.started),
        hours=one.worth / WHOLE,
        by_hand=one.by_hand,
        row=made.stamp.row,
        hash=made.stamp.hash.hex(),
        signature=None if made.head is None else made.head.signature.hex(),
        broken=made.broken,
    )


def _branch(one: BranchYear) -> BranchView:
    progress = None if one.progress is None else round(one.progress, 4)
    return BranchView(" / ".join(one.branch), one.members, one.reached, one.not_measured, progress)


def _member(one: MemberYear) -> MemberView:
    member, counts = one.member, one.counts
    return MemberView(
        id=member.id,
        name=member.name,
        branch=" / ".join(member.branch),
        phone=member.phone,
        kind=member.kind.value,
        left=member.left,
        hours=one.hours / WHOLE if one.measured else None,
        target=one.target / WHOLE,
        progress=round(one.progress, 4) if one.measured else None,
        invited=one.invited,
        present=counts.get(Verdict.PRESENT, 0),
        partly=sum(counts.get(verdict, 0) for verdict in PARTLY),
        excused=counts.get(Verdict.EXCUSED, 0),
        absent=counts.get(Verdict.ABSENT, 0),
        not_measured=counts.get(Verdict.NOT_MEASURED, 0),
    )


def _entry(lecture: Held, entry: Entry) -> EntryView:
    outcome = entry.outcome
    return EntryView(
        lecture=lecture.id,
        title=lecture.title,
        started=moment(lecture.started),
        worth=lecture.worth / WHOLE,
        verdict=outcome.verdict.value,
        by_hand=outcome.by_hand,
        hours=None if entry.hours is None else entry.hours / WHOLE,
        credited_seconds=_seconds(outcome.credited),
        denominator_seconds=_seconds(outcome.denominator),
    )


def _seconds(time: int | None) -> float | None:
    return None if time is None else round(time / 1_000) / 1_000


def _version(one: HoursVersion, spoken: Language) -> dict[str, Any]:
    return {
        "version": one.version,
        "table": one.table,
        "sentence": table_sentence(one.table, spoken),
        "at": moment(one.at),
        "by": one.by,
        "why": one.why,
    }
