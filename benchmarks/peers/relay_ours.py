"""This product as it is run: `classroom serve` with a lecture and as many members as watch at most."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks.peers.network import Network
from benchmarks.peers.subject import Subject
from tests.servers.namespace import Namespace
from tests.servers.service import running

PATH = "compiled"


@dataclass(frozen=True)
class _Inside(Namespace):
    before: tuple[str, ...]

    def enter(self) -> tuple[str, ...]:
        return self.before


@contextlib.contextmanager
def relay(folder: Path, network: Network, viewers: int) -> Iterator[Subject]:
    with running(folder, _Inside("", network.address, network.before), CLASSROOM_PACKET_PATH=PATH) as service:
        lecture = service.lecture(members=viewers)
        assert service.process is not None
        media = service.relay_pid()
        yield Subject(
            name="classroom",
            whep=f"{service.url}/whep/{lecture.id}",
            relay=media,
            signaling=(service.process.pid, *(child for child in service.children() if child != media)),
            whip=f"{service.url}/whip/{lecture.id}/lecturer",
            publisher=lecture.of("lecturer").ticket,
            tickets=tuple(member.ticket for member in lecture.members),
        )
