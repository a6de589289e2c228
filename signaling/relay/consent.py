"""The binding request that a connected peer repeats (RFC 7675), answered without the codec.

Browsers send one every 2.5 seconds, so a thousand viewers send four hundred a second, which differ in their
transaction alone. Such a request begins with USERNAME and ends with MESSAGE-INTEGRITY and FINGERPRINT; whatever is
written otherwise is for the codec (signaling/wire.py), whose bytes these are.
"""

from __future__ import annotations

import hmac
import ipaddress
import struct
import zlib

from signaling.ports import Address

COOKIE = 0x2112A442
FINGERPRINT_MASK = 0x5354554E

_REQUEST, _RESPONSE = b"\x00\x01", 0x0101
_COOKIE = COOKIE.to_bytes(4, "big")
_INTEGRITY, _FINGERPRINT = b"\x00\x08\x00\x14", b"\x80\x28\x00\x04"
_HEADER, _INTEGRITY_SIZE, _FINGERPRINT_SIZE = 20, 24, 8
_END = _INTEGRITY_SIZE + _FINGERPRINT_SIZE
_IPV4, _IPV6 = 1, 2


class Consent:
    """What a peer's requests from one address have in common. `username` is ours and the peer's ufrag, with a colon."""

    __slots__ = ("_attribute", "_key", "_pad", "_username", "address")

    def __init__(self, username: str, password: str, address: Address) -> None:
        name = username.encode()
        self.address = address
        self._username = struct.pack("!HH", 0x0006, len(name)) + name + bytes(-len(name) % 4)
        self._key = password.encode()
        host = ipaddress.ip_address(address[0].partition("%")[0])
        family = _IPV4 if host.version == 4 else _IPV6
        self._attribute = struct.pack("!HHBBH", 0x0020, 4 + len(host.packed), 0, family, address[1] ^ COOKIE >> 16)
        self._pad = host.packed

    def answer(self, request: bytes) -> bytes | None:
        """The success response; None for what is not such a request, or does not prove the password."""
        size = len(request)
        if (
            size < _HEADER + len(self._username) + _END
            or request[:2] != _REQUEST
            or int.from_bytes(request[2:4], "big") != size - _HEADER
            or request[4:8] != _COOKIE
            or not request.startswith(self._username, _HEADER)
            or request[-_END:-28] != _INTEGRITY
            or request[-8:-4] != _FINGERPRINT
        ):
            return None
        covered = _REQUEST + (size - _HEADER - _FINGERPRINT_SIZE).to_bytes(2, "big") + request[4:-_END]
        if not hmac.compare_digest(hmac.digest(self._key, covered, "sha1"), request[-28:-8]):
            return None
        if zlib.crc32(request[:-8]) ^ FINGERPRINT_MASK != int.from_bytes(request[-4:], "big"):
            return None
        return self._response(request[4:_HEADER])

    def _response(self, cookie_and_transaction: bytes) -> bytes:
        length = len(self._pad)
        address = int.from_bytes(self._pad, "big") ^ int.from_bytes(cookie_and_transaction[:length], "big")
        attribute = self._attribute + address.to_bytes(length, "big")
        whole = len(attribute) + _END
        rest = cookie_and_transaction + attribute
        covered = struct.pack("!HH", _RESPONSE, whole - _FINGERPRINT_SIZE) + rest
        integrity = _INTEGRITY + hmac.digest(self._key, covered, "sha1")
        message = struct.pack("!HH", _RESPONSE, whole) + rest + integrity
        return message + _FINGERPRINT + struct.pack("!L", zlib.crc32(message) ^ FINGERPRINT_MASK)
