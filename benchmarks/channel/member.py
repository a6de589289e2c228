"""One member's channel as a page keeps it: joins, hears everything in order, comes back with the last number it saw."""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from array import array

import msgspec
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

LARGEST = 1 << 20  # bytes of a message
OPEN_WITHIN = 30.0
AGAIN = (1.0, 4.0)
"""Seconds that a page waits before it tries again where it was turned away."""
MARK = "令"
"""Begins a line of this program's own: after it the sender's number and the time it was sent (ns, monotonic)."""


class Member:
    """`delays`: ms from a line's sending to its arrival here. `said`: the lines heard, in order, by their text.
    `broken`: how often a number was missing or came twice."""

    def __init__(self, url: str, ticket: str) -> None:
        self.delays = array("f")
        self.said: list[str] = []
        self.broken = 0
        self.snapshots = 0
        self.resumed = 0
        self.opened_at: float | None = None
        self.last: int | None = None
        self.tries = 0
        self._url = url
        self._ticket = ticket
        self._socket: ClientConnection | None = None

    @property
    def here(self) -> bool:
        return self._socket is not None and self.opened_at is not None

    async def run(self, first: float) -> None:
        """Comes in after `first` seconds, and back whenever it is cut off, until cancelled."""
        await asyncio.sleep(first)
        while True:
            self.tries += 1
            with contextlib.suppress(OSError, WebSocketException, TimeoutError):
                async with connect(
                    self._url, compression=None, max_size=LARGEST, open_timeout=OPEN_WITHIN, ping_interval=None
                ) as socket:
                    self._socket = socket
                    hello = {"type": "hello", "ticket": self._ticket, "page": "room"}
                    known = {} if self.last is None else {"last": self.last}
                    await socket.send(msgspec.json.encode({**hello, **known}), text=True)
                    await self._listen(socket)
            self._socket, self.opened_at = None, None
            await asyncio.sleep(random.uniform(*AGAIN))

    async def say(self, number: int) -> str:
        text = f"{MARK}{number} {time.monotonic_ns()}"
        if self._socket is not None:
            await self._socket.send(msgspec.json.encode({"type": "chat", "text": text, "key": str(number)}), text=True)
        return text

    def cut(self) -> None:
        """As a network that is gone: no farewell."""
        if self._socket is not None:
            self._socket.transport.abort()

    def deafen(self) -> None:
        """Reads nothing any more, and stays."""
        if self._socket is not None:
            self._socket.transport.pause_reading()

    async def _listen(self, socket: ClientConnection) -> None:
        async for data in socket:
            message = msgspec.json.decode(data)
            now = time.monotonic_ns()
            for one in message["messages"] if message["type"] == "batch" else (message,):
                self._take(one, now)

    def _take(self, one: dict[str, object], now: int) -> None:
        kind, seq = one["type"], one.get("seq")
        if kind in ("snapshot", "resumed"):
            self.opened_at = time.monotonic()
            if kind == "snapshot":
                self.snapshots += 1
                self.last = int(str(seq))
            else:
                self.resumed += 1
            return
        if seq is None:
            return
        number = int(str(seq))
        if self.last is not None and number != self.last + 1:
            self.broken += 1
        self.last = number
        text = str(one.get("text"))
        if kind == "chat" and text.startswith(MARK):
            self.said.append(text)
            self.delays.append((now - int(text.split(" ")[1])) / 1e6)
