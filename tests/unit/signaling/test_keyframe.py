from __future__ import annotations

import pytest

from signaling.relay.keyframe import H264Finder, OpusFinder, Vp8Finder, h264_slice_type, h264_units, vp8_starts

SPS, PPS = bytes.fromhex("6742e01fda014016ec04"), bytes.fromhex("68ce3c80")
AGGREGATE = b"\x78" + b"".join(len(unit).to_bytes(2, "big") + unit for unit in (SPS, PPS))
IDR = b"\x65\xb8" + bytes(20)
IDR_START, IDR_MIDDLE = b"\x7c\x85\xb8" + bytes(20), b"\x7c\x05" + bytes(20)
P_SLICE, B_SLICE = b"\x61\xe0" + bytes(20), b"\x01\xa8" + bytes(20)


@pytest.mark.parametrize(
    ("payload", "starts"),
    [
        ("1000", True),
        ("1001", False),
        ("0000", False),  # not the start of a partition
        ("1100", False),  # the second partition
        ("90800a00", True),  # picture id of 7 bits
        ("9080840a00", True),  # of 15 bits
        ("90c0840a1200", True),  # and TL0PICIDX
        ("90f0840a123400", True),  # and TID/KEYIDX
        ("90c0840a1201", False),
        ("9080840a", False),  # cut short
        ("10", False),
        ("", False),
    ],
)
def test_vp8(payload: str, starts: bool) -> None:
    assert vp8_starts(bytes.fromhex(payload)) is starts
    assert Vp8Finder().look(0, bytes.fromhex(payload)).starts is starts


def test_opus_may_begin_anywhere() -> None:
    assert OpusFinder().look(0, b"x").starts
    assert not OpusFinder().look(0, b"").starts


def test_h264_begins_once_for_a_timestamp() -> None:
    finder = H264Finder()
    looks = [finder.look(9000, payload) for payload in (AGGREGATE, IDR_START, IDR_MIDDLE, IDR_MIDDLE)]
    assert [look.starts for look in looks] == [True, False, False, False]
    assert all(look.parameters is None for look in looks)
    assert not finder.look(12_000, P_SLICE).starts


@pytest.mark.parametrize("idr", [IDR, IDR_START])
def test_h264_parameters_are_given_to_a_key_frame_that_lacks_them(idr: bytes) -> None:
    finder = H264Finder()
    finder.look(0, SPS)
    finder.look(0, PPS)
    finder.look(0, IDR)
    look = finder.look(3000, idr)
    assert look.starts
    assert look.parameters is not None
    assert h264_units(look.parameters) == [(7, SPS, True), (8, PPS, True)]
    assert look.parameters[0] == 0x78


def test_h264_without_known_parameters_begins_nothing() -> None:
    finder = H264Finder()
    assert not finder.look(0, IDR_START).starts
    assert finder.look(0, AGGREGATE).starts  # it was overtaken
    assert finder.look(3000, IDR_START).parameters is not None


def test_h264_intra_refresh_begins_at_its_parameters() -> None:
    finder = H264Finder()
    assert finder.look(0, AGGREGATE).starts
    assert not finder.look(0, P_SLICE).starts


def test_h264_units_of_broken_aggregates() -> None:
    assert h264_units(b"\x78\x00\x00\x67") == []
    assert h264_units(b"\x78\x00\xff\x67") == []
    assert h264_units(b"\x7c\x85") == []
    assert h264_units(b"\x7d\x85\x00\x00") == []
    assert h264_units(b"") == []


def test_b_slices() -> None:
    assert h264_slice_type(P_SLICE) == 0
    assert h264_slice_type(B_SLICE) == 1
    assert h264_slice_type(b"\x61\x00\x00") is None
    assert h264_slice_type(b"\x61") is None
    assert not H264Finder().look(0, P_SLICE).b_slice
    assert H264Finder().look(0, B_SLICE).b_slice
