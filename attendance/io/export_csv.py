"""The report as CSV: one line a person, for spreadsheets and other systems."""

from __future__ import annotations

import csv
import io

from attendance.report import Line, Report, seconds
from attendance.words import Language, meaning, result, word

COLUMNS = (
    "branch", "name", "role", "phone", "result", "first_join", "last_leave", "receiving", "credited", "denominator",
    "share", "connected", "visible", "on_stage", "failed",
)  # fmt: skip
_SECONDS = frozenset({"receiving", "credited", "denominator", "connected", "visible", "on_stage"})
_FORMULA = tuple("=+-@\t\r\n＝＋－＠")
"""What a spreadsheet may take for the beginning of a formula; Excel reads the full-width signs as such too."""


def write(report: Report, language: Language = "zh") -> bytes:
    """UTF-8 with BOM (Excel needs it), CRLF. The same report and language always give the same bytes."""
    file = io.StringIO(newline="")
    writer = csv.writer(file, lineterminator="\r\n")
    writer.writerow(word(key, language) + (word("seconds", language) if key in _SECONDS else "") for key in COLUMNS)
    for line in report.lines:
        writer.writerow(guard(value) for value in _values(report, line, language))
    return b"\xef\xbb\xbf" + file.getvalue().encode()


def guard(text: str) -> str:
    """Text that no spreadsheet runs as a formula: one that could be gets a ' before it."""
    return "'" + text if text.startswith(_FORMULA) else text


def _values(report: Report, line: Line, language: Language) -> list[str]:
    member, account = line.invitation.member, line.account
    return [
        " / ".join(member.branch),
        member.name,
        meaning(line.invitation.role, language),
        member.phone or "",
        result(account, language),
        report.iso(account.first_join) or "",
        report.iso(account.last_leave) or "",
        _seconds(account.receiving, language),
        _seconds(account.credited, language),
        _seconds(account.denominator, language),
        word("not_measured", language) if account.share is None else f"{account.share:.4f}",
        _seconds(account.connected, language),
        _seconds(account.visible, language),
        _seconds(account.on_stage, language),
        str(len(account.failed)),
    ]


def _seconds(time: int | None, language: Language) -> str:
    value = seconds(time)
    return word("not_measured", language) if value is None else f"{value:.3f}"
