"""Where members watched together: each site with its host and headcount, and who was there, from when to when, and who
says so."""

from __future__ import annotations

from attendance.book.table import Cell, Column, Kind, Table
from attendance.report import Report, SiteLine
from attendance.site import STILL_THERE, Stay
from attendance.words import Language, meaning, word

LECTURE_ENDED = "lecture-ended"


def sites(report: Report, language: Language) -> Table:
    """One row a stay; a site where nobody of the scope was has one of its own."""
    people = {line.invitation.member.id: line.invitation.member for line in report.lines}

    def row(line: SiteLine, stay: Stay) -> list[Cell]:
        member = people[stay.member]
        gone = stay.end if stay.end is not None else report.ended
        by = report.name(stay.by) or word("command_line", language)
        over = stay.closed_by == STILL_THERE and report.ended is not None
        why = LECTURE_ENDED if over else stay.closed_by
        return [
            *_site(line, language), " / ".join(member.branch), member.name, stay.start, gone,
            meaning(stay.how, language), by, meaning(why, language), member.id,
            line.site.id,
        ]  # fmt: skip

    rows: list[list[Cell]] = []
    for line in report.sites:
        rows += [row(line, stay) for stay in line.stays] or [
            [*_site(line, language), "", "", None, None, "", "", "", "", line.site.id]
        ]
    return Table("sites", SITES, rows, by=("site_id", "id", "checked_in"), printed=len(SITES) - 2)


def _site(line: SiteLine, language: Language) -> list[Cell]:
    site, count = line.site, line.headcount
    ends = [end for _, end in line.hours]
    return [
        site.place or word("erased", language),
        " / ".join(site.branch),
        site.host_name,
        line.hours[0][0] if line.hours else None,
        None if None in ends or not ends else ends[-1],
        len({stay.member for stay in line.stays}),
        None if count is None else count.heads,
        line.received,
    ]


SITES = (
    Column("place", 20), Column("site_branch", 30), Column("site_host", 10), Column("site_opened", 29, Kind.TIME),
    Column("site_closed", 29, Kind.TIME), Column("listed", 8, Kind.COUNT), Column("heads", 8, Kind.COUNT),
    Column("screen", 10, Kind.DURATION), Column("branch", 30), Column("name", 10),
    Column("checked_in", 29, Kind.TIME), Column("checked_out", 29, Kind.TIME), Column("how", 10),
    Column("attested_by", 10), Column("ended_how", 14), Column("id", 16), Column("site_id", 16),
)  # fmt: skip
