from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from attendance.audit import Broken
from attendance.io.export_json import write
from attendance.report import Report
from attendance.seal import read_seal, seal_of
from tests.unit.attendance.conftest import MakeReport, gather


def members(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {member["id"]: member for member in document["members"]}


def test_the_document_is_what_the_protocol_says(make_report: MakeReport) -> None:
    document = json.loads(write(make_report()))
    assert document["lecture"] == {
        "id": "party",
        "title": "=第一课",
        "state": "ended",
        "started": "2025-11-24T20:00:00.000+08:00",
        "ended": "2025-11-24T20:01:40.000+08:00",
    }
    assert document["outages"] == [
        {"from": "2025-11-24T20:00:40.000+08:00", "to": "2025-11-24T20:00:44.000+08:00", "cause": "relay"}
    ]
    assert document["counted"] == [
        {"from": "2025-11-24T20:00:00.000+08:00", "to": "2025-11-24T20:00:40.000+08:00"},
        {"from": "2025-11-24T20:00:45.000+08:00", "to": "2025-11-24T20:01:40.000+08:00"},
    ]
    assert document["silent"] == [{"from": "2025-11-24T20:00:44.000+08:00", "to": "2025-11-24T20:00:45.000+08:00"}]
    assert document["testimonials"] == [
        {
            "member": "m1",
            "from": "2025-11-24T20:01:00.000+08:00",
            "to": "2025-11-24T20:01:28.000+08:00",
            "called_by": "王院长",
            "reconnects": 1,
        }
    ]
    assert json.loads(write(make_report(("洋县",))))["testimonials"] == []
    assert document["exported_scope"] == ""
    head = document["head"]
    assert (head["row"], head["hash"], head["broken"]) == (22, bytes(range(32)).hex(), None)
    assert len(bytes.fromhex(head["signature"])) == 64
    assert read_seal(document["seal"]) == seal_of(make_report(), "zh")


MEASURES = ("receiving_seconds", "proved_seconds", "reported_seconds", "credited_seconds", "share")


def test_a_member_is_what_the_protocol_says(make_report: MakeReport) -> None:
    member = members(json.loads(write(make_report())))["m1"]
    sessions = member.pop("sessions")
    assert member == {
        "id": "m1",
        "name": "张伟",
        "branch": "镇巴县 / 泾洋街道党支部",
        "role": "member",
        "phone": "138****0001",
        "city": None,
        "verdict": "present",
        "measured_verdict": "present",
        "correction": None,
        "unmet": [],
        "leave": None,
        "explanation": (
            "收看 1 分 29 秒（应到 1 分 35 秒，94.4%，要求 90%）；我方故障 20:00:40–20:00:44 已扣除；签到 1/2"
        ),
        "first_join": "2025-11-24T20:00:03.250+08:00",
        "last_leave": "2025-11-24T20:01:37.999+08:00",
        "connected_seconds": 96.0,
        "receiving_seconds": 88.749,
        "proved_seconds": None,
        "reported_seconds": 88.749,
        "individual_seconds": 88.749,
        "collective_seconds": 0.0,
        "credited_seconds": 89.749,
        "credited_proved_seconds": None,
        "denominator_seconds": 95.0,
        "share": 0.9447,
        "visible_seconds": 0.0,
        "on_stage_seconds": 0.0,
        "bridged": [{"from": "2025-11-24T20:00:45.000+08:00", "to": "2025-11-24T20:00:46.000+08:00"}],
        "sign_ins": [
            {
                "id": "r1",
                "at": "2025-11-24T20:00:30.000+08:00",
                "until": "2025-11-24T20:01:00.000+08:00",
                "answered": "2025-11-24T20:00:33.000+08:00",
            },
            {
                "id": "r2",
                "at": "2025-11-24T20:00:50.000+08:00",
                "until": "2025-11-24T20:01:20.000+08:00",
                "answered": None,
            },
        ],
        "failed": [],
        "by_code": False,
    }
    assert sessions[1] == {
        "kind": "receiving",
        "evidence": "reported",
        "from": "2025-11-24T20:00:03.250+08:00",
        "to": "2025-11-24T20:00:40.000+08:00",
        "opened_by": "reported",
        "closed_by": "outage-relay",
        "uncertainty_seconds": 3.0,
        "open": False,
    }


def test_the_rule_is_told_with_its_versions(make_report: MakeReport) -> None:
    rule = json.loads(write(make_report(), "en"))["rule"]
    assert (rule["version"], rule["frozen"]) == (2, 1)
    first, second = rule["versions"]
    assert (first["at"], first["by"], first["rule"]["share"]) == (None, None, 80)
    assert (second["at"], second["by"], second["why"]) == ("2025-11-24T21:00:00.000+08:00", "李主任", "=按市里要求")
    rule = {"evidence": "reported", "share": 90, "sign_ins": 3, "answered": 2, "entry": None, "collective": True}
    assert second["rule"] == rule
    assert second["sentence"].startswith("Received 90 % of the counted time")


def test_not_measured_is_null_and_absent_is_zero(make_report: MakeReport) -> None:
    found = members(json.loads(write(make_report())))
    assert [found["m2"][key] for key in MEASURES] == [None] * len(MEASURES)
    assert found["m2"]["connected_seconds"] == 65.0
    assert found["m2"]["failed"] == [{"at": "2025-11-24T20:00:09.000+08:00", "cause": "no-udp", "detail": "=1+1"}]
    assert [found["m3"][key] for key in MEASURES] == [0] * len(MEASURES)
    assert found["m3"]["first_join"] is None
    assert (found["m3"]["verdict"], found["m3"]["leave"]) == ("excused", "illness")


def test_a_broken_ledger_is_said(make_report: MakeReport) -> None:
    broken = msgspec.structs.replace(make_report(), broken=Broken(3, "the row was changed"), head=None)
    head = json.loads(write(broken))["head"]
    assert head["broken"] == {"row": 3, "reason": "the row was changed"}
    assert (head["at"], head["signature"]) == (None, None)


@pytest.mark.parametrize("order", range(5))
def test_the_same_report_gives_the_same_bytes(make_report: MakeReport, order: int) -> None:
    assert write(make_report(shuffled=order)) == write(make_report())


def test_sites_are_told_with_who_attests_each_stay(gathered: Report) -> None:
    (told,) = json.loads(write(gathered))["sites"]
    assert (told["place"], told["host_name"], told["screen_seconds"]) == ("党员活动室", "张伟", 89.0)
    assert told["heads"] == {"count": 7, "at": "2025-11-24T20:00:30.000+08:00", "by": "张伟"}
    assert told["stays"] == [
        {
            "member": "m2",
            "from": "2025-11-24T20:00:20.000+08:00",
            "to": "2025-11-24T20:01:00.000+08:00",
            "how": "qr",
            "by": "=HYPERLINK(1)",
            "closed_by": "site-closed",
            "ended_by": "张伟",
        }
    ]
    member = members(json.loads(write(gathered)))["m2"]
    assert (member["collective_seconds"], member["individual_seconds"]) == (40.0, 0.0)


def test_another_branch_sees_no_site_and_one_that_was_deleted_is_an_id() -> None:
    assert json.loads(write(gather(scope=("洋县",))))["sites"] == []
    (unknown,) = json.loads(write(gather(sites=())))["sites"]
    assert (unknown["id"], unknown["place"], len(unknown["stays"])) == ("hall", "", 1)
