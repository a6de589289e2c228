"""Phone numbers as clerks type them, and as we keep them."""

from __future__ import annotations

import re
import unicodedata

from attendance.errors import AttendanceError

MOBILE = re.compile(r"1[3-9]\d{9}")
LANDLINE = re.compile(r"0\d{9,11}")
FOREIGN = re.compile(r"\+[1-9]\d{6,14}")
BLANK = frozenset({"", "无", "暂无", "没有", "none", "null", "n/a", "na", "nan"})
FLOAT = re.compile(r"\d+\.0+")
SEPARATORS = re.compile(r"[\s().·_'`\-\u2010-\u2015\u2019\u2212\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff]+")


class BadPhone(AttendanceError):
    """Not a telephone number. Carries no digits: errors are logged, numbers are not."""


def normalize(value: str) -> str | None:
    """The number in one spelling ("13800000000", "09162212345", "+85223456789"), or None for a blank cell.

    Knows what spreadsheets make of numbers: 13800000000.0, full-width digits, +86, 0086, dashes, blanks.
    Raises `BadPhone`.
    """
    text = unicodedata.normalize("NFKC", value).strip().lower()
    if FLOAT.fullmatch(text):
        text = text.partition(".")[0]
    digits = SEPARATORS.sub("", text)
    if text in BLANK or digits in ("", "/", "\\"):
        return None
    digits = re.sub(r"^00(?=[1-9])", "+", digits)
    digits = re.sub(r"^\+86", "", digits)
    digits = re.sub(r"^86(?=1[3-9]\d{9}$)", "", digits)
    if any(form.fullmatch(digits) and digits.isascii() for form in (MOBILE, LANDLINE, FOREIGN)):
        return digits
    raise BadPhone("not a telephone number")


def mask(phone: str) -> str:
    """138****0000: enough to recognize one's own, not enough to call it."""
    hidden = max(len(phone) - 7, min(len(phone), 4))
    head = min(3, len(phone) - hidden)
    return phone[:head] + "*" * hidden + phone[head + hidden :]
