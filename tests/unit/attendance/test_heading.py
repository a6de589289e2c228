"""Which column is which."""

from __future__ import annotations

import pytest

from attendance.sheet.heading import Columns, Kind, find, lacking, recognize
from attendance.sheet.rows import Row


@pytest.mark.parametrize(
    ("headings", "found"),
    [
        (["姓名", "支部", "手机"], {Kind.NAME: 0, Kind.BRANCH: 1, Kind.PHONE: 2}),
        (["手机号码", "所在支部", "姓 名"], {Kind.PHONE: 0, Kind.BRANCH: 1, Kind.NAME: 2}),
        (["序号", "姓　名", "性别", "党支部", "电话"], {Kind.NAME: 1, Kind.BRANCH: 3, Kind.PHONE: 4}),
        (["name", "branch", "phone"], {Kind.NAME: 0, Kind.BRANCH: 1, Kind.PHONE: 2}),
        (["Phone Number", "Branch_Path", "Full Name"], {Kind.PHONE: 0, Kind.BRANCH: 1, Kind.NAME: 2}),
        (
            ["县区", "所属党委", "所在党支部名称", "党员姓名", "联系方式", "角色"],
            {Kind.COUNTY: 0, Kind.COMMITTEE: 1, Kind.BRANCH: 2, Kind.NAME: 3, Kind.PHONE: 4, Kind.ROLE: 5},
        ),
        (["* 姓名（必填）", "支部(全称)：", "手机号码[11位]"], {Kind.NAME: 0, Kind.BRANCH: 1, Kind.PHONE: 2}),
        (["姓名", "支部书记", "支部电话", "支部", "手机"], {Kind.NAME: 0, Kind.BRANCH: 3, Kind.PHONE: 4}),
        (["姓名", "联系电话", "手机号", "单位"], {Kind.NAME: 0, Kind.PHONE: 2, Kind.BRANCH: 3}),
    ],
)
def test_headings(headings: list[str], found: dict[Kind, int]) -> None:
    assert recognize(headings) == found


def test_a_title_may_stand_above_the_headings() -> None:
    rows = [Row(1, ("镇巴县流动党员花名册",)), Row(3, ("填报单位：组织部",)), Row(4, ("姓名", "县区", "支部", "电话"))]
    assert find(rows) == Columns(name=0, branch=(1, 2), phone=3, role=None, below=4)


def test_without_a_name_or_a_branch_there_are_no_headings() -> None:
    rows = [Row(1, ("姓名", "电话")), Row(2, ("张伟", "13800000000"))]
    assert find(rows) is None
    assert lacking(rows) is Kind.BRANCH
    assert lacking([Row(1, ("支部", "电话"))]) is Kind.NAME
    assert find([]) is None
