"""The relay of benchmarks/peers/pion, built with Debian's Go and Pion."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

from benchmarks.peers.network import Network
from benchmarks.peers.subject import Subject, free_ports, listens
from tests.servers.process import running

SOURCE = Path(__file__).with_name("pion") / "main.go"
LIBRARIES = Path("/usr/share/gocode")  # where Debian's packages of Go libraries are
BUILD_SECONDS = 300


def build(folder: Path) -> Path:
    """The program, built anew (some seconds)."""
    compiler = shutil.which("go")
    if compiler is None or not (LIBRARIES / "src/github.com/pion/webrtc").is_dir():
        raise RuntimeError("Go or Pion is not installed: make bench-peers installs them")
    program = folder / "pion-relay"
    environment = {
        **os.environ,
        "GO111MODULE": "off",
        "GOPATH": str(LIBRARIES),
        "GOCACHE": str(folder / "cache"),
        "GOFLAGS": "",
    }
    subprocess.run(
        [compiler, "build", "-o", str(program), str(SOURCE)], env=environment, check=True, timeout=BUILD_SECONDS
    )
    return program


@contextlib.contextmanager
def relay(folder: Path, network: Network, program: Path, *, interceptors: bool) -> Iterator[Subject]:
    (http,) = free_ports(1, socket.SOCK_STREAM)
    media, audio, video = free_ports(3, socket.SOCK_DGRAM)
    ports = {"http": http, "media": media, "audio": audio, "video": video}
    command = [str(program), "--address", network.address, f"--interceptors={str(interceptors).lower()}"]
    command += [word for name, port in ports.items() for word in (f"--{name}", str(port))]
    folder.mkdir(parents=True, exist_ok=True)
    log = folder / "pion.log"
    with running([*network.before, *command], log, lambda: listens(network.address, http)) as server:
        yield Subject(
            name="pion" if interceptors else "pion-bare",
            whep=f"http://{network.address}:{http}/whep",
            relay=server.pid,
            rtp=(audio, video),
        )
