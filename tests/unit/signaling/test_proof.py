"""Marks: each viewer's own, each period's own, and written where players look for them."""

from __future__ import annotations

import pytest
from aiortc.rtp import RtpPacket

from signaling.proof import ECHOED_WITHIN, PERIODS, Marks, key_of, mark_of, period_at, proved_by
from signaling.wire import pack_rtp


def test_a_mark_is_of_one_lecture_one_viewer_and_one_period() -> None:
    key = key_of(b"secret", "lecture")
    known = mark_of(key, "peer", 7)
    assert 0 < known < 2**32
    assert known == mark_of(key_of(b"secret", "lecture"), "peer", 7)
    others = {
        mark_of(key_of(b"secret", "another"), "peer", 7),
        mark_of(key_of(b"other", "lecture"), "peer", 7),
        mark_of(key, "another", 7),
        mark_of(key, "peer", 8),
    }
    assert len(others | {known}) == 5


@pytest.mark.parametrize(("moment", "period"), [(0.0, 0), (9.99, 0), (10.0, 1), (123.4, 12)])
def test_periods_last_ten_seconds(moment: float, period: int) -> None:
    assert period_at(moment) == period


def test_a_mark_proves_its_period_while_it_is_young() -> None:
    key = key_of(b"secret", "lecture")
    mark = mark_of(key, "peer", 7)
    assert [proved_by(key, "peer", [mark], now) for now in (70.0, 79.9, 99.9)] == [[7], [7], [7]]
    assert proved_by(key, "peer", [mark], 10.0 * (7 + ECHOED_WITHIN + 1)) == []
    several = [mark_of(key, "peer", period) for period in (8, 5, 7, 6, 7)]
    assert proved_by(key, "peer", several, 85.0) == [6, 7, 8]


def test_what_was_not_sent_to_a_viewer_proves_nothing() -> None:
    key = key_of(b"secret", "lecture")
    assert proved_by(key, "peer", [mark_of(key, "another", 7), mark_of(key, "peer", 8), 0, 2**70], 75.0) == []
    assert proved_by(key_of(b"secret", "tomorrow"), "peer", [mark_of(key, "peer", 7)], 75.0) == []


def test_a_viewers_copy_bears_its_mark_and_its_number() -> None:
    marks = Marks()
    marks.put(12, 0xDEADBEEF)
    own = marks.own(pack_rtp(96, 1, 65_530, 90, 7, b"payload", 12), 10)
    assert own is not None
    packet = RtpPacket.parse(own)
    assert (packet.sequence_number, packet.csrc, packet.payload) == (4, [0xDEADBEEF], b"payload")
    assert (packet.payload_type, packet.marker, packet.timestamp, packet.ssrc) == (96, 1, 90, 7)


def test_without_the_mark_of_its_period_there_is_no_copy() -> None:
    """Another mark for the same packet would be another plaintext under the same number."""
    marks = Marks()
    packet = pack_rtp(96, 0, 1, 90, 7, b"payload", 12)
    assert marks.own(packet, 0) is None
    marks.put(12, 1)
    assert marks.own(packet, 0) is not None
    marks.put(12 + PERIODS, 2)
    assert marks.own(packet, 0) is None
    assert marks.own(packet[:15], 0) is None
