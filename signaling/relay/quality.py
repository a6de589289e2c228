"""What one viewer may cost: allowances for what it asks of us."""

from __future__ import annotations

COPIES = 2
"""How often a packet that a viewer asks for is sent (docs/decisions/resends-twice.md)."""


class Allowance:
    """A token bucket: `rate` a second, `burst` at once."""

    __slots__ = ("_burst", "_left", "_when", "rate")

    def __init__(self, rate: float, burst: float) -> None:
        self.rate = rate
        self._burst = burst
        self._left = burst
        self._when: float | None = None

    def take(self, now: float, count: int = 1) -> bool:
        """Whether so many more are allowed now; they count as taken."""
        if self._when is not None:
            self._left = min(self._burst, self._left + (now - self._when) * self.rate)
        self._when = now
        if self._left < count:
            return False
        self._left -= count
        return True
