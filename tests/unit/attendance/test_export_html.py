"""The summary to print: complete, the same bytes, and nothing that a name could smuggle in."""

from __future__ import annotations

import msgspec

from attendance.io.export_html import write
from tests.unit.attendance.conftest import MakeReport


def test_the_same_report_is_the_same_page(make_report: MakeReport) -> None:
    assert write(make_report()) == write(make_report(shuffled=3))


def test_it_says_what_a_superior_asks(make_report: MakeReport) -> None:
    report = make_report()
    page = write(report).decode()
    for said in (
        "应到</dt><dd>3",
        "请假</dt><dd>1",
        "未测得</dt><dd>1",
        "收看不少于应收看时长的 90%",
        "泾洋街道党支部",
    ):
        assert said in page
    assert report.hash.hex() in page
    assert report.head is not None
    assert report.head.signature.hex() in page
    assert "<svg" in page
    assert "@page { size: A4" in page


def test_nothing_in_it_runs_or_is_fetched(make_report: MakeReport) -> None:
    page = write(msgspec.structs.replace(make_report(), title="<script>x</script>")).decode()
    assert "<script" not in page
    assert "http" not in page
    assert "&lt;script&gt;" in page


def test_of_a_lecture_that_has_not_begun_there_is_no_curve(make_report: MakeReport) -> None:
    page = write(msgspec.structs.replace(make_report(), started=None, denominator=None), "en").decode()
    assert "The lecture has not begun." in page
    assert "<svg" not in page


def test_of_many_branches_those_right_below_are_listed(make_report: MakeReport) -> None:
    report = make_report()
    line = report.lines[1]
    lines = [
        msgspec.structs.replace(
            line,
            invitation=msgspec.structs.replace(
                line.invitation,
                member=msgspec.structs.replace(line.invitation.member, id=f"x{n}", branch=("洋县", f"第{n}支部")),
            ),
        )
        for n in range(80)
    ]
    page = write(msgspec.structs.replace(report, lines=lines)).decode()
    assert "洋县" in page
    assert "第1支部" not in page
