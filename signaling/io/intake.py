"""What is read from the port, and what is let in: strangers are turned away before anything is made of what they send.

Theory of operation. Everybody can send to an open UDP port, and what a flood sends is not worth a Python object. So a
datagram is looked at in the buffer that the kernel wrote it to, and is let in only where it may be somebody's:

- a STUN request that names one of our ufrags, a STUN success that answers one of our own checks;
- DTLS, SRTP and SRTCP from an address that belongs to a peer (who has proved its password from there by STUN);
- a few SRTCP packets a second from elsewhere: a peer whose address changed may send these first.

This decides nothing about who is who: what is let in is still authenticated by those who receive it. Each ufrag, each
address and the SRTCP of strangers has an allowance, since ufrags and addresses are no secrets on the way; beyond it
datagrams are turned away too. The core keeps the list (`relay.peers.AllowList`).

`ReferenceIntake` reads datagram by datagram. `intake_numba.CompiledIntake` does the same in compiled code, many
datagrams a call; the tests hold both to the same answers.
"""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple, Protocol

from signaling.io.port_udp import MAX_DATAGRAM, Content, UdpPort, content_of
from signaling.ports import Address
from signaling.relay.peers import AllowList

BATCH = 64  # datagrams a call
LONGEST_NAME = 16  # bytes of a ufrag of ours
LARGEST_STUN = 1_500
ATTRIBUTE_HEADER, STUN_HEADER = 4, 20
MILLION = 1_000_000

RATES = {
    Content.STUN: (25, 50),  # browsers check every 2.5 s, and 20 times a second while they search for a way
    Content.DTLS: (100, 200),
    Content.RTP: (10_000, 10_000),  # 90 Mbit/s of one publisher
    Content.RTCP: (500, 1_000),
}
"""What one address may send: datagrams a second, and at once."""
NAME_RATE = (50, 100)
"""Requests that name one ufrag, from all addresses that are nobody's together."""
STRANGER_RATE = (100, 100)
"""SRTCP packets of all strangers together."""

UNREADABLE, UNKNOWN_SOURCE, UNKNOWN_CHECK, TOO_MANY = REASONS = (
    "unreadable",
    "unknown-source",
    "unknown-check",
    "too-many",
)
"""Why datagrams are turned away, as `refused` counts them."""

_REQUEST, _SUCCESS = b"\x00\x01", b"\x01\x01"
_COOKIE = b"\x21\x12\xa4\x42"
_USERNAME = b"\x00\x06"
_FINGERPRINT = b"\x80\x28\x00\x04"


class Arrival(NamedTuple):
    """A datagram that was let in. `peer` is whose address it came from, None for an address that is nobody's."""

    content: Content
    data: bytes
    source: Address
    peer: str | None


class Intake(AllowList, Protocol):
    def read(self, now: float) -> list[Arrival]:
        """What of the next at least `BATCH` datagrams is let in, in order; empty does not mean that none waits."""

    @property
    def drained(self) -> bool:
        """Whether the last `read` found the port empty at its end."""

    @property
    def heard(self) -> int:
        """Datagrams read since start, let in or not."""

    @property
    def refused(self) -> dict[str, int]:
        """Datagrams turned away since start, by reason."""


class Bucket:
    """An allowance: `rate` a second, `burst` at once. Counted in millionths, at microseconds."""

    __slots__ = ("_at", "_burst", "_left", "_rate")

    def __init__(self, rate: int, burst: int) -> None:
        self._rate = rate
        self._burst = self._left = burst * MILLION
        self._at = 0

    def take(self, now: int) -> bool:
        self._left = min(self._burst, self._left + (now - self._at) * self._rate)
        self._at = now
        if self._left < MILLION:
            return False
        self._left -= MILLION
        return True


class _Known:
    __slots__ = ("buckets", "peer")

    def __init__(self, peer: str) -> None:
        self.peer = peer
        self.buckets = {content: Bucket(*rate) for content, rate in RATES.items()}


class ReferenceIntake:
    def __init__(self, port: UdpPort) -> None:
        self._port = port
        self._known: dict[Address, _Known] = {}
        self._names: dict[bytes, Bucket] = {}
        self._checks: set[bytes] = set()
        self._strangers = Bucket(*STRANGER_RATE)
        self._refused: Counter[str] = Counter()
        self.drained = True
        self.heard = 0

    @property
    def refused(self) -> dict[str, int]:
        return dict(self._refused)

    def add_name(self, ufrag: str) -> None:
        self._names[name_bytes(ufrag)] = Bucket(*NAME_RATE)

    def remove_name(self, ufrag: str) -> None:
        self._names.pop(name_bytes(ufrag), None)

    def add_address(self, address: Address, peer: str) -> None:
        self._known[address] = _Known(peer)

    def remove_address(self, address: Address) -> None:
        self._known.pop(address, None)

    def add_check(self, transaction: bytes) -> None:
        self._checks.add(transaction)

    def remove_check(self, transaction: bytes) -> None:
        self._checks.discard(transaction)

    def read(self, now: float) -> list[Arrival]:
        found: list[Arrival] = []
        moment = int(now * MILLION)
        self.drained = False
        for _ in range(BATCH):
            received = self._port.receive()
            if received is None:
                self.drained = True
                break
            self.heard += 1
            data, source = received
            known = self._known.get(source)
            content = content_of(data)
            refusal = self._refusal(content, data, known, moment)
            if refusal is None:
                found.append(Arrival(content, data, source, known.peer if known is not None else None))
            else:
                self._refused[refusal] += 1
        return found

    def _refusal(self, content: Content, data: bytes, known: _Known | None, now: int) -> str | None:
        if content is Content.UNKNOWN or len(data) > MAX_DATAGRAM:
            return UNREADABLE
        if content is Content.STUN:
            return self._stun_refusal(data, known, now)
        if known is not None:
            bucket = known.buckets[content]
        elif content is Content.RTCP:
            bucket = self._strangers
        else:
            return UNKNOWN_SOURCE
        return None if bucket.take(now) else TOO_MANY

    def _stun_refusal(self, data: bytes, known: _Known | None, now: int) -> str | None:
        size = len(data)
        if (
            not STUN_HEADER <= size <= LARGEST_STUN
            or data[4:8] != _COOKIE
            or int.from_bytes(data[2:4], "big") != size - STUN_HEADER
        ):
            return UNREADABLE
        if data[:2] == _SUCCESS:
            return None if data[8:STUN_HEADER] in self._checks else UNKNOWN_CHECK
        name = name_in(data) if data[:2] == _REQUEST and data[-8:-4] == _FINGERPRINT else None
        if name is None:
            return UNREADABLE
        bucket = self._names.get(name)
        if bucket is None:
            return UNKNOWN_CHECK
        if known is not None:
            bucket = known.buckets[Content.STUN]
        return None if bucket.take(now) else TOO_MANY


def name_bytes(ufrag: str) -> bytes:
    """Raises `ValueError` for a ufrag that is not one of ours: those are short and plain."""
    name = ufrag.encode("ascii")
    if not 0 < len(name) <= LONGEST_NAME or b":" in name:
        raise ValueError(f"not a ufrag of ours: {ufrag!r}")
    return name


def name_in(request: bytes) -> bytes | None:
    """The first part of the first USERNAME of a STUN request (RFC 8445 §7.1.1); None where there is none."""
    place = STUN_HEADER
    while place + ATTRIBUTE_HEADER <= len(request):
        size = int.from_bytes(request[place + 2 : place + ATTRIBUTE_HEADER], "big")
        value = place + ATTRIBUTE_HEADER
        if request[place : place + 2] == _USERNAME:
            name, colon, _ = request[value : min(value + size, len(request))].partition(b":")
            return name if colon and 0 < len(name) <= LONGEST_NAME else None
        place = value + (size + 3 & ~3)
    return None
