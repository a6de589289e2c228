"""Bytes of a spreadsheet → its sheets. Raises `SheetError`, and nothing else.

Theory of operation. A workbook is a zip of XML, which calamine (Rust) turns into dense tables: a few kilobytes can ask
for gigabytes (a zip bomb; two cells at opposite corners; one long string shared by a million cells), and where Rust
cannot have memory it ends the whole process. So workbooks are read by a child process of little memory and time, and
whatever happens to that child is an error of the file. Text files are read here.
"""

from __future__ import annotations

import contextlib
import csv
import datetime
import io
import os
import re
import resource
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from attendance.errors import SheetError
from attendance.sheet.rows import Row, Sheet

if TYPE_CHECKING:
    import python_calamine as calamine

MAX_BYTES = 8 * 1024 * 1024
MAX_ROWS = 100_000
MAX_COLUMNS = 256
MAX_SHEETS = 40
MAX_CELL = 1_000  # characters; longer ones are cut
MAX_TEXT = 48 * 1024 * 1024  # characters of all cells
CHILD_MEMORY = 1024 * 1024 * 1024  # bytes of address space
CHILD_SECONDS = 20

_ZIP = b"PK\x03\x04"
_COMPOUND = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"  # .xls, and any workbook under a password
_SEALED = "EncryptedPackage".encode("utf-16-le")  # the name of its stream, [MS-OFFCRYPTO] §2.3.4.4
_WEB_PAGE = re.compile(r"\s*<(!doctype html|html|table|meta|style)", re.IGNORECASE)
_ROOT = str(Path(__file__).resolve().parents[2])
_CHILD = "import sys; sys.path.insert(0, sys.argv[1]); from attendance.io.sheet_calamine import main; main()"

Cell = int | float | str | bool | datetime.time | datetime.date | datetime.datetime | datetime.timedelta


class _Read(msgspec.Struct, tag=True, frozen=True):
    sheets: tuple[Sheet, ...]


class _Failed(msgspec.Struct, tag=True, frozen=True):
    reason: str
    detail: str


def read(body: bytes, name: str = "") -> tuple[Sheet, ...]:
    """The visible sheets of a workbook (.xlsx, .xls), or the one of a text file (CSV or tab-separated; UTF-8, UTF-16
    with its mark, or GB18030). The content decides; `name` only tells a broken workbook from a text file.

    Blank rows are left out; cells merged downwards hold their value in each row. Blocks; a workbook takes a child
    process of about 0.1 s. Raises `SheetError`: `empty`, `too-large`, `too-many-rows`, `password`, `web-page`,
    `damaged`, `encoding`.
    """
    if len(body) > MAX_BYTES:
        raise SheetError("too-large")
    if not body.strip(b"\0 \t\r\n"):
        raise SheetError("empty")
    if body.startswith(_COMPOUND) and _SEALED in body:
        raise SheetError("password")
    if body.startswith((_ZIP, _COMPOUND)):
        return _by_child(body)
    if name.lower().endswith((".xlsx", ".xlsm")):
        raise SheetError("damaged")
    text = _decode(body)
    if _WEB_PAGE.match(text):
        raise SheetError("web-page")  # what other systems call an export to Excel
    return (Sheet("", tuple(_text_rows(text))),)


# --- workbooks, on both sides of the child process ------------------------------------------------------------------


def _by_child(body: bytes) -> tuple[Sheet, ...]:
    command = [sys.executable, "-X", "utf8", "-c", _CHILD, _ROOT]
    environment = {"PATH": os.environ.get("PATH", ""), "PYTHONDONTWRITEBYTECODE": "1", "RUST_BACKTRACE": "0"}
    try:
        done = subprocess.run(  # noqa: S603 - our own interpreter and our own words
            command,
            input=body,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=CHILD_SECONDS,
            env=environment,
            check=True,
        )
        answer = msgspec.msgpack.decode(done.stdout, type=_Read | _Failed)
    except subprocess.SubprocessError as error:  # out of memory or of time
        raise SheetError("too-large", type(error).__name__) from error
    except msgspec.MsgspecError as error:
        raise SheetError("damaged", "no answer") from error
    if isinstance(answer, _Failed):
        raise SheetError(answer.reason, answer.detail)
    return answer.sheets


def main() -> None:
    """The child: a workbook on standard input, `_Read` or `_Failed` on standard output."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (CHILD_MEMORY, CHILD_MEMORY))
    answer: _Read | _Failed
    try:
        answer = _Read(tuple(_workbook(sys.stdin.buffer.read(MAX_BYTES + 1))))
    except SheetError as error:
        answer = _Failed(error.reason, error.detail)
    sys.stdout.buffer.write(msgspec.msgpack.encode(answer))


def _workbook(body: bytes) -> Iterator[Sheet]:
    import python_calamine as calamine

    with contextlib.ExitStack() as stack:
        try:
            workbook = stack.enter_context(calamine.CalamineWorkbook.from_filelike(io.BytesIO(body)))
            shown = [
                sheet.name
                for sheet in workbook.sheets_metadata
                if sheet.visible is calamine.SheetVisibleEnum.Visible and sheet.typ is calamine.SheetTypeEnum.WorkSheet
            ]
            tables = [(name, _table(workbook.get_sheet_by_name(name))) for name in shown[:MAX_SHEETS]]
        except calamine.PasswordError as error:
            raise SheetError("password") from error
        except MemoryError as error:
            raise SheetError("too-large") from error
        except BaseException as error:  # a panic in Rust is a BaseException of its own
            raise SheetError("damaged", type(error).__name__) from error
    rows = text = 0
    for name, table in tables:
        sheet = Sheet(name, tuple(_rows(table)))
        rows += len(sheet.rows)
        text += sum(len(cell) for row in sheet.rows for cell in row.cells)
        if rows > MAX_ROWS:
            raise SheetError("too-many-rows")
        if text > MAX_TEXT:
            raise SheetError("too-large")
        yield sheet


def _table(sheet: calamine.CalamineSheet) -> list[list[Cell]]:
    """The cells from A1 on, with what is merged downwards repeated in each row, in its first column."""
    table: list[list[Cell]] = sheet.to_python(skip_empty_area=False)
    for (top, left), (bottom, _) in sheet.merged_cell_ranges or ():
        if top < bottom and top < len(table) and left < len(table[top]):
            for line in range(top + 1, min(bottom + 1, len(table))):
                if table[line][left] == "":
                    table[line][left] = table[top][left]
    return table


def _rows(table: list[list[Cell]]) -> Iterator[Row]:
    for line, cells in enumerate(table, 1):
        row = Row(line, tuple(_text(cell) for cell in cells[:MAX_COLUMNS]))
        if any(row.cells):
            yield row


def _text(cell: Cell) -> str:
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < 1e15:
        return str(int(cell))
    return str(cell).strip()[:MAX_CELL]


# --- text files -------------------------------------------------------------------------------------------------------


def _decode(body: bytes) -> str:
    if body.startswith((b"\xff\xfe", b"\xfe\xff")):
        encodings: tuple[str, ...] = ("utf-16",)
    else:
        encodings = ("utf-8-sig", "gb18030")
    for encoding in encodings:
        try:
            text = body.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return text
    raise SheetError("encoding")


def _text_rows(text: str) -> Iterator[Row]:
    """`line` is the line of the file where a row ends, so quoted line breaks do not shift what follows."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text))
    count = 0
    try:
        for cells in reader:
            row = Row(reader.line_num, tuple(cell.strip()[:MAX_CELL] for cell in cells[:MAX_COLUMNS]))
            if not any(row.cells):
                continue
            count += 1
            if count > MAX_ROWS:
                raise SheetError("too-many-rows")
            yield row
    except csv.Error as error:
        raise SheetError("damaged", str(error)[:100]) from error


def _delimiter(text: str) -> str:
    """The separator that the first lines hold most of."""
    head = text[:4_000]
    return max((",", "\t", ";", "，"), key=head.count)
