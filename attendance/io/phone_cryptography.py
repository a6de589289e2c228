"""Telephone numbers at rest: encrypted, and found again by a keyed hash."""

from __future__ import annotations

import hashlib
import hmac
import secrets

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from attendance.errors import AttendanceError

NONCE = 12


class WrongPhoneKey(AttendanceError):
    """A stored number does not open: the key file is not the one that the database was written with."""


class PhoneVault(msgspec.Struct, frozen=True):
    """AES-256-GCM under `key`, bound to the member it belongs to; HMAC-SHA-256 under `hash_key`. 32 bytes each."""

    key: bytes
    hash_key: bytes

    def seal(self, member: str, phone: str) -> bytes:
        nonce = secrets.token_bytes(NONCE)
        return nonce + AESGCM(self.key).encrypt(nonce, phone.encode(), member.encode())

    def open(self, member: str, sealed: bytes) -> str:
        """Raises `WrongPhoneKey`."""
        try:
            return AESGCM(self.key).decrypt(sealed[:NONCE], sealed[NONCE:], member.encode()).decode()
        except (InvalidTag, ValueError) as error:
            raise WrongPhoneKey("the telephone numbers cannot be opened with this key") from error

    def digest(self, phone: str) -> bytes:
        return hmac.digest(self.hash_key, phone.encode(), hashlib.sha256)
