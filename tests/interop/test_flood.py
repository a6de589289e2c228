"""Strangers flood the port of a real relay while somebody watches."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from benchmarks.flooder import flood
from signaling.control import Load
from tests.interop.aiortc_peer import Player, Publisher
from tests.interop.relay_service import RelayService, until

LECTURE = "evening"
STRANGERS = 10_000  # a second; benchmarks/flood.py sends 50,000
SECONDS = 2.0


@pytest.mark.parametrize("path", ["reference", "compiled"])
async def test_who_watches_goes_on_and_nothing_grows(tmp_path: Path, path: str) -> None:
    async with RelayService(tmp_path, fanout=path) as service:
        publisher, player = Publisher(), Player()
        await publisher.offer(f"{service.url}/whip/{LECTURE}/lecturer", "dean")
        answer = await player.offer(f"{service.url}/whep/{LECTURE}", "member")
        await player.first_frame()
        port = int(answer.split(" typ host")[0].rsplit(" ", 1)[1])
        await asyncio.to_thread(flood, port, STRANGERS, SECONDS)
        before, frames, away = _resident(service.process.pid), len(player.video[0].times), _turned_away(service)
        sent = await asyncio.to_thread(flood, port, STRANGERS, SECONDS)
        assert sent > STRANGERS
        assert len(player.video[0].times) > frames
        await until(lambda: _turned_away(service) - away > 0.9 * sent)
        assert _resident(service.process.pid) - before < 2 << 20
        assert sorted(one.member for one in await service.relay.peers()) == ["dean", "member"]
        await player.close()
        await publisher.close()


def _turned_away(service: RelayService) -> int:
    loads = [event for event in service.events if isinstance(event, Load)]
    return sum(loads[-1].dropped.get(reason, 0) for reason in ("unknown-source", "unknown-check")) if loads else 0


def _resident(pid: int) -> int:
    """Bytes of memory that a process holds."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
