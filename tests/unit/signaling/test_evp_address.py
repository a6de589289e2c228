"""The contract with the OpenSSL in pylibsrtp's shared object, and what the loop sends by it against AES-GCM and key
derivation of others: the vectors of the RFCs, and `cryptography`'s."""

from __future__ import annotations

import ctypes
import dataclasses
import gc
import random
import secrets
import struct
from typing import Any

import pylibsrtp
import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from pylibsrtp import Error

from signaling.io import evp_address
from signaling.io.dtls_pyopenssl import PROFILES
from signaling.io.evp_address import CIPHERS, ENCRYPTION, SALTING, Evp, locate_evp, session_key
from signaling.io.fanout_numba import CompiledFanout
from signaling.io.libsrtp_address import locate
from signaling.io.loop_layout import HIGHEST, SENT, STREAMS
from signaling.io.port_udp import UdpPort
from signaling.io.srtp_pylibsrtp import OUTBOUND_WINDOW, outbound_session
from signaling.ports import SrtpKeys
from tests.unit.signaling.packet_paths import compiled_loop
from tests.unit.signaling.test_srtp import Browser, add, own, prepared, receiver_report

PROTECT = ctypes.CFUNCTYPE(ctypes.c_int, *(ctypes.c_ssize_t,) * 3)


@pytest.fixture
def evp() -> Evp:
    found = locate_evp()
    assert found is not None
    return found


def with_evp(port: UdpPort, evp: Evp) -> CompiledFanout:
    return CompiledFanout(port, compiled_loop(), dataclasses.replace(locate(), evp=evp))


def make_keys(profile: str) -> SrtpKeys:
    known = PROFILES[profile]
    return SrtpKeys(profile=profile, key_and_salt=secrets.token_bytes(known.key_length + known.salt_length))


def derived(keys: SrtpKeys, label: int, length: int) -> bytes:
    """RFC 3711 §4.3.3, one block after the other."""
    master, salt = keys.key_and_salt[:-12], int.from_bytes(keys.key_and_salt[-12:] + bytes(2), "big")
    block = Cipher(algorithms.AES(master), modes.ECB()).encryptor()
    counters = (((salt ^ label << 48) << 16) + number for number in range(2))
    return b"".join(block.update(counter.to_bytes(16, "big")) for counter in counters)[:length]


def srtp(keys: SrtpKeys, packet: bytes, count: int, header: int = 16) -> bytes:
    """RFC 7714 §8.1 and §9.1, of a rollover count."""
    nonce = bytes(2) + packet[8:12] + count.to_bytes(4, "big") + packet[2:4]
    salt = derived(keys, 2, 12)
    nonce = bytes(one ^ other for one, other in zip(nonce, salt, strict=True))
    key = AESGCM(derived(keys, 0, len(keys.key_and_salt) - 12))
    return packet[:header] + key.encrypt(nonce, packet[header:], packet[:header])


def of(ssrc: int, packet: bytes) -> bytes:
    return packet[:8] + ssrc.to_bytes(4, "big") + packet[12:]


def test_keys_are_derived_as_the_rfcs_say() -> None:
    """RFC 3711 §B.3 and RFC 6188 §7.2."""
    for master, salt, key, session_salt in (
        (
            "E1F97A0D3E018BE0D64FA32C06DE4139",
            "0EC675AD498AFEEBB6960B3AABE6",
            "C61E7A93744F39EE10734AFE3FF7A087",
            "30CBBC08863D8C85D49DB34A9AE1",
        ),
        (
            "f0f04914b513f2763a1b1fa130f10e2998f6f6e43e4309d1e622a0e332b9f1b6",
            "3b04803de51ee7c96423ab5b78d2",
            "5ba1064e30ec51613cad926c5a28ef731ec7fb397f70a960653caf06554cd8c4",
            "fa31791685ca444a9e07c6c64e93",
        ),
    ):
        given = bytes.fromhex(master), bytes.fromhex(salt)
        assert session_key(*given, ENCRYPTION, len(given[0])) == bytes.fromhex(key)
        assert session_key(*given, SALTING, 14) == bytes.fromhex(session_salt)


@pytest.mark.parametrize(
    ("profile", "encrypted", "tag"),
    [
        (
            "SRTP_AEAD_AES_128_GCM",
            "f24de3a3fb34de6cacba861c9d7e4bcabe633bd50d294e6f42a5f47a51c7d19b36de3adf8833",
            "899d7f27beb16a9152cf765ee4390cce",
        ),
        (
            "SRTP_AEAD_AES_256_GCM",
            "32b1de78a822fe12ef9f78fa332e33aab18012389a58e2f3b50b2a0276ffae0f1ba63799b87b",
            "7aa3db36dfffd6b0f9bb7878d7a76c13",
        ),
    ],
)
def test_what_the_rfc_encrypts(
    port: UdpPort, monkeypatch: pytest.MonkeyPatch, profile: str, encrypted: str, tag: str
) -> None:
    """RFC 7714 §16.1.1 and §16.2.1, whose keys are the session's. Their header has no source: the four bytes that are
    replaced by the viewer's mark are of the payload, and stay as they are."""
    header = bytes.fromhex("8040f17b8041f8d35501a0b2")
    payload = b"Gallia est omnis divisa in partes tres"
    session = {ENCRYPTION: bytes(range(PROFILES[profile].key_length)), SALTING: b"Quid pro quo"}
    monkeypatch.setattr(evp_address, "session_key", lambda _master, _salt, label, _length: session[label])
    fanout, browser = CompiledFanout(port, compiled_loop()), Browser(make_keys(profile))
    viewer = fanout.add(browser.keys, browser.address)
    word = int.from_bytes(payload[:4], "big")
    fanout.mark(viewer, word, word)
    assert fanout.send([header + payload], [viewer], [0]) == 1
    assert browser.raw() == header + bytes.fromhex(encrypted + tag)


@pytest.mark.parametrize("profile", CIPHERS)
def test_what_cryptography_encrypts(port: UdpPort, profile: str) -> None:
    """More streams than the loop encrypts itself, twice around, each packet sent again after the next."""
    fanout, browser = CompiledFanout(port, compiled_loop()), Browser(make_keys(profile))
    viewer = add(fanout, browser.keys, browser.address)
    before: tuple[bytes, bytes] | None = None
    for index in (*range(3_000, 200_000, 30_000), 200_001, 200_002):
        for ssrc in range(0xFFFF_FFFF - STREAMS, 0x1_0000_0000):
            number, payload = index & 0xFFFF, random.Random(index + ssrc).randbytes(index % 1_400)
            packet = of(ssrc, prepared(number, payload))
            encrypted = srtp(browser.keys, of(ssrc, own(number, payload)), index >> 16)
            assert fanout.send([packet], [viewer], [0]) == 1
            assert browser.raw() == encrypted
            if before is not None:
                assert fanout.send([before[0]], [viewer], [0]) == 1
                assert browser.raw() == before[1]
            before = packet, encrypted
        before = None  # older than the window from here on


BORDERS = (0, 1, 32_767, 32_768, 32_769, 65_535, 65_536, 65_537, 98_303, 98_304, 98_305, 131_071, 131_072)
STEPS = (*range(-32_769, -32_766), *range(-1_089, -1_085), -1, 0, 1, *range(32_766, 32_770))


@pytest.mark.parametrize("highest", BORDERS)
def test_the_index_of_a_number_is_libsrtps(port: UdpPort, highest: int) -> None:
    """At each border of a half round and of the window: after such a highest index, a step from it and back."""
    fanout = CompiledFanout(port, compiled_loop())
    for step in STEPS:
        browser = Browser(make_keys("SRTP_AEAD_AES_128_GCM"))
        viewer, session = add(fanout, browser.keys, browser.address), outbound_session(browser.keys)
        for index in (*range(0, highest, 30_000), highest, highest + step, highest, highest + 1):
            try:
                expected = session.protect(own(index & 0xFFFF))
            except Error:
                assert fanout.send([prepared(index & 0xFFFF)], [viewer], [0]) == 0
            else:
                assert fanout.send([prepared(index & 0xFFFF)], [viewer], [0]) == 1
                assert browser.raw() == expected
        fanout.remove(viewer)
        browser.socket.close()


def test_what_is_older_than_libsrtps_window_is_refused(port: UdpPort) -> None:
    fanout, browser = CompiledFanout(port, compiled_loop()), Browser(make_keys("SRTP_AEAD_AES_128_GCM"))
    viewer = add(fanout, browser.keys, browser.address)
    assert fanout.send([prepared(number) for number in (65_500, 300)], [viewer], [0]) == 2
    oldest = 65_536 + 300 - OUTBOUND_WINDOW + 1
    assert fanout.send([prepared(oldest - 1)], [viewer], [0]) == 0
    assert fanout.send([prepared(oldest)], [viewer], [0]) == 1
    assert fanout.send([prepared(oldest - 1)], [viewer], [0]) == 0
    assert [browser.raw() for _ in range(3)][2] == srtp(browser.keys, own(oldest), 0)


def test_the_rollover_count_has_32_bits_and_ends(port: UdpPort) -> None:
    fanout, browser = CompiledFanout(port, compiled_loop()), Browser(make_keys("SRTP_AEAD_AES_128_GCM"))
    viewer = add(fanout, browser.keys, browser.address)
    fanout.send([prepared(1)], [viewer], [0])
    browser.raw()
    for last in (0x8000_7FFF_FF00, 0xFFFF_FFFF_FF00):
        fanout._table.words[HIGHEST] = SENT | last
        assert fanout.send([prepared(0xFFFF)], [viewer], [0]) == 1
        assert browser.raw() == srtp(browser.keys, own(0xFFFF), last >> 16)
    assert fanout.send([prepared(0)], [viewer], [0]) == 0
    assert fanout.send([prepared(0xFFFE)], [viewer], [0]) == 1


def test_an_ssrc_is_encrypted_by_the_loop_or_by_the_session_never_by_both(port: UdpPort) -> None:
    calls, seen = locate(), set[int]()
    protect = PROTECT(calls.protect)

    def watched(session: int, packet: int, length: int) -> int:
        seen.add(struct.unpack_from("!L", ctypes.string_at(packet, 12), 8)[0])
        return int(protect(session, packet, length))

    watching = PROTECT(watched)
    address = ctypes.cast(watching, ctypes.c_void_p).value
    assert address is not None
    fanout = CompiledFanout(port, compiled_loop(), dataclasses.replace(calls, protect=address))
    browser = Browser(make_keys("SRTP_AEAD_AES_256_GCM"))
    viewer = add(fanout, browser.keys, browser.address)
    many = [0xFFFF_FFFF - place for place in range(STREAMS + 2)]
    for number in range(3):
        for ssrc in many:
            assert fanout.send([of(ssrc, prepared(number))], [viewer], [0]) == 1
            assert browser.rtp() == of(ssrc, own(number))
        assert fanout.send_rtcp(receiver_report(), [viewer]) == 1
        browser.raw()
    assert seen == set(many[STREAMS:])
    counted = Browser(make_keys("SRTP_AES128_CM_SHA1_80"))
    fanout.send([of(77, prepared(1))], [add(fanout, counted.keys, counted.address)], [0])
    assert counted.rtp() == of(77, own(1))
    assert 77 in seen


@pytest.mark.parametrize("name", ["init", "update", "final", "control"])
def test_a_packet_that_openssl_refuses_is_not_sent(port: UdpPort, evp: Evp, name: str) -> None:
    answers = [0, -1]
    refusing = ctypes.CFUNCTYPE(ctypes.c_int)(lambda: answers.pop(0) if answers else 0)
    address = ctypes.cast(refusing, ctypes.c_void_p).value
    assert address is not None
    fanout = with_evp(port, dataclasses.replace(evp, **{name: address}))
    browser = Browser(make_keys("SRTP_AEAD_AES_128_GCM"))
    viewer = add(fanout, browser.keys, browser.address)
    assert fanout.send([prepared(1), prepared(2)], [viewer], [0]) == 0
    assert not answers
    assert browser.hears_nothing()


class Counting:
    """OpenSSL, counting what it frees."""

    def __init__(self, library: Any) -> None:
        self._library = library
        self.made: list[int] = []
        self.freed: list[int] = []
        self.refuses = False

    def EVP_CIPHER_CTX_new(self) -> int:  # noqa: N802 - OpenSSL's name
        self.made.append(self._library.EVP_CIPHER_CTX_new())
        return self.made[-1]

    def EVP_CIPHER_CTX_free(self, address: int) -> None:  # noqa: N802
        self.freed.append(address)
        self._library.EVP_CIPHER_CTX_free(address)

    def EVP_EncryptInit_ex(self, *given: object) -> int:  # noqa: N802
        return 0 if self.refuses else int(self._library.EVP_EncryptInit_ex(*given))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._library, name)


def test_a_context_is_freed_with_its_viewer(port: UdpPort, evp: Evp) -> None:
    counting = Counting(evp.library)
    fanout = with_evp(port, dataclasses.replace(evp, library=counting))
    viewers = [add(fanout, make_keys(profile), ("127.0.0.1", 9)) for profile in (*CIPHERS, "SRTP_AES128_CM_SHA1_80")]
    assert len(set(counting.made)) == 2
    assert counting.freed == []
    fanout.remove(viewers[0])
    gc.collect()
    assert counting.freed == counting.made[:1]
    assert counting.freed[0] not in fanout._table.words.tolist()
    counting.refuses = True
    with pytest.raises(ValueError, match="key"):
        fanout.add(make_keys("SRTP_AEAD_AES_128_GCM"), ("127.0.0.1", 9))
    gc.collect()
    assert counting.freed == [counting.made[0], counting.made[2]]
    counting.refuses = False
    assert add(fanout, make_keys("SRTP_AEAD_AES_128_GCM"), ("127.0.0.1", 9)) == viewers[0]
    assert fanout.send([prepared(1)], viewers, [0] * 3) == 3


def test_keys_of_another_length_are_refused(evp: Evp) -> None:
    for profile in CIPHERS:
        length = PROFILES[profile].key_length + PROFILES[profile].salt_length
        assert evp.context(profile, bytes(length)) is not None
        for wrong in (0, 12, length - 1, length + 1, 60 - length + 12):
            with pytest.raises(ValueError, match="bytes"):
                evp.context(profile, bytes(wrong))


def test_without_evp_libsrtp_encrypts(monkeypatch: pytest.MonkeyPatch) -> None:
    assert locate().evp is not None
    monkeypatch.setattr(pylibsrtp._binding, "__file__", "/nowhere")
    assert locate().evp is None
