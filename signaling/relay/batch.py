"""Packets that wait to be sent to one and the same set of viewers, and what is taken of them at a time."""

from __future__ import annotations

from array import array
from collections import deque

import msgspec

from signaling.relay.actions import Forward, Viewers

PASS = 8  # packets to one viewer before the others have theirs
SHORT = 2 * PASS  # packets: a frame that may wait for sound. Key frames do not


class Slice(msgspec.Struct, frozen=True):
    """Every packet to every viewer, in order; `offsets` are parallel to `viewers`. Without packets: what the viewers
    hold. `hold`: the one packet is not sent yet, but goes with what each of these viewers is sent next."""

    packets: tuple[bytes, ...]
    viewers: array[int]
    offsets: array[int]
    hold: bool = False


class Batch:
    """Packets of one stream, put one after the other for one and the same set of viewers."""

    __slots__ = ("audience", "changes", "offsets", "packets", "place", "stream", "turn", "viewers")

    def __init__(self, audience: Viewers, stream: int) -> None:
        self.audience = audience
        self.stream = stream
        self.changes = audience.changes
        self.viewers = audience.indexes[:]
        self.offsets = audience.offsets[:]
        self.packets: deque[bytes] = deque()
        self.turn: tuple[bytes, ...] = ()  # the pass under way
        self.place = 0  # the viewers before this place have it

    def take(self, most: int, size: int = PASS) -> Slice | None:
        """The next slice of this batch that has a viewer, or None when all is sent. `size`: packets of a pass that
        begins now."""
        while self.turn or self.packets:
            if not self.turn:
                self.turn = tuple(self.packets.popleft() for _ in range(min(size, len(self.packets))))
                self.place = 0
            end = self.place + max(1, most // len(self.turn))
            found = Slice(self.turn, self.viewers[self.place : end], self.offsets[self.place : end])
            self.place = end
            if end >= len(self.viewers):
                self.turn = ()
            if self.audience.changes != self.changes:
                found = self._remaining(found)
            if found.viewers:
                return found
        return None

    def _remaining(self, found: Slice) -> Slice:
        """The slice for those who did not leave since."""
        held = [place for place, viewer in enumerate(found.viewers) if self.audience.held(viewer, self.changes)]
        return Slice(
            found.packets,
            array("i", [found.viewers[place] for place in held]),
            array("i", [found.offsets[place] for place in held]),
        )

    @property
    def sends(self) -> int:
        """Packets times viewers that wait."""
        return len(self.packets) * len(self.viewers) + len(self.turn) * (len(self.viewers) - self.place)

    @property
    def empty(self) -> bool:
        return not self.turn and not self.packets


class Queue:
    """What waits for one audience. `due`: when it may be sent."""

    __slots__ = ("batches", "due", "since", "waiting")

    def __init__(self, since: float) -> None:
        self.batches: deque[Batch] = deque()
        self.waiting = 0  # packets, without those of a pass under way
        self.since = since
        self.due = since

    def put(self, forward: Forward) -> None:
        last = self.batches[-1] if self.batches else None
        if last is None or last.audience is not forward.audience or last.changes != forward.audience.changes:
            last = Batch(forward.audience, forward.stream)
            self.batches.append(last)
        last.packets.extend(forward.packets)
        self.waiting += len(forward.packets)

    def take(self, most: int, size: int = PASS) -> Slice | None:
        """The next slice that has a viewer, or None when all is sent."""
        found = None
        while self.batches and found is None:
            batch = self.batches[0]
            found = batch.take(most, size)
            if batch.empty:
                self.batches.popleft()
        self.waiting = sum(len(batch.packets) for batch in self.batches)
        return found

    @property
    def next(self) -> Batch | None:
        """What a new pass is taken from; None while one is under way."""
        batch = self.batches[0] if self.batches else None
        return batch if batch is not None and not batch.turn else None

    def beside(self, sound: Viewers) -> Batch | None:
        """The frame that waits here for viewers who are sent this sound as well. (Audiences of one lecture are nearly
        the same, but for who speaks; two lectures have no viewer in common.)"""
        batch = self.next
        if batch is None or self.waiting > SHORT:
            return None
        return batch if batch.viewers[0] in sound or batch.viewers[-1] in sound else None

    @property
    def sends(self) -> int:
        """Packets times viewers that wait."""
        return sum(batch.sends for batch in self.batches)

    @property
    def empty(self) -> bool:
        return not self.batches
