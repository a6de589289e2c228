"""The year over REST and from the command line's office: kept outcomes, scopes, the table of hours, the workbook."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from python_calamine import CalamineWorkbook

from attendance.facts import (
    Corrected,
    CorrectionWithdrawn,
    Evidence,
    ExcuseWithdrawn,
    Leave,
    LectureMoved,
    LectureState,
    MemberExcused,
    NodeStarted,
    ReceivingBegan,
    ReceivingStopped,
    SlotFlowing,
    Verdict,
)
from attendance.hours import DEFAULT
from attendance.io.year_sqlalchemy import decode
from classroom.errors import UserError
from classroom.io import years_attendance
from tests.unit.classroom.place import OURS, Place, open_place, problem

S = 1_000_000
HOUR = 3_600 * S
YEAR = "/api/attendance/year"
FALLING = [{"minutes": 60, "hours": 2}, {"minutes": 90, "hours": 1}]
TABLE: dict[str, Any] = msgspec.to_builtins(DEFAULT)


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    async with open_place(tmp_path) as made:
        yield made


async def member(place: Place, name: str) -> str:
    (found,) = [one.id for one in await place.stores.roster.people() if one.name == name]
    return found


async def hold(place: Place, lecture: str, hours: float = 2) -> None:
    """An evening of so many hours that 张伟 saw from beginning to end, and nobody else."""
    start, zhang = place.clock.time, await member(place, "张伟")
    end = start + round(hours * HOUR)
    record = place.stores.recorder.record
    for at, body in (
        (start, NodeStarted()),
        (start, LectureMoved(LectureState.LIVE, "button")),
        (start, SlotFlowing("lecturer", "dean")),
        (start, ReceivingBegan(zhang, f"w{lecture}", Evidence.REPORTED, start)),
        (end, ReceivingStopped(zhang, f"w{lecture}", end, "closed")),
        (end, LectureMoved(LectureState.ENDED, "button")),
    ):
        await record(lecture, body, at)
    await place.stores.lectures.set_state(lecture, LectureState.ENDED)
    place.clock.time = end + HOUR


async def year(place: Place, query: str = "") -> dict[str, Any]:
    response = await place.client.get(f"{YEAR}?year=2027{query}")
    assert response.status == 200, await response.text()
    found: dict[str, Any] = await response.json()
    return found


async def test_a_year_sums_lectures_that_are_over_the_worst_member_first(place: Place) -> None:
    await place.sign_in("operator")
    await hold(place, place.lecture)
    other = await place.office.create_lecture("第二课", None, None)
    await place.stores.roster.invite_all(other.id)
    await hold(place, other.id, 3)
    await place.office.create_lecture("还没开始", None, None)
    found = await year(place)
    assert (found["pending"], found["year"], found["version"]) == (0, 2027, 1)
    assert [(one["title"], one["minutes"], one["hours"]) for one in found["lectures"]] == [
        ("晚间课堂", 120, 2.0),
        ("第二课", 180, 4.0),
    ]
    assert all(len(one["hash"]) == 64 and one["signature"] and one["broken"] is None for one in found["lectures"])
    told = [(one["name"], one["hours"], one["invited"], one["present"], one["absent"]) for one in found["members"]]
    assert told == [("王芳", 0.0, 2, 0, 2), ("李娜", 0.0, 2, 0, 2), ("张伟", 6.0, 2, 2, 0)]
    assert [one["branch"] for one in found["branches"]][:2] == ["", "西乡县"]
    assert (await year(place, "&scope=西乡县"))["branches"][0]["members"] == 1
    assert (await (await place.client.get(f"{YEAR}?year=2026")).json())["lectures"] == []
    assert (await (await place.client.get(YEAR)).json())["year"] == 2027


async def test_a_member_s_lectures_with_their_verdicts(place: Place) -> None:
    await place.sign_in("operator")
    await hold(place, place.lecture)
    one = f"{YEAR}/members/{await member(place, '张伟')}?year=2027"
    found = await (await place.client.get(one)).json()
    assert (found["member"]["name"], found["member"]["hours"], found["member"]["target"]) == ("张伟", 2.0, 32.0)
    (lecture,) = found["lectures"]
    assert (lecture["title"], lecture["verdict"], lecture["hours"], lecture["worth"]) == (
        "晚间课堂",
        "present",
        2.0,
        2.0,
    )
    assert (lecture["credited_seconds"], lecture["denominator_seconds"], lecture["by_hand"]) == (7200.0, 7200.0, False)


async def test_an_organizer_sees_their_branch_and_nothing_else(place: Place) -> None:
    await hold(place, place.lecture)
    await place.sign_in("zhenba")
    for scope in ("", "&scope=西乡县", "&scope=镇巴县"):
        assert {one["name"] for one in (await year(place, scope))["members"]} == {"张伟", "李娜"}
    outside = f"{YEAR}/members/{await member(place, '王芳')}?year=2027"
    assert await problem(await place.client.get(outside)) == (404, "no-such-member")
    body = await (await place.client.get(f"{YEAR}.xlsx?year=2027&scope=西乡县")).read()
    book = CalamineWorkbook.from_filelike(io.BytesIO(body))
    text = str([book.get_sheet_by_name(name).to_python() for name in book.sheet_names])
    assert "李娜" in text
    assert "王芳" not in text
    assert "西乡县" not in text
    for path, new in (
        ("/api/attendance/hours", {"version": 1, "table": TABLE, "why": "x"}),
        (f"/api/lectures/{place.lecture}/hours", {"hours": 4}),
    ):
        assert await problem(await place.client.put(path, json=new, headers=OURS)) == (403, "role-may-not")


async def test_a_member_reads_their_own_sum_by_their_link(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    links = {one.name: one.ticket for one in await place.office.links(place.lecture)}
    await hold(place, place.lecture)

    async def own(name: str) -> dict[str, Any]:
        response = await place.client.post("/api/record/year", json={"ticket": links[name]})
        found: dict[str, Any] = await response.json()
        return found

    assert await own("张伟") == {
        "year": 2027, "hours": 2.0, "target": 32.0, "invited": 1, "present": 1, "not_measured": 0, "pending": 0,
    }  # fmt: skip
    assert (await own("李娜"))["hours"] == 0.0
    assert (await own("主讲人"))["type"] == "role-may-not"
    await place.stores.years.set_worth(place.lecture, 4)
    assert (await own("张伟"))["hours"] == 2.0
    monkeypatch.setattr(years_attendance, "FRESH", -1.0)
    assert (await own("张伟"))["hours"] == 4.0


async def test_nobody_sees_anything_who_is_not_signed_in(place: Place) -> None:
    for path in (YEAR, f"{YEAR}.xlsx", f"{YEAR}/members/m1", "/api/attendance/hours"):
        assert await problem(await place.client.get(path)) == (401, "not-signed-in")


async def test_what_is_kept_follows_the_ledger(place: Place) -> None:
    await place.sign_in("operator")
    await hold(place, place.lecture)
    assert (await year(place))["members"][1]["excused"] == 0
    stored = await place.stores.years._store.kept_stamps([place.lecture])
    assert await year(place) == await year(place)
    assert await place.stores.years._store.kept_stamps([place.lecture]) == stored  # nothing was made anew
    li = await member(place, "李娜")
    await place.stores.recorder.record(place.lecture, MemberExcused(li, Leave.ILLNESS, None))
    assert (await year(place))["members"][1]["excused"] == 1
    await place.stores.recorder.record(place.lecture, ExcuseWithdrawn(li, None))
    assert (await year(place))["members"][1]["excused"] == 0


async def test_a_correction_counts_and_is_marked_until_it_is_taken_back(place: Place) -> None:
    await place.sign_in("operator")
    await hold(place, place.lecture)
    li = await member(place, "李娜")
    record = place.stores.recorder.record
    await record(place.lecture, Corrected(li, "r1", Verdict.PRESENT, None, Verdict.ABSENT, 0, "s1"))
    found = (await year(place))["members"][1]
    assert (found["name"], found["hours"], found["present"]) == ("李娜", 2.0, 1)
    one = f"{YEAR}/members/{li}?year=2027"
    (lecture,) = (await (await place.client.get(one)).json())["lectures"]
    assert (lecture["verdict"], lecture["by_hand"], lecture["credited_seconds"]) == ("present", True, 0.0)
    await record(place.lecture, CorrectionWithdrawn(li, Verdict.PRESENT, 0, "s1"))
    assert (await year(place))["members"][1]["hours"] == 0.0


async def test_outcomes_that_somebody_edited_do_not_outlive_a_reckoning_anew(place: Place) -> None:
    await place.sign_in("operator")
    await hold(place, place.lecture)
    store, before = place.stores.years._store, await year(place)
    (kept,) = [decode(body) for body in await store.kept([place.lecture])]
    await store.keep(msgspec.structs.replace(kept, members={}))
    assert (await year(place))["members"][2]["present"] == 0
    assert (await place.client.get(f"{YEAR}.xlsx?year=2027&anew=1")).status == 200
    assert await year(place) == before


async def test_what_takes_too_long_is_said_to_be_pending(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    await place.sign_in("operator")
    await hold(place, place.lecture)
    found, pending = await place.stores.years.year(2027, (), 0.0)
    assert (found.lectures, pending) == ((), 1)
    monkeypatch.setattr(years_attendance, "LONG_PATIENCE", 0.0)
    assert await problem(await place.client.get(f"{YEAR}.xlsx?year=2027")) == (503, "year-pending")
    assert (await year(place))["pending"] == 0
    assert (await place.client.get(f"{YEAR}.xlsx?year=2027")).status == 200


async def test_the_workbook_comes_under_a_name_that_says_what_it_is_and_is_noted(place: Place) -> None:
    await place.sign_in("zhenba")
    await hold(place, place.lecture)
    response = await place.client.get(f"{YEAR}.xlsx?year=2027")
    assert "2027_%E9%95%87%E5%B7%B4%E5%8E%BF_" in response.headers["Content-Disposition"]
    (noted,) = await place.stores.audit.latest()
    assert (noted.action, noted.name, noted.detail) == ("year-exported", "zhenba", "2027")
    with pytest.raises(UserError, match="no-such-branch"):
        await place.office.year(2027, ("没有的支部",))


async def test_another_table_of_hours_holds_at_once_and_keeps_who_and_why(place: Place) -> None:
    await place.sign_in("operator")
    await hold(place, place.lecture)
    assert (await year(place))["members"][2]["hours"] == 2.0
    table = {**TABLE, "hour": 40, "member": 3}
    response = await place.client.put(
        "/api/attendance/hours", json={"version": 1, "table": table, "why": " 按 40 分钟计 "}, headers=OURS
    )
    assert response.status == 200
    found = await response.json()
    assert (found["version"], found["why"], found["table"]["hour"]) == (2, "按 40 分钟计", 40)
    assert [(one["version"], one["by"]) for one in found["versions"]] == [(1, None), (2, "operator")]
    (_, _, zhang) = (await year(place))["members"]
    assert (zhang["hours"], zhang["target"], zhang["progress"]) == (3.0, 3.0, 1.0)
    assert (await place.stores.audit.latest())[0].action == "hours-set"
    body = await (await place.client.get(f"{YEAR}.xlsx?year=2027")).read()
    rows = CalamineWorkbook.from_filelike(io.BytesIO(body)).get_sheet_by_name("学时表与说明").to_python()
    assert any("operator" in row and "按 40 分钟计" in row for row in rows)


@pytest.mark.parametrize(
    ("change", "answer"),
    [
        ({"why": "  "}, (400, "hours-reason")),
        ({"why": "长" * 201}, (400, "hours-reason")),
        ({"version": 7}, (409, "hours-changed")),
        ({"table": {**TABLE, "hour": 1}}, (422, "hours-value")),
        ({"table": {**TABLE, "lengths": FALLING}}, (422, "hours-lengths")),
        ({"table": {**TABLE, "credit": "share", "shares": []}}, (422, "hours-shares")),
        ({"table": {**TABLE, "credit": "luck"}}, (400, "malformed")),
        ({"table": {**TABLE, "extra": 1}}, (400, "malformed")),
    ],
)  # fmt: skip
async def test_a_table_that_does_not_fit_is_refused(
    place: Place, change: dict[str, Any], answer: tuple[int, str]
) -> None:
    await place.sign_in("operator")
    new = {"version": 1, "table": TABLE, "why": "试试", **change}
    assert await problem(await place.client.put("/api/attendance/hours", json=new, headers=OURS)) == answer
    assert (await (await place.client.get("/api/attendance/hours")).json())["version"] == 1


async def test_a_lecture_s_hours_can_be_set_by_hand(place: Place) -> None:
    await place.sign_in("operator")
    await hold(place, place.lecture)
    one = f"/api/lectures/{place.lecture}/hours"
    assert (await place.client.put(one, json={"hours": 3.5}, headers=OURS)).status == 204
    (lecture,) = (found := await year(place))["lectures"]
    assert (lecture["hours"], lecture["by_hand"], found["members"][2]["hours"]) == (3.5, True, 3.5)
    assert (await place.client.put(one, json={"hours": None}, headers=OURS)).status == 204
    assert (await year(place))["lectures"][0]["hours"] == 2.0
    for wrong in (-1, 25, 1.005):
        assert await problem(await place.client.put(one, json={"hours": wrong}, headers=OURS)) == (422, "hours-worth")
    gone = await place.client.put("/api/lectures/gone/hours", json={"hours": 1}, headers=OURS)
    assert await problem(gone) == (404, "no-such-lecture")


@pytest.mark.parametrize("wrong", ["26", "1999", "2200", "abcd", "２０２６", "-201"])
async def test_a_year_that_is_none_is_refused(place: Place, wrong: str) -> None:
    await place.sign_in("operator")
    for path in (YEAR, f"{YEAR}.xlsx"):
        assert await problem(await place.client.get(path, params={"year": wrong})) == (400, "bad-year")
