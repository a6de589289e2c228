"""What an import would do: rows → added, changed, unchanged, refused with line and reason.

Theory of operation. `read` turns sheets into people and refuses rows that cannot be people. `compare` sets people
against the roster. The same person is, in this order: the same name and number anywhere (they moved to another
branch); the same name in the same branch, where nobody else there has that name (their number is new, or not written
this time); the same name in the same branch without a number so far. Whatever could be two people is refused with
the remedy, never guessed: attendance is credited to people.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Sequence

import msgspec

from attendance.errors import SheetError
from attendance.roster import BranchPath, Role
from attendance.sheet import heading, phone
from attendance.sheet.reasons import Language, sentence
from attendance.sheet.rows import Row, Sheet

NAME_LENGTH = 50
PART_LENGTH = 60
DEPTH = 8
SPLIT = re.compile(r"[/／>＞→|｜\\]")
ROLES = {
    **dict.fromkeys(("主讲", "主讲人", "讲师", "授课人", "lecturer", "speaker"), Role.LECTURER),
    **dict.fromkeys(("主持", "主持人", "host"), Role.HOST),
    **dict.fromkeys(("嘉宾", "发言人", "交流发言", "guest"), Role.GUEST),
    **dict.fromkeys(("", "成员", "党员", "学员", "听众", "观众", "member", "viewer"), Role.MEMBER),
}

_INVISIBLE = re.compile(r"[\u200b-\u200f\u2028-\u202e\u2060-\u2064\ufeff\ufffe\uffff\x00-\x08\x0b-\x1f\x7f]")
_HAN = r"[\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]"
_HAN_SPACED = re.compile(rf"(?<={_HAN})\s+(?={_HAN})")
_MIDDLE_DOTS = re.compile(r"\s*[·•‧∙⋅・･．]\s*")


class Person(msgspec.Struct, frozen=True):
    """A row that is a person. `phone` in one spelling; `role` None where the file says nothing of roles."""

    line: int
    name: str
    branch: BranchPath
    phone: str | None
    role: str | None = None


class Known(msgspec.Struct, frozen=True):
    """A person of the roster."""

    id: str
    name: str
    branch: BranchPath
    phone: str | None


class Refused(msgspec.Struct, frozen=True):
    line: int
    reason: str  # a sentence


class Change(msgspec.Struct, frozen=True):
    id: str
    person: Person


class Preview(msgspec.Struct, frozen=True):
    added: tuple[Person, ...]
    changed: tuple[Change, ...]
    unchanged: tuple[Change, ...]
    refused: tuple[Refused, ...]
    revoked: frozenset[str] = frozenset()
    """Ids of those whose role in the lecture changed: their old links hold no more."""


def read(sheets: Sequence[Sheet], language: Language = "zh") -> tuple[list[Person], list[Refused]]:
    """People and refusals of every sheet that has headings. Raises `SheetError` where none has."""
    people: list[Person] = []
    refused: list[Refused] = []
    found = [(sheet, columns) for sheet in sheets if (columns := heading.find(sheet.rows)) is not None]
    if not found:
        lacks = heading.lacking([row for sheet in sheets for row in sheet.rows[: heading.SEARCHED]])
        raise SheetError("no-rows" if not any(sheet.rows for sheet in sheets) else f"no-{lacks.value}-column")
    for sheet, columns in found:
        where = sentence("in-sheet", language, sheet=sheet.name) if len(found) > 1 else ""
        for row in sheet.rows:
            if row.line <= columns.below:
                continue
            try:
                people.append(person(row, columns))
            except _Unfit as unfit:
                refused.append(Refused(row.line, where + sentence(unfit.word, language, **unfit.values)))
    return people, refused


def compare(people: Sequence[Person], known: Sequence[Known], language: Language = "zh") -> Preview:
    """Against the roster. Refusals of `people` only; join them with those of `read`."""
    fit, refused = _distinct(people, language)
    matcher = _Matcher(known, fit)
    added: list[Person] = []
    changed: list[Change] = []
    unchanged: list[Change] = []
    for one in fit:
        try:
            match = matcher.match(one)
        except _Unfit as unfit:
            refused.append(Refused(one.line, sentence(unfit.word, language, **unfit.values)))
            continue
        if match is None:
            added.append(one)
        elif match.branch == one.branch and one.phone in (None, match.phone):
            unchanged.append(Change(match.id, one))
        else:
            changed.append(Change(match.id, one))
    refused.sort(key=lambda refusal: refusal.line)
    return Preview(tuple(added), tuple(changed), tuple(unchanged), tuple(refused))


class _Unfit(Exception):
    """A row that is refused: a word of `reasons` and what its sentence names."""

    def __init__(self, word: str, **values: object) -> None:
        super().__init__(word)
        self.word = word
        self.values = values


def person(row: Row, columns: heading.Columns) -> Person:
    name = tidy(_cell(row, columns.name))
    if not name:
        raise _Unfit("no-name")
    if len(name) > NAME_LENGTH or not any(letter.isalpha() for letter in name):
        raise _Unfit("bad-name", limit=NAME_LENGTH)
    try:
        number = phone.normalize(_cell(row, columns.phone))
    except phone.BadPhone:
        raise _Unfit("bad-phone") from None
    return Person(row.line, name, _branch(row, columns), number, _role(row, columns))


def tidy(cell: str) -> str:
    """Text of a name or a branch: one spelling of letters, no invisible ones, "张　伟" → "张伟", "A  B" → "A B"."""
    text = _INVISIBLE.sub("", unicodedata.normalize("NFC", cell)).replace("\u3000", " ")
    text = _MIDDLE_DOTS.sub("·", text)
    return _HAN_SPACED.sub("", re.sub(r"\s+", " ", text).strip())


def branch_path(text: str) -> BranchPath:
    """ "镇巴县 / 泾洋街道党支部" → its parts."""
    return tuple(part for piece in SPLIT.split(text) if (part := tidy(piece)))


def _branch(row: Row, columns: heading.Columns) -> BranchPath:
    path: BranchPath = ()
    for column in columns.branch:
        parts = branch_path(_cell(row, column))
        if parts[: len(path)] == path:  # "镇巴县" beside "镇巴县/泾洋街道党支部"
            path = parts or path
        elif path[-len(parts) :] != parts:
            path = (*path, *parts)
    if not path:
        raise _Unfit("no-branch")
    if len(path) > DEPTH or any(len(part) > PART_LENGTH for part in path):
        raise _Unfit("bad-branch", depth=DEPTH, limit=PART_LENGTH)
    return path


def _role(row: Row, columns: heading.Columns) -> str | None:
    if columns.role is None:
        return None
    written = tidy(_cell(row, columns.role)).lower()
    try:
        return ROLES[written]
    except KeyError:
        raise _Unfit("bad-role", role=written[:20]) from None


def _cell(row: Row, column: int | None) -> str:
    return row.cells[column] if column is not None and column < len(row.cells) else ""


def _distinct(people: Sequence[Person], language: Language) -> tuple[list[Person], list[Refused]]:
    """Without rows that repeat another, and rows that could be one person or two."""
    namesakes: defaultdict[tuple[str, BranchPath], list[Person]] = defaultdict(list)
    numbers: dict[tuple[str, str], Person] = {}
    refused: list[Refused] = []
    fit: list[Person] = []
    for one in people:
        namesakes[one.name, one.branch].append(one)
    first: dict[tuple[str, BranchPath, str | None], Person] = {}
    for one in people:
        group = namesakes[one.name, one.branch]
        same = first.setdefault((one.name, one.branch, one.phone), one)
        moved = numbers.setdefault((one.name, one.phone), one) if one.phone is not None else one
        if one.phone is None and len(group) > 1 and (same is not one or any(other.phone for other in group)):
            other = next(other for other in group if other is not one)
            refused.append(Refused(one.line, sentence("namesake", language, name=one.name, line=other.line)))
        elif same is not one:
            refused.append(Refused(one.line, sentence("duplicate", language, line=same.line)))
        elif moved is not one:
            refused.append(Refused(one.line, sentence("two-branches", language, name=one.name, line=moved.line)))
        else:
            fit.append(one)
    return fit, refused


class _Matcher:
    """Finds each person in the roster; nobody is found twice."""

    def __init__(self, known: Sequence[Known], people: Sequence[Person]) -> None:
        self._by_number = {(one.name, one.phone): one for one in known if one.phone is not None}
        self._by_branch: defaultdict[tuple[str, BranchPath], list[Known]] = defaultdict(list)
        for one in known:
            self._by_branch[one.name, one.branch].append(one)
        self._rows: defaultdict[tuple[str, BranchPath], int] = defaultdict(int)
        for row in people:
            self._rows[row.name, row.branch] += 1
        self._wanted = {(row.name, row.phone) for row in people if row.phone is not None}
        self._taken: set[str] = set()

    def match(self, row: Person) -> Known | None:
        if row.phone is not None and (same := self._by_number.get((row.name, row.phone))) is not None:
            return self._take(same)
        there = [one for one in self._by_branch[row.name, row.branch] if one.id not in self._taken]
        if row.phone is None and len(there) > 1:
            raise _Unfit("namesakes-known", name=row.name)
        unnumbered = [one for one in there if one.phone is None]
        if unnumbered:
            return self._take(unnumbered[0])
        alone = len(there) == 1 and self._rows[row.name, row.branch] == 1
        if alone and (there[0].name, there[0].phone) not in self._wanted:
            return self._take(there[0])
        return None

    def _take(self, one: Known) -> Known:
        self._taken.add(one.id)
        return one
