"""Reports and checks of a lecture's ledger, for the office."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from typing import Protocol

import msgspec

from attendance.audit import audit
from attendance.book.tables import tables
from attendance.comparison import Compared, Rows, compare
from attendance.effect import Effect, effect
from attendance.errors import LedgerBroken, SheetError
from attendance.export_check import outcome
from attendance.facts import Rule
from attendance.past import reading_at
from attendance.ports import Ledger, Notary
from attendance.report import LedgerReader, Reading, Report, compose, people
from attendance.roster import ERASED, BranchPath, Invitation
from attendance.rule import RuleBook
from attendance.seal import Exported
from attendance.site import Site
from attendance.words import word
from classroom.errors import UserError
from classroom.io.garbage_gc import Uncollected
from classroom.office import Aside, LectureRow, moment
from classroom.ports import Encoding, ExportChecked, ExportFormat, Language, Verified

Writer = Callable[[Report, Language], bytes]
KEPT = 4
"""Lectures whose facts stay in memory from one report to the next: some 20 MB each."""
KEPT_REPORTS = 8
"""Reports that are used again while their ledger, roster and scope are the same: some 5 MB each."""


class Names(Protocol):
    async def of(self, lecture: str, people: Collection[str]) -> dict[str, str]: ...


class Reasons(Protocol):
    async def reasons(self, lecture: str) -> dict[str, str]: ...


class LedgerReports:
    """Implements `classroom.office.Reports`. Reading the ledger shares the loop page by page, and reads only what came
    since the last report of that lecture; reckoning and writing go aside. No collection of garbage holds the loop up
    meanwhile (`garbage_gc`). An export reads all of it again."""

    def __init__(self, ledger: Ledger, notary: Notary | None, aside: Aside, names: Names, reasons: Reasons) -> None:
        self._ledger = ledger
        self._notary = notary
        self._aside = aside
        self._reports: OrderedDict[tuple[str, BranchPath], tuple[tuple[object, ...], Report]] = OrderedDict()
        self._names = names
        self._reasons = reasons
        self._uncollected = Uncollected()
        self._readers: OrderedDict[str, tuple[LedgerReader, asyncio.Lock]] = OrderedDict()

    async def export(
        self,
        lecture: LectureRow,
        invitations: Sequence[Invitation],
        form: ExportFormat,
        scope: BranchPath,
        language: Language,
        encoding: Encoding = "utf-8",
        sites: Sequence[Site] = (),
    ) -> bytes:
        """Of the whole ledger, read and checked from its first row: what was read before it was tampered with does not
        stand for it."""
        with self._uncollected.while_busy():
            self._readers.pop(lecture.id, None)
            report = await self.report(lecture, invitations, scope, sites)
            return await self._aside.run(partial(_write, form, report, language, encoding))

    async def report(
        self, lecture: LectureRow, invitations: Sequence[Invitation], scope: BranchPath, sites: Sequence[Site] = ()
    ) -> Report:
        """The one of before where nothing that it is made of has changed."""
        reader, lock = self._reader(lecture.id)
        with self._uncollected.while_busy():
            async with lock:  # the reading grows with the next one: nobody else may read while it is reckoned with
                reading = await reader.read()
                names = await self._names.of(lecture.id, people(reading.presence))
                reasons = await self._reasons.reasons(lecture.id)
                head = (reading.row, reading.hash, reading.head, reading.broken)
                made_of = (lecture.title, *head, list(invitations), names, reasons, list(sites))
                known = self._reports.pop((lecture.id, scope), None)
                if known is None or known[0] != made_of:
                    work = partial(_reckon, reading, lecture.title, invitations, scope, names, reasons, sites)
                    known = made_of, await self._aside.run(work)
                self._reports[lecture.id, scope] = known
                while len(self._reports) > KEPT_REPORTS:
                    self._reports.popitem(last=False)
        return known[1]

    async def rules(self, lecture: str) -> RuleBook:
        reader, lock = self._reader(lecture)
        async with lock:
            return (await reader.read()).presence.rules

    async def effect(self, lecture: str, invitations: Sequence[Invitation], before: Rule, after: Rule) -> Effect:
        """What another rule would make of what is known of a lecture."""
        reader, lock = self._reader(lecture)
        async with lock:
            presence = (await reader.read()).presence
            return await self._aside.run(partial(effect, presence, invitations, before, after))

    def _reader(self, lecture: str) -> tuple[LedgerReader, asyncio.Lock]:
        found = self._readers.get(lecture)
        if found is None:
            found = self._readers[lecture] = LedgerReader(self._ledger, self._notary, lecture), asyncio.Lock()
        self._readers.move_to_end(lecture)
        while len(self._readers) > KEPT:
            self._readers.popitem(last=False)
        return found

    async def verify(self, lecture: str) -> Verified:
        try:
            rows = await audit(self._ledger, self._notary, lecture)
        except LedgerBroken as broken:
            rows, _ = await self._ledger.last(lecture)
            return Verified(rows, ok=False, bad_row=broken.row, reason=broken.reason)
        return Verified(rows, ok=True)

    async def read_export(self, name: str, body: bytes) -> Exported:
        try:
            return await self._aside.run(partial(_read, name, body))
        except SheetError as error:
            raise UserError(f"sheet-{error.reason}", error.detail) from error

    async def check(
        self,
        lecture: LectureRow,
        invitations: Sequence[Invitation],
        exported: Exported,
        body: bytes,
        language: Language,
        sites: Sequence[Site] = (),
    ) -> ExportChecked:
        seal = exported.seal
        with self._uncollected.while_busy():
            reading = await reading_at(self._ledger, self._notary, lecture.id, seal.row)
            then = msgspec.structs.replace(reading, hash=seal.hash, head=seal.head, row=seal.row)
            names = await self._names.of(lecture.id, people(reading.presence))
            reasons = await self._reasons.reasons(lecture.id)
            work = partial(_compared, then, lecture.title, invitations, exported, body, names, reasons, sites)
            report, compared, identical = await self._aside.run(work)
        key = None if self._notary is None else self._notary.public
        found = outcome(seal, reading, report, compared, key, language)
        return ExportChecked(
            lecture=lecture.id,
            title=lecture.title,
            row=seal.row,
            signed_at=moment(seal.at),
            rule=seal.rule,
            scope=" / ".join(seal.scope),
            ok=not found.against,
            identical=identical,
            against=found.against,
            notes=found.notes,
        )


def _read(name: str, body: bytes) -> Exported:
    from attendance.io.export_reader import read

    return read(body, name)


def _compared(
    then: Reading,
    title: str,
    invitations: Sequence[Invitation],
    exported: Exported,
    body: bytes,
    names: Mapping[str, str],
    reasons: Mapping[str, str],
    sites: Sequence[Site],
) -> tuple[Report, Compared, bool]:
    """The report of then, made and written again, and how the file differs from it."""
    seal = exported.seal
    report = compose(then, title, invitations, scope=seal.scope, names=names, reasons=reasons, sites=sites)
    again = _write(exported.form, report, seal.language)
    if body in (again, _write("csv", report, seal.language, "gb18030") if exported.form == "csv" else again):
        return report, Compared(), True
    by = {
        word(table.name, seal.language): [word(key, seal.language) for key in table.by]
        for table in tables(report, seal.language)
    }
    if exported.form == "csv":
        by = {"": by[word("members", seal.language)]}
    file: Mapping[str, Rows] = exported.sheets
    ledger: Mapping[str, Rows] = _read("", again).sheets
    gone = {line.invitation.member.id for line in report.lines if line.invitation.member.name == ERASED}
    if gone:
        cities = word("by_city", seal.language)
        file, ledger = _untold(file, gone, cities), _untold(ledger, gone, cities)
    return report, compare(file, ledger, by, ERASED), False


def _untold(sheets: Mapping[str, Rows], gone: Collection[str], cities: str) -> dict[str, Rows]:
    """Without what nobody can tell any more of who was erased: how many lived in a city, and in a document the number
    and the city of each of them."""
    places = {f"members › {member} › {field}" for member in gone for field in ("phone", "city")}
    kept = ((title, rows) for title, rows in sheets.items() if title != cities)
    return {title: [row for row in rows if not row or row[0] not in places] for title, rows in kept}


def _reckon(
    reading: Reading,
    title: str,
    invitations: Sequence[Invitation],
    scope: BranchPath,
    names: Mapping[str, str],
    reasons: Mapping[str, str],
    sites: Sequence[Site],
) -> Report:
    return compose(reading, title, invitations, scope=scope, names=names, reasons=reasons, sites=sites)


def _write(form: ExportFormat, report: Report, language: Language, encoding: Encoding = "utf-8") -> bytes:
    if form == "csv":
        from attendance.io import export_csv

        return export_csv.write(report, language, encoding)
    return _WRITERS[form]()(report, language)


def _xlsx() -> Writer:
    from attendance.io.export_xlsxwriter import write  # a tenth of a second, which only exports spend

    return write


def _json() -> Writer:
    from attendance.io.export_json import write

    return write


def _html() -> Writer:
    from attendance.io.export_html import write

    return write


_WRITERS: dict[str, Callable[[], Writer]] = {"xlsx": _xlsx, "json": _json, "html": _html}
