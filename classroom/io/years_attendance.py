"""The year over the ledgers: outcomes kept for each lecture that is over, made anew where they are not of now."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Collection, Sequence
from functools import partial
from typing import Protocol

import msgspec

from attendance import hours, year
from attendance.errors import StoreUnavailable
from attendance.hours import BadHours, HoursTable
from attendance.io.year_sqlalchemy import HoursVersion, YearStore, decode
from attendance.ports import Clock, Ledger, Notary
from attendance.report import LedgerReader, Reading, compose
from attendance.roster import BranchPath, Invitation, Listed
from attendance.verdict import Verdict
from attendance.year import Held, MemberYear, Outcomes, Participant, Year
from classroom.errors import UserError
from classroom.office import Aside, LectureRow, Lectures
from classroom.ports import Language
from classroom.room.lecture import OVER

EVERY = 300.0
"""Seconds from one look at what is to be made anew to the next, so that whoever asks seldom waits."""
PAUSE = 0.2
"""Seconds between two lectures that nobody waits for."""
PATIENCE = 3.0
"""Seconds for which an answer waits; what is not made anew by then is said to be pending."""
LONG_PATIENCE = 240.0
"""The same of a file, which says all or nothing: a hundred lectures that were never reckoned take about a minute."""
FRESH = 60.0
WHY_LENGTH = 200
FIRST, LAST = 2000, 2199
"""Years that may be asked for."""

_log = logging.getLogger(__name__)


class Sum(msgspec.Struct, frozen=True):
    """One member's year. `hours` and `target` in hundredths, `hours` None: nothing could be measured. `pending`:
    lectures that are not reckoned yet."""

    year: int
    hours: int | None
    target: int
    invited: int
    present: int
    not_measured: int
    pending: int


class Roster(Protocol):
    async def invitations(self, lecture: str, scope: BranchPath = ()) -> list[Invitation]: ...

    async def people(self, scope: BranchPath = ()) -> list[Listed]: ...


class Staff(Protocol):
    async def names(self, chosen: Collection[str]) -> dict[str, str]: ...


class Years:
    """Reading a ledger shares the loop page by page; all else that takes CPU goes aside. Somebody must own `run()`
    where years are to be at hand; without it they are made when they are asked for. Every method raises
    `StoreUnavailable`."""

    def __init__(
        self,
        ledger: Ledger,
        notary: Notary | None,
        lectures: Lectures,
        roster: Roster,
        staff: Staff,
        store: YearStore,
        aside: Aside,
        clock: Clock,
    ) -> None:
        self._ledger = ledger
        self._notary = notary
        self._lectures = lectures
        self._roster = roster
        self._staff = staff
        self._store = store
        self._aside = aside
        self._clock = clock
        self._one = asyncio.Lock()
        self._summing = asyncio.Lock()
        self._sums: tuple[int, float, dict[str, Sum]] | None = None

    # --- years -----------------------------------------------------------------------------------------------------

    @property
    def now(self) -> int:
        """The year that it is, in China."""
        return year.year_of(self._clock.now())

    async def year(self, chosen: int, scope: BranchPath = (), patience: float = PATIENCE) -> tuple[Year, int]:
        """And how many of its lectures are not reckoned yet, and therefore not in it."""
        chosen = _fit(chosen)
        rows = await self._of(chosen)
        pending = await self._renew(rows, patience)
        bodies = await self._store.kept([row.id for row in rows])
        version = (await self._store.versions())[-1]
        worths = await self._store.worths()
        people = await self._roster.people(scope)
        work = partial(_compose, chosen, scope, version, rows, bodies, worths, people)
        return await self._aside.run(work), pending

    async def member(self, chosen: int, member: str, scope: BranchPath = ()) -> tuple[Year, MemberYear]:
        """Raises `UserError("no-such-member")` where nobody within `scope` is called so."""
        found, _ = await self.year(chosen, scope)
        for one in found.members:
            if one.member.id == member:
                return found, one
        raise UserError("no-such-member", member[:64])

    async def export(
        self, chosen: int, scope: BranchPath = (), language: Language = "zh", anew: bool = False
    ) -> bytes:  # fmt: skip
        """The year as a workbook, whole. `anew`: from the ledgers, whatever is kept. Raises `UserError("year-pending")`
        where that takes too long, and `UserError("no-such-branch")` where nobody is in `scope`."""
        chosen = _fit(chosen)
        if anew:
            for row in await self._of(chosen):
                async with self._one:
                    await self._make(row)
        found, pending = await self.year(chosen, scope, LONG_PATIENCE)
        if pending:
            raise UserError("year-pending", str(pending))
        if scope and not found.members:
            raise UserError("no-such-branch", " / ".join(scope))
        versions = await self.tables()
        return await self._aside.run(partial(_write, found, versions, language))

    async def sum(self, member: str) -> Sum | None:
        """A member's own, in the present year; None: nobody on the roster is called so. A thousand ask at the end of a
        lecture: everybody's are reckoned at once, and told for `FRESH` seconds."""
        async with self._summing:
            chosen, now = self.now, time.monotonic()
            if self._sums is None or self._sums[0] != chosen or now - self._sums[1] > FRESH:
                found, pending = await self.year(chosen)
                self._sums = chosen, now, await self._aside.run(partial(_sums, found, pending))
            return self._sums[2].get(member)

    # --- the table of hours ----------------------------------------------------------------------------------------

    async def tables(self) -> list[HoursVersion]:
        """All versions, the last one holds; `by` is the name of who made each, as far as anybody knows it."""
        versions = await self._store.versions()
        authors = {one.by for one in versions if one.by is not None}
        names = await self._staff.names(authors) if authors else {}
        return [msgspec.structs.replace(one, by=names.get(one.by, one.by)) if one.by else one for one in versions]

    async def set_table(self, version: int, table: HoursTable, by: str | None, why: str) -> None:
        """Makes the next version of what is `version` now. Raises `UserError`."""
        try:
            hours.check(table)
        except BadHours as error:
            raise UserError(f"hours-{error.reason}") from error
        if not 0 < len(why) <= WHY_LENGTH:
            raise UserError("hours-reason")
        current = (await self._store.versions())[-1]
        made = HoursVersion(version + 1, self._clock.now(), by, why, table)
        if version != current.version or not await self._store.add_version(made):
            raise UserError("hours-changed")

    async def set_worth(self, lecture: str, worth: float | None) -> None:
        """Of one lecture, in hours; None: by the table. Raises `UserError`."""
        if await self._lectures.get(lecture) is None:
            raise UserError("no-such-lecture", lecture[:64])
        if worth is not None and not (0 <= worth <= 24 and abs(worth * 100 - hours.hundredths(worth)) < 1e-6):
            raise UserError("hours-worth")
        await self._store.set_worth(lecture, None if worth is None else hours.hundredths(worth))

    # --- outcomes --------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Makes anew what is not of now, while nobody waits for it."""
        while True:
            try:
                for row in await self._stale(await self._over()):
                    async with self._one:
                        if await self._stale([row]):
                            await self._make(row)
                    await asyncio.sleep(PAUSE)
            except (StoreUnavailable, OSError) as error:
                _log.warning("outcomes are reckoned later: %s", error)
            except UserError as error:
                _log.info("outcomes are reckoned later: %s", error)
            await asyncio.sleep(EVERY)

    async def _renew(self, rows: Sequence[LectureRow], patience: float) -> int:
        """Answers how many are left when the time is over; the one under way is waited for."""
        until = time.monotonic() + patience
        left = await self._stale(rows)
        while left and time.monotonic() < until:
            async with self._one:
                if await self._stale(left[:1]):
                    await self._make(left[0])
            left = left[1:]
        return len(left)

    async def _make(self, row: LectureRow) -> None:
        reading = await LedgerReader(self._ledger, self._notary, row.id).read()
        invitations = await self._roster.invitations(row.id)
        made = await self._aside.run(partial(_outcomes, reading, row.title, invitations))
        await self._store.keep(made)

    async def _stale(self, rows: Sequence[LectureRow]) -> list[LectureRow]:
        if not rows:
            return []
        chosen = [row.id for row in rows]
        now, kept = await self._store.stamps(chosen), await self._store.kept_stamps(chosen)
        return [row for row in rows if row.id in now and now[row.id] != kept.get(row.id, (None, None))[0]]

    async def _over(self) -> list[LectureRow]:
        """The latest first."""
        return [row for row in await self._lectures.all() if row.state in OVER]

    async def _of(self, chosen: int) -> list[LectureRow]:
        """Lectures that began in a year, or were to, where that is not known yet."""
        over = await self._over()
        kept = await self._store.kept_stamps([row.id for row in over])

        def began(row: LectureRow) -> int:
            started = kept[row.id][1] if row.id in kept else None
            return started or row.starts or row.created

        return [row for row in over if year.year_of(began(row)) == chosen]


def _fit(chosen: int) -> int:
    if not FIRST <= chosen <= LAST:
        raise UserError("bad-year")
    return chosen


def _outcomes(reading: Reading, title: str, invitations: Sequence[Invitation]) -> Outcomes:
    return year.outcomes_of(compose(reading, title, invitations), len(invitations))


def _compose(
    chosen: int,
    scope: BranchPath,
    version: HoursVersion,
    rows: Sequence[LectureRow],
    bodies: Sequence[bytes],
    worths: dict[str, int],
    people: Sequence[Listed],
) -> Year:
    titles = {row.id: row.title for row in rows}
    found = [decode(body) for body in bodies]
    lectures: tuple[Held, ...] = year.held(
        chosen, version.table, [(titles[one.lecture], one) for one in found], worths
    )  # fmt: skip
    participants = [
        Participant(one.id, one.name, one.branch, one.phone, hours.kind_of(one.extra), one.left is not None)
        for one in people
        if one.branch  # lecturers, hosts and guests of no branch owe nobody hours
    ]
    return year.compose_year(chosen, scope, version.table, version.version, lectures, participants)


def _sums(found: Year, pending: int) -> dict[str, Sum]:
    return {
        one.member.id: Sum(
            year=found.year,
            hours=one.hours if one.measured else None,
            target=one.target,
            invited=one.invited,
            present=one.counts.get(Verdict.PRESENT, 0),
            not_measured=one.counts.get(Verdict.NOT_MEASURED, 0),
            pending=pending,
        )
        for one in found.members
    }


def _write(found: Year, versions: Sequence[HoursVersion], language: Language) -> bytes:
    from attendance.io import year_xlsxwriter  # a tenth of a second, which only exports spend

    return year_xlsxwriter.write(found, versions, language)
