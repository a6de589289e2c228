"""A year of lectures as a workbook: branches, members, each member in each lecture, and what all of it rests on."""

from __future__ import annotations

import datetime
import io
from collections.abc import Sequence
from typing import Any

import xlsxwriter

from attendance.hours import WHOLE, Kind, minutes, table_sentence
from attendance.io.year_sqlalchemy import HoursVersion
from attendance.report import CHINA, EPOCH
from attendance.verdict import Verdict
from attendance.words import Language, meaning
from attendance.year import Entry, Held, MemberYear, Year
from attendance.year_words import year_notes, year_word

CREATED = datetime.datetime(2000, 1, 1)  # noqa: DTZ001 (xlsxwriter wants it naive; any fixed date keeps the bytes)

BRANCHES = (("branch", 44), ("people", 9), ("reached", 9), ("progress", 11), ("unmeasured", 14))
MEMBERS = (
    ("branch", 32), ("name", 12), ("phone", 14), ("kind", 12), ("hours", 9), ("target", 9), ("progress", 10),
    ("lacking", 9), ("reached", 9), ("lectures", 9), ("present", 9), ("partly", 12), ("excused", 9), ("absent", 9),
    ("unmeasured", 12), ("left", 12),
)  # fmt: skip
LECTURES = (
    ("title", 36), ("started", 27), ("ended", 27), ("minutes", 9), ("hours", 9), ("hours_by", 12), ("rule", 10),
    ("row", 10), ("hash", 66), ("sealed", 27), ("signature", 40), ("check", 26), ("id", 16),
)  # fmt: skip
VERSIONS = (("version", 9), ("sentence", 100), ("since", 27), ("by", 16), ("why", 40))
PARTLY = (Verdict.LATE, Verdict.LEFT_EARLY, Verdict.INCOMPLETE)
FIRST_LECTURE = 4
"""Column of the first lecture in a sheet of members by lectures."""


def write(year: Year, versions: Sequence[HoursVersion], language: Language = "zh") -> bytes:
    """The same year, versions and language always give the same bytes. `versions`: of the table of hours."""
    file = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    with xlsxwriter.Workbook(file, options) as book:
        book.set_properties({"title": f"{year.year}", "created": CREATED})
        writer = _Writer(book, year, language)
        writer.branches()
        writer.members()
        writer.hours()
        writer.verdicts()
        writer.lectures()
        writer.table(versions)
    return file.getvalue()


class _Writer:
    def __init__(self, book: Any, year: Year, language: Language) -> None:
        self._book = book
        self._year = year
        self._language = language
        self._bold = book.add_format({"bold": True, "bg_color": "#F2F2F2", "bottom": 1, "text_wrap": True})
        self._share = book.add_format({"num_format": "0.0%"})
        self._unknown = book.add_format({"font_color": "#9C5700", "align": "right"})
        self._wrap = book.add_format({"text_wrap": True, "valign": "top"})

    def branches(self) -> None:
        """Worst first, below one line for everything."""
        sheet = self._sheet("branches", BRANCHES)
        for row, line in enumerate(self._year.branches, start=1):
            sheet.write_string(row, 0, " / ".join(line.branch) or self._word("total"))
            sheet.write_number(row, 1, line.members)
            sheet.write_number(row, 2, line.reached)
            if line.progress is None:
                self._unmeasured(sheet, row, 3)
            else:
                sheet.write_number(row, 3, line.progress, self._share)
            sheet.write_number(row, 4, line.not_measured)
        sheet.autofilter(0, 0, len(self._year.branches), len(BRANCHES) - 1)

    def members(self) -> None:
        sheet = self._sheet("members", MEMBERS)
        for row, one in enumerate(self._year.members, start=1):
            member, counts = one.member, one.counts
            kind = self._word("officer" if member.kind is Kind.OFFICER else "member")
            texts = (" / ".join(member.branch), member.name, member.phone or "", kind)
            for column, text in enumerate(texts):
                sheet.write_string(row, column, text)
            self._number(sheet, row, 5, one.target)
            if one.measured:
                self._number(sheet, row, 4, one.hours)
                sheet.write_number(row, 6, one.progress, self._share)
                self._number(sheet, row, 7, max(0, one.target - one.hours))
                sheet.write_string(row, 8, self._word("yes" if one.reached else "no"))
            else:
                for column in (4, 6, 7, 8):
                    self._unmeasured(sheet, row, column)
            partly = sum(counts.get(verdict, 0) for verdict in PARTLY)
            told = [counts.get(one, 0) for one in (Verdict.EXCUSED, Verdict.ABSENT, Verdict.NOT_MEASURED)]
            numbers = (one.invited, counts.get(Verdict.PRESENT, 0), partly, *told)
            for column, number in enumerate(numbers, start=9):
                sheet.write_number(row, column, number)
            sheet.write_string(row, 15, self._word("left_roster") if member.left else "")
        sheet.autofilter(0, 0, len(self._year.members), len(MEMBERS) - 1)
        sheet.freeze_panes(1, 2)

    def hours(self) -> None:
        """Members by lectures; empty: not invited."""

        def cell(sheet: Any, row: int, column: int, entry: Entry) -> None:
            if entry.hours is None:
                self._unmeasured(sheet, row, column)
            else:
                self._number(sheet, row, column, entry.hours)

        self._matrix("hours_sheet", cell)

    def verdicts(self) -> None:
        """The same, in words."""
        by_hand = self._word("by_hand")
        words = {verdict: meaning(verdict.value, self._language) for verdict in Verdict}

        def cell(sheet: Any, row: int, column: int, entry: Entry) -> None:
            said = words[entry.outcome.verdict]
            sheet.write_string(row, column, f"{said}{by_hand}" if entry.outcome.by_hand else said)

        self._matrix("verdicts_sheet", cell)

    def lectures(self) -> None:
        """Each with the signed head of the ledger that it was reckoned from."""
        sheet = self._sheet("lectures_sheet", LECTURES)
        for row, one in enumerate(self._year.lectures, start=1):
            made, head = one.outcomes, one.outcomes.head
            for column, text in ((0, one.title), (1, _time(one.started)), (2, _time(one.ended))):
                sheet.write_string(row, column, text)
            sheet.write_number(row, 3, minutes(one.ended - one.started))
            self._number(sheet, row, 4, one.worth)
            sheet.write_string(row, 5, self._word("set_by_hand" if one.by_hand else "by_table"))
            sheet.write_number(row, 6, made.rule)
            sheet.write_number(row, 7, made.stamp.row)
            sheet.write_string(row, 8, made.stamp.hash.hex())
            sheet.write_string(row, 9, "" if head is None else _time(head.at))
            sheet.write_string(row, 10, "" if head is None else head.signature.hex())
            check = self._word("intact") if made.broken is None else self._word("broken").format(row=made.broken)
            sheet.write_string(row, 11, check)
            sheet.write_string(row, 12, one.id)

    def table(self, versions: Sequence[HoursVersion]) -> None:
        """Every version of the table of hours, the last holds; then what the sheets mean."""
        sheet = self._sheet("table_sheet", VERSIONS)
        row = 0
        for row, one in enumerate(versions, start=1):
            sheet.write_number(row, 0, one.version)
            since = self._word("default") if one.at is None else _time(one.at)
            texts = (table_sentence(one.table, self._language), since, one.by or "", one.why)
            for column, text in enumerate(texts, start=1):
                sheet.write_string(row, column, text, self._wrap)
        scope = " / ".join(self._year.scope) or self._word("everything")
        said = (self._word("scope") + scope, self._word("held").format(version=self._year.version))
        for note in (*said, *year_notes(self._language)):
            row += 1 if row > len(versions) else 2
            sheet.merge_range(row, 0, row, 4, "", self._wrap)
            sheet.write_string(row, 0, note, self._wrap)

    # --- sheets and cells ------------------------------------------------------------------------------------------

    def _matrix(self, name: str, cell: Any) -> None:
        sheet = self._sheet(name, (("branch", 32), ("name", 12), ("hours", 9), ("target", 9)))
        columns = {one.id: column for column, one in enumerate(self._year.lectures, start=FIRST_LECTURE)}
        for one in self._year.lectures:
            sheet.set_column(columns[one.id], columns[one.id], 13)
            sheet.write_string(0, columns[one.id], _heading(one), self._bold)
        for row, member in enumerate(self._year.members, start=1):
            self._first(sheet, row, member)
            for entry in member.entries:
                cell(sheet, row, columns[entry.lecture], entry)
        sheet.freeze_panes(1, FIRST_LECTURE)
        sheet.autofilter(0, 0, len(self._year.members), FIRST_LECTURE - 1 + len(columns))

    def _first(self, sheet: Any, row: int, one: MemberYear) -> None:
        sheet.write_string(row, 0, " / ".join(one.member.branch))
        sheet.write_string(row, 1, one.member.name)
        if one.measured:
            self._number(sheet, row, 2, one.hours)
        else:
            self._unmeasured(sheet, row, 2)
        self._number(sheet, row, 3, one.target)

    def _unmeasured(self, sheet: Any, row: int, column: int) -> None:
        sheet.write_string(row, column, meaning("not-measured", self._language), self._unknown)

    def _number(self, sheet: Any, row: int, column: int, hundredths: int) -> None:
        sheet.write_number(row, column, hundredths / WHOLE)

    def _sheet(self, name: str, columns: Sequence[tuple[str, int]]) -> Any:
        sheet = self._book.add_worksheet(self._word(name))
        for column, (key, width) in enumerate(columns):
            sheet.set_column(column, column, width)
            sheet.write_string(0, column, self._word(key), self._bold)
        sheet.freeze_panes(1, 0)
        return sheet

    def _word(self, key: str) -> str:
        return year_word(key, self._language)


def _heading(lecture: Held) -> str:
    return f"{_time(lecture.started)[:10]} {lecture.title}"


def _time(time: int) -> str:
    """Local, with its offset, to the second."""
    moment = (EPOCH + datetime.timedelta(microseconds=time)).astimezone(CHINA)
    return moment.isoformat(" ", timespec="seconds")
