"""The relay's answer to an `Offer`, as plain data; writing it as SDP text is the web process's work."""

from __future__ import annotations

import msgspec

from signaling.session.offer import Codec, Direction, Fingerprint, Kind, Setup


class AnsweredLine(msgspec.Struct, frozen=True):
    """One m-line of the answer, in the offer's order.

    `slot` and `ssrc` are set on lines that carry media to a viewer; both codecs stay in `codecs`, at the offer's own
    payload types, so that a slot may change codec at a key frame without another offer. `rids` are the encodings that
    are received of a publisher's line, layer 0 first; empty without simulcast.
    """

    mid: str
    kind: Kind
    direction: Direction
    codecs: dict[Codec, int] = {}
    extensions: dict[str, int] = {}
    slot: str | None = None
    ssrc: int | None = None
    rejected: bool = False
    rids: tuple[str, ...] = ()


class Answer(msgspec.Struct, frozen=True):
    """ICE-lite answer with one UDP port. `addresses` are (host, port) candidates, best first."""

    ufrag: str
    pwd: str
    fingerprint: Fingerprint
    setup: Setup
    addresses: tuple[tuple[str, int], ...]
    lines: tuple[AnsweredLine, ...]
