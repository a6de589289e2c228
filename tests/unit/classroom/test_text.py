from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classroom.errors import UserError
from classroom.room.text import QUOTED, clean, cleaned, quoted


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\u202eb\u2066c", "abc"),
        ("a\x00\x1b[31mb", "a[31mb"),
        ("第一行\n\n第二行\t完", "第一行 第二行 完"),
        ("\u200b \ufeff", ""),
        ("👨\u200d👩\u200d👧 好", "👨\u200d👩\u200d👧 好"),
        ("e\u0301", "é"),
        ("Z" + "\u0336" * 50, "Z" + "\u0336" * 3),
        ("\ud800x", "x"),
    ],
)
def test_what_could_disturb_other_lines_is_taken_out(text: str, shown: str) -> None:
    assert clean(text) == shown


@given(st.text(max_size=500))
def test_cleaning_is_idempotent_and_leaves_nothing_dangerous(text: str) -> None:
    once = clean(text)
    assert clean(once) == once
    assert not any(unicodedata.category(each) in ("Cc", "Cs") or "\u202a" <= each <= "\u202e" for each in once)


@pytest.mark.parametrize("text", ["\u200b", " \n", "\u200d\ufe0f", "\u3164\u3000", "\x00"])
def test_text_of_which_nothing_is_seen_is_refused(text: str) -> None:
    with pytest.raises(UserError, match="chat-empty"):
        cleaned(text)


def test_a_quotation_is_the_beginning_and_says_that_there_is_more() -> None:
    assert quoted("短") == "短"
    long = quoted("长" * 500)
    assert len(long) == QUOTED
    assert long.endswith("长…")
    assert quoted("a" * 78 + "👩\u200d👩" + "a" * 50) == "a" * 78 + "👩…"


def test_links_stay_plain_text() -> None:
    assert clean("看 https://example.org/<b>?a=1&b=2 吧") == "看 https://example.org/<b>?a=1&b=2 吧"
