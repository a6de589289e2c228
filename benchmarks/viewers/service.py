"""The product under load: the real `classroom serve` in a folder of its own, a lecture and a link for everybody."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import socket
import tempfile
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp

from benchmarks.viewers.processes import carry_nice
from classroom.io.office_unix import socket_path
from tests.servers.namespace import Namespace, namespace
from tests.servers.service import Lecture, Service

_DROPPED = "classroom_relay_dropped{"


@dataclass
class Running:
    """`starting`: seconds until it was ready."""

    service: Service
    lecture: Lecture
    starting: float
    host: str
    """The generator's own address towards the service."""
    _pids: dict[str, list[int]] = field(default_factory=dict)

    @property
    def whep(self) -> str:
        return f"{self.service.url}/whep/{self.lecture.id}"

    @property
    def whip(self) -> str:
        return f"{self.service.url}/whip/{self.lecture.id}/lecturer"

    @property
    def tickets(self) -> list[str]:
        return [link.ticket for link in self.lecture.members]

    def processes(self) -> dict[str, list[int]]:
        """Ids by name; looked up again after `changed`."""
        if not self._pids:
            relay = self.service.relay_pid()
            self._pids = {"relay": [relay], "web": [pid for pid in self.service.children() if pid != relay]}
        return self._pids

    def changed(self) -> None:
        self._pids = {}

    async def dropped(self) -> dict[str, float]:
        """What the relay dropped since it started, by reason, from the service's metrics."""
        with socket_path(self.service.data) as path:
            async with (
                aiohttp.ClientSession(connector=aiohttp.UnixConnector(path)) as session,
                session.get("http://service/metrics") as answer,
            ):
                text = await answer.text()
        return parse_dropped(text)


def parse_dropped(text: str) -> dict[str, float]:
    """Reasons and counts in an exposition of Prometheus."""
    found = {}
    for line in text.splitlines():
        if line.startswith(_DROPPED):
            labels, value = line.rsplit(" ", 1)
            found[labels.split('reason="', 1)[1].split('"', 1)[0]] = float(value)
    return found


@contextlib.asynccontextmanager
async def running(
    members: int, path: str = "compiled", veth: bool = False, **environment: str
) -> AsyncIterator[Running]:
    """A lecture that has started, with `members` members. `veth`: in a network namespace of its own (needs root)."""
    folder = Path(tempfile.mkdtemp(prefix="classroom-bench-"))
    with contextlib.ExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        where: Namespace | None = stack.enter_context(namespace()) if veth else None
        settings = {
            "CLASSROOM_PACKET_PATH": path,
            "CLASSROOM_VIEWER_LIMIT": str(members + 10),
            "CLASSROOM_LOG_LEVEL": "warning",
            **environment,
        }
        service = Service(folder, where, **settings)
        began = time.monotonic()
        try:
            await asyncio.to_thread(service.start)
            starting = time.monotonic() - began
            if service.process is not None:
                carry_nice(service.process.pid)
            lecture = await asyncio.to_thread(service.lecture, "基准测试", members)
            await asyncio.to_thread(service.command, "lecture", "start", lecture.id, "--json")
            host = "127.0.0.1" if where is None else _towards(where.address)
            yield Running(service, lecture, starting, host)
        finally:
            await asyncio.to_thread(service.stop)


def _towards(address: str) -> str:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect((address, 9))
        return str(probe.getsockname()[0])
