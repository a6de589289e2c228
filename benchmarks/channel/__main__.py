"""The room's channel with an evening's members: chat, members who stop reading, everybody cut off and back.

    python -m benchmarks.channel [--members 1120] [--seconds 60] [--lines 20]

The members are the `websockets` library in processes of their own, beside the real `classroom serve`. Delays run from
a line's sending to its arrival at each member, the room's batch interval (100 ms) included; what the service costs is
its web process's CPU time while they talk.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.channel.group import EDGES
from benchmarks.viewers.channel import channel_url
from benchmarks.viewers.processes import machine, unshared, usage
from benchmarks.viewers.report import console, grid, keep
from benchmarks.viewers.service import Running, running

BATCH = 100.0  # ms
REST = 3.0
JOIN_WITHIN, BACK_WITHIN = 60.0, 30.0
LARGEST = 1 << 26


class Process:
    """A group of members (benchmarks/channel/group.py)."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def ask(self, **order: Any) -> dict[str, Any]:
        if self._process.stdin is None or self._process.stdout is None:
            raise RuntimeError("a process without pipes")
        self._process.stdin.write(json.dumps(order).encode() + b"\n")
        await self._process.stdin.drain()
        line = await self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"a group of members ended with {await self._process.wait()}")
        found: dict[str, Any] = json.loads(line)
        return found


@contextlib.asynccontextmanager
async def groups(url: str, count: int) -> AsyncIterator[list[Process]]:
    started = [
        await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "benchmarks.channel.group", url),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            limit=LARGEST,
        )
        for _ in range(count)
    ]
    try:
        yield [Process(one) for one in started]
    finally:
        for one in started:
            if one.returncode is None:
                one.kill()
            await one.wait()


async def together(members: Sequence[Process], **order: Any) -> list[dict[str, Any]]:
    return list(await asyncio.gather(*(one.ask(**order) for one in members)))


async def talked(
    on: Running, members: Sequence[Process], given: argparse.Namespace, first: int
) -> dict[str, Any]:  # fmt: skip
    """A measured part of conversation; `first` numbers its lines."""
    web = on.processes()["web"]
    before, began = usage(web), time.monotonic()
    share = given.lines / len(members)
    answers = await asyncio.gather(
        *(
            one.ask(do="talk", seconds=given.seconds, rate=share, rest=REST, first=first + place * 1_000_000)
            for place, one in enumerate(members)
        )
    )
    cpu, lasted = (usage(web) - before).total, time.monotonic() - began
    said = [line for answer in answers for line in answer["said"]]
    reports = await together(members, do="report")
    heard = sum((Counter(report["heard"]) for report in reports), Counter[str]())
    counts = np.sum([report["delays_ms"] for report in reports], axis=0)
    complete = sorted(reports[0]["lines"]) == sorted(said)
    return {
        "lines": len(said),
        "deliveries": int(counts.sum()),
        "delay_ms": {"p50": quantile(counts, 0.5), "p99": quantile(counts, 0.99), "max": slowest(reports)},
        "members_that_heard_the_same_in_the_same_order": max(heard.values()),
        "of": sum(heard.values()),
        "all_lines_heard": complete and len(heard) == 1,
        "numbers_missing_or_repeated": sum(report["broken"] for report in reports),
        "web_core": round(cpu / lasted, 3),
    }


def quantile(counts: npt.NDArray[Any], share: float) -> float:
    """The upper edge (ms) of the class within which `share` of all lies."""
    total = counts.sum()
    if not total:
        return 0.0
    return float(EDGES[1 + int(np.searchsorted(np.cumsum(counts), share * total))])


def slowest(reports: Sequence[dict[str, Any]]) -> float:
    return round(max(float(report["slowest_ms"]) for report in reports), 1)


async def evening(given: argparse.Namespace) -> dict[str, Any]:
    about = machine()
    async with running(given.members + given.deaf) as on:
        url = channel_url(on.service.url)
        tickets = on.tickets
        async with groups(url, given.processes) as members, groups(url, 1) as deaf:
            joined = await asyncio.gather(
                *(
                    one.ask(
                        do="join",
                        tickets=tickets[place : given.members : given.processes],
                        rate=given.rate / given.processes,
                        within=JOIN_WITHIN,
                    )
                    for place, one in enumerate(members)
                )
            )
            await together(members, do="report")
            alone = await talked(on, members, given, 0)
            memory = unshared(on.processes()["web"])
            await together(deaf, do="join", tickets=tickets[given.members :], rate=given.rate, within=JOIN_WITHIN)
            await together(deaf, do="deafen")
            beside = await talked(on, members, given, 100_000_000)
            grown = unshared(on.processes()["web"]) - memory
            began = time.monotonic()
            back = await together(members, do="cut", within=BACK_WITHIN)
            returned = sorted(seconds for answer in back for seconds in answer["seconds"])
            after = await together(members, do="report")
            console.print(f"everybody cut off and back: {time.monotonic() - began:.1f} s", style="dim")
    return {
        "machine": about,
        "members": given.members,
        "joined": sum(answer["here"] for answer in joined),
        "alone": alone,
        "deaf": given.deaf,
        "beside_the_deaf": beside,
        "memory_grown_by_the_deaf_mb": round(grown / 1e6, 1),
        "cut_off": {
            "back": len(returned),
            "seconds": {"p50": at(returned, 0.5), "p99": at(returned, 0.99), "max": at(returned, 1.0)},
            "resumed": sum(report["resumed"] for report in after),
            "snapshots": sum(report["snapshots"] for report in after),
            "numbers_missing_or_repeated": sum(report["broken"] for report in after),
        },
    }


def at(ordered: Sequence[float], share: float) -> float | None:
    return round(ordered[min(len(ordered) - 1, int(share * len(ordered)))], 2) if ordered else None


def rows(found: dict[str, Any]) -> list[tuple[str, object]]:
    made: list[tuple[str, object]] = [("members in", f"{found['joined']} of {found['members']}")]
    for name, part in (("", found["alone"]), (f" beside {found['deaf']} that do not read", found["beside_the_deaf"])):
        delay = part["delay_ms"]
        made += [
            (f"lines, deliveries{name}", f"{part['lines']}, {part['deliveries']:,}"),
            (f"delay{name}: p50, p99, max", f"{delay['p50']:.0f}, {delay['p99']:.0f}, {delay['max']:.0f} ms"),
            (f"… p99 beyond the batch interval{name}", f"{delay['p99'] - BATCH:.0f} ms"),
            (
                f"heard the same in the same order, all lines{name}",
                f"{part['members_that_heard_the_same_in_the_same_order']} of {part['of']}, {part['all_lines_heard']}",
            ),
            (f"numbers missing or repeated{name}", part["numbers_missing_or_repeated"]),
            (f"web process{name}", f"{part['web_core']:.0%} of a core"),
        ]
    cut = found["cut_off"]
    made += [
        ("memory that those who do not read cost", f"{found['memory_grown_by_the_deaf_mb']} MB"),
        ("cut off at once: back", f"{cut['back']}"),
        ("… after p50, p99, max", ", ".join(f"{cut['seconds'][name]} s" for name in ("p50", "p99", "max"))),
        ("… resumed, with a snapshot", f"{cut['resumed']}, {cut['snapshots']}"),
        ("… numbers missing or repeated", cut["numbers_missing_or_repeated"]),
    ]
    return made


def main(words: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--members", type=int, default=1120)
    parser.add_argument("--deaf", type=int, default=100, help="members who join and then read nothing")
    parser.add_argument("--seconds", type=float, default=60.0, help="of each of the two parts")
    parser.add_argument("--lines", type=float, default=20.0, help="of chat a second, of all members together")
    parser.add_argument("--rate", type=float, default=100.0, help="joins a second")
    parser.add_argument("--processes", type=int, default=3)
    given = parser.parse_args(words)
    found = asyncio.run(evening(given))
    grid("The channel", rows(found))
    console.print(keep("channel", "the room's channel with an evening's members", found, found.pop("machine")))


if __name__ == "__main__":
    main()
