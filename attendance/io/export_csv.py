"""The report as CSV: one line a person, for spreadsheets and other systems."""

from __future__ import annotations

import csv
import io
from typing import Literal

from attendance.book.people import members
from attendance.book.table import Cell, Column, Indented, Kind, Of
from attendance.report import Report, seconds
from attendance.seal import seal_of
from attendance.words import Language, word

_FORMULA = tuple("=+-@\t\r\n＝＋－＠")
"""What a spreadsheet may take for the beginning of a formula; Excel reads the full-width signs as such too."""


def write(report: Report, language: Language = "zh", encoding: Literal["utf-8", "gb18030"] = "utf-8") -> bytes:
    """UTF-8 with BOM (Excel needs it), or GB18030, which older programs expect and which has every character; CRLF.
    The same report and language always give the same bytes.

    Behind the lines of the people an empty one, and one with the seal (`attendance.seal`) in its second cell."""
    table = members(report, language)
    file = io.StringIO(newline="")
    writer = csv.writer(file, lineterminator="\r\n")
    writer.writerow(_heading(column, language) for column in table.columns)
    for cells in table.rows:
        writer.writerow(
            guard(_text(report, column.kind, cell, language)) for column, cell in zip(table.columns, cells, strict=True)
        )
    writer.writerow(())
    writer.writerow((word("seal", language), seal_of(report, language).text()))
    text = file.getvalue()
    return text.encode("gb18030") if encoding == "gb18030" else b"\xef\xbb\xbf" + text.encode()


def guard(text: str) -> str:
    """Text that no spreadsheet runs as a formula: one that could be gets a ' before it."""
    return "'" + text if text.startswith(_FORMULA) else text


def _heading(column: Column, language: Language) -> str:
    return word(column.key, language) + (word("seconds", language) if column.kind is Kind.DURATION else "")


def _text(report: Report, kind: Kind, cell: Cell, language: Language) -> str:
    if isinstance(cell, Of):
        kind, cell = cell
    if isinstance(cell, Indented):
        return cell.text
    if isinstance(cell, str):
        return cell
    if cell is None:
        return word("not_measured", language) if kind in (Kind.DURATION, Kind.SHARE) else ""
    if kind is Kind.TIME:
        return report.iso(int(cell)) or ""
    if kind is Kind.INSTANT:
        return report.exact(int(cell)) or ""
    if kind is Kind.DURATION:
        return f"{seconds(int(cell)):.3f}"
    return f"{cell:.4f}" if kind is Kind.SHARE else str(cell)
