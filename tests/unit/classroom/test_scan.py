from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from classroom.people.scan import PASS, WINDOW, changes_at, code_at, fresh, holds, pass_until

SECRET, OTHER = b"s" * 32, b"o" * 32
moments = st.integers(1_700_000_000_000_000, 1_900_000_000_000_000)


@given(moments, st.integers(0, 4 * WINDOW))
def test_a_code_holds_while_it_is_shown_and_a_quarter_of_a_minute_longer(now: int, later: int) -> None:
    code = code_at(SECRET, now)
    assert fresh(SECRET, code, now + later) == (now + later < changes_at(now) + WINDOW)
    assert not fresh(OTHER, code, now)
    assert not fresh(SECRET, code, now - WINDOW)  # one that is to come


@given(moments)
def test_a_pass_holds_for_three_minutes_at_its_own_site(now: int) -> None:
    given_ = pass_until(SECRET, now + PASS)
    assert holds(SECRET, given_, now)
    assert not holds(SECRET, given_, now + PASS)
    assert not holds(OTHER, given_, now)


@given(st.text(max_size=60), moments)
def test_what_we_did_not_give_opens_nothing(text: str, now: int) -> None:
    assert not fresh(SECRET, text, now)
    assert not holds(SECRET, text, now)
    later = pass_until(SECRET, now + PASS).replace(str((now + PASS) // 1_000_000), str((now + 2 * PASS) // 1_000_000))
    assert not holds(SECRET, later, now)
