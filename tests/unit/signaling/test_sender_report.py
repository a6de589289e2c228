"""signaling.relay.report: what we report to viewers, and what their reports prove."""

from __future__ import annotations

from signaling.control import Audience
from signaling.relay.limits import Limits
from signaling.relay.notices import Notices
from signaling.relay.publication import Arrival, Track
from signaling.relay.report import STALLED, STALLED_AUDIO, Evidence, ntp, pack_reports, sender_report
from signaling.relay.stream import Feed, Stream
from signaling.session.offer import Codec, Kind
from signaling.wire import ReportBlock, SenderReport, parse_rtcp

SSRC = 77


def block(lsr: int, highest: int = 0) -> ReportBlock:
    return ReportBlock(SSRC, 0, 0, highest, 0, lsr, 0)


def middle(timestamp: int) -> int:
    return (timestamp >> 16) & 0xFFFFFFFF


def test_ntp_counts_from_1900() -> None:
    assert ntp(0.5, 0.0) == (2_208_988_800 << 32) + (1 << 31)


def test_the_report_says_what_the_timestamp_is_now() -> None:
    stream = Stream("guest", Kind.AUDIO, SSRC, 5_000, 1_000, Limits(), Notices())
    assert sender_report(stream, 1.0, 0.0) is None
    stream.route(Feed("pub", "m", Audience.EVERYONE), 0.0)
    track = Track(Kind.AUDIO, 1)
    track.clock.arrived(500, 1.0)
    stream.receive("pub", Arrival(track, Codec.OPUS, 10, 0, 500, b"sound", True, None), 1.0, False, keep=False)
    report = sender_report(stream, 2.0, 0.0)
    assert report == SenderReport(SSRC, ntp(2.0, 0.0), 1_000 + 48_000, 1, 5)
    assert parse_rtcp(pack_reports([report], {SSRC: "guest"}))[0] == report


def test_a_report_counts_when_it_answers_ours_and_advances() -> None:
    evidence, ours = Evidence(), ntp(1.0, 0.0)
    evidence.sent(ours)
    assert not evidence.counts(block(0), 10, 1.1)
    assert not evidence.counts(block(middle(ours) + 1), 10, 1.1)
    assert not evidence.counts(block(middle(ours)), None, 1.1)
    assert not evidence.receiving
    assert evidence.counts(block(middle(ours)), 10, 1.2)
    assert not evidence.counts(block(middle(ours)), 10, 1.9)
    assert evidence.last == 1.2
    assert not evidence.counts(block(middle(ours)), 11, 2.0)  # it goes on, it does not begin
    assert evidence.last == 2.0


def test_reception_ends_for_want_of_reports_and_begins_again() -> None:
    evidence, ours = Evidence(), ntp(1.0, 0.0)
    evidence.sent(ours)
    evidence.counts(block(middle(ours)), 10, 1.0)
    assert not evidence.stalls(1.0 + STALLED - 0.1, video=True)
    assert not evidence.stalls(1.0 + STALLED_AUDIO - 0.1, video=False)
    assert evidence.stalls(1.0 + STALLED, video=True)
    assert not evidence.stalls(20.0, video=True)
    assert evidence.counts(block(middle(ours)), 11, 21.0)


def test_only_the_last_reports_are_remembered() -> None:
    evidence = Evidence()
    for second in range(100):
        evidence.sent(ntp(float(second), 0.0))
    assert not evidence.counts(block(middle(ntp(50.0, 0.0))), 10, 100.0)
    assert evidence.counts(block(middle(ntp(98.0, 0.0))), 10, 100.0)
