"""Who becomes a lecture's home. Pure: what was found on the bus and in the database goes in, what to do comes out.

Theory of operation. The lease on the bus says who is home *now*; it lapses a few seconds after its holder falls silent.
The fence in the database says who was made home *last*, grows with each, and outlives the bus. A lease that is not
there means one of three things: nobody was home; the home died; or the bus forgot (it restarted with nothing) while the
home lives on and will claim its lease again in a moment. Only in the third case taking it at once would move a room
that is well, so a lease that this process did not itself see lapse is waited for.
"""

from __future__ import annotations

import enum

import msgspec

from classroom.nodes.wire import Home

LEASE = 5.0
"""Seconds that a lease lasts."""
RENEW = 1.25
"""Seconds between two looks at it: a holder that misses three in a row loses it."""
RECLAIM = 4.0
"""Seconds that a home has for claiming its lease again from a bus that forgot it."""
GONE = 6.0
"""Seconds without a sign of life after which a node is taken to be gone."""


class Last(msgspec.Struct, frozen=True):
    """Who was made home last. `held`: it has not given that up in order; `alone`: it went on without the bus, so that
    its members were given messages that no outbox holds."""

    fence: int
    node: str
    boot: str
    held: bool
    alone: bool = False


class Verdict(enum.Enum):
    HOLD = enum.auto()  # the lease is this process's own
    FOLLOW = enum.auto()
    TAKE = enum.auto()
    DISPLACE = enum.auto()  # release it first: it is of this node's process before this one, which is dead
    WAIT = enum.auto()


def judge(me: tuple[str, str], found: Home | None, lapsed: bool, last: Last | None, absent: float) -> Verdict:
    """`me`: (node, boot). `found`: whoever holds the lease. `lapsed`: this process saw it held, over a bus that has
    answered ever since. `absent`: seconds since it was first found missing, over a bus that has answered since."""
    if found is not None:
        if (found.node, found.boot) == me:
            return Verdict.HOLD
        return Verdict.DISPLACE if found.node == me[0] else Verdict.FOLLOW
    if lapsed or last is None or not last.held or last.node == me[0] or absent >= RECLAIM:
        return Verdict.TAKE
    return Verdict.WAIT
