"""A slot's audio or video: whatever the source, one continuous stream of packets (RFC 3550 §5.1), prepared once.

Theory of operation. The room says which publication feeds the stream and for which audience. The feed takes over at
its next key frame (audio: its next packet): numbers go on, and the timestamp goes on by the time that passed. Viewers
that want the stream are grouped by their payload types and line of numbers (see subscription.py); a packet is written
once for each such family. A viewer enters at a key frame. The ring and the kept group of pictures hold packets as they
were numbered, so that what is sent again is the same to the byte.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from signaling.control import Audience
from signaling.proof import period_at
from signaling.relay.actions import Action
from signaling.relay.clock import signed
from signaling.relay.group import Group
from signaling.relay.limits import Limits
from signaling.relay.notices import Notices
from signaling.relay.numbering import Numbering
from signaling.relay.publication import RATES, Arrival, Track
from signaling.relay.ring import Kept, Ring
from signaling.relay.subscribers import Resent, Subscribers
from signaling.relay.subscription import Subscription
from signaling.session.offer import Codec, Kind
from signaling.wire import pack_rtp

NO_KEY_FRAME = "no-key-frame"
HELD = 512  # packets that may wait for a key frame's beginning
GRACE = 3.0  # seconds until a feed that makes no key frame takes over all the same: the old picture must not stay
EVEN = 4  # video packets are padded to a multiple of so many bytes: those of a frame then have few sizes, long runs of
EVEN_FROM = 300  # which leave as one message (docs/decisions/padded-packets.md); shorter ones gain nothing
DRIFT = 10.0  # seconds between timestamps and arrival; beyond, the source began its timestamps anew


@dataclass(frozen=True, slots=True)
class Feed:
    """A publication that is routed here."""

    publication: str
    member: str
    audience: Audience


class Stream:
    """`packets` and `octets` count as in sender reports."""

    def __init__(
        self, slot: str, kind: Kind, ssrc: int, first: int, timestamp: int, limits: Limits, notices: Notices
    ) -> None:
        self.slot = slot
        self.kind = kind
        self.ssrc = ssrc
        self.feed: Feed | None = None
        self.next_feed: Feed | None = None
        self.codec: Codec | None = None
        self.packets = 0
        self.octets = 0
        self._notices = notices
        self._numbering = Numbering(first)
        self._ring = Ring()
        self._group = Group(limits)
        self._keep = True
        self._subscribers = Subscribers(kind, self._ring, self._group, limits, notices)
        self._next_since = 0.0
        self._track: Track | None = None
        self._restarts = 0
        self._offset = 0  # outgoing timestamp − the source's
        self._timestamp = timestamp  # the last one sent in order
        self._key_timestamp: int | None = None
        self._key_packets = 0  # of the last key frame
        self._time = 0.0  # when it was
        self._locked = False  # on a source, from a key frame on
        self._held: dict[int, Arrival] = {}
        self._held_track: Track | None = None
        self._cause = NO_KEY_FRAME

    # --- who is fed, by whom ---------------------------------------------------------------------------------------

    def route(self, feed: Feed | None, now: float) -> None:
        """Let this feed take over at its next key frame. The same publication again: its audience changes at once."""
        if feed is not None and self.feed is not None and feed.publication == self.feed.publication:
            self.feed, self.next_feed = feed, None
        elif feed is None:
            self.feed = self.next_feed = None
            self._break(NO_KEY_FRAME)
        else:
            if self.next_feed is None or self.next_feed.publication != feed.publication:
                self._next_since = now
            self.next_feed = feed
            return
        self._refresh()

    def unroute(self, publication: str) -> None:
        """This publication feeds the stream no more."""
        if self.next_feed is not None and self.next_feed.publication == publication:
            self.next_feed = None
        if self.feed is not None and self.feed.publication == publication:
            self.feed = None
            self._break(NO_KEY_FRAME)
            self._refresh()

    @property
    def wants_key_frame_of(self) -> str | None:
        """The publication to ask for a key frame, while somebody or something waits for one."""
        if self.kind is not Kind.VIDEO:
            return None
        if self.next_feed is not None:
            return self.next_feed.publication
        if self.feed is not None and (self._subscribers.waiting or not self._locked):
            return self.feed.publication
        return None

    @property
    def key_frame_sends(self) -> int:
        """What a key frame costs: the packets of the last one times the viewers."""
        return self._key_packets * self._subscribers.audience

    @property
    def track(self) -> Track | None:
        """What plays now."""
        return self._track if self._locked else None

    @property
    def viewers(self) -> int:
        """How many viewers have a line for it, whether or not they are sent it now."""
        return len(self._subscribers)

    @property
    def next_number(self) -> int:
        return self._numbering.next

    def outgoing(self, timestamp: int) -> int:
        """What a timestamp of the present track is to viewers."""
        return (timestamp + self._offset) & 0xFFFFFFFF

    # --- viewers ---------------------------------------------------------------------------------------------------

    def add(self, subscription: Subscription) -> None:
        self._subscribers.add(subscription, self._wanted(subscription), self._numbering.next)

    def remove(self, peer: str) -> None:
        self._subscribers.remove(peer, self._numbering.next)

    def feeds(self, peer: str) -> bool:
        """Whether this viewer is sent packets of the stream now."""
        return self._locked and self._subscribers.sent_to(peer)

    def resend(self, peer: str, numbers: Iterator[int]) -> Resent:
        """What this viewer asks for again by its own 16-bit numbers, of what it was sent."""
        return self._subscribers.resend(peer, numbers, self._numbering.next)

    def reached(self, peer: str, sent: int) -> int | None:
        """The stream's number of 16 bits that this viewer reports; None when it was not sent it."""
        return self._subscribers.reached(peer, sent, self._numbering.next)

    def _wanted(self, subscription: Subscription) -> bool:
        feed = self.feed
        if feed is None or feed.audience is Audience.NOBODY:
            return False
        if feed.audience is Audience.STAGE and not subscription.stage:
            return False
        if self.kind is Kind.AUDIO and feed.member == subscription.member:
            return False  # nobody is sent their own voice
        if self.codec is None or self.codec in subscription.payload_types:
            return True
        if self._locked and self.codec not in subscription.lacked:
            subscription.lacked.add(self.codec)
            self._notices.lacking.append((subscription.peer, self.slot, self.codec))
        return False

    def _refresh(self) -> None:
        self._subscribers.settle(self._wanted, self._numbering.next)

    # --- packets ---------------------------------------------------------------------------------------------------

    def receive(
        self, publication: str, arrival: Arrival, now: float, behind: bool, keep: bool, cause: str = "behind"
    ) -> list[Action]:
        """A packet of a publication: what to send of it. `behind`: video must be dropped before it is numbered, for
        this cause. `keep`: the publication may not make key frames when asked, so keep its groups of pictures."""
        taking_over = self.next_feed is not None and publication == self.next_feed.publication
        if not taking_over and (self.feed is None or publication != self.feed.publication):
            return []
        if taking_over or not self._follows(arrival):
            self._hold(arrival)
            if not arrival.starts or behind:
                return []
            if taking_over:
                self.feed, self.next_feed = self.next_feed, None
            self._keep = keep
            return self._begin(arrival, now)
        self._keep = keep
        if behind and self.kind is Kind.VIDEO:
            self._break(cause)  # nothing more until a key frame begins
            self._hold(arrival)
            return []
        return self._pass_on(arrival, now)

    def _follows(self, arrival: Arrival) -> bool:
        """Whether this packet continues what plays."""
        if not self._locked or arrival.track is not self._track:
            return False
        if arrival.track.reception.restarts != self._restarts:
            return False
        return arrival.codec is self.codec or not self._numbering.ahead(arrival.number)

    def _break(self, cause: str) -> None:
        """What plays ends here; the next packets wait for a key frame, or are dropped for this cause."""
        self._drop_held()
        self._locked = False
        self._cause = cause

    def _hold(self, arrival: Arrival) -> None:
        """Keep a packet while a key frame's beginning is awaited: it may be one that follows, and came first."""
        if arrival.track is not self._held_track:
            self._drop_held()
            self._held_track = arrival.track
        self._held[arrival.number] = arrival
        if len(self._held) > HELD:
            del self._held[next(iter(self._held))]
            self._notices.dropped[self._cause] += 1

    def _drop_held(self) -> None:
        if self._held:
            self._notices.dropped[self._cause] += len(self._held)
            self._held.clear()

    def _begin(self, start: Arrival, now: float) -> list[Action]:
        """Go on with another source or codec, or after a break, from this packet on."""
        self._lock(start, now)
        following = [self._held.pop(number) for number in sorted(self._held) if number >= start.number]
        self._drop_held()
        self._cause = NO_KEY_FRAME
        actions: list[Action] = []
        for arrival in following:
            if arrival.codec is self.codec:
                actions += self._pass_on(arrival, now)
        return actions

    def _lock(self, start: Arrival, now: float) -> None:
        other = start.track is not self._track or start.track.reception.restarts != self._restarts
        self._track = start.track
        self._restarts = start.track.reception.restarts
        self._locked = True
        self._group.drop()
        self._numbering.restart()
        if other:
            self._anchor(start, now)
        self.codec = start.codec
        self._refresh()
        self._notices.entered += self._subscribers.inside()

    def _anchor(self, arrival: Arrival, now: float) -> None:
        """The timestamp goes on by the time that passed."""
        gap = max(1, round((now - self._time) * RATES[self.kind])) if self.packets else 0
        self._offset = (self._timestamp + gap - arrival.timestamp) & 0xFFFFFFFF

    def _pass_on(self, arrival: Arrival, now: float) -> list[Action]:
        if not self._numbering.ahead(arrival.number):
            return self._pass_on_late(arrival, now)
        if not arrival.payload:
            self._numbering.drop(arrival.number)
            return []
        passed = signed(self.outgoing(arrival.timestamp) - self._timestamp) / RATES[self.kind]
        if self.packets and abs(passed - (now - self._time)) > DRIFT:
            self._anchor(arrival, now)
        timestamp = self.outgoing(arrival.timestamp)
        self._timestamp, self._time = timestamp, now
        self._numbering.reach(arrival.number)
        if arrival.starts and self.kind is Kind.VIDEO:
            self._key_frame(self._numbering.next, timestamp, now)
        actions: list[Action] = []
        if arrival.parameters is not None:
            actions += self._write(self._numbering.insert(), 0, timestamp, arrival.parameters, now)
        number = self._numbering.place(arrival.number)
        assert number is not None
        return actions + self._write(number, arrival.marker, timestamp, arrival.payload, now)

    def _pass_on_late(self, arrival: Arrival, now: float) -> list[Action]:
        """A late packet has its number waiting. (A late probe fills it: viewers would ask for it in vain.)"""
        number = self._numbering.place(arrival.number)
        if number is None or arrival.codec is not self.codec:
            return []
        if arrival.starts and arrival.parameters is None and self.kind is Kind.VIDEO:
            self._key_frame(number, self.outgoing(arrival.timestamp), now)
        return self._write(number, arrival.marker, self.outgoing(arrival.timestamp), arrival.payload, now)

    def _key_frame(self, number: int, timestamp: int, now: float) -> None:
        """This number begins a key frame: who waits enters here. What follows it and was sent already, because it
        overtook it, they ask for like any lost packet."""
        self._subscribers.key_frame(number)
        self._key_timestamp, self._key_packets = timestamp, 0
        if not self._keep:
            self._group.drop()
            return
        self._group.begin(now)
        for later in range(number, self._numbering.next):
            kept = self._ring.get(later)
            if kept is not None:
                self._group.put(kept, now)

    def _write(self, number: int, marker: int, timestamp: int, payload: bytes, now: float) -> list[Action]:
        assert self.codec is not None
        even = EVEN if self.kind is Kind.VIDEO and len(payload) >= EVEN_FROM else 1
        packet = pack_rtp(0, marker, number, timestamp, self.ssrc, payload, period_at(now), even)
        kept = Kept(number, packet, self.codec)
        self._ring.put(kept)
        self._group.put(kept, now)
        if timestamp == self._key_timestamp:
            self._key_packets += 1
        self.packets += 1
        self.octets += len(payload)
        return self._subscribers.forward(kept)

    # --- time ------------------------------------------------------------------------------------------------------

    def tick(self, now: float, replay: bool) -> list[Action]:
        """`replay`: the feed makes no key frames when asked, so that who waits is sent the kept group."""
        if self.next_feed is not None and now - self._next_since > GRACE:
            self.feed, self.next_feed = self.next_feed, None
            self._break(NO_KEY_FRAME)
            self._refresh()
        if replay and self._locked:
            self._subscribers.begin_replays()
        return self._subscribers.replay(now, self._numbering.next)
