"""One turn: an audience by benchmarks/viewers at one relay, measured once it is complete and settled."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from typing import Any

from benchmarks.peers.comparison import Turn
from benchmarks.peers.network import Network
from benchmarks.peers.subject import Subject
from benchmarks.viewers.counting import DECRYPTS, ORIGIN
from benchmarks.viewers.crowd import Crowd
from benchmarks.viewers.joining import Door, NotJoined
from benchmarks.viewers.processes import Usage, usage
from benchmarks.viewers.stage import Options, Other, Stage, stage
from benchmarks.viewers.viewer import Viewer

PROFILE = "SRTP_AEAD_AES_128_GCM"
SETTLE_SECONDS = 5.0
FIRST_MEDIA_SECONDS = 15.0
LINES_WATCHED = 2
JOINING_AT_ONCE = 16
JOINING_SECONDS = 120.0
VERIFIED_EVERY = 100  # of so many viewers one decrypts and checks every packet all the time


class NoAudience(Exception):
    """The relay did not take all viewers, or no publisher; the text says why."""


async def turn(subject: Subject, network: Network, viewers: int, seconds: float) -> tuple[Turn, dict[str, Any]]:
    """The turn, and all figures of the load generator. Raises `NoAudience`."""
    other = Other(
        whep=subject.whep,
        ticket=subject.publisher,
        whip=subject.whip,
        rtp_to=(network.address, *subject.rtp) if subject.rtp else None,
        processes={"relay": [subject.relay], "signaling": list(subject.signaling)},
        host=network.viewers,
    )
    options = Options(viewers=viewers, other=other, slots=1, profile=PROFILE)
    async with _stage(options) as made:
        await made.publish(0.0)
        joining = await _join(made.door, made.crowd, subject, viewers)
        await asyncio.sleep(SETTLE_SECONDS)
        measurement = made.measurement()
        await measurement.begin()
        await asyncio.sleep(seconds)
        return _turn(subject, network, viewers, joining, await measurement.end())


@contextlib.asynccontextmanager
async def _stage(options: Options) -> AsyncIterator[Stage]:
    async with contextlib.AsyncExitStack() as stack:
        try:
            made = await stack.enter_async_context(stage(options))
        except RuntimeError as error:
            raise NoAudience(str(error)) from error
        yield made


async def _join(door: Door, crowd: Crowd, subject: Subject, viewers: int) -> tuple[float, Usage]:
    """Everybody joins while the stream flows, some at a time. Returns how long that took and the CPU it cost.

    Each decrypts until sound and picture have come: Janus gives each viewer timestamps of its own, so only what a
    viewer decrypts itself says which packet of the publisher's it got."""
    everything = [subject.relay, *subject.signaling]
    began, before = time.monotonic(), usage(everything)
    gate = asyncio.Semaphore(JOINING_AT_ONCE)

    async def one(number: int) -> None:
        async with gate:
            ticket = subject.tickets[number] if subject.tickets else ""
            viewer = (await door.join(ticket, decrypts=True)).viewer
            await _plays(crowd, viewer)
        if number % VERIFIED_EVERY:
            await door.run(_trust, crowd, viewer)

    try:
        async with asyncio.timeout(JOINING_SECONDS), asyncio.TaskGroup() as tasks:
            for number in range(viewers):
                tasks.create_task(one(number))
    except* (NoAudience, NotJoined, TimeoutError) as group:
        raise NoAudience(f"{subject.name} did not take {viewers} viewers: {group.exceptions[0]!r}") from None
    return time.monotonic() - began, usage(everything) - before


async def _plays(crowd: Crowd, viewer: Viewer) -> None:
    """Until it is known of both lines which packets they bring. Raises `NoAudience`."""
    deadline = time.monotonic() + FIRST_MEDIA_SECONDS
    while (crowd.counts.lines[viewer.place, :, ORIGIN] >= 0).sum() < LINES_WATCHED:
        if time.monotonic() > deadline:
            raise NoAudience(f"no media within {FIRST_MEDIA_SECONDS:g} s")
        await asyncio.sleep(0.01)


def _trust(crowd: Crowd, viewer: Viewer) -> None:
    """It decrypts no more; its numbers are still checked."""
    viewer.decrypts = False
    crowd.counts.viewers[viewer.place, DECRYPTS] = 0


def _turn(
    subject: Subject, network: Network, viewers: int, joining: tuple[float, Usage], found: Any
) -> tuple[Turn, Any]:
    cost = found["cpu"]
    return (
        Turn(
            relay=subject.name,
            route=network.route,
            viewers=viewers,
            seconds=found["seconds"],
            sent=sum(found["sent"].values()),
            delivered=found["packets_delivered"],
            lost=found["received"]["lost"],
            worst_viewer=found["received"]["share_least"],
            cpu=cost["relay"]["core"] * found["seconds"],
            cpu_in_kernel=1e-6 * cost["relay"]["of_these_in_the_kernel"] * found["packets_delivered"],
            signaling_cpu=cost["signaling"]["core"] * found["seconds"],
            joining_seconds=joining[0],
            joining_cpu=joining[1].total,
            resident_bytes=round(1e6 * found["memory_mb"]["relay"]),
            void="the viewers' own sockets overflowed" if found["void"] else "",
        ),
        found,
    )
