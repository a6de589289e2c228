from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from attendance.io.export_csv import guard, write
from attendance.seal import read_seal, seal_of
from attendance.words import Language
from tests.unit.attendance.conftest import MakeReport


def read(data: bytes) -> list[list[str]]:
    assert data.startswith(b"\xef\xbb\xbf")
    return list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline="")))


def table(data: bytes) -> list[list[str]]:
    """Heading and people; behind them an empty line and the seal."""
    *lines, empty, seal = read(data)
    assert (empty, len(seal)) == ([], 2)
    return lines


def people(data: bytes) -> dict[str, dict[str, str]]:
    heading, *lines = table(data)
    assert all(len(line) == len(heading) for line in lines)
    return {line[1].lstrip("'"): dict(zip(heading, line, strict=True)) for line in lines}


def test_each_person_has_a_line(make_report: MakeReport) -> None:
    found = people(write(make_report()))
    assert len(found) == 4
    assert found["张伟"] == {
        "支部": "镇巴县 / 泾洋街道党支部",
        "姓名": "张伟",
        "身份": "学员",
        "手机": "138****0001",
        "收看情况": "已收看",
        "考勤结论": "出席",
        "首次收看": "2025-11-24T20:00:03.250+08:00",
        "最后收看": "2025-11-24T20:01:37.999+08:00",
        "收看时长（秒）": "88.749",
        "其中有接收证明（秒）": "未测得",
        "其中仅接收报告（秒）": "88.749",
        "其中单独收看（秒）": "88.749",
        "其中集中收看（秒）": "0.000",
        "计入时长（秒）": "89.749",
        "应收看时长（秒）": "95.000",
        "收看比例": "0.9447",
        "在线时长（秒）": "96.000",
        "页面可见时长（秒）": "0.000",
        "上台时长（秒）": "0.000",
        "进入失败次数": "0",
        "签到次数": "2",
        "签到应答": "1",
        "依据说明": "收看 1 分 29 秒（应到 1 分 35 秒，94.4%，要求 90%）；我方故障 20:00:40–20:00:44 已扣除；签到 1/2",
        "测得结论": "出席",
        "更正后计入时长（秒）": "",
        "更正人": "",
        "更正时间": "",
        "更正原因": "",
        "流入地": "",
        "编号": "m1",
    }
    assert (found["王院长"]["考勤结论"], found["王院长"]["依据说明"]) == ("", "")


def test_not_measured_is_said_and_never_zero(make_report: MakeReport) -> None:
    found = people(write(make_report()))
    unknown, absent = found["=HYPERLINK(1)"], found["陈\t静"]
    measures = [key for key in unknown if key.startswith(("收看", "其中", "计入", "考勤"))]
    assert {unknown[key] for key in measures} == {"未测得"}
    assert unknown["在线时长（秒）"] == "65.000"
    assert unknown["依据说明"] == "未测得：没有可用的证据；进入失败 1 次"
    assert [absent[key] for key in measures] == ["未收看", "请假", "0.000", "0.0000"] + ["0.000"] * 5
    assert absent["依据说明"] == "未收看（应到 1 分 35 秒）；请假（病假）"


def test_english_by_choice(make_report: MakeReport) -> None:
    heading, *lines = table(write(make_report(), "en"))
    assert heading[:2] == ["Branch", "Name"]
    assert {line[4] for line in lines} == {"Received", "Not measured", "Absent"}
    assert {line[5] for line in lines} == {"Present", "Not measured", "Excused", ""}


def test_no_cell_is_a_formula(make_report: MakeReport) -> None:
    for line in read(write(make_report())):
        for cell in line:
            assert not cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n"))


@given(st.text())
def test_the_guard_only_adds_an_apostrophe(text: str) -> None:
    assert guard(text).removeprefix("'") == text.removeprefix("'")
    assert not guard(text).startswith(("=", "+", "-", "@", "\t", "\r", "\n"))


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("order", range(3))
def test_the_same_report_gives_the_same_bytes(make_report: MakeReport, language: Language, order: int) -> None:
    assert write(make_report(shuffled=order), language) == write(make_report(), language)


def test_the_seal_stands_at_the_end(make_report: MakeReport) -> None:
    report = make_report(("镇巴县",))
    heading, text = read(write(report, "en"))[-1]
    assert heading == "Seal"
    assert read_seal(text) == seal_of(report, "en")


def test_a_scope_exports_its_branch_only(make_report: MakeReport) -> None:
    assert {line[0] for line in table(write(make_report(("洋县",))))[1:]} == {"洋县"}
