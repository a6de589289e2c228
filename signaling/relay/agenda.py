"""What is due when, for very many things of which few are due at a time."""

from __future__ import annotations

import heapq


class Agenda:
    """At most one time for each name; O(log n)."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, str]] = []
        self._when: dict[str, tuple[float, int]] = {}
        self._count = 0

    def put(self, name: str, when: float) -> None:
        """Due at `when`, instead of what was said before."""
        self._count += 1
        self._when[name] = (when, self._count)
        heapq.heappush(self._heap, (when, self._count, name))
        if len(self._heap) > 4 * len(self._when) + 64:
            self._heap = [(at, count, name) for name, (at, count) in self._when.items()]
            heapq.heapify(self._heap)

    def hasten(self, name: str, when: float) -> None:
        """Due at `when` at the latest, if it is due at all."""
        known = self._when.get(name)
        if known is not None and when < known[0]:
            self.put(name, when)

    def remove(self, name: str) -> None:
        self._when.pop(name, None)

    def take(self, now: float, most: int) -> list[str]:
        """At most `most` names that are due, taken off."""
        due: list[str] = []
        while self._heap and self._heap[0][0] <= now and len(due) < most:
            when, count, name = heapq.heappop(self._heap)
            if self._when.get(name) == (when, count):
                del self._when[name]
                due.append(name)
        return due
