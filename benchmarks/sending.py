"""What each step of the packet path gives: encrypting and sending alone, without a relay around it.

    python -m benchmarks.sending --viewers 400 [--repeats 3]

One process sends, another one reads all sockets. Steps: the reference; the compiled loop without segmentation offload,
which lets libsrtp encrypt; with the offload; and with AES-GCM by EVP. Patterns, to each viewer every 10 ms: a packet of
sound; a frame of four packets of 1,100 bytes; a frame whose sizes differ by some bytes, as browsers cut them; a pass of
a key frame; a frame and sound, apart and as one message. The figure is the sender's user and system time for each
packet that the kernel took; everything takes turns.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import multiprocessing
import resource
import secrets
import select
import socket
import statistics
import struct
import time
from array import array
from pathlib import Path

from benchmarks.viewers.processes import machine
from signaling.io.code_mmap import LOOP, code_of
from signaling.io.fanout_numba import CompiledFanout
from signaling.io.libsrtp_address import locate
from signaling.io.port_udp import UdpPort
from signaling.io.srtp_pylibsrtp import ReferenceFanout
from signaling.ports import Fanout, SrtpKeys

RESULTS = Path(__file__).parent / "results"
SO_NO_CHECK = 11  # of Linux: without checksums the kernel refuses the offload, and the fan-out goes on without it
PERIOD = 1  # of every packet
SOUND, FULL = 110, 1_100  # bytes
PATTERNS: dict[str, tuple[tuple[int, ...], ...]] = {
    "sound": ((SOUND,),),
    "frame": ((FULL,) * 4,),
    "frame, unequal": ((1_080, 1_095, 1_096, 1_096),),
    "key frame's pass": ((FULL,) * 8,),
    "frame and sound": ((SOUND,), (FULL,) * 4),
    "frame with sound": ((-SOUND,), (FULL,) * 4),
}
"""Sizes of the packets of each call of `send`; below zero: held for what is sent next."""
SLICE = 256  # packets times viewers of a call, as in the relay
SENDS = 30
EVERY = 0.01  # seconds
STEPS = ("reference", "compiled", "compiled, offload", "compiled, offload, EVP")


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
    loop, calls = code_of(LOOP), locate()
    libsrtp = dataclasses.replace(calls, evp=None)
    fanouts: dict[str, Fanout] = {}
    for step in STEPS:
        port = UdpPort.bind("127.0.0.1", 0)
        if step == "compiled":
            port.socket.setsockopt(socket.SOL_SOCKET, SO_NO_CHECK, 1)
        if step == "reference":
            fanouts[step] = ReferenceFanout(port)
        else:
            fanouts[step] = CompiledFanout(port, loop, calls if step.endswith("EVP") else libsrtp)
        for one in sockets:
            viewer = fanouts[step].add(SrtpKeys("SRTP_AEAD_AES_128_GCM", secrets.token_bytes(28)), one.getsockname())
            fanouts[step].mark(viewer, PERIOD, viewer + 1)
    found: dict[tuple[str, str], list[tuple[float, float]]] = {(step, one): [] for step in STEPS for one in PATTERNS}
    number = 0
    for repeat in range(repeats + 1):
        for (step, pattern), figures in found.items():
            figure, number = _send(fanouts[step], PATTERNS[pattern], viewers, number)
            if repeat:  # the first time warms up, and lets the kernel refuse the offload where it shall
                figures.append(figure)
    reader.kill()
    return [
        {
            "step": step,
            "pattern": pattern,
            "microseconds": [round(user + kernel, 2) for user, kernel in figures],
            "kernel": [round(kernel, 2) for _, kernel in figures],
        }
        for (step, pattern), figures in found.items()
    ]


def _send(
    fanout: Fanout, pattern: tuple[tuple[int, ...], ...], viewers: int, number: int
) -> tuple[tuple[float, float], int]:
    """User and system time of a packet, µs; and the next number."""
    everyone, offsets = array("i", range(viewers)), array("i", bytes(4 * viewers))
    taken, began = 0, resource.getrusage(resource.RUSAGE_SELF)
    for _ in range(SENDS):
        for sizes in pattern:
            packets = tuple(_packet(number + place, abs(size)) for place, size in enumerate(sizes))
            number += len(packets)
            if sizes[0] < 0:
                fanout.hold(packets[0], everyone, offsets)
                continue
            step = SLICE // len(packets)
            for first in range(0, viewers, step):
                taken += fanout.send(packets, everyone[first : first + step], offsets[first : first + step])
        time.sleep(EVERY)
    ended = resource.getrusage(resource.RUSAGE_SELF)
    scale = 1e6 / max(taken, 1)
    return ((ended.ru_utime - began.ru_utime) * scale, (ended.ru_stime - began.ru_stime) * scale), number


def _packet(number: int, size: int) -> bytes:
    return struct.pack("!BBHLLL", 0x81, 96, number & 0xFFFF, 90 * number & 0xFFFFFFFF, 7, PERIOD) + bytes(size - 16)


def _socket() -> socket.socket:
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    made.bind(("127.0.0.1", 0))
    made.setblocking(False)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
    return made


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.sending", description=__doc__.splitlines()[0])
    parser.add_argument("--viewers", type=int, default=400)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--output", type=Path, help="where the JSON goes (default: benchmarks/results)")
    given = parser.parse_args(arguments)
    about = machine()
    steps = measure(given.viewers, given.repeats)
    for one in steps:
        figures = one["microseconds"]
        assert isinstance(figures, list)
        print(f"{one['step']:>22}  {one['pattern']:>16}  {statistics.median(figures):5.2f} µs  {figures}")
    result = {
        "what": "encrypting and sending alone, loopback, CPU of the sender per packet and viewer",
        "command": f"python -m benchmarks.sending --viewers {given.viewers} --repeats {given.repeats}",
        "machine": about,
        "steps": steps,
    }
    output = given.output or RESULTS / f"sending-{given.viewers}.json"
    output.parent.mkdir(exist_ok=True)
    output.write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
