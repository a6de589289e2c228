"""A transcript as a workbook: a sheet for each section."""

from __future__ import annotations

import datetime
import io

import xlsxwriter

from classroom.room.transcript_rows import SECTIONS, Pages

CREATED = datetime.datetime(2000, 1, 1)  # noqa: DTZ001 - xlsx knows no zones; fixed, so the same transcript gives the same bytes


def write(pages: Pages, title: str) -> bytes:
    """Text stays text: neither formulas nor hyperlinks come into being. Shares are shown in percent."""
    output = io.BytesIO()
    options = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False, "in_memory": True}
    with xlsxwriter.Workbook(output, options) as workbook:
        workbook.set_properties({"title": title, "created": CREATED})
        bold = workbook.add_format({"bold": True, "bg_color": "#F2F2F2", "bottom": 1, "text_wrap": True})
        share = workbook.add_format({"num_format": "0.0%"})
        for section, columns in SECTIONS.items():
            sheet = workbook.add_worksheet(pages.title(section))
            for column, ((_, width), heading) in enumerate(zip(columns, pages.heading(section), strict=True)):
                sheet.set_column(column, column, width)
                sheet.write_string(0, column, heading, bold)
            last = 0
            for last, row in enumerate(pages.rows(section), 1):
                for column, cell in enumerate(row):
                    if isinstance(cell, str):
                        sheet.write_string(last, column, cell)
                    else:
                        sheet.write_number(last, column, cell, share if isinstance(cell, float) else None)
            sheet.freeze_panes(1, 0)
            sheet.autofilter(0, 0, max(last, 1), len(columns) - 1)
    return output.getvalue()
