"""One viewer's place in one outgoing stream.

Theory of operation. Each layer of a stream has one numbering for all its viewers; a viewer's *own* numbers are the
layer's plus its offset. Own numbers go on without a gap over everything: a switch to another layer, the time while the
viewer was left out (another audience, a codec that it lacks, its own voice, audio only). So no number is used twice,
its SRTP context sees every index once and in order (RFC 3711 §3.3.1), and a player sees one continuous stream. Two
rules complete "one index, one plaintext":

1. A context must not begin near a wrap: if the first packets are lost, the two ends count wraps differently. The first
   offset keeps `REACH` away from it.
2. A late packet is not sent to who entered after its number: nothing reaches back to what was used before.

The last visits are remembered, so that what was sent in another layer can be sent again as it was.
"""

from __future__ import annotations

import enum
from collections import deque
from dataclasses import dataclass, field
from typing import NamedTuple

from signaling.session.offer import Codec

REACH = 2048
HIGHEST = 7
"""A choice above every layer."""
AUDIO_ONLY = -1
VISITS = 8  # more switches than that within a ring's seconds do not happen


class Place(enum.Enum):
    OUT = "out"  # sent nothing
    WAITING = "waiting"  # for the next key frame
    REPLAYED = "replayed"  # is sent the kept group, and follows when it has caught up
    IN = "in"  # in the audience


class Visit(NamedTuple):
    """From its own number `first` on (extended, never wraps) it was in this layer: own number = number + offset."""

    first: int
    offset: int
    layer: int


class Named(NamedTuple):
    """What a viewer's number names: its own number extended, and where that is. `present`: in the present visit."""

    own: int
    layer: int
    number: int
    offset: int
    present: bool


@dataclass(slots=True, eq=False)
class Subscription:
    peer: str
    member: str
    stage: bool  # is in the audience STAGE as well
    viewer: int  # its fan-out index
    payload_types: dict[Codec, int]
    place: Place = Place.OUT
    choice: int = HIGHEST  # the highest layer that its link bears, or `AUDIO_ONLY`
    goal: int | None = None  # the layer at whose next key frame it enters
    layer: int = 0  # IN, REPLAYED: where it is
    cursor: int = 0  # REPLAYED: the next number
    lost: int = 0  # how many of the packets sent it asked for again, each counted once
    missed: int = -1  # the highest own number that it asked for again
    lacked: set[Codec] = field(default_factory=set)  # codecs that the viewer was already said to lack
    _visits: deque[Visit] = field(default_factory=lambda: deque(maxlen=VISITS))
    _next: int | None = None  # the own number after the last that may have been sent before the present visit

    @property
    def offset(self) -> int:
        """Of the present or last visit, 16 bits."""
        return self._visits[-1].offset & 0xFFFF

    @property
    def first(self) -> int:
        """The layer's number that the present visit began with."""
        visit = self._visits[-1]
        return visit.first - visit.offset

    def enter(self, layer: int, number: int) -> None:
        """Numbers of this layer from this one on will be sent."""
        if self._next is not None:
            offset = self._next - number
        else:
            offset = 0 if REACH <= number & 0xFFFF < 65536 - REACH else 2 * REACH
        self.layer = layer
        self._visits.append(Visit(number + offset, offset, layer))

    def leave(self, next_number: int) -> None:
        """Nothing of the present layer from this number on is sent."""
        visit = self._visits[-1]
        after = next_number + visit.offset
        if after > visit.first:
            self._next = after
        else:
            self._visits.pop()

    def own(self, number: int) -> int:
        """The viewer's own number, extended, for a number of its present layer."""
        return number + self._visits[-1].offset

    def named(self, sent: int, next_number: int) -> Named | None:
        """What these 16 bits name; None when it was not sent such a number lately. `next_number` is the one after the
        last that was sent in the present visit."""
        top = self.own(next_number - 1)
        own = top - ((top - sent) & 0xFFFF)
        if top - own >= 1 << 15:
            return None
        for visit in reversed(self._visits):
            if own >= visit.first:
                return Named(own, visit.layer, own - visit.offset, visit.offset & 0xFFFF, visit is self._visits[-1])
        return None
