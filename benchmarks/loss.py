"""Loss of 3 % on a third of the viewers: do those recover, and do the others notice?

    python -m benchmarks.loss [--viewers 600] [--segments 6]

One run in segments that take turns: without loss, with loss. Lossy viewers throw packets away before they count them,
resent ones too, and ask for them as a browser does. The others' delays with loss are set against those without.
"""

from __future__ import annotations

import argparse
import asyncio
from typing import Any

import numpy as np

from benchmarks.viewers.counting import GROUP, LOSS, Counts
from benchmarks.viewers.measuring import of_histogram
from benchmarks.viewers.processes import machine
from benchmarks.viewers.report import console, keep, lay_out, warn_if_void
from benchmarks.viewers.scenario import arguments, fill, options_of, wait
from benchmarks.viewers.stage import Stage, stage

WORST = 0.10  # by how much the others' p99 may change
SETTLE = 1.0  # seconds after a switch


async def lossy_run(given: argparse.Namespace) -> dict[str, Any]:
    delays: dict[bool, Any] = {False: 0, True: 0}
    segments = []
    async with stage(options_of(given, lossy=1 / 3)) as on:
        await fill(on, given.viewers)
        await on.publish()
        for number in range(given.segments):
            lossy = number % 2 == 1
            await _switch(on, given.loss if lossy else 0.0)
            await asyncio.sleep(SETTLE)
            measurement = on.measurement()
            await measurement.begin()
            await wait(
                given.seconds, f"segment {number + 1}, {given.loss:.0%} loss" if lossy else f"segment {number + 1}"
            )
            figures = await measurement.end()
            delays[lossy] = delays[lossy] + measurement.delays
            segments.append({"loss": given.loss if lossy else 0.0, **figures})
            warn_if_void(figures)
        dropped = await on.dropped()
    others = {
        name: {medium: of_histogram(delays[lossy][0, kind]) for kind, medium in enumerate(("audio", "video"))}
        for lossy, name in ((False, "without"), (True, "with"))
    }
    changes = {
        medium: round(others["with"][medium]["p99"] / others["without"][medium]["p99"] - 1, 4)
        for medium in ("audio", "video")
    }
    lost = sum(one["received"]["lost_by_group"].get("1", 0) for one in segments if one["loss"])
    return {"others": others, "p99_change": changes, "lost": lost, "dropped_by_relay": dropped, "runs": segments}


async def _switch(on: Stage, loss: float) -> None:
    await on.door.run(set_loss, on.crowd.counts, loss)


def set_loss(counts: Counts, loss: float) -> None:
    """For the viewers of group 1."""
    counts.viewers[:, LOSS] = np.where(counts.viewers[:, GROUP] == 1, round(loss * 2**32), 0)


def main(words: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.loss", description=(__doc__ or "").splitlines()[0])
    arguments(parser, viewers=600, seconds=8.0)
    parser.add_argument("--loss", type=float, default=0.03)
    parser.add_argument("--segments", type=int, default=6)
    given = parser.parse_args(words)
    about = machine()
    figures = asyncio.run(lossy_run(given))
    rows = []
    for one in figures["runs"]:
        received = one["received"]
        rows.append(
            (
                f"{one['loss']:.0%}",
                one["thrown_away"],
                received["recovered"],
                received["lost_by_group"].get("1", 0),
                received["lost_by_group"].get("0", 0),
                received["late"],
                one["audio_delay_ms"][0]["p99"],
                one["video_delay_ms"][0]["p99"],
            )
        )
    heads = ("loss", "thrown away", "recovered", "lost: lossy", "others", "late", "others' p99 ms: sound", "picture")
    lay_out("segments ('lost' is after recovery)", heads, rows)
    rows = [
        (medium, *(figures["others"][name][medium]["p99"] for name in ("without", "with")), f"{change:+.1%}")
        for medium, change in figures["p99_change"].items()
    ]
    lay_out("delay of the others, p99, ms", ("", "without loss", "with", f"change (at most {WORST:.0%})"), rows)
    console.print(str(keep(given.name or "loss", "loss on a third of the viewers", figures, about)))


if __name__ == "__main__":
    main()
