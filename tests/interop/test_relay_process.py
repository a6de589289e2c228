"""The relay as a process: how it starts, takes over a port, outlives the web process, and ends."""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from signaling.control import Closing, PeerClosed
from signaling.io.control_unix import UnixRelay
from signaling.ports import RelayDown, RelayUp
from tests.interop.aiortc_peer import Player, Publisher
from tests.interop.relay_service import RelayService, until

MODULE = "signaling.io.process_epoll"
LECTURE = "evening"


@pytest.mark.parametrize("settings", ["", "{}", "not json", '{"control": "x", "colour": "red"}'])
def test_settings_that_cannot_be_read_are_named(settings: str) -> None:
    ended = subprocess.run([sys.executable, "-m", MODULE, settings], capture_output=True, text=True, timeout=20)
    assert ended.returncode == 1
    assert ended.stderr.startswith("relay settings: ")


def test_the_relay_ends_with_its_parent(tmp_path: Path) -> None:
    settings = json.dumps({"control": str(tmp_path / "control"), "udp_host": "127.0.0.1"})
    code = f"import subprocess, sys, time; p = subprocess.Popen([sys.executable, '-m', '{MODULE}', {settings!r}]);"
    code += "print(p.pid, flush=True); time.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        relay = int(parent.stdout.readline())
        _wait(lambda: (tmp_path / "control").exists())
        parent.kill()
    _wait(lambda: not _runs(relay))
    assert not (tmp_path / "control").exists()


async def test_a_terminated_relay_says_good_bye_to_everyone(tmp_path: Path) -> None:
    async with RelayService(tmp_path) as service:
        player = Player()
        await player.offer(f"{service.url}/whep/{LECTURE}", "member")
        await until(lambda: player.connection.connectionState == "connected")
        began = time.monotonic()
        service.process.send_signal(signal.SIGTERM)
        await until(lambda: player.connection.connectionState == "closed")
        assert await service.process.wait() == 0
        assert time.monotonic() - began < 3
        await until(lambda: isinstance(service.events[-1], RelayDown))
        (closed,) = [event for event in service.events if isinstance(event, PeerClosed)]
        assert closed.reason is Closing.SHUTDOWN
        await player.close()


async def test_strangers_are_answered_by_nothing_and_leave_nothing(tmp_path: Path) -> None:
    async with RelayService(tmp_path) as service:
        player = Player()
        answer = await player.offer(f"{service.url}/whep/{LECTURE}", "member")
        port = int(answer.split(" typ host")[0].rsplit(" ", 1)[1])
        chance = random.Random(7)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
            stranger.connect(("127.0.0.1", port))
            stranger.setblocking(False)
            before = 0
            for number in range(20_000):
                first = bytes([chance.choice((0, 1, 22, 128, 144, 200, 255)), chance.randrange(256)])
                stranger.send(first + b"\x00\x00\x21\x12\xa4\x42" + chance.randbytes(chance.randrange(200)))
                if number % 200 == 0:
                    await asyncio.sleep(0.005)
                if number == 2_000:
                    before = _resident(service.process.pid)
            await asyncio.sleep(0.2)
            with pytest.raises(BlockingIOError):
                stranger.recv(1)
        assert _resident(service.process.pid) - before < 2 << 20
        assert [one.member for one in await service.relay.peers()] == ["member"]
        await player.close()


async def test_a_port_that_the_parent_bound_serves_both_families(tmp_path: Path) -> None:
    bound = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    bound.bind(("::", 0))
    async with RelayService(tmp_path, udp_descriptor=bound.fileno(), advertise=["127.0.0.1"]) as service:
        publisher, player = Publisher(), Player()
        answer = await publisher.offer(f"{service.url}/whip/{LECTURE}/lecturer", "dean")
        assert f"127.0.0.1 {bound.getsockname()[1]} typ host" in answer
        await player.offer(f"{service.url}/whep/{LECTURE}", "member")
        await player.first_frame()
        await player.close()
        await publisher.close()
    bound.close()


async def test_peers_outlive_the_web_process(tmp_path: Path) -> None:
    async with RelayService(tmp_path) as service:
        publisher, player = Publisher(), Player()
        await publisher.offer(f"{service.url}/whip/{LECTURE}/lecturer", "dean")
        await player.offer(f"{service.url}/whep/{LECTURE}", "member")
        await player.first_frame()
        await service.disconnect()
        before = len(player.video[0].times)
        successor = UnixRelay(tmp_path / "control")
        running = asyncio.create_task(successor.run())
        assert isinstance(await anext(successor.events()), RelayUp)
        peers = {one.member: one for one in await successor.peers()}
        assert peers["dean"].publishes == "lecturer"
        assert peers["member"].connected
        await until(lambda: len(player.video[0].times) > before)
        await successor.close(peers["dean"].peer, Closing.DELETED)
        await until(lambda: publisher.connection.connectionState == "closed")
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await player.close()
        await publisher.close()


def _resident(pid: int) -> int:
    """Bytes of memory that a process holds."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def _wait(condition: Callable[[], bool]) -> None:
    until = time.monotonic() + 15
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.02)
