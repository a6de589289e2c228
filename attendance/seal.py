"""What an export says of itself, so that it can be checked against the ledger: the signed head that it was made from,
and the rule version, scope and language that make the same bytes of it again."""

from __future__ import annotations

from typing import Literal, get_args
from urllib.parse import parse_qsl, quote

import msgspec

from attendance.chain import Head
from attendance.report import Report
from attendance.roster import BranchPath
from attendance.words import Language

MARK = "classroom-attendance/1?"
"""What the text of a seal begins with; the number grows when its fields change their meaning."""


class Seal(msgspec.Struct, frozen=True):
    """`at` (µs, UTC) and `signature` are None where nobody signed. `rule`: the version that the verdicts are by."""

    lecture: str
    row: int
    hash: bytes
    at: int | None
    signature: bytes | None
    rule: int
    scope: BranchPath
    language: Language

    @property
    def head(self) -> Head | None:
        """None where nobody signed."""
        if self.at is None or self.signature is None:
            return None
        return Head(self.lecture, self.row, self.hash, self.at, self.signature)

    def text(self) -> str:
        """One line, for a cell."""
        fields = {
            "lecture": self.lecture,
            "row": self.row,
            "hash": self.hash.hex(),
            "at": "" if self.at is None else self.at,
            "signature": "" if self.signature is None else self.signature.hex(),
            "rule": self.rule,
            "scope": "/".join(self.scope),
            "language": self.language,
        }
        return MARK + "&".join(f"{key}={_quoted(str(value))}" for key, value in fields.items())


class Exported(msgspec.Struct, frozen=True):
    """An export as it was read back. `sheets` by their titles, the first row being the headings; of a CSV one without
    a title, of JSON one whose rows are (place, value)."""

    form: Literal["xlsx", "csv", "json"]
    seal: Seal
    sheets: dict[str, list[list[str]]]


def _quoted(text: str) -> str:
    """As in a URL's query; letters of other alphabets stay readable, and short."""
    return "".join(one if one == "/" or (not one.isascii() and one.isalnum()) else quote(one, safe="") for one in text)


def seal_of(report: Report, language: Language) -> Seal:
    head = report.head
    return Seal(
        report.lecture,
        report.row,
        report.hash,
        None if head is None else head.at,
        None if head is None else head.signature,
        report.rule.version,
        report.scope,
        language,
    )


def read_seal(text: str) -> Seal | None:
    """Back from `text`; None: it is none. Never raises."""
    text = text.strip()
    if not text.startswith(MARK):
        return None
    try:
        fields = dict(parse_qsl(text[len(MARK) :], keep_blank_values=True, strict_parsing=True))
        language = fields["language"]
        if language not in get_args(Language):
            return None
        return Seal(
            fields["lecture"],
            int(fields["row"]),
            bytes.fromhex(fields["hash"]),
            int(fields["at"]) if fields["at"] else None,
            bytes.fromhex(fields["signature"]) if fields["signature"] else None,
            int(fields["rule"]),
            tuple(part for part in fields["scope"].split("/") if part),
            "en" if language == "en" else "zh",
        )
    except (KeyError, ValueError):
        return None
