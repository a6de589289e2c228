"""What is said of each person: figures and verdict, what was received, sign-ins, attempts that failed."""

from __future__ import annotations

from collections.abc import Callable

from attendance import decision
from attendance.book.table import Cell, Column, Kind, Of, Table
from attendance.report import Line, Report
from attendance.sheet.city import city_of
from attendance.verdict import Verdict
from attendance.words import Language, failure, meaning, result, word

Value = Callable[[Report, Line, Language], Cell]


def members(report: Report, language: Language) -> Table:
    """One row a person; `MEMBERS` says what stands in each column."""
    rows = [[value(report, line, language) for _, value in MEMBERS] for line in report.lines]
    return Table("members", [column for column, _ in MEMBERS], rows, by=("id",), printed=PRINTED)


def intervals(report: Report, language: Language) -> Table:
    """What every figure is reckoned from, with the evidence at either edge, and the gaps that were bridged."""
    rows: list[list[Cell]] = []
    for line in report.lines:
        who, identity = _who(line), line.invitation.member.id
        rows += [
            [
                *who, meaning(one.kind.value, language), meaning(one.evidence, language), one.start, one.end,
                one.end - one.start, meaning(one.opened_by, language), meaning(one.closed_by, language),
                one.uncertainty / 1_000_000, identity,
            ]
            for one in line.account.sessions
        ]  # fmt: skip
        rows += [
            [*who, word("bridged", language), "", span.start, span.end, span.end - span.start, "", "", "", identity]
            for span in line.account.bridged
        ]
    return Table("intervals", INTERVALS, rows, by=("id", "kind", "from"), printed=len(INTERVALS) - 1)


def sign_ins(report: Report, language: Language) -> Table:
    """Each that was asked; an empty time of the answer says that there was none."""
    rows = [
        [*_who(line), one.at, one.until, one.answered, line.invitation.member.id]
        for line in report.lines
        for one in line.account.sign_ins
    ]
    return Table("sign_ins", SIGN_INS, rows, by=("id", "asked_at"), printed=len(SIGN_INS) - 1)


def failures(report: Report, language: Language) -> Table:
    """Attempts to come in that did not work: they speak for whoever made them."""
    rows = [
        [*_who(line), one.at, failure(one.cause, language), one.cause, one.detail, line.invitation.member.id]
        for line in report.lines
        for one in line.account.failed
    ]
    return Table("failures", FAILURES, rows, by=("id", "at"), printed=len(FAILURES) - 1)


def testimonials(report: Report, language: Language) -> Table:
    """Who was on the stage before everybody, in order."""
    people = {line.invitation.member.id: line.invitation.member for line in report.lines}
    rows: list[list[Cell]] = []
    for one in report.appearances:
        member = people[one.member]
        rows.append([
            " / ".join(member.branch), member.name, one.start, one.end, one.end - one.start,
            report.name(one.called_by), one.reconnects, member.id,
        ])  # fmt: skip
    return Table("testimonials", TESTIMONIALS, rows, by=("id", "from"), printed=len(TESTIMONIALS) - 1)


def decisions(report: Report, language: Language) -> Table:
    """Leave and corrections, given and taken back, in order."""
    people = {line.invitation.member.id: line.invitation.member for line in report.lines}
    rows: list[list[Cell]] = []
    for one in report.decisions:
        member = people[one.member]
        measured = one.kind is decision.Kind.CORRECTION_WITHDRAWN
        rows.append([
            " / ".join(member.branch), member.name, one.at, meaning(one.kind.value, language),
            meaning(one.before, language), word("as_measured", language) if measured else meaning(one.after, language),
            _given(one.credited_before), _given(one.credited), _by(report, one.by, language), one.why, member.id,
        ])  # fmt: skip
    return Table("decisions", DECISIONS, rows, by=("id", "decided_at"), printed=len(DECISIONS) - 1)


def _given(time: int | None) -> Cell:
    """A time that somebody gave; empty where nobody did."""
    return "" if time is None else Of(Kind.DURATION, time)


def _by(report: Report, person: str | None, language: Language) -> str:
    return report.name(person) or word("command_line", language)


def _who(line: Line) -> list[Cell]:
    return [" / ".join(line.invitation.member.branch), line.invitation.member.name]


def _verdict(verdict: Verdict | None, language: Language) -> str:
    return "" if verdict is None else meaning(verdict.value, language)


def _answered(line: Line) -> int:
    return sum(one.answered is not None for one in line.account.sign_ins)


MEMBERS: tuple[tuple[Column, Value], ...] = (
    (Column("branch", 34, Kind.WRAPPED), lambda _, line, __: " / ".join(line.invitation.member.branch)),
    (Column("name", 12, Kind.WRAPPED), lambda _, line, __: line.invitation.member.name),
    (Column("role", 6), lambda _, line, language: meaning(line.invitation.role, language)),
    (Column("phone", 13), lambda _, line, __: line.invitation.member.phone or ""),
    (Column("result", 8), lambda _, line, language: result(line.account, language)),
    (Column("verdict", 8), lambda _, line, language: _verdict(line.verdict, language)),
    (Column("first_join", 29, Kind.TIME), lambda _, line, __: line.account.first_join),
    (Column("last_leave", 29, Kind.TIME), lambda _, line, __: line.account.last_leave),
    (Column("credited", 10, Kind.DURATION), lambda _, line, __: line.account.credited),
    (Column("denominator", 10, Kind.DURATION), lambda _, line, __: line.account.denominator),
    (Column("share", 9, Kind.SHARE), lambda _, line, __: line.account.share),
    (Column("asked", 6, Kind.COUNT), lambda _, line, __: len(line.account.sign_ins)),
    (Column("answered", 6, Kind.COUNT), lambda _, line, __: _answered(line)),
    (
        Column("explanation", 52, Kind.WRAPPED),
        lambda report, line, language: report.explanation(line, language),
    ),
    (
        Column("measured_verdict", 9),
        lambda _, line, language: _verdict(None if line.judgement is None else line.judgement.verdict, language),
    ),
    (
        Column("corrected_credited", 10, Kind.DURATION),
        lambda _, line, __: "" if line.correction is None else _given(line.correction.credited),
    ),
    (
        Column("corrected_by", 10),
        lambda report, line, language: "" if line.correction is None else _by(report, line.correction.by, language),
    ),
    (
        Column("corrected_at", 28, Kind.TIME),
        lambda _, line, __: None if line.correction is None else line.correction.at,
    ),
    (
        Column("corrected_why", 30, Kind.WRAPPED),
        lambda report, line, _: "" if line.correction is None else report.reason(line.correction.id),
    ),
    (Column("receiving", 10, Kind.DURATION), lambda _, line, __: line.account.receiving),
    (Column("proved", 10, Kind.DURATION), lambda _, line, __: line.account.proved),
    (Column("reported", 10, Kind.DURATION), lambda _, line, __: line.account.reported),
    (Column("individual", 10, Kind.DURATION), lambda _, line, __: line.account.individual),
    (Column("collective", 10, Kind.DURATION), lambda _, line, __: line.account.collective),
    (Column("connected", 10, Kind.DURATION), lambda _, line, __: line.account.connected),
    (Column("visible", 10, Kind.DURATION), lambda _, line, __: line.account.visible),
    (Column("on_stage", 10, Kind.DURATION), lambda _, line, __: line.account.on_stage),
    (Column("failed", 8, Kind.COUNT), lambda _, line, __: len(line.account.failed)),
    (Column("city", 12), lambda _, line, __: city_of(line.invitation.member.city) or ""),
    (Column("id", 16), lambda _, line, __: line.invitation.member.id),
)
PRINTED = [column.key for column, _ in MEMBERS].index("explanation") + 1
"""The columns up to the explanation go on paper; those beyond it hold the evidence in detail."""

INTERVALS = (
    Column("branch", 34), Column("name", 12), Column("kind", 10), Column("evidence", 12),
    Column("from", 31, Kind.INSTANT), Column("to", 31, Kind.INSTANT), Column("duration", 10, Kind.DURATION),
    Column("opened_by", 16, Kind.WRAPPED), Column("closed_by", 18, Kind.WRAPPED),
    Column("uncertainty", 8, Kind.NUMBER), Column("id", 16),
)  # fmt: skip
SIGN_INS = (
    Column("branch", 34), Column("name", 12), Column("asked_at", 29, Kind.TIME), Column("until", 29, Kind.TIME),
    Column("answered_at", 29, Kind.TIME), Column("id", 16),
)  # fmt: skip
FAILURES = (
    Column("branch", 34), Column("name", 12), Column("at", 29, Kind.TIME), Column("cause", 44, Kind.WRAPPED),
    Column("cause_word", 16), Column("detail", 30, Kind.WRAPPED), Column("id", 16),
)  # fmt: skip
DECISIONS = (
    Column("branch", 34), Column("name", 12), Column("decided_at", 29, Kind.TIME), Column("decided", 12),
    Column("before", 10), Column("after", 10), Column("credited_before", 10, Kind.DURATION),
    Column("credited_after", 10, Kind.DURATION), Column("decided_by", 12), Column("decided_why", 44, Kind.WRAPPED),
    Column("id", 16),
)  # fmt: skip
TESTIMONIALS = (
    Column("branch", 34), Column("name", 12), Column("from", 29, Kind.TIME), Column("to", 29, Kind.TIME),
    Column("duration", 10, Kind.DURATION), Column("called_by", 16), Column("reconnects", 9, Kind.COUNT),
    Column("id", 16),
)  # fmt: skip
