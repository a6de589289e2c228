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
from collections.abc import Collection, Sequence

import msgspec

from attendance.errors import SheetError
from attendance.roster import BranchPath, Role
from attendance.sheet import heading, phone
from attendance.sheet.reasons import Language, sentence
from attendance.sheet.rows import Row, Sheet

NAME_LENGTH = 50
PART_LENGTH = 60
DEPTH = 8
TOTAL = re.compile(r"(合|总|小|共)计.*|(sub)?total")
"""A line below the people that counts them."""
CITY_LENGTH = 60
EXTRA_LENGTH = 200
NAMED = 10
"""Columns that one sentence names."""
SPLIT = re.compile(r"[/／>＞→|｜\\]")
ROLES = {
    **dict.fromkeys(("主讲", "主讲人", "讲师", "授课人", "lecturer", "speaker"), Role.LECTURER),
    **dict.fromkeys(("主持", "主持人", "host"), Role.HOST),
    **dict.fromkeys(("嘉宾", "发言人", "交流发言", "guest"), Role.GUEST),
    **dict.fromkeys(("成员", "党员", "学员", "听众", "观众", "member", "viewer"), Role.MEMBER),
}

_INVISIBLE = re.compile(
    r"[\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u2064\u2066-\u2069\ufeff\ufffe\uffff\x00-\x08\x0b-\x1f\x7f]"
)
_HAN = r"[\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]"
_HAN_SPACED = re.compile(rf"(?<={_HAN})\s+(?={_HAN})")
_MIDDLE_DOTS = re.compile(r"\s*[·•‧∙⋅・･．]\s*")


class Person(msgspec.Struct, frozen=True):
    """A row that is a person. `phone` in one spelling; `role` None where the file says nothing of it: what they are
    stays. `sheet`: which one the row is of, where there are several."""

    line: int
    name: str
    branch: BranchPath
    phone: str | None
    role: str | None = None
    city: str | None = None
    extra: dict[str, str] = {}
    """What columns say that are none of ours, by heading."""
    sheet: str = ""


class Known(msgspec.Struct, frozen=True):
    """A person of the roster. `left`: they are in no branch now, and come back where a file names them."""

    id: str
    name: str
    branch: BranchPath
    phone: str | None
    city: str | None = None
    extra: dict[str, str] = {}
    left: bool = False


class Refused(msgspec.Struct, frozen=True):
    """`name`: whom the row would have been, as far as it says."""

    line: int
    reason: str  # a sentence
    name: str = ""


class Reading(msgspec.Struct, frozen=True):
    """What a file holds. `notes`: sentences about what of it is not kept, or was cut."""

    people: tuple[Person, ...]
    refused: tuple[Refused, ...]
    notes: tuple[str, ...] = ()


class Change(msgspec.Struct, frozen=True):
    id: str
    person: Person
    before: Known | None = None


class Turned(msgspec.Struct, frozen=True):
    """Somebody who is invited already, and whose role the file changes."""

    id: str
    line: int
    name: str
    was: str
    role: str


class Preview(msgspec.Struct, frozen=True):
    """`missing`: who is in the branches that the file covers, and not in the file. `placed`: rows whose branch was put
    below the asker's."""

    added: tuple[Person, ...]
    changed: tuple[Change, ...]
    unchanged: tuple[Change, ...]
    refused: tuple[Refused, ...]
    missing: tuple[Known, ...] = ()
    turned: tuple[Turned, ...] = ()
    placed: int = 0
    revoked: frozenset[str] = frozenset()
    """Ids of those whose role in the lecture changed: their old links hold no more."""
    id: str | None = None
    """Of the import that was made; None where it was only looked at."""
    left: int = 0
    """Of those whom the file lacks, how many left by it."""
    withdrawn: frozenset[tuple[str, str]] = frozenset()
    """Lecture and member of the invitations that ended with that."""


def read(sheets: Sequence[Sheet], language: Language = "zh") -> Reading:
    """People and refusals of every sheet that has headings. Raises `SheetError` where none has."""
    found = [(sheet, columns) for sheet in sheets if (columns := heading.find(sheet.rows)) is not None]
    if not found:
        lacks = heading.lacking([row for sheet in sheets for row in sheet.rows[: heading.SEARCHED]])
        raise SheetError("no-rows" if not any(sheet.rows for sheet in sheets) else f"no-{lacks.value}-column")
    readings = [_read(sheet, columns, len(found) > 1, language) for sheet, columns in found]
    without = [sheet.name for sheet in sheets if sheet.rows and not any(sheet is one for one, _ in found)]
    notes = [sentence("sheet-without-headings", language, sheets="、".join(without))] if without else []
    return Reading(
        tuple(person for one in readings for person in one.people),
        tuple(refusal for one in readings for refusal in one.refused),
        tuple(dict.fromkeys(note for one in readings for note in one.notes)) + tuple(notes),
    )


def _read(sheet: Sheet, columns: heading.Columns, several: bool, language: Language) -> Reading:
    people: list[Person] = []
    refused: list[Refused] = []
    name = sheet.name if several else ""
    where = _in(name, language)
    notes = _columns_noted(columns, language)
    cut: dict[str, int] = {}
    for row, below in zip(sheet.rows, (*sheet.rows[1:], None), strict=True):
        if row.line <= columns.below:
            continue
        if heading.again(row, below):
            columns = heading.columns(row, below) or columns
            notes += _columns_noted(columns, language)
            continue
        try:
            one = person(row, columns, name)
        except _Unfit as unfit:
            reason = where + sentence(unfit.word, language, **unfit.values)
            refused.append(Refused(row.line, reason, tidy(_cell(row, columns.name))[:NAME_LENGTH]))
            continue
        people.append(one)
        for word in _cut(row, columns, language):
            cut[word] = cut.get(word, 0) + 1
    notes += [sentence("cells-cut", language, column=word, count=count) for word, count in cut.items()]
    return Reading(tuple(people), tuple(refused), tuple(where + note for note in notes))


def _columns_noted(columns: heading.Columns, language: Language) -> list[str]:
    """Which columns are not kept, and why."""
    told = {
        "columns-repeated": columns.repeated,
        "columns-beyond": columns.beyond,
        "columns-unkept": columns.unkept,
        "headings-cut": columns.cut,
    }
    return [
        sentence(
            word,
            language,
            columns="、".join(headings[:NAMED]),
            count=len(headings),
            limit=heading.OTHERS,
            length=heading.HEADING_LENGTH,
        )
        for word, headings in told.items()
        if headings
    ]


def _cut(row: Row, columns: heading.Columns, language: Language) -> list[str]:
    """Headings of this row's cells that are longer than what is kept of them."""
    named = [word for word, at in columns.others if len(tidy(_cell(row, at))) > EXTRA_LENGTH]
    return named + ([sentence("city-column", language)] if len(tidy(_cell(row, columns.city))) > CITY_LENGTH else [])


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
            refused.append(refuse(one, unfit.word, language, **unfit.values))
            continue
        if match is None:
            added.append(one)
        else:
            (unchanged if _same(one, match) else changed).append(Change(match.id, one, match))
    refused.sort(key=lambda one: one.line)
    return Preview(tuple(added), tuple(changed), tuple(unchanged), tuple(refused))


def missing(found: Preview, known: Sequence[Known], refused: Collection[str], scope: BranchPath) -> tuple[Known, ...]:
    """Who has not left, is in a branch that the file covers, and is not in it. Whoever has the name of a refused row
    may be meant by it. A file covers what lies right below `scope`, or deeper where all of it does."""
    rows = (*found.added, *(each.person for each in (*found.changed, *found.unchanged)))
    if not rows:
        return ()
    deep = len(scope) + 1
    first = rows[0].branch
    while len(first) > deep and all(row.branch[: deep + 1] == first[: deep + 1] for row in rows):
        deep += 1
    covered = {row.branch[:deep] for row in rows}
    matched = {each.id for each in (*found.changed, *found.unchanged)}
    lacking = [
        one
        for one in known
        if not one.left and one.id not in matched and one.branch[:deep] in covered and one.name not in refused
    ]
    return tuple(sorted(lacking, key=lambda one: (one.branch, one.name, one.id)))


def _same(row: Person, known: Known) -> bool:
    """The file says nothing of this person that is new: a cell left empty says nothing."""
    return (
        not known.left
        and row.branch == known.branch
        and row.phone in (None, known.phone)
        and row.city in (None, known.city)
        and all(known.extra.get(heading) == value for heading, value in row.extra.items())
    )


class _Unfit(Exception):
    """A row that is refused: a word of `reasons` and what its sentence names."""

    def __init__(self, word: str, **values: object) -> None:
        super().__init__(word)
        self.word = word
        self.values = values


def refuse(one: Person, word: str, language: Language, **values: object) -> Refused:
    """Of a row that is a person, and fits nowhere all the same."""
    return Refused(one.line, _in(one.sheet, language) + sentence(word, language, **values), one.name)


def _in(sheet: str, language: Language) -> str:
    return sentence("in-sheet", language, sheet=sheet) if sheet else ""


def _row(one: Person, language: Language) -> str:
    return sentence("row-of-sheet" if one.sheet else "row", language, line=one.line, sheet=one.sheet)


def person(row: Row, columns: heading.Columns, sheet: str = "") -> Person:
    name = tidy(_cell(row, columns.name))
    if not name:
        raise _Unfit("no-name")
    if TOTAL.fullmatch(name.lower()):
        raise _Unfit("total-row")
    if len(name) > NAME_LENGTH or not any(letter.isalpha() for letter in name):
        raise _Unfit("bad-name", limit=NAME_LENGTH)
    try:
        number = phone.normalize(_cell(row, columns.phone))
    except phone.BadPhone:
        raise _Unfit("bad-phone") from None
    return Person(
        row.line,
        name,
        _branch(row, columns),
        number,
        _role(row, columns),
        tidy(_cell(row, columns.city))[:CITY_LENGTH] or None,
        {heading: said for heading, at in columns.others if (said := tidy(_cell(row, at))[:EXTRA_LENGTH])},
        sheet,
    )


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
    if not written:
        return None
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
            refused.append(refuse(one, "namesake", language, name=one.name, row=_row(other, language)))
        elif same is not one:
            refused.append(refuse(one, "duplicate", language, row=_row(same, language)))
        elif moved is not one:
            refused.append(refuse(one, "two-branches", language, name=one.name, row=_row(moved, language)))
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
