"""The spreadsheets that clerks have: each oddity by its name, as a file, and what the roster makes of it."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter

from attendance.io.sheet_calamine import read as read_sheets
from attendance.sheet.preview import compare, read

SHEETS = Path(__file__).parent / "sheets"
Found = tuple[str, tuple[str, ...], str | None]
WEI: Found = ("张伟", ("镇巴县", "泾洋街道党支部"), "13800000000")
NA: Found = ("李娜", ("西乡县", "城关党支部"), "13900000000")
PLAIN = "姓名,支部,手机号码\n张伟,镇巴县/泾洋街道党支部,13800000000\n李娜,西乡县/城关党支部,13900000000\n"


def workbook(*rows: tuple[object, ...], with_book: Callable[[Any, Any], None] | None = None) -> bytes:
    output = io.BytesIO()
    with xlsxwriter.Workbook(output) as book:
        sheet = book.add_worksheet("名单")
        for line, cells in enumerate(rows):
            sheet.write_row(line, 0, cells)
        if with_book is not None:
            with_book(book, sheet)
    return output.getvalue()


def people(body: bytes, name: str = "名单.xlsx") -> tuple[list[Found], list[int]]:
    """Who is added to an empty roster, and the lines that are refused."""
    found = read(read_sheets(body, name))
    preview = compare(found.people, [])
    lines = sorted(one.line for one in (*found.refused, *preview.refused))
    return [(one.name, one.branch, one.phone) for one in preview.added], lines


HEAD = ("姓名", "支部", "手机号码")
ROWS = (("张伟", "镇巴县/泾洋街道党支部", "13800000000"), ("李娜", "西乡县/城关党支部", "13900000000"))


def merged_county(_: Any, sheet: Any) -> None:
    sheet.merge_range("A2:A3", "镇巴县")


def second_sheet(book: Any, _: Any) -> None:
    other = book.add_worksheet("西乡")
    other.write_row(0, 0, HEAD)
    other.write_row(1, 0, ROWS[1])


def hidden_sheet(book: Any, _: Any) -> None:
    other = book.add_worksheet("旧名单")
    other.write_row(0, 0, HEAD)
    other.write_row(1, 0, ("王芳", "甲", ""))
    other.hide()


def formula(_: Any, sheet: Any) -> None:
    sheet.write_formula(1, 1, '="镇巴县/"&D2', None, "镇巴县/泾洋街道党支部")


def merged_block(_: Any, sheet: Any) -> None:
    sheet.merge_range("A2:B3", "镇巴县")


def two_rows(_: Any, sheet: Any) -> None:
    sheet.merge_range("A1:A2", "姓名")
    sheet.merge_range("B1:C1", "所在党组织")
    sheet.merge_range("D1:D2", "手机")


BOTH: list[Found] = [WEI, NA]
ODDITIES: dict[str, tuple[bytes, list[Found], list[int]]] = {
    "plain": (workbook(HEAD, *ROWS), BOTH, []),
    "an old .xls with title rows, merged cells and a number made of full-width digits": (
        (SHEETS / "roster-excel-97.xls").read_bytes(),
        BOTH,
        [],
    ),
    "UTF-8 without a mark": (PLAIN.encode(), BOTH, []),
    "UTF-8 with a mark": (PLAIN.encode("utf-8-sig"), BOTH, []),
    "GB18030": (PLAIN.encode("gb18030"), BOTH, []),
    "UTF-16 with tabs, as Excel saves “Unicode text”": (PLAIN.replace(",", "\t").encode("utf-16"), BOTH, []),
    "semicolons": (PLAIN.replace(",", ";").encode(), BOTH, []),
    "full-width commas": (PLAIN.replace(",", "，").encode(), BOTH, []),
    "line ends of old Macs": (PLAIN.replace("\n", "\r").encode(), BOTH, []),
    "no line end at the end": (PLAIN.rstrip("\n").encode(), BOTH, []),
    "quotes and a comma within": (
        '姓名,支部,手机号码\n张伟,"镇巴县/泾洋街道党支部","138,0000,0000"\n'.encode(),
        [],
        [2],
    ),
    "columns in another order": (
        workbook(("手机号码", "姓名", "支部"), ("13800000000", "张伟", "镇巴县/泾洋街道党支部")),
        [WEI],
        [],
    ),
    "English headings": (
        workbook(("Phone", "Full name", "Party branch"), ("13800000000", "张伟", "镇巴县/泾洋街道党支部")),
        [WEI],
        [],
    ),
    "headings with ornaments": (
        workbook(("* 姓　名（必填）", "所在党支部：", "手机号码※"), *ROWS),
        BOTH,
        [],
    ),
    "a title, a unit and a date above": (
        workbook(("某市流动党员花名册",), ("填表单位：组织部",), ("2026年11月",), (), HEAD, *ROWS),
        BOTH,
        [],
    ),
    "county and branch in columns of their own": (
        workbook(("县区", "党支部", "姓名", "电话"), ("镇巴县", "泾洋街道党支部", "张伟", "13800000000")),
        [WEI],
        [],
    ),
    "a county merged over its members": (
        workbook(("县区", "支部", "姓名"), (None, "甲支部", "张伟"), (None, "乙支部", "李娜"), with_book=merged_county),
        [("张伟", ("镇巴县", "甲支部"), None), ("李娜", ("镇巴县", "乙支部"), None)],
        [],
    ),
    "a county merged over two rows and two columns": (
        workbook(
            ("县区", "乡镇", "支部", "姓名"),
            (None, None, "甲支部", "张伟"),
            (None, None, "乙支部", "李娜"),
            with_book=merged_block,
        ),
        [("张伟", ("镇巴县", "甲支部"), None), ("李娜", ("镇巴县", "乙支部"), None)],
        [],
    ),
    "headings in two rows, with merged cells": (
        workbook(
            (None, None, None, None),
            (None, "县区", "支部", None),
            ("张伟", "镇巴县", "泾洋街道党支部", "13800000000"),
            with_book=two_rows,
        ),
        [WEI],
        [],
    ),
    "headings in two rows, in a text file": (
        "姓名,所在党组织,,联系\n,县区,党支部,手机\n张伟,镇巴县,泾洋街道党支部,13800000000\n".encode(),
        [WEI],
        [],
    ),
    "groups above the names, headings in two rows": (
        "序号,基本情况,,所在支部\n,姓名,手机,\n1,张伟,13800000000,镇巴县/泾洋街道党支部\n".encode(),
        [WEI],
        [],
    ),
    "headings again on each printed page": (
        workbook(HEAD, ROWS[0], HEAD, ROWS[1]),
        BOTH,
        [],
    ),
    "headings again, without telephones": (
        workbook(("姓名", "支部"), ("张伟", "甲"), ("姓名", "支部"), ("李娜", "甲")),
        [("张伟", ("甲",), None), ("李娜", ("甲",), None)],
        [],
    ),
    "another list pasted below, its columns in another order": (
        workbook(HEAD, ROWS[0], ("手机号", "党支部", "姓名"), ("13900000000", "西乡县/城关党支部", "李娜")),
        BOTH,
        [],
    ),
    "numbers that the spreadsheet took for numbers": (
        workbook(HEAD, ("张伟", "镇巴县/泾洋街道党支部", 13800000000), ("李娜", "西乡县/城关党支部", 13900000000.0)),
        BOTH,
        [],
    ),
    "a number as 1.38E+10 in a CSV cannot be known": (
        "姓名,支部,手机\n张伟,镇巴县/泾洋街道党支部,1.38E+10\n".encode(),
        [],
        [2],
    ),
    "an apostrophe before the number": (
        workbook(HEAD, ("张伟", "镇巴县/泾洋街道党支部", "'13800000000")),
        [WEI],
        [],
    ),
    "+86, dashes and blanks": (
        workbook(
            HEAD, ("张伟", "镇巴县/泾洋街道党支部", "+86 138-0000-0000"), ("李娜", "西乡县/城关党支部", "139 0000 0000")
        ),
        BOTH,
        [],
    ),
    "full-width digits and blanks": (
        workbook(HEAD, ("张　伟", " 镇巴县 / 泾洋街道党支部 ", "１３８００００００００")),
        [WEI],
        [],
    ),
    "no number, said in words": (
        workbook(HEAD, ("张伟", "镇巴县/泾洋街道党支部", "无")),
        [("张伟", WEI[1], None)],
        [],
    ),
    "invisible characters in a name": (
        workbook(HEAD, ("张\u200b伟", "镇巴县/泾洋街道党支部", "13800000000\u202c")),
        [WEI],
        [],
    ),
    "a name of a minority, with its dot in another spelling": (
        workbook(HEAD, ("买买提•吐尔逊", "甲", "")),
        [("买买提·吐尔逊", ("甲",), None)],
        [],
    ),
    "rows that repeat each other": (workbook(HEAD, ROWS[0], ROWS[0]), [WEI], [3]),
    "two people of one name, told apart by their numbers": (
        workbook(HEAD, ("张伟", "甲", "13800000000"), ("张伟", "甲", "13900000000")),
        [("张伟", ("甲",), "13800000000"), ("张伟", ("甲",), "13900000000")],
        [],
    ),
    "two people of one name without numbers": (
        workbook(HEAD, ("张伟", "甲", ""), ("张伟", "甲", "")),
        [("张伟", ("甲",), None)],
        [3],
    ),
    "blank rows between": (workbook(HEAD, (), ROWS[0], (None, " ", ""), ROWS[1]), BOTH, []),
    "a total below": (workbook(HEAD, *ROWS, ("合计", "2人", "")), BOTH, [4]),
    "a sheet for each county": (workbook(HEAD, ROWS[0], with_book=second_sheet), BOTH, []),
    "a hidden sheet with last year's list": (workbook(HEAD, *ROWS, with_book=hidden_sheet), BOTH, []),
    "serial numbers and a column of remarks": (
        workbook(("序号", *HEAD, "备注"), (1, *ROWS[0], "组长"), (2, *ROWS[1], "")),
        BOTH,
        [],
    ),
    "formulas with their last values": (
        workbook(
            HEAD,
            ("张伟", None, "13800000000"),
            with_book=formula,
        ),
        [WEI],
        [],
    ),
    "rows without a name, a branch or a real number": (
        workbook(HEAD, ("", "甲", ""), ("张伟", "", ""), ("李娜", "甲", "110"), ROWS[0]),
        [WEI],
        [2, 3, 4],
    ),
}


@pytest.mark.parametrize("oddity", ODDITIES)
def test_a_clerks_file(oddity: str) -> None:
    body, wanted, refused = ODDITIES[oddity]
    name = "名单.xlsx" if body.startswith(b"PK") else "名单.csv"
    assert people(body, name) == (wanted, refused)


def test_columns_that_are_cut_or_left_out_are_said() -> None:
    headings = ("姓名", "支部", "备注", "备注", *(f"栏{at}" for at in range(20)), "长" * 41)
    row = ("张伟", "甲", "字" * 201, "二", *("有" for _ in range(20)), "有")
    found = read(read_sheets(workbook(headings, row), "名单.xlsx"))
    assert found.people[0].extra["备注"] == "字" * 200
    assert len(found.people[0].extra) == 20
    said = "".join(found.notes)
    assert "标题重复的列只保留第一列：备注。" in said
    assert "以下 2 列没有保留：栏19、长长" in said
    assert "只保留前 40 个字" in said
    assert "“备注”一列有 1 行文字过长" in said


def test_sheets_without_headings_are_said() -> None:
    body = workbook(HEAD, ROWS[0], with_book=lambda book, _: book.add_worksheet("说明").write(0, 0, "填表说明"))
    assert "说明" in read(read_sheets(body, "名单.xlsx")).notes[0]


def test_groups_of_headings_name_what_stands_below_them() -> None:
    text = "姓名,所在党组织,家庭,,本人,\n,党支部,人口,住址,学历,\n张伟,甲,3,西安,大学,\n"
    (one,) = read(read_sheets(text.encode(), "名单.csv")).people
    assert one.extra == {"家庭人口": "3", "家庭住址": "西安", "本人学历": "大学"}


def test_where_members_live_and_what_else_is_said_are_kept() -> None:
    rows = (
        ("序号", "姓名", "支部", "流入地", "政治面貌", "身份证号", "家属电话"),
        (1, "张伟", "甲", "陕西省西安市", "中共党员", "610000199001010000", "13700000000"),
    )
    found = read(read_sheets(workbook(*rows), "名单.xlsx"))
    (one,) = found.people
    assert found.refused == ()
    assert found.notes == ("为保护隐私，以下列不保存：身份证号、家属电话。",)
    assert one.city == "陕西省西安市"
    assert one.extra == {"政治面貌": "中共党员"}
