"""RTCP: a list of feedback, or `ProtocolError`, and nothing else."""

from __future__ import annotations

import contextlib

from hypothesis import given, settings
from hypothesis import strategies as st

from signaling import wire
from signaling.errors import ProtocolError
from signaling.wire import Nack, ReportBlock, SenderReport

SAMPLES = [
    wire.pack_sender_report(SenderReport(1, 2, 3, 4, 5)) + wire.pack_names([(1, "slot")]),
    wire.pack_receiver_report(1, [ReportBlock(2, 3, 4, 5, 6, 7, 8)]) + wire.pack_remb(1, 2_500_000, [2]),
    wire.pack_nack(1, 2, [65534, 65535, 0, 20]),
    wire.pack_pli(1, 2),
]


def read(data: bytes) -> None:
    with contextlib.suppress(ProtocolError):
        for feedback in wire.parse_rtcp(data):
            if isinstance(feedback, Nack):
                assert all(0 <= number < 65536 for number in feedback.numbers)


@given(st.binary(max_size=300))
@settings(max_examples=400, deadline=None)
def test_any_bytes(data: bytes) -> None:
    read(data)


@given(
    st.lists(
        st.tuples(
            st.integers(0, 63), st.sampled_from([192, 200, 201, 202, 203, 204, 205, 206, 207]), st.binary(max_size=60)
        ),
        max_size=6,
    )
)
@settings(max_examples=500, deadline=None)
def test_packets_of_every_type(packets: list[tuple[int, int, bytes]]) -> None:
    read(
        b"".join(
            bytes([0x80 | count, kind]) + ((len(body) + 3) // 4).to_bytes(2, "big") + body + bytes(-len(body) % 4)
            for count, kind, body in packets
        )
    )


BYE = b"\x80\xcb\x00\x00"
WORD = st.integers(0, 0xFFFF_FFFF)


@given(
    st.lists(
        st.builds(ReportBlock, WORD, st.integers(0, 255), st.integers(-0x80_0000, 0x7F_FFFF), WORD, WORD, WORD, WORD),
        max_size=31,
    ),
    st.sampled_from([b"", *SAMPLES]),
    st.lists(st.tuples(st.integers(0, 11), st.integers(0, 255)), max_size=2),
    st.integers(0, 5),
)
@settings(max_examples=500, deadline=None)
def test_a_report_at_the_beginning_is_read_as_the_codec_reads_it(
    blocks: list[ReportBlock], after: bytes, changes: list[tuple[int, int]], cut: int
) -> None:
    """Behind another packet it is the codec that reads it."""
    data = bytearray(wire.pack_receiver_report(1, blocks) + after)
    for place, value in changes:
        data[place % len(data)] = value
    report = bytes(data[: len(data) - cut])

    def parsed(data: bytes) -> list[wire.Feedback] | None:
        try:
            return wire.parse_rtcp(data)
        except ProtocolError:
            return None

    expected = parsed(BYE + report)
    assert parsed(report) == (None if expected is None else expected[1:])


@given(st.sampled_from(SAMPLES), st.lists(st.tuples(st.integers(0, 200), st.integers(0, 255)), max_size=4))
@settings(max_examples=400, deadline=None)
def test_changed_packets(sample: bytes, changes: list[tuple[int, int]]) -> None:
    data = bytearray(sample)
    for place, value in changes:
        data[place % len(data)] = value
    read(bytes(data))


@given(st.sets(st.integers(0, 700), min_size=1, max_size=60), st.integers(0, 65535))
@settings(max_examples=200, deadline=None)
def test_a_nack_says_the_numbers_that_were_put_in(steps: set[int], first: int) -> None:
    numbers = [(first + step) & 0xFFFF for step in sorted(steps)]
    found = [
        number
        for nack in wire.parse_rtcp(wire.pack_nack(1, 2, numbers))
        if isinstance(nack, Nack)
        for number in nack.numbers
    ]
    assert found == numbers
