"""Personal links as a spreadsheet, to send them on by whatever way a branch has."""

from __future__ import annotations

import io
from collections.abc import Iterable

import xlsxwriter

from classroom.io.qr_segno import ROLES
from classroom.ports import Language, Link

HEADINGS: dict[Language, tuple[str, ...]] = {
    "zh": ("姓名", "支部", "身份", "专属链接"),
    "en": ("Name", "Branch", "Role", "Personal link"),
}
WIDTHS = (14, 36, 10, 96)


def spreadsheet(title: str, links: Iterable[Link], language: Language = "zh") -> bytes:
    """One row a link. Texts stay texts: nothing in a name becomes a formula."""
    out = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    with xlsxwriter.Workbook(out, options) as book:
        book.set_properties({"title": title})
        page = book.add_worksheet("links" if language == "en" else "专属链接")
        head = book.add_format({"bold": True, "bottom": 1, "bg_color": "#E8EEF4"})
        for column, (heading, width) in enumerate(zip(HEADINGS[language], WIDTHS, strict=True)):
            page.write_string(0, column, heading, head)
            page.set_column(column, column, width)
        row = 0
        for row, link in enumerate(links, 1):
            role = ROLES[language].get(link.role, link.role)
            for column, text in enumerate((link.name, link.branch, role, link.url)):
                page.write_string(row, column, text)
        page.freeze_panes(1, 0)
        page.autofilter(0, 0, row, len(WIDTHS) - 1)
    return out.getvalue()
