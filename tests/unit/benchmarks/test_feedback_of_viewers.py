"""When a benchmark viewer asks for what is missing, and how it says so."""

from __future__ import annotations

import itertools

import pytest

from benchmarks.viewers import feedback as f
from signaling.wire import KeyFrameAsked, Nack, ReceiverReports, SenderReport, pack_sender_report, parse_rtcp


def always(number: int) -> bool:
    return True


def test_asks_at_once_then_every_round_trip_ten_times_then_gives_up() -> None:
    missing = f.Missing()
    missing.add([5, 6], now=1.0)
    asked = []
    for step in range(200):
        now = 1.0 + step * 0.01
        numbers, given_up = missing.due(now, 0.1, always)
        if numbers or given_up:
            asked.append((round(now, 2), numbers, given_up))

    assert asked[0] == (1.0, [5, 6], 0)
    assert len(asked) == f.TRIES + 1
    pauses = [later[0] - earlier[0] for earlier, later in itertools.pairwise(asked)]
    assert pauses == pytest.approx([0.1] * f.TRIES, abs=0.011)
    assert asked[-1][1:] == ([], 2)
    assert len(missing) == 0
    assert missing.given_up == 2


def test_what_came_is_not_asked_for_again() -> None:
    missing = f.Missing()
    missing.add([5, 6], now=0.0)
    missing.due(0.0, 0.1, always)

    assert missing.due(1.0, 0.1, lambda number: number == 6) == ([6], 0)
    assert len(missing) == 1


def test_a_round_trip_of_nothing_still_leaves_a_pause() -> None:
    missing = f.Missing()
    missing.add([5], now=0.0)
    missing.due(0.0, 0.0, always)

    assert missing.due(f.LEAST_PAUSE / 2, 0.0, always) == ([], 0)
    assert missing.due(f.LEAST_PAUSE, 0.0, always) == ([5], 0)


def test_too_much_missing_asks_for_nothing() -> None:
    missing = f.Missing()

    assert missing.add(range(f.MOST_MISSING), now=0.0)
    assert not missing.add([f.MOST_MISSING], now=0.0)
    assert len(missing) == 0


def test_nacks_are_read_as_written_across_the_wrap() -> None:
    numbers = [65_530, 65_535, 65_536, 65_551, 65_552, 65_600]

    (read,) = parse_rtcp(f.pack_nack(77, numbers))
    assert isinstance(read, Nack)
    assert read.ssrc == 77
    assert [number & 0xFFFF for number in numbers] == list(read.numbers)


def test_reports_are_read_as_written() -> None:
    blocks = [f.pack_block(9, 12, 345, 70_000, 17, 0xABCDEF, 65_536), f.pack_block(10, 0, -3, 1, 0, 0, 0)]

    (read,) = parse_rtcp(f.pack_report(blocks))
    assert isinstance(read, ReceiverReports)
    first, second = read.blocks
    assert (first.ssrc, first.fraction_lost, first.lost, first.highest) == (9, 12, 345, 70_000)
    assert (first.jitter, first.lsr, first.dlsr) == (17, 0xABCDEF, 65_536)
    assert second.lost == -3


def test_a_key_frame_request_is_read_as_written() -> None:
    assert parse_rtcp(f.pack_key_frame_request(5)) == [KeyFrameAsked(5)]


def test_the_share_lost_of_an_interval() -> None:
    assert f.fraction_lost(100, 75) == 64
    assert f.fraction_lost(100, 100) == f.fraction_lost(0, 0) == f.fraction_lost(10, 12) == 0
    assert f.fraction_lost(10, 0) == 255


def test_sender_reports_in_a_compound_packet() -> None:
    compound = b"".join(pack_sender_report(SenderReport(ssrc, 0x1122334455667788, 1, 2, 3)) for ssrc in (0xFFFFFFFF, 4))

    assert f.read_sender_reports(compound) == [(0xFFFFFFFF, 0x33445566), (4, 0x33445566)]
    assert f.read_sender_reports(b"\x80\xc8") == []
