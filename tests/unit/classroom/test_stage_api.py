"""The running order and the evening's record over HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from attendance.facts import AppearanceEnded, LectureMoved, LectureState, NodeStarted
from classroom.errors import UserError
from classroom.io.clock_time import SystemClock
from classroom.io.session_aiohttp import CookieGuard, SessionHandlers
from classroom.io.stage_aiohttp import StageHandlers
from classroom.io.stores_sqlalchemy import Stores, open_stores
from classroom.office import RecorderDesk, StoreOffice
from classroom.room.journal import Entry, Journaled, OrderEntry, OrderSet, PartSet
from classroom.room.messages_stage import Part
from classroom.settings import Settings

PASSWORD = "correct horse"
ROSTER = "姓名,支部,手机\n张伟,镇巴县/泾洋街道党支部,13800000001\n李娜,西乡县/城关,13800000002\n".encode()
OURS = {"X-Requested-With": "classroom"}


@dataclass
class Place:
    """What the room of the lecture keeps is kept here."""

    client: TestClient[web.Request, web.Application]
    stores: Stores
    office: StoreOffice
    lecture: str
    kept: int = 0

    def keep(self, entry: Entry, by: str | None) -> None:
        self.kept += 1
        self.stores.journal.append(self.lecture, Journaled(self.kept, self.stores.clock.now(), by, entry))

    async def set_order(self, lecture: str, entries: tuple[OrderEntry, ...], by: str | None) -> None:
        assert lecture == self.lecture
        self.keep(OrderSet(entries), by)

    async def sign_in(self, name: str) -> None:
        await self.client.post("/api/session", json={"name": name, "password": PASSWORD})

    async def put(self, *entries: dict[str, Any]) -> Any:
        path = f"/api/lectures/{self.lecture}/order"
        response = await self.client.put(path, json={"entries": entries}, headers=OURS)
        return {"status": response.status, **await response.json()}

    async def take(self, text: str) -> Any:
        path = f"/api/lectures/{self.lecture}/order/import?name=order.csv"
        response = await self.client.post(path, data=text.encode(), headers=OURS)
        return {"status": response.status, **await response.json()}

    async def get(self, what: str) -> Any:
        response = await self.client.get(f"/api/lectures/{self.lecture}/{what}")
        return {"status": response.status, **await response.json()}

    async def links(self) -> list[tuple[str, str, str]]:
        return [(link.name, link.branch, link.role) for link in await self.office.links(self.lecture)]


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    async with open_stores(Settings(data_dir=tmp_path), SystemClock()) as stores:
        office = stores.office(RecorderDesk(stores.recorder, stores.lectures), "https://class.example.org")
        guard = CookieGuard(stores.staff, stores.keys.sessions, stores.clock)
        app = web.Application()
        app.add_routes(SessionHandlers(guard, stores.staff, stores.passwords, stores.clock, secure=False).routes())
        await office.create_staff("operator", PASSWORD)
        await office.create_staff("zhenba", PASSWORD, ("镇巴县",))
        lecture = await office.create_lecture("晚间课堂", None, None)
        await office.import_roster("r.csv", ROSTER, lecture.id)
        made = Place(TestClient(TestServer(app)), stores, office, lecture.id)
        app.add_routes(StageHandlers(stores.evening(made), guard).routes())
        async with made.client:
            await made.sign_in("operator")
            yield made


async def test_an_order_is_typed_and_guests_get_links(place: Place) -> None:
    assert await place.get("order") == {"status": 200, "entries": []}
    answer = await place.put(
        {"id": None, "member": None, "name": "王芳", "branch": "镇巴县", "title": " 在他乡 ", "minutes": 6},
        {"name": "张伟", "branch": "镇巴县", "title": "", "minutes": 5},
    )
    assert answer["status"] == 200
    first, second = answer["entries"]
    assert (first["name"], first["branch"], first["title"], first["minutes"]) == ("王芳", "镇巴县", "在他乡", 6)
    assert second["branch"] == "镇巴县 / 泾洋街道党支部"  # the member who is invited
    assert (await place.get("order"))["entries"] == answer["entries"]
    links = await place.links()
    assert ("王芳", "镇巴县", "guest") in links
    assert ("张伟", "镇巴县 / 泾洋街道党支部", "member") in links
    again = await place.put(second, {**first, "title": "新题目"})
    assert [one["id"] for one in again["entries"]] == [second["id"], first["id"]]
    assert len(await place.links()) == len(links)
    (history, *_) = await place.stores.roster.history()
    assert (history.change.what, history.change.added) == ("invite", 1)


async def test_somebody_who_shares_twice_is_invited_once(place: Place) -> None:
    answer = await place.put(
        {"name": "王芳", "branch": "镇巴县", "title": "上", "minutes": 5},
        {"name": "王芳", "branch": "镇巴县", "title": "下", "minutes": 5},
    )
    first, second = answer["entries"]
    assert first["member"] == second["member"]
    assert first["id"] != second["id"]
    swapped = await place.put(
        {"name": "王芳", "branch": "镇巴县", "title": "下", "minutes": 5},
        {"name": "王芳", "branch": "镇巴县", "title": "上", "minutes": 5},
    )
    assert [one["id"] for one in swapped["entries"]] == [second["id"], first["id"]]
    assert sum(name == "王芳" for name, _, _ in await place.links()) == 1


async def test_a_line_that_does_not_fit_saves_nothing_and_invites_nobody(place: Place) -> None:
    answer = await place.put({"name": "王芳"}, {"name": "刘洋", "minutes": 500})
    assert (answer["status"], answer["type"]) == (422, "bad-order")
    assert answer["detail"].startswith("2: ")
    assert (await place.get("order"))["entries"] == []
    assert all(name != "王芳" for name, _, _ in await place.links())
    for wrong in ({"name": "王芳", "role": "host"}, {"name": 5}, {}):
        assert (await place.put(wrong))["status"] == 400
    assert (await place.put(*({"name": f"名{n}"} for n in range(51))))["status"] == 400


async def test_an_order_is_imported(place: Place) -> None:
    text = "姓名,支部/县区,题目,分钟,手机号\n王芳,镇巴县,家乡,6,13900000001\n李娜,西乡县,,,\n陈静,,,很久,\n"
    answer = await place.take(text)
    assert answer["status"] == 200
    assert [(one["name"], one["minutes"]) for one in answer["entries"]] == [("王芳", 6), ("李娜", 5)]
    assert [each["line"] for each in answer["refused"]] == [4]
    again = await place.take(text)
    assert again["entries"] == answer["entries"]
    assert (await place.take("姓名,题目\n,无名\n"))["entries"] == answer["entries"]  # no line fits
    assert (await place.take("题目\n家乡\n"))["type"] == "sheet-no-name-column"


async def test_namesakes_are_asked_about(place: Place) -> None:
    twins = "姓名,支部,手机\n赵敏,洋县/一,13800000011\n赵敏,洋县/二,13800000012\n".encode()
    await place.office.import_roster("r.csv", twins, place.lecture)
    assert (await place.put({"name": "赵敏", "branch": "洋县"}))["type"] == "bad-order"
    answer = await place.put({"name": "赵敏", "branch": "洋县", "phone": "138 0000 0012"})
    assert answer["entries"][0]["branch"] == "洋县 / 二"
    answer = await place.take("姓名,县区\n赵敏,洋县\n张伟,镇巴县\n")
    assert [one["name"] for one in answer["entries"]] == ["张伟"]
    assert [each["line"] for each in answer["refused"]] == [2]


async def test_who_may(place: Place) -> None:
    await place.sign_in("zhenba")
    assert (await place.get("order"))["status"] == 200
    assert (await place.put())["type"] == "role-may-not"
    assert (await place.take("姓名\n王芳\n"))["type"] == "role-may-not"
    await place.client.delete("/api/session", headers=OURS)
    for what in ("order", "timeline"):
        assert (await place.get(what))["status"] == 401


async def test_a_lecture_that_is_over_or_unknown(place: Place) -> None:
    await place.office.end(place.lecture)
    assert (await place.put({"name": "王芳"}))["type"] == "lecture-over"
    assert (await place.get("order"))["status"] == 200
    place.lecture = "gone"
    for what in ("order", "timeline"):
        assert (await place.get(what))["type"] == "no-such-lecture"


async def test_the_room_may_be_out_of_reach(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    async def away(*_: object) -> None:
        raise UserError("room-away")

    monkeypatch.setattr(place, "set_order", away)
    assert (await place.put({"name": "王芳"}))["type"] == "room-away"


async def test_the_record_grows_and_names_people(place: Place) -> None:
    recorder, now = place.stores.recorder, place.stores.clock.now()
    (host,) = [one for one in await place.stores.roster.invitations(place.lecture) if one.role == "host"]
    operator = await place.stores.staff.find("operator")
    assert operator is not None
    await recorder.record(place.lecture, NodeStarted())
    await recorder.record(place.lecture, LectureMoved(LectureState.LIVE, "button", host.member.id))
    place.keep(PartSet("m1", "王芳", "镇巴县", Part.ON, "主持人", "家乡", since=now), host.member.id)
    first = (await place.get("timeline"))["events"]
    assert [(one["kind"], one["by"], one["until"]) for one in first if one["kind"] != "outage"] == [
        ("testimonial", "主持人", None),
        ("started", "主持人", None),
    ]
    await recorder.record(place.lecture, AppearanceEnded("m1", host.member.id, now, now + 1_000, 0))
    await recorder.record(place.lecture, LectureMoved(LectureState.ENDED, "button", operator[0].id))
    events = (await place.get("timeline"))["events"]
    (shared,) = [one for one in events if one["kind"] == "testimonial"]
    assert (shared["name"], shared["branch"], shared["detail"]) == ("王芳", "镇巴县", "家乡")
    assert shared["until"] is not None
    assert (events[-1]["kind"], events[-1]["by"]) == ("ended", "operator")
