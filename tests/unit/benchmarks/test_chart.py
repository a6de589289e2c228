"""Charts drawn from results."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest

from benchmarks.chart import Bar, Series, bars, draw, lines, ticks


@pytest.mark.parametrize("top", [0.3, 1.0, 7.0, 99.0, 1_120.0, 2_500.0])
def test_ticks_are_few_and_reach_the_top(top: float) -> None:
    found = ticks(top)

    assert found[0] == 0
    assert found[-2] < top <= found[-1]
    assert 3 <= len(found) <= 8


def test_bars_are_as_long_as_their_figures() -> None:
    root = ElementTree.fromstring(bars("A & B", "µs", [Bar("ours", 2.5, True), Bar("<other>", 10.0)]))
    widths = [float(one.get("width", 0)) for one in root.iter("{http://www.w3.org/2000/svg}rect")][1:]

    assert widths[1] == pytest.approx(4 * widths[0], rel=0.01)
    assert "<other>" in [one.text for one in root.iter("{http://www.w3.org/2000/svg}text")]


def test_lines_stay_within_the_frame() -> None:
    drawn = lines("t", "x", "y", [Series("a", [(0, 0), (5, 3)]), Series("b", [(1, 2)])], limit=4)
    root = ElementTree.fromstring(drawn)
    for line in root.iter("{http://www.w3.org/2000/svg}polyline"):
        for point in line.get("points", "").split():
            x, y = map(float, point.split(","))
            assert 0 <= x <= 760
            assert 0 <= y <= 380


def test_what_there_is_is_drawn(tmp_path: Path) -> None:
    (tmp_path / "restart-1120.json").write_text(json.dumps({"each": [1.5, 2.0, 4.5]}))
    (tmp_path / "soak.json").write_text(json.dumps({"memory": [{"at": 60.0, "relay": 130.0, "web": 90.0}]}))

    assert {path.name for path in draw(tmp_path)} == {"restart-1120.svg", "soak.svg"}
    for path in tmp_path.glob("*.svg"):
        ElementTree.fromstring(path.read_text())
