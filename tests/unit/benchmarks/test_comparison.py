"""What a comparison makes of its turns."""

from __future__ import annotations

from dataclasses import replace

import pytest

from benchmarks.peers.comparison import OURS, Turn, largest, orders, side_by_side, table

TURN = Turn(
    relay=OURS,
    route="local",
    viewers=100,
    seconds=10.0,
    sent=1_000,
    delivered=100_000,
    lost=0,
    worst_viewer=1.0,
    cpu=0.25,
    cpu_in_kernel=0.1,
    signaling_cpu=0.05,
    joining_seconds=1.0,
    joining_cpu=0.2,
    resident_bytes=100 << 20,
)


def test_each_relay_has_its_turn_in_each_repeat_and_each_is_first_once() -> None:
    assert list(orders(["a", "b", "c"], 3)) == ["a", "b", "c", "b", "c", "a", "c", "a", "b"]


def test_the_ratio_is_to_ours_on_the_same_route_with_as_many_viewers() -> None:
    other = replace(TURN, relay="other", cpu=1.0)
    rows = side_by_side([TURN, other, replace(TURN, cpu=0.35), replace(TURN, cpu=0.3), replace(other, route="veth")])
    assert [(row["relay"], row["route"], row["turns"]) for row in rows] == [
        (OURS, "local", 3),
        ("other", "local", 1),
        ("other", "veth", 1),
    ]
    assert [row["microseconds_per_packet"] for row in rows] == [3.0, 10.0, 10.0]
    assert [row["times_ours"] for row in rows] == [1.0, 3.33, None]
    assert rows[0]["from_to"] == [2.5, 3.5]


def test_void_turns_count_for_nothing_but_are_seen() -> None:
    (row,) = side_by_side([replace(TURN, void="the viewers' own sockets overflowed")])
    assert row == {"route": "local", "viewers": 100, "relay": OURS, "turns": 0, "turns_without_loss": 0}
    assert table([row]).splitlines()[1].split() == ["local", "100", OURS, "0", "0"]


def test_the_cost_is_that_of_turns_without_loss_where_there_are_any() -> None:
    lossy = replace(TURN, lost=500, cpu=0.75)
    (row,) = side_by_side([lossy, TURN, lossy])
    assert (row["microseconds_per_packet"], row["turns"], row["turns_without_loss"]) == (2.5, 3, 1)
    assert row["lost"] == 500
    (row,) = side_by_side([lossy])
    assert (row["microseconds_per_packet"], row["turns_without_loss"]) == (7.5, 0)


def test_what_was_lost_is_that_of_the_worst_turn() -> None:
    (row,) = side_by_side([TURN, replace(TURN, lost=500, worst_viewer=0.5)])
    assert (row["lost"], row["worst_viewer"]) == (500, 0.5)


def test_only_a_turn_without_any_loss_is_carried() -> None:
    assert TURN.carried
    assert not replace(TURN, lost=1).carried
    assert not replace(TURN, void="why").carried


@pytest.mark.parametrize("limit", [0, 49, 50, 120, 400, 799, 800, 1_123, 2_240, 3_000])
@pytest.mark.parametrize("start", [50, 400, 2_240])
def test_the_largest_audience_is_found_to_a_step(limit: int, start: int) -> None:
    asked: list[int] = []

    def carries(viewers: int) -> bool:
        asked.append(viewers)
        return viewers <= limit

    found = largest(carries, start, most=2_240, step=50)
    assert found <= limit
    assert min(limit, 2_240) - found < 100
    assert len(asked) == len(set(asked)) <= 15
    assert max(asked) <= 2_240
