"""SDP text → `Offer`: what real browsers wrote, and what nobody should."""

from __future__ import annotations

from pathlib import Path

import pytest

from signaling.errors import ProtocolError
from signaling.session.offer import Codec, Direction, Kind, Setup
from signaling.session.sdp import MAX_BYTES, parse_offer
from signaling.session.variant import RID, Format, choose

OFFERS = Path(__file__).parent / "offers"


def offer_text(name: str) -> str:
    return (OFFERS / f"{name}.sdp").read_text()


def test_chromium_publishes() -> None:
    offer = parse_offer(offer_text("chromium-publishes"))
    audio, video = offer.lines
    assert offer.setup is Setup.ACTPASS
    assert not offer.ice_lite
    assert offer.fingerprints[0].algorithm == "sha-256"
    assert (audio.kind, audio.direction, audio.codecs) == (Kind.AUDIO, Direction.SENDONLY, {Codec.OPUS: 111})
    assert video.codecs == {Codec.VP8: 96, Codec.H264: 108}
    assert video.feedback[96] == ("goog-remb", "transport-cc", "ccm fir", "nack", "nack pli")
    assert video.extensions["http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time"] == 2
    assert len(video.ssrcs) == 1  # the repair stream's is left out
    assert not audio.rejected


def test_chromium_watches_with_a_data_channel() -> None:
    offer = parse_offer(offer_text("chromium-watches"))
    assert [line.kind for line in offer.lines[:4]] == [Kind.AUDIO, Kind.VIDEO, Kind.AUDIO, Kind.VIDEO]
    assert all(line.direction is Direction.RECVONLY for line in offer.lines[:4])
    assert offer.lines[4].rejected
    assert offer.lines[4].heading == "application UDP/DTLS/SCTP webrtc-datachannel"


def test_firefox_lines_that_are_bundle_only_are_like_the_others() -> None:
    offer = parse_offer(offer_text("firefox-watches"))
    audio, video, foreign = offer.lines
    assert audio.codecs == {Codec.OPUS: 109}
    assert video.codecs == {Codec.VP8: 120}
    assert not video.rejected
    assert foreign.rejected  # VP9 alone
    assert video.extensions["urn:ietf:params:rtp-hdrext:toffset"] == 5
    assert audio.extensions["urn:ietf:params:rtp-hdrext:csrc-audio-level"] == 2


def test_a_line_at_port_zero_that_is_not_bundle_only_is_rejected() -> None:
    text = offer_text("chromium-publishes").replace("m=video 9", "m=video 0")
    assert [line.rejected for line in parse_offer(text).lines] == [False, True]


@pytest.mark.parametrize(
    ("name", "replace", "by", "says"),
    [
        ("no version", "v=0", "v=1", "v=0"),
        ("no mux", "a=rtcp-mux\n", "", "rtcp-mux"),
        ("no setup", "a=setup:actpass\n", "", "setup"),
        ("a wrong setup", "a=setup:actpass", "a=setup:holdconn", "setup"),
        ("no ufrag", "a=ice-ufrag:", "a=x:", "ice-ufrag"),
        ("a ufrag with a space", "a=ice-ufrag:", "a=ice-ufrag: ", "ice-ufrag"),
        ("an old hash", "a=fingerprint:sha-256", "a=fingerprint:md5", "sha-256"),
        ("no group", "a=group:BUNDLE 0 1\n", "", "BUNDLE"),
        ("one mid twice", "a=mid:1", "a=mid:0", "a=mid"),
        ("a payload type that is none", "a=rtpmap:111 opus", "a=rtpmap:111 opus\na=fmtp:55 x", "SDP"),
        ("forbidden payload type", "m=video 9 UDP/TLS/RTP/SAVPF 96", "m=video 9 UDP/TLS/RTP/SAVPF 72", "SDP"),
        ("an m-line of words", "m=video 9", "m=video port", "m-line"),
    ],
)
def test_malformed_offers_say_what_is_wrong(name: str, replace: str, by: str, says: str) -> None:
    text = offer_text("chromium-publishes")
    assert replace in text, name
    with pytest.raises(ProtocolError, match=says):
        parse_offer(text.replace(replace, by))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "v=0",
        "v=0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\n",
        "hello",
        "v=0\r\n" + "a" * MAX_BYTES,
        "v=0\n" + "a=x\n" * 5_000,
        "v=0\n" + "m=audio 9 UDP/TLS/RTP/SAVPF 111\n" * 33,
    ],
)
def test_what_is_no_offer_is_refused(text: str) -> None:
    with pytest.raises(ProtocolError):
        parse_offer(text)


def test_attributes_in_hostile_numbers_are_bounded() -> None:
    text = offer_text("chromium-publishes")
    many = "".join(f"a=ssrc:{number} cname:x\n" for number in range(1, 2_000))
    assert len(parse_offer(text + many).lines[1].ssrcs) <= 16
    with pytest.raises(ProtocolError, match="too many"):
        parse_offer(text + "a=rtcp-fb:* nack\n" * 200)


def test_nothing_but_plain_tokens_passes_into_an_answer() -> None:
    text = offer_text("chromium-publishes")
    for attribute in ("a=mid:1", "a=group:BUNDLE 0 1"):
        with pytest.raises(ProtocolError):
            parse_offer(text.replace(attribute, attribute + "<script>"))


H264 = "h264/90000"


@pytest.mark.parametrize(
    ("profiles", "chosen"),
    [
        ([("42001f", "1"), ("42e01f", "1"), ("42e01f", "0")], 2),
        ([("640c1f", "1"), ("42c02a", "1"), ("42001f", "1")], 2),
        ([("4d001f", "1"), ("42001f", "1")], 2),
        ([("4de01f", "1"), ("42001f", "1")], 1),
        ([("42e01f", "0")], None),
        ([("64001f", "1"), ("zzzzzz", "1"), ("42e0", "1"), ("42e0zz", "1")], None),
    ],
)
def test_the_h264_payload_type_that_fits_best(profiles: list[tuple[str, str]], chosen: int | None) -> None:
    formats = [
        Format(place + 1, H264, {"profile-level-id": profile, "packetization-mode": mode})
        for place, (profile, mode) in enumerate(profiles)
    ]
    codecs, profile = choose(Kind.VIDEO, formats)
    assert codecs.get(Codec.H264) == chosen
    if chosen is not None:
        assert profile == profiles[chosen - 1][0]


def test_only_stereo_opus_and_plain_vp8_are_ours() -> None:
    formats = [Format(1, "opus/48000", {}), Format(2, "vp8/90000", {}), Format(3, "vp9/90000", {})]
    assert choose(Kind.AUDIO, formats)[0] == {}
    assert choose(Kind.VIDEO, formats)[0] == {Codec.VP8: 2}


# --- layers (RFC 8851, RFC 8853) ------------------------------------------------------------------------------------


def test_chromium_publishes_layers() -> None:
    audio, video = parse_offer(offer_text("chromium-publishes-layers")).lines
    assert (audio.rids, video.rids) == ((), ("q", "h", "f"))
    assert RID in video.extensions


RIDS = "a=rid:1 send\na=rid:2 send pt=96;max-width=640\na=rid:3 send\na=rid:4 recv\n"


@pytest.mark.parametrize(
    ("simulcast", "rids"),
    [
        ("send 1;2;3", ("1", "2", "3")),
        ("send 3;~1", ("3", "1")),
        ("send 1,2;3", ("1", "3")),
        ("recv 4 send 2", ("2",)),
        ("send 1;2 recv 4", ("1", "2")),
        ("recv 4", ()),
    ],
)
def test_rids_are_those_that_would_be_sent(simulcast: str, rids: tuple[str, ...]) -> None:
    text = offer_text("chromium-publishes") + RIDS + f"a=simulcast:{simulcast}\n"
    assert parse_offer(text).lines[1].rids == rids


def test_rids_alone_are_no_simulcast() -> None:
    assert parse_offer(offer_text("chromium-publishes") + RIDS).lines[1].rids == ()


@pytest.mark.parametrize(
    "more",
    [
        "a=simulcast:send 1;9\n",
        "a=simulcast:send 1;1\n",
        "a=simulcast:send 4\n",
        "a=simulcast:send\n",
        "a=simulcast:send ;;\n",
        "a=simulcast:send 1;<script>\n",
        "a=simulcast:send 1\na=simulcast:send 2\n",
        "a=rid:<b> send\na=simulcast:send 1\n",
        "a=rid:12345678901234567 send\na=simulcast:send 12345678901234567\n",
        "".join(f"a=rid:x{place} send\n" for place in range(20)) + "a=simulcast:send x1;x2\n",
        "a=simulcast:send " + ";".join(["1"] * 5_000) + "\n",
        "a=simulcast:send " + ",".join(["1"] * 100) + "\n",
    ],
)
def test_hostile_layers_are_refused(more: str) -> None:
    with pytest.raises(ProtocolError):
        parse_offer(offer_text("chromium-publishes") + RIDS + more)
