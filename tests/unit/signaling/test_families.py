from __future__ import annotations

from signaling.relay.actions import Action, Forward
from signaling.relay.families import Families, write
from signaling.relay.ring import Kept
from signaling.relay.subscription import Subscription
from signaling.session.offer import Codec
from signaling.wire import pack_rtp, parse_rtp

CHROMIUM, FIREFOX = {Codec.VP8: 96, Codec.H264: 108}, {Codec.VP8: 120}


def member(viewer: int, payload_types: dict[Codec, int], first: int = 5_000) -> Subscription:
    one = Subscription(f"p{viewer}", f"m{viewer}", False, viewer, payload_types)
    one.enter(0, first)
    return one


def kept(number: int, codec: Codec = Codec.VP8) -> Kept:
    return Kept(number, pack_rtp(0, 1, number, 90_000, 77, b"picture"), codec)


def sent(actions: list[Action]) -> list[tuple[int, list[int]]]:
    """(payload type, viewers) of each packet."""
    return [
        (parse_rtp(packet).payload_type, sorted(action.audience.indexes))
        for action in actions
        if isinstance(action, Forward)
        for packet in action.packets
    ]


def test_viewers_with_the_same_payload_types_share_a_packet() -> None:
    families = Families(audio=False)
    for one in (member(1, CHROMIUM), member(2, FIREFOX), member(3, dict(reversed(CHROMIUM.items())))):
        families.join(one)
    assert len(families) == 3
    assert sent(families.forward(kept(5_000))) == [(96, [1, 3]), (120, [2])]


def test_a_family_ends_with_its_last_viewer() -> None:
    families = Families(audio=False)
    one, two = member(1, CHROMIUM), member(2, FIREFOX)
    families.join(one)
    families.join(two)
    families.leave(two)
    assert sent(families.forward(kept(5_000))) == [(96, [1])]
    families.leave(one)
    assert len(families) == 0
    assert families.forward(kept(5_001)) == []


def test_each_viewer_keeps_its_offset() -> None:
    families = Families(audio=True)
    again = member(2, CHROMIUM)
    again.leave(5_010)
    again.enter(0, 6_000)
    for one in (member(1, CHROMIUM), again):
        families.join(one)
    (forward,) = families.forward(kept(6_000))
    assert isinstance(forward, Forward)
    assert forward.audio
    offsets = dict(zip(forward.audience.indexes, forward.audience.offsets, strict=True))
    assert offsets == {1: 0, 2: (5_010 - 6_000) & 0xFFFF}


def test_a_late_packet_is_not_sent_to_a_family_with_somebody_newer() -> None:
    families = Families(audio=False)
    families.join(member(1, CHROMIUM, first=5_000))
    families.join(member(2, FIREFOX, first=5_004))
    assert sent(families.forward(kept(5_003))) == [(96, [1])]
    assert sent(families.forward(kept(5_004))) == [(96, [1]), (120, [2])]


def test_a_packet_is_written_with_the_marker_and_the_payload_type() -> None:
    packet = write(kept(5_000), 120)
    rtp = parse_rtp(packet)
    assert (rtp.payload_type, rtp.marker, rtp.number, rtp.payload) == (120, 1, 5_000, b"picture")
    assert write(kept(5_000), 120) == packet
