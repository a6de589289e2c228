"""The relay is killed while everybody watches: how long until each plays again?

    python -m benchmarks.restart [--viewers 1120]

Every viewer acts as our page does (web/src/media/player.ts, with the constants of watchdog.ts): it posts a new offer
after a random delay once the room says that the relay has restarted, or when nothing has come for as long as its
watchdog waits; a refusal makes it try again later. The time runs from the kill to the first packet of each line that
played before. What the room says is heard by a few real channels (`--channels`) and taken as heard by all.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import signal
import time
from typing import Any

import numpy as np

from benchmarks.viewers.channel import Channel, channel_url
from benchmarks.viewers.counting import FIRST_AT, SSRC
from benchmarks.viewers.joining import Joined, NotJoined
from benchmarks.viewers.measuring import spread_of
from benchmarks.viewers.pages import LOOK_EVERY, patience
from benchmarks.viewers.processes import machine
from benchmarks.viewers.report import console, grid, keep, progress
from benchmarks.viewers.scenario import arguments, fill, options_of
from benchmarks.viewers.stage import Stage, stage
from benchmarks.viewers.table import SESSION
from benchmarks.viewers.viewer import Viewer

GIVE_UP = 40.0  # seconds after the kill
MEDIAN, ALL = 5.0, 15.0
PUBLISHER_BACK = 3.0


class Restarted:
    """When the room said so."""

    def __init__(self) -> None:
        self.event = asyncio.Event()
        self.at: float | None = None

    def heard(self, kind: str) -> None:
        if kind == "relay-restarted" and not self.event.is_set():
            self.at = time.monotonic()
            self.event.set()


def first_media(on: Stage, viewer: Viewer) -> int | None:
    """ns of CLOCK_REALTIME at which both sound and picture had come; None while one is missing."""
    rows = on.crowd.counts.lines[viewer.place]
    times = rows[rows[:, SSRC] >= 0][:, FIRST_AT]
    return int(times.max()) if len(times) >= 2 else None


async def restart(given: argparse.Namespace) -> dict[str, Any]:
    async with stage(options_of(given, capacity=2 * given.viewers)) as on:
        assert on.service is not None
        await fill(on, given.viewers)
        await on.publish()
        restarted = Restarted()
        url = channel_url(on.service.service.url)
        channels = [
            asyncio.create_task(Channel(url, ticket, lambda: True, restarted.heard).run())
            for ticket in on.service.tickets[: given.channels]
        ]
        await asyncio.sleep(2.0)
        os.kill(on.processes()["relay"][0], signal.SIGKILL)
        killed, clock = time.monotonic(), time.time_ns()
        on.service.changed()
        times = await _come_back(on, restarted, killed, clock)
        for task in channels:
            task.cancel()
        await asyncio.gather(*channels, return_exceptions=True)
    back = [one for one in times if one is not None]
    return {
        "viewers": given.viewers,
        "back": len(back),
        "seconds": spread_of(np.array(back)) if back else {},
        "room_said_after": None if restarted.at is None else round(restarted.at - killed, 3),
        "retries": on.door.retries,
        "each": sorted(round(one, 3) for one in back),
    }


async def _come_back(on: Stage, restarted: Restarted, killed: float, clock: int) -> list[float | None]:
    old = list(on.audience)
    on.audience.clear()
    on.crowd.call(on.crowd.verifier.origins.clear)
    on.crowd.call(on.crowd.verifier.latest.clear)
    with progress() as bar:
        task = bar.add_task("viewers play again", total=len(old))
        times: list[float | None] = []

        async def one(joined: Joined) -> None:
            times.append(await _page(on, joined, restarted, killed, clock, len(old)))
            bar.advance(task)

        async with asyncio.TaskGroup() as group:
            group.create_task(_publisher(on, restarted))
            for joined in old:
                group.create_task(one(joined))
    return times


async def _page(
    on: Stage, joined: Joined, restarted: Restarted, killed: float, clock: int, members: int
) -> float | None:
    """One page from the kill until it plays; seconds, or None where it gave up."""
    rules, deadline = patience(), killed + GIVE_UP
    stalled = killed + rules.stalled + LOOK_EVERY * random.random()
    try:
        async with asyncio.timeout(max(0.0, stalled - time.monotonic())):
            await restarted.event.wait()
    except TimeoutError:
        pass
    await asyncio.sleep(rules.retry(0, members, random.random()))
    tries = 0
    while time.monotonic() < deadline:
        await on.door.forget(joined)
        try:
            joined = await on.door.join(joined.ticket, decrypts=joined.viewer.decrypts, within=6.0, tries=1)
        except NotJoined as error:
            tries += 1
            drawn = random.random()
            pause = rules.restart(members, drawn) if error.later else rules.retry(tries, members, drawn)
            await asyncio.sleep(pause)
            continue
        on.audience.append(joined)
        while time.monotonic() < deadline:
            at = first_media(on, joined.viewer)
            if at is not None:
                return (at - clock) / 1e9
            await asyncio.sleep(0.05)
    return None


async def _publisher(on: Stage, restarted: Restarted) -> None:
    """The lecturer's page posts again as soon as the room says so."""
    try:
        async with asyncio.timeout(PUBLISHER_BACK):
            await restarted.event.wait()
    except TimeoutError:
        pass
    on.table.head[SESSION] += 1


def main(words: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.restart", description=(__doc__ or "").splitlines()[0])
    arguments(parser, viewers=1_120, seconds=0.0)
    parser.add_argument("--channels", type=int, default=5, help="viewers with a real room channel")
    given = parser.parse_args(words)
    about = machine()
    figures = asyncio.run(restart(given))
    seconds = figures["seconds"]
    rows: list[tuple[str, object]] = [
        ("viewers, playing again", f"{figures['viewers']}, {figures['back']}"),
        ("the room said so after, s", figures["room_said_after"]),
        (f"median (at most {MEDIAN:g} s)", f"{seconds.get('p50')} s"),
        ("95 of 100", f"{seconds.get('p95')} s"),
        (f"last (at most {ALL:g} s)", f"{seconds.get('max')} s"),
    ]
    grid("the relay was killed", rows)
    console.print(str(keep(given.name or f"restart-{given.viewers}", "the relay is killed", figures, about)))


if __name__ == "__main__":
    main()
