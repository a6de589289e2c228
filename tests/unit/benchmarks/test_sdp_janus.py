"""Two offers joined: each side is answered with what the other one said."""

from __future__ import annotations

import pytest
from aiortc.sdp import MediaDescription

from benchmarks.peers.sdp_janus import Unusable, join, parse

PLAYER = """v=0
o=- 1 2 IN IP4 127.0.0.1
s=-
t=0 0
a=group:BUNDLE 0 1 2
m=video 9 UDP/TLS/RTP/SAVPF 108 96 97
c=IN IP4 0.0.0.0
a=ice-ufrag:player
a=ice-pwd:playerspasswordplayerspa
a=ice-options:trickle
a=fingerprint:sha-256 AA:AA
a=setup:actpass
a=mid:0
a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid
a=recvonly
a=rtcp-mux
a=rtpmap:108 H264/90000
a=rtpmap:96 VP8/90000
a=rtcp-fb:96 goog-remb
a=rtcp-fb:96 transport-cc
a=rtcp-fb:96 ccm fir
a=rtcp-fb:96 nack
a=rtcp-fb:96 nack pli
a=rtpmap:97 rtx/90000
a=fmtp:97 apt=96
m=audio 9 UDP/TLS/RTP/SAVPF 111
c=IN IP4 0.0.0.0
a=ice-ufrag:player
a=ice-pwd:playerspasswordplayerspa
a=fingerprint:sha-256 AA:AA
a=setup:actpass
a=mid:1
a=recvonly
a=rtcp-mux
a=rtpmap:111 opus/48000/2
m=video 9 UDP/TLS/RTP/SAVPF 96
c=IN IP4 0.0.0.0
a=ice-ufrag:player
a=ice-pwd:playerspasswordplayerspa
a=fingerprint:sha-256 AA:AA
a=setup:actpass
a=mid:2
a=recvonly
a=rtcp-mux
a=rtpmap:96 VP8/90000
"""
JANUS = """v=0
o=- 3 4 IN IP4 10.0.0.2
s=Mountpoint 1
t=0 0
a=group:BUNDLE a v
a=ice-options:trickle
a=fingerprint:sha-256 BB:BB
a=ice-lite
m=audio 9 UDP/TLS/RTP/SAVPF 111
c=IN IP4 10.0.0.2
a=sendonly
a=mid:a
a=rtcp-mux
a=ice-ufrag:janus
a=ice-pwd:januspasswordjanuspassw
a=setup:actpass
a=rtpmap:111 opus/48000/2
a=extmap:1 urn:ietf:params:rtp-hdrext:sdes:mid
a=ssrc:11 cname:janus
a=candidate:1 1 udp 2015363327 10.0.0.2 40000 typ host
a=end-of-candidates
m=video 9 UDP/TLS/RTP/SAVPF 96 97
c=IN IP4 10.0.0.2
a=sendonly
a=mid:v
a=rtcp-mux
a=ice-ufrag:janus
a=ice-pwd:januspasswordjanuspassw
a=setup:actpass
a=rtpmap:96 VP8/90000
a=rtcp-fb:96 nack
a=rtcp-fb:96 nack pli
a=rtpmap:97 rtx/90000
a=fmtp:97 apt=96
a=ssrc-group:FID 22 23
a=ssrc:22 cname:janus
a=ssrc:23 cname:janus
a=candidate:1 1 udp 2015363327 10.0.0.2 40000 typ host
a=end-of-candidates
"""


def _behind(line: MediaDescription) -> tuple[str | None, bool | None, str | None, str]:
    """User name fragment, whether ICE-lite, DTLS role and fingerprint."""
    assert line.ice is not None
    assert line.dtls is not None
    (fingerprint,) = line.dtls.fingerprints
    return line.ice.usernameFragment, line.ice.iceLite, line.dtls.role, fingerprint.value


def test_the_player_is_answered_line_by_line_with_janus_behind_it() -> None:
    to_player, _ = join(parse(PLAYER), parse(JANUS))
    answer = parse(to_player)
    assert [line.kind for line in answer.media] == ["video", "audio", "video"]
    assert [line.rtp.muxId for line in answer.media] == ["0", "1", "2"]
    assert [line.direction for line in answer.media] == ["sendonly", "sendonly", "inactive"]
    assert answer.group[0].items == ["0", "1"]
    for line in answer.media[:2]:
        assert _behind(line) == ("janus", True, "server", "BB:BB")
        assert [(one.ip, one.port) for one in line.ice_candidates] == [("10.0.0.2", 40_000)]
        assert line.rtcp_mux
        assert not line.rtp.headerExtensions
    assert [one.ssrc for one in answer.media[0].ssrc] == [22]


def test_only_codecs_and_feedback_that_all_relays_have_are_answered() -> None:
    to_player, to_janus = join(parse(PLAYER), parse(JANUS))
    video = parse(to_player).media[0]
    assert video.fmt == [96]
    assert [(one.type, one.parameter) for one in video.rtp.codecs[0].rtcpFeedback] == [
        ("ccm", "fir"),
        ("nack", None),
        ("nack", "pli"),
    ]
    assert [codec.mimeType for codec in parse(to_janus).media[1].rtp.codecs] == ["video/VP8"]


def test_janus_is_answered_in_its_own_order_with_the_player_behind_it() -> None:
    _, to_janus = join(parse(PLAYER), parse(JANUS))
    answer = parse(to_janus)
    assert [(line.kind, line.rtp.muxId, line.direction) for line in answer.media] == [
        ("audio", "a", "recvonly"),
        ("video", "v", "recvonly"),
    ]
    for line in answer.media:
        assert _behind(line) == ("player", False, "client", "AA:AA")


@pytest.mark.parametrize(
    "player",
    [
        PLAYER.replace("rtpmap:96 VP8", "rtpmap:96 VP9"),
        PLAYER[: PLAYER.index("m=audio")],
        PLAYER.replace("a=setup:actpass\n", ""),
        PLAYER.replace("a=ice-ufrag:player\n", ""),
    ],
    ids=["another payload type", "no line for audio", "no role", "no credentials"],
)
def test_an_offer_that_does_not_fit_is_unusable(player: str) -> None:
    with pytest.raises(Unusable):
        join(parse(player), parse(JANUS))


@pytest.mark.parametrize("text", ["m=video", "v=0\nm=audio 9 RTP 300\n", "a=group\n", "v=0\na=setup:maybe\n"])
def test_what_is_no_description_is_unusable(text: str) -> None:
    with pytest.raises(Unusable):
        parse(text)
