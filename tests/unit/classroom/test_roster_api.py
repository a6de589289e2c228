"""The roster over REST: looked at, taken, taken back; within the asker's branch alone."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.unit.classroom.place import OURS, Place, open_place, problem

FILE = (
    "姓名,支部,手机,流入地\n张伟,镇巴县/永乐镇党支部,13800000000,西安\n赵敏,镇巴县/永乐镇党支部,,\n,镇巴县,,\n刘洋,西乡县,,\n"
).encode()


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    async with open_place(tmp_path) as made:
        await made.sign_in("zhenba")
        yield made


async def post(place: Place, path: str, **more: Any) -> Any:
    answer = await place.client.post(path, headers=OURS, **more)
    assert answer.status == 200, await answer.text()
    return await answer.json()


async def test_a_file_is_looked_at_and_nothing_changes(place: Place) -> None:
    before = await (await place.client.get("/api/roster/people")).json()
    seen = await post(place, "/api/roster/preview?name=r.csv", data=FILE)
    assert (seen["added"], seen["changed"], seen["unchanged"]) == (1, 1, 0)
    assert [row["line"] for row in seen["refused"]] == [4, 5]
    (changed,) = seen["changes"]
    assert changed["name"] == "张伟"
    assert changed["differs"] == [
        {"field": "branch", "old": "镇巴县 / 泾洋街道党支部", "new": "镇巴县 / 永乐镇党支部"},
        {"field": "city", "old": None, "new": "西安"},
    ]
    assert [row["name"] for row in seen["lacking"]] == ["李娜"]
    assert (seen["refusals"], seen["notes"], seen["turned"]) == (2, [], [])
    assert await (await place.client.get("/api/roster/people")).json() == before


async def test_what_was_looked_at_is_taken_and_taken_back(place: Place) -> None:
    seen = await post(place, "/api/roster/preview?name=r.csv", data=FILE)
    taken = await post(place, f"/api/roster?name=r.csv&lecture={place.lecture}&seen={seen['digest']}", data=FILE)
    people = {row["name"]: row for row in await (await place.client.get("/api/roster/people")).json()}
    assert (people["张伟"]["branch"], people["张伟"]["city"]) == ("镇巴县 / 永乐镇党支部", "西安")
    assert await post(place, f"/api/roster/changes/{taken['change']}/undo") == {"removed": 1, "restored": 1}
    people = {row["name"]: row for row in await (await place.client.get("/api/roster/people")).json()}
    assert (people["张伟"]["branch"], "赵敏" in people) == ("镇巴县 / 泾洋街道党支部", False)
    changes = await (await place.client.get("/api/roster/changes")).json()
    assert [(one["what"], one["file"], one["undone"] is not None) for one in changes] == [("import", "r.csv", True)]
    again = await place.client.post(f"/api/roster/changes/{taken['change']}/undo", headers=OURS)
    assert await problem(again) == (409, "undone-already")


async def test_a_preview_that_is_no_longer_true_is_not_taken(place: Place) -> None:
    seen = await post(place, "/api/roster/preview?name=r.csv", data=FILE)
    await post(place, "/api/roster?name=r.csv", data=FILE)
    stale = await place.client.post(f"/api/roster?name=r.csv&seen={seen['digest']}", headers=OURS, data=FILE)
    assert await problem(stale) == (409, "preview-stale")


async def test_people_move_leave_and_come_back_within_the_askers_branch(place: Place) -> None:
    people = {row["name"]: row["id"] for row in await (await place.client.get("/api/roster/people")).json()}
    assert set(people) == {"张伟", "李娜"}
    one = f"/api/roster/people/{people['李娜']}"
    await post(place, one + "/move", json={"branch": "镇巴县/兴隆镇党支部"})
    outside = await place.client.post(one + "/move", headers=OURS, json={"branch": "西乡县"})
    assert await problem(outside) == (403, "branch-not-yours")
    await post(place, one + "/leave")
    assert await post(place, f"/api/lectures/{place.lecture}/invite") == {"invited": 0, "change": None}
    left = {row["name"]: row["left"] is not None for row in await (await place.client.get("/api/roster/people")).json()}
    assert left == {"张伟": False, "李娜": True}
    await post(place, one + "/return")
    nobody = await place.client.post("/api/roster/people/nobody/leave", headers=OURS)
    assert await problem(nobody) == (404, "no-such-member")


async def test_who_is_an_officer_is_said_by_hand_and_taken_back(place: Place) -> None:
    people = {row["name"]: row for row in await (await place.client.get("/api/roster/people")).json()}
    assert people["张伟"]["officer"] is False
    one = f"/api/roster/people/{people['张伟']['id']}"
    place.clock.time += 1
    answer = await place.client.put(one + "/officer", headers=OURS, json={"officer": True})
    person = await (await place.client.get(one)).json()
    assert person["officer"] is True
    assert person["extra"]["班子成员"] == "是"
    assert person["history"][0]["what"] == "officer"
    await post(place, f"/api/roster/changes/{(await answer.json())['change']}/undo")
    assert (await (await place.client.get(one)).json())["officer"] is False
    nobody = await place.client.put("/api/roster/people/nobody/officer", headers=OURS, json={"officer": True})
    assert await problem(nobody) == (404, "no-such-member")


async def test_another_branch_is_not_reached(place: Place) -> None:
    await place.client.delete("/api/session", headers=OURS)
    await place.sign_in("operator")
    everybody = {row["name"]: row["id"] for row in await (await place.client.get("/api/roster/people")).json()}
    assert {name for name in everybody if everybody[name]} == {"张伟", "李娜", "王芳", "主讲人", "主持人", "嘉宾"}
    taken = await post(place, "/api/roster?name=r.csv", data="姓名,支部\n王强,西乡县/城关党支部\n".encode())
    await place.client.delete("/api/session", headers=OURS)
    await place.sign_in("zhenba")
    for path in (f"people/{everybody['王芳']}/leave", f"changes/{taken['change']}/undo"):
        refused = await place.client.post(f"/api/roster/{path}", headers=OURS)
        assert refused.status == 404
    assert await (await place.client.get("/api/roster/changes")).json() == []


async def test_who_is_not_in_the_file_leaves_where_that_was_ticked(place: Place) -> None:
    file = "姓名,支部\n张伟,泾洋街道党支部\n王二,永乐镇党支部\n".encode()
    path = f"name=r.csv&lecture={place.lecture}"
    seen = await post(place, f"/api/roster/preview?{path}", data=file)
    assert seen["notes"] == ["有 2 行没有写上级组织，已归入「镇巴县」。"]
    assert ([row["name"] for row in seen["lacking"]], seen["unchanged"]) == (["李娜"], 1)
    taken = await post(place, f"/api/roster?{path}&leaving=1&seen={seen['digest']}", data=file)
    assert (taken["left"], taken["added"]) == (1, 1)
    links = {link.name for link in await place.office.links(place.lecture, ("镇巴县",))}
    assert links == {"张伟", "王二"}
    await post(place, f"/api/roster/changes/{taken['change']}/undo")
    links = {link.name for link in await place.office.links(place.lecture, ("镇巴县",))}
    assert links == {"张伟", "李娜"}


async def test_everybody_is_named_before_they_are_invited_and_that_is_taken_back(place: Place) -> None:
    made = await place.office.create_lecture("下一场", None, None)
    path = f"/api/lectures/{made.id}/invite"
    assert await (await place.client.get(path)).json() == {
        "count": 2,
        "branches": [
            {"branch": "镇巴县 / 永乐镇党支部", "count": 1},
            {"branch": "镇巴县 / 泾洋街道党支部", "count": 1},
        ],
        "names": ["李娜", "张伟"],
    }
    done = await post(place, path)
    assert done["invited"] == 2
    (change, *_) = await (await place.client.get("/api/roster/changes")).json()
    assert (change["what"], change["people"], change["by"]) == ("invite", 2, "zhenba")
    assert sorted(change["names"]) == ["张伟", "李娜"]
    await post(place, f"/api/roster/changes/{done['change']}/undo")
    assert (await (await place.client.get(path)).json())["count"] == 2


async def test_one_person_with_their_history_and_lectures(place: Place) -> None:
    people = {row["name"]: row["id"] for row in await (await place.client.get("/api/roster/people")).json()}
    path = f"/api/roster/people/{people['张伟']}"
    place.clock.time += 1
    await post(place, path + "/move", json={"branch": "镇巴县/永乐镇党支部"})
    one = await (await place.client.get(path)).json()
    assert (one["name"], one["branch"], one["phone"]) == ("张伟", "镇巴县 / 永乐镇党支部", "138****0000")
    assert [(past["what"], past["was"], past["by"]) for past in one["history"]] == [
        ("move", "镇巴县 / 泾洋街道党支部", "zhenba"),
        ("import", None, None),
    ]
    assert one["lectures"] == [{"lecture": place.lecture, "role": "member"}]
    assert await problem(await place.client.get("/api/roster/people/nobody")) == (404, "no-such-member")


async def test_who_leaves_has_no_place_in_lectures_to_come(place: Place) -> None:
    people = {row["name"]: row["id"] for row in await (await place.client.get("/api/roster/people")).json()}
    begun = await place.office.create_lecture("今晚", None, None)
    await post(place, f"/api/lectures/{begun.id}/invite")
    await place.office.start(begun.id)
    await post(place, f"/api/roster/people/{people['李娜']}/leave")
    assert {link.name for link in await place.office.links(place.lecture, ("镇巴县",))} == {"张伟"}
    assert {link.name for link in await place.office.links(begun.id, ("镇巴县",))} == {"张伟", "李娜"}


async def test_an_organizer_gives_and_takes_no_right_by_a_file(place: Place) -> None:
    await place.office.import_roster(
        "r.csv", "姓名,支部,角色\n张伟,镇巴县/泾洋街道党支部,主讲人\n".encode(), place.lecture
    )
    file = "姓名,支部,角色\n张伟,泾洋街道党支部,成员\n李娜,永乐镇党支部,主持人\n".encode()
    seen = await post(place, f"/api/roster/preview?name=r.csv&lecture={place.lecture}", data=file)
    assert [(row["line"], row["name"]) for row in seen["refused"]] == [(2, "张伟"), (3, "李娜")]
    assert seen["people"] == 1
