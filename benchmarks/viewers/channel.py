"""A member's room channel beside their picture: joins the room, answers pings, sends a page's heartbeats
(docs/protocol.md §3)."""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections import Counter
from collections.abc import Callable
from urllib.parse import urlsplit, urlunsplit

import msgspec
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, WebSocketException

HEARTBEAT = 15.0  # seconds
LARGEST = 1 << 20  # bytes of a message


def channel_url(service: str) -> str:
    parts = urlsplit(service)
    return urlunsplit(("wss" if parts.scheme == "https" else "ws", parts.netloc, "/ws", "", ""))


class Rooms:
    """The channels of an audience; the tasks are this object's, and end with `close`."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._tasks: dict[Channel, asyncio.Task[None]] = {}
        self.all: list[Channel] = []

    def open(self, ticket: str, playing: Callable[[], bool]) -> Channel:
        channel = Channel(self._url, ticket, playing)
        self.all.append(channel)
        self._tasks[channel] = asyncio.create_task(channel.run(), name="channel")
        return channel

    async def leave(self, channel: Channel) -> None:
        """As a page that is closed."""
        task = self._tasks.pop(channel, None)
        if task is not None:
            self.all.remove(channel)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def close(self) -> None:
        for channel in list(self.all):
            await self.leave(channel)

    def figures(self) -> dict[str, object]:
        said = sum((channel.heard for channel in self.all), Counter[str]())
        closed = Counter(str(channel.closed) for channel in self.all if channel.closed is not None)
        opened = sum(channel.opened_at is not None for channel in self.all)
        return {"channels": len(self.all), "opened": opened, "closed_with": dict(closed), "messages": dict(said)}


class Channel:
    """`run` until cancelled, or until the service closes it. `heard` gets the type of each message."""

    def __init__(
        self, url: str, ticket: str, playing: Callable[[], bool], heard: Callable[[str], None] = lambda kind: None
    ) -> None:
        self._url = url
        self._ticket = ticket
        self._playing = playing
        self._heard = heard
        self.opened_at: float | None = None
        """When the room answered the hello (monotonic seconds)."""
        self.closed: int | None = None
        """The code that the service closed it with."""
        self.heard: Counter[str] = Counter()

    async def run(self) -> None:
        try:
            async with connect(self._url, compression=None, max_size=LARGEST, open_timeout=30) as socket:
                await socket.send(
                    msgspec.json.encode({"type": "hello", "ticket": self._ticket, "page": "room"}), text=True
                )
                async with asyncio.TaskGroup() as tasks:
                    beats = tasks.create_task(self._beat(socket))
                    await self._listen(socket)
                    beats.cancel()
        except* (OSError, WebSocketException, TimeoutError):
            self.closed = self.closed or 1006

    async def _listen(self, socket: ClientConnection) -> None:
        try:
            async for data in socket:
                self._take(data)
        except ConnectionClosed:
            pass
        self.closed = socket.close_code

    def _take(self, data: str | bytes) -> None:
        message = msgspec.json.decode(data)
        for one in message["messages"] if message["type"] == "batch" else (message,):
            kind = one["type"]
            self.heard[kind] += 1
            if kind == "snapshot" and self.opened_at is None:
                self.opened_at = time.monotonic()
            self._heard(kind)

    async def _beat(self, socket: ClientConnection) -> None:
        """At once when playing begins or ends, else every 15 s, not all in the same instant."""
        said, due = None, time.monotonic() + random.random() * HEARTBEAT
        while True:
            playing = self._playing()
            if playing is not said or time.monotonic() >= due:
                said, due = playing, time.monotonic() + HEARTBEAT
                with contextlib.suppress(ConnectionClosed):
                    await socket.send(
                        msgspec.json.encode({"type": "heartbeat", "visible": True, "playing": playing}), text=True
                    )
            await asyncio.sleep(1.0)
