from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from attendance.facts import JoinFailed, LectureState
from classroom.io.join_aiohttp import JoinHandlers
from tests.unit.classroom.hall import LECTURE, Hall, Lecture, hall, until

Client = TestClient[web.Request, web.Application]


@pytest.fixture
async def here() -> AsyncIterator[Hall]:
    async with hall() as made:
        yield made


@pytest.fixture
async def client(here: Hall) -> AsyncIterator[Client]:
    app = web.Application()
    app.add_routes(JoinHandlers(here.admission, here.rooms, here.turnstile).routes())
    async with TestClient(TestServer(app)) as found:
        yield found


async def test_a_ticket_is_exchanged_for_what_the_page_needs(here: Hall, client: Client) -> None:
    here.lectures.rows[LECTURE] = Lecture("讲座", 1_800_000_000_000_000)
    answer = await client.post("/api/join", json={"ticket": here.ticket("member-1")})
    assert answer.status == 200
    assert await answer.json() == {
        "lecture": {
            "id": LECTURE,
            "title": "讲座",
            "starts": "2027-01-15T08:00:00Z",
            "ends": None,
            "state": "planned",
        },
        "member": {"id": "member-1", "name": "名member-1", "branch": "镇巴县 / 泾洋"},
        "role": "member",
        "page": "/room",
        "kept_days": 0,
    }


@pytest.mark.parametrize("role", ["lecturer", "host", "guest"])
async def test_the_stage_is_sent_to_the_studio(here: Hall, client: Client, role: str) -> None:
    answer = await client.post("/api/join", json={"ticket": here.ticket(f"{role}-1")})
    assert (await answer.json())["page"] == "/studio"


async def test_refusals_are_problems_in_the_readers_language(here: Hall, client: Client) -> None:
    gone = here.ticket("member-1", lasts=-1)
    answer = await client.post("/api/join", json={"ticket": gone}, headers={"Accept-Language": "en"})
    assert answer.status == 401
    assert answer.content_type == "application/problem+json"
    problem = await answer.json(content_type=None)
    assert problem["type"] == "ticket-expired"
    assert problem["title"].startswith("The link has expired")


async def test_who_comes_while_too_many_are_let_in_is_asked_to_come_again(here: Hall, client: Client) -> None:
    with contextlib.ExitStack() as crowd:
        for _ in range(50):
            crowd.enter_context(here.turnstile.passing())
        answer = await client.post("/api/join", json={"ticket": here.ticket("member-1")})
        assert (answer.status, answer.headers["Retry-After"]) == (503, "3")
        assert (await answer.json(content_type=None))["type"] == "too-many-at-once"
    assert (await client.post("/api/join", json={"ticket": here.ticket("member-1")})).status == 200


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b'{"ticket":""}', b'{"ticket":1}', b'{"ticket":"t","x":1}', b"\xff"]
)
async def test_nonsense_is_one_problem(client: Client, body: bytes) -> None:
    answer = await client.post("/api/join", data=body)
    assert answer.status == 400
    assert (await answer.json(content_type=None))["type"] == "malformed"


async def test_a_body_without_end_is_not_read(client: Client) -> None:
    assert (await client.post("/api/join", data=b"x" * 1_000_000)).status == 413


async def kept(here: Hall, count: int = 1) -> list[JoinFailed]:
    await until(lambda: len(here.recorder.bodies(JoinFailed)) >= count)
    found: list[JoinFailed] = here.recorder.bodies(JoinFailed)
    return found


async def test_whoever_comes_with_a_link_that_holds_no_more_is_known_to_have_come(here: Hall, client: Client) -> None:
    old = here.ticket("member-1")
    await client.post("/api/join", json={"ticket": here.ticket("member-2", lasts=-1)})
    here.roster.serial += 1
    await client.post("/api/join", json={"ticket": old})
    assert await kept(here, 2) == [
        JoinFailed("member-2", "ticket-expired", "link"),
        JoinFailed("member-1", "ticket-revoked", "link"),
    ]


async def test_nothing_is_kept_of_strangers_nor_of_a_lecture_that_is_over(here: Hall, client: Client) -> None:
    await client.post("/api/join", json={"ticket": "x.y"})
    await here.rooms.end(LECTURE, LectureState.PLANNED, None)
    await client.post("/api/join", json={"ticket": here.ticket("member-1", lasts=-1)})
    await asyncio.sleep(0.05)
    assert here.recorder.bodies(JoinFailed) == []


async def test_a_browser_that_cannot_play_is_told_of(here: Hall, client: Client) -> None:
    said = {"ticket": here.ticket("member-1"), "cause": "no-webrtc", "detail": "MicroMessenger"}
    assert (await client.post("/api/join/trouble", json=said)).status == 204
    assert await kept(here) == [JoinFailed("member-1", "no-webrtc", "MicroMessenger")]
    for bad in ({"cause": "autoplay"}, {"detail": "x" * 201}, {"more": 1}):
        assert (await client.post("/api/join/trouble", json=said | bad)).status == 400
    gone = await client.post("/api/join/trouble", json=said | {"ticket": here.ticket("member-1", lasts=-1)})
    assert gone.status == 401
