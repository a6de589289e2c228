from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from attendance.seal import MARK, Seal, read_seal
from attendance.words import Language

LANGUAGES: tuple[Language, ...] = ("zh", "en")
numbers = st.integers(0, 2**60)
parts = st.text(st.characters(exclude_characters="/", exclude_categories=["Cs"]), min_size=1)
seals = st.builds(
    Seal,
    lecture=st.text(st.characters(exclude_categories=["Cs"])),
    row=numbers,
    hash=st.binary(min_size=32, max_size=32),
    at=st.none() | numbers,
    signature=st.none() | st.binary(min_size=64, max_size=64),
    rule=numbers,
    scope=st.lists(parts, max_size=4).map(tuple),
    language=st.sampled_from(LANGUAGES),
)


@given(seals)
def test_a_seal_is_read_back(seal: Seal) -> None:
    assert read_seal(f" {seal.text()}\r\n") == seal


@given(seals)
def test_a_seal_stands_in_a_cell_of_any_encoding(seal: Seal) -> None:
    text = seal.text()
    assert len(text.split()) == 1
    assert text.encode("gb18030").decode("gb18030") == text
    assert not set(text) & set(",\t;\"'")


@given(st.text())
def test_nothing_else_is_a_seal(text: str) -> None:
    assert read_seal(text) is None
    found = read_seal(MARK + text)
    assert found is None or isinstance(found, Seal)


def test_what_nobody_signed_has_no_head() -> None:
    seal = Seal("party", 3, bytes(32), None, None, 1, (), "zh")
    assert seal.head is None
    assert read_seal(seal.text()) == seal
