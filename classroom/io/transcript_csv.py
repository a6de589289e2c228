"""A transcript as CSV: its sections one after the other, each with its heading, parted by an empty line."""

from __future__ import annotations

import csv
import io

from attendance.io.export_csv import guard
from classroom.room.transcript_rows import SECTIONS, Pages


def write(pages: Pages) -> bytes:
    """UTF-8 with BOM (Excel needs it), CRLF. No cell is run as a formula."""
    file = io.StringIO(newline="")
    writer = csv.writer(file, lineterminator="\r\n")
    for section in SECTIONS:
        if file.tell():
            writer.writerow([])
        writer.writerow([pages.title(section)])
        writer.writerow(pages.heading(section))
        for row in pages.rows(section):
            writer.writerow(guard(cell) if isinstance(cell, str) else cell for cell in row)
    return b"\xef\xbb\xbf" + file.getvalue().encode()
