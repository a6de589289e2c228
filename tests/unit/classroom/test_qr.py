"""Links as QR codes and as a spreadsheet."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

from attendance.io.sheet_calamine import read
from classroom.io import links_xlsxwriter, qr_segno
from classroom.ports import Link

LINKS = [
    Link("1", "主讲人", "", "lecturer", "https://class.example.org/j#a", "a"),
    Link("2", "=1+1", "镇巴县 / <script>", "member", "https://class.example.org/j#b", "b"),
]


def test_a_code_is_a_picture_of_its_own() -> None:
    root = ET.fromstring(qr_segno.svg("https://class.example.org/j#ticket"))
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert root.get("viewBox")
    assert qr_segno.svg("a") != qr_segno.svg("b")


def test_the_sheet_needs_nothing_from_elsewhere_and_holds_no_markup_of_others() -> None:
    page = qr_segno.page(LINKS, "晚间<课堂>").decode()
    assert page.count("<svg") == 2
    assert "晚间&lt;课堂&gt;" in page
    assert "<script>" not in page
    assert "主讲人" in page
    assert not re.search(r"(?:src|href|url\()", page)
    assert "Scan to enter" in qr_segno.page(LINKS, "t", "en").decode()


def test_the_spreadsheet_holds_text_only_and_is_the_same_each_time() -> None:
    body = links_xlsxwriter.write(LINKS, "晚间课堂")
    (sheet,) = read(body)
    assert [row.cells for row in sheet.rows] == [
        ("姓名", "支部", "角色", "入场链接（只限本人使用）"),
        ("主讲人", "", "主讲人", "https://class.example.org/j#a"),
        ("=1+1", "镇巴县 / <script>", "成员", "https://class.example.org/j#b"),
    ]
    assert links_xlsxwriter.write(LINKS, "晚间课堂") == body
    assert read(links_xlsxwriter.write([], "t", "en"))[0].rows[0].cells[0] == "Name"
