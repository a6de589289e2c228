from __future__ import annotations

from signaling.relay.publication import STILL, Flow, Publication, formats_of
from signaling.session.answer import AnsweredLine
from signaling.session.offer import Codec, Direction, Kind
from signaling.wire import Rtp, SenderReport

KEY, DELTA = b"\x10\x00", b"\x10\x01"


def publication() -> Publication:
    lines = (
        AnsweredLine("0", Kind.AUDIO, Direction.RECVONLY, {Codec.OPUS: 111}),
        AnsweredLine("1", Kind.VIDEO, Direction.RECVONLY, {Codec.H264: 108, Codec.VP8: 96}),
        AnsweredLine("2", Kind.VIDEO, Direction.INACTIVE, {Codec.VP8: 97}),
    )
    return Publication("p", "lecture", "member", "lecturer", formats_of(lines))


def video(number: int, payload: bytes = DELTA, ssrc: int = 2, timestamp: int = 0, payload_type: int = 96) -> Rtp:
    return Rtp(payload_type, 0, number, timestamp, ssrc, payload)


def test_only_answered_payload_types_are_taken() -> None:
    one = publication()
    assert one.receive(video(1, payload_type=97), 0.0) is None
    assert one.receive(video(1, payload_type=98), 0.0) is None
    assert one.tracks == {}
    arrival = one.receive(video(1, KEY), 0.0)
    assert arrival is not None
    assert arrival.starts
    assert arrival.codec is Codec.VP8
    assert one.kinds == {Kind.AUDIO, Kind.VIDEO}


def test_each_packet_arrives_once() -> None:
    one = publication()
    assert one.receive(video(1), 0.0) is not None
    assert one.receive(video(1), 0.0) is None


def test_a_second_ssrc_replaces_the_first_only_when_that_is_quiet() -> None:
    one = publication()
    one.receive(video(1), 0.0)
    first = one.tracks[Kind.VIDEO, 0]
    assert one.receive(video(1, ssrc=3), 0.1) is None
    assert one.tracks[Kind.VIDEO, 0] is first
    assert one.receive(video(1, ssrc=3), 1.0) is not None
    assert one.tracks[Kind.VIDEO, 0].ssrc == 3


def test_flow_follows_what_arrives() -> None:
    one = publication()
    assert one.observe(0.0) == STILL
    one.receive(Rtp(111, 0, 1, 0, 1, b"x"), 0.0)
    assert one.observe(0.1) == Flow(True, None)
    one.receive(video(1), 1.0)
    assert one.observe(1.0) == Flow(True, Codec.VP8)
    assert one.observe(2.5) == Flow(False, Codec.VP8)
    assert one.observe(3.5) == STILL


def test_b_frames_are_seen_by_their_timestamps() -> None:
    one = publication()
    for number, timestamp in enumerate((0, 9000, 3000)):
        one.receive(video(number, b"\x61\xe0" + bytes(9), timestamp=timestamp, payload_type=108), 0.0)
    assert one.tracks[Kind.VIDEO, 0].b_frames


def test_reordering_is_no_b_frame() -> None:
    one = publication()
    for number, timestamp in ((0, 0), (2, 6000), (1, 3000), (3, 9000)):
        one.receive(video(number, b"\x61\xe0" + bytes(9), timestamp=timestamp, payload_type=108), 0.0)
    assert not one.tracks[Kind.VIDEO, 0].b_frames


def test_sender_reports_reach_their_track() -> None:
    one = publication()
    one.receive(video(1), 10.0)
    one.reported(SenderReport(2, 5 << 32, 90_000, 0, 0), 11.0)
    one.reported(SenderReport(99, 5 << 32, 0, 0, 0), 11.0)
    assert one.tracks[Kind.VIDEO, 0].clock.time(90_000) == 11.0
    assert [block.lsr for block in one.blocks(12.0)] == [5 << 16]


# --- layers ---------------------------------------------------------------------------------------------------------


def layered() -> Publication:
    one = publication()
    one.rids = ("q", "h", "f")
    return one


def named(rid: str | None, number: int, payload: bytes = DELTA, ssrc: int = 2, repaired: str | None = None) -> Rtp:
    return Rtp(96, 0, number, 0, ssrc, payload, rid, repaired)


def test_the_first_packets_bind_an_ssrc_to_its_layer() -> None:
    one = layered()
    assert one.receive(named(None, 1, ssrc=30), 0.0) is None
    for layer, rid in enumerate(("q", "h", "f")):
        arrival = one.receive(named(rid, 1, KEY, ssrc=20 + layer), 0.0)
        assert arrival is not None
        assert (arrival.layer, arrival.track.layer, arrival.track.ssrc) == (layer, layer, 20 + layer)
    for layer in range(3):
        arrival = one.receive(named(None, 2, ssrc=20 + layer), 0.1)
        assert arrival is not None
        assert arrival.layer == layer
    assert one.layers == 3
    assert [track.ssrc for track in one.videos] == [20, 21, 22]
    assert len(one.blocks(1.0)) == 3


def test_each_layer_has_numbers_and_a_clock_of_its_own() -> None:
    one = layered()
    one.receive(named("q", 1, ssrc=20), 0.0)
    one.receive(named("f", 500, ssrc=22), 0.0)
    one.receive(named(None, 503, ssrc=22), 0.1)
    low, high = one.videos
    assert low.reception.nacks(0.1) == []
    assert high.reception.nacks(0.1) == [501, 502]
    one.reported(SenderReport(22, 5 << 32, 90_000, 0, 0), 11.0)
    assert high.clock.time(90_000) == 11.0
    assert low.clock.time(0) == 0.0


def test_strange_rids_and_repairs_are_nobodys() -> None:
    one = layered()
    assert one.receive(named("x", 1), 0.0) is None
    assert one.receive(named(None, 1, repaired="q"), 0.0) is None
    assert one.receive(named("q", 1, repaired="q"), 0.0) is None
    assert one.tracks == {}
    assert publication().receive(named("x", 1), 0.0) is not None  # who has no layers may name what it likes


def test_a_layer_may_get_another_ssrc_only_when_it_is_quiet_and_none_of_another_layer() -> None:
    one = layered()
    one.receive(named("q", 1, ssrc=20), 0.0)
    one.receive(named("h", 1, ssrc=21), 0.0)
    assert one.receive(named("q", 1, ssrc=25), 0.1) is None
    assert one.receive(named("q", 1, ssrc=25), 1.0) is not None
    stolen = one.receive(named("q", 2, ssrc=21), 5.0)
    assert stolen is not None
    assert stolen.layer == 1
    assert [track.ssrc for track in one.videos] == [25, 21]


def test_any_layer_keeps_the_flow() -> None:
    one = layered()
    one.receive(named("q", 1, ssrc=20), 0.0)
    one.receive(named("h", 1, ssrc=21), 0.0)
    one.receive(named(None, 2, ssrc=20), 3.0)
    assert one.observe(3.0) == Flow(False, Codec.VP8)
    assert [one.off(track) for track in one.videos] == [False, True]
    assert one.observe(5.5) == STILL


def test_every_numbered_packet_is_told_of_even_one_of_no_use() -> None:
    one = layered()
    one.receive(Rtp(97, 0, 1, 0, 9, b"x", wide=7), 1.0)
    one.receive(named("q", 1)._replace(wide=8), 1.0)
    assert len(one.transport.take(1, 1.2)) == 1
