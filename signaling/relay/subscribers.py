"""Who is sent a stream, in families that are sent the same bytes; sending again, and replays to those who join."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from signaling.relay.actions import Action, Forward, Resend, Viewers
from signaling.relay.group import Group
from signaling.relay.limits import Limits
from signaling.relay.notices import Notices
from signaling.relay.ring import Kept, Ring
from signaling.relay.subscription import Place, Subscription
from signaling.session.offer import Codec, Kind

LONGEST_TICK = 0.1  # seconds; a replay does not make up for more

Key = tuple[tuple[tuple[Codec, int], ...], int]


@dataclass(slots=True)
class Family:
    """Viewers that are sent the same bytes (before encryption)."""

    payload_types: dict[Codec, int]
    line: int
    viewers: Viewers = field(default_factory=Viewers)
    newest: int = 0  # the highest first number of its viewers


@dataclass(slots=True)
class Resent:
    """`too_old`: something asked for is kept no more, so that only a key frame helps."""

    packets: list[bytes] = field(default_factory=list)
    viewer: int = -1
    too_old: bool = False


class Subscribers:
    """`next_number`, where it is asked for, is the stream's next number."""

    def __init__(self, kind: Kind, ring: Ring, group: Group, limits: Limits, notices: Notices) -> None:
        self._kind = kind
        self._ring = ring
        self._group = group
        self._limits = limits
        self._notices = notices
        self._subscriptions: dict[str, Subscription] = {}
        self._waiting: dict[str, Subscription] = {}
        self._replayed: deque[Subscription] = deque()
        self._replay_at: float | None = None
        self._families: dict[Key, Family] = {}

    def __len__(self) -> int:
        return len(self._subscriptions)

    @property
    def waiting(self) -> bool:
        return bool(self._waiting)

    @property
    def audience(self) -> int:
        return sum(len(family.viewers) for family in self._families.values())

    def inside(self) -> list[str]:
        return [peer for peer, one in self._subscriptions.items() if one.place is Place.IN]

    def sent_to(self, peer: str) -> bool:
        subscription = self._subscriptions.get(peer)
        return subscription is not None and subscription.place in (Place.IN, Place.REPLAYED)

    # --- in and out ------------------------------------------------------------------------------------------------

    def add(self, subscription: Subscription, wanted: bool, next_number: int) -> None:
        self._subscriptions[subscription.peer] = subscription
        self._settle(subscription, wanted, next_number)

    def remove(self, peer: str, next_number: int) -> None:
        subscription = self._subscriptions.pop(peer, None)
        if subscription is not None:
            self._out(subscription, next_number)

    def settle(self, wanted: Callable[[Subscription], bool], next_number: int) -> None:
        """Something changed for all: who is wanted now comes in (video: at the next key frame), others go out."""
        for subscription in self._subscriptions.values():
            self._settle(subscription, wanted(subscription), next_number)

    def _settle(self, subscription: Subscription, wanted: bool, next_number: int) -> None:
        if not wanted:
            self._out(subscription, next_number)
        elif subscription.place is Place.OUT and self._kind is Kind.AUDIO:
            self._in(subscription, next_number)
        elif subscription.place is Place.OUT:
            subscription.place = Place.WAITING
            self._waiting[subscription.peer] = subscription

    def key_frame(self, number: int) -> None:
        """A key frame begins at this number: who waits comes in here."""
        for subscription in self._replayed:
            subscription.leave(subscription.cursor)
        for subscription in (*self._replayed, *self._waiting.values()):
            self._in(subscription, number)
        self._replayed.clear()

    def _in(self, subscription: Subscription, number: int) -> None:
        subscription.enter(number)
        self._join_family(subscription)
        self._notices.entered.append(subscription.peer)

    def _join_family(self, subscription: Subscription) -> None:
        subscription.place = Place.IN
        self._waiting.pop(subscription.peer, None)
        key = _key(subscription)
        family = self._families.get(key)
        if family is None:
            family = self._families[key] = Family(subscription.payload_types, subscription.line)
        family.newest = max(family.newest, subscription.first)
        family.viewers.add(subscription.viewer)

    def _out(self, subscription: Subscription, next_number: int) -> None:
        if subscription.place is Place.IN:
            key = _key(subscription)
            family = self._families[key]
            family.viewers.remove(subscription.viewer)
            if not family.viewers:
                del self._families[key]
            subscription.leave(next_number)
        elif subscription.place is Place.REPLAYED:
            self._replayed.remove(subscription)
            subscription.leave(subscription.cursor)
        self._waiting.pop(subscription.peer, None)
        subscription.place = Place.OUT

    # --- packets ---------------------------------------------------------------------------------------------------

    def forward(self, kept: Kept) -> list[Action]:
        """A packet to every family. A late one is not sent to families with a viewer that entered after its number:
        who misses it asks for it."""
        return [
            Forward(
                (write(kept, family.payload_types[kept.codec], family.line),), family.viewers, self._kind is Kind.AUDIO
            )
            for family in self._families.values()
            if kept.number >= family.newest
        ]

    def resend(self, peer: str, numbers: Iterator[int], next_number: int) -> Resent:
        """What this viewer asks for again by its own 16-bit numbers, of what it was sent."""
        found = Resent()
        subscription = self._subscriptions.get(peer)
        if subscription is None or not self.sent_to(peer):
            return found
        found.viewer = subscription.viewer
        for sent in numbers:
            number = subscription.number(sent, _end(subscription, next_number))
            if number is None:
                continue
            kept = self._ring.get(number)
            if kept is not None:
                found.packets += _written(subscription, kept)
            elif self._ring.passed(number) and self._kind is Kind.VIDEO:
                found.too_old = True
        return found

    def reached(self, peer: str, sent: int, next_number: int) -> int | None:
        """The stream's number of 16 bits that this viewer reports; None when it was not sent it."""
        subscription = self._subscriptions.get(peer)
        if subscription is None or not self.sent_to(peer):
            return None
        return subscription.number(sent, _end(subscription, next_number))

    # --- replays ---------------------------------------------------------------------------------------------------

    def begin_replays(self) -> None:
        """Send the kept group to those who wait for a key frame."""
        if not self._group.packets:
            return
        for subscription in self._waiting.values():
            subscription.enter(self._group.packets[0].number)
            subscription.cursor = subscription.first
            subscription.place = Place.REPLAYED
            self._replayed.append(subscription)
            self._notices.entered.append(subscription.peer)
        self._waiting.clear()

    def replay(self, now: float, next_number: int) -> list[Action]:
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
                actions.append(Resend(tuple(packets), subscription.viewer))
            self._go_on(subscription, next_number)
        return actions

    def _replay(self, subscription: Subscription, most: int) -> list[bytes]:
        packets: list[bytes] = []
        for kept in self._group.after(subscription.cursor, most):
            packets += _written(subscription, kept)
            subscription.cursor = kept.number + 1
        return packets

    def _go_on(self, subscription: Subscription, next_number: int) -> None:
        if not self._group.whole:  # it grew too large meanwhile: only the next key frame helps
            subscription.leave(subscription.cursor)
            subscription.place = Place.WAITING
            self._waiting[subscription.peer] = subscription
        elif subscription.cursor >= next_number:
            self._join_family(subscription)
        else:
            self._replayed.append(subscription)


def _key(subscription: Subscription) -> Key:
    return tuple(sorted(subscription.payload_types.items())), subscription.line


def _end(subscription: Subscription, next_number: int) -> int:
    """The number after the last that was sent to it."""
    return subscription.cursor if subscription.place is Place.REPLAYED else next_number


def _written(subscription: Subscription, kept: Kept) -> list[bytes]:
    payload_type = subscription.payload_types.get(kept.codec)
    return [write(kept, payload_type, subscription.line)] if payload_type is not None else []


def write(kept: Kept, payload_type: int, line: int) -> bytes:
    """A kept packet as a family is sent it: its payload type and its line of numbers. Same input, same bytes."""
    number = kept.number + (line << 14)
    packet = kept.packet
    head = bytes((packet[0], packet[1] & 0x80 | payload_type, number >> 8 & 0xFF, number & 0xFF))
    return head + packet[4:]
