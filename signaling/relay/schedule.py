"""The order of sending: what goes out next, to whom, in slices that never hold up audio.

Theory of operation. `put` takes what the core wants forwarded; the shell calls `take` until it returns None or its
time is over, and hands each slice to the fan-out. Audio is always taken first. Video is queued by audience; the
audiences take turns, a slice each. Within an audience at most `PASS` packets are sent to everyone before the next
packets are looked at: this paces a key frame of 80 packets onto each viewer's link, and lets audio pass in between.

Where the uplink has a limit, video waits until there is room (uplink.py); sound never does.

We are *behind* when what waits is more than can be sent within `LATE`, at the rate at which it leaves now. That says
how late a packet will be before it is; a key frame for everyone is no reason by itself, for it waits only as long as it
takes to send. From then on video is dropped before it is numbered, until almost nothing waits: else the next key frame
would at once be too much again.

Each queue entry remembers who was in the audience when it was put. A viewer that left since is skipped; one that came
since is not sent what was put before (the audience may have been another one).
"""

from __future__ import annotations

import math
from array import array
from collections import Counter, deque
from dataclasses import dataclass

from signaling.relay.actions import Forward, Viewers
from signaling.relay.uplink import Uplink

PASS = 8  # packets to one viewer before the others have theirs
LATE = 1.0  # seconds that video may wait. A key frame for 2,500 viewers takes half of that
CAUGHT_UP = 0.2  # seconds of waiting until which we stay behind
SETTLED = 0.25  # seconds of sending without a break until its rate says something
SMOOTH = 0.25  # seconds over which the rate is smoothed
SAMPLE = 0.02  # seconds
REFILL = 0.005  # seconds between two looks at the uplink
LONGEST = 4096  # packets of one audience that may wait; reached only when nobody asks `behind`


@dataclass(frozen=True, slots=True)
class Slice:
    """Every packet to every viewer, in order; `offsets` are parallel to `viewers`."""

    packets: tuple[bytes, ...]
    viewers: array[int]
    offsets: array[int]


class _Rate:
    """Sends a second while something waits all the time."""

    def __init__(self) -> None:
        self._since: float | None = None  # the beginning of that time
        self._mark = (0.0, 0)
        self._rate = 0.0

    def stop(self) -> None:
        """Nothing waits any more."""
        self._since = None

    def look(self, now: float, sent: int) -> float | None:
        """Something waits; `sent` counts what was. None: it is too early to say."""
        if self._since is None:
            self._since, self._mark, self._rate = now, (now, sent), 0.0
            return None
        at, before = self._mark
        if self._rate == 0.0 and now - self._since >= SETTLED:
            self._rate, self._mark = max(1.0, (sent - before) / (now - at)), (now, sent)
        elif self._rate and now - at >= SAMPLE:
            weight = 1 - math.exp((at - now) / SMOOTH)
            self._rate = max(1.0, self._rate + ((sent - before) / (now - at) - self._rate) * weight)
            self._mark = (now, sent)
        return self._rate or None


class _Batch:
    """Packets put one after the other for one and the same set of viewers."""

    __slots__ = ("audience", "changes", "offsets", "packets", "place", "turn", "viewers")

    def __init__(self, audience: Viewers) -> None:
        self.audience = audience
        self.changes = audience.changes
        self.viewers = audience.indexes[:]
        self.offsets = audience.offsets[:]
        self.packets: deque[bytes] = deque()
        self.turn: tuple[bytes, ...] = ()  # the pass under way
        self.place = 0  # the viewers before this place have it

    def take(self, most: int) -> Slice | None:
        """The next slice of this batch that has a viewer, or None when all is sent."""
        while self.turn or self.packets:
            if not self.turn:
                self.turn = tuple(self.packets.popleft() for _ in range(min(PASS, len(self.packets))))
                self.place = 0
            end = self.place + max(1, most // len(self.turn))
            found = Slice(self.turn, self.viewers[self.place : end], self.offsets[self.place : end])
            self.place = end
            if end >= len(self.viewers):
                self.turn = ()
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

    @property
    def sends(self) -> int:
        """Packets times viewers that wait."""
        return len(self.packets) * len(self.viewers) + len(self.turn) * (len(self.viewers) - self.place)

    @property
    def empty(self) -> bool:
        return not self.turn and not self.packets


class Schedule:
    """Counters since start: `sent` is packets taken times viewers, `bytes` their plaintext, `dropped` by reason.
    `uplink_limit` in bits a second; 0: none."""

    def __init__(self, uplink_limit: int = 0) -> None:
        self.uplink = Uplink(uplink_limit)
        self._rate = _Rate()
        self._behind = False
        self._video_sent = 0
        self._refilled_at = -math.inf
        self._held = False  # what waited was held back by the uplink when it was looked at last
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
        self.refill(now)
        if forward.audio:
            self._append(self._audio, forward)
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
        self._append(queue, forward)
        self._rate.look(now, self._video_sent)

    @staticmethod
    def _append(queue: deque[_Batch], forward: Forward) -> None:
        last = queue[-1] if queue else None
        if last is None or last.audience is not forward.audience or last.changes != forward.audience.changes:
            last = _Batch(forward.audience)
            queue.append(last)
        last.packets.extend(forward.packets)

    def take(self, most: int) -> Slice | None:
        """The next slice, of at most `most` sends (packets times viewers; at least one viewer), or None."""
        found = self._next(self._audio, most)
        if found is None and self.uplink.free:
            found = self._take_video(self.uplink.room(most))
        if found is not None:
            self.uplink.spend(found.packets, len(found.viewers))
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
            if not self._turns:
                self._rate.stop()
            if found is not None:
                self._video_sent += len(found.packets) * len(found.viewers)
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

    def refill(self, now: float) -> None:
        """Time passed: video may go again. To be called every 20 ms at least."""
        if now - self._refilled_at >= REFILL:
            self._refilled_at = now
            self._held = bool(self._turns) and not self.uplink.free
            self.uplink.refill(now)

    def behind(self, now: float) -> bool:
        """Whether more video must be dropped before it is numbered."""
        if not self._turns:
            self._behind = False
            return False
        rate = self._rate.look(now, self._video_sent)
        if rate is not None:
            waiting = sum(batch.sends for queue in self._video.values() for batch in queue)
            self._behind = waiting > rate * (CAUGHT_UP if self._behind else LATE)
        return self._behind

    @property
    def cause(self) -> str:
        """What makes video late: the uplink's limit, or this machine."""
        return "uplink" if self._held else "behind"

    @property
    def audio_waits(self) -> bool:
        return bool(self._audio)

    @property
    def empty(self) -> bool:
        """Nothing can be sent now."""
        return not self._audio and (not self._video or not self.uplink.free)
