"""The relay's process: one UDP port, one control socket, one thread.

Started by exec (`python -m signaling.io.process_asyncio SETTINGS-AS-JSON`), never by fork, and ends with its parent.
The loop reads at most 64 datagrams, then sends for about a millisecond, then looks at everything else again, so that
audio, checks and commands are served between the slices of a key frame for a whole audience.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import ipaddress
import logging
import os
import random
import signal
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import ParamSpec

import msgspec
import structlog

from signaling.control import ToRelay
from signaling.io.control_server_unix import ControlServer
from signaling.io.dtls_pyopenssl import DtlsIdentity
from signaling.io.libsrtp_address import Unavailable
from signaling.io.packet_path import Wanted, choose
from signaling.io.port_udp import UdpPort
from signaling.io.shell import Shell
from signaling.ports import Address
from signaling.relay.limits import Limits
from signaling.relay.relay import Relay

READS = 64  # datagrams per turn of the loop
GATHER = 0.001  # seconds that what was read waits for the rest of its frame: one run of segments costs a half of two
SENDING = 0.001  # seconds of sending per turn of the loop
TICK = 0.02  # seconds
PARENT_CHECK = 1.0  # seconds
LOGGED_FAULTS = 100

P = ParamSpec("P")

_log = logging.getLogger(__name__)


class RelaySettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`control` is the Unix socket's path. The port is bound here (`udp_host` empty: every address), unless
    `udp_descriptor` names a bound socket that was inherited. `advertise` empty: found out. `parent` is the process
    that this one ends with; 0 means the one that started it. `fanout` is the packet path that is wanted."""

    control: str
    udp_host: str = ""
    udp_port: int = 0
    udp_descriptor: int | None = None
    advertise: tuple[str, ...] = ()
    parent: int = 0
    fanout: Wanted = "reference"
    limits: Limits = Limits()


class RelayProcess:
    def __init__(self, settings: RelaySettings) -> None:
        self._settings = settings
        if settings.udp_descriptor is None:
            self._port = UdpPort.bind(settings.udp_host, settings.udp_port)
        else:
            self._port = UdpPort.inherit(settings.udp_descriptor)
        path = choose(self._port, settings.fanout)
        if path.missing is not None:
            _log.warning("packet path: %s, for the compiled one cannot be had: %s", path.name, path.missing)
        _log.info("packet path: %s (%s)", path.name, path.detail)
        self._slice = path.slice
        identity = DtlsIdentity()
        addresses = advertised(settings.advertise, self._port.host, self._port.number)
        epoch = time.time() - time.monotonic()
        relay = Relay(identity.fingerprint, addresses, random.SystemRandom(), settings.limits, epoch=epoch)
        self._control = ControlServer(Path(settings.control), self._command)
        self._shell = Shell(
            relay,
            relay.schedule,
            self._port,
            path.fanout,
            identity,
            self._control.send,
            time.process_time,
        )
        self._parent = settings.parent or os.getppid()
        self._stopping = asyncio.Event()
        self._sending = False
        self._faults = 0

    async def run(self) -> None:
        """Until SIGTERM or SIGINT, or until the parent is gone."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stopping.set)
        await self._control.start()
        loop.add_reader(self._port.fileno(), self._readable)
        gc.collect()
        gc.freeze()  # what lives from here on is small; the rest is never scanned again
        _log.info("relay listens on UDP port %d", self._port.number)
        async with asyncio.TaskGroup() as tasks:
            clock = tasks.create_task(self._ticks(), name="relay clock")
            guard = tasks.create_task(self._watch_parent(), name="relay parent")
            await self._stopping.wait()
            clock.cancel()
            guard.cancel()
        loop.remove_reader(self._port.fileno())
        self._shell.shut_down(time.monotonic())
        await self._control.close()
        self._port.close()

    def _readable(self) -> None:
        for _ in range(READS):
            received = self._port.receive()
            if received is None:
                break
            self._guarded(self._shell.datagram, received[0], received[1], time.monotonic())
        self._begin_sending(GATHER)

    def _command(self, message: ToRelay) -> None:
        self._guarded(self._shell.command, message, time.monotonic())
        self._begin_sending()

    def _guarded(self, feed: Callable[P, None], *arguments: P.args, **named: P.kwargs) -> None:
        """A fault of ours that one datagram brings out must not end the lecture for everybody else. The first ones are
        logged in full; a fault in every packet must not fill the disk."""
        try:
            feed(*arguments, **named)
        except Exception:
            self._faults += 1
            if self._faults <= LOGGED_FAULTS:
                _log.exception("fault %d in the relay", self._faults)

    def _begin_sending(self, after: float = 0.0) -> None:
        if not self._sending:
            self._sending = True
            asyncio.get_running_loop().call_later(after, self._send)

    def _send(self) -> None:
        self._sending = False
        until = time.monotonic() + SENDING
        while self._shell.send_slice(self._slice):
            if time.monotonic() >= until:
                self._begin_sending()
                return

    async def _ticks(self) -> None:
        while True:
            await asyncio.sleep(TICK)
            self._guarded(self._shell.tick, time.monotonic())
            self._begin_sending()

    async def _watch_parent(self) -> None:
        while not self._stopping.is_set():
            if os.getppid() != self._parent:
                _log.warning("the parent process is gone: the relay ends")
                self._stopping.set()
            await asyncio.sleep(PARENT_CHECK)


def advertised(configured: tuple[str, ...], host: str, port: int) -> tuple[Address, ...]:
    """The candidates, best first: as configured, else the bound address, else the addresses of the default routes."""
    if configured:
        return tuple((str(ipaddress.ip_address(one)), port) for one in configured)
    if not ipaddress.ip_address(host).is_unspecified:
        return ((host, port),)
    found = [
        _route(socket.AF_INET, "192.0.2.1"),  # nothing is sent: connecting a datagram socket only looks up the route
        _route(socket.AF_INET6, "2001:db8::1") if ":" in host else None,
    ]
    return tuple((one, port) for one in found if one is not None) or (("127.0.0.1", port),)


def _route(family: socket.AddressFamily, destination: str) -> str | None:
    with socket.socket(family, socket.SOCK_DGRAM) as probe, contextlib.suppress(OSError):
        probe.connect((destination, 9))
        return str(probe.getsockname()[0])
    return None


def _configure_logging() -> None:
    """JSON lines on the standard error output, as the web process writes them."""
    shared: list[structlog.typing.Processor] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso"),
    ]
    handler = logging.StreamHandler()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                structlog.processors.JSONRenderer(ensure_ascii=False),
            ],
        )
    )
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    logging.getLogger("numba").setLevel(logging.WARNING)


def main(arguments: list[str] | None = None) -> None:
    given = sys.argv[1:] if arguments is None else arguments
    if len(given) != 1:
        raise SystemExit("usage: python -m signaling.io.process_asyncio SETTINGS-AS-JSON")
    try:
        settings = msgspec.json.decode(given[0], type=RelaySettings)
    except msgspec.MsgspecError as error:
        raise SystemExit(f"relay settings: {error}") from None
    _configure_logging()

    async def run() -> None:
        await RelayProcess(settings).run()

    try:
        asyncio.run(run())
    except Unavailable as error:
        _log.error("the compiled packet path is asked for and cannot be had: %s", error)
        raise SystemExit(os.EX_CONFIG) from None


if __name__ == "__main__":
    main()
