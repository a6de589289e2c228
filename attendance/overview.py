"""A report summed up: how many of each branch, and of each city, have which verdict (the one that holds)."""

from __future__ import annotations

import msgspec

from attendance.report import Line, Report
from attendance.roster import BranchPath, Role
from attendance.sheet.city import city_of
from attendance.verdict import Verdict


class Tally(msgspec.Struct, frozen=True):
    """`verdicts` add up to `invited`. `share`: the credited time of all who were measured over the time that they could
    have had; None where nobody was measured."""

    invited: int
    verdicts: dict[Verdict, int]
    share: float | None


def members(report: Report) -> list[Line]:
    """Whom the rule binds: no lecturer, host or guest."""
    return [line for line in report.lines if line.invitation.role == Role.MEMBER]


def by_branch(report: Report) -> dict[BranchPath, Tally]:
    """The scope as a whole first, then every branch below it with all below that, in the order of their paths."""
    groups: dict[BranchPath, list[Line]] = {report.scope: []}
    for line in members(report):
        branch = line.invitation.member.branch
        for depth in range(len(report.scope), len(branch) + 1):
            groups.setdefault(branch[:depth], []).append(line)
    return {branch: tally(groups[branch]) for branch in sorted(groups)}


def by_city(report: Report) -> dict[str | None, Tally]:
    """Where members live (流入地), the most first; None: the roster does not say."""
    groups: dict[str | None, list[Line]] = {}
    for line in members(report):
        groups.setdefault(city_of(line.invitation.member.city), []).append(line)
    ordered = sorted(groups, key=lambda city: (city is None, -len(groups[city]), city or ""))
    return {city: tally(groups[city]) for city in ordered}


def tally(lines: list[Line]) -> Tally:
    verdicts = dict.fromkeys(Verdict, 0)
    credited = possible = 0
    for line in lines:
        if line.verdict is not None:
            verdicts[line.verdict] += 1
        if line.credited is not None and line.account.denominator:
            credited += line.credited
            possible += line.account.denominator
    return Tally(len(lines), verdicts, credited / possible if possible else None)
