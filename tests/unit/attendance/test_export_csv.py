from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from attendance.io.export_csv import guard, write
from attendance.words import Language
from tests.unit.attendance.conftest import MakeReport


def read(data: bytes) -> list[list[str]]:
    assert data.startswith(b"\xef\xbb\xbf")
    return list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline="")))


def test_each_person_has_a_line(make_report: MakeReport) -> None:
    heading, *lines = read(write(make_report()))
    assert heading[:8] == ["支部", "姓名", "身份", "手机", "收看情况", "首次收看", "最后收看", "收看时长（秒）"]
    assert len(lines) == 4
    assert all(len(line) == len(heading) for line in lines)
    assert ["镇巴县 / 泾洋街道党支部", "张伟", "学员", "138****0001", "已收看"] in [line[:5] for line in lines]
    (zhang,) = [line for line in lines if line[1] == "张伟"]
    assert zhang[5:11] == [
        "2025-11-24T20:00:03.250+08:00",
        "2025-11-24T20:01:37.999+08:00",
        "88.749",
        "89.749",
        "95.000",
        "0.9447",
    ]


def test_not_measured_is_said_and_never_zero(make_report: MakeReport) -> None:
    lines = read(write(make_report()))
    (unknown,) = [line for line in lines if "HYPERLINK" in line[1]]
    assert unknown[4] == unknown[7] == unknown[8] == unknown[10] == "未测得"
    assert unknown[11] == "65.000"
    (absent,) = [line for line in lines if line[0] == "洋县"]
    assert (absent[4], absent[7]) == ("未收看", "0.000")


def test_english_by_choice(make_report: MakeReport) -> None:
    heading, *lines = read(write(make_report(), "en"))
    assert heading[:2] == ["Branch", "Name"]
    assert {line[4] for line in lines} == {"Received", "Not measured", "Absent"}


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


def test_a_scope_exports_its_branch_only(make_report: MakeReport) -> None:
    assert {line[0] for line in read(write(make_report(("洋县",))))[1:]} == {"洋县"}
