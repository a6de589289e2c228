"""A sign-in as the ledger knows it, and how long its window really was."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from attendance.interval import Span, clip

EXTENDED_AT_MOST = 600_000_000
"""µs by which the window of a sign-in grows while the member's connection is down."""


class SignIn(msgspec.Struct, frozen=True, order=True):
    """Asked at `at`, to be answered until `until`; `answered`: when it was, None: it was not. All µs."""

    at: int
    id: str
    until: int
    answered: int | None = None


def grown(asked: SignIn, connected: Sequence[Span]) -> SignIn:
    """With the window that the member really had: it stood still while no page of theirs was connected, for
    `EXTENDED_AT_MOST` at most. `connected` is a set; where it is empty nothing is known and nothing grows."""
    if not connected:
        return asked
    latest, left = asked.until + EXTENDED_AT_MOST, asked.until - asked.at
    for span in clip(connected, [Span(asked.at, latest)]):
        if span.end - span.start >= left:
            return msgspec.structs.replace(asked, until=span.start + left)
        left -= span.end - span.start
    return msgspec.structs.replace(asked, until=latest)
