"""A place that viewers see: an audio and a video stream, fed by one publication at a time."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from signaling.relay.limits import Limits
from signaling.relay.notices import Notices
from signaling.relay.stream import Feed, Stream
from signaling.session.offer import Kind

FIRST_NUMBERS = range(2048, 16384)
"""Where a stream's numbering begins: far from a wrap (RFC 3711 §3.3.1)."""

STAGE = "backstage"
"""The slot whose viewers are the stage."""


class Slot:
    """`name` is its SDES CNAME as well: players synchronize the two streams by it."""

    def __init__(self, name: str, random: Random, limits: Limits, notices: Notices) -> None:
        self.name = name
        self.cname = f"{name}-{random.getrandbits(64):016x}"
        self.streams = {
            kind: Stream(
                name,
                kind,
                random.randrange(1, 1 << 32),
                random.choice(FIRST_NUMBERS),
                random.getrandbits(32),
                limits,
                notices,
            )
            for kind in Kind
        }

    def route(self, feed: Feed, kinds: frozenset[Kind], now: float) -> None:
        """Let a publication of these kinds of media take over; what it does not send ends."""
        for kind, stream in self.streams.items():
            stream.route(feed if kind in kinds else None, now)

    def unroute(self, publication: str) -> None:
        for stream in self.streams.values():
            stream.unroute(publication)


class Slots:
    """A lecture's slots, made when they are first named."""

    def __init__(self, random: Random, limits: Limits, notices: Notices) -> None:
        self._random = random
        self._limits = limits
        self._notices = notices
        self._slots: dict[str, Slot] = {}

    def __len__(self) -> int:
        return len(self._slots)

    def __iter__(self) -> Iterator[Slot]:
        return iter(self._slots.values())

    def named(self, name: str) -> Slot:
        slot = self._slots.get(name)
        if slot is None:
            slot = self._slots[name] = Slot(name, self._random, self._limits, self._notices)
        return slot
