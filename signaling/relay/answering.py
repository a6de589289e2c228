"""Which of an offer's lines are used, for what, and with which codecs."""

from __future__ import annotations

from signaling.errors import Refusal, Refused
from signaling.session.answer import AnsweredLine
from signaling.session.offer import Codec, Direction, Kind, Line, Offer, Setup
from signaling.session.variant import CODECS, EXTENSIONS, LAYERS, RID

ROLES = {Setup.ACTPASS: Setup.PASSIVE, Setup.ACTIVE: Setup.PASSIVE, Setup.PASSIVE: Setup.ACTIVE}
"""Our DTLS role by the offer's (RFC 8842 §5.3)."""

ONE_BYTE_IDS = range(1, 15)
"""Ids that the short form of header extensions can hold (RFC 8285 §4.2); the long one is not answered."""

_SENDS = (Direction.SENDRECV, Direction.SENDONLY)
_RECEIVES = (Direction.SENDRECV, Direction.RECVONLY)


def answer_publication(offer: Offer) -> tuple[AnsweredLine, ...]:
    """The first audio and the first video line that we understand are received, with the header extensions and the
    layers that we read. Raises `Refused(NO_CODEC)`."""
    lines: list[AnsweredLine] = []
    taken: set[Kind] = set()
    for line in offer.lines:
        codecs = _codecs(line)
        if not codecs:
            lines.append(_rejected(line))
        elif line.direction in _SENDS and line.kind not in taken:
            taken.add(line.kind)
            lines.append(_received(line, codecs))
        else:
            lines.append(AnsweredLine(line.mid, line.kind, Direction.INACTIVE, codecs))
    if not taken:
        raise Refused(Refusal.NO_CODEC)
    return tuple(lines)


def answer_viewer(offer: Offer, slots: tuple[str, ...], ssrcs: dict[tuple[str, Kind], int]) -> tuple[AnsweredLine, ...]:
    """The n-th line of a kind shows the n-th slot; lines beyond the slots are inactive. Raises `Refused(NO_CODEC)`."""
    lines: list[AnsweredLine] = []
    remaining = {kind: iter(slots) for kind in Kind}
    used = False
    for line in offer.lines:
        codecs = _codecs(line)
        if not codecs:
            lines.append(_rejected(line))
            continue
        slot = next(remaining[line.kind], None)
        if slot is None or line.direction not in _RECEIVES:
            lines.append(AnsweredLine(line.mid, line.kind, Direction.INACTIVE, codecs))
            continue
        used = True
        ssrc = ssrcs[slot, line.kind]
        lines.append(AnsweredLine(line.mid, line.kind, Direction.SENDONLY, codecs, slot=slot, ssrc=ssrc))
    if not used:
        raise Refused(Refusal.NO_CODEC)
    return tuple(lines)


def _received(line: Line, codecs: dict[Codec, int]) -> AnsweredLine:
    """Without the extension that carries them, rids say nothing: then the line is answered as one encoding."""
    extensions = {uri: line.extensions[uri] for uri in EXTENSIONS if line.extensions.get(uri) in ONE_BYTE_IDS}
    layered = line.kind is Kind.VIDEO and len(line.rids) > 1 and RID in extensions
    rids = line.rids[:LAYERS] if layered else ()
    return AnsweredLine(line.mid, line.kind, Direction.RECVONLY, codecs, extensions, rids=rids)


def _codecs(line: Line) -> dict[Codec, int]:
    if line.rejected:
        return {}
    return {codec: line.codecs[codec] for codec in CODECS[line.kind] if codec in line.codecs}


def _rejected(line: Line) -> AnsweredLine:
    return AnsweredLine(line.mid, line.kind, Direction.INACTIVE, rejected=True)
