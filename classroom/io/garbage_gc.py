"""Work that makes so many objects that Python's collector would look at all there are, and finds nothing.

A full collection holds the interpreter, and with it the loop: 50 ms and more where some lectures' facts are in memory.
What exports make is freed by counting, so they go without it; what else the process makes meanwhile is looked at
afterwards.
"""

from __future__ import annotations

import contextlib
import gc
import threading
from collections.abc import Iterator


class Uncollected:
    """One for a process; may be entered by several threads at once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._inside = 0
        self._was_enabled = False

    @contextlib.contextmanager
    def while_busy(self) -> Iterator[None]:
        with self._lock:
            if self._inside == 0:
                self._was_enabled = gc.isenabled()
                gc.disable()
            self._inside += 1
        try:
            yield
        finally:
            with self._lock:
                self._inside -= 1
                if self._inside == 0 and self._was_enabled:
                    gc.enable()
