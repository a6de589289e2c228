"""Members' records: seen by themselves and their organizer, objected to, answered, corrected and taken back."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientResponse

from attendance.facts import (
    Body,
    Evidence,
    JoinFailed,
    LectureMoved,
    LectureState,
    NodeStarted,
    ReceivingBegan,
    ReceivingStopped,
    SlotFlowing,
)
from classroom.io.privacy_sqlalchemy import JournalKeeper
from tests.unit.classroom.place import OURS, PASSWORD, Place, open_place, problem

MINUTE = 60_000_000
SCRIPT = "<script>alert(1)</script>"


@pytest.fixture
async def place(tmp_path: Path, database_url: str) -> AsyncIterator[Place]:
    async with open_place(tmp_path, database_url) as made:
        yield made


@pytest.fixture
async def people(place: Place) -> dict[str, Any]:
    return {link.name: link for link in await place.office.links(place.lecture)}


async def tell(place: Place, at: int, body: Body) -> None:
    await place.stores.recorder.record(place.lecture, body, place.clock.time + at * MINUTE)


@pytest.fixture
async def over(place: Place, people: dict[str, Any]) -> dict[str, Any]:
    """Ninety minutes, of which 张伟 saw thirty; 李娜 could not come in."""
    zhang, li = people["张伟"].member, people["李娜"].member
    began = place.clock.time
    for at, body in (
        (-1, NodeStarted()),
        (0, LectureMoved(LectureState.LIVE, "button")),
        (0, SlotFlowing("lecturer", "dean")),
        (0, ReceivingBegan(zhang, "w1", Evidence.PROVED, began)),
        (5, JoinFailed(li, "no-udp", "watch")),
        (30, ReceivingStopped(zhang, "w1", began + 30 * MINUTE, "closed")),
        (90, LectureMoved(LectureState.ENDED, "button")),
    ):
        await tell(place, at, body)
    await place.stores.lectures.set_state(place.lecture, LectureState.ENDED)
    place.clock.time = began + 100 * MINUTE
    return people


async def mine(place: Place, ticket: str) -> ClientResponse:
    return await place.client.post("/api/record", json={"ticket": ticket})


async def objecting(place: Place, ticket: str, text: str = "我全程都在") -> ClientResponse:
    return await place.client.post("/api/record/objection", json={"ticket": ticket, "text": text})


def path(place: Place, *parts: str) -> str:
    return "/".join((f"/api/lectures/{place.lecture}", *parts))


async def correct(place: Place, member: str, **more: Any) -> ClientResponse:
    body = {"verdict": "present", "why": "会场签到表为证", **more}
    return await place.client.put(path(place, "corrections", member), json=body, headers=OURS)


async def lines(place: Place) -> dict[str, dict[str, str]]:
    text = (await (await place.client.get(path(place, "attendance.csv"))).read()).decode("utf-8-sig")
    heading, *rows = csv.reader(io.StringIO(text))
    return {row[1]: dict(zip(heading, row, strict=True)) for row in rows if len(row) == len(heading)}


# --- one's own record ---


async def test_a_member_reads_what_their_verdict_rests_on(place: Place, over: dict[str, Any]) -> None:
    record = await (await mine(place, over["张伟"].ticket)).json()
    assert (record["name"], record["verdict"], record["verdict_text"]) == ("张伟", "left-early", "早退")
    assert record["explanation"].startswith("收看 30 分（应到 90 分，33.3%，要求 80%）")
    assert (record["credited_seconds"], record["denominator_seconds"]) == (1800, 5400)
    (session,) = record["sessions"]
    assert (session["evidence_text"], session["closed_by_text"]) == ("接收证明", "正常离开")
    assert record["rule"].startswith("收看不少于应收看时长的 80%")
    assert (record["decisions"], record["objections"], record["correction"]) == ([], [], None)
    failed = await (await mine(place, over["李娜"].ticket)).json()
    assert failed["failed"][0]["text"] == "所在网络拦住了直播画面"
    english = {"Accept-Language": "en"}
    answer = await place.client.post("/api/record", json={"ticket": over["李娜"].ticket}, headers=english)
    assert (await answer.json())["failed"][0]["text"] == "The network blocked the media"


async def test_who_is_not_counted_or_has_no_good_link_has_no_record(place: Place, over: dict[str, Any]) -> None:
    assert await problem(await mine(place, over["主讲人"].ticket)) == (403, "role-may-not")
    assert (await mine(place, "x" * 40)).status in (401, 403)
    assert await problem(await place.client.post("/api/record", json={})) == (400, "malformed")


async def test_a_link_opens_the_record_thirty_days_and_no_longer(place: Place, over: dict[str, Any]) -> None:
    place.clock.time += 29 * 24 * 60 * MINUTE
    assert (await mine(place, over["张伟"].ticket)).status == 200
    place.clock.time += 2 * 24 * 60 * MINUTE
    assert (await mine(place, over["张伟"].ticket)).status in (401, 403, 410)


# --- objections ---


async def test_an_objection_is_answered_with_a_correction_and_the_member_sees_it(
    place: Place, over: dict[str, Any]
) -> None:
    filed = await (await objecting(place, over["李娜"].ticket, SCRIPT)).json()
    (mine_,) = filed["objections"]
    assert (mine_["text"], mine_["state"], mine_["answer"]) == (SCRIPT, "open", "")
    await place.sign_in("zhenba")
    (found,) = await (await place.client.get(path(place, "objections"))).json()
    assert (found["name"], found["branch"], found["text"]) == ("李娜", "镇巴县 / 永乐镇党支部", SCRIPT)
    answer = path(place, "objections", found["id"], "answer")
    ruling = {"answer": "网络原因，予以认可", "correction": {"verdict": "present", "credited_seconds": 5400}}
    assert (await place.client.post(answer, json=ruling, headers=OURS)).status == 204
    assert await (await place.client.get(path(place, "objections") + "?state=open")).json() == []
    record = await (await mine(place, over["李娜"].ticket)).json()
    (told,) = record["objections"]
    assert (told["state"], told["answer"], told["by"]) == ("answered", "网络原因，予以认可", "zhenba")
    assert (record["verdict"], record["measured_verdict"]) == ("present", "absent")
    assert record["correction"] == {
        "verdict": "present", "credited_seconds": 5400.0, "at": record["correction"]["at"], "by": "zhenba",
        "why": "网络原因，予以认可",
    }  # fmt: skip
    assert (await place.client.post(answer, json={"answer": "再补充一句"}, headers=OURS)).status == 204
    record = await (await mine(place, over["李娜"].ticket)).json()
    assert (record["objections"][0]["answer"], record["verdict"]) == ("再补充一句", "present")


async def test_objections_have_their_limits(place: Place, over: dict[str, Any]) -> None:
    ticket = over["张伟"].ticket
    assert await problem(await objecting(place, ticket, "字" * 501)) == (400, "malformed")
    assert await problem(await objecting(place, ticket, " \n ")) == (422, "bad-objection")
    await place.sign_in("operator")
    for number in range(5):
        assert (await objecting(place, ticket, "字" * 500)).status == 200
        place.clock.time += MINUTE
        if number == 0:
            assert await problem(await objecting(place, ticket)) == (409, "objection-open")
        waiting = await (await place.client.get(path(place, "objections") + "?state=open")).json()
        for one in waiting:
            answered = path(place, "objections", one["id"], "answer")
            assert (await place.client.post(answered, json={"answer": "已核实"}, headers=OURS)).status == 204
        place.clock.time += 2 * MINUTE
    assert await problem(await objecting(place, ticket)) == (429, "objection-enough")
    for _ in range(8):
        refused = await objecting(place, ticket)
    assert await problem(refused) == (429, "too-many-tries")


async def test_nobody_objects_before_there_is_a_record(place: Place, people: dict[str, Any]) -> None:
    assert await problem(await objecting(place, people["张伟"].ticket)) == (409, "objection-early")
    await place.sign_in("operator")
    assert await problem(await correct(place, people["张伟"].member)) == (409, "correction-early")


# --- corrections ---


async def test_a_correction_stands_beside_what_was_measured_and_is_taken_back(
    place: Place, over: dict[str, Any]
) -> None:
    await place.sign_in("zhenba")
    zhang = over["张伟"].member
    record = await (await correct(place, zhang, credited_seconds=5400)).json()
    assert (record["verdict"], record["measured_verdict"], record["credited_seconds"]) == (
        "present",
        "left-early",
        1800,
    )
    line = (await lines(place))["张伟"]
    assert (line["考勤结论"], line["测得结论"], line["更正人"]) == ("出席", "早退", "zhenba")
    assert (line["计入时长（秒）"], line["更正后计入时长（秒）"]) == ("1800.000", "5400.000")
    back = await (await place.client.delete(path(place, "corrections", zhang), headers=OURS)).json()
    assert (back["verdict"], back["correction"]) == ("left-early", None)
    assert [one["what"] for one in back["decisions"]] == ["corrected", "correction-withdrawn"]
    again = await place.client.delete(path(place, "corrections", zhang), headers=OURS)
    assert len((await again.json())["decisions"]) == 2
    trail = [one["action"] for one in await (await place.client.get("/api/audit")).json()]
    assert trail == ["correction-withdrawn", "correction-withdrawn", "attendance-exported", "correction-made"]


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({"verdict": "excused"}, (422, "bad-correction")),
        ({"verdict": "not-measured"}, (422, "bad-correction")),
        ({"credited_seconds": 5401}, (422, "bad-correction")),
        ({"credited_seconds": -1}, (400, "malformed")),
        ({"verdict": "holy"}, (400, "malformed")),
        ({"why": "  "}, (422, "correction-unexplained")),
        ({"why": ""}, (400, "malformed")),
        ({"why": "字" * 501}, (400, "malformed")),
    ],
)
async def test_a_correction_that_cannot_be_is_refused(
    place: Place, over: dict[str, Any], body: dict[str, Any], reason: tuple[int, str]
) -> None:
    await place.sign_in("operator")
    assert await problem(await correct(place, over["张伟"].member, **body)) == reason


async def test_another_branch_s_organizer_is_refused_everywhere(place: Place, over: dict[str, Any]) -> None:
    await objecting(place, over["张伟"].ticket)
    await place.sign_in("zhenba")
    (found,) = await (await place.client.get(path(place, "objections"))).json()
    await place.client.delete("/api/session", headers=OURS)
    await place.office.create_staff("xixiang", PASSWORD, ("西乡县",))
    await place.sign_in("xixiang")
    zhang, nobody = over["张伟"].member, (404, "no-such-member")
    assert await (await place.client.get(path(place, "objections"))).json() == []
    assert await problem(await place.client.get(path(place, "records", zhang))) == nobody
    assert await problem(await correct(place, zhang)) == nobody
    assert await problem(await place.client.delete(path(place, "corrections", zhang), headers=OURS)) == nobody
    leave = path(place, "excuses", zhang)
    assert await problem(await place.client.put(leave, json={"cause": "duty"}, headers=OURS)) == nobody
    answer = path(place, "objections", found["id"], "answer")
    assert await problem(await place.client.post(answer, json={"answer": "x"}, headers=OURS)) == nobody
    missing = path(place, "objections", "nothing", "answer")
    refused = await place.client.post(missing, json={"answer": "x"}, headers=OURS)
    assert await problem(refused) == (404, "no-such-objection")


async def test_nobody_without_a_session_or_from_another_site_decides_anything(
    place: Place, over: dict[str, Any]
) -> None:
    zhang = over["张伟"].member
    assert await problem(await correct(place, zhang)) == (401, "not-signed-in")
    assert await problem(await place.client.get(path(place, "objections"))) == (401, "not-signed-in")
    assert await problem(await place.client.get(path(place, "records", zhang))) == (401, "not-signed-in")
    await place.sign_in("operator")
    body = {"verdict": "present", "why": "x"}
    assert await problem(await place.client.put(path(place, "corrections", zhang), json=body)) == (403, "cross-site")
    lecturer = over["主讲人"].member
    assert await problem(await correct(place, lecturer)) == (404, "no-such-member")


# --- what is written can be deleted ---


async def test_what_is_written_about_a_person_goes_with_them_and_the_facts_stay(
    place: Place, over: dict[str, Any]
) -> None:
    ticket, zhang = over["张伟"].ticket, over["张伟"].member
    await objecting(place, ticket, "我的电话是13800000000")
    await place.sign_in("zhenba")
    await correct(place, zhang)
    assert await place.stores.remarks.reasons(place.lecture) != {}
    assert (await place.client.delete(f"/api/roster/people/{zhang}", headers=OURS)).status == 204
    assert await place.stores.remarks.reasons(place.lecture) == {}
    assert await place.stores.remarks.objections(place.lecture) == []
    assert (await (await place.client.get(path(place, "verify"))).json())["ok"]


async def test_what_is_written_expires_with_its_lecture(place: Place, over: dict[str, Any]) -> None:
    await objecting(place, over["张伟"].ticket)
    keeper = JournalKeeper(place.stores.engine)
    assert await keeper.expire(0) == 0
    assert await keeper.expire(place.clock.now() + 1) == 1
    assert await place.stores.remarks.objections(place.lecture) == []
