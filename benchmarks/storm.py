"""Everybody opens their link within seconds, while others watch already: how soon do all see, and does anybody notice?

    python -m benchmarks.storm [--viewers 1120] [--seconds 10] [--burst]

Each member opens the page with an empty cache (benchmarks/phone.py), exchanges the ticket, then opens the socket and
posts a page's slim offer at the same time, as our pages do; a 503 is honoured with its Retry-After. Those who watch
already (`--watching`) are measured by the kernel's times of arrival: their longest gap, and what they lost. First media
is the moment when both sound and picture (from a key frame on) have come, counted from the 201.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import resource
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from benchmarks.phone import Phone, Unserved
from benchmarks.viewers.channel import Channel, channel_url
from benchmarks.viewers.counting import FIRST_AT, SSRC
from benchmarks.viewers.joining import NotJoined
from benchmarks.viewers.measuring import spread_of
from benchmarks.viewers.processes import Usage, machine, usage
from benchmarks.viewers.report import console, grid, keep, progress, warn_if_void
from benchmarks.viewers.scenario import arguments, fill, options_of
from benchmarks.viewers.stage import Stage, stage
from benchmarks.viewers.viewer import Viewer

ALL_WITHIN, MEDIA_P95, GAP = 15.0, 1.0, 0.1  # seconds that must be reached
CONNECT_WITHIN = 20.0
MEDIA_WITHIN = 20.0
QUIET = 3.0  # seconds in which the service's own CPU is read before, and the packets' after
SWITCH = 0.0003  # seconds that one thread waits for the other; every datagram sent is such a wait
STEPS = ("page", "files", "ticket", "socket", "offer", "handshake", "media after the 201", "picture after it", "all")


@dataclass
class Member:
    """`steps` in seconds; `seen` is when the last of it was there, in seconds from the storm's begin."""

    steps: dict[str, float] = field(default_factory=dict)
    seen: float | None = None
    socket: float | None = None
    connected: float | None = None
    turned_away: int = 0
    bytes: int = 0
    fault: str = ""


class Storm:
    """The members of one storm; `run` returns when all are in or have failed."""

    def __init__(self, on: Stage, tickets: Sequence[str], seconds: float) -> None:
        assert on.service is not None
        self._on = on
        self._url = on.service.service.url
        self._tickets = tickets
        self._seconds = seconds
        self._phones: list[Phone] = []
        self._channels: list[asyncio.Task[None]] = []
        self.members = [Member() for _ in tickets]

    async def run(self) -> None:
        self._began, self._clock = time.monotonic(), time.time_ns()
        with progress() as bar:
            task = bar.add_task("members come in", total=len(self.members))

            async def one(number: int) -> None:
                await asyncio.sleep(self._seconds * number / len(self.members))
                await self._come(self.members[number], self._tickets[number])
                bar.advance(task)

            async with asyncio.TaskGroup() as tasks:
                for number in range(len(self.members)):
                    tasks.create_task(one(number))

    async def close(self) -> None:
        for phone in self._phones:
            phone.close()
        for channel in self._channels:
            channel.cancel()
        await asyncio.gather(*self._channels, return_exceptions=True)

    async def _come(self, member: Member, ticket: str) -> None:
        phone, began = Phone(self._url), time.monotonic()
        self._phones.append(phone)
        try:
            await phone.open(ticket)
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._socket(member, ticket))
                tasks.create_task(self._watch(member, ticket))
        except* (OSError, TimeoutError, Unserved, NotJoined) as errors:
            member.fault = repr(errors.exceptions[0])
        member.steps |= phone.visit.steps
        member.turned_away += phone.visit.turned_away
        member.bytes = phone.visit.bytes
        if not member.fault:
            member.seen = time.monotonic() - self._began
            member.steps["all"] = time.monotonic() - began

    async def _socket(self, member: Member, ticket: str) -> None:
        began = time.monotonic()
        channel = Channel(channel_url(self._url), ticket, lambda: member.seen is not None)
        self._channels.append(asyncio.create_task(channel.run()))
        async with asyncio.timeout(CONNECT_WITHIN):
            while channel.opened_at is None:  # noqa: ASYNC110 - it is a dated fact, not an event
                await asyncio.sleep(0.02)
        member.socket = channel.opened_at - self._began
        member.steps["socket"] = channel.opened_at - began

    async def _watch(self, member: Member, ticket: str) -> None:
        joined = await self._on.door.join(ticket, within=CONNECT_WITHIN)
        self._on.audience.append(joined)
        member.turned_away += joined.tries - 1
        member.connected = (joined.connected - self._clock) / 1e9
        member.steps["offer"] = (joined.answered - joined.asked) / 1e9
        member.steps["handshake"] = (joined.connected - joined.answered) / 1e9
        async with asyncio.timeout(MEDIA_WITHIN):
            while len(times := first_media(self._on, joined.viewer)) < 2:  # noqa: ASYNC110 - another thread counts
                await asyncio.sleep(0.02)
        member.steps["media after the 201"] = (times[0] - joined.answered) / 1e9
        member.steps["picture after it"] = (times[1] - joined.answered) / 1e9


def first_media(on: Stage, viewer: Viewer) -> list[int]:
    """ns of CLOCK_REALTIME at which sound and picture began, the first of them first (sound: a picture begins at the
    next key frame)."""
    rows = on.crowd.counts.lines[viewer.place]
    return sorted(int(at) for at in rows[rows[:, SSRC] >= 0][:, FIRST_AT])


async def storm(given: argparse.Namespace) -> dict[str, Any]:
    async with stage(options_of(given, capacity=given.watching + given.viewers)) as on:
        assert on.service is not None
        await fill(on, given.watching)
        await on.publish()
        quiet, dropped = await _cpu(on, QUIET), await on.dropped()
        run = Storm(on, on.service.tickets[given.watching :], 0.0 if given.burst else given.seconds)
        measurement = on.measurement()
        await measurement.begin()
        before, began, own = _usage(on), time.monotonic(), time.process_time()
        await run.run()
        seconds = time.monotonic() - began
        own = time.process_time() - own
        spent = {name: after - before[name] for name, after in _usage(on).items()}
        watchers = await measurement.end()
        dropped = {reason: count - dropped.get(reason, 0) for reason, count in (await on.dropped()).items()}
        after = on.measurement()
        await after.begin()
        await asyncio.sleep(QUIET)
        steady = await after.end()
        await run.close()
        asked = watchers["generator"]["key_frames_asked"]
    return {
        "viewers": given.viewers,
        "watching": given.watching,
        "burst": given.burst,
        "seconds_of_arrival": given.seconds if not given.burst else 0.0,
        **_members(run.members),
        "cpu_ms_a_join": _cpu_a_join(spent, quiet, seconds, watchers, steady, given.viewers),
        "core": {name: round(used.total / seconds, 3) for name, used in spent.items()}
        | {"this": round(own / seconds, 3)},
        "key_frames_asked": asked,
        "dropped_by_relay": {reason: count for reason, count in dropped.items() if count},
        "watchers": watchers,
        "afterwards": steady,
        "void": watchers["void"],
    }


def _usage(on: Stage) -> dict[str, Usage]:
    return {name: usage(pids) for name, pids in on.processes().items()}


async def _cpu(on: Stage, seconds: float) -> dict[str, float]:
    """Core of each process."""
    before = _usage(on)
    await asyncio.sleep(seconds)
    return {name: (used - before[name]).total / seconds for name, used in _usage(on).items()}


def _cpu_a_join(
    spent: dict[str, Usage],
    quiet: dict[str, float],
    seconds: float,
    during: dict[str, Any],
    steady: dict[str, Any],
    members: int,
) -> dict[str, float]:
    """The web process beyond what it needs while nobody comes; the relay beyond the packets that it sent meanwhile, at
    what a packet costs it when all are in."""
    web = spent["web"].total - quiet["web"] * seconds
    packets = during["packets_delivered"] * steady["cpu"]["relay"]["microseconds_per_packet"] / 1e6
    return {
        "web": round(1e3 * web / members, 2),
        "relay": round(1e3 * (spent["relay"].total - packets) / members, 2),
    }


def _members(members: Sequence[Member]) -> dict[str, Any]:
    came = [one for one in members if not one.fault]
    faults = [one.fault for one in members if one.fault]
    counted = {
        "sockets": sorted(one.socket for one in members if one.socket is not None),
        "connected": sorted(one.connected for one in members if one.connected is not None),
        "playing": sorted(one.seen for one in came if one.seen is not None),
    }
    last = max((times[-1] for times in counted.values() if times), default=0.0)
    return {
        "in": len(came),
        "failed": len(faults),
        "first_faults": faults[:3],
        "all_in_seconds": round(last, 2),
        "turned_away": sum(one.turned_away for one in members),
        "kilobytes_a_member": round(sum(one.bytes for one in members) / len(members) / 1e3, 1),
        "steps_ms": {
            step: spread_of(1e3 * np.array([one.steps[step] for one in members if step in one.steps])) for step in STEPS
        },
        "each_second": {
            name: [int(np.searchsorted(times, second, "right")) for second in range(1, int(last) + 2)]
            for name, times in counted.items()
        },
    }


def show(figures: dict[str, Any]) -> None:
    gap = max(found["max"] for found in figures["watchers"]["longest_gap_ms"].values() if found)
    media = figures["steps_ms"]["media after the 201"].get("p95", float("inf"))
    all_in = figures["all_in_seconds"] if not figures["failed"] else float("inf")
    cost, core = figures["cpu_ms_a_join"], figures["core"]
    rows: list[tuple[str, object]] = [
        ("members in (failed)", f"{figures['in']} ({figures['failed']})"),
        (f"all in, s (≤ {ALL_WITHIN:g})", _judged(all_in, ALL_WITHIN)),
        (f"first media after the 201, p95, s (≤ {MEDIA_P95:g})", _judged(media / 1e3, MEDIA_P95)),
        (f"longest gap of those who watched, ms (≤ {1e3 * GAP:g})", _judged(gap, 1e3 * GAP)),
        ("lost by those who watched", figures["watchers"]["received"]["lost"]),
        *((f"{step}: p50, p95, max, ms", _spread(found)) for step, found in figures["steps_ms"].items()),
        ("playing after each second", ", ".join(str(count) for count in figures["each_second"]["playing"])),
        ("turned away (503), and came again", figures["turned_away"]),
        ("kB of page and files a member", figures["kilobytes_a_member"]),
        ("CPU a join, ms: web, relay without its packets", f"{cost['web']}, {cost['relay']}"),
        ("core: web, relay, this program", f"{core['web']:.0%}, {core['relay']:.0%}, {core['this']:.0%}"),
        ("dropped by the relay", figures["dropped_by_relay"] or "nothing"),
        ("requests for a key frame that reached the publisher", figures["key_frames_asked"]),
        ("this program's slowest visit, ms", figures["watchers"]["generator"]["slowest_visit_ms"]),
    ]
    grid(f"{figures['viewers']} members in {figures['seconds_of_arrival']:g} s, {figures['watching']} watch", rows)
    for fault in figures["first_faults"]:
        console.print(f"[red]failed[/]: {fault}")
    warn_if_void(figures["watchers"])


def _spread(found: dict[str, float]) -> str:
    return f"{found['p50']:.0f}, {found['p95']:.0f}, {found['max']:.0f}" if found else "-"


def _judged(figure: float, limit: float) -> str:
    return f"{figure:.2f} {'[green]reached[/]' if figure <= limit else '[red]not reached[/]'}"


def main(words: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.storm", description=(__doc__ or "").splitlines()[0])
    arguments(parser, viewers=1_120, seconds=10.0)
    parser.add_argument("--watching", type=int, default=50, help="viewers who are there before")
    parser.add_argument("--burst", action="store_true", help="all at once instead of spread over --seconds")
    given = parser.parse_args(words)
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))  # the service inherits it
    # Neither the collector nor the pages' thread may hold up the viewers' thread: the service would be blamed for it.
    gc.disable()
    sys.setswitchinterval(SWITCH)
    about = machine()
    figures = asyncio.run(storm(given))
    show(figures)
    name = given.name or ("storm-burst" if given.burst else "storm")
    console.print(str(keep(name, "everybody opens their link within seconds", {"runs": [figures]}, about)))


if __name__ == "__main__":
    main()
