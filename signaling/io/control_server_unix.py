"""The relay's end of the control socket: one web process at a time, and the newest wins."""

from __future__ import annotations

import contextlib
import logging
import os
import select
import socket
from collections import deque
from collections.abc import Callable
from pathlib import Path

from signaling.control import ToRelay, ToWeb
from signaling.errors import ProtocolError
from signaling.io.frames_unix import Frames

MAX_BACKLOG = 20_000  # messages kept while no web process is connected; the oldest go first
MAX_UNSENT = 16 << 20  # bytes that a connected web process may leave unread before it is cut off
READ = 1 << 18  # bytes at a time
GOODBYE = 1.0  # seconds in which what is unsent may go before the end

_log = logging.getLogger(__name__)


class ControlServer:
    """Nothing here waits, but for `serve`, as long as it is told to. `fileno` is readable when `serve` has something
    to do. Each message goes to `receive`, one for a call of `serve`, so that media is read in between.

    While nobody is connected, messages wait for the next web process: what they say happened is evidence.
    """

    def __init__(self, path: Path, receive: Callable[[ToRelay], None]) -> None:
        self._path = path
        self._receive = receive
        self._frames: Frames[ToRelay] = Frames(ToRelay)
        self._poll = select.epoll()
        self._listener: socket.socket | None = None
        self._web: socket.socket | None = None
        self._read = bytearray()
        self._unsent = bytearray()
        self._full = False  # the kernel has no room for what is unsent
        self._backlog: deque[bytes] = deque(maxlen=MAX_BACKLOG)
        self._messages: deque[ToRelay] = deque()

    def start(self) -> None:
        """Binds the socket, readable and writable by its owner alone; a socket left by a predecessor is replaced."""
        self._path.unlink(missing_ok=True)
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        former = os.umask(0o177)
        try:
            listener.bind(str(self._path))
        finally:
            os.umask(former)
        listener.listen()
        listener.setblocking(False)
        self._poll.register(listener, select.EPOLLIN)
        self._listener = listener

    def fileno(self) -> int:
        return self._poll.fileno()

    @property
    def waiting(self) -> bool:
        """Whether messages were read that `receive` has not been given."""
        return bool(self._messages)

    def serve(self, seconds: float = 0.0) -> None:
        """Whatever there is to do now; where there is nothing, after so many seconds at most."""
        for descriptor, events in self._poll.poll(0.0 if self._messages else seconds):
            if self._listener is not None and descriptor == self._listener.fileno():
                self._accept(self._listener)
            elif self._web is not None and descriptor == self._web.fileno():
                if events & ~select.EPOLLOUT and not self._messages:
                    self._hear(self._web)
                elif events & select.EPOLLOUT:
                    self._flush(self._web)
        if self._messages:
            self._receive(self._messages.popleft())

    def send(self, message: ToWeb) -> None:
        frame = self._frames.encode(message)
        if self._web is None:
            self._backlog.append(frame)
            return
        self._unsent += frame
        if len(self._unsent) > MAX_UNSENT:
            _log.error("the web process does not read: its control connection is cut")
            self._cut(self._web)
        elif not self._full:
            self._flush(self._web)

    def close(self) -> None:
        """Flushes what is written, for at most a second."""
        if self._listener is not None:
            self._listener.close()
        if self._web is not None:
            with contextlib.suppress(OSError):
                self._web.settimeout(GOODBYE)
                self._web.sendall(self._unsent)
            self._web.close()
        self._poll.close()
        self._path.unlink(missing_ok=True)

    def _accept(self, listener: socket.socket) -> None:
        try:
            web, _ = listener.accept()
        except OSError:  # it is gone already
            return
        if self._web is not None:
            self._cut(self._web)
            self._messages.clear()
        web.setblocking(False)
        self._web = web
        self._poll.register(web, select.EPOLLIN)
        self._unsent += b"".join(self._backlog)
        self._backlog.clear()
        self._flush(web)

    def _hear(self, web: socket.socket) -> None:
        try:
            data = web.recv(READ)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            data = b""
        self._read += data
        try:
            while (message := self._frames.take(self._read)) is not None:
                self._messages.append(message)
        except ProtocolError as error:
            _log.error("the control connection is closed: %s", error)
            data = b""
        if not data:
            self._cut(web)

    def _flush(self, web: socket.socket) -> None:
        full = False
        try:
            while self._unsent:
                del self._unsent[: web.send(self._unsent)]
        except (BlockingIOError, InterruptedError):
            full = True
        except OSError:
            self._cut(web)
            return
        if full is not self._full:
            self._full = full
            self._poll.modify(web, select.EPOLLIN | (select.EPOLLOUT if full else 0))

    def _cut(self, web: socket.socket) -> None:
        """What it did not read is lost with it; what was read of it is still served."""
        self._web, self._full = None, False
        self._poll.unregister(web)
        web.close()
        self._read.clear()
        self._unsent.clear()
