"""What a spreadsheet holds before anybody knows what its columns mean."""

from __future__ import annotations

import msgspec


class Row(msgspec.Struct, frozen=True):
    """`line` is the row's number as the program shows it, from 1. Cells are text; numbers come as they print."""

    line: int
    cells: tuple[str, ...]


class Sheet(msgspec.Struct, frozen=True):
    """One visible sheet of a workbook; a text file is one sheet without a name. Blank rows are left out."""

    name: str
    rows: tuple[Row, ...]
