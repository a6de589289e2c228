"""Where a comparison runs: network namespaces without names, which the kernel removes with the last process in them.

`enter` replaces this process by itself in a new namespace, so that neither an interrupt nor a kill leaves anything.
All relays get the same address on a veth device (libnice leaves loopback devices out):

- `local`: viewers and relays in one namespace; the kernel delivers as on loopback, no device is passed;
- `veth`: the relays in a second namespace; every packet passes the pair.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass

VIEWERS, RELAYS = "10.213.78.1", "10.213.78.2"
PREFIX = 30
CARRIER_SECONDS = 5.0
PR_SET_PDEATHSIG = 1
INSIDE = "--inside-namespace"


@dataclass(frozen=True)
class Network:
    route: str
    address: str  # of the relays
    viewers: str  # address of viewers and publisher
    before: tuple[str, ...] = ()  # what goes before a relay's command


def enter(module: str, arguments: list[str]) -> None:
    """Run `python -m module` with these arguments and `INSIDE` in a namespace of its own. Does not return."""
    for program in ("unshare", "nsenter", "ip"):
        if shutil.which(program) is None:
            raise SystemExit(f"{program} is needed (Debian: util-linux, iproute2)")
    rootless = () if os.geteuid() == 0 else ("--map-root-user",)
    command = ["unshare", *rootless, "--net", "--", sys.executable, "-m", module, INSIDE, *arguments]
    os.execvp(command[0], command)


@contextlib.contextmanager
def network(route: str) -> Iterator[Network]:
    """Devices and addresses for `route`, within the namespace that `enter` made."""
    _ip("link", "set", "lo", "up")
    if route == "local":
        _ip("link", "add", "viewers", "type", "veth", "peer", "name", "unused")
        _ip("addr", "add", f"{RELAYS}/{PREFIX}", "dev", "viewers")
        _ip("link", "set", "unused", "up")
        _ip("link", "set", "viewers", "up")
        _carrier("viewers")
        try:
            yield Network(route, RELAYS, RELAYS)
        finally:
            _ip("link", "del", "viewers")
        return
    with _second() as holder:
        before = ("nsenter", f"--net=/proc/{holder}/ns/net", "--")
        _ip("link", "add", "viewers", "type", "veth", "peer", "name", "relays", "netns", str(holder))
        _ip("addr", "add", f"{VIEWERS}/{PREFIX}", "dev", "viewers")
        _ip("link", "set", "viewers", "up")
        for words in (
            ("link", "set", "lo", "up"),
            ("addr", "add", f"{RELAYS}/{PREFIX}", "dev", "relays"),
            ("link", "set", "relays", "up"),
        ):
            _ip(*words, before=before)
        _carrier("relays", before)
        yield Network(route, RELAYS, VIEWERS, before)


@contextlib.contextmanager
def _second() -> Iterator[int]:
    """The id of a process that holds a second namespace open."""

    def die_with_parent() -> None:
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)

    held = subprocess.Popen(
        ["unshare", "--net", "--", "sh", "-c", "echo here; exec sleep infinity"],
        stdout=subprocess.PIPE,
        preexec_fn=die_with_parent,
    )
    try:
        assert held.stdout is not None
        if not held.stdout.readline():
            raise RuntimeError("no second namespace")
        yield held.pid
    finally:
        held.kill()
        held.wait()


def _carrier(device: str, before: tuple[str, ...] = ()) -> None:
    """Wait until the kernel calls the device running: libnice takes no address of one that is not."""
    deadline = time.monotonic() + CARRIER_SECONDS
    command = [*before, "ip", "-brief", "link", "show", "dev", device]
    while subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()[1] != "UP":
        if time.monotonic() > deadline:
            raise RuntimeError(f"{device} has no carrier")
        time.sleep(0.05)


def _ip(*words: str, before: tuple[str, ...] = ()) -> None:
    subprocess.run([*before, "ip", *words], check=True)
