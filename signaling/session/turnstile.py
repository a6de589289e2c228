"""How many are let in at the same time."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

from signaling.errors import Refusal, Refused

AT_ONCE = 200
"""At 3 ms each the last of them is served within a second."""
SOONEST, LATEST = 1, 4
"""Seconds after which who was turned away is asked to come again; drawn for each, so that they do not all come in the
same second. Pages add a jitter of their own, for these are whole seconds."""


class Turnstile:
    """`random` gives numbers in [0, 1)."""

    def __init__(self, limit: int, random: Callable[[], float]) -> None:
        self.inside = 0
        self._limit = limit
        self._random = random

    @contextlib.contextmanager
    def passing(self) -> Iterator[None]:
        """Around what is done for one of them. Raises `Refused(CROWDED)` where too many are at it."""
        if self.inside >= self._limit:
            raise Refused(Refusal.CROWDED, retry_after=SOONEST + int((LATEST - SOONEST + 1) * self._random()))
        self.inside += 1
        try:
            yield
        finally:
            self.inside -= 1
