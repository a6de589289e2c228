"""One viewer's place in one outgoing stream.

Theory of operation. A stream has one numbering, and a viewer's SRTP context derives its index from the 16 bits of a
number that are sent (RFC 3711 §3.3.1). Two rules keep "one index, one plaintext" true, and both ends agreed on it:

1. A context must not begin near a wrap: if the first packets are lost, the two ends count wraps differently.
2. A viewer that was left out for a while (the audience was another one, the codec was not its own, its own voice was
   on) continues its old context. More than 2**15 numbers later the 16 bits mean another index to it, maybe a used one.

So there are four *lines* of numbers, a quarter of the number space apart: line k sends number + k·2**14. A viewer that
begins or returns is put onto the line whose number lies well ahead of all that was sent to it. Nearly everyone is on
line 0. A late packet reaches back at most `REACH` numbers, so lines keep that distance from what was used.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, field

from signaling.session.offer import Codec

LINES = 4
QUARTER = 1 << 14
REACH = 2048


class Place(enum.Enum):
    OUT = "out"  # sent nothing
    WAITING = "waiting"  # for the next key frame
    REPLAYED = "replayed"  # is sent the kept group, and follows when it has caught up
    IN = "in"  # in the audience


@dataclass(slots=True, eq=False)
class Subscription:
    peer: str
    member: str
    stage: bool  # is in the audience STAGE as well
    viewer: int  # its fan-out index
    payload_types: dict[Codec, int]
    place: Place = Place.OUT
    line: int = 0
    first: int = 0  # nothing before this number was or is sent, since it last came in
    spent: tuple[int, int] | None = None  # the last number that may have been sent before it last went out; its line
    cursor: int = 0  # REPLAYED: the next number
    lacked: set[Codec] = field(default_factory=set)  # codecs that the viewer was already said to lack

    def enter(self, number: int) -> None:
        """Numbers from this one on will be sent: choose the line."""
        self.first = number
        if self.spent is None:
            self.line = next(line for line in range(LINES) if REACH <= _sent(number, line) < 65536 - REACH)
            return
        last, line = self.spent
        if number - last <= (1 << 15) - REACH:
            self.line = line
        else:
            used = _sent(last, line)
            self.line = next(
                line for line in range(LINES) if REACH <= (_sent(number, line) - used) & 0xFFFF < REACH + QUARTER
            )

    def leave(self, next_number: int) -> None:
        """Nothing from this number on is sent."""
        if next_number > self.first:
            self.spent = (next_number - 1, self.line)

    def sent(self, number: int) -> int:
        """The 16 bits that this viewer is sent for a number of the stream."""
        return _sent(number, self.line)

    def number(self, sent: int, next_number: int) -> int | None:
        """The stream's number of 16 bits that this viewer names; None when it was not sent such a one lately."""
        top = next_number - 1
        number = top - ((self.sent(top) - sent) & 0xFFFF)
        return number if number >= self.first and top - number < 1 << 15 else None


def _sent(number: int, line: int) -> int:
    return (number + line * QUARTER) & 0xFFFF
