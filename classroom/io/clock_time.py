"""Wall time anchored once to the monotonic clock, so that no correction of the machine's clock ever turns it back."""

from __future__ import annotations

import logging
import time

AHEAD_AT_MOST = 12 * 3_600_000_000
"""µs: a machine whose clock was set to another zone's time is off by less; what the ledger holds of a later time than
that was written with no clock at all."""

_log = logging.getLogger(__name__)


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

    def advance(self, floor: int) -> None:
        """Goes on from `floor` (µs since the epoch), if that is later than now: what was written before the machine's
        clock was set back lies before all that is written from here on. Call it before anything was timed by this
        clock. A floor that is more than `AHEAD_AT_MOST` ahead is not followed."""
        behind = floor - self.now()
        if behind < 0:
            return
        if behind > AHEAD_AT_MOST:
            _log.error("the ledger holds facts of %.0f h from now; set this machine's clock", behind / 3.6e9)
            return
        if behind > 1_000_000:
            _log.warning("this machine's clock is %.1f s behind the ledger, which goes on from there", behind / 1e6)
        self._offset += (behind + 1) * 1000

    def drift(self) -> float:
        """Seconds by which the machine's wall clock is now ahead of this one: it was set since the start."""
        return (time.time_ns() - time.monotonic_ns() - self._offset) / 1e9
