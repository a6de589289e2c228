from __future__ import annotations

from signaling.relay.choice import CLEAN, PROVEN, Choice, Health
from signaling.relay.subscription import AUDIO_ONLY, HIGHEST

RATES = [150e3, 500e3, 1500e3]


def run(
    choice: Choice, health: Health, since: float, seconds: float, rates: list[float] = RATES
) -> list[tuple[float, int]]:
    """When it was moved, and to where, looked at twice a second."""
    moves = []
    for half in range(round(2 * seconds) + 1):
        now = since + half / 2
        if choice.judge(health, rates, False, now):
            moves.append((now - since, choice.layer))
    return moves


def test_trouble_for_two_seconds_moves_down_and_grave_trouble_at_once() -> None:
    assert run(Choice(), Health(0.09), 100.0, 30.0) == []
    assert run(Choice(), Health(0.15), 100.0, 3.0) == [(2.0, 1)]
    assert run(Choice(), Health(0.25), 100.0, 1.0) == [(0.5, 1)]
    assert run(Choice(), Health(0.0, stands=0.9), 100.0, 3.0) == [(2.0, 1)]


def test_an_estimate_names_the_layer_that_fits() -> None:
    assert run(Choice(), Health(0.0, bears=200e3), 100.0, 1.0) == [(0.5, 0)]


def test_only_grave_trouble_that_stays_leads_to_sound_only() -> None:
    choice = Choice()
    assert run(choice, Health(0.15), 100.0, 60.0, RATES[:1]) == []
    assert run(choice, Health(0.30), 200.0, 10.0, RATES[:1]) == [(4.0, AUDIO_ONLY)]
    assert choice.level(0) == "audio-only"
    assert run(choice, Health(0.0), 220.0, 20.0, RATES[:1]) == [(CLEAN, HIGHEST)]
    assert choice.level(0) == "full"


def test_a_low_estimate_alone_takes_no_smallest_picture_away() -> None:
    """A busy device estimates too little, by packets that it reads late, and shows every frame."""
    busy = Health(0.0, bears=5e3)
    assert run(Choice(), busy, 100.0, 60.0, rates=[80e3]) == []
    assert run(Choice(), busy, 100.0, 60.0) == [(0.5, 0)]
    assert run(Choice(), Health(0.0, bears=5e3, stands=0.9), 100.0, 60.0, rates=[80e3]) == [(4.0, AUDIO_ONLY)]


def test_a_try_that_fails_doubles_the_wait_up_to_a_minute() -> None:
    choice, now, waits = Choice(), 0.0, []
    for _ in range(6):
        assert run(choice, Health(0.25), now, 0.5)[-1][1] == 1
        now += 3.0
        began = now
        while not choice.judge(Health(0.0), RATES, False, now):
            now += 0.5
        waits.append(now - began)
        now += 3.0
    assert waits == [10.0, 20.0, 40.0, 60.0, 60.0, 60.0]
    run(choice, Health(0.0), now, PROVEN)  # it holds
    now += PROVEN + 3.0
    run(choice, Health(0.25), now, 0.5)
    assert run(choice, Health(0.0), now + 3.0, 20.0) == [(CLEAN, HIGHEST)]


def test_what_all_have_moves_nobody() -> None:
    choice = Choice()
    for second in range(20):
        assert not choice.judge(Health(0.5), RATES, True, float(second))
    assert choice.level(2) == "full"


def test_who_has_recovered_is_held_back_no_more() -> None:
    choice = Choice()
    run(choice, Health(0.0, bears=100e3), 100.0, 1.0)
    assert run(choice, Health(0.0), 110.0, 30.0, RATES[:2]) == [(CLEAN, HIGHEST)]
    assert choice.level(2) == "full"


def test_what_it_never_bore_stays_out_of_reach_while_there_is_less() -> None:
    """The publisher turned its upper layers off: to be well with what is left says nothing of them."""
    choice = Choice()
    run(choice, Health(0.15), 100.0, 3.0)
    assert run(choice, Health(0.0), 110.0, 60.0, RATES[:1]) == []
    assert (choice.level(0), choice.level(2)) == ("full", "reduced")
