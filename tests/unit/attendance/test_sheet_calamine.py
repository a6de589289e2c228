"""Bytes of spreadsheets, from clerks and from attackers."""

from __future__ import annotations

import io
import time
import zipfile
from pathlib import Path

import pytest
import xlsxwriter

from attendance.errors import SheetError
from attendance.io import sheet_calamine
from attendance.io.sheet_calamine import MAX_BYTES, read

SHEETS = Path(__file__).parent / "sheets"


def workbook(*rows: tuple[object, ...], merge: str | None = None) -> bytes:
    output = io.BytesIO()
    with xlsxwriter.Workbook(output) as book:
        sheet = book.add_worksheet("名单")
        for line, cells in enumerate(rows):
            sheet.write_row(line, 0, cells)
        if merge is not None:
            sheet.merge_range(merge, "镇巴县")
        hidden = book.add_worksheet("hidden")
        hidden.write(0, 0, "x")
        hidden.hide()
    return output.getvalue()


def with_sheet(xml: bytes) -> bytes:
    """A workbook whose first sheet is this XML."""
    output = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(workbook(("a",)))) as source, zipfile.ZipFile(output, "w", 8) as target:
        for name in source.namelist():
            target.writestr(name, xml if name == "xl/worksheets/sheet1.xml" else source.read(name))
    return output.getvalue()


def refusal(body: bytes, name: str = "roster.xlsx") -> str:
    with pytest.raises(SheetError) as caught:
        read(body, name)
    return caught.value.reason


def test_a_workbook_gives_text_lines_and_visible_sheets_only() -> None:
    (sheet,) = read(workbook(("姓名", "手机"), (), ("张伟", 13800000000), ("李娜", 1.5), (True, None)))
    assert sheet.name == "名单"
    assert [(row.line, row.cells) for row in sheet.rows] == [
        (1, ("姓名", "手机")),
        (3, ("张伟", "13800000000")),
        (4, ("李娜", "1.5")),
        (5, ("True", "")),
    ]


def test_cells_merged_downwards_hold_their_value_in_each_row() -> None:
    (sheet,) = read(workbook(("姓名", "县区"), ("张伟",), ("李娜",), ("王芳",), merge="B2:B3"))
    assert [row.cells[1] for row in sheet.rows] == ["县区", "镇巴县", "镇巴县", ""]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
@pytest.mark.parametrize("separator", [",", "\t", ";"])
def test_text_files_in_the_encodings_of_the_field(encoding: str, separator: str) -> None:
    text = f"姓名{separator}支部\r\n张伟{separator}镇巴县/泾洋街道党支部\r\n"
    (sheet,) = read(text.encode(encoding), "roster.csv")
    assert [row.cells for row in sheet.rows] == [("姓名", "支部"), ("张伟", "镇巴县/泾洋街道党支部")]


def test_quoted_line_breaks_do_not_shift_the_lines() -> None:
    (sheet,) = read('姓名,备注\n张伟,"一\n二"\n李娜,\n'.encode())
    assert [row.line for row in sheet.rows] == [1, 3, 4]


@pytest.mark.parametrize(
    ("body", "name", "reason"),
    [
        (b"", "a.csv", "empty"),
        (b"\r\n \r\n", "a.csv", "empty"),
        (b"x" * (MAX_BYTES + 1), "a.csv", "too-large"),
        (bytes.fromhex("d0cf11e0a1b11ae1") + bytes(600), "a.xls", "damaged"),
        ((SHEETS / "roster-with-password.xlsx").read_bytes(), "a.xlsx", "password"),
        (b"\n<html><table><tr><td>x</td></tr></table></html>", "a.xls", "web-page"),
        (b"name,branch\n", "a.xlsx", "damaged"),
        (b"\xff\xfe\xff", "a.csv", "encoding"),
        (b"\x81\x00\xff\xff", "a.csv", "encoding"),
        (b"PK\x03\x04" + bytes(100), "a.xlsx", "damaged"),
        (b'a,b\n"' + b"x" * 200_000, "a.csv", "damaged"),
        (b"a\n" * 100_001, "a.csv", "too-many-rows"),
    ],
)
def test_refusals(body: bytes, name: str, reason: str) -> None:
    assert refusal(body, name) == reason


CORNERS = (
    b'<worksheet><sheetData><row r="1"><c r="A1" t="str"><v>x</v></c></row>'
    b'<row r="1048576"><c r="XFD1048576"><v>1</v></c></row></sheetData></worksheet>'
)
FAR_ROW = (
    b'<worksheet><sheetData><row r="4000000000"><c><v>1</v></c></row>'
    b'<row r="1"><c r="XFD1"/></row></sheetData></worksheet>'
)
HUGE_NUMBER = (
    b'<worksheet><sheetData><row r="1"><c r="AAAAAAAAAAAA99999999999999"><v>1</v></c></row></sheetData></worksheet>'
)
BOMB = (  # 300 KB when packed
    b'<worksheet><sheetData><row r="1"><c r="A1" t="inlineStr"><is><t>' + b"x" * 300_000_000 + b"</t></is></c></row>"
    b"</sheetData></worksheet>"
)


@pytest.mark.parametrize(
    "xml", [CORNERS, FAR_ROW, HUGE_NUMBER, BOMB], ids=["corners", "far-row", "huge-number", "bomb"]
)
def test_a_workbook_that_asks_for_gigabytes_is_an_error_of_the_file(xml: bytes) -> None:
    began = time.monotonic()
    assert refusal(with_sheet(xml)) in ("too-large", "damaged")
    assert time.monotonic() - began < 2 * sheet_calamine.CHILD_SECONDS


def test_a_merge_over_everything_costs_nothing() -> None:
    xml = (
        b'<worksheet><sheetData><row r="1"><c r="A1"><v>1</v></c></row></sheetData>'
        b'<mergeCells><mergeCell ref="A1:A1048576"/></mergeCells></worksheet>'
    )
    (sheet,) = read(with_sheet(xml))
    assert [row.cells for row in sheet.rows] == [("1",)]


def test_an_evening_of_people_is_read_quickly() -> None:
    rows = [("姓名", "支部", "手机"), *((f"党员{at}", f"支部{at % 40}", 13800000000 + at) for at in range(1_120))]
    (sheet,) = read(workbook(*rows))
    assert len(sheet.rows) == 1_121
