"""A real relay process under real WHIP and WHEP handlers; the room is replaced by one that grants what tickets say."""

from __future__ import annotations

import asyncio
import os
import random
import sys
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

import msgspec
from aiohttp import web

from signaling.control import Audience, Event
from signaling.errors import Refusal, Refused
from signaling.io.control_unix import UnixRelay
from signaling.io.whep_aiohttp import WhepHandlers
from signaling.io.whip_aiohttp import WhipHandlers
from signaling.ports import Act, Grant, RelayDown, RelayUp
from signaling.session.turnstile import Turnstile

SLOTS = ("lecturer", "screen", "host", "guest")


async def until(happened: Callable[[], bool], seconds: float = 30.0) -> None:
    """Raises `TimeoutError` where it does not happen within so many seconds."""
    async with asyncio.timeout(seconds):
        while not happened():  # noqa: ASYNC110 (what is waited for sets no event)
            await asyncio.sleep(0.02)


class OpenRoom:
    """A ticket is a member's name, and `stage:NAME` one who also sees the backstage.

    A publication is routed to its slot as soon as it is opened, for `audiences[slot]` (everyone unless set)."""

    def __init__(self, relay: UnixRelay) -> None:
        self._relay = relay
        self.audiences: dict[str, Audience] = {}
        self.peers: dict[str, str] = {}  # member → newest peer
        self.failures: list[str] = []

    async def admit(self, ticket: str, lecture: str, act: Act, slot: str | None) -> Grant:
        if ticket == "nobody":
            raise Refused(Refusal.BAD_TICKET)
        stage = ticket.startswith("stage:")
        slots = (slot,) if slot is not None else (*SLOTS, "backstage") if stage else SLOTS
        return Grant(lecture=lecture, member=ticket, act=act, slots=slots)

    async def opened(self, grant: Grant, peer: str) -> None:
        self.peers[grant.member] = peer
        if grant.act is Act.PUBLISH:
            slot = grant.slots[0]
            await self._relay.route(peer, slot, self.audiences.get(slot, Audience.EVERYONE))

    async def failed(self, ticket: str, lecture: str, act: Act, cause: str) -> None:
        self.failures.append(cause)


class RelayService:
    """`async with RelayService(folder) as service`: `service.url`, `service.events`, `service.room`. The environment's
    CLASSROOM_PACKET_PATH chooses the packet path (`make test` runs the tests of the process on both)."""

    def __init__(self, folder: Path, *, udp_descriptor: int | None = None, **settings: object) -> None:
        self._settings = {
            "control": str(folder / "control"),
            "udp_host": "127.0.0.1",
            "parent": os.getpid(),
            "udp_descriptor": udp_descriptor,
            "fanout": os.environ.get("CLASSROOM_PACKET_PATH", "auto"),
            **settings,
        }
        self._descriptor: int | None = udp_descriptor
        self.relay = UnixRelay(folder / "control")
        self.room = OpenRoom(self.relay)
        self.events: list[Event | RelayUp | RelayDown] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._up = asyncio.Event()

    async def __aenter__(self) -> RelayService:
        self.process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "signaling.io.process_epoll",
            msgspec.json.encode(self._settings).decode(),
            pass_fds=(self._descriptor,) if self._descriptor is not None else (),
        )
        self._tasks = [asyncio.create_task(self.relay.run()), asyncio.create_task(self._follow())]
        app = web.Application()
        app.add_routes(WhipHandlers(self.room, self.relay, Turnstile(50, random.random)).routes())
        app.add_routes(WhepHandlers(self.room, self.relay, Turnstile(50, random.random)).routes())
        self._runner = web.AppRunner(app)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        async with asyncio.timeout(10):
            await self._up.wait()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._runner.cleanup()
        if self.process.returncode is None:
            self.process.terminate()
        await asyncio.wait_for(self.process.wait(), 10)
        await self.disconnect()

    async def disconnect(self) -> None:
        """As if the web process had died: its control connection is gone."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _follow(self) -> None:
        async for event in self.relay.events():
            self.events.append(event)
            if isinstance(event, RelayUp):
                self._up.set()
