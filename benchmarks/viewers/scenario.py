"""What scenario commands share: their arguments, joining and measuring behind a progress bar."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Sequence
from typing import Any

from benchmarks.viewers.processes import unshared
from benchmarks.viewers.report import console, progress
from benchmarks.viewers.stage import Options, Stage, stage

PATHS = ["compiled", "reference", "auto"]
LEAVING = 32  # at once


def arguments(parser: argparse.ArgumentParser, viewers: int, seconds: float, paths: Sequence[str] = PATHS) -> None:
    """What all scenarios understand."""
    parser.add_argument("--viewers", type=int, default=viewers)
    parser.add_argument("--seconds", type=float, default=seconds, help="of the measured part")
    parser.add_argument("--rate", type=float, default=100.0, help="joins a second")
    parser.add_argument("--verify", type=int, default=8, help="viewers that decrypt every packet (at least 1)")
    parser.add_argument("--path", choices=paths, default="compiled", help="the packet path")
    parser.add_argument("--profile", default="SRTP_AEAD_AES_128_GCM", help="the SRTP profile")
    parser.add_argument("--codec", choices=["vp8", "h264"], default="vp8")
    parser.add_argument("--slots", type=int, default=4, help="pairs of lines in an offer")
    parser.add_argument("--full-offer", action="store_true", help="offer what a browser offers by itself")
    parser.add_argument("--channel", action="store_true", help="each viewer is in the room, with heartbeats")
    parser.add_argument("--veth", action="store_true", help="server in a network namespace of its own (needs root)")
    parser.add_argument("--name", help="of the JSON in benchmarks/results")


def options_of(given: argparse.Namespace, **changes: Any) -> Options:
    found: dict[str, Any] = {
        "viewers": given.viewers,
        "verify": max(1, given.verify),
        "rate": given.rate,
        "path": given.path,
        "profile": given.profile,
        "codec": given.codec,
        "slots": given.slots,
        "full": given.full_offer,
        "veth": given.veth,
        "channel": given.channel,
    }
    return Options(**{**found, **changes})


async def fill(on: Stage, count: int) -> None:
    """Join `count` more viewers behind a progress bar; says what failed."""
    with progress() as bar:
        task = bar.add_task("viewers join", total=len(on.audience) + count)
        await on.join(count, lambda joined: bar.update(task, completed=joined))
    if on.failures:
        console.print(f"[red]{len(on.failures)} viewers did not get in[/]: {on.failures[0]}")


async def shrink(on: Stage, count: int) -> None:
    """Let the viewers that came last leave until `count` are there."""
    while len(on.audience) > count:
        leaving = on.audience[count:][-LEAVING:]
        async with asyncio.TaskGroup() as group:
            for joined in leaving:
                group.create_task(on.leave(joined))


async def wait(seconds: float, what: str) -> None:
    with progress() as bar:
        task = bar.add_task(what, total=round(seconds))
        for second in range(round(seconds)):
            await asyncio.sleep(min(1.0, seconds - second))
            bar.update(task, completed=second + 1)


async def measure(on: Stage, seconds: float, what: str = "measuring") -> dict[str, Any]:
    """The figures of the next `seconds`."""
    before = await on.dropped()
    measurement = on.measurement()
    await measurement.begin()
    await wait(seconds, what)
    figures = await measurement.end()
    after = await on.dropped()
    dropped = {reason: after[reason] - before.get(reason, 0) for reason in after}
    figures["dropped_by_relay"] = {reason: count for reason, count in dropped.items() if count}
    figures["failed_to_join"] = len(on.failures)
    figures["joined_at_a_later_attempt"] = on.tried_again
    if on.rooms is not None:
        figures["room"] = on.rooms.figures()
    return figures


async def run(options: Options, seconds: float) -> dict[str, Any]:
    async with stage(options) as on:
        empty = {name: unshared(pids) for name, pids in on.processes().items()}
        await fill(on, options.viewers)
        await on.publish()
        figures = await measure(on, seconds)
        figures["kib_per_viewer"] = {
            name: round((1e6 * figures["memory_mb"][name] - size) / 1024 / max(1, figures["viewers"]), 1)
            for name, size in empty.items()
        }
        if on.service is not None:
            figures["seconds_to_start"] = round(on.service.starting, 2)
        return figures
