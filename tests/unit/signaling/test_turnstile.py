from __future__ import annotations

import pytest

from signaling.errors import Refusal, Refused
from signaling.session.turnstile import LATEST, SOONEST, Turnstile


def test_who_comes_beyond_is_turned_away_until_somebody_is_through() -> None:
    turnstile = Turnstile(2, lambda: 0.0)
    with turnstile.passing():
        with turnstile.passing(), pytest.raises(Refused) as refused, turnstile.passing():
            raise AssertionError("a third was let in")
        assert refused.value.reason is Refusal.CROWDED
        with turnstile.passing():
            assert turnstile.inside == 2
    assert turnstile.inside == 0


def test_an_error_inside_leaves_no_place_taken() -> None:
    turnstile = Turnstile(1, lambda: 0.0)
    for _ in range(3):
        with pytest.raises(ValueError, match="x"), turnstile.passing():
            raise ValueError("x")
    assert turnstile.inside == 0


@pytest.mark.parametrize(("drawn", "seconds"), [(0.0, SOONEST), (0.5, 3), (0.999, LATEST)])
def test_they_are_asked_to_come_again_in_different_seconds(drawn: float, seconds: int) -> None:
    with pytest.raises(Refused) as refused, Turnstile(0, lambda: drawn).passing():
        raise AssertionError
    assert refused.value.retry_after == seconds
