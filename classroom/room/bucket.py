"""A token bucket: so many at once, so many a second after that."""

from __future__ import annotations

SECOND = 1_000_000
LATE = 5 * SECOND
"""µs; what was heard longer ago than this has waited at another node, for the bus was away."""


def late(heard: int, now: int) -> bool:
    """Its people were not too many at once: what waited for a node's way to the room comes together, and that node has
    kept only so much of it (nodes/link.py)."""
    return now - heard > LATE


class Bucket:
    """`rate` tokens a second up to `burst`; times are microseconds."""

    __slots__ = ("_at", "_burst", "_rate", "_tokens")

    def __init__(self, rate: float, burst: float, now: int) -> None:
        self._rate = rate
        self._burst = burst
        self._tokens = burst
        self._at = now

    def _fill(self, now: int) -> None:
        passed = max(0, now - self._at) / SECOND
        self._tokens = min(self._burst, self._tokens + passed * self._rate)
        self._at = max(self._at, now)

    def take(self, now: int) -> bool:
        """One token, if there is one."""
        self._fill(now)
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True

    def empty(self, now: int) -> bool:
        self._fill(now)
        return self._tokens < 1

    def full(self, now: int) -> bool:
        """Nothing was taken for so long that forgetting this bucket changes nothing."""
        self._fill(now)
        return self._tokens >= self._burst


class Buckets:
    """A bucket per key. Beyond `limit` keys full buckets are forgotten, and then new keys are refused."""

    def __init__(self, rate: float, burst: float, limit: int) -> None:
        self._rate = rate
        self._burst = burst
        self._limit = limit
        self._of: dict[str, Bucket] = {}

    def take(self, key: str, now: int) -> bool:
        bucket = self._of.get(key)
        if bucket is None:
            if len(self._of) >= self._limit:
                self._of = {each: held for each, held in self._of.items() if not held.full(now)}
                if len(self._of) >= self._limit:
                    return False
            bucket = self._of[key] = Bucket(self._rate, self._burst, now)
        return bucket.take(now)

    def spent(self, key: str, now: int) -> bool:
        """The next `take` of that key would be refused."""
        bucket = self._of.get(key)
        return bucket is not None and bucket.empty(now)
