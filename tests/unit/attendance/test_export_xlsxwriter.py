from __future__ import annotations

import io
import zipfile
from typing import Any

import msgspec
import pytest
from python_calamine import CalamineWorkbook

from attendance.audit import Broken
from attendance.io.export_xlsxwriter import write
from attendance.words import Language
from tests.unit.attendance.conftest import MakeReport


def sheet(data: bytes, name: str) -> list[list[Any]]:
    return CalamineWorkbook.from_filelike(io.BytesIO(data)).get_sheet_by_name(name).to_python()


def line(rows: list[list[Any]], name: str, column: int = 1) -> list[Any]:
    (found,) = [row for row in rows if row[column] == name]
    return found


def test_a_workbook_has_four_sheets(make_report: MakeReport) -> None:
    book = CalamineWorkbook.from_filelike(io.BytesIO(write(make_report())))
    assert book.sheet_names == ["汇总", "人员", "区间", "说明"]
    book = CalamineWorkbook.from_filelike(io.BytesIO(write(make_report(), "en")))
    assert book.sheet_names == ["Summary", "Members", "Intervals", "Notes"]


def test_the_summary_counts_each_branch_with_all_below(make_report: MakeReport) -> None:
    heading, *rows = sheet(write(make_report()), "汇总")
    assert heading == ["支部", "应到", "已收看", "未收看", "未测得", "收看比例"]
    assert rows[0][:5] == ["合计", 3, 1, 1, 1]
    assert line(rows, "镇巴县", 0)[1:5] == [2, 1, 0, 1]
    assert line(rows, "镇巴县 / @观音镇", 0)[1:6] == [1, 0, 0, 1, "未测得"]


def test_members_have_their_times_with_offset(make_report: MakeReport) -> None:
    rows = sheet(write(make_report()), "人员")
    zhang = line(rows, "张伟")
    assert zhang[4:7] == ["已收看", "2025-11-24 20:00:03.250+08:00", "2025-11-24 20:01:37.999+08:00"]
    assert zhang[10] == pytest.approx(89.749 / 95)
    unknown = line(rows, "=HYPERLINK(1)")
    assert unknown[4] == unknown[7] == unknown[8] == unknown[10] == "未测得"
    assert line(rows, "陈\t静")[4] == "未收看"


def test_intervals_show_their_evidence(make_report: MakeReport) -> None:
    rows = [row for row in sheet(write(make_report()), "区间") if row[1] == "张伟"]
    assert [(row[2], row[3], row[8]) for row in rows] == [
        ("在线", "进入页面", "失去联系"),
        ("收看", "接收报告", "转发故障"),
        ("收看", "接收报告", "正常离开"),
        ("补接间断", "", ""),
    ]


def test_the_notes_tell_outages_and_the_ledgers_state(make_report: MakeReport) -> None:
    rows = sheet(write(make_report()), "说明")
    outage = ["我方故障", "2025-11-24 20:00:40.000+08:00", "2025-11-24 20:00:44.000+08:00", "转发服务"]
    assert outage in [row[:4] for row in rows]
    assert line(rows, "账本校验", 0)[1] == "通过"
    broken = msgspec.structs.replace(make_report(), broken=Broken(3, "changed"))
    assert line(sheet(write(broken), "说明"), "账本校验", 0)[1] == "第 3 行不符：changed"


def test_no_cell_is_a_formula_or_a_link(make_report: MakeReport) -> None:
    with zipfile.ZipFile(io.BytesIO(write(make_report()))) as archive:
        for name in archive.namelist():
            if name.startswith("xl/worksheets"):
                content = archive.read(name)
                assert b"<f>" not in content
                assert b"hyperlink" not in content


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("order", range(3))
def test_the_same_report_gives_the_same_bytes(make_report: MakeReport, language: Language, order: int) -> None:
    assert write(make_report(shuffled=order), language) == write(make_report(), language)
