"""The audit trail over HTTP: its pages, whose names stand in it, and who sees what."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from classroom.io import trail_aiohttp
from classroom.io.clock_time import SystemClock
from classroom.io.session_aiohttp import CookieGuard, SessionHandlers
from classroom.io.stores_sqlalchemy import Stores, open_stores
from classroom.io.trail_aiohttp import TrailHandlers
from classroom.office import RecorderDesk
from classroom.room.journal import Deleted, Entry, Journaled, MemberBarred, PinSet, Said
from classroom.settings import Settings

PASSWORD = "correct horse"
ROSTER = "姓名,支部\n张伟,镇巴县/泾洋街道党支部\n".encode()


@dataclass
class Place:
    client: TestClient[web.Request, web.Application]
    stores: Stores
    lecture: str
    kept: int = 0

    def keep(self, entry: Entry, by: str | None) -> None:
        self.kept += 1
        self.stores.journal.append(self.lecture, Journaled(self.kept, 1_800_000_000_000_000, by, entry))

    async def sign_in(self, name: str) -> None:
        await self.client.post("/api/session", json={"name": name, "password": PASSWORD})

    async def audit(self, query: str = "") -> Any:
        response = await self.client.get(f"/api/lectures/{self.lecture}/audit{query}")
        assert response.status == 200, await response.text()
        return await response.json()


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    async with open_stores(Settings(data_dir=tmp_path), SystemClock()) as stores:
        office = stores.office(RecorderDesk(stores.recorder, stores.lectures), "https://class.example.org")
        guard = CookieGuard(stores.staff, stores.keys.sessions, stores.clock)
        app = web.Application()
        app.add_routes(SessionHandlers(guard, stores.staff, stores.passwords, stores.clock, secure=False).routes())
        app.add_routes(TrailHandlers(office, stores.journal, stores.roster, stores.staff, guard).routes())
        await office.create_staff("operator", PASSWORD)
        await office.create_staff("zhenba", PASSWORD, ("镇巴县",))
        await office.create_staff("xixiang", PASSWORD, ("西乡县",))
        lecture = await office.create_lecture("晚间课堂", None, None)
        await office.import_roster("r.csv", ROSTER, lecture.id)
        async with TestClient(TestServer(app)) as client:
            yield Place(client, stores, lecture.id)


async def test_deeds_are_told_with_names_the_latest_first(place: Place) -> None:
    (link,) = [one for one in await place.stores.roster.invitations(place.lecture) if one.role == "member"]
    (host,) = [one for one in await place.stores.roster.invitations(place.lecture) if one.role == "host"]
    found = await place.stores.staff.find("operator")
    assert found is not None
    member = link.member
    branch = " / ".join(member.branch)
    place.keep(Said("c1", member.id, member.name, branch, "member", "广告"), member.id)
    place.keep(Deleted("c1"), found[0].id)
    place.keep(PinSet("八点签到", "主持人"), host.member.id)
    await place.sign_in("operator")
    answer = await place.audit()
    assert answer["more"] is False
    assert [(one["number"], one["kind"], one["by"], one["role"]) for one in answer["deeds"]] == [
        (3, "pinned", host.member.name, "host"),
        (2, "deleted", "operator", "staff"),
    ]
    assert answer["deeds"][1]["name"] == "张伟"
    assert answer["deeds"][1]["text"] == "广告"
    assert answer["deeds"][0]["at"].startswith("2027-")


async def test_it_is_read_page_by_page(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trail_aiohttp, "PAGE", 2)
    for number in range(3):
        place.keep(PinSet(f"{number}", "甲"), "somebody")
    await place.sign_in("operator")
    first = await place.audit()
    assert ([one["text"] for one in first["deeds"]], first["more"]) == (["2", "1"], True)
    rest = await place.audit(f"?before={first['deeds'][-1]['number']}")
    assert ([one["text"] for one in rest["deeds"]], rest["more"]) == (["0"], False)
    for nonsense in ("x", "-1", "9" * 30):
        response = await place.client.get(f"/api/lectures/{place.lecture}/audit?before={nonsense}")
        assert response.status == 400


async def test_who_sees_what(place: Place) -> None:
    place.keep(MemberBarred("m1", "张伟", "镇巴县 / 泾洋街道党支部", barred=True), "s1")
    place.keep(PinSet("通知", "甲"), "s1")
    assert (await place.client.get(f"/api/lectures/{place.lecture}/audit")).status == 401
    for name, kinds in (("zhenba", ["barred"]), ("xixiang", []), ("operator", ["pinned", "barred"])):
        await place.sign_in(name)
        assert [one["kind"] for one in (await place.audit())["deeds"]] == kinds
    assert (await place.client.get("/api/lectures/gone/audit")).status == 404
