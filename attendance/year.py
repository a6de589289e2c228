"""A year of lectures: what each member's attendance in each came to, and their credit hours against the target.

Theory of operation. The facts are the truth. What a whole lecture's report says of its members is kept as its
`Outcomes`, with the `Stamp` of what it was made from; where ledger, invitations or `REVISION` are others by now it is
made anew. Hours are no part of it: they are reckoned each time, so that another table of hours holds at once.
"""

from __future__ import annotations

import datetime
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from attendance import hours
from attendance.chain import Head
from attendance.hours import HoursTable, Kind
from attendance.report import CHINA, EPOCH, Line, Report
from attendance.roster import BranchPath
from attendance.verdict import Verdict

REVISION = 1
"""Grows whenever the same facts give other outcomes, or these are written otherwise."""


class Stamp(msgspec.Struct, frozen=True):
    """What outcomes were made from: the ledger's last row and its hash, how many were invited, `REVISION`."""

    row: int
    hash: bytes
    invited: int
    revision: int = REVISION


class Outcome(msgspec.Struct, frozen=True, array_like=True):
    """Of one member; `credited` and `denominator` in µs, by the evidence that the rule demands, None: not measured.
    `by_hand`: somebody corrected the verdict; `given`: the time too."""

    verdict: Verdict
    credited: int | None
    denominator: int | None
    by_hand: bool = False
    given: bool = False


class Outcomes(msgspec.Struct, frozen=True):
    """Of one lecture, by member id. Times in µs, UTC; `started` None: it was never live. `rule`: the version that the
    verdicts are by. `broken`: the first row of the ledger that did not verify when it was read."""

    lecture: str
    stamp: Stamp
    head: Head | None
    rule: int
    started: int | None
    ended: int | None
    broken: int | None
    members: dict[str, Outcome]


def outcomes_of(report: Report, invited: int) -> Outcomes:
    """Of a report of the whole lecture; `invited`: of how many people it was made."""
    return Outcomes(
        lecture=report.lecture,
        stamp=Stamp(report.row, report.hash, invited),
        head=report.head,
        rule=report.rule.version,
        started=report.started,
        ended=report.ended,
        broken=None if report.broken is None else report.broken.row,
        members={line.invitation.member.id: outcome for line in report.lines if (outcome := _outcome(line))},
    )


def _outcome(line: Line) -> Outcome | None:
    judgement, correction, verdict = line.judgement, line.correction, line.verdict
    if judgement is None or verdict is None:
        return None
    if correction is None or correction.credited is None:
        return Outcome(verdict, judgement.credited, judgement.denominator, correction is not None)
    return Outcome(verdict, correction.credited, judgement.denominator, by_hand=True, given=True)


class Held(msgspec.Struct, frozen=True):
    """A lecture that took place. `worth` in hundredths of an hour; `by_hand`: somebody set it."""

    id: str
    title: str
    started: int
    ended: int
    worth: int
    by_hand: bool
    outcomes: Outcomes


class Participant(msgspec.Struct, frozen=True):
    """Somebody of the roster. `left`: no more on it."""

    id: str
    name: str
    branch: BranchPath
    phone: str | None
    kind: Kind
    left: bool = False


class Entry(msgspec.Struct, frozen=True):
    """What one lecture came to for one member. `hours` in hundredths; None: not measured."""

    lecture: str
    outcome: Outcome
    hours: int | None


class MemberYear(msgspec.Struct, frozen=True):
    """`hours` and `target` in hundredths. `counts`: lectures by verdict."""

    member: Participant
    target: int
    hours: int
    entries: tuple[Entry, ...]
    counts: Mapping[Verdict, int]

    @property
    def invited(self) -> int:
        return len(self.entries)

    @property
    def measured(self) -> bool:
        """False: there were lectures, and none of them could be measured."""
        return not self.entries or any(entry.hours is not None for entry in self.entries)

    @property
    def reached(self) -> bool:
        return self.hours >= self.target

    @property
    def progress(self) -> float:
        """Of the target, never above 1."""
        return min(1.0, self.hours / self.target) if self.target else 1.0


class BranchYear(msgspec.Struct, frozen=True):
    """A branch and all below it, those who left not counted. `progress`: the mean of those of its members who were
    measured; None where nobody was."""

    branch: BranchPath
    members: int
    reached: int
    not_measured: int
    progress: float | None


class Year(msgspec.Struct, frozen=True):
    """`lectures` in order; `members` and `branches` worst first, what was not measured at the end, the scope as a whole
    before all branches."""

    year: int
    scope: BranchPath
    table: HoursTable
    version: int
    lectures: tuple[Held, ...]
    members: tuple[MemberYear, ...]
    branches: tuple[BranchYear, ...]


def held(
    year: int, table: HoursTable, found: Iterable[tuple[str, Outcomes]], by_hand: Mapping[str, int]
) -> tuple[Held, ...]:
    """Of lectures (title, outcomes) those that began in this year, in order; `by_hand`: worths that somebody set."""
    chosen: list[Held] = []
    for title, one in found:
        if one.started is None or one.ended is None or year_of(one.started) != year:
            continue
        worth = by_hand.get(one.lecture)
        reckoned = hours.worth(table, one.ended - one.started) if worth is None else worth
        chosen.append(Held(one.lecture, title, one.started, one.ended, reckoned, worth is not None, one))
    return tuple(sorted(chosen, key=lambda lecture: (lecture.started, lecture.id)))


def compose_year(
    year: int,
    scope: BranchPath,
    table: HoursTable,
    version: int,
    lectures: Sequence[Held],
    people: Iterable[Participant],
) -> Year:
    """`people`: everybody of the scope. Who left is named where a lecture of this year knows them."""
    found = [_member(one, table, lectures) for one in people]
    members = [one for one in found if one.entries or not one.member.left]
    members.sort(key=_badness)
    return Year(year, scope, table, version, tuple(lectures), tuple(members), _branches(scope, members))


def _badness(one: MemberYear) -> tuple[bool, bool, float, BranchPath, str, str]:
    member = one.member
    return member.left, not one.measured, one.progress, member.branch, member.name, member.id


def _member(member: Participant, table: HoursTable, lectures: Sequence[Held]) -> MemberYear:
    entries: list[Entry] = []
    counts: defaultdict[Verdict, int] = defaultdict(int)
    total = 0
    for lecture in lectures:
        outcome = lecture.outcomes.members.get(member.id)
        if outcome is None:
            continue
        decided = outcome.by_hand and not outcome.given
        got = hours.credited(
            table, lecture.worth, outcome.verdict, outcome.credited, outcome.denominator, decided
        )  # fmt: skip
        entries.append(Entry(lecture.id, outcome, got))
        counts[outcome.verdict] += 1
        total += got or 0
    return MemberYear(member, table.target(member.kind), total, tuple(entries), counts)


def _branches(scope: BranchPath, members: Sequence[MemberYear]) -> tuple[BranchYear, ...]:
    groups: defaultdict[BranchPath, list[MemberYear]] = defaultdict(list)
    for one in members:
        if not one.member.left:
            for depth in range(len(scope), len(one.member.branch) + 1):
                groups[one.member.branch[:depth]].append(one)
    whole = groups.pop(scope, [])
    lines = [_branch(branch, group) for branch, group in groups.items()]
    return _branch(scope, whole), *sorted(
        lines, key=lambda line: (line.progress is None, line.progress or 0.0, line.branch)
    )


def _branch(branch: BranchPath, members: Sequence[MemberYear]) -> BranchYear:
    measured = [one.progress for one in members if one.measured]
    return BranchYear(
        branch=branch,
        members=len(members),
        reached=sum(one.reached for one in members),
        not_measured=sum(1 for one in members if one.counts.get(Verdict.NOT_MEASURED)),
        progress=sum(measured) / len(measured) if measured else None,
    )


def year_of(time: int) -> int:
    """The year in China in which a moment (µs, UTC) lies."""
    return (EPOCH + datetime.timedelta(microseconds=time)).astimezone(CHINA).year
