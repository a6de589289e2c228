"""Charts of benchmarks/README.md: an SVG for each document in benchmarks/results that there is one for.

    python -m benchmarks.chart

Bars and lines are all that is needed, so they are written as SVG here.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

from benchmarks.viewers.report import RESULTS

WIDTH, HEIGHT = 760, 380
LEFT, RIGHT, TOP, BOTTOM = 70, 20, 56, 56
COLOURS = ("#1f6feb", "#d9730d", "#2da44e", "#8250df", "#57606a")
INK, FAINT = "#24292f", "#d0d7de"
BAR, SPACE = 26, 12


@dataclass(frozen=True)
class Bar:
    name: str
    value: float
    emphasis: bool = False


@dataclass(frozen=True)
class Series:
    name: str
    points: Sequence[tuple[float, float]]


def bars(title: str, unit: str, found: Sequence[Bar]) -> str:
    """Lying bars, each with its figure."""
    left = 20 + 7.2 * max(len(bar.name) for bar in found)
    widest = max(bar.value for bar in found)
    scale = (WIDTH - left - 110) / widest if widest else 0.0
    body = [_text(20, 30, title, size=17, weight="600")]
    for place, bar in enumerate(found):
        y = TOP + place * (BAR + SPACE)
        colour = COLOURS[0] if bar.emphasis else COLOURS[4]
        body += [
            _text(left - 8, y + BAR / 2 + 5, bar.name, anchor="end"),
            (
                f'<rect x="{left:.1f}" y="{y}" width="{max(1.0, bar.value * scale):.1f}" height="{BAR}" rx="3" '
                f'fill="{colour}"/>'
            ),
            _text(left + bar.value * scale + 8, y + BAR / 2 + 5, f"{bar.value:g} {unit}", weight="600"),
        ]
    return _svg(TOP + len(found) * (BAR + SPACE) + 12, body)


def lines(title: str, across: str, up: str, found: Sequence[Series], limit: float | None = None) -> str:
    """Lines over a common scale from zero; `limit` is drawn as a dashed line."""
    right = max(x for series in found for x, _ in series.points)
    left = min(0.0, min(x for series in found for x, _ in series.points))
    top = max([y for series in found for _, y in series.points] + ([limit] if limit else []))
    steps_x, steps_y = ticks(right), ticks(top)
    end_x, end_y = max(right, steps_x[-1]), max(top, steps_y[-1])

    def x_of(value: float) -> float:
        return LEFT + (value - left) / ((end_x - left) or 1) * (WIDTH - LEFT - RIGHT)

    def y_of(value: float) -> float:
        return HEIGHT - BOTTOM - value / (end_y or 1) * (HEIGHT - TOP - BOTTOM)

    body = [_text(20, 30, title, size=17, weight="600")]
    for step in steps_y:
        body.append(_line(LEFT, y_of(step), WIDTH - RIGHT, y_of(step), FAINT))
        body.append(_text(LEFT - 8, y_of(step) + 4, f"{step:g}", anchor="end", size=12))
    body += [_text(x_of(step), HEIGHT - BOTTOM + 18, f"{step:g}", anchor="middle", size=12) for step in steps_x]
    if limit is not None:
        body.append(_line(LEFT, y_of(limit), WIDTH - RIGHT, y_of(limit), "#cf222e", dash="6 4"))
    for place, series in enumerate(found):
        colour = COLOURS[place % len(COLOURS)]
        points = " ".join(f"{x_of(x):.1f},{y_of(y):.1f}" for x, y in sorted(series.points))
        body.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2.5"/>')
        body.append(
            _text(WIDTH - RIGHT - 4, TOP - 6 + 16 * place, series.name, anchor="end", fill=colour, weight="600")
        )
    body.append(_text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 12, across, anchor="middle", size=13))
    body.append(_text(20, TOP - 6, up, size=13))
    return _svg(HEIGHT, body)


def ticks(top: float, most: int = 6) -> list[float]:
    """Round figures from zero that reach `top` or a little beyond."""
    if top <= 0:
        return [0.0, 1.0]
    raw = top / most
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(power * factor for factor in (1, 2, 2.5, 5, 10) if power * factor >= raw - 1e-12)
    return [round(step * number, 10) for number in range(math.ceil(top / step - 1e-9) + 1)]


def _svg(height: float, body: Sequence[str]) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:.0f}" '
        f'font-family="system-ui, sans-serif" font-size="14">\n'
        f'<rect width="{WIDTH}" height="{height:.0f}" fill="#ffffff"/>\n' + "\n".join(body) + "\n</svg>\n"
    )


def _text(
    x: float, y: float, text: str, *, anchor: str = "start", size: int = 14, weight: str = "400", fill: str = INK
) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}" font-weight="{weight}" '
        f'fill="{fill}">{escape(text)}</text>'
    )


def _line(x1: float, y1: float, x2: float, y2: float, colour: str, dash: str = "none") -> str:
    return (
        f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}" stroke-dasharray="{dash}"/>'
    )


# --- what is drawn of each document ---------------------------------------------------------------------------------


def peers(document: dict[str, Any]) -> str:
    """CPU per delivered packet, relays side by side."""
    rows = [row for row in document["rows"] if row.get("microseconds_per_packet") is not None]
    found = [
        Bar(f"{row['relay']}, {row['route']}", row["microseconds_per_packet"], row["relay"] == "classroom")
        for row in rows
    ]
    return bars(f"CPU per delivered packet, {rows[0]['viewers']} viewers", "µs", found)


def largest_of_peers(document: dict[str, Any]) -> str:
    """The largest audience without loss, relays side by side."""
    found = [
        Bar(f"{name}, {route}", float(one["viewers"]), name == "classroom")
        for route, relays in document["largest"].items()
        for name, one in relays.items()
    ]
    return bars("Largest audience without a lost packet", "viewers", found)


def largest(document: dict[str, Any]) -> str:
    """What a growing audience takes of a core."""
    steps = sorted(document["runs"], key=lambda step: int(step["viewers"]))
    series = [
        Series("relay", [(step["viewers"], step["figures"]["cpu"]["relay"]["core"]) for step in steps]),
        Series("load generator", [(step["viewers"], step["figures"]["generator"]["core"]) for step in steps]),
    ]
    return lines(f"A growing audience: nothing lost up to {document['largest']}", "viewers", "cores", series, limit=1.0)


def restart(document: dict[str, Any]) -> str:
    """How many play again, over time."""
    each = document["each"]
    points = [(0.0, 0.0), *((second, float(place + 1)) for place, second in enumerate(each))]
    return lines("The relay is killed: viewers that play again", "seconds", "viewers", [Series("playing", points)])


def soak(document: dict[str, Any]) -> str:
    """Memory over time."""
    samples = document["memory"]
    series = [Series(name, [(one["at"] / 60, one[name]) for one in samples]) for name in ("relay", "web")]
    return lines("Memory while viewers come and go", "minutes", "MB", series)


CHARTS: dict[str, Callable[[dict[str, Any]], str]] = {
    "peers-400": peers,
    "peers-400-largest": largest_of_peers,
    "largest": largest,
    "restart-1120": restart,
    "soak": soak,
}
"""By the name of the document in benchmarks/results."""


def draw(folder: Path = RESULTS) -> list[Path]:
    """Writes an SVG beside each document that there is; returns those."""
    drawn = []
    for name, chart in CHARTS.items():
        source = folder / f"{name}.json"
        if source.is_file():
            target = source.with_suffix(".svg")
            target.write_text(chart(json.loads(source.read_text())))
            drawn.append(target)
    return drawn


def main() -> None:
    for path in draw():
        print(path)


if __name__ == "__main__":
    main()
