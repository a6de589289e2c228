"""What every scenario stands on: the service (or another server), the publisher, the crowd, and the way in."""

from __future__ import annotations

import asyncio
import contextlib
import os
import resource
import sys
import tempfile
import time
from collections import deque
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from benchmarks.viewers import table as t
from benchmarks.viewers.channel import Channel, Rooms, channel_url
from benchmarks.viewers.counting import LAST_AT
from benchmarks.viewers.crowd import Crowd
from benchmarks.viewers.description import SLOTS
from benchmarks.viewers.joining import Door, Joined, NotJoined
from benchmarks.viewers.measuring import Measurement
from benchmarks.viewers.media import Stream
from benchmarks.viewers.outlet import PublisherSettings
from benchmarks.viewers.processes import carry_nice
from benchmarks.viewers.service import Running, running
from benchmarks.viewers.table import Table

SHARED = "/dev/shm" if os.path.isdir("/dev/shm") else None
CONNECT_WITHIN = 20.0
WARM_UP = 3.0
ATTEMPTS = 3
PLAYING_NS = 2_000_000_000


@dataclass(frozen=True)
class Other:
    """A server that is not ours: where to watch, how to feed it, and which processes' CPU counts."""

    whep: str
    ticket: str = ""
    whip: str = ""
    whip_ticket: str = ""
    """The publisher's; `ticket` where it is empty."""
    rtp_to: tuple[str, int, int] | None = None
    processes: dict[str, list[int]] = field(default_factory=dict)
    host: str = "127.0.0.1"


@dataclass(frozen=True)
class Options:
    viewers: int = 100
    verify: int = 8
    rate: float = 100.0
    """Joins a second."""
    path: str = "compiled"
    profile: str = "SRTP_AEAD_AES_128_GCM"
    codec: str = "vp8"
    slots: int = SLOTS
    full: bool = False
    """Offer what a browser offers by itself."""
    loss: float = 0.0
    """Share of packets that viewers of `lossy` throw away."""
    lossy: float = 0.0
    """Share of the viewers with loss: they are group 1."""
    veth: bool = False
    seed: int = 1
    capacity: int = 0
    """Places for viewers; 0: `viewers`."""
    channel: bool = False
    """Each viewer is in the room too."""
    other: Other | None = None


class Stage:
    """A started server, a publisher that waits for `publish`, and nobody in the audience."""

    def __init__(
        self, options: Options, service: Running | None, crowd: Crowd, door: Door, table: Table,
        publisher: asyncio.subprocess.Process | None,
    ) -> None:  # fmt: skip
        self.options = options
        self.service = service
        self.crowd = crowd
        self.door = door
        self.table = table
        self.publisher = publisher
        self.audience: list[Joined] = []
        self.failures: list[str] = []
        self.tried_again = 0
        """Attempts to join that failed and were followed by another, as a page does."""
        self.rooms = Rooms(channel_url(service.service.url)) if service is not None and options.channel else None
        self._channels: dict[Joined, Channel] = {}
        self._free = deque(service.tickets if service is not None else ())  # nobody watches by these, the oldest first
        self._next = 0

    def processes(self) -> dict[str, list[int]]:
        if self.service is not None:
            return self.service.processes()
        return self.options.other.processes if self.options.other is not None else {}

    def measurement(self) -> Measurement:
        return Measurement(self.crowd, self.table, self.processes)

    async def join(self, count: int, told: Callable[[int], None] = lambda joined: None) -> list[Joined]:
        """`count` more viewers, `rate` a second; `told` gets how many are there. Failures are kept in `failures`."""
        before = len(self.audience)
        tasks = []
        async with asyncio.TaskGroup() as group:
            began = asyncio.get_running_loop().time()
            for number in range(count):
                await asyncio.sleep(began + number / self.options.rate - asyncio.get_running_loop().time())
                tasks.append(group.create_task(self.join_one()))
                told(len(self.audience))
        told(len(self.audience))
        return self.audience[before:]

    async def join_one(self) -> Joined | None:
        number = self._next
        self._next += 1
        ticket = self._take_ticket(number)
        verify = number < self.options.verify
        lossy = not verify and self.options.lossy > 0 and number % round(1 / self.options.lossy) == 0
        loss = self.options.loss if lossy else 0.0
        for left in reversed(range(ATTEMPTS)):
            try:
                joined = await self.door.join(ticket, int(lossy), verify, loss, CONNECT_WITHIN)
                break
            except NotJoined as error:
                if not left:
                    self.failures.append(str(error))
                    self._free.append(ticket)
                    return None
                self.tried_again += 1
        self.audience.append(joined)
        if self.rooms is not None:
            self._channels[joined] = self.rooms.open(ticket, lambda: self.plays(joined))
        return joined

    def plays(self, joined: Joined) -> bool:
        """Whether anything came within the last two seconds."""
        last = int(self.crowd.counts.lines[joined.viewer.place, :, LAST_AT].max())
        return time.time_ns() - last < PLAYING_NS

    async def leave(self, joined: Joined) -> None:
        self.audience.remove(joined)
        channel = self._channels.pop(joined, None)
        if channel is not None and self.rooms is not None:
            await self.rooms.leave(channel)
        await self.door.leave(joined)
        self._free.append(joined.ticket)

    def _take_ticket(self, number: int) -> str:
        """The link that was left longest ago: a member may watch on few devices. Where all are in use, one of them."""
        if self.service is None:
            return self.options.other.ticket if self.options.other is not None else ""
        tickets = self.service.tickets
        return self._free.popleft() if self._free else tickets[number % len(tickets)]

    async def publish(self, warm_up: float = WARM_UP) -> None:
        """Media begins; returns `warm_up` seconds later."""
        self.table.head[t.WANTED] = t.SEND
        await asyncio.sleep(warm_up)

    async def dropped(self) -> dict[str, float]:
        return await self.service.dropped() if self.service is not None else {}


@contextlib.asynccontextmanager
async def stage(options: Options) -> AsyncIterator[Stage]:
    """Everything is gone after it. Raises `RuntimeError` where the publisher does not get through."""
    _allow_sockets()
    carry_nice(os.getpid())
    capacity = options.capacity or options.viewers
    async with contextlib.AsyncExitStack() as stack:
        service = None
        if options.other is None:
            service = await stack.enter_async_context(running(capacity, options.path, options.veth))
        host = service.host if service is not None else options.other.host if options.other is not None else "127.0.0.1"
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="viewers-", dir=SHARED))
        path = Path(folder) / "table"
        table = Table(path, create=True)
        publisher = await _publisher(stack, options, service, path, table, host)
        crowd = Crowd(capacity, table, Stream(options.seed, options.codec), host, options.profile)
        crowd.start()
        stack.callback(crowd.stop)
        whep = service.whep if service is not None else options.other.whep if options.other is not None else ""
        door = await stack.enter_async_context(Door(crowd, whep, options.slots, options.full))
        made = Stage(options, service, crowd, door, table, publisher)
        if made.rooms is not None:
            stack.push_async_callback(made.rooms.close)
        yield made


def _allow_sockets() -> None:
    """As many descriptors as this process may have; the service inherits it."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


async def _publisher(
    stack: contextlib.AsyncExitStack,
    options: Options,
    service: Running | None,
    path: Path,
    table: Table,
    host: str,
) -> asyncio.subprocess.Process | None:
    """Started and connected; None where somebody else feeds the server."""
    common: dict[str, Any] = {
        "table": str(path),
        "parent": os.getpid(),
        "codec": options.codec,
        "seed": options.seed,
        "profile": options.profile,
        "host": host,
    }
    if service is not None:
        settings = PublisherSettings(**common, url=service.whip, ticket=service.lecture.of("lecturer").ticket)
    elif options.other is not None and options.other.whip:
        settings = PublisherSettings(
            **common, url=options.other.whip, ticket=options.other.whip_ticket or options.other.ticket
        )
    elif options.other is not None and options.other.rtp_to is not None:
        settings = PublisherSettings(**common, rtp_to=options.other.rtp_to)
    else:
        return None
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "benchmarks.viewers.publisher", msgspec.json.encode(settings).decode()
    )
    stack.push_async_callback(_end, process, table)
    deadline = asyncio.get_running_loop().time() + CONNECT_WITHIN
    while not table.head[t.CONNECTED]:
        if process.returncode is not None or asyncio.get_running_loop().time() > deadline:
            raise RuntimeError(f"the publisher did not connect (it ended with {process.returncode})")
        await asyncio.sleep(0.02)
    return process


async def _end(process: asyncio.subprocess.Process, table: Table) -> None:
    table.head[t.WANTED] = t.STOP
    try:
        async with asyncio.timeout(8):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()
