"""Which fan-out the relay takes, and what it says where it cannot have the compiled one."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from signaling.io import fanout_numba, packet_path
from signaling.io.fanout_numba import CompiledFanout
from signaling.io.libsrtp_address import Unavailable
from signaling.io.port_udp import UdpPort
from signaling.io.srtp_pylibsrtp import ReferenceFanout


@pytest.fixture
def port() -> Iterator[UdpPort]:
    bound = UdpPort.bind("127.0.0.1", 0)
    yield bound
    bound.close()


def test_compiled_where_it_can_be_had(port: UdpPort) -> None:
    path = packet_path.choose(port, "auto")
    assert isinstance(path.fanout, CompiledFanout)
    assert (path.name, path.missing) == ("compiled", None)
    assert "numba" in path.detail


def test_the_reference_where_it_is_asked_for(port: UdpPort) -> None:
    path = packet_path.choose(port, "reference")
    assert isinstance(path.fanout, ReferenceFanout)
    assert (path.name, path.missing) == ("reference", None)


@pytest.mark.parametrize("module", ["numba", "signaling.io.fanout_numba"])
def test_without_numba(port: UdpPort, monkeypatch: pytest.MonkeyPatch, module: str) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    path = packet_path.choose(port, "auto")
    assert path.name == "reference"
    assert path.missing is not None
    assert "numba" in path.missing
    with pytest.raises(Unavailable, match="numba"):
        packet_path.choose(port, "compiled")


def test_without_the_offload(port: UdpPort, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fanout_numba, "offload_works", lambda port: False)
    path = packet_path.choose(port, "auto")
    assert isinstance(path.fanout, ReferenceFanout)
    assert "UDP_SEGMENT" in str(path.missing)


def test_a_relay_that_must_compile_and_cannot_ends_for_good(tmp_path: Path) -> None:
    (tmp_path / "numba.py").write_text("raise ImportError('not here')\n")
    path = os.pathsep.join([str(tmp_path), *sys.path])
    settings = {"control": str(tmp_path / "control"), "udp_host": "127.0.0.1", "fanout": "compiled"}
    ended = subprocess.run(
        [sys.executable, "-m", "signaling.io.process_asyncio", msgspec.json.encode(settings)],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == os.EX_CONFIG
    assert "not here" in ended.stderr
    assert not (tmp_path / "control").exists()
