"""What the relay says about viewers: receiving and stalled, by reports that nobody can invent."""

from __future__ import annotations

from itertools import pairwise

import pytest

from signaling import wire
from signaling.control import ViewerReceiving, ViewerStalled
from signaling.relay.clock import signed
from signaling.session.offer import Kind
from signaling.wire import ReportBlock
from tests.sim.simulated_evening import Evening


def test_receiving_begins_and_ends_with_valid_reports() -> None:
    evening = Evening(loss=0.02)
    evening.publish("p")
    evening.watch("a")
    evening.time.run(5)
    assert len(evening.told(ViewerReceiving, "a")) == 1
    evening.connections["a"].blocked = True
    cut = evening.time.now
    evening.time.run(8)
    stalled = evening.told(ViewerStalled, "a")
    assert len(stalled) == 1
    assert cut - 1.2 < stalled[0].last <= cut + 0.02
    evening.connections["a"].blocked = False
    evening.time.run(4)
    assert len(evening.told(ViewerReceiving, "a")) == 2


def test_a_silent_publisher_stalls_its_viewers() -> None:
    evening = Evening()
    evening.publish("p")
    evening.watch("a")
    evening.time.run(4)
    evening.connections["p"].blocked = True
    evening.time.run(9)
    assert len(evening.told(ViewerStalled, "a")) == 1


def test_invented_reports_count_for_nothing() -> None:
    evening = Evening()
    evening.publish("p")
    viewer = evening.watch("a")
    viewer.reporting = False
    evening.time.run(3)
    received = viewer.of("lecturer", Kind.VIDEO)
    ssrc = next(ssrc for ssrc, place in viewer.slots.items() if place == ("lecturer", Kind.VIDEO))
    assert received.report is not None
    lsr = received.report[0]

    def report(highest: int, lsr: int) -> None:
        viewer.send_rtcp(wire.pack_receiver_report(1, [ReportBlock(ssrc, 0, 0, highest, 0, lsr, 0)]))
        evening.time.run(0.1)

    report(received.highest, 0)
    report(received.highest, lsr ^ 1)
    report(received.highest + 5_000, lsr)
    report(received.first - 500, lsr)
    assert evening.told(ViewerReceiving) == []
    report(received.highest, lsr)
    assert len(evening.told(ViewerReceiving)) == 1


def test_sender_reports_place_both_media_on_one_clock() -> None:
    evening = Evening()
    evening.publish("p")
    viewer = evening.watch("a")
    evening.time.run(6)
    times = {}
    for kind, rate in ((Kind.AUDIO, 48_000), (Kind.VIDEO, 90_000)):
        received = viewer.of("lecturer", kind)
        at, report = received.reports[-1]
        newest = received.packets[received.highest]
        # When the newest packet was captured, on the relay's clock.
        captured = report.ntp / 2**32 - signed(report.timestamp - newest.timestamp) / rate
        times[kind] = captured - received.times[-1]
        assert at > evening.time.now - 1.2
    assert times[Kind.AUDIO] == pytest.approx(times[Kind.VIDEO], abs=0.005)


def test_reports_come_at_once_and_then_every_second() -> None:
    evening = Evening()
    evening.publish("p")
    viewer = evening.watch("a")
    evening.time.run(6)
    received = viewer.of("lecturer", Kind.VIDEO)
    times = [at for at, _ in received.reports]
    assert times[0] - received.times[0] < 0.1
    assert 5 <= len(times) <= 9


def test_rembs_come_early_and_often() -> None:
    evening = Evening()
    publisher = evening.publish("p")
    evening.time.run(1)
    assert publisher.rembs[0] == pytest.approx(2_500_000, rel=0.01)
    assert len(publisher.rembs) >= 2


def test_key_frames_are_asked_once_for_many() -> None:
    evening = Evening()
    publisher = evening.publish("p")
    evening.time.run(2)
    publisher.plis.clear()
    for number in range(30):
        evening.watch(f"v{number}")
        evening.time.run(0.05)
    evening.time.run(1)
    assert 2 <= len(publisher.plis) <= 5
    pauses = [after - before for before, after in pairwise(publisher.plis)]
    assert min(pauses) > 0.45
