"""What the figures rest on: the time that counts, the rule and its versions, what the words mean, the signed head."""

from __future__ import annotations

from attendance.book.table import Cell, Column, Kind, Of, Table
from attendance.explanation import rule_sentence
from attendance.report import Report
from attendance.seal import seal_of
from attendance.words import Language, meaning, notes, word


def counted(report: Report, language: Language) -> Table:
    """When the lecture counted, and what of it did not: together, from its start to its end without a gap."""
    rows: list[list[Cell]] = [
        [word("counted", language), span.start, span.end, span.end - span.start, ""] for span in report.counted
    ]
    rows += [
        [word("outage", language), one.start, one.end, one.end - one.start, meaning(one.cause, language)]
        for one in report.outages
    ]
    rows += [[word("silent", language), span.start, span.end, span.end - span.start, ""] for span in report.silent]
    return Table("counted_time", COUNTED, rows, by=("kind", "from"), filtered=False)


def rule(report: Report, language: Language) -> Table:
    """Every version, the last is what the verdicts are by; then the one that the lecture began under."""
    rows: list[list[Cell]] = []
    for version in report.rules:
        since: Cell = word("default", language) if version.at is None else Of(Kind.TIME, version.at)
        sentence = rule_sentence(version.rule, language)
        rows.append([Of(Kind.COUNT, version.version), sentence, since, report.name(version.by), version.why])
    frozen = report.frozen
    began: Cell = word("not_frozen", language) if frozen is None else Of(Kind.COUNT, frozen.version)
    rows.append([word("in_force", language), Of(Kind.COUNT, report.rule.version), "", "", ""])
    since = "" if frozen is None else Of(Kind.TIME, frozen.at)
    rows.append([word("frozen", language), began, since, "", ""])
    return Table("rule", RULE, rows, by=("version",), filtered=False)


def legend(report: Report, language: Language) -> Table:
    """What the words mean, and by what the export can be checked (`classroom attendance verify`)."""
    broken, head = report.broken, report.head
    check = word("intact", language) if broken is None else word("bad_row", language).format(
        row=broken.row, reason=broken.reason
    )  # fmt: skip
    rows: list[list[Cell]] = [[word("note", language), note] for note in notes(language)]
    rows += [
        [word("zone", language), word("local", language)],
        [word("lecture_id", language), report.lecture],
        [word("rows", language), Of(Kind.COUNT, report.row)],
        [word("hash", language), report.hash.hex()],
        [word("signed_at", language), Of(Kind.INSTANT, None if head is None else head.at)],
        [word("signature", language), "" if head is None else head.signature.hex()],
        [word("broken", language), check],
        [word("seal", language), seal_of(report, language).text()],
    ]
    return Table("notes", LEGEND, rows, by=(), portrait=True, filtered=False)


COUNTED = (
    Column("kind", 16), Column("from", 31, Kind.INSTANT), Column("to", 31, Kind.INSTANT),
    Column("duration", 10, Kind.DURATION), Column("cause", 20),
)  # fmt: skip
RULE = (
    Column("version", 20), Column("sentence", 70, Kind.WRAPPED), Column("since", 29), Column("by", 16),
    Column("why", 40, Kind.WRAPPED),
)  # fmt: skip
LEGEND = (Column("item", 16), Column("content", 100, Kind.WRAPPED))
