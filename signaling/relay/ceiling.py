"""The highest layer of a picture that anybody is sent while the relay is behind.

A smaller picture for all is better than none: so layers are taken away from the top, one at a time, before video is
dropped for long, and tried again one at a time once nothing was late for a while.
"""

from __future__ import annotations

from signaling.relay.subscription import HIGHEST

HELPS = 2.0  # seconds until a lower layer shows whether it was enough
CLEAR = 10.0  # seconds without being behind until one layer more is tried


class Ceiling:
    def __init__(self) -> None:
        self.layer = HIGHEST
        self._lower_at = 0.0
        self._higher_at = 0.0

    def look(self, layers: int, behind: bool, now: float) -> int:
        """The highest layer for now, of so many that the publisher offers; `HIGHEST`: all. Twice a second."""
        if behind:
            if now >= self._lower_at:
                self.layer = max(0, min(self.layer, layers - 1) - 1)
                self._lower_at = now + HELPS
            self._higher_at = now + CLEAR
        elif self.layer != HIGHEST and now >= self._higher_at:
            self.layer = self.layer + 1 if self.layer + 1 < layers - 1 else HIGHEST
            self._higher_at = now + CLEAR
        return self.layer
