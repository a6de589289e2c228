"""All tables of a report, in their order: a new one is a function here and a heading in `attendance.words`."""

from __future__ import annotations

from collections.abc import Callable

from attendance.book import basis, branches, people, sites
from attendance.book.table import Table
from attendance.report import Report
from attendance.words import Language

TABLES: tuple[Callable[[Report, Language], Table], ...] = (
    branches.summary,
    branches.by_branch,
    branches.by_city,
    people.members,
    people.intervals,
    people.sign_ins,
    people.failures,
    people.testimonials,
    sites.sites,
    people.decisions,
    basis.counted,
    basis.rule,
    basis.legend,
)


def tables(report: Report, language: Language) -> list[Table]:
    return [table(report, language) for table in TABLES]
