"""The stream of the benchmarks: its rate, and that each packet is what it says."""

from __future__ import annotations

import itertools

import pytest

from benchmarks.viewers.media import (
    AUDIO,
    KEY_EVERY,
    KEY_PACKETS,
    PACKETS_A_GROUP,
    STEPS,
    VIDEO_EVERY,
    Label,
    Stream,
    frame,
    frame_packets,
    read_label,
    sound,
)
from benchmarks.viewers.verifying import payload_start
from signaling.relay.keyframe import FINDERS
from signaling.session.offer import Codec
from signaling.wire import parse_rtp

CODECS = [Codec.VP8, Codec.H264]


def test_a_group_of_pictures_is_114_packets_a_second_over_four_seconds() -> None:
    sizes = [frame_packets(place) for place in range(KEY_EVERY)]

    assert sizes[0] == KEY_PACKETS
    assert set(sizes[1:]) == {3, 4}
    assert sum(sizes) == PACKETS_A_GROUP
    assert sum(sizes) / (KEY_EVERY * VIDEO_EVERY) == pytest.approx(114, abs=0.1)


@pytest.mark.parametrize("codec", CODECS)
def test_the_relay_finds_the_key_frames_and_no_others(codec: Codec) -> None:
    stream, finder = Stream(1, codec), FINDERS[codec]()
    found = []
    number = 0
    for index in range(2 * KEY_EVERY + 3):
        for packet in frame(index, number, index % KEY_EVERY):
            rtp = parse_rtp(stream.rtp(packet, 96, 7, 123))
            assert rtp.timestamp == index * STEPS[1]
            assert len(rtp.payload) == 1_088
            look = finder.look(rtp.timestamp, rtp.payload)
            assert not look.b_slice
            assert look.parameters is None
            if look.starts:
                found.append((index, packet.place))
            number += 1

    assert found == [(0, 0), (KEY_EVERY, 0), (2 * KEY_EVERY, 0)]


@pytest.mark.parametrize("codec", CODECS)
def test_a_payload_can_be_made_again_from_its_own_label(codec: Codec) -> None:
    sender, checker = Stream(5, codec), Stream(5, codec)
    packets = [*frame(3, 70_000, 0), *frame(4, 70_080, 1), sound(9)]
    for packet in packets:
        rtp = sender.rtp(packet, 96, 7, 1_795_000_000_000_000_000)
        payload = rtp[payload_start(rtp) :]
        label = read_label(payload)
        assert label == Label(
            packet.kind, packet.key, packet.place, packet.index, packet.number, 1_795_000_000_000_000_000
        )
        assert checker.payload(label, packet.marker) == payload
        assert Stream(6, codec).payload(label, packet.marker) != payload


def test_every_packet_is_different() -> None:
    stream = Stream(1, Codec.VP8)
    payloads = [stream.rtp(packet, 96, 7, 1)[12:] for packet in itertools.chain(frame(0, 0, 0), frame(1, 80, 1))]

    assert len(set(payloads)) == len(payloads)


def test_other_payloads_have_no_label() -> None:
    assert read_label(b"") is None
    assert read_label(bytes(200)) is None
    assert Stream(1, Codec.VP8).rtp(sound(1), 111, 7, 1)[1] == 111
    assert sound(4).kind == AUDIO
