"""The group of pictures that plays, kept for publishers that make no key frame when asked."""

from __future__ import annotations

from bisect import bisect_left, insort
from dataclasses import dataclass, field

from signaling.relay.limits import Limits
from signaling.relay.ring import Kept


def _number_of(kept: Kept) -> int:
    return kept.number


@dataclass(slots=True)
class Group:
    """The packets since the last key frame, by rising number; nothing when there were too many."""

    limits: Limits
    packets: list[Kept] = field(default_factory=list)
    whole: bool = False
    """It began, and has not grown too large."""
    _bytes: int = 0
    _since: float = 0.0

    def begin(self, now: float) -> None:
        self.drop()
        self._since, self.whole = now, True

    def put(self, kept: Kept, now: float) -> None:
        if not self.whole:
            return
        insort(self.packets, kept, key=_number_of)
        self._bytes += len(kept.packet)
        if self._bytes > self.limits.group_bytes or now - self._since > self.limits.group_seconds:
            self.drop()

    def drop(self) -> None:
        self.packets, self._bytes, self.whole = [], 0, False

    def after(self, number: int, most: int) -> list[Kept]:
        """At most `most` packets from this number on."""
        place = bisect_left(self.packets, number, key=_number_of)
        return self.packets[place : place + most]
