"""Every route that the port serves, and what each answers to whoever has no business there.

The table below names all of them: a new route makes this test fail until it stands there too, with what an outsider, an
organizer of another branch and an operator get. Whatever an organizer is answered, nothing in it may tell of people of
another branch.
"""

from __future__ import annotations

import contextlib
import io
import zipfile
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientResponse, web
from aiohttp.test_utils import TestClient, TestServer

from classroom.io.stores_sqlalchemy import open_stores
from classroom.service import Service
from classroom.settings import Settings
from signaling.io.control_unix import UnixRelay
from tests.unit.classroom.place import OURS, PASSWORD, ROSTER, HandClock

LECTURE, PERSON, YEAR = "/api/lectures/{lecture}", "/api/roster/people/{member}", "/api/attendance"

PUBLIC = {
    "/whip/session/{peer}", "/whip/{lecture}/{slot}", "/whep/session/{peer}", "/whep/{lecture}",
    "/ws", "/api/join", "/api/join/code", "/api/join/trouble", "/api/session",
    "/api/record", "/api/record/objection", "/api/record/year",
    "/api/site", "/api/site/code.svg", "/api/site/open", "/api/site/close", "/api/site/screen", "/api/site/heads",
    "/api/site/people/{member}", "/api/site/candidates", "/api/site/scan", "/api/site/check-in", "/api/site/leave",
    "/site", "/s",
    "/", "/j", "/room", "/studio", "/console", "/{file}", "/assets/{file}", "/healthz", "/readyz",
}  # fmt: skip
"""By a ticket, by a password, or for everybody; each has tests of its own."""


@dataclass(frozen=True)
class Row:
    """`other`: status and reason for an organizer of another branch; (200, "") is an answer that tells nothing of the
    others. `operator`: the status. `body`: what is sent, {…} filled in as in the path."""

    other: tuple[int, str]
    operator: int = 200
    body: Any = None
    query: str = ""


SITE, NO_SITE = LECTURE + "/sites/{site}", (404, "no-such-site")
MINE, NEVER, NOT_MINE = (200, ""), (403, "role-may-not"), (404, "no-such-member")

RULE = {"version": 1, "rule": {"share": 70}, "why": ""}
FILE = "姓名,支部\n王芳,西乡县/城关党支部\n".encode()
STAFF: dict[tuple[str, str], Row] = {
    ("GET", "/api/lectures"): Row(MINE),
    ("POST", "/api/lectures"): Row(NEVER, 201, {"title": "新课"}),
    ("GET", LECTURE): Row(MINE),
    ("GET", LECTURE + "/code"): Row(MINE),
    ("GET", LECTURE + "/links"): Row(MINE),
    ("GET", LECTURE + "/links.xlsx"): Row(MINE),
    ("GET", LECTURE + "/links.html"): Row(MINE),
    ("GET", LECTURE + "/links/{member}.svg"): Row(NOT_MINE),
    ("POST", LECTURE + "/links/{member}/renew"): Row(NOT_MINE),
    ("GET", LECTURE + "/invite"): Row(MINE),
    ("POST", LECTURE + "/invite"): Row(MINE),
    ("GET", LECTURE + "/live"): Row(MINE),
    ("GET", LECTURE + "/report"): Row(MINE),
    ("GET", LECTURE + "/report/{member}"): Row(NOT_MINE),
    ("GET", LECTURE + "/curve"): Row(MINE),
    ("GET", LECTURE + "/attendance.{form}"): Row(MINE),
    ("GET", LECTURE + "/verify"): Row(MINE),
    ("GET", LECTURE + "/rule"): Row(MINE),
    ("PUT", LECTURE + "/rule"): Row(NEVER, 200, RULE),
    ("POST", LECTURE + "/rule/preview"): Row(MINE, 200, {"rule": {"share": 70}}),
    ("PUT", LECTURE + "/hours"): Row(NEVER, 400, {}),
    ("GET", LECTURE + "/excuses"): Row(MINE),
    ("PUT", LECTURE + "/excuses/{member}"): Row(NOT_MINE, 204, {"cause": "duty"}),
    ("DELETE", LECTURE + "/excuses/{member}"): Row(NOT_MINE, 204),
    ("GET", LECTURE + "/records/{member}"): Row(NOT_MINE),
    ("PUT", LECTURE + "/corrections/{member}"): Row(NOT_MINE, 409, {"verdict": "present", "why": "在场"}),
    ("DELETE", LECTURE + "/corrections/{member}"): Row(NOT_MINE, 200, {"why": "误记"}),
    ("GET", LECTURE + "/sites"): Row(MINE),
    ("POST", LECTURE + "/sites"): Row((400, "malformed"), 400, {}),
    ("GET", SITE): Row(NO_SITE, 404),
    ("GET", SITE + "/link"): Row(NO_SITE, 404),
    ("GET", SITE + "/candidates"): Row(NO_SITE, 404, query="?find=张"),
    ("POST", SITE + "/open"): Row(NO_SITE, 404),
    ("POST", SITE + "/close"): Row(NO_SITE, 404),
    ("PUT", SITE + "/heads"): Row(NO_SITE, 404, {"heads": 3}),
    ("PUT", SITE + "/people/{member}"): Row(NO_SITE, 404),
    ("DELETE", SITE + "/people/{member}"): Row(NO_SITE, 404),
    ("DELETE", SITE): Row(NO_SITE, 404),
    ("GET", LECTURE + "/objections"): Row(MINE),
    ("POST", LECTURE + "/objections/{objection}/answer"): Row((404, "no-such-objection"), 404, {"answer": "已核对"}),
    ("GET", LECTURE + "/order"): Row(MINE),
    ("PUT", LECTURE + "/order"): Row(NEVER, 200, {"entries": []}),
    ("POST", LECTURE + "/order/import"): Row(NEVER, 422, b""),
    ("POST", LECTURE + "/start"): Row(NEVER),
    ("POST", LECTURE + "/end"): Row(NEVER),
    ("GET", LECTURE + "/timeline"): Row(MINE),
    ("GET", LECTURE + "/audit"): Row(MINE),
    ("GET", LECTURE + "/talk"): Row(MINE),
    ("GET", LECTURE + "/talk.{form}"): Row(MINE),
    ("POST", "/api/roster"): Row(MINE, 200, FILE, "?name=r.csv"),
    ("POST", "/api/roster/preview"): Row(MINE, 200, FILE, "?name=r.csv"),
    ("GET", "/api/roster/people"): Row(MINE),
    ("GET", PERSON): Row(NOT_MINE),
    ("POST", PERSON + "/move"): Row(NOT_MINE, 200, {"branch": "西乡县/城关党支部"}),
    ("POST", PERSON + "/leave"): Row(NOT_MINE),
    ("POST", PERSON + "/return"): Row(NOT_MINE),
    ("PUT", PERSON + "/officer"): Row(NOT_MINE, 200, {"officer": True}),
    ("GET", PERSON + "/phone"): Row(NOT_MINE),
    ("GET", "/api/roster/changes"): Row(MINE),
    ("POST", "/api/roster/changes/{change}/undo"): Row((404, "no-such-change"), 409),
    ("GET", YEAR + "/year"): Row(MINE),
    ("GET", YEAR + "/year.xlsx"): Row(MINE),
    ("GET", YEAR + "/year/members/{member}"): Row(NOT_MINE),
    ("GET", YEAR + "/hours"): Row(MINE),
    ("PUT", YEAR + "/hours"): Row(NEVER, 400, {}),
    ("POST", YEAR + "/verify"): Row((403, "branch-not-yours"), 200, "export"),
    ("GET", "/api/audit"): Row(MINE),
    ("POST", "/api/staff"): Row(NEVER, 201, {"name": "new", "password": PASSWORD, "branch": []}),
    ("GET", "/api/staff"): Row(NEVER),
    ("PATCH", "/api/staff/{staff}"): Row(NEVER, 404, {"name": "other"}),
    ("DELETE", "/api/staff/{staff}"): Row(NEVER, 404),
    ("GET", "/api/branches"): Row(MINE),
    ("POST", "/api/branches/rename"): Row(NEVER, 404, {"branch": "没有", "name": "新名"}),
    ("POST", "/api/branches/merge"): Row(NEVER, 404, {"branch": "没有", "into": "西乡县"}),
    ("GET", "/api/tokens"): Row(NEVER),
    ("POST", "/api/tokens"): Row(NEVER, 201, {"name": "报表", "staff": "zhenba"}),
    ("DELETE", "/api/tokens/{token}"): Row(NEVER, 404),
    ("DELETE", PERSON): Row(NOT_MINE, 204),
}
"""In an order in which an operator can do all of it, one after the other."""


@dataclass
class Port:
    """A whole service's routes; 镇巴县's people are the others."""

    client: TestClient[web.Request, web.Application]
    app: web.Application
    words: dict[str, str]
    secrets: list[str]
    exported: bytes

    async def sign_in(self, name: str) -> None:
        answer = await self.client.post("/api/session", json={"name": name, "password": PASSWORD})
        assert answer.status == 200

    async def ask(self, route: tuple[str, str], headers: dict[str, str] = OURS) -> ClientResponse:
        method, canonical = route
        row = STAFF[route]
        path = canonical.format(**self.words) + row.query
        body = self.exported if row.body == "export" else row.body
        if body is None or isinstance(body, bytes):
            return await self.client.request(method, path, headers=headers, data=body)
        return await self.client.request(method, path, headers=headers, json=body)


@pytest.fixture
async def port(tmp_path: Path) -> AsyncIterator[Port]:
    settings, clock = Settings(data_dir=tmp_path), HandClock()
    async with contextlib.AsyncExitStack() as stack:
        stores = await stack.enter_async_context(open_stores(settings, clock))
        service = Service(settings, stores, UnixRelay(tmp_path / "relay.sock"), 8080)
        await stack.enter_async_context(service._errands.open())
        await stack.enter_async_context(service.rooms.open())
        office = service._office
        for name, branch in (("operator", ()), ("zhenba", ("镇巴县",)), ("xixiang", ("西乡县",))):
            await office.create_staff(name, PASSWORD, branch)
        lecture = (await office.create_lecture("晚间课堂", None, None)).id
        await office.import_roster("r.csv", ROSTER, lecture)
        people = {one.name: one.id for one in await stores.roster.people()}
        (change,) = await stores.roster.history()
        links = await office.links(lecture, ("镇巴县",))
        words = {
            "lecture": lecture, "member": people["张伟"], "change": change.change.id, "form": "csv", "token": "t",
            "objection": "nothing", "staff": "nobody",
        }  # fmt: skip
        secrets = ["张伟", "李娜", "镇巴县", people["张伟"], people["李娜"], *(link.ticket for link in links)]
        exported = await office.export(lecture, "csv", ("镇巴县",))
        app = service.public()
        client = await stack.enter_async_context(TestClient(TestServer(app)))
        port = Port(client, app, words, secrets, exported)
        await port.sign_in("zhenba")
        new = {"place": "镇巴县会议室", "branch": ["镇巴县"], "host": people["李娜"]}
        made = await client.post(f"/api/lectures/{lecture}/sites", json=new, headers=OURS)
        assert made.status in (200, 201), await made.text()
        words["site"] = (await made.json())["id"]
        await client.delete("/api/session", headers=OURS)
        yield port


async def reason(answer: ClientResponse) -> str:
    return str((await answer.json())["type"]) if answer.content_type == "application/problem+json" else ""


def told(body: bytes) -> str:
    """All text of an answer, a workbook's too."""
    if not body.startswith(b"PK"):
        return body.decode()
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        return "".join(archive.read(name).decode() for name in archive.namelist())


async def test_the_table_names_every_route(port: Port) -> None:
    served = {
        (route.method, route.resource.canonical)
        for route in port.app.router.routes()
        if route.resource is not None and route.method not in ("HEAD", "OPTIONS")
    }
    assert {route for route in served if route[1] not in PUBLIC} == set(STAFF)


async def test_an_outsider_is_refused_everywhere(port: Port) -> None:
    for route in STAFF:
        answer = await port.ask(route)
        assert (answer.status, await reason(answer)) == (401, "not-signed-in"), route


async def test_another_sites_form_is_refused_everywhere(port: Port) -> None:
    await port.sign_in("operator")
    for route in STAFF:
        if route[0] != "GET":
            answer = await port.ask(route, {})
            assert (answer.status, await reason(answer)) == (403, "cross-site"), route


async def test_an_organizer_of_another_branch_gets_nothing_of_ours(port: Port) -> None:
    await port.sign_in("xixiang")
    for route, row in STAFF.items():
        answer = await port.ask(route)
        body = await answer.read()
        assert (answer.status, await reason(answer)) == row.other, (route, body[:300])
        if answer.status < 400:
            found = [secret for secret in port.secrets if secret in told(body)]
            assert not found, (route, found)


async def test_an_asked_scope_beyond_ones_own_is_ones_own(port: Port) -> None:
    await port.sign_in("xixiang")
    for (method, canonical), row in STAFF.items():
        if method == "GET" and row.other == MINE:
            path = canonical.format(**port.words)
            for scope in ("镇巴县", "西乡县 / .. / 镇巴县", "/"):
                answer = await port.client.get(path, params={"scope": scope})
                body = told(await answer.read())
                assert not [secret for secret in port.secrets[:2] + port.secrets[3:] if secret in body], (path, scope)


async def test_an_operator_may_do_all_of_it(port: Port) -> None:
    await port.sign_in("operator")
    port.words["site"] = "nothing"  # what is done with a site has tests of its own
    found = {route: (await port.ask(route)).status for route in STAFF}
    assert found == {route: row.operator for route, row in STAFF.items()}
