"""Proof of reception: a mark in each viewer's own copy of the media, which only who received it can name.

A mark is 32 bits of an HMAC over the viewer and a period of ten seconds, under a key of the lecture that the relay and
the web process share. The relay writes it as the one contributing source of each packet (RFC 3550 §5.1); a page reads
it by `RTCRtpReceiver.getContributingSources()` and echoes it over the channel. Nobody can name a mark that was not
sent to them, and one viewer's marks say nothing about another's.
"""

from __future__ import annotations

import hashlib
import hmac
import math
from collections.abc import Iterable

PERIOD = 10.0  # seconds


def period_at(moment: float) -> int:
    """The period of a moment, in seconds of CLOCK_MONOTONIC: relay and web process share it, and no step of the clock
    moves it."""
    return math.floor(moment / PERIOD)


def key_of(secret: bytes, lecture: str) -> bytes:
    """The lecture's key: 32 bytes."""
    return hmac.digest(secret, lecture.encode(), hashlib.sha256)


def mark_of(key: bytes, peer: str, period: int) -> int:
    """32 bits, never 0 (some players take 0 for "no source")."""
    digest = hmac.digest(key, f"{peer}/{period}".encode(), hashlib.sha256)
    return int.from_bytes(digest[:4], "big") or 1


ECHOED_WITHIN = 2
"""Periods: a mark that is echoed later proves nothing."""


def proved_by(key: bytes, peer: str, marks: Iterable[int], now: float) -> list[int]:
    """The periods, in order, whose marks of that viewer are among `marks` and young enough. The others are another
    viewer's, old or invented; one that is to come was not sent yet. `now` in seconds of CLOCK_MONOTONIC. Costs the same
    however many marks there are."""
    newest, echoed = period_at(now), set(marks)
    return [one for one in range(newest - ECHOED_WITHIN, newest + 1) if mark_of(key, peer, one) in echoed]


PERIODS = 4
"""So many periods' marks are kept for a viewer: what is sent again is younger."""


class Marks:
    """One viewer's marks."""

    def __init__(self) -> None:
        self._marks: dict[int, tuple[int, bytes]] = {}  # by the period modulo `PERIODS`: the period, its mark

    def put(self, period: int, mark: int) -> None:
        self._marks[period % PERIODS] = period, mark.to_bytes(4, "big")

    def own(self, packet: bytes, offset: int) -> bytes | None:
        """This viewer's copy of a prepared packet (see `ports.Fanout`); None without a mark for its period."""
        period = int.from_bytes(packet[12:16], "big")
        known, mark = self._marks.get(period % PERIODS, (-1, b""))
        if known != period or len(packet) < 16:
            return None
        number = int.from_bytes(packet[2:4], "big") + offset & 0xFFFF
        return packet[:2] + number.to_bytes(2, "big") + packet[4:12] + mark + packet[16:]
