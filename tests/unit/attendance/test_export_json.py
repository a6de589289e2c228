from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from attendance.audit import Broken
from attendance.io.export_json import write
from tests.unit.attendance.conftest import MakeReport


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
    assert document["silent"] == [{"from": "2025-11-24T20:00:44.000+08:00", "to": "2025-11-24T20:00:45.000+08:00"}]
    assert document["exported_scope"] == ""
    head = document["head"]
    assert (head["row"], head["hash"], head["broken"]) == (15, bytes(range(32)).hex(), None)
    assert len(bytes.fromhex(head["signature"])) == 64


def test_a_member_is_what_the_protocol_says(make_report: MakeReport) -> None:
    member = members(json.loads(write(make_report())))["m1"]
    sessions = member.pop("sessions")
    assert member == {
        "id": "m1",
        "name": "张伟",
        "branch": "镇巴县 / 泾洋街道党支部",
        "role": "member",
        "phone": "138****0001",
        "first_join": "2025-11-24T20:00:03.250+08:00",
        "last_leave": "2025-11-24T20:01:37.999+08:00",
        "connected_seconds": 96.0,
        "receiving_seconds": 88.749,
        "credited_seconds": 89.749,
        "denominator_seconds": 95.0,
        "share": 0.9447,
        "visible_seconds": 0.0,
        "on_stage_seconds": 0.0,
        "bridged": [{"from": "2025-11-24T20:00:45.000+08:00", "to": "2025-11-24T20:00:46.000+08:00"}],
        "failed": [],
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


def test_not_measured_is_null_and_absent_is_zero(make_report: MakeReport) -> None:
    found = members(json.loads(write(make_report())))
    assert [found["m2"][key] for key in ("receiving_seconds", "credited_seconds", "share")] == [None] * 3
    assert found["m2"]["connected_seconds"] == 65.0
    assert found["m2"]["failed"] == [{"at": "2025-11-24T20:00:09.000+08:00", "cause": "no-udp", "detail": "=1+1"}]
    assert [found["m3"][key] for key in ("receiving_seconds", "credited_seconds", "share")] == [0, 0, 0]
    assert found["m3"]["first_join"] is None


def test_a_broken_ledger_is_said(make_report: MakeReport) -> None:
    broken = msgspec.structs.replace(make_report(), broken=Broken(3, "the row was changed"), head=None)
    head = json.loads(write(broken))["head"]
    assert head["broken"] == {"row": 3, "reason": "the row was changed"}
    assert (head["at"], head["signature"]) == (None, None)


@pytest.mark.parametrize("order", range(5))
def test_the_same_report_gives_the_same_bytes(make_report: MakeReport, order: int) -> None:
    assert write(make_report(shuffled=order)) == write(make_report())
