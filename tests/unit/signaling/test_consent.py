"""Requests that are answered without the codec: the codec is the oracle of what is answered, and how."""

from __future__ import annotations

import random

import pytest

from signaling.errors import ProtocolError
from signaling.ports import Address
from signaling.relay.consent import Consent
from signaling.wire import pack_binding_request, pack_binding_response, parse_stun

ADDRESSES = [("192.0.2.7", 40_000), ("255.255.255.255", 65_535), ("2001:db8::7", 1), ("fe80::1", 50_000)]
NAME, PASSWORD = "ourfrag0:theirs", "ourfrag0's password 0123"


def request(name: str = NAME, password: str = PASSWORD, seed: int = 1) -> bytes:
    return pack_binding_request(random.Random(seed).randbytes(12), name, password, seed)


@pytest.mark.parametrize("address", ADDRESSES)
@pytest.mark.parametrize("name", ["a:b", "ourfrag0:abc", "ourfrag0:abcd", "ourfrag0:abcde"])
def test_the_answer_is_the_codecs(address: Address, name: str) -> None:
    consent = Consent(name, PASSWORD, address)
    for seed in range(50):
        asked = request(name, seed=seed)
        assert consent.answer(asked) == pack_binding_response(parse_stun(asked), address, PASSWORD)


def test_link_local_addresses_are_told_without_their_zone() -> None:
    asked = request()
    consent = Consent(NAME, PASSWORD, ("fe80::1%eth0", 7))
    assert consent.answer(asked) == pack_binding_response(parse_stun(asked), ("fe80::1", 7), PASSWORD)


@pytest.mark.parametrize(
    "other",
    [
        request(password="another"),
        request("ourfrag1:theirs"),
        request("ourfrag0:theirs+"),
        request("ourfrag0"),
        request()[:-1],
        request() + bytes(4),
        b"",
        bytes(20),
        bytes(200),
    ],
)
def test_others_are_not_answered(other: bytes) -> None:
    assert Consent(NAME, PASSWORD, ADDRESSES[0]).answer(other) is None


def test_a_changed_request_is_answered_only_where_the_codec_would() -> None:
    """Each single byte changed, cut and lengthened at random."""
    chance = random.Random(4)
    consent, good = Consent(NAME, PASSWORD, ADDRESSES[0]), request()
    for place in range(len(good)):
        for _ in range(4):
            changed = bytearray(good)
            changed[place] ^= chance.randrange(1, 256)
            assert consent.answer(bytes(changed)) is None
            assert not _codec_accepts(bytes(changed))
    for _ in range(200):
        assert consent.answer(good[: chance.randrange(len(good))] + chance.randbytes(chance.randrange(8))) is None


def _codec_accepts(data: bytes) -> bool:
    try:
        message = parse_stun(data)
    except ProtocolError:
        return False
    return message.is_request and message.username == NAME and message.authentic(PASSWORD)
