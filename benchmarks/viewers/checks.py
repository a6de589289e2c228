"""Connectivity checks as a browser sends them (RFC 8445 §7.2.4): packed by hand, since thousands are sent a minute."""

from __future__ import annotations

import hashlib
import hmac
import struct
import zlib
from dataclasses import dataclass

COOKIE = 0x2112A442
FINGERPRINT_XOR = 0x5354554E
FIRST_CHECKS = (0.0, 0.066, 0.154, 1.026, 1.062, 2.657)
"""Seconds after the answer, as Chromium sends them (shared with every viewer of this program)."""
STEADY = 2.65
PRIORITY = 0x6E7F00FF  # of a peer-reflexive candidate

_REQUEST, _SUCCESS = 0x0001, 0x0101
_USERNAME, _INTEGRITY, _PRIORITY, _USE_CANDIDATE = 0x0006, 0x0008, 0x0024, 0x0025
_FINGERPRINT, _CONTROLLING = 0x8028, 0x802A
_HEADER = struct.Struct("!HHL12s")


def due(number: int, began: float) -> float:
    """When check `number` (from 0) is sent, of one who began at `began`."""
    known = len(FIRST_CHECKS)
    if number < known:
        return began + FIRST_CHECKS[number]
    return began + FIRST_CHECKS[-1] + STEADY * (number - known + 1)


@dataclass(frozen=True, slots=True)
class Checker:
    """One viewer's side, as the controlling agent. `password` is the server's."""

    server_ufrag: str
    password: str
    ufrag: str
    tie_breaker: int

    def request(self, transaction: bytes) -> bytes:
        """With USE-CANDIDATE: against an ICE-lite server every check may nominate."""
        username = f"{self.server_ufrag}:{self.ufrag}".encode()
        body = (
            struct.pack("!HH", _USERNAME, len(username))
            + username
            + bytes(-len(username) % 4)
            + struct.pack("!HHL", _PRIORITY, 4, PRIORITY)
            + struct.pack("!HHQ", _CONTROLLING, 8, self.tie_breaker)
            + struct.pack("!HH", _USE_CANDIDATE, 0)
        )
        head = _HEADER.pack(_REQUEST, len(body) + 24, COOKIE, transaction)
        digest = hmac.digest(self.password.encode(), head + body, hashlib.sha1)
        body += struct.pack("!HH", _INTEGRITY, 20) + digest
        head = _HEADER.pack(_REQUEST, len(body) + 8, COOKIE, transaction)
        fingerprint = zlib.crc32(head + body) ^ FINGERPRINT_XOR
        return head + body + struct.pack("!HHL", _FINGERPRINT, 4, fingerprint)


def success_of(datagram: bytes) -> bytes | None:
    """The transaction that a success response answers; None for anything else. (It is not authenticated here: who
    could answer for the server on a connected socket of this machine?)"""
    if len(datagram) < 20:
        return None
    kind, _, cookie, transaction = _HEADER.unpack_from(datagram)
    return bytes(transaction) if kind == _SUCCESS and cookie == COOKIE else None
