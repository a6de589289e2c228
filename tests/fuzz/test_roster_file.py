"""Roster files: sheets, or `SheetError`, nothing else."""

from __future__ import annotations

import io
import zipfile

import pytest
import xlsxwriter
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from attendance.errors import SheetError
from attendance.io.sheet_calamine import read
from attendance.sheet import phone, preview
from attendance.sheet.rows import Row, Sheet


def _workbook() -> bytes:
    output = io.BytesIO()
    with xlsxwriter.Workbook(output) as book:
        sheet = book.add_worksheet()
        for line, cells in enumerate(
            [("姓名", "支部", "手机"), ("张伟", "镇巴县", 13800000000), ("李娜", "西乡县", "")]
        ):
            sheet.write_row(line, 0, cells)
        sheet.merge_range("B5:B7", "城固县")
    return output.getvalue()


WORKBOOK = _workbook()
PARTS = {
    name: zipfile.ZipFile(io.BytesIO(WORKBOOK)).read(name) for name in zipfile.ZipFile(io.BytesIO(WORKBOOK)).namelist()
}
TEXT = "姓名,支部,手机\n张伟,镇巴县/泾洋,13800000000\n李娜,西乡县,\n".encode("gb18030")


def parsed(body: bytes, name: str) -> None:
    try:
        people = preview.read(read(body, name)).people
    except SheetError:
        return
    preview.compare(people, [])


@settings(max_examples=400, deadline=None)
@given(st.binary(max_size=600), st.sampled_from(["a.csv", "a.xlsx", "", "a.txt"]))
def test_any_bytes(body: bytes, name: str) -> None:
    if not body.startswith(b"PK\x03\x04"):  # workbooks cost a process each: below
        parsed(body, name)


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=400), st.sampled_from(["utf-8", "gb18030", "utf-16"]))
def test_any_text_below_headings(text: str, encoding: str) -> None:
    parsed(("姓名,支部,手机,角色\n" + text).encode(encoding, "ignore"), "a.csv")


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(st.integers(0, len(TEXT) - 1), st.integers(0, 255)), max_size=12))
def test_damaged_text(changes: list[tuple[int, int]]) -> None:
    body = bytearray(TEXT)
    for at, value in changes:
        body[at] = value
    parsed(bytes(body), "a.csv")


@settings(max_examples=300, deadline=None)
@given(st.lists(st.lists(st.text(max_size=30), max_size=6), max_size=12))
def test_any_cells(rows: list[list[str]]) -> None:
    headings = Row(1, ("姓名", "县区", "支部", "手机", "角色"))
    cells = tuple(Row(line, tuple(row)) for line, row in enumerate(rows, 2))
    reading = preview.read([Sheet("", (headings, *cells))])
    people, refused = reading.people, reading.refused
    found = preview.compare(people, [])
    assert len(people) + len(refused) <= len(rows)  # headings may come again
    assert len(found.added) + len(found.refused) == len(people)


@settings(max_examples=500, deadline=None)
@given(st.text(max_size=40))
def test_any_number(text: str) -> None:
    try:
        kept = phone.normalize(text)
    except phone.BadPhone:
        return
    assert kept is None or phone.normalize(kept) == kept


@pytest.mark.timeout(240)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.sampled_from(sorted(PARTS)),
    st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.binary(min_size=1, max_size=4)), min_size=1, max_size=6),
)
def test_damaged_parts_of_a_workbook(part: str, changes: list[tuple[float, bytes]]) -> None:
    changed = bytearray(PARTS[part])
    for at, value in changes:
        start = int(at * len(changed))
        changed[start : start + len(value)] = value
    output = io.BytesIO()
    with zipfile.ZipFile(output, "w") as target:
        for name, content in PARTS.items():
            target.writestr(name, bytes(changed) if name == part else content)
    parsed(output.getvalue(), "a.xlsx")


@pytest.mark.timeout(240)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(st.tuples(st.integers(4, len(WORKBOOK) - 1), st.integers(0, 255)), min_size=1, max_size=8),
    st.integers(0, 400),
)
def test_damaged_containers(changes: list[tuple[int, int]], cut: int) -> None:
    body = bytearray(WORKBOOK)
    for at, value in changes:
        body[at] = value
    parsed(bytes(body[: len(body) - cut]), "a.xlsx")
