"""What a browser tells the sender: receiver reports, NACKs, requests for a key frame. Pure: bytes and times.

NACKs follow Chromium's receiver: at once when a gap is seen, again about every round trip (100 ms before one is known),
at most ten times; then it asks for a key frame, where the packet was one of picture.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable

TRIES = 10
FIRST_ROUND_TRIP = 0.1  # seconds
LEAST_PAUSE = 0.02  # seconds: Chromium looks at its list this often
MOST_MISSING = 1_000  # numbers: beyond it a browser asks for a key frame instead
SENDER = 1  # SSRC of browsers that only watch

_RR, _RTPFB, _PSFB = 201, 205, 206
_BLOCK = struct.Struct("!LLLLLL")


class Missing:
    """One line's numbers that are asked for."""

    def __init__(self) -> None:
        self._numbers: dict[int, tuple[float, int]] = {}  # extended number → (when to ask next, how often it was asked)
        self.given_up = 0

    def __len__(self) -> int:
        return len(self._numbers)

    def add(self, numbers: Iterable[int], now: float) -> bool:
        """False where so much is missing that only a key frame helps: then nothing is asked for any more."""
        for number in numbers:
            self._numbers[number] = (now, 0)
        if len(self._numbers) > MOST_MISSING:
            self.given_up += len(self._numbers)
            self._numbers.clear()
            return False
        return True

    def due(self, now: float, round_trip: float, is_missing: Callable[[int], bool]) -> tuple[list[int], int]:
        """(numbers to ask for now, rising; how many were given up just now)."""
        asked, given_up = [], 0
        pause = max(round_trip, LEAST_PAUSE)
        for number, (when, tries) in list(self._numbers.items()):
            if when > now:
                continue
            if not is_missing(number):
                del self._numbers[number]
            elif tries == TRIES:
                del self._numbers[number]
                given_up += 1
            else:
                self._numbers[number] = (now + pause, tries + 1)
                asked.append(number)
        self.given_up += given_up
        return sorted(asked), given_up

    def next_at(self) -> float | None:
        return min((when for when, _ in self._numbers.values()), default=None)


def pack_nack(ssrc: int, numbers: Iterable[int]) -> bytes:
    """RFC 4585 §6.2.1; `numbers` extended and rising."""
    fields: list[list[int]] = []
    for number in numbers:
        if fields and 0 < number - fields[-1][0] <= 16:
            fields[-1][1] |= 1 << (number - fields[-1][0] - 1)
        else:
            fields.append([number, 0])
    body = b"".join(struct.pack("!HH", number & 0xFFFF, mask) for number, mask in fields)
    return struct.pack("!BBHLL", 0x81, _RTPFB, 2 + len(fields), SENDER, ssrc) + body


def pack_key_frame_request(ssrc: int) -> bytes:
    """PLI (RFC 4585 §6.3.1)."""
    return struct.pack("!BBHLL", 0x81, _PSFB, 2, SENDER, ssrc)


def pack_block(ssrc: int, fraction: int, lost: int, highest: int, jitter: int, lsr: int, dlsr: int) -> bytes:
    """One reception report (RFC 3550 §6.4.1)."""
    lost = max(-0x800000, min(lost, 0x7FFFFF))
    return _BLOCK.pack(ssrc, fraction << 24 | lost & 0xFFFFFF, highest & 0xFFFFFFFF, jitter & 0xFFFFFFFF, lsr, dlsr)


def pack_report(blocks: list[bytes]) -> bytes:
    """A receiver report of at most 31 blocks."""
    return struct.pack("!BBHL", 0x80 | len(blocks), _RR, 1 + 6 * len(blocks), SENDER) + b"".join(blocks)


def fraction_lost(expected: int, received: int) -> int:
    """Of one interval, in 1/256 (RFC 3550 §A.3)."""
    return max(0, min(255, ((expected - received) << 8) // expected)) if expected > 0 else 0


def read_sender_reports(compound: bytes) -> list[tuple[int, int]]:
    """(SSRC, the middle 32 bits of its NTP time) of each SR in a decrypted compound packet."""
    found, place = [], 0
    while place + 8 <= len(compound):
        kind, words, ssrc = struct.unpack_from("!BHL", compound, place + 1)
        if kind == 200 and place + 20 <= len(compound):
            found.append((ssrc, int.from_bytes(compound[place + 10 : place + 14], "big")))
        place += 4 * (words + 1)
    return found
