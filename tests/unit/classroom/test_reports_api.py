"""Reports for the console: verdicts, one evening, the curve, the page to print; of one's own branch alone."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from attendance.facts import (
    Evidence,
    LectureMoved,
    LectureState,
    NodeStarted,
    ReceivingBegan,
    ReceivingStopped,
    SlotFlowing,
)
from tests.unit.classroom.place import OURS, Place, open_place, problem

S = 1_000_000


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    """A lecture of a hundred seconds, which 张伟 received."""
    async with open_place(tmp_path) as made:
        members = {link.name: link.member for link in await made.office.links(made.lecture)}
        began = made.clock.time
        record = made.stores.recorder.record
        await record(made.lecture, NodeStarted())
        await record(made.lecture, LectureMoved(LectureState.LIVE, "button"))
        await record(made.lecture, SlotFlowing("lecturer", members["主讲人"]))
        await record(made.lecture, ReceivingBegan(members["张伟"], "w1", Evidence.PROVED, began))
        made.clock.time = began + 95 * S
        await record(made.lecture, ReceivingStopped(members["张伟"], "w1", made.clock.time, "closed"))
        made.clock.time = began + 100 * S
        await record(made.lecture, LectureMoved(LectureState.ENDED, "button"))
        yield made


async def get(place: Place, path: str, **query: str) -> Any:
    answer = await place.client.get(f"/api/lectures/{place.lecture}/{path}", params=query)
    assert answer.status == 200, await answer.text()
    return await answer.json()


async def test_everybody_has_a_verdict(place: Place) -> None:
    await place.sign_in("operator")
    body = await get(place, "report")
    assert {one["name"]: one["verdict"] for one in body["members"]} == {
        "张伟": "present",
        "李娜": "absent",
        "王芳": "absent",
    }
    assert body["branches"][0]["invited"] == 3
    assert {one["branch"] for one in (await get(place, "report", scope="西乡县"))["members"]} == {"西乡县 / 城关党支部"}


async def test_a_report_is_made_again_only_where_something_changed(place: Place) -> None:
    first = await place.office.report(place.lecture)
    assert await place.office.report(place.lecture) is first
    await place.office.import_roster("r.csv", "姓名,支部\n赵敏,西乡县/城关党支部\n".encode(), place.lecture)
    again = await place.office.report(place.lecture)
    assert len(again.lines) == len(first.lines) + 1


async def test_an_evening_and_the_curve(place: Place) -> None:
    await place.sign_in("operator")
    zhang = next(one["id"] for one in (await get(place, "report"))["members"] if one["name"] == "张伟")
    evening = await get(place, f"report/{zhang}")
    assert [(one["kind"], one["closed_by"]) for one in evening["sessions"]] == [("receiving", "正常离开")]
    curve = (await get(place, "curve"))["curve"]
    assert (curve["step_seconds"], max(count for count in curve["receiving"] if count is not None)) == (1, 1)
    stranger = await place.client.get(f"/api/lectures/{place.lecture}/report/nobody")
    assert await problem(stranger) == (404, "no-such-member")


async def test_the_page_to_print_is_shown_and_noted(place: Place) -> None:
    await place.sign_in("operator")
    answer = await place.client.get(f"/api/lectures/{place.lecture}/attendance.html")
    assert (answer.status, answer.content_type) == (200, "text/html")
    assert "script" not in answer.headers["Content-Security-Policy"].replace("default-src 'none'", "")
    assert "Content-Disposition" not in answer.headers
    assert "<h1>晚间课堂" in await answer.text()
    noted = await (await place.client.get("/api/audit")).json()
    assert [(one["action"], one["detail"]) for one in noted] == [("attendance-exported", "html")]


async def test_another_branch_is_not_reached(place: Place) -> None:
    await place.sign_in("operator")
    wang = next(one["id"] for one in (await get(place, "report"))["members"] if one["name"] == "王芳")
    await place.client.delete("/api/session", headers=OURS)
    await place.sign_in("zhenba")
    for query in ({}, {"scope": "西乡县"}, {"scope": "西乡县 / 城关党支部"}):
        body = await get(place, "report", **query)
        assert ({one["name"] for one in body["members"]}, body["scope"]) == ({"张伟", "李娜"}, "镇巴县")
        assert {one["branch"].split(" / ")[0] for one in body["branches"]} == {"镇巴县"}
        assert (await get(place, "curve", **query))["scope"] == "镇巴县"
        refused = await place.client.get(f"/api/lectures/{place.lecture}/report/{wang}", params=query)
        assert await problem(refused) == (404, "no-such-member")
        page = await place.client.get(f"/api/lectures/{place.lecture}/attendance.html", params=query)
        assert "西乡县" not in await page.text()


async def test_nobody_gets_in_without_a_session(place: Place) -> None:
    for path in ("report", "report/x", "curve", "attendance.html"):
        assert await problem(await place.client.get(f"/api/lectures/{place.lecture}/{path}")) == (401, "not-signed-in")


async def test_of_no_lecture_there_is_no_report(place: Place) -> None:
    await place.sign_in("operator")
    for path in ("report", "report/x", "curve", "attendance.html"):
        assert await problem(await place.client.get(f"/api/lectures/nothing/{path}")) == (404, "no-such-lecture")
