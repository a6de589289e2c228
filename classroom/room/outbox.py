"""The numbered messages of a room, kept for those who come back.

A lecture's first messages count from 1 without a gap. When the service restarts the room is rebuilt and its count goes
on at the next million: numbers from before are then below everything that is kept, and who returns gets a snapshot. A
room that moves to another node, which was told everything, goes on without a gap.
"""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Iterable

import msgspec

from classroom.room.actions import Broadcast
from classroom.room.messages import RoomMessage, encode

KEPT = 2_000
BOOT_STRIDE = 1_000_000


class Outbox:
    """`boots`: how often this lecture's room was built before."""

    def __init__(self, boots: int = 0) -> None:
        self.first = boots * BOOT_STRIDE
        self.seq = self.first
        self._kept: deque[tuple[int, bytes]] = deque(maxlen=KEPT)

    def restore(self, after: int, frames: Iterable[bytes]) -> None:
        """What this room's process before this one said last, without a gap from number `after` + 1 on."""
        self.first = self.seq = after
        for frame in frames:
            self.seq += 1
            self._kept.append((self.seq, frame))

    def number(self, action: Broadcast) -> Broadcast:
        """With its number and its encoding."""
        self.seq += 1
        message = msgspec.structs.replace(action.message, seq=self.seq)
        frame = encode(message)
        self._kept.append((self.seq, frame))
        return Broadcast(message, frame)

    def rewrite(self, message: RoomMessage) -> None:
        """In place of what was said under this number, for whoever comes back; nothing where that is not kept."""
        if self._kept and 0 <= (place := message.seq - self._kept[0][0]) < len(self._kept):
            self._kept[place] = (message.seq, encode(message))

    def messages(self) -> list[RoomMessage]:
        """What is kept, decoded, as far as this version knows it: a node that was home before may have been newer."""
        known: list[RoomMessage] = []
        for _, frame in self._kept:
            with contextlib.suppress(msgspec.DecodeError):
                known.append(_decoder.decode(frame))
        return known

    def since(self, last: int) -> tuple[bytes, ...] | None:
        """Frames beyond `last`; None where they are not all kept, or `last` is not of this room's count."""
        if not self.first <= last <= self.seq:
            return None
        missing = self.seq - last
        if missing > len(self._kept):
            return None
        return tuple(frame for seq, frame in self._kept if seq > last)


_decoder = msgspec.json.Decoder(RoomMessage)
