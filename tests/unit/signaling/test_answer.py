"""`Answer` → SDP text, read back by aiortc's parser and line by line."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from aiortc.sdp import SessionDescription

from signaling.relay.answering import answer_publication
from signaling.session.answer import Answer, AnsweredLine
from signaling.session.offer import Direction, Fingerprint, Kind, Offer, Setup
from signaling.session.sdp import answer_text, parse_offer
from signaling.session.variant import REPAIRED_RID, RID, TRANSPORT_WIDE_CC

OFFERS = Path(__file__).parent / "offers"
FINGERPRINT = Fingerprint(algorithm="sha-256", value=":".join(["AB"] * 32))


def offer_of(name: str) -> Offer:
    return parse_offer((OFFERS / f"{name}.sdp").read_text())


def answer_to(
    offer: Offer,
    addresses: tuple[tuple[str, int], ...] = (("192.0.2.7", 5000), ("2001:db8::7", 5000)),
    extensions: dict[str, int] | None = None,
) -> Answer:
    slots = ("lecturer", "screen", "host", "guest")
    places = {Kind.AUDIO: 0, Kind.VIDEO: 0}
    lines = []
    for line in offer.lines:
        if line.rejected:
            lines.append(AnsweredLine(mid=line.mid, kind=line.kind, direction=Direction.INACTIVE, rejected=True))
            continue
        watches = line.direction is Direction.RECVONLY
        lines.append(
            AnsweredLine(
                mid=line.mid,
                kind=line.kind,
                direction=Direction.SENDONLY if watches else Direction.RECVONLY,
                codecs=line.codecs,
                extensions=extensions or {},
                slot=slots[places[line.kind]] if watches else None,
                ssrc=1000 + len(lines) if watches else None,
            )
        )
        places[line.kind] += 1
    return Answer(
        ufrag="ours",
        pwd="p" * 24,
        fingerprint=FINGERPRINT,
        setup=Setup.PASSIVE,
        addresses=addresses,
        lines=tuple(lines),
    )


@pytest.mark.parametrize("name", ["chromium-publishes", "chromium-watches", "firefox-watches"])
def test_an_independent_parser_reads_the_answer(name: str) -> None:
    offer = offer_of(name)
    session = SessionDescription.parse(answer_text(answer_to(offer), offer, 7))
    assert [media.rtp.muxId for media in session.media] == [line.mid for line in offer.lines]
    accepted = [media for media, line in zip(session.media, offer.lines, strict=True) if not line.rejected]
    assert session.group[0].items == [media.rtp.muxId for media in accepted]
    assert all(media.rtcp_mux and media.ice is not None and media.ice.iceLite for media in accepted)
    assert [(one.ip, one.port, one.type) for one in accepted[0].ice_candidates] == [
        ("192.0.2.7", 5000, "host"),
        ("2001:db8::7", 5000, "host"),
    ]
    assert accepted[0].ice_candidates_complete
    assert accepted[0].dtls is not None
    assert accepted[0].dtls.role == "server"


def test_rejected_lines_keep_their_media_type_at_port_zero() -> None:
    offer = offer_of("chromium-watches")
    text = answer_text(answer_to(offer), offer, 7)
    assert "m=application 0 UDP/DTLS/SCTP webrtc-datachannel\r\n" in text
    offer = offer_of("firefox-watches")
    text = answer_text(answer_to(offer), offer, 7)
    assert "m=video 0 UDP/TLS/RTP/SAVPF 121\r\n" in text
    assert "a=group:BUNDLE 0 1\r\n" in text


def test_both_codecs_at_the_offers_numbers_with_their_feedback() -> None:
    offer = offer_of("chromium-watches")
    text = answer_text(answer_to(offer), offer, 7)
    section = text.split("m=video")[1].split("\r\nm=")[0]
    for line in (
        " 5000 UDP/TLS/RTP/SAVPF 108 96",
        "a=rtpmap:96 VP8/90000",
        "a=rtpmap:108 H264/90000",
        "a=fmtp:108 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f",
        *(f"a=rtcp-fb:{number} {one}" for number in (96, 108) for one in ("nack", "nack pli", "ccm fir", "goog-remb")),
        "a=msid:lecturer lecturer-video",
        "a=ssrc:1001 cname:lecturer",
        "a=sendonly",
    ):
        assert line in section.split("\r\n"), line
    assert "transport-cc" not in section
    assert "extmap" not in section
    audio = text.split("m=audio")[1].split("\r\nm=")[0]
    assert "a=rtcp-fb:111 nack\r\n" in audio
    assert "a=msid:lecturer lecturer-audio\r\n" in audio
    assert "a=ssrc:1002 cname:screen" in text


def test_a_publisher_is_answered_its_extensions_and_transport_wide_feedback() -> None:
    offer = offer_of("chromium-publishes")
    text = answer_text(answer_to(offer, extensions={TRANSPORT_WIDE_CC: 3}), offer, 7)
    section = text.split("m=video")[1]
    assert f"a=extmap:3 {TRANSPORT_WIDE_CC}\r\n" in section
    assert "a=rtcp-fb:96 transport-cc\r\n" in section
    assert "a=recvonly\r\n" in section
    assert "a=ssrc" not in section


def test_the_h264_profile_is_the_offers_own() -> None:
    text = (OFFERS / "chromium-publishes.sdp").read_text().replace("42e01f", "42c01e")
    offer = parse_offer(text)
    assert "profile-level-id=42c01e" in answer_text(answer_to(offer), offer, 7)


def test_the_first_address_is_the_default_candidate() -> None:
    offer = offer_of("chromium-publishes")
    text = answer_text(answer_to(offer, (("2001:db8::7", 6000),)), offer, 7)
    assert "m=audio 6000 " in text
    assert "c=IN IP6 2001:db8::7\r\n" in text
    assert "a=candidate:1 1 udp 2130706431 2001:db8::7 6000 typ host\r\n" in text


def test_every_line_ends_as_rfc_8866_wants() -> None:
    offer = offer_of("chromium-watches")
    text = answer_text(answer_to(offer), offer, 7)
    assert text.endswith("\r\n")
    assert "\n" not in text.replace("\r\n", "")


def test_layers_are_answered_in_the_offers_order() -> None:
    offer = offer_of("chromium-publishes-layers")
    lines = answer_publication(offer)
    answer = msgspec.structs.replace(answer_to(offer), lines=lines)
    section = answer_text(answer, offer, 7).split("m=video")[1].split("\r\n")
    for line in (
        "a=rid:q recv",
        "a=rid:h recv",
        "a=rid:f recv",
        "a=simulcast:recv q;h;f",
        f"a=extmap:{offer.lines[1].extensions[RID]} {RID}",
        f"a=extmap:{offer.lines[1].extensions[REPAIRED_RID]} {REPAIRED_RID}",
        f"a=extmap:{offer.lines[1].extensions[TRANSPORT_WIDE_CC]} {TRANSPORT_WIDE_CC}",
    ):
        assert line in section, line
