from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classroom.room.words import WordList, fold

WORDS = WordList(["坏话", "Ass", "x1", "🖕", "ＶＸ加我", "é"])


@pytest.mark.parametrize(
    "text",
    [
        "这是坏话。",
        "坏 话",
        "坏。。话",
        "坏\u200b\u200d话",
        "坏😀话",
        "坏\u0336话\u0336",
        "ASS",
        "ａｓｓ!",
        "𝐀𝐒𝐒",
        "y-a-s-s",
        "你ass你",
        "a\u200bs\u200bs",
        "Åss",
        "x①",
        "看🖕🏻",
        "vx 加 我",
        "É",
        "e\u0301",
        "E",
    ],
)
def test_a_word_is_found_however_it_is_dressed_up(text: str) -> None:
    assert WORDS.hit(text)


@pytest.mark.parametrize(
    "text", ["", "好话", "坏的话", "class", "as sure", "passable", "x10", "x 2", "👍", "话坏", "her"]
)
def test_what_nobody_wrote_is_not_found(text: str) -> None:
    assert not WORDS.hit(text)


def test_words_that_fold_alike_are_kept_once_and_nothing_is_no_word() -> None:
    words = WordList(["坏话", "坏 话", " ", "\u200b", "Abc", "ABC"])
    assert [fold(word) for word in words.words] == ["坏话", "abc"]
    assert WordList(words.words).words == words.words


def test_without_words_nothing_is_refused() -> None:
    assert not WordList().hit("坏话")
    assert not WordList(["\u200b"]).hit("坏话")


@given(st.lists(st.text(max_size=12), max_size=30), st.text(max_size=200))
def test_it_decides_on_whatever_is_written(words: list[str], text: str) -> None:
    listed = WordList(words)
    listed.hit(text)
    assert all(listed.hit(f"《{word}》") for word in listed.words)


@given(st.text(alphabet="坏话的好，。 ", max_size=60))
def test_among_letters_without_case_it_finds_what_a_plain_search_finds(text: str) -> None:
    listed = WordList(["坏话", "的好"])
    folded = fold(text)
    assert listed.hit(text) is ("坏话" in folded or "的好" in folded)
