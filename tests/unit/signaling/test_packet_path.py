"""Which fan-out the relay takes, and what it says where it cannot have the compiled one."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from signaling.io import packet_path
from signaling.io.fanout_numba import CompiledFanout
from signaling.io.libsrtp_address import Unavailable
from signaling.io.port_udp import UdpPort
from signaling.io.process_epoll import RelaySettings
from signaling.io.srtp_pylibsrtp import ReferenceFanout


def no_code(module: str) -> None:
    raise Unavailable(f"numba cannot compile {module}")


def test_compiled_where_it_can_be_had(port: UdpPort) -> None:
    path = packet_path.choose(port, RelaySettings(control="").fanout)
    assert isinstance(path.fanout, CompiledFanout)
    assert (path.name, path.missing) == ("compiled", None)


def test_the_reference_where_it_is_asked_for(port: UdpPort) -> None:
    path = packet_path.choose(port, "reference")
    assert isinstance(path.fanout, ReferenceFanout)
    assert (path.name, path.missing) == ("reference", None)


def test_where_it_cannot_be_compiled(port: UdpPort, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packet_path, "code_of", no_code)
    path = packet_path.choose(port, "auto")
    assert path.name == "reference"
    assert path.missing is not None
    assert "numba" in path.missing
    with pytest.raises(Unavailable, match="numba"):
        packet_path.choose(port, "compiled")


def test_without_the_offload(port: UdpPort, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packet_path, "offload_works", lambda port: False)
    path = packet_path.choose(port, "auto")
    assert isinstance(path.fanout, ReferenceFanout)
    assert "UDP_SEGMENT" in str(path.missing)


def test_a_relay_on_the_compiled_path_has_neither_numba_nor_llvm_nor_numpy_in_it() -> None:
    program = """
import sys
import signaling.io.process_epoll
from signaling.io.packet_path import choose
from signaling.io.port_udp import UdpPort
name = choose(UdpPort.bind("127.0.0.1", 0), "compiled").name
print(name, {one.partition(".")[0] for one in sys.modules} & {"numba", "llvmlite", "numpy"})
"""
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert ended.stdout.split() == ["compiled", "set()"]


def test_a_relay_that_must_compile_and_cannot_ends_for_good(tmp_path: Path) -> None:
    (tmp_path / "pylibsrtp.py").write_text(
        "import importlib.util, sys\n"
        f"sys.path.remove({str(tmp_path)!r}); del sys.modules['pylibsrtp']\n"
        "import pylibsrtp\n"
        "del pylibsrtp._binding\n"
    )
    path = os.pathsep.join([str(tmp_path), *sys.path])
    settings = {"control": str(tmp_path / "control"), "udp_host": "127.0.0.1", "fanout": "compiled"}
    ended = subprocess.run(
        [sys.executable, "-m", "signaling.io.process_epoll", msgspec.json.encode(settings)],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == os.EX_CONFIG
    assert "_binding" in ended.stderr
    assert not (tmp_path / "control").exists()
