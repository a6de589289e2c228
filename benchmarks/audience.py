"""How large an audience the relay carries, and at what cost.

    python -m benchmarks.audience                 1,120 viewers for 60 s: nothing lost after recovery?
    python -m benchmarks.audience --largest       the largest audience with nothing lost, and what broke first
    python -m benchmarks.audience --scaling       cost per viewer at 350 against 1,400
    python -m benchmarks.audience --path both     the compiled packet path and the reference, in turns
    python -m benchmarks.audience --veth          over a veth pair instead of loopback

"Lost" is what the publisher sent in the measured part and a viewer never got, whoever dropped it, resends included.
"""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Sequence
from typing import Any

from benchmarks.viewers.processes import machine
from benchmarks.viewers.report import console, grid, keep, lay_out, summary, warn_if_void
from benchmarks.viewers.scenario import PATHS, arguments, fill, measure, options_of, run, shrink
from benchmarks.viewers.stage import Stage, stage

TARGET = 2.8  # µs of the relay's CPU per delivered packet
STEP = 50  # viewers: how exactly the largest audience is found
SETTLE = 3.0  # seconds between the last join and the measurement
SCALING = (350, 1_400, 350, 1_400)


def broken(figures: dict[str, Any]) -> list[str]:
    """What was not as it should be, the first cause first; empty when every viewer had every packet."""
    received = figures["received"]
    found = []
    if figures["void"]:
        found.append(f"this program: its sockets dropped {figures['dropped_by_viewers_sockets']} packets (void)")
    if figures["generator"]["publisher_refused"]:
        found.append(f"the publisher's socket: {figures['generator']['publisher_refused']} packets not taken")
    found += [f"the relay dropped {count:g} packets: {why}" for why, count in figures["dropped_by_relay"].items()]
    if received["lost"]:
        found.append(f"{received['lost']} packets lost after recovery at {received['viewers_with_loss']} viewers")
    if figures["failed_to_join"]:
        found.append(f"{figures['failed_to_join']} viewers did not get in")
    return found


async def largest(given: argparse.Namespace) -> dict[str, Any]:
    """Grows by `--step` until something is lost, then halves the distance."""
    steps: list[dict[str, Any]] = []
    async with stage(options_of(given, viewers=given.up_to, capacity=given.up_to)) as on:
        await fill(on, min(given.viewers, given.up_to))
        await on.publish()
        good, bad, size = 0, given.up_to + STEP, len(on.audience)
        while True:
            figures = await _at(on, size, given.seconds)
            if broken(figures):  # once more: other work on the machine may have been the cause
                console.print(_line(size, figures))
                figures = await _at(on, size, given.seconds)
            steps.append({"viewers": size, "broken": broken(figures), "figures": figures})
            console.print(_line(size, figures))
            if steps[-1]["broken"]:
                bad = size
            else:
                good = max(good, size)
            if bad - good <= STEP:
                break
            size = min(good + given.step, given.up_to) if bad > given.up_to else (good + bad) // 2 // 10 * 10
            if size in (good, bad) or size <= 0:
                break
    first = next((step for step in sorted(steps, key=lambda step: int(step["viewers"])) if step["broken"]), None)
    return {"largest": good, "broke_first": first["broken"] if first else [], "runs": steps}


async def _at(on: Stage, size: int, seconds: float) -> dict[str, Any]:
    on.failures.clear()
    if size > len(on.audience):
        await fill(on, size - len(on.audience))
    else:
        await shrink(on, size)
    await asyncio.sleep(SETTLE)
    return await measure(on, seconds, f"{size} viewers")


def _line(size: int, figures: dict[str, Any]) -> str:
    relay = figures["cpu"]["relay"]
    trouble = "; ".join(broken(figures)) or "nothing lost"
    return (
        f"{size:>5} viewers  {relay['microseconds_per_packet']:.2f} µs a packet  relay {relay['core']:.0%} of a core  "
        f"viewers {figures['generator']['core']:.0%}  machine {figures['machine_busy']:.0%}  {trouble}"
    )


def both(given: argparse.Namespace) -> dict[str, Any]:
    """Each path in a service of its own, in turns, so that what else the machine does falls on both."""
    runs = []
    for _ in range(given.repeats):
        for path in ("compiled", "reference"):
            figures = asyncio.run(run(options_of(given, path=path), given.seconds))
            warn_if_void(figures)
            runs.append({"path": path, **figures})
    rows = []
    for one in runs:
        cost, sound = one["cpu"]["relay"], one["audio_delay_last_viewer_ms"]
        rows.append(
            (
                one["path"],
                f"{cost['microseconds_per_packet']:.2f}",
                f"{cost['of_these_in_the_kernel']:.2f}",
                f"{cost['core']:.0%}",
                one["received"]["lost"],
                sound.get("p99", "-"),
                one["memory_mb"]["relay"],
                one["seconds_to_start"],
            )
        )
    heads = ("path", "µs a packet", "kernel", "core", "lost", "sound p99 ms", "MB", "start s")
    lay_out(f"{given.viewers} viewers, both packet paths", heads, rows)
    return {"runs": runs}


async def scaling(given: argparse.Namespace, sizes: Sequence[int] = SCALING) -> dict[str, Any]:
    """In one run, in turns, so that what else the machine does falls on both. Every viewer gets the same packets, so
    cost per viewer is told by the cost of a delivered packet."""
    costs: dict[int, list[float]] = {}
    runs = []
    async with stage(options_of(given, viewers=max(sizes), capacity=max(sizes))) as on:
        await fill(on, sizes[0])
        await on.publish()
        for size in sizes:
            figures = await _at(on, size, given.seconds)
            console.print(_line(size, figures))
            costs.setdefault(size, []).append(figures["cpu"]["relay"]["microseconds_per_packet"])
            runs.append({"broken": broken(figures), **figures})
    means = {size: sum(found) / len(found) for size, found in costs.items()}
    small, large = min(means), max(means)
    return {
        "cost_per_viewer": {str(size): round(mean, 3) for size, mean in means.items()},
        "ratio": round(means[large] / means[small], 3),
        "runs": runs,
    }


def main(words: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.audience", description=(__doc__ or "").splitlines()[0])
    arguments(parser, viewers=1_120, seconds=60.0, paths=[*PATHS, "both"])
    parser.add_argument("--repeats", type=int, default=1, help="of --path both")
    parser.add_argument("--largest", action="store_true", help="search the largest audience (begins with --viewers)")
    parser.add_argument("--scaling", action="store_true", help="350 against 1,400 viewers")
    parser.add_argument("--up-to", type=int, default=3_000, help="viewers at most, for --largest")
    parser.add_argument("--step", type=int, default=200, help="more viewers each time, for --largest")
    given = parser.parse_args(words)
    about = machine()
    suffix = "-veth" if given.veth else ""
    if given.path == "both":
        path = keep(given.name or f"paths-{given.viewers}", "both packet paths in turns", both(given), about)
    elif given.largest:
        figures = asyncio.run(largest(given))
        grid("largest audience", [("viewers", figures["largest"]), ("broke first", "; ".join(figures["broke_first"]))])
        path = keep(given.name or f"largest{suffix}", "largest audience with nothing lost", figures, about)
    elif given.scaling:
        figures = asyncio.run(scaling(given))
        rows = list(figures["cost_per_viewer"].items())
        lay_out("cost per viewer", ("viewers", "µs a packet and viewer"), rows)
        console.print(f"ratio {figures['ratio']} (at most 1.25)")
        path = keep(given.name or f"scaling{suffix}", "cost per viewer", figures, about)
    else:
        figures = asyncio.run(run(options_of(given), given.seconds))
        grid(f"{figures['viewers']} viewers", summary(figures))
        warn_if_void(figures)
        console.print("; ".join(broken(figures)) or "nothing lost after recovery for any viewer")
        cost = figures["cpu"]["relay"]["microseconds_per_packet"]
        console.print(f"relay: {cost:.2f} µs per delivered packet (target {TARGET})")
        path = keep(given.name or f"audience-{given.viewers}{suffix}", "one audience", {"runs": [figures]}, about)
    console.print(str(path))


if __name__ == "__main__":
    main()
