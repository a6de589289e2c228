"""The report as a workbook: what an organizer hands to their superior, on the screen and on paper."""

from __future__ import annotations

import datetime
import io
import math
from typing import Any

import xlsxwriter

from attendance.book.table import Cell, Indented, Kind, Of, Table
from attendance.book.tables import tables
from attendance.report import Report
from attendance.words import Language, word

CREATED = datetime.datetime(2000, 1, 1)  # noqa: DTZ001 (xlsxwriter wants it naive; any fixed date keeps the bytes)
DAY = 86_400_000_000
"""µs; a spreadsheet's unit of time."""
A4 = 9
TITLE_PRINTED = 60
"""Characters of the title in the header of a page; a header holds 255."""
WIDE = 1.8
"""How much wider a Chinese character is than a digit, which is what a column's width counts."""
LINE = 15
"""Points."""
FORMATS: dict[Kind, dict[str, Any]] = {
    Kind.TEXT: {},
    Kind.WRAPPED: {"text_wrap": True, "align": "left", "indent": 1},
    Kind.COUNT: {"align": "center"},
    Kind.NUMBER: {},
    Kind.DURATION: {"num_format": "[h]:mm:ss"},
    Kind.SHARE: {"num_format": "0.0%"},
    Kind.TIME: {"indent": 1},
    Kind.INSTANT: {"indent": 1},
}
UNKNOWN = frozenset({Kind.DURATION, Kind.SHARE})


def write(report: Report, language: Language = "zh") -> bytes:
    """The same report and language always give the same bytes."""
    file = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    with xlsxwriter.Workbook(file, options) as book:
        book.set_properties({"title": report.title, "created": CREATED})
        writer = _Writer(book, report, language)
        for table in tables(report, language):
            writer.add(table)
    return file.getvalue()


class _Writer:
    """Writes cells by their kind; a duration or share that is None is *not measured*, and never 0."""

    def __init__(self, book: Any, report: Report, language: Language) -> None:
        self._book = book
        self._report = report
        self._not_measured = word("not_measured", language)
        self._language = language
        self._heading = book.add_format(
            {"bold": True, "bg_color": "#F2F2F2", "bottom": 1, "text_wrap": True, "valign": "vcenter"}
        )
        self._unknown = book.add_format({"font_color": "#9C5700", "align": "right", "valign": "top"})
        self._formats = {kind: book.add_format({"valign": "top", **form}) for kind, form in FORMATS.items()}
        self._left = {
            kind: book.add_format({"valign": "top", **form, "align": "left", "indent": 0})
            for kind, form in FORMATS.items()
        }
        self._indents: dict[int, Any] = {}

    def add(self, table: Table) -> None:
        sheet = self._book.add_worksheet(word(table.name, self._language))
        for number, column in enumerate(table.columns):
            sheet.set_column(number, number, column.width)
            sheet.write_string(0, number, word(column.key, self._language), self._heading)
        sheet.freeze_panes(1, 0)
        kinds = [column.kind for column in table.columns]
        wrapped = [(number, column.width) for number, column in enumerate(table.columns) if column.kind is Kind.WRAPPED]
        for row, cells in enumerate(table.rows, start=1):
            for number, (kind, cell) in enumerate(zip(kinds, cells, strict=True)):
                self._write(sheet, row, number, kind, cell)
            lines = max((_lines(cells[number], width) for number, width in wrapped), default=1)
            if lines > 1:  # not every program does it by itself
                sheet.set_row(row, lines * LINE)
        if table.filtered:
            sheet.autofilter(0, 0, len(table.rows), len(table.columns) - 1)
        self._paper(sheet, table)

    def _paper(self, sheet: Any, table: Table) -> None:
        """A4, as wide as one page and as long as it takes, headings on each."""
        sheet.set_paper(A4)
        if not table.portrait:
            sheet.set_landscape()
        sheet.set_margins(left=0.4, right=0.4, top=0.6, bottom=0.6)
        sheet.fit_to_pages(1, 0)
        sheet.repeat_rows(0)
        sheet.print_area(0, 0, len(table.rows), (table.printed or len(table.columns)) - 1)
        title = self._report.title.replace("&", "&&")[:TITLE_PRINTED]
        sheet.set_header(f"&L{title}&R&A", {"margin": 0.3})
        sheet.set_footer("&C&P / &N", {"margin": 0.3})

    def _write(self, sheet: Any, row: int, number: int, kind: Kind, cell: Cell) -> None:
        form = self._formats[kind]
        if isinstance(cell, Of):
            kind, cell = cell
            form = self._left[kind]
        if isinstance(cell, Indented):
            indent = self._indents.get(cell.depth)
            if indent is None:
                indent = self._indents[cell.depth] = self._book.add_format({"indent": cell.depth, "valign": "top"})
            sheet.write_string(row, number, cell.text, indent)
        elif isinstance(cell, str):
            if cell:
                sheet.write_string(row, number, cell, form)
        elif cell is None:
            if kind in UNKNOWN:
                sheet.write_string(row, number, self._not_measured, self._unknown)
        elif kind is Kind.TIME or kind is Kind.INSTANT:
            sheet.write_string(row, number, self._time(int(cell), kind), form)
        else:
            value = cell / DAY if kind is Kind.DURATION else cell
            sheet.write_number(row, number, value, form)

    def _time(self, time: int, kind: Kind) -> str:
        text = self._report.exact(time) if kind is Kind.INSTANT else self._report.iso(time)
        return (text or "").replace("T", " ")


def _lines(cell: Cell, width: int) -> int:
    """How many lines a text takes in a column, about."""
    if not isinstance(cell, str):
        return 1
    room = width - 1.5
    return sum(max(1, math.ceil(sum(WIDE if one > "\xff" else 1 for one in line) / room)) for line in cell.split("\n"))
