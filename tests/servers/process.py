"""Programs that the tests start: on free ports, in folders of their own, and never left behind."""

from __future__ import annotations

import contextlib
import ctypes
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from tempfile import mkdtemp

START_SECONDS = 30.0
STOP_SECONDS = 10.0
PR_SET_PDEATHSIG = 1


def free_port() -> int:
    """A TCP port of 127.0.0.1 that was free a moment ago; whoever uses it must be able to try another."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def unprivileged(preferred: str) -> str | None:
    """The user to run a server as that refuses root; None where we are not root."""
    if os.getuid() != 0:
        return None
    try:
        pwd.getpwnam(preferred)
    except KeyError:
        return "nobody"
    return preferred


@contextlib.contextmanager
def folder(name: str, user: str | None = None) -> Iterator[Path]:
    """A temporary folder that belongs to `user`; removed at the end."""
    path = Path(mkdtemp(prefix=f"classroom-{name}-"))
    try:
        if user is not None:
            shutil.chown(path, user)
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


@contextlib.contextmanager
def running(
    arguments: Sequence[str],
    log: Path,
    ready: Callable[[], bool],
    *,
    user: str | None = None,
    stop: signal.Signals = signal.SIGTERM,
) -> Iterator[subprocess.Popen[bytes]]:
    """Starts a program, waits until `ready()`, and stops it at the end. Raises `RuntimeError` with its log if it ends
    or is not ready in 30 s. Linux stops it too should the tests be killed."""

    def die_with_parent() -> None:
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)

    with log.open("ab") as output:
        process = subprocess.Popen(
            list(arguments),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd=log.parent,
            user=user,
            group=None if user is None else pwd.getpwnam(user).pw_gid,
            extra_groups=None if user is None else [],
            preexec_fn=die_with_parent if sys.platform == "linux" else None,
        )
    try:
        wait_until_ready(process, log, ready)
        yield process
    finally:
        end(process, stop)


def wait_until_ready(process: subprocess.Popen[bytes], log: Path, ready: Callable[[], bool]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not ready():
        if process.poll() is not None or time.monotonic() > deadline:
            said = log.read_text(errors="replace")[-2000:]
            raise RuntimeError(f"{process.args!r} did not start (exit {process.poll()}):\n{said}")
        time.sleep(0.02)


def end(process: subprocess.Popen[bytes], stop: signal.Signals) -> None:
    if process.poll() is None:
        process.send_signal(stop)
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
