"""WHEP before a Janus that says what the real one says, and nothing more."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import ClientSession, ClientWebSocketResponse, web
from aiohttp.test_utils import TestClient, TestServer

from benchmarks.peers.whep_janus import PATH, Handlers, Session
from tests.unit.benchmarks.test_sdp_janus import JANUS, PLAYER

Client = TestClient[web.Request, web.Application]


class Janus:
    """The part of the WebSocket interface that streaming needs."""

    def __init__(self) -> None:
        self.requests: list[dict[str, Any]] = []
        self.watched: dict[str, Any] = {"jsep": {"type": "offer", "sdp": JANUS}}

    async def serve(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(protocols=["janus-protocol"])
        await socket.prepare(request)
        async for message in socket:
            asked = message.json()
            self.requests.append(asked)
            for answer in self._answers(asked):
                await socket.send_json({**answer, "transaction": asked["transaction"]})
        return socket

    def _answers(self, asked: dict[str, Any]) -> list[dict[str, Any]]:
        match asked["janus"]:
            case "create":
                return [{"janus": "success", "data": {"id": 7}}]
            case "attach":
                return [{"janus": "success", "data": {"id": 4_711}}]
            case "message" if asked["body"]["request"] == "watch":
                return [{"janus": "ack"}, {"janus": "event", **self.watched}]
            case "message":
                return [{"janus": "ack"}, {"janus": "event", "plugindata": {"data": {"result": {}}}}]
            case _:
                return [{"janus": "success"}]

    def asked(self, kind: str) -> list[dict[str, Any]]:
        return [request for request in self.requests if request["janus"] == kind]


@pytest.fixture
def janus() -> Janus:
    return Janus()


@pytest.fixture
async def whep(janus: Janus) -> AsyncIterator[Client]:
    app = web.Application()
    app.router.add_get("/", janus.serve)
    async with TestServer(app) as server, ClientSession() as client:
        socket: ClientWebSocketResponse = await client.ws_connect(server.make_url("/"), protocols=["janus-protocol"])
        session = Session(socket)
        reading = asyncio.create_task(session.run())
        await session.begin()
        front = web.Application()
        front.add_routes(Handlers(session).routes())
        async with TestClient(TestServer(front)) as player:
            yield player
        await socket.close()
        await reading


async def test_a_player_is_joined_with_the_mountpoint(whep: Client, janus: Janus) -> None:
    answer = await whep.post(PATH, data=PLAYER, headers={"Content-Type": "application/sdp"})
    assert answer.status == 201
    assert answer.headers["Location"] == f"{PATH}/4711"
    assert answer.content_type == "application/sdp"
    assert "a=ice-ufrag:janus" in await answer.text()
    watch, start = janus.asked("message")
    assert (watch["session_id"], watch["handle_id"]) == (7, 4_711)
    assert start["body"] == {"request": "start"}
    assert start["jsep"]["type"] == "answer"
    assert "a=ice-ufrag:player" in start["jsep"]["sdp"]


async def test_leaving_gives_the_handle_back_once(whep: Client, janus: Janus) -> None:
    location = (await whep.post(PATH, data=PLAYER)).headers["Location"]
    assert (await whep.patch(location)).status == 204
    assert (await whep.delete(location)).status == 200
    assert (await whep.delete(location)).status == 404
    assert [request["handle_id"] for request in janus.asked("detach")] == [4_711]


async def test_an_offer_that_does_not_fit_leaves_no_handle_behind(whep: Client, janus: Janus) -> None:
    assert (await whep.post(PATH, data=PLAYER[: PLAYER.index("m=audio")])).status == 422
    assert len(janus.asked("attach")) == len(janus.asked("detach")) == 1


async def test_what_is_no_description_does_not_reach_janus(whep: Client, janus: Janus) -> None:
    assert (await whep.post(PATH, data="m=video")).status == 422
    assert not janus.asked("attach")


async def test_what_janus_refuses_is_a_bad_gateway(whep: Client, janus: Janus) -> None:
    janus.watched = {"plugindata": {"data": {"error_code": 455, "error": "No such mountpoint/stream 1"}}}
    answer = await whep.post(PATH, data=PLAYER)
    assert answer.status == 502
    assert "No such mountpoint" in await answer.text()
    assert len(janus.asked("detach")) == 1
