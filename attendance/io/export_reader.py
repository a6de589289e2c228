"""An export read back: its seal and its cells, whichever format it has and whoever saved it since."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from attendance.errors import SheetError
from attendance.io import sheet_calamine
from attendance.seal import Exported, Seal, read_seal

MAX_JSON = 32 * 1024 * 1024
DEPTH = 8
LAST_LINES = 8
"""Where in a CSV the seal is looked for: whoever saved it may have added empty lines."""


def read(body: bytes, name: str = "") -> Exported:
    """Blocks; a workbook takes a child process. Raises `SheetError`: those of `sheet_calamine.read`, and `no-seal`
    where nothing says by which lecture, row and key the file was made."""
    if body.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"{":
        return _json(body)
    sheets = sheet_calamine.read(body, name)
    tables = {sheet.name: [list(row.cells) for row in sheet.rows] for sheet in sheets}
    if len(tables) == 1:  # a CSV, or one that was saved as a workbook
        (rows,) = tables.values()
        seal = _find(rows[-LAST_LINES:])
        return Exported("csv", seal, {"": [row for row in rows if _seal(row) is None]})
    seal = _find(row for rows in reversed(tables.values()) for row in reversed(rows))
    return Exported("xlsx", seal, tables)


def _find(rows: Any) -> Seal:
    for row in rows:
        found = _seal(row)
        if found is not None:
            return found
    raise SheetError("no-seal")


def _seal(row: list[str]) -> Seal | None:
    return next((seal for cell in row if (seal := read_seal(cell)) is not None), None)


def _json(body: bytes) -> Exported:
    if len(body) > MAX_JSON:
        raise SheetError("too-large")
    try:
        document = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise SheetError("damaged", str(error)[:100]) from error
    text = document.get("seal") if isinstance(document, dict) else None
    seal = read_seal(text) if isinstance(text, str) else None
    if seal is None:
        raise SheetError("no-seal")
    rows = [["place", "value"], *([place, value] for place, value in _leaves(document, ()))]
    return Exported("json", seal, {"JSON": rows})


def _leaves(value: Any, path: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """Every value with its place; what has an id is placed by it, so that the order of a list says nothing."""
    if isinstance(value, dict) and len(path) < DEPTH:
        for key, part in value.items():
            yield from _leaves(part, (*path, str(key)))
    elif isinstance(value, list) and len(path) < DEPTH:
        for number, part in enumerate(value, 1):
            identity = part.get("id") if isinstance(part, dict) else None
            yield from _leaves(part, (*path, str(identity or number)))
    elif value is None:
        yield " › ".join(path), "null"
    elif isinstance(value, bool):
        yield " › ".join(path), "true" if value else "false"
    else:
        yield " › ".join(path), str(value)
