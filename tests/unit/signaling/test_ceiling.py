"""Which layers anybody may have while the relay is behind."""

from __future__ import annotations

from signaling.relay.ceiling import CLEAR, HELPS, Ceiling
from signaling.relay.subscription import HIGHEST


def test_all_layers_while_nothing_is_late() -> None:
    assert Ceiling().look(3, False, 5.0) == HIGHEST


def test_one_layer_at_a_time_is_taken_away_down_to_the_lowest() -> None:
    ceiling = Ceiling()
    assert [ceiling.look(3, True, at) for at in (0.0, HELPS / 2, HELPS, 2 * HELPS)] == [1, 1, 0, 0]


def test_one_layer_at_a_time_is_tried_again() -> None:
    ceiling = Ceiling()
    for at in (0.0, HELPS):
        ceiling.look(3, True, at)
    since = HELPS
    assert ceiling.look(3, False, since + CLEAR - 0.1) == 0
    assert ceiling.look(3, False, since + CLEAR) == 1
    assert ceiling.look(3, False, since + 2 * CLEAR - 0.1) == 1
    assert ceiling.look(3, False, since + 2 * CLEAR) == HIGHEST


def test_being_behind_again_takes_the_layer_away_again() -> None:
    ceiling = Ceiling()
    ceiling.look(2, True, 0.0)
    assert ceiling.look(2, False, CLEAR) == HIGHEST
    assert ceiling.look(2, True, CLEAR + 1) == 0
