"""A network namespace of the run's own, joined to this one by a veth pair: a second host on the same machine."""

from __future__ import annotations

import contextlib
import ctypes
import os
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

CLONE_NEWNET = 0x40000000
OUTSIDE, INSIDE = "10.213.77.1", "10.213.77.2"


def possible() -> bool:
    return os.geteuid() == 0 and shutil.which("ip") is not None


@dataclass(frozen=True)
class Namespace:
    name: str
    address: str  # inside

    def enter(self) -> tuple[str, ...]:
        """What goes before a command so that it runs inside. (`ip netns exec` would remount /, which fails in a plain
        chroot.)"""
        return ("nsenter", f"--net=/run/netns/{self.name}")

    def cut(self, away: bool) -> None:
        """Its line to the host outside is dead, or there again. Nothing says goodbye."""
        inner = f"cr{os.getpid()}b"
        _ip("link", "set", inner, "down" if away else "up", inside=self)
        if not away:
            _ip("route", "replace", "default", "via", OUTSIDE, inside=self)

    def script(self, folder: Path, program: str) -> str:
        """The path of an executable that runs `program` inside."""
        path = folder / Path(program).name
        path.write_text(f'#!/bin/sh\nexec {" ".join(self.enter())} {program} "$@"\n')
        path.chmod(0o755)
        return str(path)

    def connect(self, port: int, seconds: float = 40.0) -> socket.socket:
        """A TCP connection to 127.0.0.1 as it is inside. (A socket stays in the namespace it was made in, and a
        thread may enter one.)"""
        made: list[socket.socket] = []

        def inside() -> None:
            with open(f"/run/netns/{self.name}") as door:
                if ctypes.CDLL(None, use_errno=True).setns(door.fileno(), CLONE_NEWNET):
                    raise OSError(ctypes.get_errno(), "setns")
            made.append(_connect(port, seconds))

        thread = threading.Thread(target=inside)
        thread.start()
        thread.join()
        if not made:
            raise RuntimeError(f"no connection to port {port} inside {self.name}")
        return made[0]


def _connect(port: int, seconds: float) -> socket.socket:
    deadline = time.monotonic() + seconds
    while True:
        try:
            return socket.create_connection(("127.0.0.1", port), timeout=seconds)
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)


@contextlib.contextmanager
def namespace() -> Iterator[Namespace]:
    """A namespace that is gone after the block, with everything in it."""
    made = Namespace(f"classroom-{os.getpid()}", INSIDE)
    outer, inner = f"cr{os.getpid()}a", f"cr{os.getpid()}b"
    _ip("netns", "add", made.name)
    try:
        _ip("link", "add", outer, "type", "veth", "peer", "name", inner, "netns", made.name)
        _ip("addr", "add", f"{OUTSIDE}/30", "dev", outer)
        _ip("link", "set", outer, "up")
        for words in (
            ("link", "set", "lo", "up"),
            ("addr", "add", f"{INSIDE}/30", "dev", inner),
            ("link", "set", inner, "up"),
            ("route", "add", "default", "via", OUTSIDE),
        ):
            _ip(*words, inside=made)
        yield made
    finally:
        subprocess.run(["ip", "netns", "del", made.name], check=False)
        subprocess.run(["ip", "link", "del", outer], check=False, stderr=subprocess.DEVNULL)


def _ip(*words: str, inside: Namespace | None = None) -> None:
    before = () if inside is None else inside.enter()
    subprocess.run([*before, "ip", *words], check=True, capture_output=True)
