"""A flood of strangers' datagrams while a lecture plays: do those who watch notice, and does anything grow?

    python -m benchmarks.flood [--viewers 400] [--rate-of-flood 50000] [--segments 6]

One run in segments that take turns: without the flood, with it. The flood is spoofed STUN, DTLS and RTP from many ports
(benchmarks/flooder.py), on loopback. What the relay turned away is its own count; where the kernel had to drop some
before the relay read them the counts differ. The relay's memory is looked at around each segment.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from typing import Any

from benchmarks.viewers.measuring import of_histogram
from benchmarks.viewers.processes import machine, unshared
from benchmarks.viewers.report import console, keep, lay_out, warn_if_void
from benchmarks.viewers.scenario import arguments, fill, options_of, wait
from benchmarks.viewers.stage import Stage, stage

SETTLE = 1.0  # seconds after the flood begins or ends
TURNED_AWAY = ("unreadable", "unknown-source", "unknown-check", "too-many")


async def flooded_run(given: argparse.Namespace) -> dict[str, Any]:
    delays: dict[bool, Any] = {False: 0, True: 0}
    segments = []
    async with stage(options_of(given)) as on:
        await fill(on, given.viewers)
        await on.publish()
        for number in range(given.segments):
            flooded = number % 2 == 1
            figures, histograms = await _segment(on, given, flooded, f"segment {number + 1}")
            delays[flooded] = delays[flooded] + histograms
            segments.append(figures)
            warn_if_void(figures)
    p99 = {
        name: {medium: of_histogram(delays[flooded][0, kind]) for kind, medium in enumerate(("audio", "video"))}
        for flooded, name in ((False, "without"), (True, "with"))
    }
    lost = {name: sum(one["received"]["lost"] for one in segments if one["flood"] is flooded)
            for flooded, name in ((False, "without"), (True, "with"))}  # fmt: skip
    return {"delays": p99, "lost": lost, "runs": segments}


async def _segment(on: Stage, given: argparse.Namespace, flooded: bool, what: str) -> tuple[dict[str, Any], Any]:
    assert on.service is not None
    relay = on.processes()["relay"]
    before, dropped = unshared(relay), await on.dropped()
    flooder = await _flooder(on.service.service.udp_port, given) if flooded else None
    await asyncio.sleep(SETTLE)
    measurement = on.measurement()
    await measurement.begin()
    await wait(given.seconds, f"{what}, {given.rate_of_flood:,.0f} strangers/s" if flooded else what)
    figures = await measurement.end()
    sent = 0
    if flooder is not None:
        told, _ = await asyncio.wait_for(flooder.communicate(), given.seconds + 30)
        sent = int(told)
    await asyncio.sleep(SETTLE)
    after = await on.dropped()
    away = {reason: round(after.get(reason, 0) - dropped.get(reason, 0)) for reason in TURNED_AWAY}
    grown = unshared(relay) - before
    return {"flood": flooded, "strangers_sent": sent, "turned_away": away, "grown_kb": grown // 1024, **figures}, (
        measurement.delays
    )


async def _flooder(port: int, given: argparse.Namespace) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "benchmarks.flooder", str(port),
        "--rate", str(given.rate_of_flood), "--seconds", str(given.seconds + 2 * SETTLE),
        stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip


def main(words: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.flood", description=(__doc__ or "").splitlines()[0])
    arguments(parser, viewers=400, seconds=6.0)
    parser.add_argument("--rate-of-flood", type=float, default=50_000.0, help="datagrams a second")
    parser.add_argument("--segments", type=int, default=6)
    given = parser.parse_args(words)
    if given.veth:
        parser.error("the flood stays on loopback")
    about = machine()
    figures = asyncio.run(flooded_run(given))
    heads = ("flood", "sent", "turned away", "lost", "recovered", "relay's core", "µs per packet", "grown KB")
    rows = [
        (
            "yes" if one["flood"] else "no",
            one["strangers_sent"],
            sum(one["turned_away"].values()),
            one["received"]["lost"],
            one["received"]["recovered"],
            one["cpu"]["relay"]["core"],
            one["cpu"]["relay"]["microseconds_per_packet"],
            one["grown_kb"],
        )
        for one in figures["runs"]
    ]
    lay_out("segments", heads, rows)
    rows_of_delays = [
        (medium, *(figures["delays"][name][medium].get("p99") for name in ("without", "with")))
        for medium in ("audio", "video")
    ]
    lay_out("delay of all viewers, p99, ms", ("", "without the flood", "with"), rows_of_delays)
    console.print(str(keep(given.name or "flood", "a flood of strangers while a lecture plays", figures, about)))


if __name__ == "__main__":
    main()
