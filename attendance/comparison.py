"""An export as it was read, against what the ledger gives: which cells differ, in words.

Theory of operation. A workbook that somebody opened, sorted and saved is no longer the same bytes, and says the same.
So rows are told apart by the columns that identify them (an id, a time), not by their place; numbers are compared as
numbers, durations as durations. A row that is only on one side is a difference too. A column or a sheet is not: the
program that wrote the file may have had others, or somebody added notes of their own; it is named and not compared.
Who was erased since has no name any more: the cells that would name them say nothing against the file.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

import msgspec

from attendance.words import Language

NAMED = 20
"""Differences that are told one by one; of more it is said how many."""
SHOWN = 60
"""Characters of a cell that are shown."""
LEAST_DURATION = 0.001
LEAST_NUMBER = 1e-6
_DURATION = re.compile(r"(?:(\d+) days?, )?(\d+):([0-5]\d):([0-5]\d)(\.\d+)?")

Rows = Sequence[Sequence[str]]
"""The first one holds the headings."""


class Difference(msgspec.Struct, frozen=True):
    """`row`: whose or what; `column` "" where the whole row is on one side only (`ledger` None: in the file alone;
    `file` None: missing in it)."""

    sheet: str
    row: str
    column: str
    file: str | None
    ledger: str | None

    def sentence(self, language: Language) -> str:
        parts = [self.sheet if language == "en" or not self.sheet else f"“{self.sheet}”", self.row]
        where = (" · " if language == "en" else " ").join(part for part in parts if part)
        if not self.column and self.ledger is None:
            return f"{where}: is not in the ledger" if language == "en" else f"{where}：账本中没有这一行"
        if not self.column:
            return f"{where}: is missing in the file" if language == "en" else f"{where}：文件中缺少这一行"
        if language == "en":
            return f"{where}, {self.column}: the file says “{self.file}”, the ledger “{self.ledger}”"
        return f"{where}，{self.column}：文件中是“{self.file}”，账本算出的是“{self.ledger}”"


class Compared(msgspec.Struct, frozen=True):
    """`differences`: the first of `count`. `left_out`: sheets and columns that only one side has, not compared."""

    count: int = 0
    differences: tuple[Difference, ...] = ()
    left_out: tuple[str, ...] = ()


def compare(
    file: Mapping[str, Rows], ledger: Mapping[str, Rows], by: Mapping[str, Sequence[str]], erased: str
) -> Compared:
    """Sheets by their title; `by`: the headings that tell a sheet's rows apart (its first column where there are none);
    `erased`: the name of whoever was erased."""
    found: list[Difference] = []
    count = 0
    left_out = [title for title in (*file, *ledger) if title not in file or title not in ledger]
    for title, there in ledger.items():
        if title not in file or not there:
            continue
        here = file[title]
        if not here:
            here = [[]]
        columns = [heading for heading in there[0] if heading and heading in here[0]]
        left_out += [f"{title}: {one}" for one in (*there[0], *here[0]) if one and one not in columns]
        for difference in _differences(title, here, there, columns, by.get(title, ()), erased):
            count += 1
            if len(found) < NAMED:
                found.append(difference)
    return Compared(count, tuple(found), tuple(dict.fromkeys(left_out)))


def _differences(
    title: str, here: Rows, there: Rows, columns: Sequence[str], by: Sequence[str], erased: str
) -> Iterator[Difference]:
    keys = [one for one in by if one in columns] or columns[:1]
    if not columns:
        return
    left, right = _keyed(here, keys), _keyed(there, keys)
    for key, row in right.items():
        other = left.get(key)
        label = _label(there[0], row, by)
        if other is None:
            yield Difference(title, label, "", None, label)
            continue
        gone = erased in row.values()
        for column in columns:
            mine, theirs = other.get(column, ""), row.get(column, "")
            if not same(mine, theirs) and not (gone and theirs in ("", erased)):
                yield Difference(title, label, column, mine[:SHOWN], theirs[:SHOWN])
    for key, row in left.items():
        if key not in right:
            label = _label(here[0], row, by)
            yield Difference(title, label, "", label, None)


def _keyed(rows: Rows, keys: Sequence[str]) -> dict[tuple[str, ...], dict[str, str]]:
    """By the cells of these columns, and how often they came before."""
    headings = rows[0]
    seen: Counter[tuple[str, ...]] = Counter()
    found: dict[tuple[str, ...], dict[str, str]] = {}
    for cells in rows[1:]:
        row = dict(zip(headings, cells, strict=False))
        if not any(row.values()):
            continue
        key = tuple(row.get(one, "") for one in keys)
        seen[key] += 1
        found[(*key, str(seen[key]))] = row
    return found


def _label(headings: Sequence[str], row: Mapping[str, str], by: Sequence[str]) -> str:
    """Whose row it is: its first two cells (branch and name, of people), else its first."""
    first = [row.get(one, "") for one in headings[: 2 if len(by) and by[0] != headings[0] else 1]]
    return " ".join(one for one in first if one)[:SHOWN]


def same(left: str, right: str) -> bool:
    """Whether two cells say the same."""
    if left == right:
        return True
    numbers = _number(left), _number(right)
    if None not in numbers:
        return math.isclose(numbers[0] or 0, numbers[1] or 0, abs_tol=LEAST_NUMBER, rel_tol=1e-9)
    durations = _duration(left), _duration(right)
    return None not in durations and abs((durations[0] or 0) - (durations[1] or 0)) <= LEAST_DURATION


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _duration(text: str) -> float | None:
    """Seconds of what calamine makes of a duration."""
    found = _DURATION.fullmatch(text)
    if found is None:
        return None
    days, hours, minutes, seconds, part = found.groups()
    return ((int(days or 0) * 24 + int(hours)) * 60 + int(minutes)) * 60 + int(seconds) + float(part or 0)
