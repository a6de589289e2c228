"""The parent of `classroom serve`: owns the sockets, starts web process and relay, and restarts either alone.

Theory of operation: the parent binds the HTTP and the UDP port once and passes them on by exec, so that a child that
dies leaves the port open: connections wait in the kernel for its successor. It does nothing else, so there is little
that could end it. Children end with it, whatever ends it: Linux kills them (PR_SET_PDEATHSIG). The web child writes its
URL into a pipe when it is ready. On SIGTERM or SIGINT the web process drains first (it tells pages and flushes
facts), the relay after it.
"""

from __future__ import annotations

import ctypes
import errno
import logging
import os
import resource
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

import msgspec

from classroom.errors import SettingsError
from classroom.io.logs_structlog import configure
from classroom.settings import load
from signaling.io.port_udp import UdpPort

PR_SET_PDEATHSIG = 1
FIRST_PAUSE, LONGEST_PAUSE = 0.05, 5.0
STEADY = 10.0
"""Seconds after which a child that dies is restarted at once again."""
STOP_WITHIN = 12.0
FATAL = 78
"""Exit status of a child that starting again cannot help (EX_CONFIG); it has said why."""
BIND_WITHIN = 3.0
BACKLOG = 2_048
"""Connections that wait until they are accepted: some hundred members, whose browsers open several each, in the same
moment. One that finds no room is tried again by its kernel, a second later."""

CONTROL = "relay.sock"
LONGEST_PATH = 100
FILES = 65_536

_log = logging.getLogger(__name__)


class Start(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the web process is given: descriptors of the listening socket and of the pipe to write its URL into when it
    is ready, the path of the relay's control socket, and the configuration file."""

    http: int
    ready: int
    control: str
    config: str | None = None


def bind_http(host: str, port: int) -> socket.socket:
    """A listening TCP socket. A predecessor that is just ending is waited for; raises `SettingsError`."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except OSError as error:
        raise SettingsError(f"CLASSROOM_HTTP_HOST: {host!r} is no address of this machine: {error}") from error
    deadline = time.monotonic() + BIND_WITHIN
    while True:
        listening = socket.socket(family, kind, protocol)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind(address)
            listening.listen(BACKLOG)
        except OSError as error:
            listening.close()
            if error.errno != errno.EADDRINUSE or time.monotonic() > deadline:
                raise SettingsError(f"CLASSROOM_HTTP_PORT: cannot listen on {host}:{port}: {error.strerror}") from error
            time.sleep(0.05)
        else:
            return listening


@dataclass(slots=True)
class Child:
    """A program that is kept running. `descriptors` are inherited."""

    name: str
    arguments: Sequence[str]
    descriptors: tuple[int, ...]
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    pause: float = FIRST_PAUSE
    due: float = 0.0
    environment: dict[str, str] = field(default_factory=dict)

    def start(self) -> None:
        self.process = subprocess.Popen(  # noqa: S603 - our own program
            list(self.arguments),
            pass_fds=self.descriptors,
            stdin=subprocess.DEVNULL,
            env={**os.environ, **self.environment},
            preexec_fn=_die_with(os.getpid()),
        )
        self.started = time.monotonic()

    def look(self) -> int | None:
        """Its exit status where it has ended since; then `due` says when to start it again: at once where it ran for a
        while, later and later where it did not."""
        if self.process is None or self.process.poll() is None:
            return None
        _log.error("%s ended with status %d", self.name, self.process.returncode)
        now = time.monotonic()
        self.pause = FIRST_PAUSE if now - self.started > STEADY else min(2 * self.pause, LONGEST_PAUSE)
        self.due = now + (0 if now - self.started > STEADY else self.pause)
        status: int = self.process.returncode
        self.process = None
        return status


class Parent:
    """Runs children until SIGTERM or SIGINT, then ends them in the order given. The first line that comes out of the
    pipe `ready` is printed."""

    def __init__(self, children: Sequence[Child], ready: int) -> None:
        self._children = children
        self._ready: int | None = ready
        self._stop = False
        self._wake_read, self._wake_write = os.pipe()
        os.set_blocking(self._wake_write, False)

    def run(self) -> int:
        """Returns the exit status."""
        signal.set_wakeup_fd(self._wake_write, warn_on_full_buffer=False)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stopping)
        signal.signal(signal.SIGCHLD, _noted)
        while not self._stop:
            now = time.monotonic()
            for child in self._children:
                if child.look() == FATAL:
                    self._end()
                    return 1
                if child.process is None and child.due <= now:
                    child.start()
            self._wait()
        return self._end()

    def _wait(self) -> None:
        waiting = [child.due for child in self._children if child.process is None]
        timeout = None if not waiting else max(0.0, min(waiting) - time.monotonic())
        descriptors = [self._wake_read] if self._ready is None else [self._wake_read, self._ready]
        readable, _, _ = select.select(descriptors, [], [], timeout)
        if self._wake_read in readable:
            os.read(self._wake_read, 4096)
        if self._ready is not None and self._ready in readable:
            sys.stdout.write(os.read(self._ready, 4096).decode())
            sys.stdout.flush()
            self._ready = None  # said once; a web process that is started again comes back in silence

    def _end(self) -> int:
        status = 0
        for child in self._children:
            if child.process is None:
                continue
            child.process.terminate()
            try:
                child.process.wait(STOP_WITHIN)
            except subprocess.TimeoutExpired:
                _log.error("%s did not stop in %.0f s and is killed", child.name, STOP_WITHIN)
                child.process.kill()
                child.process.wait()
                status = 1
        return status

    def _stopping(self, _number: int, _frame: FrameType | None) -> None:
        self._stop = True


def _noted(_number: int, _frame: FrameType | None) -> None:
    """The wake-up descriptor tells; without a handler of our own the signal would be discarded."""


def _die_with(parent: int) -> Callable[[], None] | None:
    """What a new child does between fork and exec: ask Linux to be killed when the parent is gone."""
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None, use_errno=True).prctl

    def ask() -> None:
        prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it died before it could be asked
            os._exit(1)

    return ask


def run(config: Path | None) -> int:
    """`classroom serve`: settings from the environment and `config`. Raises `SettingsError`."""
    settings = load(config)
    configure(settings.log_level)
    _allow_sockets()
    folder = settings.data_dir
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise SettingsError(f"CLASSROOM_DATA_DIR: {folder} cannot be used: {error.strerror}") from error
    try:
        media = UdpPort.bind("", settings.udp_port)
    except OSError as error:
        raise SettingsError(f"CLASSROOM_UDP_PORT: cannot listen on {settings.udp_port}: {error.strerror}") from error
    with bind_http(settings.http_host, settings.http_port) as listening:
        ready, said = os.pipe()
        control = _short(folder / CONTROL, opened)
        start = Start(listening.fileno(), said, control, None if config is None else str(config.absolute()))
        relay = {  # signaling.io.process_epoll.RelaySettings, which this small process does not import
            "control": control,
            "udp_descriptor": media.fileno(),
            "advertise": settings.advertise,
            "fanout": settings.packet_path,
            "limits": {"viewers": settings.viewer_limit, "uplink_limit": settings.uplink_limit},
        }
        children = (
            Child("web process", _python("classroom.service", start), (listening.fileno(), said, opened)),
            Child("relay", _python("signaling.io.process_epoll", relay), (media.fileno(), opened)),
        )
        return Parent(children, ready).run()


def _allow_sockets() -> None:
    """Each member is a socket: the usual soft limit of 1,024 files would end an evening at the door."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = FILES if hard == resource.RLIM_INFINITY else min(FILES, hard)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _python(module: str, start: object) -> tuple[str, ...]:
    return (sys.executable, "-m", module, msgspec.json.encode(start).decode())


def _short(path: Path, folder: int) -> str:
    """The kernel's limit for a Unix socket's path is 107 bytes; both children inherit the folder's descriptor."""
    plain = str(path.absolute())
    return plain if len(os.fsencode(plain)) <= LONGEST_PATH else f"/proc/self/fd/{folder}/{path.name}"
