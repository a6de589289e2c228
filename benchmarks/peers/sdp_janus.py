"""Joins a WHEP player's offer with an offer of Janus's: each of the two is given an answer that the other one wrote.

Janus's streaming plugin always offers (until 1.1.2, which Debian has, it takes no offers), and so does a WHEP player
(draft-ietf-wish-whep §4.2). Both offer the same thing, one to send and one to receive it, so that either's description
holds what the answer to the other one must say: who is there (ICE, fingerprint) and which streams come. Janus must be
ICE-lite, else both sides would hold themselves for the controlling one (RFC 8445 §6.1.1).
"""

from __future__ import annotations

import copy
from collections.abc import Sequence

from aiortc.rtcrtpparameters import RTCRtpCodecParameters
from aiortc.sdp import GroupDescription, MediaDescription, SessionDescription

FEEDBACK = {"nack", "ccm"}  # what every relay under comparison answers; no transport-wide feedback, no REMB


class Unusable(ValueError):
    """The player's fault: no offer, or one that Janus's streams do not fit."""


def parse(text: str) -> SessionDescription:
    try:
        return SessionDescription.parse(text)
    except (AssertionError, ValueError, KeyError, StopIteration, IndexError, AttributeError, TypeError) as error:
        raise Unusable(f"not a session description: {error!r}") from error


def join(player: SessionDescription, janus: SessionDescription) -> tuple[str, str]:
    """The answer for the player and the answer for Janus. The player becomes the DTLS client.

    Raises `Unusable` where a stream of Janus's has no line of its kind, or no codec of its name and payload type."""
    streams = [_partner(number, player.media, janus.media) for number in range(len(player.media))]
    lines = {id(stream): line for line, stream in zip(player.media, streams, strict=True) if stream is not None}
    if any(id(stream) not in lines for stream in janus.media):
        raise Unusable("a line for each of Janus's streams is needed")
    to_player = [_answer(line, stream, "server") for line, stream in zip(player.media, streams, strict=True)]
    to_janus = [_answer(stream, lines[id(stream)], "client") for stream in janus.media]
    return _text(to_player), _text(to_janus)


def _partner(
    number: int, lines: Sequence[MediaDescription], streams: Sequence[MediaDescription]
) -> MediaDescription | None:
    """Janus's stream for the player's line `number`: the first line of a kind gets the first stream of it."""
    kind = lines[number].kind
    place = sum(line.kind == kind for line in lines[:number])
    of_kind = [stream for stream in streams if stream.kind == kind]
    return of_kind[place] if place < len(of_kind) else None


def _answer(offered: MediaDescription, partner: MediaDescription | None, role: str) -> MediaDescription:
    answer = copy.deepcopy(offered)
    answer.rtp.headerExtensions = []
    answer.ssrc, answer.ssrc_group, answer.ice_candidates = [], [], []
    answer.msid = None
    if partner is None:
        answer.port, answer.direction, answer.ice_options = 0, "inactive", None
        return answer
    codecs = [codec for codec in offered.rtp.codecs if any(_same(codec, other) for other in partner.rtp.codecs)]
    if not codecs:
        raise Unusable(f"{offered.kind}: no codec with the payload type that Janus sends")
    if partner.dtls is None or partner.ice is None or not partner.ice.usernameFragment or not partner.ice.password:
        raise Unusable(f"{partner.kind}: no fingerprint or no ICE credentials")
    for codec in codecs:
        codec.rtcpFeedback = [one for one in codec.rtcpFeedback if one.type in FEEDBACK]
    answer.rtp.codecs, answer.fmt = codecs, [codec.payloadType for codec in codecs]
    answer.port, answer.direction = 9, "sendonly" if role == "server" else "recvonly"
    answer.rtcp_port, answer.rtcp_host, answer.rtcp_mux = 9, "0.0.0.0", True
    answer.ice, answer.ice_options = partner.ice, None
    answer.ice_candidates, answer.ice_candidates_complete = partner.ice_candidates, True
    answer.dtls = copy.deepcopy(partner.dtls)
    answer.dtls.role = role
    answer.ssrc, answer.msid = partner.ssrc[:1], partner.msid  # the second one would be for RTX
    return answer


def _same(one: RTCRtpCodecParameters, other: RTCRtpCodecParameters) -> bool:
    """RTX is left out: what is lost is sent again as it was, by every relay under comparison."""
    name = one.mimeType.lower()
    return (name, one.payloadType) == (other.mimeType.lower(), other.payloadType) and not name.endswith("/rtx")


def _text(lines: list[MediaDescription]) -> str:
    answer = SessionDescription()
    answer.origin = "- 1 1 IN IP4 0.0.0.0"
    answer.group = [GroupDescription("BUNDLE", [line.rtp.muxId for line in lines if line.port])]
    answer.media = lines
    return str(answer)
