"""Staff over REST: made, bound to another branch, given another password, removed; branches renamed and merged."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.unit.classroom.place import OURS, PASSWORD, Place, open_place, problem


@pytest.fixture
async def place(tmp_path: Path, database_url: str) -> AsyncIterator[Place]:
    async with open_place(tmp_path, database_url) as made:
        await made.sign_in("operator")
        yield made


async def staff(place: Place) -> dict[str, Any]:
    found = await (await place.client.get("/api/staff")).json()
    return {one["name"]: one for one in found}


async def change(place: Place, who: str, **said: Any) -> Any:
    path = f"/api/staff/{(await staff(place))[who]['id']}"
    return await place.client.patch(path, headers=OURS, json=said)


async def test_staff_are_listed_by_name_with_their_branch(place: Place) -> None:
    assert {name: one["branch"] for name, one in (await staff(place)).items()} == {"operator": "", "zhenba": "镇巴县"}


async def test_a_branch_must_be_one_of_the_tree(place: Place) -> None:
    new = {"name": "new", "password": PASSWORD, "branch": ["镇巴"]}
    made = await place.client.post("/api/staff", headers=OURS, json=new)
    assert await problem(made) == (404, "no-such-branch")
    assert await problem(await change(place, "zhenba", branch=["县"])) == (404, "no-such-branch")
    made = await place.client.post("/api/staff", headers=OURS, json={**new, "branch": ["西乡县", "城关党支部"]})
    assert made.status == 201


async def test_who_gets_another_password_or_branch_signs_in_again(place: Place) -> None:
    await place.client.delete("/api/session", headers=OURS)
    await place.sign_in("zhenba")
    token = place.client.session.cookie_jar.filter_cookies(place.client.make_url("/"))
    await place.client.delete("/api/session", headers=OURS)
    await place.sign_in("zhenba")
    await place.office.change_staff("zhenba", branch=("西乡县",), password="another horse")
    assert (await place.client.get("/api/session")).status == 401
    assert token
    assert (await place.sign_in("zhenba")).status == 401
    assert (await (await place.sign_in("zhenba", "another horse")).json())["branch"] == "西乡县"
    await place.office.change_staff("zhenba", name="西乡")
    assert (await (await place.client.get("/api/session")).json())["name"] == "西乡"


async def test_who_is_removed_is_out_and_nobody_removes_themselves(place: Place) -> None:
    everybody = await staff(place)
    gone = await place.client.delete(f"/api/staff/{everybody['zhenba']['id']}", headers=OURS)
    assert gone.status == 204
    assert (await place.sign_in("zhenba")).status == 401
    own = await place.client.delete(f"/api/staff/{everybody['operator']['id']}", headers=OURS)
    assert await problem(own) == (409, "not-yourself")
    assert await problem(await change(place, "operator", branch=["镇巴县"])) == (409, "not-yourself")
    assert await problem(await place.client.delete("/api/staff/nobody", headers=OURS)) == (404, "no-such-staff")
    actions = [one["action"] for one in await (await place.client.get("/api/audit")).json()]
    assert actions == ["staff-removed"]


@pytest.mark.parametrize(
    ("said", "reason"),
    [({"name": " "}, "bad-staff-name"), ({"name": "operator"}, "name-taken"), ({"password": "short"}, "weak-password")],
)
async def test_what_cannot_be_is_refused(place: Place, said: dict[str, str], reason: str) -> None:
    assert (await problem(await change(place, "zhenba", **said)))[1] == reason


async def test_a_branch_is_renamed_with_its_organizer_and_back(place: Place) -> None:
    token = await place.office.create_token("汇总", "zhenba", ("镇巴县", "永乐镇党支部"))
    asked = {"branch": "镇巴县", "name": "镇巴区"}
    done = await place.client.post("/api/branches/rename", headers=OURS, json=asked)
    change = (await done.json())["change"]
    tree = {one["branch"]: one["members"] for one in await (await place.client.get("/api/branches")).json()}
    assert tree == {
        "镇巴区": 0,
        "镇巴区 / 泾洋街道党支部": 1,
        "镇巴区 / 永乐镇党支部": 1,
        "西乡县": 0,
        "西乡县 / 城关党支部": 1,
    }
    assert (await staff(place))["zhenba"]["branch"] == "镇巴区"
    assert [one.branch for one in await place.office.tokens()] == ["镇巴区 / 永乐镇党支部"]
    undone = await place.client.post(f"/api/roster/changes/{change}/undo", headers=OURS)
    assert undone.status == 200
    assert (await staff(place))["zhenba"]["branch"] == "镇巴县"
    assert await place.stores.tokens.find(token.token or "", place.clock.now()) is not None
    await place.office.change_staff("zhenba", branch=("西乡县",))
    assert await place.stores.tokens.find(token.token or "", place.clock.now()) is None
    (last, *_) = await (await place.client.get("/api/audit")).json()
    (first,) = [one for one in await (await place.client.get("/api/audit")).json() if one["action"] == "branch-renamed"]
    assert (last["action"], first["detail"]) == ("roster-change-undone", "镇巴县 → 镇巴区")


async def test_branches_are_merged_with_their_organizers_and_apart_again(place: Place) -> None:
    asked = {"branch": "镇巴县", "into": "西乡县"}
    done = await place.client.post("/api/branches/merge", headers=OURS, json=asked)
    change = (await done.json())["change"]
    assert (await staff(place))["zhenba"]["branch"] == "西乡县"
    people = await (await place.client.get("/api/roster/people")).json()
    assert {one["branch"].split(" / ")[0] for one in people if one["branch"]} == {"西乡县"}
    assert (await place.client.post(f"/api/roster/changes/{change}/undo", headers=OURS)).status == 200
    assert (await staff(place))["zhenba"]["branch"] == "镇巴县"
    within = await place.client.post(
        "/api/branches/merge", headers=OURS, json={"branch": "镇巴县", "into": "镇巴县 / 永乐镇党支部"}
    )
    assert await problem(within) == (409, "branch-within")


async def test_an_organizer_of_a_branch_sees_their_tree_and_changes_nothing(place: Place) -> None:
    await place.client.delete("/api/session", headers=OURS)
    await place.sign_in("zhenba")
    tree = await (await place.client.get("/api/branches")).json()
    assert [one["branch"] for one in tree] == ["镇巴县", "镇巴县 / 永乐镇党支部", "镇巴县 / 泾洋街道党支部"]
    for path in ("rename", "merge"):
        refused = await place.client.post(f"/api/branches/{path}", headers=OURS, json={})
        assert await problem(refused) == (403, "role-may-not")
    assert await problem(await place.client.get("/api/staff")) == (403, "role-may-not")
    assert await problem(await place.client.delete("/api/staff/x", headers=OURS)) == (403, "role-may-not")
