"""Offers, answers and checks of the benchmark's viewers, read by the product's own parsers."""

from __future__ import annotations

import pytest

from benchmarks.viewers.checks import FIRST_CHECKS, STEADY, Checker, due, success_of
from benchmarks.viewers.description import OPUS, Local, audio_type, offer, read
from signaling.session.offer import Codec, Direction, Fingerprint, Kind
from signaling.session.sdp import parse_offer
from signaling.wire import pack_binding_response, parse_stun

LOCAL = Local("abcd", "0123456789012345678901", Fingerprint("sha-256", ":".join(["AB"] * 32)))


@pytest.mark.parametrize("full", [False, True])
def test_the_service_reads_our_offers(full: bool) -> None:
    read_back = parse_offer(offer(LOCAL, 4, full))

    assert (read_back.ufrag, read_back.pwd) == (LOCAL.ufrag, LOCAL.pwd)
    assert [line.kind for line in read_back.lines] == [Kind.AUDIO, Kind.VIDEO] * 4
    assert all(line.direction is Direction.RECVONLY for line in read_back.lines)
    assert read_back.lines[0].codecs == {Codec.OPUS: 111}
    assert read_back.lines[1].codecs == {Codec.VP8: 96, Codec.H264: 108}


def test_offers_are_as_large_as_our_pages_and_browsers_make_them() -> None:
    slim, full = len(offer(LOCAL, 4)), len(offer(LOCAL, 4, full=True))

    assert 4_000 < slim < 8_000
    assert full > 2.5 * slim


def test_a_publisher_names_its_sources() -> None:
    lines = parse_offer(offer(LOCAL, 1, direction="sendonly", ssrcs=(5, 6))).lines

    assert [line.ssrcs for line in lines] == [(5,), (6,)]
    assert all(line.direction is Direction.SENDONLY for line in lines)


ANSWER = """v=0\r
a=ice-ufrag:srv\r
a=ice-pwd:serverpassword0123456789\r
a=fingerprint:sha-256 ab:cd\r
a=rtpmap:109 opus/48000/2\r
a=candidate:1 1 UDP 2130706431 127.0.0.1 5004 typ host\r
"""


def test_the_transport_of_an_answer() -> None:
    found = read(ANSWER)

    assert (found.ufrag, found.pwd, found.address) == ("srv", "serverpassword0123456789", ("127.0.0.1", 5_004))
    assert found.fingerprint == Fingerprint("sha-256", "AB:CD")
    assert audio_type(ANSWER) == 109
    assert audio_type("v=0\r\n") == OPUS
    with pytest.raises(ValueError, match="candidate"):
        read(ANSWER.replace("candidate", "nothing"))


def test_checks_are_authentic_and_nominate() -> None:
    request = parse_stun(Checker("srv", "serverpassword0123456789", "abcd", 7).request(b"0123456789ab"))

    assert request.is_request
    assert request.nominates
    assert request.username == "srv:abcd"
    assert request.transaction == b"0123456789ab"
    assert request.authentic("serverpassword0123456789")
    assert not request.authentic("another")

    answer = pack_binding_response(request, ("127.0.0.1", 9), "serverpassword0123456789")
    assert success_of(answer) == b"0123456789ab"
    assert success_of(answer[:10]) is None
    assert success_of(b"\x16" * 40) is None


def test_checks_come_as_browsers_send_them() -> None:
    times = [due(number, 100.0) - 100 for number in range(len(FIRST_CHECKS) + 2)]

    assert times[: len(FIRST_CHECKS)] == pytest.approx(FIRST_CHECKS)
    assert times[-1] - times[-2] == pytest.approx(STEADY)
    assert times[-2] - times[-3] == pytest.approx(STEADY)
