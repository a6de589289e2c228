"""A viewer that decrypts tells a changed byte, a wrong timestamp, and a repeated packet from a good one."""

from __future__ import annotations

import pytest
from pylibsrtp import Policy, Session

from benchmarks.viewers.media import STEPS, Stream, frame, sound
from benchmarks.viewers.verifying import Verifier, payload_start
from benchmarks.viewers.viewer import session
from signaling.ports import SrtpKeys
from signaling.wire import pack_rtp, parse_rtp

KEYS = SrtpKeys("SRTP_AEAD_AES_128_GCM", bytes(range(28)))
SSRC = 99
ORIGIN = 4_294_967_000


class Link:
    """A relay that renumbers, moves timestamps and adds a contributing source."""

    def __init__(self, verifier: Verifier) -> None:
        self._verifier = verifier
        self._sending = session(KEYS, Policy.SSRC_ANY_OUTBOUND)
        self._receiving: Session = session(KEYS, Policy.SSRC_ANY_INBOUND)
        self._stream = Stream(1, "vp8")

    def carry(self, place: int, *, number: int | None = None, change: int = 0, shift: int = 0) -> None:
        packet = [*frame(0, 0, 0)][place]
        rtp = parse_rtp(self._stream.rtp(packet, 96, 7, 55))
        payload = bytearray(rtp.payload)
        payload[-1] ^= change
        out = pack_rtp(
            96, rtp.marker, 1_000 + place if number is None else number, ORIGIN + rtp.timestamp + shift, SSRC,
            bytes(payload), contributing=0xDEADBEEF,
        )  # fmt: skip
        self._verifier.receive(0, self._receiving, self._sending.protect(out))


@pytest.fixture
def verifier() -> Verifier:
    return Verifier(Stream(1, "vp8"))


def test_good_packets(verifier: Verifier) -> None:
    link = Link(verifier)
    for place in range(10):
        link.carry(place)

    assert (verifier.checked, verifier.wrong, verifier.renumbered) == (10, 0, 0)
    assert verifier.origins == {SSRC: ORIGIN}
    assert verifier.latest == {1: ORIGIN}


def test_a_changed_byte(verifier: Verifier) -> None:
    link = Link(verifier)
    link.carry(0)
    link.carry(1, change=1)

    assert verifier.wrong == 1
    assert "changed" in verifier.complaints[0]


def test_a_timestamp_that_does_not_fit(verifier: Verifier) -> None:
    link = Link(verifier)
    link.carry(0)
    link.carry(1, shift=STEPS[1])

    assert verifier.wrong == 1
    assert "timestamp" in verifier.complaints[0]


def test_a_repeated_packet_is_not_wrong(verifier: Verifier) -> None:
    link = Link(verifier)
    link.carry(3)
    link.carry(3)

    assert (verifier.checked, verifier.wrong, verifier.repeated) == (1, 0, 1)


def test_numbers_that_close_up(verifier: Verifier) -> None:
    link = Link(verifier)
    link.carry(0)
    link.carry(5, number=1_001)
    link.carry(6, number=1_002)

    assert (verifier.wrong, verifier.renumbered) == (0, 1)


def test_what_does_not_decrypt(verifier: Verifier) -> None:
    datagram = bytearray(session(KEYS, Policy.SSRC_ANY_OUTBOUND).protect(Stream(1, "vp8").rtp(sound(0), 111, 7, 1)))
    datagram[-1] ^= 1
    verifier.receive(0, session(KEYS, Policy.SSRC_ANY_INBOUND), bytes(datagram))

    assert verifier.wrong == 1


def test_where_a_payload_starts() -> None:
    fixed = bytes([0x80]) + bytes(11)
    assert payload_start(fixed) == 12
    assert payload_start(bytes([0x82]) + bytes(19)) == 20
    assert payload_start(bytes([0x91]) + bytes(15) + bytes([0xBE, 0xDE, 0, 2]) + bytes(8)) == 28
