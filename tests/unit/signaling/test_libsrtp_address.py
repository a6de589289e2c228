"""The contract with pylibsrtp's private API, and what happens where it is not as it was."""

from __future__ import annotations

import ctypes
import errno
import struct
import sys

import pylibsrtp
import pytest
from pylibsrtp import Policy, Session

from signaling.io.libsrtp_address import LONGEST, TRAILER, Unavailable, locate, session_address

KEY = bytes(range(28))
PACKET = struct.pack("!BBHLL", 0x80, 96, 1, 90, 7) + b"payload"


def session() -> Session:
    return Session(
        Policy(key=KEY, ssrc_type=Policy.SSRC_ANY_OUTBOUND, srtp_profile=Policy.SRTP_PROFILE_AEAD_AES_128_GCM)
    )


def test_protect_by_its_address_gives_what_the_public_api_gives() -> None:
    calls, known = locate(), session()
    buffer = ctypes.create_string_buffer(PACKET, 200)
    length = ctypes.c_int(len(PACKET))
    word = ctypes.c_ssize_t
    protect = ctypes.CFUNCTYPE(ctypes.c_int, word, word, word)(calls.protect)
    status = protect(session_address(known), ctypes.addressof(buffer), ctypes.addressof(length))
    assert status == 0
    assert buffer.raw[: length.value] == session().protect(PACKET)


def test_sessions_have_addresses_of_their_own() -> None:
    first, second = session(), session()
    assert 0 != session_address(first) != session_address(second) != 0


def test_the_public_api_takes_as_much_as_we_do() -> None:
    packet = PACKET[:12] + bytes(LONGEST - 12)
    assert len(packet) < len(session().protect(packet)) <= LONGEST + TRAILER
    with pytest.raises(ValueError, match="too long"):
        session().protect(packet + b"1")


def test_errno_is_this_threads() -> None:
    address = ctypes.CFUNCTYPE(ctypes.c_ssize_t)(locate().errno)()
    sendmmsg = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int, ctypes.c_ssize_t, ctypes.c_uint, ctypes.c_int)
    assert sendmmsg(locate().sendmmsg)(-1, 0, 1, 0) == -1
    assert ctypes.c_int.from_address(address).value == errno.EBADF


def test_memory_is_copied() -> None:
    source, target = ctypes.create_string_buffer(b"twelve bytes", 12), ctypes.create_string_buffer(12)
    word = ctypes.c_ssize_t
    memcpy = ctypes.CFUNCTYPE(word, word, word, ctypes.c_size_t)(locate().memcpy)
    assert memcpy(ctypes.addressof(target), ctypes.addressof(source), 12) == ctypes.addressof(target)
    assert target.raw == source.raw


@pytest.mark.parametrize(("name", "value"), [("platform", "darwin"), ("byteorder", "big")])
def test_other_machines_are_refused(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setattr(sys, name, value)
    with pytest.raises(Unavailable):
        locate()


def test_a_pylibsrtp_without_its_binding_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(pylibsrtp, "_binding")
    with pytest.raises(Unavailable, match="pylibsrtp"):
        locate()
