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
from signaling.session.variant import REPAIRED_RID, RID, TRANSPORT_WIDE_CC

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


EXTENSIONS = wire.Extensions({RID: 10, REPAIRED_RID: 11, TRANSPORT_WIDE_CC: 3})


@given(
    st.sampled_from([b"\xbe\xde", b"\x10\x00", b"\x10\x07", b"\x00\x00"]), st.integers(0, 20), st.binary(max_size=80)
)
@settings(max_examples=400, deadline=None)
def test_header_extensions(profile: bytes, words: int, rest: bytes) -> None:
    with contextlib.suppress(ProtocolError):
        rtp = wire.parse_rtp(b"\x90\x60" + bytes(10) + profile + words.to_bytes(2, "big") + rest, EXTENSIONS)
        assert rtp.wide is None or 0 <= rtp.wide < 1 << 16
        assert len(rtp.rid or "") < 256


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
            st.sampled_from([None, None, "q", "f", "other"]),
        ),
        max_size=60,
    ),
    st.sampled_from([(), ("q", "h", "f")]),
)
@settings(max_examples=200, deadline=None)
def test_a_publication_takes_any_sequence_of_packets(
    packets: list[tuple[int, int, int, int, bytes, float, str | None]], rids: tuple[str, ...]
) -> None:
    publication = Publication("p", "lecture", "member", "lecturer", FORMATS, rids)
    now = 0.0
    seen: set[tuple[Track, int]] = set()
    for payload_type, number, timestamp, ssrc, payload, passed, rid in packets:
        now += passed
        arrival = publication.receive(wire.Rtp(payload_type, 0, number, timestamp, ssrc, payload, rid), now)
        if arrival is not None:
            key = (arrival.track, arrival.number)
            assert key not in seen
            seen.add(key)
            assert arrival.layer == arrival.track.layer < publication.layers
        assert len(publication.tracks) <= 1 + publication.layers
        for track in publication.tracks.values():
            assert len(track.reception.nacks(now)) <= 512
        assert all(block.fraction_lost < 256 for block in publication.blocks(now))
