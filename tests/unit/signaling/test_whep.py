"""WHEP differs from WHIP in its address and in what it asks for; the rest is tests/unit/signaling/test_whip.py."""

from __future__ import annotations

from aiohttp import ClientSession, web
from aiohttp.test_utils import TestServer

from signaling.control import Closing
from signaling.io.whep_aiohttp import WhepHandlers
from signaling.ports import Act, Grant
from signaling.session.answer import Answer, AnsweredLine
from signaling.session.offer import Direction, Fingerprint, Offer, Setup
from signaling.session.turnstile import Turnstile

OFFER = """v=0
o=- 1 1 IN IP4 127.0.0.1
s=-
t=0 0
a=group:BUNDLE 0
m=audio 9 UDP/TLS/RTP/SAVPF 111
a=mid:0
a=rtcp-mux
a=recvonly
a=ice-ufrag:abcd
a=ice-pwd:0123456789abcdef0123456789
a=fingerprint:sha-256 AB:CD
a=setup:actpass
a=rtpmap:111 opus/48000/2
"""


class Room:
    """Admission and relay in one: grants everything, remembers it."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, Act, str | None]] = []
        self.closed: list[str] = []

    async def admit(self, ticket: str, lecture: str, act: Act, slot: str | None) -> Grant:
        self.asked.append((lecture, act, slot))
        return Grant(lecture=lecture, member="m", act=act, slots=("lecturer", "guest"))

    async def opened(self, grant: Grant, peer: str) -> None:
        assert grant.slots == ("lecturer", "guest")

    async def failed(self, ticket: str, lecture: str, act: Act, cause: str) -> None:
        raise AssertionError(cause)

    async def open(self, grant: Grant, peer: str, offer: Offer) -> Answer:
        line = AnsweredLine(
            mid="0",
            kind=offer.lines[0].kind,
            direction=Direction.SENDONLY,
            codecs=offer.lines[0].codecs,
            slot="lecturer",
            ssrc=77,
        )
        return Answer(
            ufrag="ours",
            pwd="p" * 24,
            fingerprint=Fingerprint(algorithm="sha-256", value="AB"),
            setup=Setup.PASSIVE,
            addresses=(("127.0.0.1", 5000),),
            lines=(line,),
        )

    async def close(self, peer: str, reason: Closing) -> None:
        self.closed.append(peer)


async def test_a_member_watches_and_leaves() -> None:
    room = Room()
    app = web.Application()
    app.add_routes(WhepHandlers(room, room, Turnstile(1, lambda: 0.0)).routes())  # type: ignore[arg-type]
    server = TestServer(app)
    await server.start_server()
    async with ClientSession(server.make_url("/")) as client:
        response = await client.post(
            "/whep/evening", data=OFFER, headers={"Content-Type": "application/sdp", "Authorization": "bearer ticket"}
        )
        assert response.status == 201
        location = response.headers["Location"]
        assert location.startswith("/whep/session/")
        text = await response.text()
        assert "a=msid:lecturer lecturer-audio\r\n" in text
        assert "a=ssrc:77 cname:lecturer\r\n" in text
        assert room.asked == [("evening", Act.WATCH, None)]
        assert (await client.options("/whep/evening")).headers["Accept-Post"] == "application/sdp"
        assert (await client.delete(location)).status == 200
        assert room.closed == [location.rsplit("/", 1)[1]]
    await server.close()
