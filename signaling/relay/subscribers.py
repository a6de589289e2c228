"""Who is sent a stream, and in which layer; sending again, and replays to those who join."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from signaling.relay.actions import Action, Resend
from signaling.relay.clock import signed
from signaling.relay.families import write
from signaling.relay.layer import Layer
from signaling.relay.limits import Limits
from signaling.relay.notices import Notices
from signaling.relay.ring import SIZE, Kept
from signaling.relay.subscription import Place, Subscription
from signaling.session.offer import Kind

LONGEST_TICK = 0.1  # seconds; a replay does not make up for more
SKEW = 90_000  # ticks that layers may be apart; beyond, something else is wrong
THERE = (Place.IN, Place.REPLAYED)


@dataclass(slots=True)
class Resent:
    """`too_old`: something asked for is kept no more, so that only a key frame helps."""

    actions: list[Action] = field(default_factory=list)
    too_old: bool = False


class Subscribers:
    """`layers` is the stream's own list, by index; it may grow."""

    def __init__(self, kind: Kind, layers: list[Layer], limits: Limits, notices: Notices) -> None:
        self._kind = kind
        self._layers = layers
        self._limits = limits
        self._notices = notices
        self._subscriptions: dict[str, Subscription] = {}
        self._replayed: deque[Subscription] = deque()
        self._replay_at: float | None = None

    def __len__(self) -> int:
        return len(self._subscriptions)

    @property
    def audience(self) -> int:
        """How many are sent something now."""
        return sum(len(layer.families) for layer in self._layers) + len(self._replayed)

    def __iter__(self) -> Iterator[Subscription]:
        return iter(self._subscriptions.values())

    def named(self, peer: str) -> Subscription | None:
        return self._subscriptions.get(peer)

    def inside(self) -> list[str]:
        return [peer for peer, one in self._subscriptions.items() if one.place is Place.IN]

    def sent_to(self, peer: str) -> bool:
        subscription = self._subscriptions.get(peer)
        return subscription is not None and subscription.place in THERE

    # --- in and out ------------------------------------------------------------------------------------------------

    def add(self, subscription: Subscription) -> None:
        self._subscriptions[subscription.peer] = subscription

    def remove(self, peer: str) -> None:
        subscription = self._subscriptions.pop(peer, None)
        if subscription is not None:
            self.out(subscription)

    def settle(self, subscription: Subscription, goal: int | None) -> None:
        """This viewer is to be sent the stream in this layer: audio at once, video from its next key frame on, and
        until then what it is sent already. None: from the first key frame of any layer on."""
        if self._kind is Kind.AUDIO:
            if subscription.place is Place.OUT:
                self._in(subscription, self._layers[0], self._layers[0].next_number)
            return
        if subscription.place is Place.OUT:
            subscription.place = Place.WAITING
        elif subscription.place in THERE and subscription.layer == goal:
            goal = None
        self._await(subscription, goal)

    def out(self, subscription: Subscription) -> None:
        """It is sent nothing more."""
        self._leave(subscription)
        self._await(subscription, None)
        subscription.place = Place.OUT

    def key_frame(self, layer: Layer, number: int, timestamp: int) -> None:
        """A key frame of this layer begins at this number: who waits comes in here. Who has a frame of its former layer
        that is not before this one waits for another key frame: time must not go back."""
        replayed = [one for one in self._replayed if one.layer == layer.index and one.goal is None]
        for subscription in (*replayed, *layer.waiting.values()):
            former = self._layers[subscription.layer]
            if subscription.place is Place.IN and -SKEW < signed(timestamp - former.timestamp) <= 0:
                continue
            self._leave(subscription)
            self._in(subscription, layer, number)

    def _await(self, subscription: Subscription, goal: int | None) -> None:
        if subscription.goal is not None:
            self._layers[subscription.goal].waiting.pop(subscription.peer, None)
        subscription.goal = goal
        if goal is not None:
            self._layers[goal].waiting[subscription.peer] = subscription

    def _in(self, subscription: Subscription, layer: Layer, number: int) -> None:
        subscription.enter(layer.index, number)
        self._join(subscription)
        self._notices.entered.append(subscription.peer)

    def _join(self, subscription: Subscription) -> None:
        """It is in a layer from `first` on, and follows now."""
        subscription.place = Place.IN
        if subscription.goal == subscription.layer:
            self._await(subscription, None)
        self._layers[subscription.layer].families.join(subscription)

    def _leave(self, subscription: Subscription) -> None:
        if subscription.place is Place.IN:
            self._layers[subscription.layer].families.leave(subscription)
        elif subscription.place is Place.REPLAYED:
            self._replayed.remove(subscription)
        else:
            return
        subscription.leave(self._end(subscription))

    def _end(self, subscription: Subscription) -> int:
        """The number after the last that was sent to it in its layer."""
        replayed = subscription.place is Place.REPLAYED
        return subscription.cursor if replayed else self._layers[subscription.layer].next_number

    # --- what they ask for -----------------------------------------------------------------------------------------

    def resend(self, peer: str, numbers: Iterator[int]) -> Resent:
        """What this viewer asks for again by its own 16-bit numbers, of what it was sent."""
        found = Resent()
        subscription = self._subscriptions.get(peer)
        if subscription is None or not self.sent_to(peer):
            return found
        packets: dict[int, list[bytes]] = {}
        end = self._end(subscription)
        oldest = subscription.own(end) - SIZE  # no SRTP window reaches further back
        for sent in numbers:
            named = subscription.named(sent, end)
            if named is None:
                continue
            layer = self._layers[named.layer]
            kept = layer.ring.get(named.number) if named.own >= oldest else None
            if kept is not None:
                packets.setdefault(named.offset, []).extend(_written(subscription, kept))
            elif named.present and layer.ring.passed(named.number) and self._kind is Kind.VIDEO:
                found.too_old = True
        found.actions += [Resend(tuple(run), subscription.viewer, offset) for offset, run in packets.items() if run]
        return found

    def miss(self, peer: str, numbers: Sequence[int]) -> None:
        """Count what this viewer asks for again, whether or not it may be resent: rising numbers, from the end to what
        was counted before. What we never had is not counted: it was lost on the publisher's way."""
        subscription = self._subscriptions.get(peer)
        if subscription is None or not self.sent_to(peer):
            return
        end, before = self._end(subscription), subscription.missed
        for sent in reversed(numbers):
            named = subscription.named(sent, end)
            if named is None or named.own <= before:
                return
            subscription.missed = max(subscription.missed, named.own)
            subscription.lost += self._layers[named.layer].ring.get(named.number) is not None

    def reached(self, peer: str, sent: int) -> int | None:
        """The viewer's own number, extended, that it reports with 16 bits; None when it was not sent it."""
        subscription = self._subscriptions.get(peer)
        if subscription is None or not self.sent_to(peer):
            return None
        named = subscription.named(sent, self._end(subscription))
        return named.own if named is not None else None

    def progress(self, subscription: Subscription) -> int | None:
        """The own number after the last that it was sent; None while it is sent nothing."""
        return subscription.own(self._end(subscription)) if subscription.place in THERE else None

    # --- replays ---------------------------------------------------------------------------------------------------

    def begin_replays(self) -> None:
        """Send the kept group to those who wait for a key frame and see nothing yet."""
        for layer in self._layers:
            if not layer.locked or not layer.group.packets:
                continue
            for subscription in [one for one in layer.waiting.values() if one.place is Place.WAITING]:
                subscription.enter(layer.index, layer.group.packets[0].number)
                subscription.cursor = subscription.first
                subscription.place = Place.REPLAYED
                self._await(subscription, None)
                self._replayed.append(subscription)
                self._notices.entered.append(subscription.peer)

    def replay(self, now: float) -> list[Action]:
        """Go on with replays, paced; who has caught up is sent what all are sent from here on."""
        if not self._replayed:
            self._replay_at = None
            return []
        passed = min(LONGEST_TICK, now - self._replay_at) if self._replay_at is not None else 0.0
        self._replay_at = now
        budget = int(self._limits.replay_rate_all * passed)
        most = max(1, int(self._limits.replay_rate * passed))
        actions: list[Action] = []
        for _ in range(len(self._replayed)):
            if budget <= 0:
                break
            subscription = self._replayed.popleft()
            packets = self._replay(subscription, min(most, budget))
            budget -= len(packets)
            if packets:
                actions.append(Resend(tuple(packets), subscription.viewer, subscription.offset))
            self._go_on(subscription)
        return actions

    def _replay(self, subscription: Subscription, most: int) -> list[bytes]:
        packets: list[bytes] = []
        for kept in self._layers[subscription.layer].group.after(subscription.cursor, most):
            packets += _written(subscription, kept)
            subscription.cursor = kept.number + 1
        return packets

    def _go_on(self, subscription: Subscription) -> None:
        layer = self._layers[subscription.layer]
        if not layer.group.whole:  # it grew too large meanwhile: only the next key frame helps
            subscription.leave(subscription.cursor)
            subscription.place = Place.WAITING
            if subscription.goal is None:
                self._await(subscription, layer.index)
        elif subscription.cursor >= layer.next_number:
            self._join(subscription)
        else:
            self._replayed.append(subscription)


def _written(subscription: Subscription, kept: Kept) -> list[bytes]:
    payload_type = subscription.payload_types.get(kept.codec)
    return [write(kept, payload_type)] if payload_type is not None else []
