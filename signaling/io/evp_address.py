"""OpenSSL's EVP at addresses, and a viewer's AES-GCM context for compiled code (RFC 7714).

libsrtp encrypts by OpenSSL, which stands in pylibsrtp's shared object and is exported there; that it is, is private to
pylibsrtp 1.0. `locate_evp` gives None where a later build has it no more: then libsrtp encrypts everything.
tests/unit/signaling/test_evp_address.py is the contract.
"""

from __future__ import annotations

import ctypes
import weakref
from dataclasses import dataclass
from typing import Any

import pylibsrtp
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

CIPHERS = {"SRTP_AEAD_AES_128_GCM": ("EVP_aes_128_gcm", 16), "SRTP_AEAD_AES_256_GCM": ("EVP_aes_256_gcm", 32)}
"""Of these SRTP profiles OpenSSL's name, and the bytes of a key."""
SALT = 12  # bytes
ENCRYPTION, SALTING = 0, 2  # labels of RFC 3711 §4.3.1, of what encrypts RTP


@dataclass(frozen=True, slots=True)
class Evp:
    """Addresses of C functions that the loop calls, which live as long as the process; and what makes a context."""

    init: int
    """int EVP_EncryptInit_ex(EVP_CIPHER_CTX *, const EVP_CIPHER *, ENGINE *, const unsigned char *key, … *iv)"""
    update: int
    """int EVP_EncryptUpdate(EVP_CIPHER_CTX *, unsigned char *out, int *length, const unsigned char *in, int)"""
    final: int
    """int EVP_EncryptFinal_ex(EVP_CIPHER_CTX *, unsigned char *out, int *length)"""
    control: int
    """int EVP_CIPHER_CTX_ctrl(EVP_CIPHER_CTX *, int command, int, void *)"""
    library: Any

    def context(self, profile: str, key_and_salt: bytes) -> GcmContext | None:
        """Of a master key and salt; None where the profile is another cipher's. Raises `ValueError` where the length is
        another's, or OpenSSL refuses."""
        return GcmContext(self.library, *CIPHERS[profile], key_and_salt) if profile in CIPHERS else None


class GcmContext:
    """An EVP_CIPHER_CTX that has a direction's session key, for as long as this object lives; it is given a nonce and
    encrypts, again and again. `salt` is the session salt."""

    def __init__(self, library: Any, cipher: str, key_length: int, key_and_salt: bytes) -> None:
        master, master_salt = key_and_salt[:key_length], key_and_salt[key_length:]
        if len(master_salt) != SALT:
            raise ValueError(f"a key and salt of {len(key_and_salt)} bytes for {cipher}")
        key = session_key(master, master_salt, ENCRYPTION, key_length)
        self.salt = session_key(master, master_salt, SALTING, SALT)
        self.address = int(library.EVP_CIPHER_CTX_new() or 0)
        if self.address == 0:
            raise ValueError("no EVP_CIPHER_CTX")
        weakref.finalize(self, library.EVP_CIPHER_CTX_free, self.address)
        if library.EVP_EncryptInit_ex(self.address, getattr(library, cipher)(), None, key, None) != 1:
            raise ValueError("EVP_EncryptInit_ex refuses the key")


def locate_evp() -> Evp | None:
    """Of the shared object that pylibsrtp has loaded."""
    try:
        library: Any = ctypes.CDLL(pylibsrtp._binding.__file__)
        pointer = ctypes.c_void_p
        library.EVP_CIPHER_CTX_new.restype = pointer
        library.EVP_CIPHER_CTX_free.argtypes, library.EVP_CIPHER_CTX_free.restype = (pointer,), None
        library.EVP_EncryptInit_ex.argtypes = (pointer, pointer, pointer, ctypes.c_char_p, ctypes.c_char_p)
        for name, _ in CIPHERS.values():
            getattr(library, name).restype = pointer
        return Evp(
            init=_of(library.EVP_EncryptInit_ex),
            update=_of(library.EVP_EncryptUpdate),
            final=_of(library.EVP_EncryptFinal_ex),
            control=_of(library.EVP_CIPHER_CTX_ctrl),
            library=library,
        )
    except (AttributeError, OSError, TypeError):
        return None


def session_key(master: bytes, salt: bytes, label: int, length: int) -> bytes:
    """So many bytes of what a label derives (RFC 3711 §4.3.1 and §4.3.3, RFC 7714 §11), the rate being zero: AES in
    counter mode under the master key, from the label XOR the master salt, which of AES-GCM is shorter than 14 bytes."""
    start = bytearray(salt.ljust(14, b"\0"))
    start[7] ^= label
    return Cipher(algorithms.AES(master), modes.CTR(bytes(start) + bytes(2))).encryptor().update(bytes(length))


def _of(function: Any) -> int:
    return int(ctypes.cast(function, ctypes.c_void_p).value or 0)
