"""A slot's audio or video: whatever the source, one continuous stream of packets (RFC 3550 §5.1), prepared once.

Theory of operation. The room says which publication feeds the stream and for which audience. The feed takes over at
its next key frame (audio: its next packet): numbers go on, and the timestamp goes on by the time that passed. A
publication may send its video in several *layers*; they share the stream's SSRC and its one line of timestamps, and
each is numbered by itself (see layer.py). Each viewer is in one layer: the highest that flows, that the `cap` allows
and that its own link bears (its `choice`). It enters, and changes, at a key frame of that layer. Viewers with the same
payload types are a family, and a packet is written once for each; what is a viewer's own are its offset of numbers
(see subscription.py) and its marks. Rings and kept groups hold packets as they were numbered, so that what is sent
again is the same to the byte.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from signaling.control import Audience
from signaling.proof import period_at
from signaling.relay.actions import Action
from signaling.relay.clock import signed
from signaling.relay.crowd import Crowd
from signaling.relay.layer import NO_KEY_FRAME, Layer, Line
from signaling.relay.limits import Limits
from signaling.relay.notices import Notices
from signaling.relay.publication import Arrival, Track
from signaling.relay.ring import Kept
from signaling.relay.subscribers import SKEW, Resent, Subscribers
from signaling.relay.subscription import AUDIO_ONLY, HIGHEST, Place, Subscription
from signaling.session.offer import Codec, Kind
from signaling.wire import pack_rtp

GRACE = 3.0  # seconds until a feed that makes no key frame takes over all the same: the old picture must not stay
DRIFT = 10.0  # seconds between timestamps and arrival; beyond, the source began its timestamps anew
EVEN = 4  # video packets are padded to a multiple of so many bytes: those of a frame then have few sizes, long runs of
EVEN_FROM = 300  # which leave as one message (docs/decisions/padded-packets.md); shorter ones gain nothing
STOPPED = 0.7  # seconds without a packet of a layer while others arrive: the publisher has turned it off
LAYERS = 3
APART = 90  # ticks between the timestamps of neighbouring layers (1 ms): who moves up sees time go on within a frame


@dataclass(frozen=True, slots=True)
class Feed:
    """A publication that is routed here."""

    publication: str
    member: str
    audience: Audience


class Reference(NamedTuple):
    """What the line of timestamps was begun by: what other layers, and a layer anew, are placed beside."""

    track: Track
    offset: int
    layer: int


class Stream:
    """`packets` and `octets` count as in sender reports; of several layers, those of the one that leads."""

    def __init__(
        self, slot: str, kind: Kind, ssrc: int, first: int, timestamp: int, limits: Limits, notices: Notices
    ) -> None:
        self.slot = slot
        self.kind = kind
        self.ssrc = ssrc
        self.feed: Feed | None = None
        self.next_feed: Feed | None = None
        self.packets = 0
        self.octets = 0
        self.crowd = Crowd()
        """Who of its viewers has trouble."""
        self._first = first
        self._limits = limits
        self._notices = notices
        self._layers: list[Layer] = []
        self._layer(0)
        self._subscribers = Subscribers(kind, self._layers, limits, notices)
        self._cap = HIGHEST
        self._next_since = 0.0
        self._next_layers: set[int] = set()
        self._line = Line(kind, timestamp)
        self._lead = self._layers[0]
        self._reference: Reference | None = None
        self._now = 0.0

    def _layer(self, index: int) -> Layer:
        while len(self._layers) <= index:
            self._layers.append(Layer(len(self._layers), self.kind, self._first, self._limits, self._notices.dropped))
        return self._layers[index]

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
                self._next_layers = {0}
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
    def wants_key_frames_of(self) -> list[tuple[str, int]]:
        """The publications and layers to ask for a key frame, while somebody or something waits for one."""
        if self.kind is not Kind.VIDEO:
            return []
        if self.next_feed is not None:
            return [(self.next_feed.publication, index) for index in sorted(self._next_layers)]
        if self.feed is None:
            return []
        return [(self.feed.publication, layer.index) for layer in self._layers if layer.waiting or self._idle(layer)]

    def _idle(self, layer: Layer) -> bool:
        """Whether this layer could play, and does not."""
        if layer.locked:
            return False
        if not any(other.locked for other in self._layers):
            return layer.index == 0 or self._now - layer.last < STOPPED
        return self._now - layer.last < STOPPED and layer.usable(self._now)

    @property
    def track(self) -> Track | None:
        """What plays now; of several layers, the one that timestamps are placed by."""
        return self._reference.track if self._lead.locked and self._reference is not None else None

    @property
    def codec(self) -> Codec | None:
        return self._lead.codec

    def outgoing(self, timestamp: int) -> int:
        """What a timestamp of the present track is to viewers."""
        return (timestamp + self._reference.offset) & 0xFFFFFFFF if self._reference is not None else timestamp

    # --- layers ----------------------------------------------------------------------------------------------------

    @property
    def rates(self) -> list[float]:
        """The bit rates of the layers up to the highest that plays and is allowed, the lowest first."""
        top = max((layer.index for layer in self._layers if layer.locked and layer.index <= self._cap), default=-1)
        return [layer.rate for layer in self._layers[: top + 1]]

    def rate_to(self, peer: str) -> float:
        """The bit rate that this viewer is sent."""
        subscription = self._subscribers.named(peer)
        return self._layers[subscription.layer].rate if subscription is not None and self.feeds(peer) else 0.0

    def cap(self, layer: int) -> None:
        """Let nobody be in a higher layer than this one; `HIGHEST`: in any."""
        if layer != self._cap:
            self._cap = layer
            self._refresh()

    def choose(self, peer: str, choice: int) -> None:
        """The highest layer that this viewer's link bears, or `AUDIO_ONLY`."""
        subscription = self._subscribers.named(peer)
        if subscription is not None:
            subscription.choice = choice
            self._settle(subscription)

    def layer_of(self, peer: str) -> int:
        """Where this viewer is, or will be."""
        subscription = self._subscribers.named(peer)
        if subscription is None:
            return 0
        return subscription.layer if subscription.goal is None else subscription.goal

    # --- viewers ---------------------------------------------------------------------------------------------------

    def add(self, subscription: Subscription) -> None:
        self._subscribers.add(subscription)
        self._settle(subscription)

    def remove(self, peer: str) -> None:
        self._subscribers.remove(peer)
        self.crowd.forget(peer)

    @property
    def viewers(self) -> int:
        """How many viewers have a line for it, whether or not they are sent it now."""
        return len(self._subscribers)

    @property
    def audience(self) -> int:
        """How many are sent packets of the stream now."""
        return self._subscribers.audience

    def key_frame_sends(self, layer: int) -> int:
        """What a key frame of this layer costs: the packets of the last one times the viewers, also those to come."""
        if layer >= len(self._layers):
            return 0
        one = self._layers[layer]
        return one.key_packets * (len(one.families) + len(one.waiting))

    def feeds(self, peer: str) -> bool:
        """Whether this viewer is sent packets of the stream now."""
        return self._subscribers.sent_to(peer) and any(layer.locked for layer in self._layers)

    def resend(self, peer: str, numbers: Iterator[int]) -> Resent:
        """What this viewer asks for again by its own 16-bit numbers, of what it was sent."""
        return self._subscribers.resend(peer, numbers)

    def miss(self, peer: str, numbers: Sequence[int]) -> None:
        """Count what this viewer asks for again, by rising numbers."""
        self._subscribers.miss(peer, numbers)

    def reached(self, peer: str, sent: int) -> int | None:
        """The viewer's own number, extended, that it reports with 16 bits; None when it was not sent it."""
        return self._subscribers.reached(peer, sent)

    def counts(self, peer: str) -> tuple[int, int] | None:
        """How many packets this viewer was sent and how many of them it missed, both since an arbitrary start; None
        while it is sent nothing."""
        subscription = self._subscribers.named(peer)
        sent = self._subscribers.progress(subscription) if subscription is not None else None
        return (sent, subscription.lost) if subscription is not None and sent is not None else None

    def _allowed(self, subscription: Subscription) -> bool:
        """Whether the room lets it see the stream."""
        feed = self.feed
        if feed is None or feed.audience is Audience.NOBODY:
            return False
        if feed.audience is Audience.STAGE and not subscription.stage:
            return False
        return self.kind is Kind.VIDEO or feed.member != subscription.member  # nobody is sent their own voice

    def _settle(self, subscription: Subscription) -> None:
        most = min(subscription.choice, self._cap)
        if not self._allowed(subscription) or most <= AUDIO_ONLY:
            self._subscribers.out(subscription)
            return
        playing = [layer for layer in self._layers if layer.locked]
        fit = [layer.index for layer in playing if layer.codec in subscription.payload_types]
        if playing and not fit:
            self._subscribers.out(subscription)
            self._lacks(subscription, playing[0].codec)
            return
        if subscription.place in (Place.IN, Place.REPLAYED):
            codec = self._layers[subscription.layer].codec
            if codec is not None and codec not in subscription.payload_types:
                self._subscribers.out(subscription)
        below = [index for index in fit if index <= most]
        self._subscribers.settle(subscription, below[-1] if below else fit[0] if fit else None)

    def _lacks(self, subscription: Subscription, codec: Codec | None) -> None:
        if codec is not None and codec not in subscription.lacked:
            subscription.lacked.add(codec)
            self._notices.lacking.append((subscription.peer, self.slot, codec))

    def _refresh(self) -> None:
        """Something changed for all."""
        for subscription in self._subscribers:
            self._settle(subscription)

    # --- packets ---------------------------------------------------------------------------------------------------

    def receive(
        self, publication: str, arrival: Arrival, now: float, behind: bool, keep: bool, cause: str = "behind"
    ) -> list[Action]:
        """A packet of a publication: what to send of it. `behind`: video must be dropped before it is numbered, for
        this cause. `keep`: the publication may not make key frames when asked, so keep its groups of pictures."""
        taking_over = self.next_feed is not None and publication == self.next_feed.publication
        if not taking_over and (self.feed is None or publication != self.feed.publication):
            return []
        if arrival.layer >= LAYERS:
            return []
        self._now = now
        layer = self._layer(arrival.layer)
        layer.arrived(arrival, now)
        if taking_over:
            self._next_layers.add(arrival.layer)
        if taking_over or not layer.follows(arrival):
            layer.hold(arrival)
            if not arrival.starts or behind or not (taking_over or layer.usable(now)):
                return []
            if taking_over:
                self._take_over()
            layer.keep = keep
            return self._begin(layer, arrival, now)
        layer.keep = keep
        if behind and self.kind is Kind.VIDEO:
            layer.end(cause)  # nothing more until a key frame begins
            layer.hold(arrival)
            return []
        return self._pass_on(layer, arrival, now)

    def _take_over(self) -> None:
        self.feed, self.next_feed = self.next_feed, None
        for layer in self._layers:
            layer.locked = False

    def _break(self, cause: str) -> None:
        for layer in self._layers:
            layer.end(cause)

    def _begin(self, layer: Layer, start: Arrival, now: float) -> list[Action]:
        """Go on with another source or codec, or after a break, from this packet on."""
        other = layer.lock(start)
        if other or not layer.families:
            self._anchor(layer, start, now, other)
        if not self._lead.locked:
            self._lead = layer
        self._refresh()
        self._notices.entered += self._subscribers.inside()
        actions: list[Action] = []
        for arrival in layer.held_from(start):
            actions += self._pass_on(layer, arrival, now)
        return actions

    def _anchor(self, layer: Layer, arrival: Arrival, now: float, other: bool) -> None:
        """Where this layer's timestamps lie on the line. Beside another layer of the same feed: by the moments of
        capture, as the source's clocks have them by now. Else time goes on by what passed."""
        reference = self._reference
        others = any(one.locked and one is not layer for one in self._layers)
        if reference is not None and (others or not other):
            outgoing = self._beside(layer, reference, arrival, now)
            if outgoing is not None and not self._line.strays(outgoing, now, DRIFT):
                layer.offset = (outgoing - arrival.timestamp) & 0xFFFFFFFF
                return
        if other:
            layer.offset = (self._line.next(now) - arrival.timestamp) & 0xFFFFFFFF
            self._refer_to(layer)

    def _align(self, layer: Layer, arrival: Arrival, now: float) -> None:
        """Nobody is in this layer, and somebody enters with this key frame: place it by the clocks as they are by now,
        and after what those who come have seen."""
        self._anchor(layer, arrival, now, False)
        behind = [signed(one.timestamp - layer.outgoing(arrival.timestamp)) for one in self._layers if one.families]
        late = max(behind, default=-1)
        if 0 <= late < SKEW:
            layer.offset += late + 1

    @staticmethod
    def _beside(layer: Layer, reference: Reference, arrival: Arrival, now: float) -> int | None:
        if arrival.track.clock.timestamp(now) is None:
            return None
        captured = reference.track.clock.timestamp(arrival.track.clock.time(arrival.timestamp))
        return None if captured is None else captured + reference.offset + (layer.index - reference.layer) * APART

    def _refer_to(self, layer: Layer) -> None:
        assert layer.track is not None
        self._reference = Reference(layer.track, layer.offset, layer.index)

    def _pass_on(self, layer: Layer, arrival: Arrival, now: float) -> list[Action]:
        numbering = layer.numbering
        if not numbering.ahead(arrival.number):
            return self._pass_on_late(layer, arrival, now)
        if not arrival.payload:
            numbering.drop(arrival.number)
            return []
        if self._line.strays(layer.outgoing(arrival.timestamp), now, DRIFT):
            self._anchor(layer, arrival, now, True)
        if arrival.starts and layer.waiting and not layer.families:
            self._align(layer, arrival, now)
        timestamp = layer.outgoing(arrival.timestamp)
        self._line.sent(timestamp, now)
        layer.timestamp = timestamp
        numbering.reach(arrival.number)
        if arrival.starts and self.kind is Kind.VIDEO:
            self._key_frame(layer, numbering.next, timestamp, now)
        actions: list[Action] = []
        if arrival.parameters is not None:
            actions += self._write(layer, numbering.insert(), 0, timestamp, arrival.parameters, now)
        number = numbering.place(arrival.number)
        assert number is not None
        return actions + self._write(layer, number, arrival.marker, timestamp, arrival.payload, now)

    def _pass_on_late(self, layer: Layer, arrival: Arrival, now: float) -> list[Action]:
        """A late packet has its number waiting. (A late probe fills it: viewers would ask for it in vain.)"""
        number = layer.numbering.place(arrival.number)
        if number is None or arrival.codec is not layer.codec:
            return []
        timestamp = layer.outgoing(arrival.timestamp)
        if arrival.starts and arrival.parameters is None and self.kind is Kind.VIDEO:
            self._key_frame(layer, number, timestamp, now)
        return self._write(layer, number, arrival.marker, timestamp, arrival.payload, now)

    def _key_frame(self, layer: Layer, number: int, timestamp: int, now: float) -> None:
        """This number begins a key frame: who waits enters here. What follows it and was sent already, because it
        overtook it, they ask for like any lost packet."""
        self._subscribers.key_frame(layer, number, timestamp)
        layer.begin_key_frame(number, timestamp, now)

    def _write(
        self, layer: Layer, number: int, marker: int, timestamp: int, payload: bytes, now: float
    ) -> list[Action]:
        assert layer.codec is not None
        even = EVEN if self.kind is Kind.VIDEO and len(payload) >= EVEN_FROM else 1
        packet = pack_rtp(0, marker, number, timestamp, self.ssrc, payload, period_at(now), even)
        kept = Kept(number, packet, layer.codec)
        layer.ring.put(kept)
        layer.group.put(kept, now)
        layer.count(timestamp)
        if layer is self._lead:
            self.packets += 1
            self.octets += len(payload)
        return layer.families.forward(kept)

    # --- time ------------------------------------------------------------------------------------------------------

    def tick(self, now: float, replay: bool) -> list[Action]:
        """`replay`: the feed makes no key frames when asked, so that who waits is sent the kept group."""
        self._now = now
        if self.feed is None and self.next_feed is None:
            return []
        if self.next_feed is not None and now - self._next_since > GRACE:
            self.feed, self.next_feed = self.next_feed, None
            self._break(NO_KEY_FRAME)
            self._refresh()
        self._look_at_layers(now)
        if replay:
            self._subscribers.begin_replays()
        return self._subscribers.replay(now)

    def _look_at_layers(self, now: float) -> None:
        """A layer that stopped while others arrive is left for the next lower one."""
        newest = max(layer.last for layer in self._layers)
        for layer in self._layers:
            layer.measure(now)
            if layer.locked and newest - layer.last > STOPPED:
                layer.stop()
                self._lead = next((one for one in self._layers if one.locked), self._lead)
                if self._reference is not None and self._reference.track is layer.track and self._lead.locked:
                    self._refer_to(self._lead)
                self._refresh()
