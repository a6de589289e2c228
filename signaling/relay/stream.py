"""A slot's audio or video: whatever the source, one continuous stream of packets (RFC 3550 §5.1), prepared once.

Theory of operation. The room says which publication feeds the stream and for which audience. The feed takes over at
its next key frame (audio: its next packet): numbers go on, and the timestamp goes on by the time that passed. Viewers
that want the stream are grouped by their payload types and line of numbers (see subscription.py); a packet is written
once for each such family. A viewer enters at a key frame. The ring and the kept group of pictures hold packets as they
were numbered, so that what is sent again is the same to the byte.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from signaling.control import Audience
from signaling.relay.actions import Action, Forward, Resend, Viewers
from signaling.relay.clock import signed
from signaling.relay.limits import Limits
from signaling.relay.numbering import Numbering
from signaling.relay.publication import RATES, Arrival, Track
from signaling.relay.ring import Kept, Ring
from signaling.relay.subscription import Place, Subscription
from signaling.session.offer import Codec, Kind
from signaling.wire import pack_rtp

NO_KEY_FRAME = "no-key-frame"
HELD = 512  # packets that may wait for a key frame's beginning
GRACE = 3.0  # seconds until a feed that makes no key frame takes over all the same: the old picture must not stay
DRIFT = 10.0  # seconds between timestamps and arrival; beyond, the source began its timestamps anew


@dataclass(frozen=True, slots=True)
class Feed:
    """A publication that is routed here."""

    publication: str
    member: str
    audience: Audience


@dataclass(slots=True)
class Family:
    """Viewers that are sent the same bytes (before encryption)."""

    payload_types: dict[Codec, int]
    line: int
    viewers: Viewers = field(default_factory=Viewers)
    newest: int = 0  # the highest first number of its viewers


def _number_of(kept: Kept) -> int:
    return kept.number


@dataclass(slots=True)
class Group:
    """The packets since the last key frame, for publishers that make none when asked."""

    packets: list[Kept] = field(default_factory=list)
    bytes: int = 0
    since: float = 0.0
    whole: bool = False

    def begin(self, now: float) -> None:
        self.packets, self.bytes, self.since, self.whole = [], 0, now, True

    def put(self, kept: Kept, now: float, limits: Limits) -> None:
        if not self.whole:
            return
        insort(self.packets, kept, key=_number_of)
        self.bytes += len(kept.packet)
        if self.bytes > limits.group_bytes or now - self.since > limits.group_seconds:
            self.drop()

    def drop(self) -> None:
        self.packets, self.bytes, self.whole = [], 0, False


@dataclass(slots=True)
class Resent:
    """`too_old`: something asked for is kept no more, so that only a key frame helps."""

    packets: list[bytes] = field(default_factory=list)
    viewer: int = -1
    too_old: bool = False


@dataclass(slots=True)
class Notices:
    """What streams have to say besides packets. The relay reads and empties the lists after each input."""

    entered: list[str] = field(default_factory=list)
    """Peers that began to be sent a stream, or whose stream has another source: their reports are due."""
    lacking: list[tuple[str, str, Codec]] = field(default_factory=list)
    """(peer, slot, codec): the offer of the peer does not hold the codec that plays now."""
    dropped: Counter[str] = field(default_factory=Counter)
    """Packets dropped since start, by reason."""


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
        self._limits = limits
        self._notices = notices
        self._keep = True
        self._replay_waiting = False
        self._next_since = 0.0
        self._subscriptions: dict[str, Subscription] = {}
        self._waiting: dict[str, Subscription] = {}
        self._replayed: deque[Subscription] = deque()
        self._replay_at: float | None = None
        self._families: dict[tuple[tuple[tuple[Codec, int], ...], int], Family] = {}
        self._numbering = Numbering(first)
        self._ring = Ring()
        self._group = Group()
        self._track: Track | None = None
        self._restarts = 0
        self._offset = 0  # outgoing timestamp − the source's
        self._timestamp = timestamp  # the last one sent in order
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
        self._refresh(now)

    def unroute(self, publication: str, now: float) -> None:
        """This publication feeds the stream no more."""
        if self.next_feed is not None and self.next_feed.publication == publication:
            self.next_feed = None
        if self.feed is not None and self.feed.publication == publication:
            self.feed = None
            self._break(NO_KEY_FRAME)
            self._refresh(now)

    @property
    def wants_key_frame_of(self) -> str | None:
        """The publication to ask for a key frame, while somebody or something waits for one."""
        if self.kind is not Kind.VIDEO:
            return None
        if self.next_feed is not None:
            return self.next_feed.publication
        if self.feed is not None and (self._waiting or not self._locked):
            return self.feed.publication
        return None

    @property
    def track(self) -> Track | None:
        """What plays now."""
        return self._track if self._locked else None

    @property
    def next_number(self) -> int:
        return self._numbering.next

    def outgoing(self, timestamp: int) -> int:
        """What a timestamp of the present track is to viewers."""
        return (timestamp + self._offset) & 0xFFFFFFFF

    # --- viewers ---------------------------------------------------------------------------------------------------

    def add(self, subscription: Subscription, now: float) -> None:
        self._subscriptions[subscription.peer] = subscription
        self._settle(subscription, now)

    def remove(self, peer: str) -> None:
        subscription = self._subscriptions.pop(peer, None)
        if subscription is not None:
            self._out(subscription)

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

    def _refresh(self, now: float) -> None:
        for subscription in self._subscriptions.values():
            self._settle(subscription, now)

    def _settle(self, subscription: Subscription, now: float) -> None:
        wanted = self._wanted(subscription)
        if not wanted:
            self._out(subscription)
        elif subscription.place is Place.OUT and self.kind is Kind.AUDIO:
            self._in(subscription, self._numbering.next)
        elif subscription.place is Place.OUT:
            subscription.place = Place.WAITING
            self._waiting[subscription.peer] = subscription
        if self._replay_waiting:
            self._begin_replays(now)

    def _in(self, subscription: Subscription, number: int) -> None:
        subscription.enter(number)
        self._join_family(subscription)
        self._notices.entered.append(subscription.peer)

    def _join_family(self, subscription: Subscription) -> None:
        subscription.place = Place.IN
        self._waiting.pop(subscription.peer, None)
        key = (tuple(sorted(subscription.payload_types.items())), subscription.line)
        family = self._families.get(key)
        if family is None:
            family = self._families[key] = Family(dict(subscription.payload_types), subscription.line)
        family.newest = max(family.newest, subscription.first)
        family.viewers.add(subscription.viewer)

    def _out(self, subscription: Subscription) -> None:
        if subscription.place is Place.IN:
            key = (tuple(sorted(subscription.payload_types.items())), subscription.line)
            family = self._families[key]
            family.viewers.remove(subscription.viewer)
            if not family.viewers:
                del self._families[key]
            subscription.leave(self._numbering.next)
        elif subscription.place is Place.REPLAYED:
            self._replayed.remove(subscription)
            subscription.leave(subscription.cursor)
        self._waiting.pop(subscription.peer, None)
        subscription.place = Place.OUT

    # --- packets ---------------------------------------------------------------------------------------------------

    def receive(self, publication: str, arrival: Arrival, now: float, behind: bool, keep: bool) -> list[Action]:
        """A packet of a publication: what to send of it. `behind`: video must be dropped before it is numbered.
        `keep`: the publication may not make key frames when asked, so keep its groups of pictures."""
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
            self._break("behind")  # nothing more until a key frame begins
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
        self._refresh(now)
        self._notices.entered += [peer for peer, one in self._subscriptions.items() if one.place is Place.IN]

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
            self._key_frame(self._numbering.next, now)
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
            self._key_frame(number, now)
        return self._write(number, arrival.marker, self.outgoing(arrival.timestamp), arrival.payload, now)

    def _key_frame(self, number: int, now: float) -> None:
        """This number begins a key frame: who waits enters here. What follows it and was sent already, because it
        overtook it, they ask for like any lost packet."""
        for subscription in self._replayed:
            subscription.leave(subscription.cursor)
        for subscription in (*self._replayed, *self._waiting.values()):
            self._in(subscription, number)
        self._replayed.clear()
        if not self._keep:
            self._group.drop()
            return
        self._group.begin(now)
        for later in range(number, self._numbering.next):
            kept = self._ring.get(later)
            if kept is not None:
                self._group.put(kept, now, self._limits)

    def _write(self, number: int, marker: int, timestamp: int, payload: bytes, now: float) -> list[Action]:
        assert self.codec is not None
        kept = Kept(number, pack_rtp(0, marker, number, timestamp, self.ssrc, payload), self.codec)
        self._ring.put(kept)
        self._group.put(kept, now, self._limits)
        self.packets += 1
        self.octets += len(payload)
        return [
            Forward((write(kept, family.payload_types[kept.codec], family.line),), family.viewers, self._audio)
            for family in self._families.values()
            if number >= family.newest
        ]

    @property
    def _audio(self) -> bool:
        return self.kind is Kind.AUDIO

    # --- sending again ---------------------------------------------------------------------------------------------

    def resend(self, peer: str, numbers: Iterator[int]) -> Resent:
        """What this viewer asks for again by its own 16-bit numbers, of what it was sent."""
        found = Resent()
        subscription = self._subscriptions.get(peer)
        if subscription is None or subscription.place not in (Place.IN, Place.REPLAYED):
            return found
        found.viewer = subscription.viewer
        end = self._numbering.next if subscription.place is Place.IN else subscription.cursor
        for sent in numbers:
            number = subscription.number(sent, end)
            if number is None:
                continue
            kept = self._ring.get(number)
            if kept is not None:
                payload_type = subscription.payload_types.get(kept.codec)
                if payload_type is not None:
                    found.packets.append(write(kept, payload_type, subscription.line))
            elif self._ring.passed(number) and self.kind is Kind.VIDEO:
                found.too_old = True
        return found

    def reached(self, peer: str, sent: int) -> int | None:
        """The stream's number of 16 bits that this viewer reports; None when it was not sent it."""
        subscription = self._subscriptions.get(peer)
        if subscription is None or subscription.place in (Place.OUT, Place.WAITING):
            return None
        return subscription.number(
            sent, self._numbering.next if subscription.place is Place.IN else subscription.cursor
        )

    def feeds(self, peer: str) -> bool:
        """Whether this viewer is sent packets of the stream now."""
        subscription = self._subscriptions.get(peer)
        return self._track is not None and subscription is not None and subscription.place in (Place.IN, Place.REPLAYED)

    def _begin_replays(self, now: float) -> None:
        if not self._group.packets or not self._locked:
            return
        for subscription in list(self._waiting.values()):
            del self._waiting[subscription.peer]
            subscription.enter(self._group.packets[0].number)
            subscription.cursor = subscription.first
            subscription.place = Place.REPLAYED
            self._replayed.append(subscription)
            self._notices.entered.append(subscription.peer)

    def tick(self, now: float, replay: bool) -> list[Action]:
        """Go on with replays, paced; who has caught up is in the audience from here on. `replay`: the feed makes no
        key frames when asked, so that who waits is sent the kept group."""
        if self.next_feed is not None and now - self._next_since > GRACE:
            self.feed, self.next_feed = self.next_feed, None
            self._break(NO_KEY_FRAME)
            self._refresh(now)
        self._replay_waiting = replay
        if replay and self._waiting:
            self._begin_replays(now)
        if not self._replayed:
            self._replay_at = None
            return []
        passed = min(0.1, now - self._replay_at) if self._replay_at is not None else 0.0
        self._replay_at = now
        actions: list[Action] = []
        budget = int(self._limits.replay_rate_all * passed)
        most = max(1, int(self._limits.replay_rate * passed))
        for _ in range(len(self._replayed)):
            if budget <= 0:
                break
            subscription = self._replayed.popleft()
            packets = self._replay(subscription, min(most, budget))
            budget -= len(packets)
            if packets:
                actions.append(Resend(tuple(packets), subscription.viewer))
            if subscription.cursor >= self._numbering.next or not self._group.whole:
                self._caught_up(subscription)
            else:
                self._replayed.append(subscription)
        return actions

    def _replay(self, subscription: Subscription, most: int) -> list[bytes]:
        """The next packets of the group from the viewer's cursor on, in the order of numbers."""
        place = bisect_left(self._group.packets, subscription.cursor, key=_number_of)
        packets: list[bytes] = []
        for kept in self._group.packets[place : place + most]:
            payload_type = subscription.payload_types.get(kept.codec)
            if payload_type is not None:
                packets.append(write(kept, payload_type, subscription.line))
            subscription.cursor = kept.number + 1
        return packets

    def _caught_up(self, subscription: Subscription) -> None:
        if self._group.whole:
            self._join_family(subscription)
        else:  # the group grew too large meanwhile: only the next key frame helps
            subscription.leave(subscription.cursor)
            subscription.place = Place.WAITING
            self._waiting[subscription.peer] = subscription


def write(kept: Kept, payload_type: int, line: int) -> bytes:
    """A kept packet as a family is sent it: its payload type and its line of numbers. Same input, same bytes."""
    number = kept.number + (line << 14)
    packet = kept.packet
    head = bytes((packet[0], packet[1] & 0x80 | payload_type, number >> 8 & 0xFF, number & 0xFF))
    return head + packet[4:]
