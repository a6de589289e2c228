"""Both packet paths for tests, the compiled one compiled once."""

from __future__ import annotations

import functools
from collections.abc import Callable

from signaling.io.fanout_numba import CompiledFanout, CompiledPath, compile_path
from signaling.io.port_udp import UdpPort
from signaling.io.srtp_pylibsrtp import ReferenceFanout
from signaling.ports import Fanout

compiled_path: Callable[[], CompiledPath] = functools.cache(compile_path)


def compiled(port: UdpPort) -> CompiledFanout:
    return CompiledFanout(port, compiled_path())


FANOUTS: dict[str, Callable[[UdpPort], Fanout]] = {"reference": ReferenceFanout, "compiled": compiled}
