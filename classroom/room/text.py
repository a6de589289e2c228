"""What people write, before others see it.

What could disturb other lines is taken out: control characters, characters that turn the direction of writing (UAX #9),
invisible ones, and stacks of combining marks beyond what any script needs. Links stay plain text: pages make them.
"""

from __future__ import annotations

import unicodedata

from classroom.errors import UserError

MARKS = 3
QUOTED = 80

DIRECTION = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
INVISIBLE = frozenset("\u00ad\u180e\u200b\u2028\u2029\u2060\u2061\u2062\u2063\u2064\ufeff\ufff9\ufffa\ufffb")
REFUSED_CATEGORIES = frozenset({"Cc", "Cs", "Co", "Cn"})
BLANK = " \u00a0\u115f\u1160\u200c\u200d\u2800\u3000\u3164\ufe0e\ufe0f\uffa0"
"""Nothing to see: joiners and selectors, which emoji and some scripts need within a text, and blank letters."""


def clean(text: str) -> str:
    """The text as others may see it: one line, NFC. Emoji sequences (U+200D, variation selectors) stay whole."""
    kept: list[str] = []
    marks = 0
    for character in unicodedata.normalize("NFC", text):
        if character in "\n\r\t":
            character = " "
        category = unicodedata.category(character)
        if category in REFUSED_CATEGORIES or character in DIRECTION or character in INVISIBLE:
            continue
        marks = marks + 1 if category in ("Mn", "Me") else 0
        if marks <= MARKS:
            kept.append(character)
    return " ".join("".join(kept).split())


def cleaned(text: str) -> str:
    """`clean`, of which something is left to see. Raises `UserError("chat-empty")`."""
    shown = clean(text)
    if not shown.strip(BLANK):
        raise UserError("chat-empty")
    return shown


def quoted(text: str) -> str:
    """At most 80 characters of it."""
    return text if len(text) <= QUOTED else text[: QUOTED - 1].rstrip(BLANK) + "…"
