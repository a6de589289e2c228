"""Debian's Janus with its streaming plugin, and WHEP before it."""

from __future__ import annotations

import contextlib
import shutil
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

from benchmarks.peers.network import Network
from benchmarks.peers.subject import Subject, free_ports, listens
from benchmarks.peers.whep_janus import MOUNTPOINT, PATH
from tests.servers.process import running

ROOT = Path(__file__).parents[2]
EVENT_LOOPS = 2
OPUS, VP8 = 111, 96

# Every other plugin, transport and event handler stays out: their threads would be counted. Replies to NACKs come from
# the buffer that Janus has by default.
GENERAL = """
general: {{
    configs_folder = "{folder}"
    interface = "{address}"
    debug_level = 3
    debug_colors = false
    event_loops = {event_loops}
    server_name = "comparison"
}}
media: {{ ipv6 = false }}
nat: {{
    ice_lite = true
    ice_enforce_list = "{address}"
}}
plugins: {{ disable = "{plugins}" }}
transports: {{ disable = "{transports}" }}
loggers: {{ disable = "{loggers}" }}
events: {{ broadcast = false }}
"""
WEBSOCKETS = """
general: {{
    ws = true
    ws_port = {port}
    ws_ip = "{address}"
    wss = false
}}
"""
STREAMING = """
lecture: {{
    type = "rtp"
    id = {mountpoint}
    media = (
        {{ type = "audio", mid = "a", port = {audio}, iface = "{address}", pt = {opus}, codec = "opus" }},
        {{ type = "video", mid = "v", port = {video}, iface = "{address}", pt = {vp8}, codec = "vp8" }}
    )
}}
"""


@contextlib.contextmanager
def relay(folder: Path, network: Network) -> Iterator[Subject]:
    program = shutil.which("janus")
    if program is None:
        raise RuntimeError("janus is not installed: make bench-peers installs it")
    socket_port, whep_port = free_ports(2, socket.SOCK_STREAM)
    audio, video = free_ports(2, socket.SOCK_DGRAM)
    _configure(folder, program, network.address, socket_port, audio, video)
    janus = [*network.before, program, "--configs-folder", str(folder)]
    whep = [sys.executable, "-m", "benchmarks.peers.whep_janus", "--janus", f"ws://{network.address}:{socket_port}"]
    whep += ["--address", network.address, "--port", str(whep_port)]
    with (
        running(janus, folder / "janus.log", lambda: listens(network.address, socket_port)) as server,
        running(
            [*network.before, "env", f"PYTHONPATH={ROOT}", *whep],
            folder / "whep.log",
            lambda: listens(network.address, whep_port),
        ) as signaling,
    ):
        yield Subject(
            name="janus",
            whep=f"http://{network.address}:{whep_port}{PATH}",
            relay=server.pid,
            signaling=(signaling.pid,),
            rtp=(audio, video),
        )


def _configure(folder: Path, program: str, address: str, port: int, audio: int, video: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    general = GENERAL.format(
        folder=folder,
        address=address,
        event_loops=EVENT_LOOPS,
        plugins=_all_but(program, "plugins", "libjanus_streaming.so"),
        loggers=_all_but(program, "loggers", ""),
        transports=_all_but(program, "transports", "libjanus_websockets.so"),
    )
    (folder / "janus.jcfg").write_text(general)
    (folder / "janus.transport.websockets.jcfg").write_text(WEBSOCKETS.format(port=port, address=address))
    streaming = STREAMING.format(mountpoint=MOUNTPOINT, audio=audio, video=video, address=address, opus=OPUS, vp8=VP8)
    (folder / "janus.plugin.streaming.jcfg").write_text(streaming)


def _all_but(program: str, kind: str, wanted: str) -> str:
    """Names of the modules of a kind that are installed beside the program, without one."""
    found = Path(program).parents[1].glob(f"lib/*/janus/{kind}/libjanus_*.so")
    return ",".join(sorted(path.name for path in found if path.name != wanted))
