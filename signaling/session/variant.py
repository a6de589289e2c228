"""Which of an offer's payload types carries which of our codecs, and how a codec is written in SDP.

Payload types belong to the offer: a browser decodes only at its own numbers (an answer with another number is
accepted, packets arrive, and nothing is shown), so viewers fall into families by the numbers that they offer.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from signaling.session.offer import Codec, Kind

CODECS = {Kind.AUDIO: (Codec.OPUS,), Kind.VIDEO: (Codec.H264, Codec.VP8)}
"""What we speak, per kind, in the order of preference: phones have hardware for H.264."""

RTPMAP = {Codec.OPUS: "opus/48000/2", Codec.VP8: "VP8/90000", Codec.H264: "H264/90000"}

DEFAULT_H264_PROFILE = "42e01f"

MID = "urn:ietf:params:rtp-hdrext:sdes:mid"
RID = "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id"
REPAIRED_RID = "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id"
TRANSPORT_WIDE_CC = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"

EXTENSIONS = (MID, RID, REPAIRED_RID, TRANSPORT_WIDE_CC)
"""The header extensions that a publisher may send us (RFC 9143, RFC 8852, draft-holmer); none goes to viewers."""

LAYERS = 3
"""Encodings of one source that are received."""


@dataclass(frozen=True, slots=True)
class Format:
    """One payload type of an offer: `encoding` in lower case ("h264/90000"), `parameters` as in its fmtp."""

    payload_type: int
    encoding: str
    parameters: dict[str, str]


def choose(kind: Kind, formats: Iterable[Format]) -> tuple[dict[Codec, int], str]:
    """The payload type for each codec of ours that is offered, and the profile-level-id of the H.264 one.

    Where a codec is offered more than once, the first fits; of H.264 the exact 42e01f, else another constrained
    baseline, else baseline (it decodes constrained baseline); always packetization-mode 1.
    """
    chosen: dict[Codec, int] = {}
    profile = DEFAULT_H264_PROFILE
    best = 0
    for one in formats:
        if kind is Kind.AUDIO and one.encoding == "opus/48000/2":
            chosen.setdefault(Codec.OPUS, one.payload_type)
        elif kind is Kind.VIDEO and one.encoding == "vp8/90000" and one.parameters.get("profile-id", "0") == "0":
            chosen.setdefault(Codec.VP8, one.payload_type)
        elif kind is Kind.VIDEO and one.encoding == "h264/90000":
            fitness = _h264_fitness(one.parameters)
            if fitness > best:
                best = fitness
                chosen[Codec.H264] = one.payload_type
                profile = one.parameters["profile-level-id"].lower()
    return chosen, profile


def fmtp(codec: Codec, h264_profile: str) -> str | None:
    """The format parameters that our answer states for a codec."""
    if codec is Codec.OPUS:
        return "minptime=10;useinbandfec=1"
    if codec is Codec.H264:
        return f"level-asymmetry-allowed=1;packetization-mode=1;profile-level-id={h264_profile}"
    return None


def _h264_fitness(parameters: dict[str, str]) -> int:
    """3: exactly 42e01f; 2: constrained baseline (RFC 6184 §8.1, table 5); 1: baseline; 0: not for us."""
    profile = parameters.get("profile-level-id", "").lower()
    if parameters.get("packetization-mode") != "1" or len(profile) != 6:
        return 0
    try:
        indication, constraints = int(profile[:2], 16), int(profile[2:4], 16)
        int(profile[4:], 16)
    except ValueError:
        return 0
    if profile == DEFAULT_H264_PROFILE:
        return 3
    if constraints & 0x0F:
        return 0
    set0, set1 = bool(constraints & 0x80), bool(constraints & 0x40)
    if (indication == 0x42 and set1) or (indication == 0x4D and set0) or (indication == 0x58 and set0 and set1):
        return 2
    return 1 if indication == 0x42 else 0
