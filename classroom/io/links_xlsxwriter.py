"""Personal links as a spreadsheet, to be sent out by whatever way the organizer has."""

from __future__ import annotations

import datetime
import io
from collections.abc import Sequence

import xlsxwriter

from classroom.people.words import LINKS, role_word
from classroom.ports import Language, Link

COLUMNS = (("name", 14), ("branch", 40), ("role", 10), ("link", 90))
CREATED = datetime.datetime(2000, 1, 1)  # noqa: DTZ001 - xlsx knows no zones; fixed, so the same links give the same bytes


def write(links: Sequence[Link], title: str, language: Language = "zh") -> bytes:
    """One row a person. Text stays text: neither formulas nor hyperlinks come into being."""
    output = io.BytesIO()
    options = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False, "in_memory": True}
    with xlsxwriter.Workbook(output, options) as workbook:
        workbook.set_properties({"title": title, "created": CREATED})
        bold = workbook.add_format({"bold": True, "bottom": 1})
        sheet = workbook.add_worksheet(LINKS["sheet"][language])
        for column, (word, width) in enumerate(COLUMNS):
            sheet.set_column(column, column, width)
            sheet.write_string(0, column, LINKS[word][language], bold)
        for line, link in enumerate(links, 1):
            cells = (link.name, link.branch, role_word(link.role, language), link.url)
            for column, cell in enumerate(cells):
                sheet.write_string(line, column, cell)
        sheet.freeze_panes(1, 1)
        sheet.autofilter(0, 0, max(1, len(links)), len(COLUMNS) - 1)
        sheet.set_landscape()
        sheet.set_paper(9)  # A4
        sheet.repeat_rows(0)
        sheet.fit_to_pages(1, 0)
    return output.getvalue()
