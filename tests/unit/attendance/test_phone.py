"""Telephone numbers as clerks type them."""

from __future__ import annotations

import pytest

from attendance.sheet.phone import BadPhone, mask, normalize


@pytest.mark.parametrize(
    "written",
    [
        "13800000000",
        "13800000000.0",
        "１３８００００００００",
        "+86 138 0000 0000",
        "+8613800000000",
        "008613800000000",
        "8613800000000",
        "138-0000-0000",
        "138 0000\u30000000",
        "(138)0000—0000",
        "\u200b13800000000\ufeff",
        " 13800000000\n",
        "'13800000000",
    ],
)
def test_one_spelling_of_a_mobile_number(written: str) -> None:
    assert normalize(written) == "13800000000"


@pytest.mark.parametrize("written", ["", "  ", "\u3000", "无", "-", "——", "/", "N/A", "nan", "暂无"])
def test_blank_is_no_number(written: str) -> None:
    assert normalize(written) is None


@pytest.mark.parametrize(
    ("written", "kept"),
    [("0916-2212345", "09162212345"), ("(010) 6212 3456", "01062123456"), ("+852 2345 6789", "+85223456789")],
)
def test_landlines_and_foreign_numbers(written: str, kept: str) -> None:
    assert normalize(written) == kept


@pytest.mark.parametrize(
    "written",
    [
        "1380000000",
        "138000000000",
        "12800000000",
        "13800000000/13900000000",
        "张伟",
        "1.38e10",
        "٣٨٠٠٠٠٠٠٠٠٠",
        "+",
        "++1",
    ],
)
def test_what_is_no_number_is_refused_without_repeating_it(written: str) -> None:
    with pytest.raises(BadPhone) as caught:
        normalize(written)
    assert written not in str(caught.value)


def test_a_masked_number_shows_its_ends_only() -> None:
    assert mask("13800000000") == "138****0000"
    assert mask("09162212345") == "091****2345"
    assert mask("+8521234") == "+8****34" or "*" in mask("+8521234")
    assert all("*" in mask("1" * length) for length in range(1, 16))
