"""The workbook in a program that we did not write: opened, printed, and saved again."""

from __future__ import annotations

import io
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from python_calamine import CalamineWorkbook

from attendance.book.tables import tables
from attendance.comparison import compare
from attendance.io import export_csv, export_xlsxwriter
from attendance.io.export_reader import read
from attendance.report import Report
from attendance.seal import seal_of
from attendance.words import word
from tests.unit.attendance.conftest import make

WITHIN = 120.0
"""Seconds, of which the first start of a new profile takes most."""


@pytest.fixture(scope="module")
def report() -> Report:
    return make()


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A profile of its own, so that no other LibreOffice on this machine takes the work."""
    return tmp_path_factory.mktemp("libreoffice")


def convert(office: Path, file: Path, form: str) -> Path:
    program = shutil.which("soffice")
    assert program is not None, "tests/servers/install.sh installs libreoffice-calc"
    done = subprocess.run(
        [
            program, f"-env:UserInstallation=file://{office}/profile", "--headless", "--norestore",
            "--convert-to", form, "--outdir", str(office), str(file),
        ],
        capture_output=True,
        text=True,
        timeout=WITHIN,
        check=True,
    )  # fmt: skip
    made = office / f"{file.stem}.{form.split(':')[0]}"
    assert made.exists(), done.stdout + done.stderr
    return made


@pytest.fixture(scope="module")
def printed(office: Path, report: Report) -> list[str]:
    """The text of each page."""
    file = office / "attendance.xlsx"
    file.write_bytes(export_xlsxwriter.write(report))
    pdf = convert(office, file, "pdf")
    reader = shutil.which("pdftotext")
    assert reader is not None, "tests/servers/install.sh installs poppler-utils"
    text = subprocess.run([reader, "-layout", str(pdf), "-"], capture_output=True, check=True).stdout
    size = subprocess.run(["pdfinfo", str(pdf)], capture_output=True, check=True, text=True).stdout
    assert "A4" in size
    return text.decode().split("\f")[:-1]


def test_each_sheet_is_one_page_wide(printed: list[str], report: Report) -> None:
    titles = [word(table.name, "zh") for table in tables(report, "zh")]
    assert len(printed) == len(titles)
    for page, title in zip(printed, titles, strict=True):
        assert title in page.splitlines()[0]
        assert "第一课" in page


def test_what_counts_can_be_read_on_paper(printed: list[str]) -> None:
    members = next(page for page in printed if "考勤结论" in page and "张伟" in page)
    assert re.search(r"镇巴县 / 泾洋街道党支部\s+张伟", members)
    for said in ("出席", "0:01:30", "94.5%", "要求 90%", "未测得", "=HYPERLIN"):
        assert said in members
    assert "#####" not in "".join(printed)


def test_a_workbook_that_was_saved_again_still_agrees(office: Path, report: Report) -> None:
    file = office / "mine.xlsx"
    file.write_bytes(export_xlsxwriter.write(report))
    folder = office / "again"
    folder.mkdir()
    again = convert(folder, file, "xlsx").read_bytes()
    assert again != file.read_bytes()
    found, ours = read(again, "mine.xlsx"), read(file.read_bytes(), "mine.xlsx")
    assert found.seal == seal_of(report, "zh")
    by = {word(table.name, "zh"): [word(key, "zh") for key in table.by] for table in tables(report, "zh")}
    compared = compare(found.sheets, ours.sheets, by, "（已删除）")
    assert (compared.count, compared.left_out) == (0, ()), compared.differences


@pytest.mark.parametrize(("encoding", "number"), [("utf-8", 76), ("gb18030", 0)])
def test_a_csv_opens_with_its_characters(office: Path, report: Report, encoding: str, number: int) -> None:
    """As Excel does: by the mark at its beginning, or by the system's code page, here GB18030."""
    file = office / f"{encoding}.csv"
    body = export_csv.write(report, "zh", "gb18030" if encoding == "gb18030" else "utf-8")
    file.write_bytes(body)
    # 44: commas; 34: quotes; then the character set (76: UTF-8; GB18030 by its name in LibreOffice's table is 85).
    chosen = number or 85
    folder = office / encoding
    folder.mkdir()
    program = shutil.which("soffice")
    assert program is not None
    subprocess.run(
        [
            program, f"-env:UserInstallation=file://{office}/profile", "--headless", "--norestore",
            f"--infilter=CSV:44,34,{chosen},1", "--convert-to", "xlsx", "--outdir", str(folder), str(file),
        ],
        capture_output=True,
        timeout=WITHIN,
        check=True,
    )  # fmt: skip
    made = (folder / f"{encoding}.xlsx").read_bytes()
    heading, *rows = CalamineWorkbook.from_filelike(io.BytesIO(made)).get_sheet_by_index(0).to_python()
    assert heading[:3] == ["支部", "姓名", "身份"]
    assert "张伟" in [row[1] for row in rows]
    found = read(made, "a.xlsx")
    assert found.seal == seal_of(report, "zh")
    compared = compare(found.sheets, read(body, "a.csv").sheets, {"": ["编号"]}, "（已删除）")
    assert compared.count == 0, compared.differences
