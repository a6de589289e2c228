"""A sound on its way as the end of frames."""

from __future__ import annotations

from collections import deque

from signaling.ports import HOLDS
from signaling.relay.actions import Viewers
from signaling.relay.batch import Slice


class Ride:
    """One packet of a stream of sound, as its families are sent it; they have no viewer in common. `riders` are the
    audiences of video, by identity, whose next pass takes it along; `sends` is how much that is."""

    __slots__ = ("_audiences", "_left", "riders", "sends", "stream")

    def __init__(self, stream: int) -> None:
        self.stream = stream
        self.riders: deque[int] = deque()
        self.sends = 0
        self._audiences: list[Viewers] = []
        self._left: deque[Slice] = deque()

    @property
    def full(self) -> bool:
        return len(self._audiences) >= HOLDS

    def __contains__(self, audience: Viewers) -> bool:
        return any(one is audience for one in self._audiences)

    def hold(self, audience: Viewers, found: Slice) -> Slice:
        self._audiences.append(audience)
        self._left.append(Slice((), found.viewers, found.offsets))
        return Slice(found.packets, found.viewers, found.offsets, hold=True)

    def take(self, most: int) -> Slice | None:
        """Whoever may still hold it, so many at a time; the fan-out knows who does."""
        if not self._left:
            return None
        first = self._left.popleft()
        if len(first.viewers) > most:
            self._left.appendleft(Slice((), first.viewers[most:], first.offsets[most:]))
        return Slice((), first.viewers[:most], first.offsets[:most])
