"""A browser of its own that can be frozen: every process of it stops, so that nothing more reaches the network and
nothing says goodbye. What a dead network looks like to everybody else."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterator
from pathlib import Path

from playwright.sync_api import Browser, Playwright

from tests.browser.conftest import launch


class Freezable:
    """`browser` is Playwright's; talk to it only while it is not frozen."""

    def __init__(self, playwright: Playwright, chromium_path: str, mark: str) -> None:
        self.browser: Browser = launch(playwright, chromium_path, f"--user-agent-product={mark}")
        self._group = os.getpgid(_process(mark))
        self._frozen = False

    def freeze(self) -> None:
        os.killpg(self._group, signal.SIGSTOP)
        self._frozen = True

    def thaw(self) -> None:
        os.killpg(self._group, signal.SIGCONT)
        self._frozen = False

    def close(self) -> None:
        if self._frozen:
            self.thaw()
        self.browser.close()


@contextlib.contextmanager
def freezable(playwright: Playwright, chromium_path: str, mark: str) -> Iterator[Freezable]:
    """`mark` is a word that no other process has on its command line."""
    opened = Freezable(playwright, chromium_path, mark)
    try:
        yield opened
    finally:
        opened.close()


def _process(mark: str) -> int:
    """The main process of the browser whose command line carries the mark; it leads a process group of its own."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                words = (entry / "cmdline").read_bytes()
                if mark.encode() in words and b"--type=" not in words and b"chromium" in words.split(b"\0")[0]:
                    return int(entry.name)
    raise AssertionError("the browser's process was not found")
