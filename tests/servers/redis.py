"""A Redis of the tests' own, on a free port, that keeps nothing."""

from __future__ import annotations

import contextlib
import shutil
import socket
from collections.abc import Iterator

from tests.servers.process import folder, free_port, running

ATTEMPTS = 3


def answers(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
            connection.sendall(b"PING\r\n")
            return connection.recv(64).startswith(b"+PONG")
    except OSError:
        return False


@contextlib.contextmanager
def server(port: int | None = None) -> Iterator[int]:
    """Yields the port: a free one, or the one given, which a server before it had. Raises `RuntimeError` where
    redis-server is missing or does not start."""
    program = shutil.which("redis-server")
    if program is None:
        raise RuntimeError("redis-server is missing: apt-get install redis-server")
    with folder("redis") as home, contextlib.ExitStack() as stack:
        for attempt in range(1, ATTEMPTS + 1):
            chosen = free_port() if port is None else port
            place = ["--bind", "127.0.0.1", "--port", str(chosen), "--dir", str(home)]
            try:
                command = [program, *place, "--save", "", "--appendonly", "no"]
                stack.enter_context(running(command, home / "log", lambda: answers(chosen)))  # noqa: B023
                break
            except RuntimeError:  # somebody else took the port
                if attempt == ATTEMPTS:
                    raise
        yield chosen
