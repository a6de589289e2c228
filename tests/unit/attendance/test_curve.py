"""The curve of those who were there, of the lecture of a hundred seconds that exports are tested with."""

from __future__ import annotations

import msgspec

from attendance.curve import POINTS, curve
from attendance.extent import Outage
from attendance.interval import Span
from attendance.report import Report
from tests.unit.attendance.conftest import START, MakeReport, S


def shown(report: Report) -> tuple[dict[int, int | None], dict[int, int | None]]:
    """Connected and receiving, by second of the lecture."""
    found = curve(report)
    assert found is not None
    at = [(found.start + number * found.step - START) // S for number in range(len(found.connected))]
    return dict(zip(at, found.connected, strict=True)), dict(zip(at, found.receiving, strict=True))


def test_members_are_counted_once_from_second_to_second(make_report: MakeReport) -> None:
    connected, receiving = shown(make_report())
    assert [connected[second] for second in (0, 2, 5, 69, 70, 97, 98)] == [0, 1, 2, 2, 1, 1, 0]
    assert [receiving[second] for second in (3, 4, 39, 46, 97, 98)] == [0, 1, 1, 1, 1, 0]


def test_during_our_outage_nothing_is_said_of_who_received(make_report: MakeReport) -> None:
    connected, receiving = shown(make_report())
    assert [receiving[second] for second in (40, 43)] == [None, None]
    assert connected[43] == 2  # the relay was down; the service saw who was there


def test_where_no_process_was_there_nothing_is_known(make_report: MakeReport) -> None:
    report = make_report()
    held = [Span(report.served[0].start, START + 50 * S), Span(START + 60 * S, report.served[0].end)]
    connected, receiving = shown(msgspec.structs.replace(report, served=held))
    assert (connected[55], receiving[55], connected[60]) == (None, None, 2)
    crashed = msgspec.structs.replace(report, outages=[Outage(START + 20 * S, START + 25 * S, "service")])
    assert [kind[22] for kind in shown(crashed)] == [None, None]


def test_a_branch_has_its_own_curve(make_report: MakeReport) -> None:
    connected, _ = shown(make_report(scope=("洋县",)))
    assert set(connected.values()) == {0}


def test_a_long_evening_stays_readable(make_report: MakeReport) -> None:
    report = make_report()
    long = msgspec.structs.replace(report, ended=START + 5 * 3600 * S, served=[Span(START - S, START + 6 * 3600 * S)])
    found = curve(long)
    assert found is not None
    assert (found.step, len(found.connected) <= POINTS) == (30 * S, True)


def test_there_is_none_before_the_start(make_report: MakeReport) -> None:
    assert curve(msgspec.structs.replace(make_report(), started=None)) is None
