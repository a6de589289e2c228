"""Sums of a report, and what the console is told of it."""

from __future__ import annotations

import json

import msgspec

from attendance.io import overview_json
from attendance.overview import by_branch, by_city
from attendance.report import Report
from attendance.verdict import Verdict
from tests.unit.attendance.conftest import MakeReport


def housed(report: Report, *cities: str | None) -> Report:
    lines = [
        msgspec.structs.replace(
            line,
            invitation=msgspec.structs.replace(
                line.invitation, member=msgspec.structs.replace(line.invitation.member, city=city)
            ),
        )
        for line, city in zip(report.lines, cities, strict=True)
    ]
    return msgspec.structs.replace(report, lines=lines)


def test_every_member_has_one_verdict(make_report: MakeReport) -> None:
    found = by_branch(make_report())
    assert list(found) == [(), ("洋县",), ("镇巴县",), ("镇巴县", "@观音镇"), ("镇巴县", "泾洋街道党支部")]
    for tally in found.values():
        assert sum(tally.verdicts.values()) == tally.invited
    assert found["洋县",].verdicts[Verdict.EXCUSED] == 1
    assert found["镇巴县",].invited == 2
    assert found["镇巴县", "@观音镇"].share is None  # connected, and no evidence ever came


def test_cities_are_one_however_they_are_written(make_report: MakeReport) -> None:
    report = housed(make_report(), None, "西安市", "陕西省西安市", None)
    assert [(city, tally.invited) for city, tally in by_city(report).items()] == [("西安", 2), (None, 1)]


def test_the_overview_holds_members_and_no_intervals(make_report: MakeReport) -> None:
    body = json.loads(overview_json.overview(make_report(), "zh"))
    assert [one["verdict"] for one in body["members"]] == ["excused", "not-measured", "present"]
    unmeasured = body["members"][1]
    assert (unmeasured["share"], unmeasured["credited_seconds"]) == (None, None)
    assert unmeasured["explanation"].startswith("未测得")
    assert "sessions" not in unmeasured
    assert body["branches"][0]["branch"] == ""
    assert body["branches"][0]["verdicts"]["excused"] == 1
    assert body["rule"]["sentence"].startswith("收看不少于应收看时长的 90%")
    assert body["outages"][0]["cause"] == "relay"


def test_an_evening_names_what_opened_and_closed_each_interval(make_report: MakeReport) -> None:
    body = json.loads(overview_json.evening(make_report(), "m1", "zh") or b"")
    received = [one for one in body["sessions"] if one["kind"] == "receiving"]
    assert [(one["opened_by"], one["closed_by"]) for one in received] == [
        ("接收报告", "转发故障"),
        ("接收报告", "正常离开"),
    ]
    assert all(one["uncertainty_seconds"] > 0 for one in received)
    assert [one["answered"] is not None for one in body["sign_ins"]] == [True, False]
    other = json.loads(overview_json.evening(make_report(), "m2", "en") or b"")
    assert [one["cause"] for one in other["failures"]] == ["no-udp"]


def test_nobody_of_another_branch_has_an_evening(make_report: MakeReport) -> None:
    assert overview_json.evening(make_report(scope=("洋县",)), "m1", "zh") is None


def test_the_curve_is_null_before_the_start(make_report: MakeReport) -> None:
    assert json.loads(overview_json.curves(make_report()))["curve"]["step_seconds"] == 1
    unbegun = msgspec.structs.replace(make_report(), started=None)
    assert json.loads(overview_json.curves(unbegun))["curve"] is None
