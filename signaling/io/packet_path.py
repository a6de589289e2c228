"""Which `Fanout` sends the packets: the compiled one where this machine can, else the reference. Chosen at start.

"auto" falls back and says why; "compiled" raises instead; "reference" asks for the reference.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import pylibsrtp

from signaling.io.code_mmap import LOOP, code_of
from signaling.io.fanout_numba import CompiledFanout, offload_works
from signaling.io.libsrtp_address import Unavailable, locate
from signaling.io.port_udp import UdpPort
from signaling.io.srtp_pylibsrtp import ReferenceFanout
from signaling.ports import Fanout

Wanted = Literal["auto", "compiled", "reference"]

REFERENCE_SLICE = 64
COMPILED_SLICE = 512
"""Sends (packets times viewers) between two looks at the clock: about a millisecond of its path; to 2 ms where each
packet is a run of its own."""


@dataclass(frozen=True, slots=True)
class PacketPath:
    """`name` is "compiled" or "reference"; `detail` is for people. `missing`: why "auto" had to fall back, or None."""

    fanout: Fanout
    name: str
    slice: int
    detail: str
    missing: str | None = None


def choose(port: UdpPort, wanted: Wanted) -> PacketPath:
    """Raises `Unavailable` where "compiled" cannot be had. Compiles, two seconds, where no earlier start has."""
    if wanted == "reference":
        return _reference(port, None)
    try:
        return _compiled(port)
    except Unavailable as error:
        if wanted == "compiled":
            raise
        return _reference(port, str(error))


def _reference(port: UdpPort, missing: str | None) -> PacketPath:
    detail = f"pylibsrtp {pylibsrtp.__version__}"
    return PacketPath(ReferenceFanout(port), "reference", REFERENCE_SLICE, detail, missing)


def _compiled(port: UdpPort) -> PacketPath:
    if not offload_works(port):
        raise Unavailable("this kernel has no UDP_SEGMENT (Linux 4.18 and newer have)")
    calls, loop = locate(), code_of(LOOP)
    cipher = "EVP" if calls.evp else "libsrtp"
    detail = f"pylibsrtp {pylibsrtp.__version__}, AES-GCM by {cipher}, loop {loop.origin} in {loop.seconds:.3f} s"
    return PacketPath(CompiledFanout(port, loop, calls), "compiled", COMPILED_SLICE, detail)
