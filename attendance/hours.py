"""Credit hours (学时): what a lecture is worth, how much of it a member gets, and what each owes in a year.

Theory of operation. The organization's table says all of it, as data. A lecture is worth hours by its length from the
first picture to the end, our own outages included, for they are nobody's fault: `hour` minutes are one hour, rounded to
the nearest `unit` (or down), and at least what the longest of `lengths` that it reaches says ("half a day is four").
Somebody may have set the worth of one lecture by hand. Of the worth a member gets

- by `verdict`: all of it where the lecture's rule is met, else nothing;
- by `share`: as great a part as the highest of `shares` says that the member's share of the counted time reaches;
- by `time`: as great a part as the member's share is, rounded like the worth.

Whom somebody made present, or absent, by hand and without a time gets all of it, or nothing, in each. What was not
measured is None, never 0, and counts as nothing in a sum, beside which it is told.

Hours are reckoned in hundredths, as integers: sums are exact.
"""

from __future__ import annotations

import enum
import itertools
import re
from collections.abc import Mapping, Sequence

import msgspec

from attendance.errors import AttendanceError
from attendance.verdict import MINUTE, Verdict
from attendance.words import Language

WHOLE = 100
"""Hundredths of an hour."""
STEPS = 12
UNITS = (0.1, 0.25, 0.5, 1.0)
LARGEST = 1_000.0


class BadHours(AttendanceError):
    """A table that cannot be used. `reason`: "value" (a number out of its range, or finer than a hundredth),
    "lengths" (they do not grow, both of them) or "shares" (likewise)."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Credit(enum.StrEnum):
    """By what a member gets of a lecture's worth."""

    VERDICT = "verdict"
    SHARE = "share"
    TIME = "time"


class Rounding(enum.StrEnum):
    NEAREST = "nearest"
    DOWN = "down"


class Kind(enum.StrEnum):
    """Of member: who has which target."""

    MEMBER = "member"
    OFFICER = "officer"


class Length(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A lecture of so many minutes or more (to the nearest) is worth so many hours at least."""

    minutes: int
    hours: float


class Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who has received `share` per cent or more gets `part` per cent of the worth."""

    share: int
    part: int


class HoursTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`hour`: minutes; `unit`, `member`, `officer`: hours, the last two the year's targets. See `check`."""

    credit: Credit = Credit.VERDICT
    hour: int = 60
    unit: float = 0.5
    rounding: Rounding = Rounding.NEAREST
    lengths: tuple[Length, ...] = (Length(180, 4), Length(360, 8))
    shares: tuple[Part, ...] = (Part(80, 100), Part(50, 50))
    member: float = 32
    officer: float = 56

    def target(self, kind: Kind) -> int:
        """Hundredths a year."""
        return hundredths(self.officer if kind is Kind.OFFICER else self.member)


DEFAULT = HoursTable()
"""One hour an hour, half a day four, a whole one eight; the targets are those of the national regulation (《中国共产党
党员教育管理工作条例》)."""


def check(table: HoursTable) -> HoursTable:
    """The table itself. Raises `BadHours`."""
    numbers = (table.member, table.officer, *(one.hours for one in table.lengths))
    fine = (
        10 <= table.hour <= 480
        and table.unit in UNITS
        and all(0 <= number <= LARGEST and abs(number * WHOLE - hundredths(number)) < 1e-6 for number in numbers)
        and all(1 <= one.minutes <= 1440 for one in table.lengths)
        and all(1 <= one.share <= 100 and 1 <= one.part <= 100 for one in table.shares)
    )
    if not fine:
        raise BadHours("value")
    if len(table.lengths) > STEPS or not _grow([(one.minutes, one.hours) for one in table.lengths]):
        raise BadHours("lengths")
    shares = sorted(table.shares, key=lambda one: one.share)
    lacking = table.credit is Credit.SHARE and not shares
    if lacking or len(shares) > STEPS or not _grow([(one.share, one.part) for one in shares]):
        raise BadHours("shares")
    return table


def _grow(steps: Sequence[tuple[float, float]]) -> bool:
    pairs = itertools.pairwise(sorted(steps))
    return all(one[0] < following[0] and one[1] < following[1] for one, following in pairs)


def hundredths(hours: float) -> int:
    return round(hours * WHOLE)


def minutes(length: int) -> int:
    """µs to the nearest minute."""
    return (2 * length + MINUTE) // (2 * MINUTE)


def worth(table: HoursTable, length: int) -> int:
    """Of a lecture that took `length` µs, in hundredths of an hour."""
    told = [hundredths(one.hours) for one in table.lengths if minutes(length) >= one.minutes]
    return max([_rounded(table, length * WHOLE, table.hour * MINUTE), *told])


def credited(
    table: HoursTable,
    worth: int,
    verdict: Verdict,
    received: int | None,
    denominator: int | None,
    decided: bool = False,
) -> int | None:
    """What a member gets of a lecture's worth, in hundredths; None: not measured. `received` of `denominator` µs count;
    `decided`: the verdict is somebody's correction, and says nothing of time."""
    if verdict is Verdict.NOT_MEASURED:
        return None
    if verdict is Verdict.PRESENT and (decided or table.credit is Credit.VERDICT):
        return worth
    if table.credit is Credit.VERDICT or (decided and verdict is Verdict.ABSENT):
        return 0
    if received is None or not denominator:
        return None
    if table.credit is Credit.TIME:
        return min(worth, _rounded(table, worth * received, denominator))
    parts = [one.part for one in table.shares if 100 * received >= one.share * denominator]
    return _rounded(table, worth * max(parts, default=0), 100)


def _rounded(table: HoursTable, above: int, below: int) -> int:
    """above / below hundredths, in whole units; a half goes up."""
    unit = hundredths(table.unit)
    if table.rounding is Rounding.DOWN:
        return above // (below * unit) * unit
    return (2 * above + below * unit) // (2 * below * unit) * unit


# --- who has which target ------------------------------------------------------------------------------------------

BY_HAND = "班子成员"
"""The column that an organizer fills in where the roster has none."""
_ASKED = re.compile(r".*(班子成员|支委成员|委员会成员|officer|committee member).*")
_POST = re.compile(r".*(职务|任职|post|position).*")
_YES = re.compile(r"是|有|√|✓|y|yes|true|1|班子成员|officer", re.IGNORECASE)
_NAY = re.compile(r"否|不是|无|×|n|no|false|0", re.IGNORECASE)
_NO = re.compile(r"(原|前|曾任|退休)|书记员|政协|人大|former", re.IGNORECASE)
_OFFICER = re.compile(r"书记|支委|委员|班子成员|secretary|officer|committee", re.IGNORECASE)


def kind_of(columns: Mapping[str, str]) -> Kind:
    """By what a roster's other columns say of somebody (by plain heading): 班子成员 with a yes or a no, else
    a 职务 that is an officer's."""
    asked = [said.strip() for heading, said in columns.items() if _ASKED.fullmatch(heading)]
    posts = [said for heading, said in columns.items() if _POST.fullmatch(heading)]
    if any(_YES.fullmatch(said) or _post(said) for said in asked):
        return Kind.OFFICER
    if any(_NAY.fullmatch(said) for said in asked):
        return Kind.MEMBER
    return Kind.OFFICER if any(_post(said) for said in posts) else Kind.MEMBER


def marked(columns: Mapping[str, str], kind: Kind) -> dict[str, str]:
    """The columns, saying that somebody is of that kind, as an organizer says it by hand: `kind_of` finds it there, and
    whoever exports the roster reads it."""
    asked = [heading for heading in columns if _ASKED.fullmatch(heading)] or [BY_HAND]
    return {**columns, **dict.fromkeys(asked, "是" if kind is Kind.OFFICER else "否")}


def _post(said: str) -> bool:
    """One of several posts ("原村主任、支部书记") is enough."""
    posts = re.split(r"[、，,；;/兼\s]+", said)
    return any(_OFFICER.search(post) and not _NO.search(post) for post in posts)


# --- in words ------------------------------------------------------------------------------------------------------


def written(hours: int | None) -> str:
    """Hundredths as people write them: 1.5, 32; empty where not measured."""
    return "" if hours is None else f"{hours / WHOLE:.2f}".rstrip("0").rstrip(".")


def table_sentence(table: HoursTable, language: Language) -> str:
    """The whole table in a few words."""
    zh = language == "zh"
    unit, ordered = written(hundredths(table.unit)), sorted(table.lengths, key=lambda one: one.minutes)
    lengths = [(one.minutes, written(hundredths(one.hours))) for one in ordered]
    shares = sorted(table.shares, key=lambda one: one.share, reverse=True)
    member, officer = written(table.target(Kind.MEMBER)), written(table.target(Kind.OFFICER))
    down = table.rounding is Rounding.DOWN
    if zh:
        parts = [f"每 {table.hour} 分钟计 1 学时（{'向下取整' if down else '四舍五入'}到 {unit} 学时）"]
        parts += [f"满 {minutes} 分钟至少计 {hours} 学时" for minutes, hours in lengths]
        parts.append(_CREDIT[table.credit][0])
        if table.credit is Credit.SHARE:
            parts += [f"收看满 {one.share}% 计 {one.part}%" for one in shares]
        parts.append(f"年度目标：党员 {member} 学时，书记和班子成员 {officer} 学时")
        return "；".join(parts) + "。"
    parts = [f"{table.hour} minutes are one hour (rounded {'down' if down else ''} to {unit})".replace("  ", " ")]
    parts += [f"{minutes} minutes or more are {hours} at least" for minutes, hours in lengths]
    parts.append(_CREDIT[table.credit][1])
    if table.credit is Credit.SHARE:
        parts += [f"{one.share} % received gives {one.part} %" for one in shares]
    parts.append(f"a year's target is {member} of a member, {officer} of a branch's officers")
    return "; ".join(parts) + "."


_CREDIT: dict[Credit, tuple[str, str]] = {
    Credit.VERDICT: ("达到考勤规则的计整场学时，其余不计", "who meets the lecture's rule gets all of its hours"),
    Credit.SHARE: ("按收看比例分档计学时", "members get hours by steps of their share"),
    Credit.TIME: ("按收看比例折算学时", "members get hours in proportion to their share"),
}
