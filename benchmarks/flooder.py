"""Strangers: STUN, DTLS and RTP that nobody asked for, from many ports, to a port of this machine.

    python -m benchmarks.flooder PORT --rate 50000 --seconds 10

Loopback only; it stops by itself, and with its parent. Every datagram is of a kind that the relay must look at:
requests that name a ufrag nobody has, answers to checks nobody made, ClientHellos, RTP of unknown sources. Runs of
equal size go out with UDP_SEGMENT, so that the flood costs its sender little. Prints how many were sent.
"""

from __future__ import annotations

import argparse
import os
import random
import secrets
import socket
import struct
import time
from collections.abc import Callable

from signaling.wire import pack_binding_request

SOURCES = 64  # ports
RUN = 16  # datagrams of a run
PAUSE = 0.001  # seconds
UDP_SEGMENT = 103


def request(chance: random.Random) -> bytes:
    name = f"{chance.getrandbits(32):08x}:{chance.getrandbits(16):04x}"
    return pack_binding_request(chance.randbytes(12), name, "password", chance.getrandbits(63))


SIZE = len(request(random.Random(0)))


def success(chance: random.Random) -> bytes:
    attribute = struct.pack("!HH", 0x8022, SIZE - 24) + bytes(SIZE - 24)
    return struct.pack("!HHL", 0x0101, SIZE - 20, 0x2112A442) + chance.randbytes(12) + attribute


def hello(chance: random.Random) -> bytes:
    body = b"\x01" + struct.pack("!L", SIZE - 25)[1:] + bytes(5) + struct.pack("!L", SIZE - 25)[1:] + b"\xfe\xfd"
    record = struct.pack("!BHHHLH", 22, 0xFEFD, 0, 0, chance.getrandbits(32), SIZE - 13)
    return (record + body + chance.randbytes(SIZE))[:SIZE]


def rtp(chance: random.Random) -> bytes:
    header = struct.pack("!BBHLL", 0x80, 96, chance.getrandbits(16), chance.getrandbits(32), chance.getrandbits(32))
    return header + chance.randbytes(SIZE - len(header))


KINDS: tuple[Callable[[random.Random], bytes], ...] = (request, success, hello, rtp)


def run_of(chance: random.Random) -> bytes:
    """`RUN` datagrams of `SIZE` bytes, mixed."""
    return b"".join(KINDS[number % len(KINDS)](chance) for number in range(RUN))


def flood(port: int, rate: float, seconds: float) -> int:
    """Returns how many datagrams the kernel took."""
    chance = random.Random(secrets.randbits(64))
    sources = []
    for _ in range(SOURCES):
        source = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        source.bind(("127.0.0.1", 0))
        source.connect(("127.0.0.1", port))
        source.setsockopt(socket.SOL_UDP, UDP_SEGMENT, SIZE)
        source.setblocking(False)
        sources.append(source)
    runs = [run_of(chance) for _ in range(256)]
    parent, began, sent, turn = os.getppid(), time.monotonic(), 0, 0
    while (passed := time.monotonic() - began) < seconds and os.getppid() == parent:
        while sent < passed * rate:
            turn += 1
            try:
                sent += sources[turn % SOURCES].send(runs[chance.randrange(len(runs))]) // SIZE
            except (BlockingIOError, ConnectionError):
                break
        time.sleep(PAUSE)
    for source in sources:
        source.close()
    return sent


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.flooder", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("port", type=int)
    parser.add_argument("--rate", type=float, default=50_000.0, help="datagrams a second")
    parser.add_argument("--seconds", type=float, default=10.0)
    given = parser.parse_args()
    print(flood(given.port, given.rate, min(given.seconds, 600.0)))


if __name__ == "__main__":
    main()
