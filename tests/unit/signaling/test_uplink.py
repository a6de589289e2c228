from __future__ import annotations

import pytest

from signaling.relay.uplink import (
    AUDIO,
    BURST,
    DEBT,
    LEAST,
    MEDIA,
    OVERHEAD,
    PLANNED,
    VOICE,
    Claim,
    Shares,
    Uplink,
    shared,
)

MOST = 2_500_000


def test_what_goes_out_is_counted_as_it_is_on_the_link() -> None:
    uplink = Uplink(0)
    uplink.measure(10.0)
    uplink.spend([bytes(956), bytes(456)], 3)
    assert uplink.measure(12.0) == (956 + 456 + 2 * OVERHEAD) * 8 * 3 // 2
    assert uplink.measure(13.0) == 0
    assert uplink.measure(13.0) == 0


def test_without_a_limit_there_is_always_room() -> None:
    uplink = Uplink(0)
    uplink.spend([bytes(10_000)], 1_000_000)
    assert uplink.free


def test_the_bucket_fills_at_the_limit_and_holds_little() -> None:
    uplink = Uplink(1_000_000)
    uplink.refill(5.0)
    assert uplink.free
    uplink.spend([bytes(round(1_000_000 * BURST / 8))], 1)
    assert not uplink.free
    uplink.refill(5.01)
    assert uplink.free
    uplink.refill(100.0)
    uplink.spend([bytes(round(1_000_000 * BURST / 8))], 1)
    assert not uplink.free


def test_what_sound_owes_is_bounded() -> None:
    uplink = Uplink(1_000_000)
    uplink.refill(0.0)
    uplink.spend([bytes(1_000)], 10_000)
    uplink.refill(DEBT / (1 - BURST) + 0.001)
    assert uplink.free


def test_the_rate_of_one_stream_times_its_audience_fits_beside_its_sound() -> None:
    rates = shared(900_000_000, [Claim("a", 2.0, 1_120, 1_120)], MOST)
    assert rates["a"] * 1_120 + AUDIO * 1_120 == pytest.approx(900_000_000 * PLANNED)


def test_lecturer_and_screen_come_before_others() -> None:
    claims = [Claim("lecturer", 2.0, 100, 100), Claim("screen", 2.0, 100, 0), Claim("guest", 1.0, 100, 100)]
    rates = shared(200_000_000, claims, MOST)
    assert rates["lecturer"] == rates["screen"] == pytest.approx(2 * rates["guest"])
    assert sum(rates.values()) * 100 + 200 * AUDIO == pytest.approx(200_000_000 * PLANNED)


def test_what_one_does_not_need_goes_to_the_others() -> None:
    claims = [Claim("small", 1.0, 5, 5), Claim("large", 1.0, 500, 500)]
    rates = shared(500_000_000, claims, MOST)
    assert rates["small"] < MOST
    claims = [Claim("lecturer", 2.0, 10, 10), Claim("guest", 1.0, 10, 10)]
    rates = shared(50_000_000, claims, MOST)
    assert rates["lecturer"] == MOST
    assert rates["guest"] == pytest.approx((50_000_000 * PLANNED - 20 * AUDIO - 10 * MOST) / 10)


def test_nobody_is_told_less_than_the_least() -> None:
    claims = [Claim("lecturer", 2.0, 1_000, 1_000), Claim("guest", 1.0, 1_000, 1_000), Claim("nobody", 1.0, 0, 0)]
    assert shared(10_000_000, claims, MOST) == {"lecturer": LEAST, "guest": LEAST, "nobody": MOST}
    assert shared(10_000_000, [], MOST) == {}
    rates = shared(610_000_000, claims, MOST)
    assert rates["guest"] == LEAST
    assert rates["lecturer"] == pytest.approx((610_000_000 * PLANNED - 2_000 * AUDIO) / 1_000 - LEAST)


def test_a_cap_falls_at_once_and_rises_slowly() -> None:
    shares = Shares(100_000_000, MOST)
    assert shares.cap("a") == MOST
    shares.plan([Claim("a", 2.0, 100, 100)])
    low = shares.cap("a")
    assert low == pytest.approx((1_000_000 * PLANNED - AUDIO) * MEDIA + VOICE, abs=1)
    steps = []
    while shares.cap("a") < MOST:
        shares.plan([Claim("a", 2.0, 10, 10)])
        steps.append(shares.cap("a"))
        assert len(steps) < 60
    assert steps[0] < 1.1 * low
    assert len(steps) > 10
    shares.plan([])
    assert shares.cap("a") == MOST


def test_without_a_limit_everybody_may_send_the_most() -> None:
    shares = Shares(0, MOST)
    shares.plan([Claim("a", 2.0, 5_000, 5_000)])
    assert shares.cap("a") == MOST
