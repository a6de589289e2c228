"""Words that are not said in a room, found however they are dressed up.

Theory of operation. Text and words are folded alike: compatibility forms and accents undone (NFKD, UAX #15), case
folded, and whatever is no letter or digit (blanks, punctuation, marks, zero-width characters) left out. One automaton
(Aho–Corasick) then looks for all words at once. Where a script puts blanks between words, leaving them out makes words
that nobody wrote ("as sure"), and short words lie within long ones ("class"): there a hit counts only where it begins
and ends as a word does. Chinese has no such edges, so within Chinese every hit counts.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

from ahocorasick_rs import AhoCorasick

UNSEEN = frozenset({"Mn", "Me", "Cf"})
"""What does not part two letters."""


class WordList:
    def __init__(self, words: Iterable[str] = ()) -> None:
        """Words as an organizer typed them; what is the same when folded is kept once."""
        kept = {fold(word) or symbols(word): word for word in words}
        kept.pop("", None)
        self.words = tuple(kept.values())
        self._letters = _matcher(fold(word) for word in self.words)
        self._symbols = _matcher(symbols(word) for word in self.words if not fold(word))

    def hit(self, text: str) -> bool:
        """Whether it holds one of the words."""
        if not self.words:
            return False
        if self._letters is not None:
            found = self._letters.find_matches_as_indexes(fold(text), overlapping=True)
            if found and _has_word(text, {(start, end) for _, start, end in found}):
                return True
        return self._symbols is not None and bool(self._symbols.find_matches_as_indexes(symbols(text)))


def fold(text: str) -> str:
    """Its letters and digits alone, without case, width and accents."""
    return "".join(filter(str.isalnum, _flat(text)))


def symbols(text: str) -> str:
    """What can be seen of it, signs and pictures too."""
    return "".join(each for each in _flat(text) if not each.isspace() and unicodedata.category(each) not in UNSEEN)


def _flat(text: str) -> str:
    return unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())


def _matcher(folded: Iterable[str]) -> AhoCorasick | None:
    patterns = [each for each in folded if each]
    return AhoCorasick(patterns) if patterns else None


def _has_word(text: str, hits: set[tuple[int, int]]) -> bool:
    """`hits` are positions in the folded text. Whether one begins and ends where a word may."""
    inside = _inside_words(text)
    return any(start not in inside and end not in inside for start, end in hits)


def _inside_words(text: str) -> set[int]:
    """Positions of the folded text that no word begins at: the letter before, of the same kind, stands right before it
    in the text too."""
    inside: set[int] = set()
    position = 0
    before: tuple[bool, bool] | None = None
    for character in _flat(text):
        if character.isalnum():
            kind = character.islower(), character.isdecimal()  # folded, what has case is small
            if any(kind) and kind == before:
                inside.add(position)
            before = kind
            position += 1
        elif unicodedata.category(character) not in UNSEEN:
            before = None
    return inside
