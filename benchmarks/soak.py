"""Half an hour of an audience that comes and goes: does memory grow?

    python -m benchmarks.soak [--minutes 30] [--viewers 300]

Every second `--churn` viewers leave and as many others join, by the product's own links. Memory of relay and web
process (Pss) is read every ten seconds; growth is the median of the last minute against that of the first minute after
the warm-up (five minutes, or a sixth of a shorter run).
"""

from __future__ import annotations

import argparse
import asyncio
import random
import statistics
import time
from typing import Any

from benchmarks.viewers.measuring import Measurement
from benchmarks.viewers.processes import machine, unshared
from benchmarks.viewers.report import console, grid, keep, progress, warn_if_void
from benchmarks.viewers.scenario import arguments, fill, options_of
from benchmarks.viewers.stage import Stage, stage

SPARE = 60  # links beyond the audience, so that who comes is not who has just left
SAMPLE_EVERY = 10.0
WARM_UP = 300.0
MINUTE = 60.0
WORST = 0.02


def growth(samples: list[dict[str, float]], warm_up: float, name: str) -> float | None:
    """Share by which memory grew from the first minute after the warm-up to the last; None where there is no such."""
    end = samples[-1]["at"] if samples else 0.0
    early = [one[name] for one in samples if warm_up <= one["at"] < warm_up + MINUTE]
    late = [one[name] for one in samples if one["at"] > end - MINUTE]
    if not early or not late:
        return None
    return statistics.median(late) / statistics.median(early) - 1


async def soak(given: argparse.Namespace) -> dict[str, Any]:
    seconds = given.minutes * 60
    warm_up = min(WARM_UP, seconds / 6)
    samples: list[dict[str, float]] = []
    async with stage(options_of(given, capacity=given.viewers + SPARE)) as on:
        await fill(on, given.viewers)
        await on.publish()
        parts, joined = await _churn(on, given, seconds, samples)
        dropped = await on.dropped()
        failures = list(on.failures)
    return {
        "minutes": given.minutes,
        "warm_up_seconds": warm_up,
        "joined": joined,
        "failed_to_join": len(failures),
        "failures": sorted(set(failures))[:5],
        "growth": {name: _rounded(growth(samples, warm_up, name)) for name in ("relay", "web")},
        "lost": sum(part["received"]["lost"] for part in parts),
        "void": any(part["void"] for part in parts),
        "dropped_by_viewers_sockets": sum(part["dropped_by_viewers_sockets"] for part in parts),
        "dropped_by_relay": dropped,
        "memory": samples,
        "runs": parts,
    }


async def _churn(
    on: Stage, given: argparse.Namespace, seconds: float, samples: list[dict[str, float]]
) -> tuple[list[dict[str, Any]], int]:
    """Comings and goings; a part of a minute is measured after another (of the viewers that stay through it)."""
    began = time.monotonic()
    parts: list[dict[str, Any]] = []
    draw = random.Random(on.options.seed)
    count, sampled = 0, -SAMPLE_EVERY
    measurement: Measurement | None = None
    minute = 0.0
    with progress() as bar:
        task = bar.add_task(f"{given.viewers} viewers come and go, seconds", total=round(seconds))
        while (at := time.monotonic() - began) < seconds:
            bar.update(task, completed=int(at))
            if at - sampled >= SAMPLE_EVERY:
                sampled = at
                sizes = {name: unshared(pids) / 1e6 for name, pids in on.processes().items()}
                samples.append({"at": round(at, 1), "viewers": float(len(on.audience)), **sizes})
            if measurement is not None and at - minute >= MINUTE:
                parts.append(await measurement.end())
                measurement = None
            if measurement is None:
                measurement, minute = on.measurement(), at
                await measurement.begin()
            count += await _exchange(on, draw, given.churn)
            await asyncio.sleep(max(0.0, began + at + 1.0 - time.monotonic()))
        if measurement is not None:
            parts.append(await measurement.end())
    return parts, count


async def _exchange(on: Stage, draw: random.Random, churn: int) -> int:
    leaving = draw.sample(on.audience[on.options.verify :], min(churn, max(0, len(on.audience) - on.options.verify)))
    async with asyncio.TaskGroup() as group:
        for joined in leaving:
            group.create_task(on.leave(joined))
        came = [group.create_task(on.join_one()) for _ in leaving]
    return sum(one.result() is not None for one in came)


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)


def main(words: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.soak", description=(__doc__ or "").splitlines()[0])
    arguments(parser, viewers=300, seconds=0.0)
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--churn", type=int, default=2, help="viewers that are exchanged each second")
    given = parser.parse_args(words)
    about = machine()
    figures = asyncio.run(soak(given))
    warn_if_void(figures)
    rows: list[tuple[str, object]] = [
        ("joined meanwhile", figures["joined"]),
        ("did not get in", figures["failed_to_join"]),
        ("lost after recovery", figures["lost"]),
        ("dropped by the relay", figures["dropped_by_relay"] or "nothing"),
    ]
    for name, share in figures["growth"].items():
        said = "-" if share is None else f"{share:+.2%} (at most {WORST:.0%})"
        rows.append((f"memory of {name}: {figures['memory'][-1][name]:.1f} MB, growth", said))
    grid(f"{given.minutes:g} minutes", rows)
    console.print(str(keep(given.name or "soak", "an audience that comes and goes", figures, about)))


if __name__ == "__main__":
    main()
