"""The addresses that compiled code calls, and all private API that they need: pylibsrtp 1.0 and the C library.

pylibsrtp keeps libsrtp's functions in its cffi binding (`pylibsrtp._binding`) and a session's `srtp_t` in `_srtp`;
neither is public. `locate` looks for both and raises `Unavailable` where a later version has moved them, and then the
relay uses the reference. tests/unit/signaling/test_libsrtp_address.py is the contract.
"""

from __future__ import annotations

import ctypes
import struct
import sys
from dataclasses import dataclass
from typing import Any

import pylibsrtp
from pylibsrtp import Session

from signaling.io.evp_address import Evp, locate_evp

LONGEST = 1_500 - 144
"""Bytes of a packet that `Session.protect` takes: its buffer less SRTP_MAX_TRAILER_LEN."""
TRAILER = 144


class Unavailable(Exception):
    """This machine or these versions cannot run the compiled packet path; the text says why."""


@dataclass(frozen=True, slots=True)
class Calls:
    """Addresses of C functions, which live as long as the process."""

    protect: int
    """srtp_err_status_t (srtp_t, void *packet, int *length)"""
    protect_rtcp: int
    """The same for RTCP"""
    sendmmsg: int
    memcpy: int
    errno: int
    """int *(void): the address of this thread's `errno` (glibc and musl)"""
    evp: Evp | None
    """Of AES-GCM without libsrtp; None: libsrtp does it"""


def locate() -> Calls:
    """Raises `Unavailable`. The layouts of the loop are those of 64-bit little-endian Linux."""
    if sys.platform != "linux":
        raise Unavailable(f"sendmmsg and UDP_SEGMENT are Linux's, this is {sys.platform}")
    if struct.calcsize("P") != 8 or sys.byteorder != "little":
        raise Unavailable("only 64-bit little-endian machines are supported")
    libc = ctypes.CDLL(None)
    try:
        binding: Any = pylibsrtp._binding
        protect, protect_rtcp = (
            int(binding.ffi.cast("intptr_t", binding.ffi.addressof(binding.lib, name)))
            for name in ("srtp_protect", "srtp_protect_rtcp")
        )
        session_address(Session())
        return Calls(
            protect=protect,
            protect_rtcp=protect_rtcp,
            sendmmsg=_of(libc.sendmmsg),
            memcpy=_of(libc.memcpy),
            errno=_of(libc.__errno_location),
            evp=locate_evp(),
        )
    except (AttributeError, TypeError, ValueError) as error:
        raise Unavailable(f"pylibsrtp {pylibsrtp.__version__} or the C library: {error}") from error


def session_address(session: Session) -> int:
    """The `srtp_t` of a session, valid as long as the session object lives. Never 0."""
    address = int(pylibsrtp._binding.ffi.cast("intptr_t", session._srtp[0]))
    if address == 0:
        raise ValueError("a session without srtp_t")
    return address


def _of(function: Any) -> int:
    address = ctypes.cast(function, ctypes.c_void_p).value
    if address is None:
        raise ValueError(f"no address for {function}")
    return address
