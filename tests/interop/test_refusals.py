"""Every refusal from outside, end to end: its status, its problem type, a sentence in either language; and what an old
link opened is cut when it is replaced. One service for all; the one that the relay's death shows comes last."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import signal
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession, CookieJar, UnixConnector
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from yarl import URL

from attendance.roster import Invitation, Member
from classroom.people.ticket import TicketSigner
from signaling.errors import Refusal
from tests.servers.service import Service, running

OFFERS = Path(__file__).parents[1] / "unit/signaling/offers"
OFFER = (OFFERS / "chromium-watches.sdp").read_text()
PUBLISH = (OFFERS / "chromium-publishes.sdp").read_text()
SDP = "application/sdp"
VIEWERS = 9
ROSTER = "姓名,支部,手机\n" + "".join(f"学员{n:02},镇巴县/第{n % 3}支部,1380000{n:04}\n" for n in range(12))
HAN = re.compile("[\u4e00-\u9fff]")


@dataclass
class Evening:
    """A lecture with people, one that is over, and the ways in."""

    service: Service
    private: ClientSession
    public: ClientSession
    lecture: str = ""
    over: str = ""
    tickets: dict[str, str] = field(default_factory=dict)
    members: dict[str, str] = field(default_factory=dict)

    async def rest(self, method: str, path: str, body: Any = None, data: bytes | None = None) -> Any:
        async with self.private.request(method, path, json=body, data=data) as answer:
            assert answer.status < 300, await answer.text()
            return await answer.json()

    async def import_roster(self, text: str) -> Any:
        return await self.rest("POST", f"/api/roster?name=r.csv&lecture={self.lecture}", data=text.encode())

    async def read_links(self) -> None:
        for link in await self.rest("GET", f"/api/lectures/{self.lecture}/links"):
            name = link["name"] if link["role"] == "member" else link["role"]
            self.tickets[name], self.members[name] = link["ticket"], link["member"]

    async def post(
        self, path: str, ticket: str | None, body: str | bytes = OFFER, kind: str = SDP, language: str = "zh"
    ) -> tuple[int, dict[str, Any], dict[str, str]]:
        """Status, the problem (empty where there is none) and the headers."""
        headers = {"Content-Type": kind, "Accept-Language": language}
        if ticket is not None:
            headers["Authorization"] = f"Bearer {ticket}"
        async with self.public.post(path, data=body, headers=headers) as answer:
            problem = await answer.json() if answer.content_type == "application/problem+json" else {}
            return answer.status, problem, dict(answer.headers)

    async def renew(self, name: str) -> str:
        link = await self.rest("POST", f"/api/lectures/{self.lecture}/links/{self.members[name]}/renew")
        return str(link["ticket"])

    def signed(self, name: str, expires: int, role: str = "member", member: str | None = None) -> str:
        keys = (self.service.data / "keys" / "tickets").read_text().split()
        invitation = Invitation(self.lecture, Member(member or self.members[name], "", ()), role, 1)
        return TicketSigner(keys).issue(invitation, expires * 1_000_000)


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("refusals")
    with running(folder, CLASSROOM_VIEWER_LIMIT=str(VIEWERS), CLASSROOM_LOG_LEVEL="debug") as up:
        yield up


@pytest.fixture
async def evening(service: Service) -> AsyncIterator[Evening]:
    """A new lecture for each test: what one does to it, the next does not see."""
    connector = UnixConnector(str(service.data / "service.sock"))
    async with ClientSession("http://classroom", connector=connector) as private, ClientSession(service.url) as public:
        made = Evening(service, private, public)
        made.lecture = (await made.rest("POST", "/api/lectures", {"title": "晚间课堂"}))["id"]
        made.over = (await made.rest("POST", "/api/lectures", {"title": "上一场"}))["id"]
        await made.import_roster(ROSTER)
        await made.read_links()
        yield made


def explains(problem: dict[str, Any], status: int, reason: str, language: str) -> None:
    """A problem (RFC 9457) whose title helps a reader of that language."""
    assert (problem["type"], problem["status"]) == (reason, status)
    assert bool(HAN.search(problem["title"])) == (language == "zh")
    assert len(problem["title"]) >= 5


STATUSES = {
    Refusal.MALFORMED: 400,
    Refusal.NO_TICKET: 401,
    Refusal.BAD_TICKET: 401,
    Refusal.EXPIRED: 401,
    Refusal.REVOKED: 401,
    Refusal.BARRED: 403,
    Refusal.ROLE: 403,
    Refusal.NO_LECTURE: 404,
    Refusal.NO_SESSION: 404,
    Refusal.LECTURE_OVER: 410,
    Refusal.TOO_LARGE: 413,
    Refusal.NOT_SDP: 415,
    Refusal.NO_CODEC: 422,
    Refusal.TOO_MANY_TRIES: 429,
    Refusal.TOO_MANY_DEVICES: 429,
    Refusal.CROWDED: 503,
    Refusal.FULL: 503,
    Refusal.RELAY_DOWN: 503,
    Refusal.ELSEWHERE: 503,
}
"""As docs/protocol.md §2 says them."""


def test_the_document_says_each_refusal_with_its_status() -> None:
    assert set(STATUSES) == set(Refusal)
    text = (Path(__file__).parents[2] / "docs/protocol.md").read_text()
    said = {
        reason: int(row[2])
        for row in re.finditer(r"^\| ((?:`[a-z-]+`(?:, )?)+) \| (\d{3})", text, re.MULTILINE)
        for reason in re.findall(r"`([a-z-]+)`", row[1])
    }
    assert {reason.value: status for reason, status in STATUSES.items()}.items() <= said.items()


@pytest.mark.parametrize("language", ["zh", "en"])
async def test_whip_and_whep_refuse_each_in_its_own_way(evening: Evening, language: str) -> None:
    way, tickets = evening, evening.tickets
    watch, lead = f"/whep/{way.lecture}", f"/whip/{way.lecture}/lecturer"
    lecturer, member, other = tickets["lecturer"], tickets["学员00"], tickets["学员01"]
    ended = [link for link in await way.rest("GET", f"/api/lectures/{way.over}/links") if link["role"] == "lecturer"]
    await way.rest("POST", f"/api/lectures/{way.over}/end")
    await way.renew("学员02")
    no_codec = re.sub(r"(?im)^(a=rtpmap:\d+ )(opus|vp8|h264)/", r"\1unknown/", OFFER)
    table: list[tuple[Refusal, str, str | None, str | bytes, str]] = [
        (Refusal.MALFORMED, watch, member, "v=0", SDP),
        (Refusal.MALFORMED, watch, member, b"\xff\xfe\x00", SDP),
        (Refusal.MALFORMED, lead, lecturer, OFFER.replace("a=fingerprint", "a=nothing"), SDP),
        (Refusal.NO_TICKET, watch, None, OFFER, SDP),
        (Refusal.BAD_TICKET, watch, member[:-1] + ("A" if member[-1] != "A" else "B"), OFFER, SDP),
        (Refusal.BAD_TICKET, lead, "票" * 3, OFFER, SDP),
        (Refusal.BAD_TICKET, lead, "x" * 5_000, OFFER, SDP),
        (Refusal.EXPIRED, watch, way.signed("学员00", int(time.time()) - 1), OFFER, SDP),
        (Refusal.REVOKED, watch, tickets["学员02"], OFFER, SDP),
        (Refusal.REVOKED, watch, way.signed("学员00", 2**32, member="nobody"), OFFER, SDP),
        (Refusal.REVOKED, lead, way.signed("学员00", 2**32, role="lecturer"), OFFER, SDP),
        (Refusal.ROLE, lead, member, OFFER, SDP),
        (Refusal.ROLE, f"/whip/{way.lecture}/host", lecturer, OFFER, SDP),
        (Refusal.ROLE, f"/whip/{way.lecture}/backstage", lecturer, OFFER, SDP),
        (Refusal.ROLE, f"/whep/{way.over}", other, OFFER, SDP),  # a lecture that they are not invited to
        (Refusal.NO_LECTURE, "/whep/nowhere", other, OFFER, SDP),
        (Refusal.NO_LECTURE, "/whip/%00/lecturer", lecturer, OFFER, SDP),
        (Refusal.LECTURE_OVER, f"/whip/{way.over}/lecturer", ended[0]["ticket"], OFFER, SDP),
        (Refusal.TOO_LARGE, watch, other, b"v" * 70_000, SDP),
        (Refusal.NOT_SDP, watch, other, OFFER, "text/plain"),
        (Refusal.NO_CODEC, watch, other, no_codec, SDP),
    ]
    for reason, path, ticket, body, kind in table:
        status, problem, headers = await way.post(path, ticket, body, kind, language)
        assert status == STATUSES[reason], (reason, problem)
        explains(problem, status, reason.value, language)
        assert headers["Access-Control-Allow-Origin"] == "*"
        assert headers["Cache-Control"] == "no-store"
        assert ("WWW-Authenticate" in headers) == (status == 401)
    for method in ("DELETE", "PATCH"):
        address = "/whep/session/abcdefghijklmnopqrstuvwx"
        async with way.public.request(method, address, headers={"Accept-Language": language}) as answer:
            assert answer.status == 404
            explains(await answer.json(), 404, "no-such-session", language)
    for _ in range(25):
        status, problem, headers = await way.post(watch, tickets["学员03"], "v=0", language=language)
    explains(problem, 429, "too-many-tries", language)
    assert int(headers["Retry-After"]) > 0


async def test_too_many_sessions_and_a_full_service(evening: Evening) -> None:
    way, opened = evening, []
    for _ in range(8):
        status, _, headers = await way.post(f"/whep/{way.lecture}", way.tickets["学员04"])
        assert status == 201
        opened.append(headers["Location"])
    status, problem, headers = await way.post(f"/whep/{way.lecture}", way.tickets["学员04"], language="en")
    explains(problem, 429, "too-many-devices", "en")
    status, _, headers = await way.post(f"/whep/{way.lecture}", way.tickets["学员05"])
    assert status == 201
    opened.append(headers["Location"])
    status, problem, headers = await way.post(f"/whep/{way.lecture}", way.tickets["学员06"])
    explains(problem, 503, "lecture-full", "zh")
    assert int(headers["Retry-After"]) > 0
    for location in opened:
        async with way.public.delete(location) as answer:
            assert answer.status == 200
    await open_again(way, "学员06")


async def open_again(way: Evening, name: str) -> str:
    """A session's address, once there is room again."""
    async with asyncio.timeout(5):
        while True:
            status, _, headers = await way.post(f"/whep/{way.lecture}", way.tickets[name])
            if status == 201:
                return headers["Location"]
            await asyncio.sleep(0.5)


@contextlib.asynccontextmanager
async def page(way: Evening, ticket: str) -> AsyncIterator[ClientConnection]:
    async with connect(way.service.url.replace("http", "ws") + "/ws") as client:
        await client.send(json.dumps({"type": "hello", "ticket": ticket}))
        assert json.loads(await client.recv())["type"] == "snapshot"
        yield client


async def cut(client: ClientConnection) -> tuple[int | None, str]:
    """Close code and the reason told before it, within three seconds."""
    reason = ""
    async with asyncio.timeout(3):
        with contextlib.suppress(ConnectionClosed):
            while True:
                message = json.loads(await client.recv())
                reason = message["reason"] if message["type"] == "error" else reason
    return client.close_code, reason


async def gone(way: Evening, location: str) -> None:
    """The session is closed, within three seconds."""
    async with asyncio.timeout(3):
        while True:
            kind = {"Content-Type": "application/trickle-ice-sdpfrag"}
            async with way.public.patch(location, data="", headers=kind) as answer:
                if answer.status == 404:
                    return
            await asyncio.sleep(0.05)


async def test_a_renewed_link_cuts_what_the_old_one_opened(evening: Evening) -> None:
    way = evening
    old = way.tickets["学员07"]
    async with page(way, old) as mine, page(way, way.tickets["学员08"]) as others:
        (watching, theirs) = [
            (await way.post(f"/whep/{way.lecture}", way.tickets[name]))[2]["Location"] for name in ("学员07", "学员08")
        ]
        leading = (await way.post(f"/whip/{way.lecture}/lecturer", way.tickets["lecturer"], PUBLISH))[2]["Location"]
        new = await way.renew("学员07")
        assert await cut(mine) == (4401, "ticket-revoked")
        await gone(way, watching)
        await way.renew("lecturer")
        await gone(way, leading)
        await others.ping()
        assert others.close_code is None
        async with way.public.delete(theirs) as answer:  # the others' goes on until they end it
            assert answer.status == 200
    async with way.public.post("/api/join", json={"ticket": old}) as answer:
        assert (answer.status, (await answer.json())["type"]) == (401, "ticket-revoked")
    async with page(way, new):
        pass


async def test_an_import_leaves_links_alone_but_for_a_changed_role(evening: Evening) -> None:
    way = evening
    lines = ROSTER.splitlines()
    moved = [lines[0], lines[1].replace("第0支部", "第9支部"), lines[2].replace("1380000", "1390000")]
    async with page(way, way.tickets["学员00"]) as first, page(way, way.tickets["学员05"]) as missing:
        result = await way.import_roster("\n".join(moved))
        assert (result["added"], result["changed"]) == (0, 2)
        for name in ("学员00", "学员01", "学员05"):
            async with way.public.post("/api/join", json={"ticket": way.tickets[name]}) as answer:
                assert answer.status == 200, await answer.text()
        await first.ping()
        await missing.ping()
        assert first.close_code is missing.close_code is None
        await way.import_roster(f"姓名,支部,手机,角色\n{lines[6]},嘉宾\n")
        assert await cut(missing) == (4401, "ticket-revoked")
        await first.ping()
    before = way.tickets["学员00"]
    way.tickets.clear()
    await way.read_links()
    assert way.tickets["学员00"] == before


async def test_rest_by_cookie_needs_the_header_and_keeps_to_the_branch(evening: Evening) -> None:
    way = evening
    name, password = f"org-{way.lecture}", "correct horse"
    await way.rest("POST", "/api/roster?name=other.csv", data="姓名,支部\n郑外,西乡县/城北街道\n".encode())
    await way.rest("POST", "/api/staff", {"name": name, "password": password, "branch": ["西乡县"]})
    site, one = {"X-Requested-With": "classroom"}, f"/api/lectures/{way.lecture}"
    async with ClientSession(way.service.url, cookie_jar=CookieJar(unsafe=True)) as client:  # for an address
        for method, path in (("GET", one), ("POST", one + "/start"), ("POST", "/api/roster"), ("GET", one + "/links")):
            async with client.request(method, path, headers=site) as answer:
                explains(await answer.json(), 401, "not-signed-in", "zh")
        async with client.post("/api/session", json={"name": name, "password": "wrong horse"}) as answer:
            explains(await answer.json(), 401, "wrong-password", "zh")
        async with client.post("/api/session", json={"name": name, "password": password}) as answer:
            assert answer.status == 200
            cookie = answer.headers["Set-Cookie"]
            assert "HttpOnly" in cookie
            assert "SameSite=Lax" in cookie
        refused: list[tuple[str, str, dict[str, str], int, str]] = [
            ("POST", f"{one}/links/{way.members['学员00']}/renew", {}, 403, "cross-site"),
            ("POST", f"{one}/links/{way.members['学员00']}/renew", site, 404, "no-such-member"),
            ("POST", "/api/roster", {}, 403, "cross-site"),
            ("POST", f"{one}/start", site, 403, "role-may-not"),
            ("POST", "/api/lectures", site, 403, "role-may-not"),
            ("POST", "/api/staff", site, 403, "role-may-not"),
            ("GET", "/api/lectures/nowhere", {}, 404, "no-such-lecture"),
            ("GET", "/api/nowhere", {}, 404, "no-such-page"),
            ("PUT", "/api/lectures", site, 405, "no-such-method"),
        ]
        for method, path, headers, status, reason in refused:
            async with client.request(method, path, headers=headers) as answer:
                assert answer.status == status, (path, await answer.text())
                explains(await answer.json(), status, reason, "zh")
        async with client.get(f"{one}/links?scope=镇巴县") as answer:  # another branch than their own
            assert await answer.json() == []
            assert answer.headers["Cache-Control"] == "no-store"
        async with client.get(f"{one}/live") as answer:
            assert (await answer.json())["members"] == []
            assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'")
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
            assert answer.headers["Referrer-Policy"] == "no-referrer"
        async with client.post(f"/api/roster?lecture={way.lecture}", data=ROSTER.encode(), headers=site) as answer:
            result = await answer.json()
            assert (result["added"], result["changed"], len(result["refused"])) == (0, 0, 12)


async def test_a_page_of_another_site_gets_no_channel(evening: Evening) -> None:
    upgrade = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13"}
    headers = {**upgrade, "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==", "Origin": "https://elsewhere.example"}
    async with evening.public.get("/ws", headers=headers) as answer:
        explains(await answer.json(), 403, "cross-site", "zh")


async def test_files_outside_the_pages_cannot_be_reached(evening: Evening) -> None:
    for address in ("/assets/../../service.py", "/assets/%2e%2e/%2e%2e/service.py", "/assets/a%00.js", "/..%2fa.txt"):
        async with evening.public.get(URL(f"{evening.service.url}{address}", encoded=True)) as answer:
            explains(await answer.json(), 404, "no-such-page", "zh")


@pytest.mark.parametrize(
    ("frames", "code"),
    [
        (["{"], 4400),
        ([b"\x00\x01"], 4400),
        (['{"type":"chat","text":"x"}'], 4400),
        (['{"type":"unknown"}'], 4400),
        (['{"type":"hello","ticket":5}'], 4400),
        (["[" * 60_000], 4400),
        (["x" * 1_000_000], 1009),
        (['{"type":"hello","ticket":"x"}'], 4401),
    ],
)
async def test_the_channel_closes_with_the_code_of_what_was_wrong(
    service: Service, frames: list[str | bytes], code: int
) -> None:
    async with connect(service.url.replace("http", "ws") + "/ws") as client:
        for frame in frames:
            await client.send(frame)
        assert (await cut(client))[0] == code


async def test_a_dead_relay_is_said_so_and_nothing_secret_was_logged(evening: Evening) -> None:
    way = evening
    os.kill(way.service.relay_pid(), signal.SIGKILL)
    async with asyncio.timeout(5):
        while True:
            status, problem, headers = await way.post(f"/whep/{way.lecture}", way.tickets["学员09"], language="en")
            if status == 503:
                break
            await asyncio.sleep(0.02)
    explains(problem, 503, "relay-restarting", "en")
    assert int(headers["Retry-After"]) > 0
    await asyncio.to_thread(way.service.wait_ready)
    log = (way.service.folder / "serve.log").read_text()
    assert "POST /whep/{lecture} 401" in log
    assert not [ticket for ticket in way.tickets.values() if ticket in log or ticket.rsplit(".", 1)[1] in log]
    assert "1380000" not in log
    assert "correct horse" not in log
    assert "/session/{peer}" in log
    assert not re.search(r"/session/[A-Za-z0-9_-]{16,}", log)
