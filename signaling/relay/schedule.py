"""The order of sending: what goes out next, to whom, in slices that never hold up audio.

Theory of operation. `put` takes what the core wants forwarded; the shell calls `take` until it returns None or its
time is over, and hands each slice to the fan-out. Audio is always taken first. Video is queued by audience; the
audiences take turns, a slice each. Within an audience at most `PASS` packets are sent to everyone before the next
packets are looked at: this paces a key frame of 80 packets onto each viewer's link, and lets audio pass in between.

Video is due a moment after its first packet, so that a frame is sent as one message to each viewer. Where the audience
is large and sound flows, a frame waits for the next sound instead, which then goes as the end of the frame's message:
the fan-out is told to *hold* it, the frames that wait take it along, and who was sent none of them is sent it by
itself (docs/decisions/sound-with-frames.md). Sound never waits for a frame.

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
from collections import Counter, deque

from signaling.relay.actions import Forward
from signaling.relay.batch import PASS, SHORT, Batch, Queue, Slice
from signaling.relay.ride import Ride
from signaling.relay.uplink import Uplink

GATHER = 0.001  # seconds that video waits for the rest of its frame
SOUND = 0.02  # seconds that a frame waits for sound: as often it comes from browsers
FLOWS = 0.03  # seconds after a sound in which another one is to be expected
MANY = 100  # viewers from which on it pays
BEFORE_SOUND = 5  # packets to one viewer that sound goes behind; the rest of a larger frame comes after it
RIDE = 10_000  # sends (packets times viewers) of video that sound goes along with: 17 ms; behind more it would be late
LATE = 1.0  # seconds that video may wait. A key frame for 2,500 viewers takes half of that
CAUGHT_UP = 0.2  # seconds of waiting until which we stay behind
SETTLED = 0.25  # seconds of sending without a break until its rate says something
SMOOTH = 0.25  # seconds over which the rate is smoothed
SAMPLE = 0.02  # seconds
REFILL = 0.005  # seconds between two looks at the uplink
LONGEST = 4096  # packets of one audience that may wait; reached only when nobody asks `behind`


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


class Schedule:
    """Counters since start: `sent` is packets taken times viewers, `bytes` their plaintext, `dropped` by reason.
    `uplink_limit` in bits a second; 0: none."""

    def __init__(self, uplink_limit: int = 0) -> None:
        self.uplink = Uplink(uplink_limit)
        self._rate = _Rate()
        self._behind = False
        self._video_sent = 0
        self._refilled_at = -math.inf
        self._blocked = False  # what waited was held back by the uplink when it was looked at last
        self._sound = Queue(-math.inf)
        self._heard = -math.inf  # when sound for many was put last
        self._video: dict[int, Queue] = {}  # by the audience's identity, held by its batches
        self._turns: deque[int] = deque()
        self._ride: Ride | None = None
        self.sent = 0
        self.bytes = 0
        self.dropped: Counter[str] = Counter()

    def put(self, forward: Forward, now: float) -> None:
        """Queue packets for the viewers that are in the audience now. O(1), but for a copy of the audience's indexes
        when it changed since the last packet."""
        if not forward.audience:
            return
        self.refill(now)
        many = len(forward.audience) >= MANY
        if forward.audio:
            self._sound.put(forward)
            self._heard = now if many else self._heard
            return
        key = id(forward.audience)
        queue = self._video.get(key)
        if queue is None:
            queue = self._video[key] = Queue(now)
            self._turns.append(key)
        if queue.waiting + len(forward.packets) > LONGEST:
            self.dropped["queue-full"] += len(forward.packets)
            return
        queue.put(forward)
        awaited = many and queue.waiting <= SHORT and now - self._heard <= FLOWS
        queue.due = queue.since + (SOUND if awaited else GATHER)
        self._rate.look(now, self._video_sent)

    def take(self, most: int, now: float) -> Slice | None:
        """The next slice, of at most `most` sends (packets times viewers; at least one viewer), or None. Holding costs
        no sends."""
        found = self._take_sound(most) or self._take_riders(most) or self._take_held(most)
        found = found or self._take_video(most, now)
        if found is not None:
            self.uplink.spend(found.packets, len(found.viewers))
            self.sent += len(found.packets) * len(found.viewers)
            self.bytes += sum(map(len, found.packets)) * len(found.viewers)
        return found

    # --- sound -----------------------------------------------------------------------------------------------------

    def _take_sound(self, most: int) -> Slice | None:
        batch = self._sound.next
        if batch is None:
            return self._sound.take(most)
        if self._ride is not None and batch.audience in self._ride:  # the next: what they still hold goes before it
            found = self._take_held(most)
            if found is not None:
                return found
        if len(batch.packets) == 1 and self._board(batch):
            assert self._ride is not None
            found = self._sound.take(len(batch.viewers))
            return self._ride.hold(batch.audience, found) if found is not None and len(found.packets) == 1 else found
        return self._sound.take(most)

    def _board(self, sound: Batch) -> bool:
        """Whether frames wait that shall take this sound along; in no case do they wait any longer."""
        sends, frames = 0, []
        for key, queue in self._video.items():
            frame = queue.beside(sound.audience)
            if frame is not None:
                queue.due = queue.since
                frames.append(key)
                sends += min(BEFORE_SOUND, len(frame.packets)) * len(frame.viewers)
        if not frames or not self.uplink.free:
            return False
        ride = self._ride if self._ride is not None else Ride(sound.stream)
        if ride.stream != sound.stream or ride.full or ride.sends + sends > RIDE:
            return False
        ride.riders.extend(key for key in frames if key not in ride.riders)
        ride.sends += sends
        self._ride = ride
        return True

    def _take_held(self, most: int) -> Slice | None:
        """Who may not have had what is held: few, for frames took it to the others."""
        if self._ride is None:
            return None
        found = self._ride.take(most)
        if found is None:
            self._ride = None
        return found

    # --- video -----------------------------------------------------------------------------------------------------

    def _take_riders(self, most: int) -> Slice | None:
        riders: deque[int] = self._ride.riders if self._ride is not None else deque()
        while riders and self.uplink.free:
            key = riders[0]
            found = self._take_of(key, most, BEFORE_SOUND)
            queue = self._video.get(key)
            if queue is None or queue.next is not None:
                riders.popleft()
            if found is not None:
                return found
        return None

    def _take_video(self, most: int, now: float) -> Slice | None:
        for _ in range(len(self._turns) if self.uplink.free else 0):
            key = self._turns[0]
            self._turns.rotate(-1)
            found = self._take_of(key, most) if self._video[key].due <= now else None
            if found is not None:
                return found
        return None

    def _take_of(self, key: int, most: int, size: int = PASS) -> Slice | None:
        queue = self._video[key]
        found = queue.take(self.uplink.room(most), size)
        if queue.empty:
            self._turns.remove(key)
            del self._video[key]
            if not self._turns:
                self._rate.stop()
        if found is not None:
            self._video_sent += len(found.packets) * len(found.viewers)
        return found

    # --- time ------------------------------------------------------------------------------------------------------

    def refill(self, now: float) -> None:
        """Time passed: video may go again. To be called every 20 ms at least."""
        if now - self._refilled_at >= REFILL:
            self._refilled_at = now
            self._blocked = bool(self._turns) and not self.uplink.free
            self.uplink.refill(now)

    def behind(self, now: float) -> bool:
        """Whether more video must be dropped before it is numbered."""
        if not self._turns:
            self._behind = False
            return False
        rate = self._rate.look(now, self._video_sent)
        if rate is not None:
            waiting = sum(queue.sends for queue in self._video.values())
            self._behind = waiting > rate * (CAUGHT_UP if self._behind else LATE)
        return self._behind

    @property
    def cause(self) -> str:
        """What makes video late: the uplink's limit, or this machine."""
        return "uplink" if self._blocked else "behind"

    @property
    def holding(self) -> bool:
        """Whether somebody may not have been sent yet what is held."""
        return self._ride is not None

    @property
    def due(self) -> float:
        """When something may be sent at the earliest: at once where sound waits, never where nothing does."""
        if self._ride is not None or not self._sound.empty:
            return -math.inf
        if not self.uplink.free:
            return math.inf
        return min((queue.due for queue in self._video.values()), default=math.inf)
