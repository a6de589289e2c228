"""RTP and the payloads in it: a packet, or `ProtocolError`, and nothing else."""

from __future__ import annotations

import contextlib

from hypothesis import given, settings
from hypothesis import strategies as st

from signaling import wire
from signaling.errors import ProtocolError
from signaling.relay.keyframe import FINDERS, h264_slice_type, h264_units
from signaling.relay.publication import Publication, Track
from signaling.session.offer import Codec, Kind

FORMATS = {111: (Kind.AUDIO, Codec.OPUS), 96: (Kind.VIDEO, Codec.VP8), 108: (Kind.VIDEO, Codec.H264)}


@given(st.binary(max_size=300))
@settings(max_examples=400, deadline=None)
def test_any_bytes(data: bytes) -> None:
    with contextlib.suppress(ProtocolError):
        rtp = wire.parse_rtp(data)
        assert 0 <= rtp.payload_type < 128
        assert len(rtp.payload) <= len(data) - 12


@given(st.integers(0, 255), st.integers(0, 255), st.binary(max_size=120))
@settings(max_examples=400, deadline=None)
def test_headers(first: int, second: int, rest: bytes) -> None:
    with contextlib.suppress(ProtocolError):
        wire.parse_rtp(bytes([first & 0x3F | 0x80, second]) + rest)


@given(st.sampled_from(list(Codec)), st.lists(st.tuples(st.integers(0, 3), st.binary(max_size=60)), max_size=8))
@settings(max_examples=400, deadline=None)
def test_payloads(codec: Codec, payloads: list[tuple[int, bytes]]) -> None:
    finder = FINDERS[codec]()
    for timestamp, payload in payloads:
        look = finder.look(timestamp, payload)
        assert look.parameters is None or look.starts
        for _, unit, _ in h264_units(payload):
            h264_slice_type(unit)


@given(
    st.lists(
        st.tuples(
            st.sampled_from([111, 96, 108, 5]),
            st.integers(0, 65535),
            st.integers(0, 2**32 - 1),
            st.sampled_from([1, 2]),
            st.binary(max_size=30),
            st.floats(0, 1),
        ),
        max_size=60,
    )
)
@settings(max_examples=200, deadline=None)
def test_a_publication_takes_any_sequence_of_packets(
    packets: list[tuple[int, int, int, int, bytes, float]],
) -> None:
    publication = Publication("p", "lecture", "member", "lecturer", FORMATS)
    now = 0.0
    seen: set[tuple[Track, int]] = set()
    for payload_type, number, timestamp, ssrc, payload, passed in packets:
        now += passed
        arrival = publication.receive(wire.Rtp(payload_type, 0, number, timestamp, ssrc, payload), now)
        if arrival is not None:
            key = (arrival.track, arrival.number)
            assert key not in seen
            seen.add(key)
        for track in publication.tracks.values():
            assert len(track.reception.nacks(now)) <= 512
        assert all(block.fraction_lost < 256 for block in publication.blocks(now))
