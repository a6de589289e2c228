"""Wall time anchored once to the monotonic clock, so that no correction of the machine's clock ever turns it back."""

from __future__ import annotations

import time


class SystemClock:
    """`attendance.ports.Clock` for this process.

    The anchor is read at construction: three reads of the monotonic clock around the wall clock's, the tightest kept.
    """

    def __init__(self) -> None:
        self._offset = min((self._anchor() for _ in range(3)), key=lambda anchor: anchor[0])[1]

    @staticmethod
    def _anchor() -> tuple[int, int]:
        before = time.monotonic_ns()
        wall = time.time_ns()
        after = time.monotonic_ns()
        return after - before, wall - (before + after) // 2

    def now(self) -> int:
        """Microseconds since the epoch, UTC."""
        return (time.monotonic_ns() + self._offset) // 1000

    def at(self, monotonic: float) -> int:
        """The same scale for a CLOCK_MONOTONIC reading in seconds."""
        return (int(monotonic * 1_000_000_000) + self._offset) // 1000

    def drift(self) -> float:
        """Seconds by which the machine's wall clock is now ahead of this one: it was set since the start."""
        return (time.time_ns() - time.monotonic_ns() - self._offset) / 1e9
