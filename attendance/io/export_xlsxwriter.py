"""The report as a workbook: what an organizer hands to their superior."""

from __future__ import annotations

import datetime
import io
from collections.abc import Sequence
from typing import Any

import xlsxwriter

from attendance.interval import Span
from attendance.report import Line, Report, seconds
from attendance.words import Language, meaning, notes, result, word

CREATED = datetime.datetime(2000, 1, 1)  # noqa: DTZ001 (xlsxwriter wants it naive; any fixed date keeps the bytes)
DAY = 86_400_000_000
"""µs; a spreadsheet's unit of time."""

MEMBERS = (
    ("branch", 32), ("name", 12), ("role", 8), ("phone", 14), ("result", 10), ("first_join", 27), ("last_leave", 27),
    ("receiving", 11), ("credited", 11), ("denominator", 11), ("share", 10), ("connected", 11), ("visible", 13),
    ("on_stage", 11), ("failed", 13),
)  # fmt: skip
INTERVALS = (
    ("branch", 32), ("name", 12), ("kind", 12), ("evidence", 18), ("from", 31), ("to", 31), ("duration", 11),
    ("opened_by", 18), ("closed_by", 24), ("uncertainty", 14),
)  # fmt: skip
SUMMARY = (
    ("branch", 44), ("invited", 9), ("attended", 9), ("absent", 9), ("not_measured", 13), ("share", 10),
)  # fmt: skip


def write(report: Report, language: Language = "zh") -> bytes:
    """The same report and language always give the same bytes."""
    file = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    with xlsxwriter.Workbook(file, options) as book:
        book.set_properties({"title": report.title, "created": CREATED})
        writer = _Writer(book, report, language)
        writer.summary()
        writer.members()
        writer.intervals()
        writer.notes()
    return file.getvalue()


class _Writer:
    """Writes cells by their kind: text, a count, a share, or a duration, where None is *not measured*."""

    def __init__(self, book: Any, report: Report, language: Language) -> None:
        self._book = book
        self._report = report
        self._language = language
        self._bold = book.add_format({"bold": True, "bg_color": "#F2F2F2", "bottom": 1, "text_wrap": True})
        self._share = book.add_format({"num_format": "0.0%"})
        self._duration = book.add_format({"num_format": "[h]:mm:ss"})
        self._unknown = book.add_format({"font_color": "#9C5700", "align": "right"})
        self._wrap = book.add_format({"text_wrap": True, "valign": "top"})

    def summary(self) -> None:
        """One line for everything, then one for each branch with all below it, indented."""
        sheet = self._sheet("summary", SUMMARY)
        top = len(self._report.scope)
        indents: dict[int, Any] = {}
        for row, line in enumerate(self._report.branches(), start=1):
            path = " / ".join(line.branch) or self._word("total")
            depth = len(line.branch) - top
            indents[depth] = indents.get(depth) or self._book.add_format({"indent": depth})
            sheet.write_string(row, 0, path, indents[depth])
            for column, count in enumerate((line.invited, line.attended, line.absent, line.not_measured), start=1):
                sheet.write_number(row, column, count)
            self._write_share(sheet, row, 5, line.share)

    def members(self) -> None:
        sheet = self._sheet("members", MEMBERS)
        for row, line in enumerate(self._report.lines, start=1):
            self._member(sheet, row, line)
        sheet.autofilter(0, 0, len(self._report.lines), len(MEMBERS) - 1)

    def intervals(self) -> None:
        sheet = self._sheet("intervals", INTERVALS)
        row = 0
        for line in self._report.lines:
            for session in line.account.sessions:
                row += 1
                self._interval(
                    sheet, row, line, session.kind.value, session.evidence, Span(session.start, session.end),
                    (session.opened_by, session.closed_by), session.uncertainty,
                )  # fmt: skip
            for span in line.account.bridged:
                row += 1
                self._interval(sheet, row, line, self._word("bridged"), "", span, ("", ""), None)
        sheet.autofilter(0, 0, row, len(INTERVALS) - 1)

    def notes(self) -> None:
        report = self._report
        sheet = self._sheet("notes", (("lecture", 20),), freeze=False)
        sheet.set_column(1, 3, 34)
        sheet.write_string(0, 1, report.title, self._bold)
        broken = report.broken
        check = self._word("intact") if broken is None else self._word("bad_row").format(
            row=broken.row, reason=broken.reason
        )  # fmt: skip
        facts = [
            ("started", self._time(report.started)),
            ("ended", self._time(report.ended)),
            ("scope", " / ".join(report.scope) or self._word("everything")),
            ("zone", self._word("local")),
            ("rows", str(report.row)),
            ("hash", report.hash.hex()),
            ("signature", "" if report.head is None else report.head.signature.hex()),
            ("broken", check),
        ]
        row = 0
        for row, (key, text) in enumerate(facts, start=1):
            sheet.write_string(row, 0, self._word(key))
            sheet.write_string(row, 1, text)
        row += 1
        lost = [("outage", Span(one.start, one.end), meaning(one.cause, self._language)) for one in report.outages]
        for key, span, cause in [*lost, *(("silent", span, "") for span in report.silent)]:
            row += 1
            self._texts(sheet, row, [self._word(key), self._time(span.start), self._time(span.end), cause])
        row += 1
        for note in notes(self._language):
            row += 1
            sheet.merge_range(row, 0, row, 3, "", self._wrap)
            sheet.write_string(row, 0, note, self._wrap)
            sheet.set_row(row, 32)

    # --- lines and cells --------------------------------------------------------------------------------------------

    def _member(self, sheet: Any, row: int, line: Line) -> None:
        member, account = line.invitation.member, line.account
        first, last = self._time(account.first_join), self._time(account.last_leave)
        role = meaning(line.invitation.role, self._language)
        texts = [" / ".join(member.branch), member.name, role, member.phone or "", result(account, self._language)]
        self._texts(sheet, row, [*texts, first, last])
        self._write_duration(sheet, row, 7, account.receiving)
        self._write_duration(sheet, row, 8, account.credited)
        self._write_duration(sheet, row, 9, account.denominator)
        self._write_share(sheet, row, 10, account.share)
        self._write_duration(sheet, row, 11, account.connected)
        self._write_duration(sheet, row, 12, account.visible)
        self._write_duration(sheet, row, 13, account.on_stage)
        sheet.write_number(row, 14, len(account.failed))

    def _interval(
        self, sheet: Any, row: int, line: Line, kind: str, evidence: str, span: Span, edges: tuple[str, str],
        uncertainty: int | None,
    ) -> None:  # fmt: skip
        member = line.invitation.member
        opened, closed = (meaning(edge, self._language) for edge in edges)
        words = [meaning(kind, self._language), meaning(evidence, self._language)]
        self._texts(
            sheet, row, [" / ".join(member.branch), member.name, *words, self._time(span.start), self._time(span.end)]
        )
        self._write_duration(sheet, row, 6, span.end - span.start)
        sheet.write_string(row, 7, opened)
        sheet.write_string(row, 8, closed)
        if uncertainty is not None:
            sheet.write_number(row, 9, seconds(uncertainty))

    def _sheet(self, name: str, columns: Sequence[tuple[str, int]], freeze: bool = True) -> Any:
        sheet = self._book.add_worksheet(self._word(name))
        for column, (key, width) in enumerate(columns):
            sheet.set_column(column, column, width)
            sheet.write_string(0, column, self._word(key), self._bold)
        if freeze:
            sheet.freeze_panes(1, 0)
        return sheet

    def _texts(self, sheet: Any, row: int, texts: Sequence[str]) -> None:
        for column, text in enumerate(texts):
            sheet.write_string(row, column, text)

    def _write_duration(self, sheet: Any, row: int, column: int, time: int | None) -> None:
        if time is None:
            sheet.write_string(row, column, self._word("not_measured"), self._unknown)
        else:
            sheet.write_number(row, column, time / DAY, self._duration)

    def _write_share(self, sheet: Any, row: int, column: int, share: float | None) -> None:
        if share is None:
            sheet.write_string(row, column, self._word("not_measured"), self._unknown)
        else:
            sheet.write_number(row, column, share, self._share)

    def _time(self, time: int | None) -> str:
        return (self._report.iso(time) or "").replace("T", " ")

    def _word(self, key: str) -> str:
        return word(key, self._language)
