"""How SRTP derives a packet's index from its 16-bit number, at both ends (RFC 3711 §3.3.1, as libsrtp does it).

The sender's context asserts the one rule that encryption stands on: one (viewer, SSRC, index), one plaintext.
"""

from __future__ import annotations

MEDIAN = 0x8000
WINDOW = 1024


class Index:
    def __init__(self) -> None:
        self.value: int | None = None

    def take(self, number: int) -> int:
        """The index of this number; the highest one is remembered. Asserts that it lies within the replay window."""
        if self.value is None or self.value <= MEDIAN:
            guess = number
            if self.value is not None and self.value - number > MEDIAN:
                guess += 65536
        else:
            rollover, last = divmod(self.value, 65536)
            if last < MEDIAN:
                rollover -= number - last > MEDIAN
            else:
                rollover += last - MEDIAN > number
            guess = rollover * 65536 + number
        if self.value is not None:
            assert guess > self.value - WINDOW, "older than the replay window: it cannot be protected"
        self.value = guess if self.value is None else max(self.value, guess)
        return guess


class Context:
    """A sender's or a receiver's state for every SSRC."""

    def __init__(self) -> None:
        self._indexes: dict[int, Index] = {}
        self.packets: dict[tuple[int, int], bytes] = {}

    def protect(self, packet: bytes) -> tuple[int, int]:
        """(SSRC, index) of a packet that is sent, for the first time or again."""
        key = self._key(packet)
        assert self.packets.setdefault(key, packet) == packet, f"two plaintexts for {key}"
        return key

    def unprotect(self, packet: bytes, key: tuple[int, int]) -> bool:
        """Whether a packet protected as `key` is new and authenticates, that is, both ends agree on its index."""
        if self._key(packet) != key:
            raise AssertionError("the two ends disagree about the rollover counter")
        new = key not in self.packets
        self.packets[key] = packet
        return new

    def _key(self, packet: bytes) -> tuple[int, int]:
        ssrc = int.from_bytes(packet[8:12], "big")
        index = self._indexes.setdefault(ssrc, Index())
        return ssrc, index.take(int.from_bytes(packet[2:4], "big"))
