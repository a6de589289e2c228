"""The numbered messages of a room, kept for those who come back.

A lecture's first messages count from 1 without a gap. When the service restarts the room is rebuilt and its count goes
on at the next million: numbers from before are then below everything that is kept, and who returns gets a snapshot.
"""

from __future__ import annotations

from collections import deque

import msgspec

from classroom.room.actions import Action, Broadcast
from classroom.room.messages import encode

KEPT = 2_000
BOOT_STRIDE = 1_000_000


class Outbox:
    """`boots`: how often this lecture's room was built before."""

    def __init__(self, boots: int = 0) -> None:
        self.first = boots * BOOT_STRIDE
        self.seq = self.first
        self._kept: deque[tuple[int, bytes]] = deque(maxlen=KEPT)

    def number(self, actions: list[Action]) -> list[Action]:
        """Gives every broadcast its number and its encoding, in order."""
        return [self._numbered(action) if isinstance(action, Broadcast) else action for action in actions]

    def _numbered(self, action: Broadcast) -> Broadcast:
        self.seq += 1
        message = msgspec.structs.replace(action.message, seq=self.seq)
        frame = encode(message)
        self._kept.append((self.seq, frame))
        return Broadcast(message, frame)

    def since(self, last: int) -> tuple[bytes, ...] | None:
        """Frames beyond `last`; None where they are not all kept, or `last` is not of this room's count."""
        if not self.first <= last <= self.seq:
            return None
        missing = self.seq - last
        if missing > len(self._kept):
            return None
        return tuple(frame for seq, frame in self._kept if seq > last)
