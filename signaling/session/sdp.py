"""SDP text → `Offer`, and `Answer` → SDP text (RFC 8866, RFC 8829).

Theory of operation: the text is hostile until proved otherwise. It is first reduced to the attributes that we read,
each of a checked shape and number, and only then given to aiortc's parser, whose time grows with the square of some of
them; whatever that parser raises is one `ProtocolError`. Nothing of an offer is copied into an answer but tokens that
passed the checks here.
"""

from __future__ import annotations

import re

from signaling.errors import ProtocolError
from signaling.session.answer import Answer, AnsweredLine
from signaling.session.offer import Codec, Direction, Fingerprint, Kind, Line, Offer, Setup
from signaling.session.variant import CODECS, RTPMAP, TRANSPORT_WIDE_CC, Format, choose, fmtp
from signaling.wire import SETUP_OF_ROLE, MediaDescription, SessionDescription, parse_session

MAX_BYTES = 65_536
MAX_LINES_OF_TEXT = 4_000
MAX_MEDIA = 32
MAX_PER_ATTRIBUTE = 128  # of one attribute in one m-section; Chromium's fullest offer has 96 rtcp-fb
MAX_SSRCS = 16  # per m-section: simulcast of three layers with repair has six
MAX_RIDS = 16  # per m-section

HASHES = frozenset({"sha-256", "sha-384", "sha-512"})


def _shape(expression: str) -> re.Pattern[str]:
    return re.compile(expression, re.ASCII)


_WORD = r"[A-Za-z0-9!#$%&'*+.^_`{|}~-]"  # RFC 8866 §9, token-char
_MLINE = _shape(rf"m={_WORD}{{1,32}} \d{{1,5}} [A-Z/]{{1,32}}( {_WORD}{{1,32}}){{1,128}}")
_SESSION = {
    "group": _shape(rf"a=group:BUNDLE( {_WORD}{{1,32}}){{0,{MAX_MEDIA}}} ?"),
    "ice-lite": _shape(r"a=ice-lite"),
}
_BOTH = {
    "fingerprint": _shape(r"a=fingerprint:[A-Za-z0-9-]{1,16} [0-9A-Fa-f:]{2,191}"),
    "setup": _shape(r"a=setup:(actpass|active|passive)"),
    "ice-ufrag": _shape(r"a=ice-ufrag:[A-Za-z0-9+/]{4,256}"),
    "ice-pwd": _shape(r"a=ice-pwd:[A-Za-z0-9+/]{22,256}"),
}
_MEDIA = {
    "mid": _shape(rf"a=mid:{_WORD}{{1,32}}"),
    "rtcp-mux": _shape(r"a=rtcp-mux"),
    "rtpmap": _shape(r"a=rtpmap:\d{1,3} [A-Za-z0-9_.-]{1,32}/\d{1,6}(/\d)?"),
    "fmtp": _shape(r"a=fmtp:\d{1,3} [!-~ ]{1,512}"),
    "rtcp-fb": _shape(r"a=rtcp-fb:(\d{1,3}|\*) [a-z0-9-]{1,32}( [a-z0-9-]{1,32})?"),
    "extmap": _shape(r"a=extmap:\d{1,3}(/(sendrecv|sendonly|recvonly|inactive))? [!-~]{1,128}"),
    "ssrc": _shape(r"a=ssrc:\d{1,10} cname:[!-~]{1,255}"),
    "ssrc-group": _shape(rf"a=ssrc-group:{_WORD}{{1,16}}( \d{{1,10}}){{1,8}}"),
    "sendrecv": _shape(r"a=sendrecv"),
    "sendonly": _shape(r"a=sendonly"),
    "recvonly": _shape(r"a=recvonly"),
    "inactive": _shape(r"a=inactive"),
}
_REQUIRED = ("group", "fingerprint", "setup", "ice-ufrag", "ice-pwd", "mid")
"""Read, so a wrong shape is an error; anything else of a wrong shape is as good as absent."""

_RID = r"[A-Za-z0-9_-]{1,16}"  # RFC 8852 §3.2 knows letters and digits; RFC 8851 "-" and "_" too
_RID_LINE = _shape(rf"a=rid:({_RID}) (send|recv)( [!-~]{{1,256}})?")
_SIMULCAST = _shape(r"a=simulcast:(send|recv) [A-Za-z0-9_~;,-]{1,280}( (send|recv) [A-Za-z0-9_~;,-]{1,280})?")
_STREAM = _shape(rf"~?({_RID})(,~?{_RID}){{0,{MAX_RIDS - 1}}}")

_REPAIR_GROUPS = ("FID", "FEC-FR")  # the second SSRC repairs the first (RFC 5576 §4.2, RFC 8627 §5.3)


def parse_offer(text: str) -> Offer:
    """Raises `ProtocolError`, whose text says what is missing, and nothing else."""
    if len(text.encode("utf-8", "replace")) > MAX_BYTES:
        raise ProtocolError("the offer is too large")
    headings, bundle_only, clean = _reduce(text)
    layers = _simulcast(text)
    session = parse_session(clean)
    mids = [media.rtp.muxId for media in session.media]
    if len(set(mids)) != len(mids) or not all(mids):
        raise ProtocolError("each m-line needs an a=mid of its own")
    bundled = _bundled(session, mids)
    used = [
        media.rtp.muxId in bundled and media.rtcp_mux and (media.port != 0 or only)
        for media, only in zip(session.media, bundle_only, strict=True)
    ]
    transport = next((media for media, use in zip(session.media, used, strict=True) if use), None)
    if transport is None:
        raise ProtocolError("no m-line is bundled and has a=rtcp-mux")
    ice, dtls = transport.ice, transport.dtls
    if ice is None or not ice.usernameFragment or not ice.password:
        raise ProtocolError("a=ice-ufrag or a=ice-pwd is missing")
    if dtls is None:
        raise ProtocolError("a=setup is missing")
    fingerprints = tuple(
        Fingerprint(algorithm=one.algorithm.lower(), value=one.value.upper())
        for one in dtls.fingerprints
        if one.algorithm.lower() in HASHES
    )
    if not fingerprints:
        raise ProtocolError("no a=fingerprint by sha-256, sha-384 or sha-512")
    lines = zip(session.media, headings, used, layers, strict=True)
    return Offer(
        ufrag=ice.usernameFragment,
        pwd=ice.password,
        fingerprints=fingerprints,
        setup=Setup(SETUP_OF_ROLE[dtls.role]),
        lines=tuple(_line(media, heading, use, rids) for media, heading, use, rids in lines),
        ice_lite=bool(ice.iceLite),
    )


def _reduce(text: str) -> tuple[list[str], list[bool], str]:
    """The m-lines as offered (without "m=" and port), whether each is bundle-only, and the text that we read."""
    raw = re.split(r"\r\n|\n|\r", text)
    if len(raw) > MAX_LINES_OF_TEXT:
        raise ProtocolError("the offer has too many lines")
    if raw[0].strip() != "v=0":
        raise ProtocolError("the text does not begin with v=0")
    headings: list[str] = []
    bundle_only: list[bool] = []
    kept = ["v=0"]
    counts: dict[str, int] = {}
    shapes = _SESSION | _BOTH
    for line in raw:
        if line.startswith("m="):
            if not _MLINE.fullmatch(line.rstrip()):
                raise ProtocolError("an m-line has a wrong shape")
            media, _, rest = line.rstrip()[2:].split(" ", 2)
            headings.append(f"{media} {rest}")
            bundle_only.append(False)
            counts, shapes = {}, _MEDIA | _BOTH
            kept.append(line.rstrip())
        elif line.rstrip() == "a=bundle-only" and bundle_only:
            bundle_only[-1] = True
        elif line.startswith("a=") and _keep(line.rstrip(), shapes, counts):
            kept.append(line.rstrip())
    if not 1 <= len(headings) <= MAX_MEDIA:
        raise ProtocolError(f"an offer has 1 to {MAX_MEDIA} m-lines")
    return headings, bundle_only, "\r\n".join(kept) + "\r\n"


def _simulcast(text: str) -> list[tuple[str, ...]]:
    """For each m-section the rids that it would send of one source (RFC 8853 §5.1), in the order of its a=simulcast:
    of alternatives the first, whether it begins paused or not. A rid needs an a=rid of its own (RFC 8851 §4)."""
    found: list[tuple[str, ...]] = []
    for section in re.split(r"(?:\r\n|\n|\r)m=", text)[1:]:
        lines = [line.rstrip() for line in re.split(r"\r\n|\n|\r", section)]
        found.append(_rids(lines))
    return found


def _rids(lines: list[str]) -> tuple[str, ...]:
    simulcast = [line for line in lines if line.startswith("a=simulcast:")]
    if not simulcast:
        return ()
    declared = [line for line in lines if line.startswith("a=rid:")]
    shapes = [_RID_LINE.fullmatch(line) for line in declared]
    shape = _SIMULCAST.fullmatch(simulcast[0])
    if len(simulcast) > 1 or shape is None or len(declared) > MAX_RIDS or None in shapes:
        raise ProtocolError("a=simulcast or a=rid has a wrong shape, or there are too many")
    sent = {one[1] for one in shapes if one is not None and one[2] == "send"}
    words = simulcast[0].removeprefix("a=simulcast:").split(" ")
    rids: list[str] = []
    for direction, streams in zip(words[::2], words[1::2], strict=True):
        if direction != "send":
            continue
        for stream in streams.split(";"):
            one = _STREAM.fullmatch(stream)
            if one is None or one[1] not in sent or one[1] in rids:
                raise ProtocolError("a=simulcast names a rid that is no a=rid, or twice")
            rids.append(one[1])
    return tuple(rids)


def _keep(line: str, shapes: dict[str, re.Pattern[str]], counts: dict[str, int]) -> bool:
    name = line[2:].split(":", 1)[0]
    shape = shapes.get(name)
    if shape is None:
        return False
    if not shape.fullmatch(line):
        if name in _REQUIRED and not (name == "group" and not line.startswith("a=group:BUNDLE")):
            raise ProtocolError(f"a={name} has a wrong shape")
        return False
    counts[name] = counts.get(name, 0) + 1
    if name == "ssrc":
        return counts[name] <= MAX_SSRCS
    if counts[name] > MAX_PER_ATTRIBUTE:
        raise ProtocolError(f"too many a={name}")
    return True


def _bundled(session: SessionDescription, mids: list[str]) -> set[str]:
    groups = [group for group in session.group if group.semantic == "BUNDLE"]
    if not groups and len(mids) == 1:
        return set(mids)
    if len(groups) != 1:
        raise ProtocolError("the offer needs one BUNDLE group (RFC 8843)")
    return {str(item) for item in groups[0].items}


def _line(media: MediaDescription, heading: str, used: bool, rids: tuple[str, ...]) -> Line:
    kind = Kind.AUDIO if media.kind == "audio" else Kind.VIDEO
    if media.kind not in ("audio", "video") or not used:
        return Line(
            mid=media.rtp.muxId, kind=kind, direction=Direction.INACTIVE, codecs={}, rejected=True, heading=heading
        )
    offered = set(media.fmt)
    formats = [
        Format(codec.payloadType, _encoding(codec.mimeType, codec.clockRate, codec.channels), _texts(codec.parameters))
        for codec in media.rtp.codecs
        if codec.payloadType is not None and codec.payloadType in offered
    ]
    codecs, h264_profile = choose(kind, formats)
    feedback = {
        codec.payloadType: tuple(
            dict.fromkeys(f"{one.type} {one.parameter}" if one.parameter else one.type for one in codec.rtcpFeedback)
        )
        for codec in media.rtp.codecs
        if codec.payloadType is not None and codec.payloadType in codecs.values()
    }
    return Line(
        mid=media.rtp.muxId,
        kind=kind,
        direction=Direction(media.direction or "sendrecv"),
        codecs=codecs,
        extensions={one.uri: one.id for one in media.rtp.headerExtensions if 1 <= one.id <= 255},
        feedback=feedback,
        ssrcs=_ssrcs(media),
        rejected=not codecs,
        h264_profile=h264_profile,
        heading=heading,
        rids=rids,
    )


def _encoding(mime_type: str, clock_rate: int, channels: int | None) -> str:
    name = mime_type.split("/", 1)[1].lower()
    return f"{name}/{clock_rate}" + (f"/{channels}" if channels is not None and channels > 1 else "")


def _texts(parameters: dict[str, int | str | None]) -> dict[str, str]:
    return {key.strip().lower(): "" if value is None else str(value).strip() for key, value in parameters.items()}


def _ssrcs(media: MediaDescription) -> tuple[int, ...]:
    repairs = {
        group.items[1] for group in media.ssrc_group if group.semantic in _REPAIR_GROUPS and len(group.items) > 1
    }
    return tuple(one.ssrc for one in media.ssrc if 0 < one.ssrc < 1 << 32 and one.ssrc not in repairs)


# --- answers --------------------------------------------------------------------------------------------------------

_FEEDBACK = {
    Kind.VIDEO: ("nack", "nack pli", "ccm fir", "goog-remb"),
    Kind.AUDIO: (),
}


def answer_text(answer: Answer, offer: Offer, session: int) -> str:
    """The answer as SDP, line by line in the offer's order. `session` is the number for o= (RFC 8866 §5.2)."""
    host, port = answer.addresses[0] if answer.addresses else ("0.0.0.0", 9)  # noqa: S104 - SDP's word for "unknown"
    connection = f"IN {'IP6' if ':' in host else 'IP4'} {host}"
    text = [
        "v=0",
        f"o=- {session} 1 IN IP4 127.0.0.1",
        "s=-",
        "t=0 0",
        "a=group:BUNDLE " + " ".join(line.mid for line in answer.lines if not line.rejected),
        "a=ice-lite",
        "a=msid-semantic: WMS *",
    ]
    candidates = _candidates(answer)  # in every line: aiortc takes them from the last one of a transport
    for line, offered in zip(answer.lines, offer.lines, strict=True):
        if line.rejected:
            text += _rejected(line, offered)
            continue
        payload_types = " ".join(str(number) for _, number in _ordered(line))
        text.append(f"m={line.kind.value} {port} UDP/TLS/RTP/SAVPF {payload_types}")
        text += [f"c={connection}", f"a=rtcp:{port} {connection}"]
        text += [f"a=ice-ufrag:{answer.ufrag}", f"a=ice-pwd:{answer.pwd}"]
        text += [f"a=fingerprint:{answer.fingerprint.algorithm} {answer.fingerprint.value}"]
        text += [f"a=setup:{answer.setup.value}", f"a=mid:{line.mid}", f"a={line.direction.value}"]
        text += ["a=rtcp-mux", "a=rtcp-rsize"]
        text += _media(line, offered) + candidates
    return "\r\n".join(text) + "\r\n"


def _rejected(line: AnsweredLine, offered: Line) -> list[str]:
    """RFC 8829 §5.3.1: the same media type, protocol and formats, port zero."""
    media, rest = offered.heading.split(" ", 1) if offered.heading else (line.kind.value, "UDP/TLS/RTP/SAVPF 0")
    return [f"m={media} 0 {rest}", "c=IN IP4 0.0.0.0", "a=inactive", f"a=mid:{line.mid}"]


def _ordered(line: AnsweredLine) -> list[tuple[Codec, int]]:
    return [(codec, line.codecs[codec]) for codec in CODECS[line.kind] if codec in line.codecs]


def _media(line: AnsweredLine, offered: Line) -> list[str]:
    text = [f"a=extmap:{number} {uri}" for uri, number in line.extensions.items()]
    if line.slot is not None:
        text.append(f"a=msid:{line.slot} {line.slot}-{line.kind.value}")
    for codec, payload_type in _ordered(line):
        text.append(f"a=rtpmap:{payload_type} {RTPMAP[codec]}")
        parameters = fmtp(codec, offered.h264_profile)
        if parameters:
            text.append(f"a=fmtp:{payload_type} {parameters}")
        text += [f"a=rtcp-fb:{payload_type} {one}" for one in _feedback(line, offered, payload_type)]
    if line.rids:
        text += [f"a=rid:{rid} recv" for rid in line.rids]
        text.append("a=simulcast:recv " + ";".join(line.rids))
    if line.ssrc is not None:
        text.append(f"a=ssrc:{line.ssrc} cname:{line.slot or 'relay'}")
    return text


def _feedback(line: AnsweredLine, offered: Line, payload_type: int) -> list[str]:
    """What was offered and we act on; NACK for audio without having been offered, since browsers do not offer it and
    take it from an answer (without it 11 of 400 audio packets at 3 % loss were concealed)."""
    offer = offered.feedback.get(payload_type, ())
    wanted = _FEEDBACK[line.kind] + (("transport-cc",) if TRANSPORT_WIDE_CC in line.extensions else ())
    kept = [one for one in wanted if one in offer]
    return ["nack", *kept] if line.kind is Kind.AUDIO else kept


def _candidates(answer: Answer) -> list[str]:
    """Host candidates, best first (RFC 8445 §5.1.2.1: type preference 126, local preference falling)."""
    text = []
    for place, (host, port) in enumerate(answer.addresses):
        priority = (126 << 24) | ((65_535 - place) << 8) | 255
        text.append(f"a=candidate:{place + 1} 1 udp {priority} {host} {port} typ host")
    return [*text, "a=end-of-candidates"]
