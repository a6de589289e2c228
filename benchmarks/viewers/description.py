"""What viewers offer, and what they read of an answer (RFC 8829, RFC 8866)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from signaling.session.offer import Fingerprint

SLOTS = 4
OPUS, VP8, H264 = 111, 96, 108
"""Chromium's payload types."""

_PROFILE = "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f"
_FEEDBACK = ("goog-remb", "transport-cc", "ccm fir", "nack", "nack pli")
_MID = "a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid"
_EXTENSIONS = {
    "audio": ("1 urn:ietf:params:rtp-hdrext:ssrc-audio-level",),
    "video": (
        "14 urn:ietf:params:rtp-hdrext:toffset",
        "13 urn:3gpp:video-orientation",
        "5 http://www.webrtc.org/experiments/rtp-hdrext/playout-delay",
        "6 http://www.webrtc.org/experiments/rtp-hdrext/video-content-type",
        "7 http://www.webrtc.org/experiments/rtp-hdrext/video-timing",
        "8 http://www.webrtc.org/experiments/rtp-hdrext/color-space",
    ),
}
_BOTH_EXTENSIONS = (
    "2 http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time",
    "3 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01",
)
_OTHER_VIDEO = {  # what a browser offers and nobody here answers: payload type → encoding, parameters
    98: ("VP9/90000", "profile-id=0"),
    100: ("VP9/90000", "profile-id=2"),
    45: ("AV1/90000", "level-idx=5;profile=0;tier=0"),
    102: ("H264/90000", "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42001f"),
    104: ("H264/90000", "level-asymmetry-allowed=1;packetization-mode=0;profile-level-id=42001f"),
    114: ("H264/90000", "level-asymmetry-allowed=1;packetization-mode=0;profile-level-id=42e01f"),
    116: ("H264/90000", "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=4d001f"),
    39: ("H264/90000", "level-asymmetry-allowed=1;packetization-mode=0;profile-level-id=4d001f"),
}


@dataclass(frozen=True, slots=True)
class Local:
    """One peer's own side."""

    ufrag: str
    pwd: str
    fingerprint: Fingerprint


@dataclass(frozen=True, slots=True)
class Remote:
    """What a description of the server's says of its transport."""

    ufrag: str
    pwd: str
    fingerprint: Fingerprint
    address: tuple[str, int]


def offer(
    local: Local, slots: int = SLOTS, full: bool = False, direction: str = "recvonly", ssrcs: tuple[int, ...] = ()
) -> str:
    """An offer with an audio and a video line for each slot: as our pages slim it, or `full`, as a browser makes it.
    `ssrcs`: those of the lines, in order, of one who sends."""
    lines = [
        "v=0",
        "o=- 4611731400430051336 2 IN IP4 127.0.0.1",
        "s=-",
        "t=0 0",
        "a=group:BUNDLE " + " ".join(str(mid) for mid in range(2 * slots)),
        "a=extmap-allow-mixed",
        "a=msid-semantic: WMS",
    ]
    for mid in range(2 * slots):
        kind = "video" if mid % 2 else "audio"
        lines += _media(local, kind, mid, full, direction)
        lines += [f"a=ssrc:{ssrc} cname:publisher" for ssrc in ssrcs[mid : mid + 1]]
    return "\r\n".join(lines) + "\r\n"


def _media(local: Local, kind: str, mid: int, full: bool, direction: str) -> list[str]:
    codecs = _codecs(kind, full)
    lines = [
        f"m={kind} 9 UDP/TLS/RTP/SAVPF " + " ".join(str(number) for number in codecs),
        "c=IN IP4 0.0.0.0",
        "a=rtcp:9 IN IP4 0.0.0.0",
        f"a=ice-ufrag:{local.ufrag}",
        f"a=ice-pwd:{local.pwd}",
        "a=ice-options:trickle",
        f"a=fingerprint:{local.fingerprint.algorithm} {local.fingerprint.value}",
        "a=setup:actpass",
        f"a=mid:{mid}",
    ]
    if full:
        lines += [f"a=extmap:{one}" for one in (*_EXTENSIONS[kind], *_BOTH_EXTENSIONS)]
    lines += [_MID, f"a={direction}", "a=rtcp-mux", "a=rtcp-rsize"]
    for number, (encoding, parameters) in codecs.items():
        lines.append(f"a=rtpmap:{number} {encoding}")
        if encoding.startswith("rtx"):
            lines.append(f"a=fmtp:{number} {parameters}")
            continue
        if kind == "video":
            lines += [f"a=rtcp-fb:{number} {one}" for one in _FEEDBACK]
        else:
            lines.append(f"a=rtcp-fb:{number} transport-cc")
        if parameters:
            lines.append(f"a=fmtp:{number} {parameters}")
    return lines


def _codecs(kind: str, full: bool) -> dict[int, tuple[str, str]]:
    if kind == "audio":
        found = {OPUS: ("opus/48000/2", "minptime=10;useinbandfec=1")}
        return {**found, 63: ("red/48000/2", "111/111"), 9: ("G722/8000", ""), 0: ("PCMU/8000", "")} if full else found
    found = {H264: ("H264/90000", _PROFILE), VP8: ("VP8/90000", "")}
    if not full:
        return found
    everything = {VP8: found[VP8], 97: ("rtx/90000", "apt=96"), **_OTHER_VIDEO, H264: found[H264]}
    return {**everything, 109: ("rtx/90000", "apt=108"), 118: ("red/90000", ""), 120: ("ulpfec/90000", "")}


def read(text: str) -> Remote:
    """The transport of a server's description. Raises `ValueError`, which says what is missing."""

    def first(pattern: str) -> re.Match[str]:
        found = re.search(pattern, text, re.MULTILINE)
        if found is None:
            raise ValueError(f"the server's description has no line like {pattern}")
        return found

    algorithm, value = first(r"^a=fingerprint:(\S+) (\S+)").groups()
    host, port = first(r"^a=candidate:\S+ 1 (?:udp|UDP) \d+ (\S+) (\d+) typ ").groups()
    return Remote(
        ufrag=first(r"^a=ice-ufrag:(\S+)").group(1),
        pwd=first(r"^a=ice-pwd:(\S+)").group(1),
        fingerprint=Fingerprint(algorithm=algorithm.lower(), value=value.upper()),
        address=(host, int(port)),
    )


def audio_type(text: str) -> int:
    """The payload type of Opus in a description; Chromium's where it names none."""
    found = re.search(r"^a=rtpmap:(\d+) opus/", text, re.MULTILINE | re.IGNORECASE)
    return int(found.group(1)) if found else OPUS
