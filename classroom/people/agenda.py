"""A running order as it is written down: typed in the console, or kept as a spreadsheet with the columns 姓名, 支部 or
县区, 题目, 分钟, 手机号. What cannot be read is refused line by line; whom a line means is found among those who are
invited."""

from __future__ import annotations

import re
from collections.abc import Sequence

import msgspec

from attendance.errors import SheetError
from attendance.roster import BranchPath, Invitation, Role
from attendance.sheet import heading, phone
from attendance.sheet import reasons as sheet_reasons
from attendance.sheet.heading import Kind
from attendance.sheet.preview import DEPTH, NAME_LENGTH, PART_LENGTH, branch_path, tidy
from attendance.sheet.rows import Row, Sheet
from classroom.ports import Language, RefusedRow

TITLE_LENGTH = 100
MINUTES = 5
"""Where a line says nothing."""
LONGEST = 120

_TITLE = re.compile(r"(交流|发言|分享|汇报)?(题目|标题|主题|内容|课题)|title|topic|subject")
_MINUTES = re.compile(r"(发言|分享|交流|预计|计划)?(分钟数?|时长|时间|用时)|minutes?|mins?|duration")
_BRANCH = re.compile(r"(所[在属])?(支部|党支部|县区|区县|县|单位)[/、或及](支部|党支部|县区|区县|县|单位)(名称)?")
_NUMBER = re.compile(r"(\d{1,4})(\.0+)?\s*(分钟?|min|minutes?)?")
_BRANCHES = (Kind.COUNTY, Kind.COMMITTEE, Kind.BRANCH)

SENTENCES: dict[str, dict[Language, str]] = {
    "bad-minutes": {
        "zh": "分钟数应为 1 至 120 的整数。",
        "en": "The minutes must be a whole number from 1 to 120.",
    },
    "bad-topic": {
        "zh": "题目太长，不超过 100 个字。",
        "en": "The title is too long: at most 100 characters.",
    },
    "several": {
        "zh": "这场课程邀请了几位「{name}」，请写明支部或手机号。",
        "en": "Several people named {name} are invited; give the branch or the telephone number of the one meant.",
    },
    "order-full": {
        "zh": "最多安排 {limit} 位，其余未导入。",
        "en": "At most {limit} can be planned; the rest is left out.",
    },
}


class Wanted(msgspec.Struct, frozen=True):
    """One line that can be read. `id` and `member` where it was there before."""

    line: int
    name: str
    branch: BranchPath
    title: str
    minutes: int
    phone: str | None = None
    id: str | None = None
    member: str | None = None


class Unfit(Exception):
    """A line that is refused: a word of the tables, and what its sentence names."""

    def __init__(self, word: str, **values: object) -> None:
        super().__init__(word)
        self.word = word
        self.values = values


def refused(line: int, unfit: Unfit, language: Language) -> RefusedRow:
    if unfit.word in SENTENCES:
        return RefusedRow(line, SENTENCES[unfit.word][language].format(**unfit.values))
    return RefusedRow(line, sheet_reasons.sentence(unfit.word, language, **unfit.values))


def checked(wanted: Wanted) -> Wanted:
    """In one spelling and within all limits. Raises `Unfit`."""
    name, title = tidy(wanted.name), tidy(wanted.title)
    branch = tuple(part for each in wanted.branch if (part := tidy(each)))
    if not name:
        raise Unfit("no-name")
    if len(name) > NAME_LENGTH or not any(letter.isalpha() for letter in name):
        raise Unfit("bad-name", limit=NAME_LENGTH)
    if len(branch) > DEPTH or any(len(part) > PART_LENGTH for part in branch):
        raise Unfit("bad-branch", depth=DEPTH, limit=PART_LENGTH)
    if len(title) > TITLE_LENGTH:
        raise Unfit("bad-topic")
    if not 1 <= wanted.minutes <= LONGEST:
        raise Unfit("bad-minutes")
    try:
        number = None if wanted.phone is None else phone.normalize(wanted.phone)
    except phone.BadPhone:
        raise Unfit("bad-phone") from None
    return msgspec.structs.replace(wanted, name=name, branch=branch, title=title, phone=number)


# --- spreadsheets -----------------------------------------------------------------------------------------------------


class _Columns(msgspec.Struct, frozen=True):
    name: int
    branch: tuple[int, ...]
    title: int | None
    minutes: int | None
    phone: int | None
    below: int


def read(sheets: Sequence[Sheet], language: Language) -> tuple[list[Wanted], list[RefusedRow]]:
    """The lines of the first sheet that has headings, and why others are refused. Raises `SheetError`."""
    for sheet in sheets:
        columns = _find(sheet.rows)
        if columns is not None:
            return _lines(sheet.rows, columns, language)
    raise SheetError("no-name-column" if any(sheet.rows for sheet in sheets) else "no-rows")


def _find(rows: Sequence[Row]) -> _Columns | None:
    for row in rows[: heading.SEARCHED]:
        found = heading.recognize(row.cells)
        if Kind.NAME not in found:
            continue
        plain = [heading.plain(cell) for cell in row.cells]
        branch = [found[kind] for kind in _BRANCHES if kind in found]
        branch += [at for at, text in enumerate(plain) if at not in branch and _BRANCH.fullmatch(text)]
        title, minutes = _named(plain, _TITLE), _named(plain, _MINUTES)
        return _Columns(found[Kind.NAME], tuple(branch), title, minutes, found.get(Kind.PHONE), row.line)
    return None


def _named(plain: Sequence[str], pattern: re.Pattern[str]) -> int | None:
    return next((at for at, text in enumerate(plain) if pattern.fullmatch(text)), None)


def _lines(
    rows: Sequence[Row], columns: _Columns, language: Language
) -> tuple[list[Wanted], list[RefusedRow]]:  # fmt: skip
    lines: list[Wanted] = []
    refusals: list[RefusedRow] = []
    for row in rows:
        if row.line <= columns.below or not any(cell.strip() for cell in row.cells):
            continue
        try:
            lines.append(checked(_line(row, columns)))
        except Unfit as unfit:
            refusals.append(refused(row.line, unfit, language))
    return lines, refusals


def _line(row: Row, columns: _Columns) -> Wanted:
    branch: BranchPath = ()
    for column in columns.branch:
        parts = branch_path(_cell(row, column))
        if parts[: len(branch)] == branch:  # "镇巴县" beside "镇巴县/泾洋街道党支部"
            branch = parts or branch
        elif branch[-len(parts) :] != parts:
            branch = (*branch, *parts)
    return Wanted(
        row.line,
        _cell(row, columns.name),
        branch,
        _cell(row, columns.title),
        _minutes(_cell(row, columns.minutes)),
        _cell(row, columns.phone),
    )


def _minutes(cell: str) -> int:
    text = heading.plain(cell)
    if not text:
        return MINUTES
    found = _NUMBER.fullmatch(text)
    if found is None:
        raise Unfit("bad-minutes")
    return int(found[1])


def _cell(row: Row, column: int | None) -> str:
    return row.cells[column] if column is not None and column < len(row.cells) else ""


# --- whom a line means ------------------------------------------------------------------------------------------------


class Invited:
    """Those who are invited and may come on the stage, by name."""

    def __init__(self, invitations: Sequence[Invitation]) -> None:
        self._of: dict[str, Invitation] = {}
        self._named: dict[str, list[Invitation]] = {}
        for invitation in invitations:
            if invitation.role in (Role.GUEST, Role.MEMBER):
                self._of[invitation.member.id] = invitation
                self._named.setdefault(invitation.member.name, []).append(invitation)

    def find(self, wanted: Wanted) -> Invitation | None:
        """None: nobody of that name is invited there. Raises `Unfit` where it may be several."""
        known = self._of.get(wanted.member or "")
        if known is not None and known.member.name == wanted.name:
            return known
        found = [one for one in self._named.get(wanted.name, ()) if _fits(wanted, one)]
        for narrower in (
            [one for one in found if wanted.phone is not None and one.member.phone == phone.mask(wanted.phone)],
            [one for one in found if one.member.branch == wanted.branch],
            [one for one in found if one.role == Role.GUEST],
        ):
            if len(narrower) == 1:
                return narrower[0]
        if len(found) > 1:
            raise Unfit("several", name=wanted.name)
        return found[0] if found else None


def _fits(wanted: Wanted, invitation: Invitation) -> bool:
    """In the branch that is written, or below it, and under that number as far as both are known."""
    member = invitation.member
    if wanted.phone is not None and member.phone not in (None, phone.mask(wanted.phone)):
        return False
    return member.branch[: len(wanted.branch)] == wanted.branch
