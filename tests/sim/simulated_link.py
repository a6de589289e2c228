"""A network in virtual time: seeded loss, reordering, duplication and delay."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random


class Timeline:
    """What happens when, in virtual time; nothing waits."""

    def __init__(self) -> None:
        self.now = 1000.0
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._count = 0

    def at(self, when: float, what: Callable[[], None]) -> None:
        self._count += 1
        heapq.heappush(self._events, (max(when, self.now), self._count, what))

    def after(self, delay: float, what: Callable[[], None]) -> None:
        self.at(self.now + delay, what)

    def every(self, period: float, what: Callable[[], None], delay: float = 0.0) -> None:
        def again() -> None:
            what()
            self.after(period, again)

        self.after(delay, again)

    def run(self, seconds: float) -> None:
        end = self.now + seconds
        while self._events and self._events[0][0] <= end:
            self.now, _, what = heapq.heappop(self._events)
            what()
        self.now = end


@dataclass
class Link:
    """One direction. `jitter` (seconds) reorders; a lost packet is gone, a duplicated one comes twice."""

    random: Random
    loss: float = 0.0
    duplication: float = 0.0
    delay: float = 0.01
    jitter: float = 0.0

    def arrivals(self) -> Iterator[float]:
        """The delays after which copies of a packet arrive: none when it is lost."""
        copies = 0 if self.random.random() < self.loss else 2 if self.random.random() < self.duplication else 1
        for _ in range(copies):
            yield self.delay + self.random.random() * self.jitter
