"""Both packet paths for tests, the compiled one compiled once."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable

from signaling.io.code_mmap import LOOP, Code, code_of
from signaling.io.fanout_numba import CompiledFanout
from signaling.io.libsrtp_address import locate
from signaling.io.port_udp import UdpPort
from signaling.io.srtp_pylibsrtp import ReferenceFanout
from signaling.ports import Fanout


@functools.cache
def compiled_loop() -> Code:
    return code_of(LOOP)


def compiled(port: UdpPort) -> CompiledFanout:
    return CompiledFanout(port, compiled_loop())


def compiled_without_evp(port: UdpPort) -> CompiledFanout:
    return CompiledFanout(port, compiled_loop(), dataclasses.replace(locate(), evp=None))


FANOUTS: dict[str, Callable[[UdpPort], Fanout]] = {
    "reference": ReferenceFanout,
    "compiled": compiled,
    "compiled, libsrtp": compiled_without_evp,
}
