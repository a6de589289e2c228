"""The order of sending: what goes out next, to whom, in slices that never hold up audio.

Theory of operation. `put` takes what the core wants forwarded; the shell calls `take` until it returns None or its
time is over, and hands each slice to the fan-out. Audio is always taken first. Video is queued by audience; the
audiences take turns, a slice each. Within an audience at most `PASS` packets are sent to everyone before the next
packets are looked at: this paces a key frame of 80 packets onto each viewer's link, and lets audio pass in between.

Each queue entry remembers who was in the audience when it was put. A viewer that left since is skipped; one that came
since is not sent what was put before (the audience may have been another one).
"""

from __future__ import annotations

from array import array
from collections import Counter, deque
from dataclasses import dataclass

from signaling.relay.actions import Forward, Viewers

PASS = 8  # packets to one viewer before the others have theirs
LATE = 1.0  # seconds; video that waits longer means that we are behind. A key frame for 2,000 viewers takes 0.5 s
LONGEST = 4096  # packets of one audience that may wait; reached only when nobody asks `behind`


@dataclass(frozen=True, slots=True)
class Slice:
    """Every packet to every viewer, in order; `offsets` are parallel to `viewers`."""

    packets: tuple[bytes, ...]
    viewers: array[int]
    offsets: array[int]


class _Batch:
    """Packets put one after the other for one and the same set of viewers."""

    __slots__ = ("audience", "changes", "offsets", "packets", "place", "since", "turn", "viewers")

    def __init__(self, audience: Viewers) -> None:
        self.audience = audience
        self.changes = audience.changes
        self.viewers = audience.indexes[:]
        self.offsets = audience.offsets[:]
        self.since = 0.0  # when the oldest packet that still waits was put
        self.packets: deque[tuple[bytes, float]] = deque()
        self.turn: tuple[bytes, ...] = ()  # the pass under way
        self.place = 0  # the viewers before this place have it

    def take(self, most: int) -> Slice | None:
        """The next slice of this batch that has a viewer, or None when all is sent."""
        while self.turn or self.packets:
            if not self.turn:
                self.since = self.packets[0][1]
                self.turn = tuple(self.packets.popleft()[0] for _ in range(min(PASS, len(self.packets))))
                self.place = 0
            end = self.place + max(1, most // len(self.turn))
            found = Slice(self.turn, self.viewers[self.place : end], self.offsets[self.place : end])
            self.place = end
            if end >= len(self.viewers):
                self.turn = ()
                self.since = self.packets[0][1] if self.packets else 0.0
            if self.audience.changes != self.changes:
                found = self._held(found)
            if found.viewers:
                return found
        return None

    def _held(self, found: Slice) -> Slice:
        """The slice for those who did not leave since."""
        held = [place for place, viewer in enumerate(found.viewers) if self.audience.held(viewer, self.changes)]
        return Slice(
            found.packets,
            array("i", [found.viewers[place] for place in held]),
            array("i", [found.offsets[place] for place in held]),
        )

    def put(self, packets: tuple[bytes, ...], now: float) -> None:
        if self.empty:
            self.since = now
        self.packets.extend((packet, now) for packet in packets)

    @property
    def empty(self) -> bool:
        return not self.turn and not self.packets


class Schedule:
    """Counters since start: `sent` is packets taken times viewers, `bytes` their plaintext, `dropped` by reason."""

    def __init__(self) -> None:
        self._audio: deque[_Batch] = deque()
        self._video: dict[int, deque[_Batch]] = {}  # by the audience's identity, held by its batches
        self._waiting: Counter[int] = Counter()
        self._turns: deque[int] = deque()
        self.sent = 0
        self.bytes = 0
        self.dropped: Counter[str] = Counter()

    def put(self, forward: Forward, now: float) -> None:
        """Queue packets for the viewers that are in the audience now. O(1), but for a copy of the audience's indexes
        when it changed since the last packet."""
        if not forward.audience:
            return
        if forward.audio:
            self._append(self._audio, forward, now)
            return
        key = id(forward.audience)
        queue = self._video.get(key)
        if queue is None:
            queue = self._video[key] = deque()
            self._turns.append(key)
        if self._waiting[key] + len(forward.packets) > LONGEST:
            self.dropped["queue-full"] += len(forward.packets)
            return
        self._waiting[key] += len(forward.packets)
        self._append(queue, forward, now)

    @staticmethod
    def _append(queue: deque[_Batch], forward: Forward, now: float) -> None:
        last = queue[-1] if queue else None
        if last is None or last.audience is not forward.audience or last.changes != forward.audience.changes:
            last = _Batch(forward.audience)
            queue.append(last)
        last.put(forward.packets, now)

    def take(self, most: int) -> Slice | None:
        """The next slice, of at most `most` sends (packets times viewers; at least one viewer), or None."""
        found = self._next(self._audio, most)
        if found is None:
            found = self._take_video(most)
        if found is not None:
            self.sent += len(found.packets) * len(found.viewers)
            self.bytes += sum(map(len, found.packets)) * len(found.viewers)
        return found

    def _take_video(self, most: int) -> Slice | None:
        while self._turns:
            key = self._turns[0]
            queue = self._video[key]
            found = self._next(queue, most)
            if queue:
                self._waiting[key] = sum(len(batch.packets) for batch in queue)
                self._turns.rotate(-1)
            else:
                self._turns.popleft()
                del self._video[key], self._waiting[key]
            if found is not None:
                return found
        return None

    @staticmethod
    def _next(queue: deque[_Batch], most: int) -> Slice | None:
        while queue:
            batch = queue[0]
            found = batch.take(most)
            if batch.empty:
                queue.popleft()
            if found is not None:
                return found
        return None

    def behind(self, now: float) -> bool:
        """Whether video has waited so long that more of it must be dropped before it is numbered."""
        return any(queue and now - queue[0].since > LATE for queue in self._video.values())

    @property
    def audio_waits(self) -> bool:
        return bool(self._audio)

    @property
    def empty(self) -> bool:
        return not self._audio and not self._video
