"""The evening in figures, as a whole, by branch and by city: what a superior reads."""

from __future__ import annotations

from collections import Counter

from attendance.book.table import Cell, Column, Indented, Kind, Of, Table
from attendance.overview import Tally
from attendance.overview import by_city as tallies
from attendance.report import Report
from attendance.verdict import Verdict
from attendance.words import Language, meaning, word


def summary(report: Report, language: Language) -> Table:
    """Label and value, one a row; verdicts that nobody got are left out, but for those that everybody looks for."""
    whole = report.branches()[0]
    rows: list[list[Cell]] = [
        [word("lecture", language), report.title],
        [word("started", language), Of(Kind.TIME, report.started)],
        [word("ended", language), Of(Kind.TIME, report.ended)],
        [word("denominator", language), Of(Kind.DURATION, report.denominator)],
        [word("scope", language), " / ".join(report.scope) or word("everything", language)],
        [word("invited", language), Of(Kind.COUNT, whole.invited)],
        [word("attended", language), Of(Kind.COUNT, whole.attended)],
        [word("absent", language), Of(Kind.COUNT, whole.absent)],
        [word("not_measured", language), Of(Kind.COUNT, whole.not_measured)],
        [word("share_of_all", language), Of(Kind.SHARE, whole.share)],
    ]
    found = Counter(line.verdict for line in report.lines)
    rows += [
        [f"{word('verdict', language)}：{meaning(verdict.value, language)}", Of(Kind.COUNT, found[verdict])]
        for verdict in Verdict
        if found[verdict] or verdict in LOOKED_FOR
    ]
    return Table("summary", SUMMARY, rows, by=("item",), portrait=True, filtered=False)


def by_branch(report: Report, language: Language) -> Table:
    """Members only. One line for everything, then one for each branch with all below it, indented."""
    top = len(report.scope)
    rows: list[list[Cell]] = []
    for line in report.branches():
        path = " / ".join(line.branch) or word("total", language)
        counts = (line.invited, line.attended, line.present, line.excused, line.absent, line.not_measured)
        rows.append([Indented(path, len(line.branch) - top), *counts, line.share])
    return Table("by_branch", BY_BRANCH, rows, by=("branch",), portrait=True, filtered=False)


def by_city(report: Report, language: Language) -> Table:
    """Where members live (流入地), the most first, by the verdict that holds; no rows where the roster tells no city.
    The figures of a row add up to its first."""
    found = tallies(report)
    rows: list[list[Cell]] = []
    if any(city is not None for city in found):
        rows = [[city or word("no_city", language), *_counts(tally), tally.share] for city, tally in found.items()]
    return Table("by_city", BY_CITY, rows, by=("city",), portrait=True, filtered=False)


def _counts(tally: Tally) -> list[int]:
    some = tally.verdicts
    between = some[Verdict.LATE] + some[Verdict.LEFT_EARLY] + some[Verdict.INCOMPLETE]
    sole = (some[one] for one in (Verdict.EXCUSED, Verdict.ABSENT, Verdict.NOT_MEASURED))
    return [tally.invited, some[Verdict.PRESENT], between, *sole]


LOOKED_FOR = (Verdict.PRESENT, Verdict.ABSENT)
SUMMARY = (Column("item", 28), Column("content", 50))
BY_BRANCH = (
    Column("branch", 44), Column("invited", 9, Kind.COUNT), Column("attended", 9, Kind.COUNT),
    Column("present", 9, Kind.COUNT), Column("excused", 9, Kind.COUNT), Column("absent", 9, Kind.COUNT),
    Column("not_measured", 9, Kind.COUNT), Column("share", 10, Kind.SHARE),
)  # fmt: skip
BY_CITY = (
    Column("city", 30), Column("invited", 9, Kind.COUNT), Column("met", 9, Kind.COUNT),
    Column("between", 14, Kind.COUNT), Column("excused", 9, Kind.COUNT), Column("missed", 9, Kind.COUNT),
    Column("not_measured", 9, Kind.COUNT), Column("share", 10, Kind.SHARE),
)  # fmt: skip
