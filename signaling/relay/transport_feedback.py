"""Transport-wide feedback: when each packet arrived (draft-holmer-rmcat-transport-wide-cc-extensions-01).

Theory of operation. A publisher numbers all its packets, of every medium, in a header extension. From the arrivals its
browser estimates what its uplink bears, which reports and a cap (REMB) alone do not tell it: with those alone it turns
simulcast layers on and off for its first seconds. Arrivals wait here, for 100 ms; one message then says of every number
since the last whether it came, and when, in steps of 250 µs. A number that comes after it was reported missing is
reported again.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence

INTERVAL = 0.1  # seconds
MOST = 256  # arrivals that may wait; with more a message is due at once
SPAN = 2048  # a number further away than this from the next begins anew
TICKS = 4000  # a second: a receive delta counts 250 µs (draft §3.1.5)
REFERENCE = 256  # ticks in a unit of the reference time, 64 ms

MISSING, SMALL, LARGE = 0, 1, 2  # packet status symbols (draft §3.1.1)
LONGEST_RUN = 0x1FFF
_HEADER = struct.Struct("!BBHLLHHL")


class TransportFeedback:
    def __init__(self) -> None:
        self._next: int | None = None  # extended; the lowest that no message has spoken of
        self._arrivals: dict[int, int] = {}  # extended number → ticks
        self._ssrc = 0
        self._count = 0
        self._sent = 0.0

    def arrived(self, number: int, ssrc: int, now: float) -> None:
        """A packet with this number of 16 bits. `ssrc` is its own: browsers heed feedback only if it names one of
        theirs."""
        self._ssrc = ssrc
        if self._next is None:
            self._next, self._sent = 65536 + number, now
        step = ((number - self._next + 0x8000) & 0xFFFF) - 0x8000
        if abs(step) > SPAN:
            self._next += 65536 + ((number - self._next) & 0xFFFF)
            self._arrivals.clear()
            step = 0
        if len(self._arrivals) < MOST:
            self._arrivals.setdefault(self._next + step, round(now * TICKS))

    def take(self, sender: int, now: float) -> list[bytes]:
        """The messages that are due, `sender` being the SSRC that they bear; mostly one."""
        if self._next is None or not self._arrivals or (now - self._sent < INTERVAL and len(self._arrivals) < MOST):
            return []
        self._sent = now
        messages: list[bytes] = []
        numbers = sorted(self._arrivals)
        while numbers:
            taken = self._fitting(numbers)
            late = taken[0] < self._next
            first = taken[0] if late else self._next
            ticks = [self._arrivals.get(number) for number in range(first, taken[-1] + 1)]
            messages.append(pack_transport_feedback(sender, self._ssrc, first, ticks, self._count))
            self._count = (self._count + 1) & 0xFF
            numbers = numbers[len(taken) :]
            self._next = max(self._next, taken[-1] + 1)
        self._arrivals.clear()
        return messages

    def _fitting(self, numbers: list[int]) -> list[int]:
        """The numbers that one message can speak of: a delta has 16 bits, and of what was reported before only those
        that follow one another are spoken of again."""
        assert self._next is not None
        taken = [numbers[0]]
        for number in numbers[1:]:
            delta = self._arrivals[number] - self._arrivals[taken[-1]]
            follows = number == taken[-1] + 1 and number != self._next
            if not -0x8000 <= delta <= 0x7FFF or (taken[0] < self._next and not follows):
                break
            taken.append(number)
        return taken


def pack_transport_feedback(sender: int, ssrc: int, base: int, ticks: Sequence[int | None], count: int) -> bytes:
    """One RTPFB message, FMT 15 (draft §3.1). `ticks` (of 250 µs) are the arrivals of the numbers from `base` on, None
    for a missing one; at least one is there, and two in a row differ by 16 bits at most."""
    reference = next(one for one in ticks if one is not None) // REFERENCE
    before = reference * REFERENCE
    symbols: list[int] = []
    deltas = bytearray()
    for one in ticks:
        if one is None:
            symbols.append(MISSING)
            continue
        delta, before = one - before, one
        if 0 <= delta <= 0xFF:
            symbols.append(SMALL)
            deltas.append(delta)
        else:
            symbols.append(LARGE)
            deltas += struct.pack("!h", delta)
    body = b"".join(chunk.to_bytes(2, "big") for chunk in _chunks(symbols)) + deltas
    body += bytes(-len(body) % 4)
    words = (_HEADER.size + len(body)) // 4 - 1
    times = (reference & 0xFFFFFF) << 8 | count & 0xFF
    return _HEADER.pack(0x80 | 15, 205, words, sender, ssrc, base & 0xFFFF, len(symbols), times) + body


def _chunks(symbols: list[int]) -> list[int]:
    """Packet status chunks of 16 bits: runs where they say more than vectors do (draft §3.1.3, §3.1.4)."""
    chunks = []
    place = 0
    while place < len(symbols):
        run = 1
        while place + run < len(symbols) and run < LONGEST_RUN and symbols[place + run] == symbols[place]:
            run += 1
        one_bit = all(symbol != LARGE for symbol in symbols[place : place + 14])
        width = 14 if one_bit else 7
        if run >= width or place + run == len(symbols):
            chunks.append(symbols[place] << 13 | run)
            place += run
            continue
        bits = 1 if one_bit else 2
        chunk = 0b10 if one_bit else 0b11
        part = symbols[place : place + width]
        for symbol in part + [MISSING] * (width - len(part)):
            chunk = chunk << bits | symbol
        chunks.append(chunk)
        place += len(part)
    return chunks
