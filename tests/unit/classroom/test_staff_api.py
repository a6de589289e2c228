"""The REST handlers for staff: sign-in, lectures, links, roster, attendance; who may, and who may not."""

from __future__ import annotations

import datetime
import io
import json
import zipfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from attendance.book.naming import file_name
from classroom.io.answer_aiohttp import LARGEST_JSON
from classroom.io.session_aiohttp import COOKIE, NAME_TRIES
from classroom.people.staff import SESSION
from classroom.ports import Standing
from tests.unit.classroom.place import OURS, PASSWORD, ROSTER, Place, open_place, problem


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    async with open_place(tmp_path) as made:
        yield made


# --- sign-in ---


async def test_signing_in_and_out(place: Place) -> None:
    assert await problem(await place.client.get("/api/session")) == (401, "not-signed-in")
    response = await place.sign_in("zhenba")
    assert (response.status, await response.json()) == (200, {"name": "zhenba", "branch": "镇巴县"})
    morsel = response.cookies[COOKIE]
    assert (morsel["httponly"], morsel["samesite"], morsel["path"], morsel["secure"]) == (True, "Lax", "/", "")
    assert (await place.client.get("/api/session")).status == 200
    assert await problem(await place.client.delete("/api/session")) == (403, "cross-site")
    kept = morsel.value
    assert (await place.client.delete("/api/session", headers=OURS)).status == 204
    response = await place.client.get("/api/session", headers={"Cookie": f"{COOKIE}={kept}"})
    assert await problem(response) == (401, "not-signed-in")


async def test_a_session_ends_after_its_time(place: Place) -> None:
    await place.sign_in("operator")
    place.clock.time += SESSION
    assert (await place.client.get("/api/session")).status == 401


@pytest.mark.parametrize("cookie", ["x", "x.y", "a" * 5_000, "token.", "é"])
async def test_a_cookie_that_is_not_ours(place: Place, cookie: str) -> None:
    headers = {"Cookie": f"{COOKIE}={cookie}"}
    assert await problem(await place.client.get("/api/lectures", headers=headers)) == (401, "not-signed-in")


async def test_a_wrong_password_and_a_wrong_name_read_the_same(place: Place) -> None:
    wrong = await place.sign_in("operator", "wrong password")
    unknown = await place.sign_in("nobody", "wrong password")
    assert (wrong.status, await wrong.json()) == (unknown.status, await unknown.json())
    assert wrong.status == 401
    assert COOKIE not in wrong.cookies
    assert await problem(await place.sign_in("x" * 100)) == (401, "wrong-password")


async def test_tries_are_limited_for_each_name_and_come_back(place: Place) -> None:
    for _ in range(int(NAME_TRIES)):
        assert (await place.sign_in("nobody")).status == 401
    refused = await place.sign_in("nobody")
    assert await problem(refused) == (429, "too-many-tries")
    assert refused.headers["Retry-After"]
    assert (await place.sign_in("operator")).status == 200
    place.clock.time += 60_000_000
    assert (await place.sign_in("nobody")).status == 401


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"name": 1, "password": "x"}', b'{"name":"a"}', b"\xff"])
async def test_a_body_that_is_no_sign_in(place: Place, body: bytes) -> None:
    assert await problem(await place.client.post("/api/session", data=body)) == (400, "malformed")


async def test_a_body_that_is_too_large(place: Place) -> None:
    response = await place.client.post("/api/session", data=b" " * (LARGEST_JSON + 1))
    assert await problem(response) == (413, "too-large")

    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(20):
            yield b" " * 1_024

    assert await problem(await place.client.post("/api/session", data=chunks())) == (413, "too-large")


# --- who may what ---

ALL = [
    ("GET", "/api/lectures"),
    ("POST", "/api/lectures"),
    ("GET", "/api/lectures/{id}"),
    ("POST", "/api/lectures/{id}/start"),
    ("POST", "/api/lectures/{id}/end"),
    ("POST", "/api/roster"),
    ("POST", "/api/staff"),
    ("GET", "/api/lectures/{id}/links"),
    ("GET", "/api/lectures/{id}/links.xlsx"),
    ("GET", "/api/lectures/{id}/links.html"),
    ("GET", "/api/lectures/{id}/links/x.svg"),
    ("POST", "/api/lectures/{id}/links/x/renew"),
    ("GET", "/api/lectures/{id}/live"),
    ("GET", "/api/lectures/{id}/attendance.json"),
    ("GET", "/api/lectures/{id}/verify"),
]


@pytest.mark.parametrize(("method", "path"), ALL)
async def test_nobody_gets_in_without_a_session(place: Place, method: str, path: str) -> None:
    response = await place.client.request(method, path.replace("{id}", place.lecture), headers=OURS)
    assert await problem(response) == (401, "not-signed-in")


@pytest.mark.parametrize("path", [path for method, path in ALL if method == "POST"])
async def test_another_sites_form_changes_nothing(place: Place, path: str) -> None:
    await place.sign_in("operator")
    response = await place.client.post(path.replace("{id}", place.lecture))
    assert await problem(response) == (403, "cross-site")


@pytest.mark.parametrize("path", ["/api/lectures", "/api/lectures/{id}/start", "/api/lectures/{id}/end", "/api/staff"])
async def test_an_organizer_of_a_branch_does_not_plan(place: Place, path: str) -> None:
    await place.sign_in("zhenba")
    response = await place.client.post(path.replace("{id}", place.lecture), headers=OURS)
    assert await problem(response) == (403, "role-may-not")


# --- lectures and links ---


async def test_a_lecture_is_made_shown_started_and_ended(place: Place) -> None:
    await place.sign_in("operator")
    body = {"title": "新课", "starts": "2026-01-31T19:30:00+08:00", "ends": None}
    response = await place.client.post("/api/lectures", json=body, headers=OURS)
    made = await response.json()
    assert response.status == 201
    assert made == {
        "id": made["id"],
        "title": "新课",
        "starts": "2026-01-31T11:30:00Z",
        "ends": None,
        "state": "planned",
        "invited": 0,
    }
    one = f"/api/lectures/{made['id']}"
    assert await (await place.client.get(one)).json() == made
    assert [row["id"] for row in await (await place.client.get("/api/lectures")).json()] == [place.lecture, made["id"]]
    assert (await (await place.client.post(one + "/start", headers=OURS)).json())["state"] == "live"
    assert (await (await place.client.post(one + "/end", headers=OURS)).json())["state"] == "ended"
    assert await problem(await place.client.post(one + "/start", headers=OURS)) == (410, "lecture-over")
    assert await problem(await place.client.get("/api/lectures/none")) == (404, "no-such-lecture")


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({"title": "t", "starts": "2026-01-31T19:30:00"}, "malformed"),
        ({"title": "t", "starts": "soon"}, "malformed"),
        ({"title": 1}, "malformed"),
        ({"title": "t", "other": 1}, "malformed"),
        ({"title": ""}, "bad-title"),
    ],
)
async def test_a_lecture_that_cannot_be_made(place: Place, body: dict[str, Any], reason: str) -> None:
    await place.sign_in("operator")
    response = await place.client.post("/api/lectures", json=body, headers=OURS)
    assert await problem(response) == (400, reason)


async def test_links_in_each_form_within_the_branch(place: Place) -> None:
    await place.sign_in("zhenba")
    one = f"/api/lectures/{place.lecture}/links"
    links = await (await place.client.get(one)).json()
    assert [link["name"] for link in links] == ["李娜", "张伟"]
    assert set(links[0]) == {"member", "name", "branch", "role", "url", "ticket"}
    narrowed = await place.client.get(one, params={"scope": "镇巴县 / 永乐镇党支部"})
    assert [link["name"] for link in await narrowed.json()] == ["李娜"]
    elsewhere = await place.client.get(one, params={"scope": "西乡县"})
    assert await elsewhere.json() == links
    table = await place.client.get(one + ".xlsx")
    assert zipfile.ZipFile(io.BytesIO(await table.read())).testzip() is None
    assert table.headers["Content-Disposition"].startswith("attachment; filename*=UTF-8''")
    page = await place.client.get(one + ".html")
    assert (await page.text()).count("<svg") == 2
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    picture = await place.client.get(f"{one}/{links[0]['member']}.svg")
    assert (picture.content_type, (await picture.read())[:4]) == ("image/svg+xml", b"<svg")
    assert await problem(await place.client.get(f"{one}/none.svg")) == (404, "no-such-member")


async def test_a_link_is_renewed_within_the_branch_only(place: Place) -> None:
    links = {link.name: link for link in await place.office.links(place.lecture)}
    await place.sign_in("zhenba")
    one = f"/api/lectures/{place.lecture}/links"
    response = await place.client.post(f"{one}/{links['张伟'].member}/renew", headers=OURS)
    renewed = await response.json()
    assert renewed["ticket"] != links["张伟"].ticket
    for other in ("王芳", "主讲人"):
        response = await place.client.post(f"{one}/{links[other].member}/renew", headers=OURS)
        assert await problem(response) == (404, "no-such-member")


# --- roster ---


async def test_a_file_is_imported_in_the_readers_language(place: Place) -> None:
    await place.sign_in("zhenba")
    params = {"lecture": place.lecture, "name": "名单.csv"}
    body = ROSTER + "赵敏,镇巴县/新党支部,\n".encode()
    headers = {**OURS, "Accept-Language": "en"}
    response = await place.client.post("/api/roster", params=params, data=body, headers=headers)
    result = await response.json()
    assert (result["added"], result["changed"], result["unchanged"]) == (1, 0, 2)
    assert [row["line"] for row in result["refused"]] == [4]
    assert result["refused"][0]["reason"].startswith("Outside the branch")


async def test_files_that_are_no_roster(place: Place) -> None:
    await place.sign_in("operator")
    for body, expected in ((b"", (422, "sheet-empty")), (b"x" * (8 << 20) + b"x", (413, "too-large"))):
        response = await place.client.post("/api/roster", data=body, headers=OURS)
        assert await problem(response) == expected
    response = await place.client.post("/api/roster", params={"lecture": "none"}, data=ROSTER, headers=OURS)
    assert await problem(response) == (404, "no-such-lecture")


async def test_an_operator_makes_staff(place: Place) -> None:
    await place.sign_in("operator")
    new = {"name": "xixiang", "password": PASSWORD, "branch": ["西乡县"]}
    response = await place.client.post("/api/staff", json=new, headers=OURS)
    assert (response.status, await response.json()) == (201, {"name": "xixiang", "branch": "西乡县"})
    assert await problem(await place.client.post("/api/staff", json=new, headers=OURS)) == (409, "name-taken")
    assert (await place.sign_in("xixiang")).status == 200


# --- attendance ---


async def test_the_live_list_counts_by_branch(place: Place) -> None:
    members = {link.name: link.member for link in await place.office.links(place.lecture)}
    place.standings.known = {
        members["张伟"]: Standing(True, True, place.clock.time, 61_500_400, None, proved=True, qualified=True),
        members["李娜"]: Standing(True, False, None, None, "no-media"),
        members["主讲人"]: Standing(True, True, 1, 1, None),
    }
    await place.sign_in("operator")
    body = await (await place.client.get(f"/api/lectures/{place.lecture}/live")).json()
    counts = await (await place.client.get(f"/api/lectures/{place.lecture}/live?only=counts")).json()
    assert counts == {name: body[name] for name in counts}
    assert set(body) - set(counts) == {"branches", "cities", "members", "token", "whole"}
    assert datetime.datetime.fromisoformat(body["now"]).tzinfo is not None
    assert [body[name] for name in ("state", "invited", "connected", "receiving", "missing")] == ["planned", 3, 2, 1, 1]
    assert [body[name] for name in ("ever", "qualified", "started", "counted_seconds")] == [1, 1, None, None]
    assert body["uplink"] == {"used": 720_000_000, "limit": 900_000_000}
    assert [tuple(line.values()) for line in body["branches"]] == [
        ("西乡县 / 城关党支部", 1, 0, 0, 1, 0, 0, 0),
        ("镇巴县 / 永乐镇党支部", 1, 1, 0, 0, 0, 0, 0),
        ("镇巴县 / 泾洋街道党支部", 1, 1, 1, 0, 0, 1, 1),
    ]
    assert [tuple(line.values()) for line in body["cities"]] == [(None, 3, 2, 1, 1, 0, 1, 1)]
    zhang = next(member for member in body["members"] if member["name"] == "张伟")
    assert zhang == {
        "id": members["张伟"],
        "name": "张伟",
        "branch": "镇巴县 / 泾洋街道党支部",
        "phone": "138****0000",
        "city": None,
        "connected": True,
        "receiving": True,
        "proved": True,
        "first_join": body["now"],
        "credited_seconds": 61.5,
        "qualified": True,
        "trouble": None,
        "leave": None,
        "together": False,
    }
    missing = next(member for member in body["members"] if member["name"] == "王芳")
    assert (missing["connected"], missing["credited_seconds"], missing["first_join"]) == (False, None, None)


async def test_who_watches_together_is_not_missing(place: Place) -> None:
    members = {link.name: link.member for link in await place.office.links(place.lecture)}
    place.standings.known = {
        members["张伟"]: Standing(receiving=True, first_join=1, credited=1, together=True),
        members["李娜"]: Standing(together=True),  # the screen there is dark
    }
    await place.sign_in("operator")
    body = await (await place.client.get(f"/api/lectures/{place.lecture}/live")).json()
    assert [body[name] for name in ("invited", "connected", "receiving", "missing")] == [3, 0, 1, 1]
    assert {one["name"]: (one["together"], one["receiving"]) for one in body["members"]} == {
        "张伟": (True, True),
        "李娜": (True, False),
        "王芳": (False, False),
    }


async def test_the_live_list_tells_what_changed(place: Place) -> None:
    members = {link.name: link.member for link in await place.office.links(place.lecture)}
    place.standings.known = {members["张伟"]: Standing(True, True, place.clock.time, 60_000_000)}
    place.standings.counted = 90_000_000
    await place.sign_in("operator")
    one = f"/api/lectures/{place.lecture}/live"
    first = await (await place.client.get(one)).json()
    place.clock.time += 1_000_000
    place.standings.counted = 91_000_000
    place.standings.known = {
        members["张伟"]: Standing(True, True, place.clock.time - 1_000_000, 61_000_000),
        members["李娜"]: Standing(True, False, None, 0),
    }
    then = await (await place.client.get(one, params={"since": first["token"]})).json()
    assert (then["whole"], then["connected"], then["counted_seconds"]) == (False, 2, 91.0)
    assert [member["name"] for member in then["members"]] == ["李娜"]  # whose minutes only run on is not told again
    assert [line["branch"] for line in then["branches"]] == ["镇巴县 / 永乐镇党支部"]
    assert [line["connected"] for line in then["cities"]] == [2]
    again = await (await place.client.get(one, params={"since": then["token"]})).json()
    assert (again["members"], again["branches"], again["cities"]) == ([], [], [])
    for strange in ("", "x", then["token"] + "9", "other." + then["token"].split(".")[1]):
        whole = await (await place.client.get(one, params={"since": strange})).json()
        assert (whole["whole"], len(whole["members"])) == (True, 3)


async def test_a_token_shows_nobody_of_another_branch(place: Place) -> None:
    await place.sign_in("operator")
    one = f"/api/lectures/{place.lecture}/live"
    token = (await (await place.client.get(one)).json())["token"]
    await place.client.delete("/api/session", headers=OURS)
    await place.sign_in("zhenba")
    body = await (await place.client.get(one, params={"since": token, "scope": "西乡县"})).json()
    assert (body["whole"], {member["name"] for member in body["members"]}) == (True, {"张伟", "李娜"})


async def test_who_never_came_to_a_lecture_that_began_was_measured(place: Place) -> None:
    await place.office.start(place.lecture)
    await place.sign_in("operator")
    body = await (await place.client.get(f"/api/lectures/{place.lecture}/live")).json()
    assert {member["credited_seconds"] for member in body["members"]} == {0.0}


async def test_the_live_list_of_a_branch_shows_nobody_else(place: Place) -> None:
    await place.sign_in("zhenba")
    for _ in range(2):
        body = await (await place.client.get(f"/api/lectures/{place.lecture}/live")).json()
        assert (body["invited"], {member["name"] for member in body["members"]}) == (2, {"张伟", "李娜"})


async def test_exports_hold_the_organizers_branch_alone(place: Place) -> None:
    await place.sign_in("zhenba")
    one = f"/api/lectures/{place.lecture}/attendance"
    response = await place.client.get(one + ".json", params={"scope": "西乡县"})
    assert {member["name"] for member in json.loads(await response.read())["members"]} == {"张伟", "李娜"}
    for form, kind in (
        ("csv", "text/csv"),
        ("xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    ):
        response = await place.client.get(f"{one}.{form}")
        assert (response.status, response.content_type) == (200, kind)
        assert response.headers["Cache-Control"] == "no-store"
        assert unquote(response.headers["Content-Disposition"]).endswith(f"''晚间课堂_镇巴县_考勤.{form}")
    assert (await place.client.get(one + ".pdf")).status == 404


def test_a_file_is_named_by_title_day_and_branch() -> None:
    starts = datetime.datetime(2026, 11, 22, 16, 30, tzinfo=datetime.UTC)
    title = '党课：a/b\\"第一讲"?'
    assert file_name(title, starts, ("汉中市", "镇巴县"), "zh") == "党课：a-b-第一讲-_2026-11-23_镇巴县_考勤"
    assert file_name(title, starts, (), "en") == "党课：a-b-第一讲-_2026-11-23_attendance"
    assert file_name("长" * 200, None, (), "zh") == "长" * 60 + "_考勤"


async def test_the_check_of_the_ledger(place: Place) -> None:
    await place.sign_in("zhenba")
    response = await place.client.get(f"/api/lectures/{place.lecture}/verify")
    assert await response.json() == {"rows": 0, "ok": True, "bad_row": None, "reason": None}


async def test_a_database_that_is_away_is_said_so(place: Place) -> None:
    await place.sign_in("operator")
    async with place.stores.engine.begin() as connection:
        await connection.exec_driver_sql("ALTER TABLE lectures RENAME TO gone")
    assert await problem(await place.client.get("/api/lectures")) == (503, "database-away")


async def test_an_organizer_is_told_how_many_of_theirs_are_invited(place: Place) -> None:
    await place.sign_in("zhenba")
    (listed,) = await (await place.client.get("/api/lectures")).json()
    assert listed["invited"] == 2
    assert (await (await place.client.get(f"/api/lectures/{place.lecture}")).json())["invited"] == 2
    await place.sign_in("operator")
    one = f"/api/lectures/{place.lecture}"
    assert [(await (await place.client.get(one + asked)).json())["invited"] for asked in ("", "?scope=西乡县")] == [
        3,
        1,
    ]


async def test_who_starts_and_ends_lectures_is_not_an_organizers_link(place: Place) -> None:
    roster = "姓名,支部,角色\n赵教授,镇巴县/泾洋街道党支部,主讲\n钱同志,镇巴县/泾洋街道党支部,嘉宾\n".encode()
    await place.office.import_roster("r.csv", roster, place.lecture)
    links = {one.name: one.member for one in await place.office.links(place.lecture)}
    assert "赵教授" in links
    await place.sign_in("zhenba")
    one = f"/api/lectures/{place.lecture}/links"
    assert {each["name"] for each in await (await place.client.get(one)).json()} == {"钱同志", "张伟", "李娜"}
    assert "赵教授" not in await (await place.client.get(one + ".html")).text()
    refused = await place.client.post(f"{one}/{links['赵教授']}/renew", headers=OURS)
    assert await problem(refused) == (404, "no-such-member")
    assert await problem(await place.client.get(f"{one}/{links['赵教授']}.svg")) == (404, "no-such-member")
