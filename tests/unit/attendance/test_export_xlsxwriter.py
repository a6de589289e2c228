from __future__ import annotations

import datetime
import io
import zipfile
from typing import Any

import msgspec
import pytest
from python_calamine import CalamineWorkbook

from attendance.audit import Broken
from attendance.io.export_xlsxwriter import write
from attendance.report import Report
from attendance.seal import read_seal, seal_of
from attendance.words import Language
from tests.sheets import SHEETS
from tests.unit.attendance.conftest import MakeReport
from tests.unit.attendance.test_overview import housed


def sheet(data: bytes, name: str) -> list[list[Any]]:
    return CalamineWorkbook.from_filelike(io.BytesIO(data)).get_sheet_by_name(name).to_python()


def line(rows: list[list[Any]], name: str, column: int = 1) -> list[Any]:
    (found,) = [row for row in rows if row[column] == name]
    return found


def test_a_workbook_has_its_sheets(make_report: MakeReport) -> None:
    book = CalamineWorkbook.from_filelike(io.BytesIO(write(make_report())))
    assert book.sheet_names == SHEETS
    book = CalamineWorkbook.from_filelike(io.BytesIO(write(make_report(), "en")))
    assert book.sheet_names[:4] == ["Summary", "By branch", "By city", "Members"]


def test_the_summary_has_the_evening_in_figures(make_report: MakeReport) -> None:
    rows = dict(sheet(write(make_report()), "汇总"))
    assert rows["课程"] == "=第一课"
    assert rows["开始时间"] == "2025-11-24 20:00:00.000+08:00"
    assert rows["应收看时长"] == datetime.timedelta(seconds=95)
    counts = ("应到", "已收看", "未收看", "未测得", "考勤结论：出席", "考勤结论：请假", "考勤结论：缺席")
    assert [rows[key] for key in counts] == [3, 1, 1, 1, 1, 1, 0]
    assert "考勤结论：迟到" not in rows


def test_each_branch_is_counted_with_all_below(make_report: MakeReport) -> None:
    heading, *rows = sheet(write(make_report()), "按支部")
    assert heading == ["支部", "应到", "已收看", "达标", "请假", "未收看", "未测得", "收看比例"]
    assert rows[0][:7] == ["合计", 3, 1, 1, 1, 1, 1]
    assert line(rows, "镇巴县", 0)[1:7] == [2, 1, 1, 0, 0, 1]
    assert line(rows, "镇巴县 / @观音镇", 0)[1:8] == [1, 0, 0, 0, 0, 1, "未测得"]


def test_each_city_is_counted_by_the_verdicts(make_report: MakeReport) -> None:
    heading, *rows = sheet(write(housed(make_report(), None, "西安市", "陕西省西安市", None)), "流入地")
    assert heading == ["流入地", "应到", "出席", "迟到、早退、未达标", "请假", "缺席", "未测得", "收看比例"]
    assert [row[0] for row in rows] == ["西安", "未填"]
    assert all(row[1] == sum(row[2:7]) for row in rows)
    assert rows[0][1] == 2
    heading, *rows = sheet(write(make_report()), "流入地")  # the roster says of nobody where they live
    assert rows == []


def test_members_have_their_times_with_offset(make_report: MakeReport) -> None:
    heading, *rows = sheet(write(make_report()), "人员")
    zhang = dict(zip(heading, line(rows, "张伟"), strict=True))
    assert [zhang[key] for key in ("收看情况", "考勤结论", "首次收看", "最后收看")] == [
        "已收看",
        "出席",
        "2025-11-24 20:00:03.250+08:00",
        "2025-11-24 20:01:37.999+08:00",
    ]
    assert zhang["收看比例"] == pytest.approx(89.749 / 95)
    assert (zhang["签到次数"], zhang["签到应答"]) == (2, 1)
    assert (
        zhang["依据说明"]
        == "收看 1 分 29 秒（应到 1 分 35 秒，94.4%，要求 90%）；我方故障 20:00:40–20:00:44 已扣除；签到 1/2"
    )
    unknown = dict(zip(heading, line(rows, "=HYPERLINK(1)"), strict=True))
    measures = [key for key in unknown if key.startswith(("收看", "其中", "计入", "考勤"))]
    assert {unknown[key] for key in measures} == {"未测得"}
    assert line(rows, "陈\t静")[4:6] == ["未收看", "请假"]


def test_sign_ins_are_listed_one_by_one(make_report: MakeReport) -> None:
    _, *rows = sheet(write(make_report()), "签到")
    assert [row[1:3] + row[4:5] for row in rows] == [
        ["张伟", "2025-11-24 20:00:30.000+08:00", "2025-11-24 20:00:33.000+08:00"],
        ["张伟", "2025-11-24 20:00:50.000+08:00", ""],
    ]


def test_testimonials_have_their_times(make_report: MakeReport) -> None:
    _, row = sheet(write(make_report()), "分享")
    assert row[1:4] == ["张伟", "2025-11-24 20:01:00.000+08:00", "2025-11-24 20:01:28.000+08:00"]
    assert row[5:] == ["王院长", 1, "m1"]


def test_sites_stand_with_who_was_there_and_who_says_so(gathered: Report) -> None:
    heading, row = sheet(write(gathered), "集中收看")
    assert heading[:8] == [
        "收看点", "收看点支部", "主持人", "开始时间", "结束时间", "登记人数", "现场清点", "屏幕收看时长",
    ]  # fmt: skip
    assert row[:3] == ["党员活动室", "镇巴县 / 泾洋街道党支部", "张伟"]
    assert row[4] == "2025-11-24 20:01:00.000+08:00"
    assert row[5:8] == [1, 7, datetime.timedelta(seconds=89)]
    assert row[9:12] == ["=HYPERLINK(1)", "2025-11-24 20:00:20.000+08:00", "2025-11-24 20:01:00.000+08:00"]
    assert row[12:15] == ["扫码登记", "=HYPERLINK(1)", "收看点结束"]
    members = {row[1]: row for row in sheet(write(gathered), "人员")}
    column = members["姓名"].index("其中集中收看")
    assert members["=HYPERLINK(1)"][column] == datetime.timedelta(seconds=40)


def test_the_rule_stands_with_its_versions(make_report: MakeReport) -> None:
    _, first, second, force, frozen = sheet(write(make_report()), "考勤规则")
    assert first[0] == 1
    assert first[1].startswith("收看不少于应收看时长的 80%")
    assert first[2:] == ["默认规则", "", ""]
    assert second[2:] == ["2025-11-24 21:00:00.000+08:00", "李主任", "=按市里要求"]
    assert force[:2] == ["本表依据的版本", 2]
    assert frozen[:3] == ["开播时的版本", 1, "2025-11-24 20:00:00.000+08:00"]


def test_intervals_show_their_evidence(make_report: MakeReport) -> None:
    rows = [row for row in sheet(write(make_report()), "区间") if row[1] == "张伟"]
    assert [(row[2], row[3], row[8]) for row in rows] == [
        ("在线", "进入页面", "失去联系"),
        ("收看", "接收报告", "转发故障"),
        ("收看", "接收报告", "正常离开"),
        ("补接间断", "", ""),
    ]


def test_failed_attempts_have_their_cause_in_words(make_report: MakeReport) -> None:
    _, row = sheet(write(make_report()), "进入失败")
    assert row[1:] == [
        "=HYPERLINK(1)", "2025-11-24 20:00:09.000+08:00", "所在网络拦住了直播画面", "no-udp", "=1+1", "m2",
    ]  # fmt: skip


def test_the_counted_time_is_shown_with_what_does_not_count(make_report: MakeReport) -> None:
    _, *rows = sheet(write(make_report()), "计时")
    assert [(row[0], row[1][11:23], row[2][11:23], row[4]) for row in rows] == [
        ("计入考勤", "20:00:00.000", "20:00:40.000", ""),
        ("计入考勤", "20:00:45.000", "20:01:40.000", ""),
        ("我方故障", "20:00:40.000", "20:00:44.000", "转发服务"),
        ("无画面声音", "20:00:44.000", "20:00:45.000", ""),
    ]


def test_the_notes_tell_the_ledgers_state_and_carry_the_seal(make_report: MakeReport) -> None:
    report = make_report(("镇巴县",))
    rows = sheet(write(report), "说明")
    assert line(rows, "账本校验", 0)[1] == "通过"
    assert line(rows, "课程编号", 0)[1] == "party"
    assert line(rows, "签名时间", 0)[1] == "2025-11-24 20:00:00.000+08:00"
    assert read_seal(line(rows, "校验信息", 0)[1]) == seal_of(report, "zh")
    broken = msgspec.structs.replace(report, broken=Broken(3, "changed"))
    assert line(sheet(write(broken), "说明"), "账本校验", 0)[1] == "第 3 行不符：changed"


@pytest.mark.parametrize("name", SHEETS)
def test_each_sheet_is_printed_on_a4_with_its_headings(make_report: MakeReport, name: str) -> None:
    with zipfile.ZipFile(io.BytesIO(write(make_report()))) as archive:
        sheet = archive.read(f"xl/worksheets/sheet{SHEETS.index(name) + 1}.xml").decode()
        names = archive.read("xl/workbook.xml").decode()
    assert 'paperSize="9"' in sheet
    assert 'fitToHeight="0"' in sheet
    assert f'<definedName name="_xlnm.Print_Titles" localSheetId="{SHEETS.index(name)}">{name}!$1:$1' in names


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
