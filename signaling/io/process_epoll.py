"""The relay's process: one UDP port, one control socket, one thread.

Started by exec (`python -m signaling.io.process_epoll SETTINGS-AS-JSON`), never by fork, and ends with its parent.
Media goes in turns (`turns.py`), each a few milliseconds at most; between them the control socket is served. The port
ends a rest only where nothing had been heard for a turn: under load the turns come by the clock. There is no event loop
(docs/decisions/own-waiting.md).
"""

from __future__ import annotations

import contextlib
import gc
import ipaddress
import logging
import os
import random
import select
import signal
import socket
import sys
import time
from pathlib import Path

import msgspec
import structlog

from signaling.control import ToRelay
from signaling.io.code_mmap import INTAKE, code_of
from signaling.io.control_server_unix import ControlServer
from signaling.io.dtls_pyopenssl import DtlsIdentity
from signaling.io.intake import Intake, ReferenceIntake
from signaling.io.intake_recvmmsg import CompiledIntake, recvmmsg_address
from signaling.io.libsrtp_address import Unavailable
from signaling.io.packet_path import Wanted, choose
from signaling.io.port_udp import UdpPort
from signaling.io.shell import Shell
from signaling.io.turns import Rest, Turns
from signaling.ports import Address
from signaling.relay.limits import Limits
from signaling.relay.relay import Relay

PARENT_CHECK = 1.0  # seconds
LOGGED_FAULTS = 100
GARBAGE_EVERY = (5_000, 5, 1_000)  # objects, and times: peers are freed without it, and a whole scan takes too long
NICE = -10  # where this process may: while a thousand pages are opened at once, media goes before pages

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
    fanout: Wanted = "auto"
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
        intake = choose_intake(self._port, settings)
        identity = DtlsIdentity()
        addresses = advertised(settings.advertise, self._port.host, self._port.number)
        epoch = time.time() - time.monotonic()
        relay = Relay(
            identity.fingerprint, addresses, random.SystemRandom(), settings.limits, epoch=epoch, allowed=intake
        )
        self._control = ControlServer(Path(settings.control), self._command)
        self._shell = Shell(
            relay,
            relay.schedule,
            self._port,
            intake,
            path.fanout,
            identity,
            self._control.send,
            time.process_time,
        )
        self._turns = Turns(self._shell, intake, path.slice, time.monotonic, self._failed)
        self._poll = select.epoll()  # for the port, and for what the control socket waits for
        self._parent = settings.parent or os.getppid()
        self._parent_at = 0.0
        self._stopping = False
        self._faults = 0

    def run(self) -> None:
        """Until SIGTERM or SIGINT, or until the parent is gone."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)
        self._control.start()
        self._poll.register(self._control, select.EPOLLIN)
        self._poll.register(self._port, select.EPOLLIN)
        gc.collect()
        gc.freeze()  # what is here is never scanned again
        gc.set_threshold(*GARBAGE_EVERY)
        _log.info("relay listens on UDP port %d", self._port.number)
        while not self._stopping:
            self._wait(self._turns.turn())
            self._watch_parent(time.monotonic())
        self._shell.shut_down(time.monotonic())
        self._control.close()
        self._port.close()

    def _wait(self, rest: Rest) -> None:
        if not rest.listening:
            self._control.serve(rest.seconds)
            return
        ready = self._poll.poll(0.0 if self._control.waiting else rest.seconds)
        if self._control.waiting or any(descriptor == self._control.fileno() for descriptor, _ in ready):
            self._control.serve()

    def _stop(self, *_: object) -> None:
        self._stopping = True

    def _command(self, message: ToRelay) -> None:
        try:
            self._shell.command(message, time.monotonic())
        except Exception as error:
            self._failed(error)

    def _failed(self, error: Exception) -> None:
        """The first faults are logged in full; a fault in every packet must not fill the disk."""
        self._faults += 1
        if self._faults <= LOGGED_FAULTS:
            _log.error("fault %d in the relay", self._faults, exc_info=error)

    def _watch_parent(self, now: float) -> None:
        if now < self._parent_at:
            return
        self._parent_at = now + PARENT_CHECK
        if os.getppid() != self._parent:
            _log.warning("the parent process is gone: the relay ends")
            self._stopping = True


def choose_intake(port: UdpPort, settings: RelaySettings) -> Intake:
    """The compiled one where the packet path is to be compiled and this machine can. Raises `Unavailable`."""
    if settings.fanout == "reference":
        return ReferenceIntake(port)
    peers = settings.limits.viewers + settings.limits.publications
    try:
        return CompiledIntake(port, code_of(INTAKE).run, recvmmsg_address(), peers)
    except Unavailable as error:
        if settings.fanout == "compiled":
            raise
        _log.warning("datagrams are read one by one: %s", error)
        return ReferenceIntake(port)


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
        raise SystemExit("usage: python -m signaling.io.process_epoll SETTINGS-AS-JSON")
    try:
        settings = msgspec.json.decode(given[0], type=RelaySettings)
    except msgspec.MsgspecError as error:
        raise SystemExit(f"relay settings: {error}") from None
    _configure_logging()
    with contextlib.suppress(OSError):  # an ordinary user may not, unless the unit says so (LimitNICE)
        os.setpriority(os.PRIO_PROCESS, 0, min(NICE, os.getpriority(os.PRIO_PROCESS, 0)))

    try:
        RelayProcess(settings).run()
    except Unavailable as error:
        _log.error("the compiled packet path is asked for and cannot be had: %s", error)
        raise SystemExit(os.EX_CONFIG) from None


if __name__ == "__main__":
    main()
