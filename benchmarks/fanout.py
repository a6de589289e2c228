"""CPU of the relay process for each packet delivered to each viewer, with simulated viewers on loopback.

    python -m benchmarks.fanout --viewers 200 --seconds 10 [--path compiled|reference|both] [--repeats 2]

A real relay process; one simulated publisher sends video of 114 packets a second with 1,100 bytes each and Opus at 50
a second; every viewer has its own socket, ICE checks, DTLS handshake and SRTP keys, and sends receiver reports. The
figure is the relay's user and system time in the window divided by the packets that reached the viewers' sockets. Both
packet paths take turns, so that what else the machine does falls on both.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import platform
import secrets
import select
import struct
import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path

import msgspec

from benchmarks.simulated_peer import OPUS, VP8, SimulatedPeer
from signaling.control import Audience, Closing, Load
from signaling.io.control_unix import UnixRelay
from signaling.ports import Act, Grant
from signaling.session.offer import Direction

RESULTS = Path(__file__).parent / "results"
FRAME_EVERY = 4 / 114  # seconds: four packets a frame
PACKETS_A_FRAME = 4
KEY_FRAME_EVERY = 60  # frames
AUDIO_EVERY = 0.02
PAYLOAD = 1_088  # with the RTP header 1,100 bytes
WARM_UP = 1.0
JOIN_TIMEOUT = 30.0
KEY_FRAME = bytes([0x10, 0x50, 0x02, 0x00, 0x9D, 0x01, 0x2A, 0x80, 0x02, 0x68, 0x01])  # RFC 7741 §4.2, RFC 6386 §9.1
DELTA_FRAME = bytes([0x10, 0x51, 0x02, 0x00])
CONTINUED = bytes([0x00])


class Source:
    """The publisher's media, on time."""

    def __init__(self, peer: SimulatedPeer, now: float) -> None:
        self._peer = peer
        self._began = now
        self._frames = self._sounds = self._number = 0
        self._filling = secrets.token_bytes(PAYLOAD)

    def tick(self, now: float) -> None:
        while self._began + self._sounds * AUDIO_EVERY <= now:
            self._send(OPUS, 0, self._sounds, self._sounds * 960, 1, self._filling[:100])
            self._sounds += 1
        while self._began + self._frames * FRAME_EVERY <= now:
            self._frame()
            self._frames += 1

    def _frame(self) -> None:
        timestamp = int(self._frames * FRAME_EVERY * 90_000)
        begin = DELTA_FRAME if self._frames % KEY_FRAME_EVERY else KEY_FRAME
        for place in range(PACKETS_A_FRAME):
            head = begin if place == 0 else CONTINUED
            marker = int(place == PACKETS_A_FRAME - 1)
            self._send(VP8, marker, self._number, timestamp, 2, (head + self._filling)[:PAYLOAD])
            self._number += 1

    def _send(self, payload_type: int, marker: int, number: int, timestamp: int, ssrc: int, payload: bytes) -> None:
        header = struct.pack("!BBHLL", 0x80, marker << 7 | payload_type, number & 0xFFFF, timestamp & 0xFFFFFFFF, ssrc)
        self._peer.send_media(header + payload)


class Traffic:
    """All sockets in one thread; `stop` ends it."""

    def __init__(self) -> None:
        self._poll = select.epoll()
        self._peers: dict[int, SimulatedPeer] = {}
        self.source: Source | None = None
        self.stop = False

    def add(self, peer: SimulatedPeer) -> None:
        self._peers[peer.socket.fileno()] = peer
        self._poll.register(peer.socket.fileno(), select.EPOLLIN)

    def run(self) -> None:
        next_tick = 0.0
        while not self.stop:
            for descriptor, _ in self._poll.poll(0.005):
                self._peers[descriptor].arrived(time.monotonic())
            now = time.monotonic()
            if self.source is not None:
                self.source.tick(now)
            if now >= next_tick:
                next_tick = now + 0.05
                for peer in list(self._peers.values()):
                    peer.tick(now)


async def measure(path: str, viewers: int, seconds: float) -> dict[str, object]:
    with tempfile.TemporaryDirectory() as folder:
        control = Path(folder) / "control"
        settings = {"control": str(control), "udp_host": "127.0.0.1", "parent": os.getpid(), "fanout": path}
        relay_process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "signaling.io.process_asyncio", msgspec.json.encode(settings).decode()
        )
        relay = UnixRelay(control)
        loads: deque[Load] = deque(maxlen=1)
        tasks = [asyncio.create_task(relay.run()), asyncio.create_task(_follow(relay, loads))]
        traffic = Traffic()
        thread = asyncio.create_task(asyncio.to_thread(traffic.run))
        try:
            began = time.monotonic()
            await _until(lambda: relay.up)
            ready = time.monotonic() - began
            result = await _measure(relay, traffic, relay_process.pid, viewers, seconds)
            return {
                "path": path,
                **result,
                "dropped_by_relay": loads[-1].dropped,
                "seconds_to_start": round(ready, 2),
            }
        finally:
            traffic.stop = True
            await thread
            relay_process.terminate()
            await relay_process.wait()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


async def _measure(relay: UnixRelay, traffic: Traffic, pid: int, viewers: int, seconds: float) -> dict[str, object]:
    load = os.getloadavg()[0]
    publisher = SimulatedPeer(Direction.SENDONLY)
    await _join(relay, traffic, publisher, "publisher", Act.PUBLISH)
    await relay.route("publisher", "lecturer", Audience.EVERYONE)
    await _until(lambda: publisher.connected)
    audience = [SimulatedPeer(Direction.RECVONLY) for _ in range(viewers)]
    before_joining = sum(cpu_times(pid))
    for number, viewer in enumerate(audience):
        await _join(relay, traffic, viewer, f"viewer-{number}", Act.WATCH)
    await _until(lambda: all(viewer.connected for viewer in audience))
    joining = sum(cpu_times(pid)) - before_joining
    traffic.source = Source(publisher, time.monotonic())
    await asyncio.sleep(WARM_UP)
    began, before, received = time.monotonic(), cpu_times(pid), _received(audience)
    await asyncio.sleep(seconds)
    elapsed = time.monotonic() - began
    user, system = (now - then for now, then in zip(cpu_times(pid), before, strict=True))
    cpu, delivered = user + system, _received(audience) - received
    expected = viewers * elapsed * (PACKETS_A_FRAME / FRAME_EVERY + 1 / AUDIO_EVERY)
    with contextlib.suppress(Exception):
        await relay.close("publisher", Closing.DELETED)
    for peer in (publisher, *audience):
        peer.socket.setblocking(False)
    return {
        "viewers": viewers,
        "seconds": round(elapsed, 2),
        "packets_per_second": round(delivered / elapsed),
        "share_delivered": round(delivered / expected, 4),
        "microseconds_per_packet_and_viewer": round(1e6 * cpu / max(delivered, 1), 2),
        "of_these_in_the_kernel": round(1e6 * system / max(delivered, 1), 2),
        "percent_of_a_core": round(100 * cpu / elapsed, 1),
        "milliseconds_per_join": round(1e3 * joining / viewers, 2),
        "megabytes_resident": round(resident_bytes(pid) / 1e6),
        "load_before": round(load, 2),
    }


async def _join(relay: UnixRelay, traffic: Traffic, peer: SimulatedPeer, name: str, act: Act) -> None:
    grant = Grant(lecture="bench", member=name, act=act, slots=("lecturer",))
    answer = await relay.open(grant, name, peer.offer)
    peer.start(answer, time.monotonic())
    traffic.add(peer)


async def _follow(relay: UnixRelay, loads: deque[Load]) -> None:
    async for event in relay.events():
        if isinstance(event, Load):
            loads.append(event)


async def _until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(JOIN_TIMEOUT):
        while True:
            if condition():
                return
            await asyncio.sleep(0.02)


def _received(audience: list[SimulatedPeer]) -> int:
    return sum(viewer.received for viewer in audience)


def cpu_times(pid: int) -> tuple[float, float]:
    """User and system time of a process (s), from /proc (in clock ticks, usually 10 ms)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    tick = os.sysconf("SC_CLK_TCK")
    return int(fields[11]) / tick, int(fields[12]) / tick


def resident_bytes(pid: int) -> int:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def table(runs: list[dict[str, object]]) -> str:
    columns = {
        "path": "path",
        "packets_per_second": "packets/s",
        "microseconds_per_packet_and_viewer": "µs per packet",
        "of_these_in_the_kernel": "kernel",
        "percent_of_a_core": "% of a core",
        "milliseconds_per_join": "ms per join",
        "share_delivered": "delivered",
        "seconds_to_start": "start s",
        "megabytes_resident": "MB",
    }
    lines = [tuple(columns.values()), *(tuple(str(run[key]) for key in columns) for run in runs)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join("  ".join(cell.rjust(width) for cell, width in zip(line, widths, strict=True)) for line in lines)


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fanout", description=__doc__.splitlines()[0])
    parser.add_argument("--viewers", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--path", choices=["compiled", "reference", "both"], default="both")
    parser.add_argument("--repeats", type=int, default=2)
    parser.add_argument("--output", type=Path, help="where the JSON goes (default: benchmarks/results)")
    given = parser.parse_args(arguments)
    paths = ["compiled", "reference"] if given.path == "both" else [given.path]
    runs = [asyncio.run(measure(path, given.viewers, given.seconds)) for _ in range(given.repeats) for path in paths]
    print(table(runs))
    result = {
        "what": "relay process with simulated viewers, loopback",
        "command": f"python -m benchmarks.fanout --viewers {given.viewers} --seconds {given.seconds:g} "
        f"--path {given.path} --repeats {given.repeats}",
        "machine": {
            "system": f"{platform.system()} {platform.release()} {platform.machine()}",
            "cores": os.cpu_count(),
            "python": platform.python_version(),
        },
        "runs": runs,
    }
    output = given.output or RESULTS / f"fanout-{given.path}-{given.viewers}.json"
    output.parent.mkdir(exist_ok=True)
    output.write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
