"""A relay under comparison, as the scenario sees it."""

from __future__ import annotations

import contextlib
import os
import socket
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Subject:
    """A relay that runs. It takes plain RTP at `rtp` (ports of audio and of video), or WHIP."""

    name: str
    whep: str
    relay: int  # the process whose CPU is the figure, all its threads
    signaling: tuple[int, ...] = ()  # other processes that belong to it
    rtp: tuple[int, int] | None = None
    whip: str = ""
    publisher: str = ""  # ticket
    tickets: tuple[str, ...] = ()  # of the viewers, where they are asked for theirs


def cpu_seconds(process: int) -> float:
    """User and system time of a process, with its threads that ended."""
    fields = Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def free_ports(count: int, kind: socket.SocketKind) -> list[int]:
    """Ports that nothing listens on now; even ones, as the next is for RTCP (RFC 3550 §11)."""
    with contextlib.ExitStack() as stack:
        found: list[int] = []
        while len(found) < count:
            probe = stack.enter_context(socket.socket(socket.AF_INET, kind))
            probe.bind(("", 0))
            port: int = probe.getsockname()[1]
            if port % 2 == 0:
                found.append(port)
        return found


def listens(address: str, port: int) -> bool:
    """Whether a program listens on this TCP port."""
    with contextlib.suppress(OSError), socket.create_connection((address, port), timeout=1.0):
        return True
    return False
