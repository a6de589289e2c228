"""What each step of the packet path gives: encrypting and sending alone, without a relay around it.

    python -m benchmarks.sending --viewers 200 [--repeats 3]

One process sends, another one reads all sockets. Steps: the reference; the compiled loop without segmentation offload;
with it. Runs of one packet (sound) and of four (a frame) of 1,100 bytes to each viewer, every 10 ms. The figure is the
sender's user and system time for each packet that the kernel took; the steps take turns.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import platform
import secrets
import select
import socket
import statistics
import struct
import time
from array import array
from pathlib import Path

from signaling.io.code_mmap import LOOP, code_of
from signaling.io.fanout_numba import CompiledFanout
from signaling.io.port_udp import UdpPort
from signaling.io.srtp_pylibsrtp import ReferenceFanout
from signaling.ports import Fanout, SrtpKeys

RESULTS = Path(__file__).parent / "results"
SO_NO_CHECK = 11  # of Linux: without checksums the kernel refuses the offload, and the fan-out goes on without it
PERIOD = 1  # of every packet
RUNS = (1, 4)
SENDS = 40
EVERY = 0.01  # seconds
STEPS = ("reference", "compiled", "compiled, offload")


def read(sockets: list[socket.socket]) -> None:
    """The receivers' process, until it is killed."""
    poll, known = select.epoll(), {one.fileno(): one for one in sockets}
    for descriptor in known:
        poll.register(descriptor, select.EPOLLIN)
    while True:
        for descriptor, _ in poll.poll():
            try:
                while True:
                    known[descriptor].recv(2048)
            except BlockingIOError:
                continue


def measure(viewers: int, repeats: int) -> list[dict[str, object]]:
    sockets = [_socket() for _ in range(viewers)]
    reader = multiprocessing.get_context("fork").Process(target=read, args=(sockets,), daemon=True)
    reader.start()
    loop = code_of(LOOP)
    fanouts: dict[str, Fanout] = {}
    for step in STEPS:
        port = UdpPort.bind("127.0.0.1", 0)
        if step == "compiled":
            port.socket.setsockopt(socket.SOL_SOCKET, SO_NO_CHECK, 1)
        fanouts[step] = ReferenceFanout(port) if step == "reference" else CompiledFanout(port, loop)
        for one in sockets:
            viewer = fanouts[step].add(SrtpKeys("SRTP_AEAD_AES_128_GCM", secrets.token_bytes(28)), one.getsockname())
            fanouts[step].mark(viewer, PERIOD, viewer + 1)
    found: dict[tuple[str, int], list[float]] = {(step, run): [] for step in STEPS for run in RUNS}
    number = 0
    for repeat in range(repeats + 1):
        for (step, run), figures in found.items():
            figure = _send(fanouts[step], run, viewers, number)
            number += SENDS * run
            if repeat:  # the first time warms up, and lets the kernel refuse the offload where it shall
                figures.append(figure)
    reader.kill()
    return [
        {"step": step, "packets_a_run": run, "microseconds": [round(one, 2) for one in figures]}
        for (step, run), figures in found.items()
    ]


def _send(fanout: Fanout, run: int, viewers: int, number: int) -> float:
    everyone, offsets = array("i", range(viewers)), array("i", bytes(4 * viewers))
    taken, began = 0, time.process_time()
    for turn in range(SENDS):
        first = number + turn * run
        taken += fanout.send([_packet(one) for one in range(first, first + run)], everyone, offsets)
        time.sleep(EVERY)
    return 1e6 * (time.process_time() - began) / max(taken, 1)


def _packet(number: int) -> bytes:
    return struct.pack("!BBHLLL", 0x81, 96, number & 0xFFFF, 90 * number & 0xFFFFFFFF, 7, PERIOD) + bytes(1_084)


def _socket() -> socket.socket:
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    made.bind(("127.0.0.1", 0))
    made.setblocking(False)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
    return made


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.sending", description=__doc__.splitlines()[0])
    parser.add_argument("--viewers", type=int, default=200)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--output", type=Path, help="where the JSON goes (default: benchmarks/results)")
    given = parser.parse_args(arguments)
    load = os.getloadavg()[0]
    steps = measure(given.viewers, given.repeats)
    for one in steps:
        figures = one["microseconds"]
        assert isinstance(figures, list)
        print(f"{one['step']:>18}  {one['packets_a_run']} in a run  {statistics.median(figures):5.2f} µs  {figures}")
    result = {
        "what": "encrypting and sending alone, loopback, CPU of the sender per packet and viewer",
        "command": f"python -m benchmarks.sending --viewers {given.viewers} --repeats {given.repeats}",
        "machine": {
            "system": f"{platform.system()} {platform.release()} {platform.machine()}",
            "cores": os.cpu_count(),
            "python": platform.python_version(),
            "load_before": round(load, 2),
        },
        "steps": steps,
    }
    output = given.output or RESULTS / f"sending-{given.viewers}.json"
    output.parent.mkdir(exist_ok=True)
    output.write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
