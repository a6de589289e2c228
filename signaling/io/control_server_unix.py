"""The relay's end of the control socket: one web process at a time, and the newest wins."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
from collections import deque
from collections.abc import Callable
from pathlib import Path

from signaling.control import ToRelay, ToWeb
from signaling.errors import ProtocolError
from signaling.io.frames_unix import Frames

MAX_BACKLOG = 20_000  # messages kept while no web process is connected; the oldest go first
MAX_UNSENT = 16 << 20  # bytes that a connected web process may leave unread before it is cut off

_log = logging.getLogger(__name__)


class ControlServer:
    """Gives each message to `receive`, one per turn of the loop, so that media is read in between.

    While nobody is connected, messages wait for the next web process: what they say happened is evidence.
    """

    def __init__(self, path: Path, receive: Callable[[ToRelay], None]) -> None:
        self._path = path
        self._receive = receive
        self._frames: Frames[ToRelay] = Frames(ToRelay)
        self._writer: asyncio.StreamWriter | None = None
        self._backlog: deque[bytes] = deque(maxlen=MAX_BACKLOG)
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        """Binds the socket, readable and writable by its owner alone; a socket left by a predecessor is replaced."""
        self._path.unlink(missing_ok=True)
        bound = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        former = os.umask(0o177)
        try:
            bound.bind(str(self._path))
        finally:
            os.umask(former)
        self._server = await asyncio.start_unix_server(self._connected, sock=bound)

    def send(self, message: ToWeb) -> None:
        frame = self._frames.encode(message)
        if self._writer is None:
            self._backlog.append(frame)
            return
        self._writer.write(frame)
        if self._writer.transport.get_write_buffer_size() > MAX_UNSENT:
            _log.error("the web process does not read: its control connection is cut")
            self._writer.transport.abort()
            self._writer = None

    async def close(self) -> None:
        """Flushes what is written, for at most a second."""
        if self._server is not None:
            self._server.close()
        if self._writer is not None:
            with contextlib.suppress(ConnectionError, TimeoutError):
                async with asyncio.timeout(1.0):
                    await self._writer.drain()
                    self._writer.close()
                    await self._writer.wait_closed()
        self._path.unlink(missing_ok=True)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._writer is not None:
            self._writer.close()
        self._writer = writer
        writer.transport.set_write_buffer_limits(high=MAX_UNSENT)
        writer.writelines(self._backlog)
        self._backlog.clear()
        try:
            while (message := await self._frames.read(reader)) is not None:
                if self._writer is not writer:
                    break
                self._receive(message)
                await asyncio.sleep(0)
        except ProtocolError as error:
            _log.error("the control connection is closed: %s", error)
        finally:
            if self._writer is writer:
                self._writer = None
            writer.close()
