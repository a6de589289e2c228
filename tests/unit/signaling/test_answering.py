from __future__ import annotations

import msgspec
import pytest

from signaling.errors import Refusal, Refused
from signaling.relay.answering import ROLES, answer_publication, answer_viewer
from signaling.session.offer import Codec, Direction, Fingerprint, Kind, Line, Offer, Setup
from signaling.session.variant import MID, REPAIRED_RID, RID, TRANSPORT_WIDE_CC

VIDEO = {Codec.VP8: 96, Codec.H264: 108}


def line(mid: str, kind: Kind, direction: Direction, codecs: dict[Codec, int] | None = None) -> Line:
    if codecs is None:
        codecs = VIDEO if kind is Kind.VIDEO else {Codec.OPUS: 111}
    return Line(mid, kind, direction, codecs, rejected=not codecs)


def offer(*lines: Line) -> Offer:
    return Offer("ufrag", "password", (Fingerprint("sha-256", "AA"),), Setup.ACTPASS, lines)


def ssrcs(*slots: str) -> dict[tuple[str, Kind], int]:
    return {(slot, kind): 10 * place + (kind is Kind.VIDEO) for place, slot in enumerate(slots, 1) for kind in Kind}


def test_a_publication_is_answered_at_its_own_numbers_h264_first() -> None:
    lines = answer_publication(
        offer(line("0", Kind.AUDIO, Direction.SENDONLY), line("1", Kind.VIDEO, Direction.SENDRECV))
    )
    assert [one.direction for one in lines] == [Direction.RECVONLY, Direction.RECVONLY]
    assert list(lines[1].codecs.items()) == [(Codec.H264, 108), (Codec.VP8, 96)]
    assert all(one.slot is None and one.ssrc is None for one in lines)


def test_second_lines_and_lines_that_send_nothing_are_inactive() -> None:
    lines = answer_publication(
        offer(
            line("0", Kind.VIDEO, Direction.RECVONLY),
            line("1", Kind.VIDEO, Direction.SENDONLY),
            line("2", Kind.VIDEO, Direction.SENDONLY),
            line("3", Kind.VIDEO, Direction.SENDONLY, {}),
        )
    )
    assert [one.direction for one in lines] == [
        Direction.INACTIVE,
        Direction.RECVONLY,
        Direction.INACTIVE,
        Direction.INACTIVE,
    ]
    assert [one.rejected for one in lines] == [False, False, False, True]


def test_viewer_lines_are_matched_by_kind() -> None:
    slots = ("lecturer", "screen")
    lines = answer_viewer(
        offer(
            line("v0", Kind.VIDEO, Direction.RECVONLY),
            line("v1", Kind.VIDEO, Direction.RECVONLY),
            line("a0", Kind.AUDIO, Direction.RECVONLY),
            line("a1", Kind.AUDIO, Direction.RECVONLY),
            line("a2", Kind.AUDIO, Direction.RECVONLY),
        ),
        slots,
        ssrcs(*slots),
    )
    assert [(one.mid, one.slot, one.ssrc) for one in lines] == [
        ("v0", "lecturer", 11),
        ("v1", "screen", 21),
        ("a0", "lecturer", 10),
        ("a1", "screen", 20),
        ("a2", None, None),
    ]
    assert lines[-1].direction is Direction.INACTIVE


def test_one_of_each_gets_the_lecturer() -> None:
    lines = answer_viewer(
        offer(line("0", Kind.AUDIO, Direction.RECVONLY), line("1", Kind.VIDEO, Direction.SENDRECV)),
        ("lecturer", "screen"),
        ssrcs("lecturer", "screen"),
    )
    assert [one.slot for one in lines] == ["lecturer", "lecturer"]
    assert [one.direction for one in lines] == [Direction.SENDONLY, Direction.SENDONLY]


@pytest.mark.parametrize("direction", [Direction.SENDONLY, Direction.RECVONLY])
def test_no_codec_of_ours(direction: Direction) -> None:
    empty = offer(line("0", Kind.VIDEO, direction, {}))
    with pytest.raises(Refused) as publication:
        answer_publication(empty)
    with pytest.raises(Refused) as viewer:
        answer_viewer(empty, ("lecturer",), ssrcs("lecturer"))
    assert publication.value.reason is viewer.value.reason is Refusal.NO_CODEC


def test_roles_follow_the_offer() -> None:
    assert ROLES == {
        Setup.ACTPASS: Setup.PASSIVE,
        Setup.ACTIVE: Setup.PASSIVE,
        Setup.PASSIVE: Setup.ACTIVE,
    }


def test_a_publisher_is_answered_its_layers_and_the_extensions_that_are_read() -> None:
    ids = {MID: 4, RID: 10, REPAIRED_RID: 11, TRANSPORT_WIDE_CC: 3, "urn:3gpp:video-orientation": 13}
    video = msgspec.structs.replace(
        line("1", Kind.VIDEO, Direction.SENDONLY), extensions=ids, rids=("q", "h", "f", "more")
    )
    sound = msgspec.structs.replace(line("0", Kind.AUDIO, Direction.SENDONLY), extensions={MID: 4}, rids=("q", "h"))
    lines = answer_publication(offer(sound, video))
    assert (lines[0].extensions, lines[0].rids) == ({MID: 4}, ())
    assert lines[1].rids == ("q", "h", "f")
    assert lines[1].extensions == {MID: 4, RID: 10, REPAIRED_RID: 11, TRANSPORT_WIDE_CC: 3}


@pytest.mark.parametrize(("ids", "rids"), [({MID: 4}, ("q", "h")), ({RID: 15}, ("q", "h")), ({RID: 10}, ("q",))])
def test_layers_that_cannot_be_told_apart_are_one(ids: dict[str, int], rids: tuple[str, ...]) -> None:
    one = msgspec.structs.replace(line("0", Kind.VIDEO, Direction.SENDONLY), extensions=ids, rids=rids)
    assert answer_publication(offer(one))[0].rids == ()


def test_a_viewer_is_answered_no_extension_and_no_layer() -> None:
    one = msgspec.structs.replace(
        line("0", Kind.VIDEO, Direction.SENDRECV), extensions={MID: 4, RID: 10}, rids=("q", "h")
    )
    answered = answer_viewer(offer(one), ("lecturer",), ssrcs("lecturer"))[0]
    assert (answered.extensions, answered.rids) == ({}, ())
