"""An SDP offer as plain data. Parsing it (text → `Offer`) is the web process's work; the relay never sees SDP."""

from __future__ import annotations

import enum

import msgspec


class Kind(enum.StrEnum):
    AUDIO = "audio"
    VIDEO = "video"


class Codec(enum.StrEnum):
    OPUS = "opus"
    VP8 = "vp8"
    H264 = "h264"  # constrained baseline (42e01f), packetization-mode 1


class Setup(enum.StrEnum):
    """DTLS role as SDP names it (RFC 8842 §5.2)."""

    ACTPASS = "actpass"
    ACTIVE = "active"
    PASSIVE = "passive"


class Direction(enum.StrEnum):
    SENDRECV = "sendrecv"
    SENDONLY = "sendonly"
    RECVONLY = "recvonly"
    INACTIVE = "inactive"


class Fingerprint(msgspec.Struct, frozen=True):
    algorithm: str  # lower case, as in SDP: "sha-256"
    value: str  # upper-case hex pairs with colons


class Line(msgspec.Struct, frozen=True):
    """One m-line of an offer.

    `codecs` maps each codec that we also speak to the offer's own payload type (browsers decode at their own
    numbers only); empty when there is none, and the line is then rejected in the answer.
    `extensions` maps header extension URIs to the offer's ids. `ssrcs` are those the offer declares (may be none),
    without those of repair streams. `h264_profile` is the offer's own profile-level-id (an answer with another one
    is no match for browsers), `heading` the m-line as offered ("application UDP/DTLS/SCTP webrtc-datachannel").
    `rids` names the encodings that it would send of one source, in its own order (RFC 8851, RFC 8853); empty without
    simulcast.
    """

    mid: str
    kind: Kind
    direction: Direction
    codecs: dict[Codec, int]
    extensions: dict[str, int] = {}
    feedback: dict[int, tuple[str, ...]] = {}  # payload type → "nack", "nack pli", "goog-remb", "transport-cc"…
    ssrcs: tuple[int, ...] = ()
    rejected: bool = False  # a line that is neither audio nor video, or has no codec of ours
    h264_profile: str = "42e01f"
    heading: str = ""
    rids: tuple[str, ...] = ()


class Offer(msgspec.Struct, frozen=True):
    """An offer whose lines are all in one BUNDLE group (RFC 8843)."""

    ufrag: str
    pwd: str
    fingerprints: tuple[Fingerprint, ...]
    setup: Setup
    lines: tuple[Line, ...]
    ice_lite: bool = False
