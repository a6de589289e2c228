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
