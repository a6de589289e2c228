"""WHIP over a real aiohttp server, with an admission and a relay that do as told."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from aiohttp import ClientResponse, ClientSession, web
from aiohttp.test_utils import TestServer

from signaling.control import Audience, Closing, OpenPeer
from signaling.errors import Refusal, Refused
from signaling.io.problem_aiohttp import REFUSALS
from signaling.io.whip_aiohttp import WhipHandlers
from signaling.ports import Act, Grant
from signaling.session.answer import Answer, AnsweredLine
from signaling.session.offer import Direction, Fingerprint, Offer, Setup
from signaling.session.turnstile import Turnstile

OFFER = (Path(__file__).parent / "offers/chromium-publishes.sdp").read_text()
SDP = {"Content-Type": "application/sdp"}
BEARER = {"Authorization": "Bearer ticket"}


class FakeAdmission:
    def __init__(self) -> None:
        self.refuse: Refused | None = None
        self.admitted: list[tuple[str, str, Act, str | None]] = []
        self.told: list[str] = []
        self.failures: list[tuple[str, str]] = []
        self.breaks = False

    async def admit(self, ticket: str, lecture: str, act: Act, slot: str | None) -> Grant:
        self.admitted.append((ticket, lecture, act, slot))
        if self.refuse is not None:
            raise self.refuse
        return Grant(lecture=lecture, member="m", act=act, slots=(slot or "lecturer",))

    async def opened(self, grant: Grant, peer: str) -> None:
        if self.breaks:
            raise RuntimeError("the room is gone")
        self.told.append(peer)

    async def failed(self, ticket: str, lecture: str, act: Act, cause: str) -> None:
        self.failures.append((ticket, cause))


class FakeRelay:
    def __init__(self) -> None:
        self.refuse: Refused | None = None
        self.open_peers: list[str] = []
        self.closed: list[tuple[str, Closing]] = []
        self.ready = asyncio.Event()
        self.ready.set()
        self.asked = asyncio.Event()

    async def open(self, grant: Grant, peer: str, offer: Offer) -> Answer:
        self.asked.set()
        await self.ready.wait()
        if self.refuse is not None:
            raise self.refuse
        self.open_peers.append(peer)
        return Answer(
            ufrag="ours",
            pwd="p" * 24,
            fingerprint=Fingerprint(algorithm="sha-256", value="AB:CD"),
            setup=Setup.PASSIVE,
            addresses=(("127.0.0.1", 5000),),
            lines=tuple(
                AnsweredLine(mid=line.mid, kind=line.kind, direction=Direction.RECVONLY, codecs=line.codecs)
                for line in offer.lines
            ),
        )

    async def close(self, peer: str, reason: Closing) -> None:
        if peer not in self.open_peers:
            raise Refused(Refusal.NO_SESSION)
        self.open_peers.remove(peer)
        self.closed.append((peer, reason))

    def knows(self, peer: str) -> bool:
        return peer in self.open_peers

    async def route(self, publication: str, slot: str | None, audience: Audience) -> None:
        raise NotImplementedError

    async def peers(self) -> tuple[OpenPeer, ...]:
        raise NotImplementedError

    def events(self) -> object:
        raise NotImplementedError


class Service:
    """A server with WHIP on it, and a client."""

    def __init__(self, at_once: int = 50) -> None:
        self.admission, self.relay = FakeAdmission(), FakeRelay()
        app = web.Application()
        turnstile = Turnstile(at_once, lambda: 0.5)
        app.add_routes(WhipHandlers(self.admission, self.relay, turnstile).routes())  # type: ignore[arg-type]
        self._server = TestServer(app)

    async def __aenter__(self) -> Service:
        await self._server.start_server()
        self.client = ClientSession(self._server.make_url("/"))
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.client.close()
        await self._server.close()

    async def post(self, text: str | bytes = OFFER, **headers: str) -> ClientResponse:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.client.post("/whip/lecture/lecturer", data=text, headers={**SDP, **BEARER, **named})


async def test_an_offer_is_answered_with_a_session() -> None:
    async with Service() as service:
        response = await service.post()
        assert response.status == 201
        assert response.content_type == "application/sdp"
        assert response.headers["ETag"].startswith('"')
        assert response.headers["Access-Control-Allow-Origin"] == "*"
        assert "Location" in response.headers["Access-Control-Expose-Headers"]
        assert (await response.text()).startswith("v=0\r\n")
        peer = service.relay.open_peers[0]
        assert response.headers["Location"] == f"/whip/session/{peer}"
        assert len(peer) == 24
        assert service.admission.told == [peer]
        assert service.admission.admitted == [("ticket", "lecture", Act.PUBLISH, "lecturer")]
        assert service.admission.failures == []


async def test_delete_needs_the_url_alone() -> None:
    async with Service() as service:
        location = (await service.post()).headers["Location"]
        assert (await service.client.delete(location)).status == 200
        assert service.relay.closed[0][1] is Closing.DELETED
        for gone in (location, "/whip/session/" + "x" * 24, "/whip/session/a"):
            response = await service.client.delete(gone)
            assert response.status == 404
            assert (await response.json(content_type=None))["type"] == "no-such-session"


async def test_candidates_are_taken_and_a_restart_is_not() -> None:
    async with Service() as service:
        location = (await service.post()).headers["Location"]
        fragment = {"Content-Type": "application/trickle-ice-sdpfrag"}
        assert (await service.client.patch(location, data="a=end-of-candidates", headers=fragment)).status == 204
        assert (await service.client.patch(location, data="x", headers=SDP)).status == 415
        gone = location[:-1] + ("a" if location[-1] != "a" else "b")
        assert (await service.client.patch(gone, data="a=end-of-candidates", headers=fragment)).status == 404
        restart = await service.client.patch(location, data="x", headers={**fragment, "If-Match": "*"})
        assert restart.status == 422


async def test_a_preflight_is_answered() -> None:
    async with Service() as service:
        for path in ("/whip/lecture/lecturer", "/whip/session/" + "x" * 24):
            response = await service.client.options(path, headers={"Origin": "https://elsewhere.example"})
            assert response.status == 204
            assert response.headers["Accept-Post"] == "application/sdp"
            assert "Authorization" in response.headers["Access-Control-Allow-Headers"]
            assert "DELETE" in response.headers["Access-Control-Allow-Methods"]


@pytest.mark.parametrize("reason", list(REFUSALS))
async def test_each_refusal_has_its_status_and_a_sentence(reason: Refusal) -> None:
    async with Service() as service:
        service.admission.refuse = Refused(reason, "details", 7)
        titles = []
        for language in ("zh-CN,zh;q=0.9,en;q=0.8", "en-GB,en;q=0.9,zh;q=0.1", ""):
            response = await service.post(Accept_Language=language)
            problem = json.loads(await response.text())
            assert response.content_type == "application/problem+json"
            assert response.headers["Retry-After"] == "7"
            assert response.headers["Access-Control-Allow-Origin"] == "*"
            assert (problem["type"], problem["status"], problem["detail"]) == (reason.value, response.status, "details")
            titles.append(problem["title"])
        assert titles[0] == titles[2] != titles[1]
        assert titles[1].isascii()
        kept = 0 if reason is Refusal.CROWDED else 3  # who comes again in a moment has not failed
        assert service.admission.failures == [("ticket", reason.value)] * kept


def test_the_statuses_are_those_of_the_protocol() -> None:
    assert {reason.value: status for reason, (status, _) in REFUSALS.items()} == {
        "malformed-sdp": 400,
        "no-ticket": 401,
        "bad-ticket": 401,
        "ticket-expired": 401,
        "ticket-revoked": 401,
        "barred": 403,
        "role-may-not": 403,
        "no-such-lecture": 404,
        "no-such-session": 404,
        "lecture-over": 410,
        "too-large": 413,
        "not-sdp": 415,
        "no-common-codec": 422,
        "too-many-tries": 429,
        "too-many-devices": 429,
        "too-many-at-once": 503,
        "lecture-full": 503,
        "lecture-elsewhere": 503,
        "relay-restarting": 503,
    }
    assert set(REFUSALS) == set(Refusal)


async def test_who_comes_while_too_many_offers_are_under_way_is_asked_to_come_again() -> None:
    async with Service(at_once=1) as service:
        service.relay.ready.clear()
        async with asyncio.TaskGroup() as tasks:
            first = tasks.create_task(service.post())
            await service.relay.asked.wait()
            second = await service.post()
            service.relay.ready.set()
        assert (await first).status == 201
        assert second.status == 503
        assert 1 <= int(second.headers["Retry-After"]) <= 4
        problem = json.loads(await second.text())
        assert problem["type"] == "too-many-at-once"
        assert problem["title"]
        assert service.admission.failures == []  # nobody was refused for good
        assert (await service.post()).status == 201


@pytest.mark.parametrize("authorization", ["", "Bearer", "Bearer  ", "Basic dGlja2V0"])
async def test_no_ticket(authorization: str) -> None:
    async with Service() as service:
        response = await service.post(Authorization=authorization)
        assert response.status == 401
        assert response.headers["WWW-Authenticate"] == "Bearer"
        assert service.admission.failures == []
        assert service.admission.admitted == []


@pytest.mark.parametrize(
    ("text", "headers", "status", "cause"),
    [
        ("v=0", {}, 400, "malformed-sdp"),
        (b"\xff\xfe", {}, 400, "malformed-sdp"),
        (OFFER, {"Content_Type": "text/plain"}, 415, "not-sdp"),
        ("v=0\n" + "a" * 70_000, {}, 413, "too-large"),
        (OFFER, {"Authorization": "Bearer " + "x" * 5_000}, 401, "bad-ticket"),
    ],
)
async def test_bad_requests(text: str | bytes, headers: dict[str, str], status: int, cause: str) -> None:
    async with Service() as service:
        response = await service.post(text, **headers)
        assert response.status == status
        assert json.loads(await response.text())["type"] == cause
        assert service.relay.open_peers == []


async def test_a_body_without_a_length_is_read_no_further_than_the_limit() -> None:
    async with Service() as service:

        async def endless() -> object:
            for _ in range(100):
                yield b"a" * 10_000

        response = await service.client.post("/whip/lecture/lecturer", data=endless(), headers={**SDP, **BEARER})
        assert response.status == 413


async def test_the_relays_refusal_is_told_to_the_room_too() -> None:
    async with Service() as service:
        service.relay.refuse = Refused(Refusal.NO_CODEC)
        response = await service.post()
        assert response.status == 422
        assert service.admission.failures == [("ticket", "no-common-codec")]


async def test_a_peer_that_the_room_could_not_be_told_of_is_closed() -> None:
    async with Service() as service:
        service.admission.breaks = True
        assert (await service.post()).status == 500
        assert service.relay.open_peers == []
