"""One layer of an outgoing stream: numbered packets of one source at a time, from a key frame on.

A layer has its own numbering, ring, kept group of pictures and families of viewers. Where a stream has one layer only,
as every audio does, it is all of the stream.
"""

from __future__ import annotations

from collections import Counter

from signaling.relay.clock import signed
from signaling.relay.families import Families
from signaling.relay.group import Group
from signaling.relay.limits import Limits
from signaling.relay.numbering import Numbering
from signaling.relay.publication import RATES, Arrival, Track
from signaling.relay.ring import Ring
from signaling.relay.subscription import Subscription
from signaling.session.offer import Codec, Kind

NO_KEY_FRAME = "no-key-frame"
RESTS = "layer-rests"
HELD = 512  # packets that may wait for a key frame's beginning
RATE = 1.0  # seconds over which a bit rate is measured
RETURN = 2.0  # seconds that a layer which stopped must flow again before anybody is put there


class Layer:
    """`offset` is what is added to the source's timestamps."""

    def __init__(self, index: int, kind: Kind, first: int, limits: Limits, dropped: Counter[str]) -> None:
        self.index = index
        self.numbering = Numbering(first)
        self.ring = Ring()
        self.group = Group(limits)
        self.families = Families(kind is Kind.AUDIO)
        self.waiting: dict[str, Subscription] = {}
        """Who enters at the next key frame, by peer."""
        self.keep = True
        """Its groups of pictures are kept."""
        self.track: Track | None = None
        self.codec: Codec | None = None
        self.locked = False
        """On a source, from a key frame on."""
        self.offset = 0
        self.timestamp = 0
        """The outgoing one of the last packet in order."""
        self.last = 0.0
        """When a packet came."""
        self.rate = 0.0
        """Bits a second, of payloads."""
        self.key_packets = 0
        """Of the last key frame."""
        self._key_timestamp: int | None = None
        self._dropped = dropped
        self._restarts = 0
        self._held: dict[int, Arrival] = {}
        self._held_track: Track | None = None
        self._cause = NO_KEY_FRAME
        self._stopped = False
        self._usable_at = 0.0
        self._octets = 0
        self._measured = 0.0

    @property
    def next_number(self) -> int:
        return self.numbering.next

    def outgoing(self, timestamp: int) -> int:
        return (timestamp + self.offset) & 0xFFFFFFFF

    # --- its source ------------------------------------------------------------------------------------------------

    def follows(self, arrival: Arrival) -> bool:
        """Whether this packet continues what plays."""
        if not self.locked or arrival.track is not self.track:
            return False
        if arrival.track.reception.restarts != self._restarts:
            return False
        return arrival.codec is self.codec or not self.numbering.ahead(arrival.number)

    def arrived(self, arrival: Arrival, now: float) -> None:
        self.last = now
        self._octets += len(arrival.payload)
        if self._stopped:
            self._stopped = False
            self._usable_at = now + RETURN

    def usable(self, now: float) -> bool:
        """Whether it may begin, at a key frame."""
        return now >= self._usable_at

    def end(self, cause: str) -> None:
        """What plays ends here; the next packets wait for a key frame, or are dropped for this cause."""
        self.drop_held()
        self.locked = False
        self._cause = cause

    def stop(self) -> None:
        """Its packets have stopped, while others arrive."""
        self.end(RESTS)
        self._stopped = True

    def hold(self, arrival: Arrival) -> None:
        """Keep a packet while a key frame's beginning is awaited: it may be one that follows, and came first."""
        if arrival.track is not self._held_track:
            self.drop_held()
            self._held_track = arrival.track
        self._held[arrival.number] = arrival
        if len(self._held) > HELD:
            del self._held[next(iter(self._held))]
            self._dropped[self._cause] += 1

    def drop_held(self) -> None:
        if self._held:
            self._dropped[self._cause] += len(self._held)
            self._held.clear()

    def lock(self, start: Arrival) -> bool:
        """Go on from this packet. Returns whether its source is another one than before."""
        restarts = start.track.reception.restarts
        other = start.track is not self.track or restarts != self._restarts
        self.track, self._restarts, self.codec, self.locked = start.track, restarts, start.codec, True
        self._usable_at = 0.0
        self.group.drop()
        self.numbering.restart()
        return other

    def held_from(self, start: Arrival) -> list[Arrival]:
        """What was held and continues this packet, in order, itself among it; the rest is dropped."""
        following = [self._held.pop(number) for number in sorted(self._held) if number >= start.number]
        self.drop_held()
        self._cause = NO_KEY_FRAME
        return [arrival for arrival in following if arrival.codec is self.codec]

    def begin_key_frame(self, number: int, timestamp: int, now: float) -> None:
        """A key frame begins at this number; `timestamp` is the outgoing one."""
        self._key_timestamp, self.key_packets = timestamp, 0
        if not self.keep:
            self.group.drop()
            return
        self.group.begin(now)
        for later in range(number, self.numbering.next):
            kept = self.ring.get(later)
            if kept is not None:
                self.group.put(kept, now)

    def count(self, timestamp: int) -> None:
        """A packet of this outgoing timestamp was written."""
        if timestamp == self._key_timestamp:
            self.key_packets += 1

    # --- time ------------------------------------------------------------------------------------------------------

    def measure(self, now: float) -> None:
        """Call at least every `RATE` seconds."""
        passed = now - self._measured
        if passed >= RATE:
            self.rate = self._octets * 8 / passed
            self._octets, self._measured = 0, now


class Line:
    """The one line of timestamps of a stream: the last one sent, and when."""

    def __init__(self, kind: Kind, timestamp: int) -> None:
        self._rate = RATES[kind]
        self._last = timestamp
        self._time: float | None = None

    def strays(self, timestamp: int, now: float, most: float) -> bool:
        """Whether this outgoing timestamp is further from the time that passed than `most` seconds."""
        if self._time is None:
            return False
        return abs(signed(timestamp - self._last) / self._rate - (now - self._time)) > most

    def next(self, now: float) -> int:
        """What a new source begins with: time goes on by what passed."""
        if self._time is None:
            return self._last
        return (self._last + max(1, round((now - self._time) * self._rate))) & 0xFFFFFFFF

    def sent(self, timestamp: int, now: float) -> None:
        """(One that lies before the last, of another layer or of a frame shown later, is not remembered.)"""
        if self._time is None or signed(timestamp - self._last) >= 0:
            self._last, self._time = timestamp, now
