"""Programs that read attendance by a token."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from attendance.facts import NodeStarted
from classroom.errors import UserError
from classroom.io.session_aiohttp import ADDRESS_TRIES
from classroom.io.token_aiohttp import AT_ONCE, OPENED
from classroom.people.token import DAY, PREFIX
from classroom.ports import TokenInfo
from tests.unit.classroom.place import OURS, Place, open_place, problem
from tests.unit.classroom.test_routes import PUBLIC


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    async with open_place(tmp_path) as made:
        yield made


@pytest.fixture
async def token(place: Place) -> TokenInfo:
    return await place.office.create_token("每晚报表", "zhenba")


def bearer(token: TokenInfo) -> dict[str, str]:
    assert token.token is not None
    return {"Authorization": f"Bearer {token.token}"}


async def test_a_token_reads_attendance_of_its_branch(place: Place, token: TokenInfo) -> None:
    one = f"/api/lectures/{place.lecture}"
    answer = await place.client.get(f"{one}/attendance.csv", headers=bearer(token))
    text = (await answer.read()).decode("utf-8-sig")
    assert "张伟" in text
    assert "王芳" not in text
    for path in ("/api/lectures", one, f"{one}/verify", f"{one}/attendance.csv?scope=西乡县"):
        answer = await place.client.get(path, headers=bearer(token))
        assert answer.status == 200
        assert "王芳" not in await answer.text()
    await place.stores.recorder.record(place.lecture, NodeStarted())
    exported = await place.office.export(place.lecture, "csv", ("镇巴县",))
    checked = await place.client.post("/api/attendance/verify?name=a.csv", headers=bearer(token), data=exported)
    assert (await checked.json())["ok"]


async def test_a_token_opens_nothing_else(place: Place, token: TokenInfo) -> None:
    canonical = place.client.app
    assert canonical is not None
    tried = 0
    for route in canonical.router.routes():
        resource = route.resource
        if resource is None or (route.method, resource.canonical) in OPENED or route.method == "HEAD":
            continue
        if resource.canonical in PUBLIC:
            continue  # by a ticket or the cookie alone
        path = resource.canonical.format_map(defaultdict(lambda: "x", lecture=place.lecture, form="csv"))
        place.clock.time += 2_000_000  # the rate is another test's
        answer = await place.client.request(route.method, path, headers={**bearer(token), **OURS})
        assert await problem(answer) == (403, "token-may-not"), path
        tried += 1
    assert tried > 20


async def test_the_audit_has_the_tokens_name(place: Place, token: TokenInfo) -> None:
    await place.client.get(f"/api/lectures/{place.lecture}/attendance.csv", headers=bearer(token))
    (noted,) = await place.stores.audit.latest()
    assert (noted.name, noted.branch, noted.action) == ("zhenba · 每晚报表", ("镇巴县",), "attendance-exported")


@pytest.mark.parametrize("header", ["Bearer", "Bearer x", "bearer " + PREFIX + "x", "Bearer " + "a" * 5_000])
async def test_another_token_is_none(place: Place, header: str) -> None:
    answer = await place.client.get("/api/lectures", headers={"Authorization": header})
    assert await problem(answer) == (401, "bad-token")


async def test_a_token_ends(place: Place, token: TokenInfo) -> None:
    other = await place.office.create_token("一天", "operator", ("镇巴县", "泾洋街道党支部"), 1)
    assert other.branch == "镇巴县 / 泾洋街道党支部"
    place.clock.time += DAY
    assert await problem(await place.client.get("/api/lectures", headers=bearer(other))) == (401, "bad-token")
    assert (await place.client.get("/api/lectures", headers=bearer(token))).status == 200
    listed = {one.name: one for one in await place.office.tokens()}
    assert listed["每晚报表"].used is not None
    assert listed["一天"].used is None
    assert {one.token for one in listed.values()} == {None}
    await place.office.revoke_token(token.id)
    assert await problem(await place.client.get("/api/lectures", headers=bearer(token))) == (401, "bad-token")
    with pytest.raises(UserError, match="no-such-token"):
        await place.office.revoke_token(token.id)


async def test_a_token_has_so_many_requests(place: Place, token: TokenInfo) -> None:
    for _ in range(int(AT_ONCE)):
        assert (await place.client.get("/api/lectures", headers=bearer(token))).status == 200
    assert await problem(await place.client.get("/api/lectures", headers=bearer(token))) == (429, "too-many-tries")
    place.clock.time += 1_000_000
    assert (await place.client.get("/api/lectures", headers=bearer(token))).status == 200


async def test_guessing_is_slow(place: Place) -> None:
    for _ in range(int(ADDRESS_TRIES)):
        await place.client.get("/api/lectures", headers={"Authorization": "Bearer x"})
    answer = await place.client.get("/api/lectures", headers={"Authorization": "Bearer x"})
    assert await problem(answer) == (429, "too-many-tries")


@pytest.mark.parametrize(
    ("name", "staff", "branch", "days", "reason"),
    [
        ("", "zhenba", (), 1, "bad-token-name"),
        ("a", "nobody", (), 1, "no-such-staff"),
        ("a", "zhenba", ("西乡县",), 1, "branch-not-yours"),
        ("a", "zhenba", (), 0, "bad-days"),
        ("a", "zhenba", (), 10_000, "bad-days"),
    ],
)
async def test_a_token_that_cannot_be_made(
    place: Place, name: str, staff: str, branch: tuple[str, ...], days: int, reason: str
) -> None:
    with pytest.raises(UserError, match=reason):
        await place.office.create_token(name, staff, branch, days)


async def test_operators_alone_make_tokens(place: Place) -> None:
    new = {"name": "报表", "staff": "zhenba"}
    await place.sign_in("zhenba")
    assert await problem(await place.client.post("/api/tokens", json=new, headers=OURS)) == (403, "role-may-not")
    await place.sign_in("operator")
    made = await (await place.client.post("/api/tokens", json=new, headers=OURS)).json()
    assert made["token"].startswith(PREFIX)
    assert [one["name"] for one in await (await place.client.get("/api/tokens")).json()] == ["报表"]
    assert (await place.client.delete(f"/api/tokens/{made['id']}", headers=OURS)).status == 204
    actions = [one.action for one in await place.stores.audit.latest()]
    assert actions == ["token-revoked", "token-created"]
