"""The viewers of one layer, in families that are sent the same bytes (before what is each viewer's own)."""

from __future__ import annotations

from dataclasses import dataclass, field

from signaling.relay.actions import Action, Forward, Viewers
from signaling.relay.ring import Kept
from signaling.relay.subscription import Subscription
from signaling.session.offer import Codec

Key = tuple[tuple[Codec, int], ...]


@dataclass(slots=True)
class Family:
    """Viewers with the same payload types."""

    payload_types: dict[Codec, int]
    viewers: Viewers = field(default_factory=Viewers)
    newest: int = 0  # the highest first number of its viewers


class Families:
    def __init__(self, audio: bool) -> None:
        self._audio = audio
        self._families: dict[Key, Family] = {}

    def __len__(self) -> int:
        return sum(len(family.viewers) for family in self._families.values())

    def join(self, subscription: Subscription) -> None:
        key = _key(subscription)
        family = self._families.get(key)
        if family is None:
            family = self._families[key] = Family(subscription.payload_types)
        family.newest = max(family.newest, subscription.first)
        family.viewers.add(subscription.viewer, subscription.offset)

    def leave(self, subscription: Subscription) -> None:
        key = _key(subscription)
        family = self._families[key]
        family.viewers.remove(subscription.viewer)
        if not family.viewers:
            del self._families[key]

    def forward(self, kept: Kept) -> list[Action]:
        """A packet to every family. A late one is not sent to families with a viewer that entered after its number:
        who misses it asks for it."""
        stream = int.from_bytes(kept.packet[8:12], "big")
        return [
            Forward((write(kept, family.payload_types[kept.codec]),), family.viewers, self._audio, stream)
            for family in self._families.values()
            if kept.number >= family.newest
        ]


def _key(subscription: Subscription) -> Key:
    return tuple(sorted(subscription.payload_types.items()))


def write(kept: Kept, payload_type: int) -> bytes:
    """A kept packet as a family is sent it: with its payload type. Same input, same bytes."""
    packet = kept.packet
    return packet[:1] + bytes((packet[1] & 0x80 | payload_type,)) + packet[2:]
