"""Sites over HTTP: organizers within their branch, hosts by their own ticket, phones by what the screen shows."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientResponse, web
from aiohttp.test_utils import TestClient, TestServer

from attendance.facts import How, LectureMoved, LectureState, SiteCheckedIn, SiteCheckedOut, SiteOpened, SiteScreened
from attendance.presence import Presence
from classroom.by_code import CodeDoor
from classroom.evidence import Witness
from classroom.io.audit_aiohttp import noting
from classroom.io.records_attendance import LedgerFacts
from classroom.io.session_aiohttp import CookieGuard, SessionHandlers
from classroom.io.sites_aiohttp import SiteHandlers
from classroom.io.stores_sqlalchemy import Stores, open_stores
from classroom.io.watching_aiohttp import DEEDS, WatchingHandlers
from classroom.office import RecorderDesk
from classroom.settings import Settings
from classroom.tally import Tally
from signaling.session.turnstile import Turnstile
from tests.unit.classroom.place import OURS, PASSWORD, HandClock, problem

SECOND = 1_000_000
ROSTER = (
    "姓名,支部,手机\n"
    "王秀兰,镇巴县/泾洋街道党支部,13800000000\n"
    "张伟,镇巴县/泾洋街道党支部/第一小组,13800001111\n"
    "李娜,镇巴县/泾洋街道党支部,13800002222\n"
    "李娜,镇巴县/泾洋街道党支部,13800003333\n"
    "赵敏,镇巴县/永乐镇党支部,13800004444\n"
    "孙强,西乡县/城关党支部,13900005555\n"
).encode()
BRANCH = ["镇巴县", "泾洋街道党支部"]


class Ledger:
    """Where by-code tickets are noted."""

    def record(self, lecture: str, body: object) -> None:
        pass


@dataclass
class Place:
    client: TestClient[web.Request, web.Application]
    stores: Stores
    clock: HandClock
    lecture: str
    tickets: dict[str, str]
    ids: dict[str, str]
    facts: LedgerFacts

    @property
    def sites(self) -> str:
        return f"/api/lectures/{self.lecture}/sites"

    async def sign_in(self, name: str) -> None:
        await self.client.post("/api/session", json={"name": name, "password": PASSWORD})

    async def create(
        self, host: str = "王秀兰", branch: list[str] = BRANCH, place: str = "党员活动室"
    ) -> ClientResponse:
        body = {"place": place, "branch": branch, "host": self.ids[host]}
        return await self.client.post(self.sites, json=body, headers=OURS)

    def by(self, name: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.tickets[name]}"}

    async def host(self, method: str, path: str = "", who: str = "王秀兰", **body: Any) -> ClientResponse:
        return await self.client.request(method, f"/api/site{path}", headers=self.by(who), json=body or None)

    async def room(self) -> dict[str, Any]:
        answer = await self.host("GET")
        assert answer.status == 200
        found: dict[str, Any] = await answer.json()
        return found

    async def opened(self) -> str:
        await self.sign_in("zhenba")
        site: str = (await (await self.create()).json())["id"]
        assert (await self.host("POST", "/open")).status == 204
        return site

    async def code(self) -> tuple[str, str]:
        url: str = (await self.room())["code"]
        site, code = url.split("#")[1].split(".")
        return site, code

    async def scanned(self) -> tuple[str, str]:
        site, code = await self.code()
        answer = await self.client.post("/api/site/scan", json={"site": site, "code": code})
        assert answer.status == 200
        return site, (await answer.json())["pass"]

    async def presence(self) -> Presence:
        return await self.facts.presence(self.lecture)

    async def told(self, kind: type[Any]) -> list[Any]:
        return [row.fact.body async for row in self.stores.ledger.read(self.lecture) if isinstance(row.fact.body, kind)]


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    clock = HandClock()
    async with open_stores(Settings(data_dir=tmp_path), clock) as stores:
        desk = RecorderDesk(stores.recorder, stores.lectures)
        facts = LedgerFacts(stores.ledger, stores.recorder, stores.lectures)
        sites = stores.sites("https://class.example.org", facts)
        office = stores.office(desk, "https://class.example.org", sites=sites)
        guard = CookieGuard(stores.staff, stores.keys.sessions, clock)
        by_code = CodeDoor(stores.lectures, stores.roster, stores.door, Ledger(), clock, stores.keys.proofs)
        app = web.Application(middlewares=[noting(stores.audit)])
        app.add_routes(SessionHandlers(guard, stores.staff, stores.passwords, clock, secure=False).routes())
        app.add_routes(SiteHandlers(sites, guard).routes())
        turnstile = Turnstile(200, lambda: 0.0)
        app.add_routes(WatchingHandlers(sites, stores.door, by_code, turnstile, stores.aside, clock).routes())
        await office.create_staff("operator", PASSWORD)
        await office.create_staff("zhenba", PASSWORD, ("镇巴县",))
        await office.create_staff("xixiang", PASSWORD, ("西乡县",))
        lecture = (await office.create_lecture("晚间课堂", None, None)).id
        await office.import_roster("r.csv", ROSTER, lecture)
        links = [link for link in await office.links(lecture) if link.role == "member"]
        tickets = {link.name: link.ticket for link in links}
        ids = {link.name: link.member for link in links}
        async with TestClient(TestServer(app)) as client:
            yield Place(client, stores, clock, lecture, tickets, ids, facts)


async def test_an_organizer_makes_sites_of_their_own_branch_alone(place: Place) -> None:
    await place.sign_in("xixiang")
    assert await problem(await place.create()) == (403, "branch-not-yours")
    assert await problem(await place.create(branch=["西乡县", "城关党支部"])) == (404, "no-such-member")
    await place.sign_in("zhenba")
    assert await problem(await place.create(branch=["镇巴县", "没有的支部"])) == (404, "no-such-branch")
    assert await problem(await place.create(place=" ")) == (400, "bad-place")
    made = await place.create()
    assert made.status == 201
    site = await made.json()
    assert (site["state"], site["host_name"], site["branch"]) == ("planned", "王秀兰", "镇巴县 / 泾洋街道党支部")
    assert await problem(await place.create(place="另一处")) == (409, "hosts-already")
    assert [one["id"] for one in await (await place.client.get(place.sites)).json()] == [site["id"]]
    link = await (await place.client.get(f"{place.sites}/{site['id']}/link")).json()
    assert link["url"] == f"https://class.example.org/site#{place.tickets['王秀兰']}"
    await place.sign_in("xixiang")
    assert await (await place.client.get(place.sites)).json() == []
    one = f"{place.sites}/{site['id']}"
    member = place.ids["张伟"]
    for method, path in (
        ("GET", one), ("DELETE", one), ("GET", f"{one}/link"), ("GET", f"{one}/candidates"), ("POST", f"{one}/open"),
        ("POST", f"{one}/close"), ("PUT", f"{one}/people/{member}"), ("DELETE", f"{one}/people/{member}"),
        ("PUT", f"{one}/heads"),
    ):  # fmt: skip
        answer = await place.client.request(method, path, headers=OURS, json={"heads": 1})
        assert await problem(answer) == (404, "no-such-site"), path


async def test_one_that_never_opened_is_removed_and_one_that_did_is_kept(place: Place) -> None:
    site = await place.opened()
    assert await problem(await place.client.delete(f"{place.sites}/{site}", headers=OURS)) == (409, "site-was-open")
    other = (await (await place.create("赵敏", ["镇巴县", "永乐镇党支部"])).json())["id"]
    assert (await place.client.delete(f"{place.sites}/{other}", headers=OURS)).status == 204
    assert [one["id"] for one in await (await place.client.get(place.sites)).json()] == [site]


async def test_a_host_opens_and_closes_their_site_by_their_own_link(place: Place) -> None:
    assert await problem(await place.host("GET")) == (404, "hosts-no-site")
    assert await problem(await place.client.get("/api/site")) == (401, "bad-ticket")
    site = await place.opened()
    room = await place.room()
    assert (room["info"]["state"], room["receiving"], room["title"]) == ("open", False, "晚间课堂")
    assert [(one["name"], one["how"]) for one in room["present"]] == [("王秀兰", "host")]
    assert room["code"].startswith(f"https://class.example.org/s#{site}.")
    picture = await place.host("GET", "/code.svg")
    assert (picture.status, picture.content_type) == (200, "image/svg+xml")
    assert await place.told(SiteOpened) == [SiteOpened(site, place.ids["王秀兰"], place.ids["王秀兰"])]
    assert (await place.host("POST", "/close")).status == 204
    room = await place.room()
    assert (room["info"]["state"], room["present"], room["code"]) == ("closed", [], None)
    assert await problem(await place.host("GET", "/code.svg")) == (409, "site-closed")


async def test_a_host_checks_in_members_of_the_sites_branch_alone(place: Place) -> None:
    await place.opened()
    people = await (await place.host("GET", "/candidates")).json()
    assert sorted((one["name"], one["branch"], one["digits"]) for one in people) == [
        ("张伟", "第一小组", None), ("李娜", "", "2222"), ("李娜", "", "3333"), ("王秀兰", "", None),
    ]  # fmt: skip
    member = place.ids["张伟"]
    for _ in range(2):
        assert (await place.host("PUT", f"/people/{member}")).status == 204
    for stranger in ("赵敏", "孙强"):
        assert await problem(await place.host("PUT", f"/people/{place.ids[stranger]}")) == (403, "not-of-this-site")
    assert await problem(await place.host("PUT", "/people/nobody")) == (403, "not-of-this-site")
    place.clock.time += 60 * SECOND
    assert (await place.host("DELETE", f"/people/{member}")).status == 204
    stay = (await place.presence()).sites.stays(member)[0]
    assert ((stay.end or 0) - stay.start, stay.how, stay.ended_by) == (60 * SECOND, "search", place.ids["王秀兰"])
    assert len([one for one in await place.told(SiteCheckedIn) if one.member == member]) == 1
    assert await problem(await place.host("PUT", f"/people/{member}", who="赵敏")) == (404, "hosts-no-site")


async def test_the_screen_is_the_hosts_own_connection_and_told_once(place: Place) -> None:
    site = await place.opened()
    for _ in range(2):
        assert (await place.host("PUT", "/screen", session="w1")).status == 204
    assert await place.told(SiteScreened) == [SiteScreened(site, place.ids["王秀兰"], "w1")]
    assert await problem(await place.host("PUT", "/screen", session="no such session")) == (400, "malformed")


async def test_the_room_counts_who_is_at_a_site(place: Place) -> None:
    await place.opened()
    await place.host("PUT", f"/people/{place.ids['张伟']}")
    tally = Tally(place.lecture, await place.presence(), Witness(int, b"k" * 32))
    assert set(tally.gathered()) == {place.ids["王秀兰"], place.ids["张伟"]}
    assert tally.receiving() == frozenset()  # its screen is dark


async def test_the_headcount_stands_beside(place: Place) -> None:
    await place.opened()
    assert (await place.host("PUT", "/heads", heads=23)).status == 204
    assert (await place.room())["info"]["heads"] == 23
    assert await problem(await place.host("PUT", "/heads", heads=-1)) == (400, "malformed")


async def test_a_phone_that_scanned_checks_its_holder_in_by_their_ticket(place: Place) -> None:
    await place.opened()
    site, given = await place.scanned()
    body = {"site": site, "pass": given, "ticket": place.tickets["张伟"]}
    answer = await place.client.post("/api/site/check-in", json=body)
    assert answer.status == 200
    assert (await answer.json())["member"]["name"] == "张伟"
    told = (await place.told(SiteCheckedIn))[-1]
    assert told == SiteCheckedIn(place.ids["张伟"], site, How.QR, place.ids["张伟"])
    assert (await place.host("POST", "/leave", who="张伟")).status == 204
    assert [one.member for one in await place.told(SiteCheckedOut)] == [place.ids["张伟"]]


async def test_or_by_name_and_four_digits(place: Place) -> None:
    await place.opened()
    site, given = await place.scanned()
    wrong = {"site": site, "pass": given, "name": "李娜", "digits": "9999"}
    assert (await problem(await place.client.post("/api/site/check-in", json=wrong)))[1] == "code-unknown"
    answer = await place.client.post("/api/site/check-in", json={**wrong, "digits": "3333"})
    assert (await answer.json())["member"]["name"] == "李娜"
    nobody = await place.client.post("/api/site/check-in", json={"site": site, "pass": given})
    assert await problem(nobody) == (400, "malformed")


async def test_a_code_from_before_or_of_another_site_is_refused_with_a_sentence(place: Place) -> None:
    await place.opened()
    site, code = await place.code()
    other = (await (await place.create("赵敏", ["镇巴县", "永乐镇党支部"])).json())["id"]
    await place.client.post(f"{place.sites}/{other}/open", headers=OURS)

    async def scan(which: str, what: str) -> ClientResponse:
        return await place.client.post("/api/site/scan", json={"site": which, "code": what})

    assert (await scan(site, code)).status == 200
    assert await problem(await scan(other, code)) == (410, "code-stale")
    assert await problem(await scan("nothing", code)) == (410, "code-stale")
    place.clock.time += 30 * SECOND
    assert await problem(await scan(site, code)) == (410, "code-stale")


async def test_a_pass_holds_for_three_minutes_and_at_its_site_alone(place: Place) -> None:
    await place.opened()
    other = (await (await place.create("赵敏", ["镇巴县", "永乐镇党支部"])).json())["id"]
    await place.client.post(f"{place.sites}/{other}/open", headers=OURS)
    site, given = await place.scanned()
    body = {"site": other, "pass": given, "ticket": place.tickets["赵敏"]}
    assert await problem(await place.client.post("/api/site/check-in", json=body)) == (410, "code-stale")
    stranger = {"site": site, "pass": given, "ticket": place.tickets["赵敏"]}
    assert await problem(await place.client.post("/api/site/check-in", json=stranger)) == (403, "not-of-this-site")
    place.clock.time += 180 * SECOND
    late = {"site": site, "pass": given, "ticket": place.tickets["张伟"]}
    assert await problem(await place.client.post("/api/site/check-in", json=late)) == (410, "code-stale")


async def test_nobody_comes_to_a_site_that_closed_or_after_the_end(place: Place) -> None:
    await place.opened()
    site, given = await place.scanned()
    body = {"site": site, "pass": given, "ticket": place.tickets["张伟"]}
    await place.host("POST", "/close")
    assert await problem(await place.client.post("/api/site/check-in", json=body)) == (409, "site-closed")
    await place.host("POST", "/open")
    await place.stores.recorder.record(place.lecture, LectureMoved(LectureState.ENDED, "button"))
    await place.stores.lectures.set_state(place.lecture, LectureState.ENDED)
    assert await problem(await place.client.post("/api/site/check-in", json=body)) == (410, "lecture-over")
    assert await problem(await place.host("POST", "/open")) == (410, "lecture-over")
    assert (await place.room())["code"] is None


async def test_what_hosts_and_organizers_do_is_in_the_audit(place: Place) -> None:
    site = await place.opened()
    member = place.ids["张伟"]
    await place.client.put(f"{place.sites}/{site}/people/{member}", headers=OURS)
    await place.host("DELETE", f"/people/{member}")
    found = [(one.name, one.action, one.lecture, one.subject) for one in await place.stores.audit.latest(())]
    assert found == [
        ("王秀兰", "site-checked-out", place.lecture, member),
        ("zhenba", "site-checked-in", place.lecture, member),
        ("王秀兰", "site-opened", place.lecture, None),
        ("zhenba", "site-created", place.lecture, None),
    ]


async def test_nobody_hammers(place: Place) -> None:
    await place.opened()
    answers = [await place.host("GET") for _ in range(int(DEEDS))]
    assert await problem(answers[-1]) == (429, "too-many-tries")


async def test_an_erased_hosts_place_is_forgotten_and_the_site_stays(place: Place) -> None:
    site = await place.opened()
    await place.stores.registrar(RecorderDesk(place.stores.recorder, place.stores.lectures)).erase(place.ids["王秀兰"])
    (row,) = await place.stores.site_rows.of(place.lecture)
    assert (row.id, row.place) == (site, "")
