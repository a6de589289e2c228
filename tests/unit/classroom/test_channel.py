from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import os
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from attendance.facts import JoinFailed, MemberConnected, MemberDisconnected
from classroom.io import channel_aiohttp
from classroom.room.inputs import Ordered
from signaling.errors import Refusal, Refused
from tests.unit.classroom.hall import LECTURE, Hall, hall, until

SECOND = 1_000_000


@pytest.fixture
async def here() -> AsyncIterator[Hall]:
    async with hall() as made:
        yield made


async def enter(here: Hall, member: str, **more: object) -> ClientConnection:
    client = await connect(here.url, compression=None)
    await client.send(here.hello(member, **more))
    return client


async def next_of(client: ClientConnection, kind: str) -> dict[str, Any]:
    """The next message of a type; others are passed over."""
    async with asyncio.timeout(5):
        while True:
            message = json.loads(await client.recv())
            for each in message["messages"] if message["type"] == "batch" else [message]:
                if each["type"] == kind:
                    found: dict[str, Any] = each
                    return found


async def closed(client: ClientConnection) -> tuple[int, list[dict[str, Any]]]:
    """The close code, and what was said before it."""
    said: list[dict[str, Any]] = []
    async with asyncio.timeout(10):
        with contextlib.suppress(ConnectionClosed):
            while True:
                said.append(json.loads(await client.recv()))
    code = client.close_code
    assert code is not None
    return code, said


async def refused(here: Hall, *frames: str | bytes) -> int:
    client = await connect(here.url)
    for frame in frames:
        await client.send(frame)
    code, said = await closed(client)
    assert said[-1]["type"] == "error"
    assert said[-1]["fatal"] is True
    assert said[-1]["text"]
    return code


async def test_hello_is_answered_with_a_snapshot_and_chat_reaches_everybody(here: Hall) -> None:
    first, second = await enter(here, "member-1"), await enter(here, "member-2")
    snapshot = await next_of(first, "snapshot")
    assert snapshot["you"]["branch"] == "镇巴县 / 泾洋"
    assert snapshot["whep"] == f"/whep/{LECTURE}"
    await next_of(second, "snapshot")
    await first.send(json.dumps({"type": "chat", "text": "大家好", "key": "k"}))
    for client in (first, second):
        said = await next_of(client, "chat")
        assert (said["text"], said["key"], said["name"]) == ("大家好", "k", "名member-1")


async def test_what_is_said_together_leaves_together(here: Hall) -> None:
    client = await enter(here, "member-1")
    await next_of(client, "snapshot")
    for number in range(3):
        await client.send(json.dumps({"type": "chat", "text": f"{number}"}))
    seen: list[str] = []
    frames = 0
    while len(seen) < 3:
        message = json.loads(await asyncio.wait_for(client.recv(), 5))
        each = message["messages"] if message["type"] == "batch" else [message]
        texts = [one["text"] for one in each if one["type"] == "chat"]
        frames += bool(texts)
        seen += texts
    assert seen == ["0", "1", "2"]
    assert frames < 3


async def test_who_returns_gets_exactly_what_was_missed(here: Hall) -> None:
    speaker, listener = await enter(here, "member-1"), await enter(here, "member-2")
    await next_of(speaker, "snapshot")
    await speaker.send(json.dumps({"type": "chat", "text": "一"}))
    last = (await next_of(listener, "chat"))["seq"]
    await listener.close()
    await speaker.send(json.dumps({"type": "chat", "text": "二"}))
    await next_of(speaker, "chat")
    await next_of(speaker, "chat")
    again = await enter(here, "member-2", last=last)
    assert (await next_of(again, "resumed"))["seq"] > last
    said = await next_of(again, "chat")
    assert said["text"] == "二"


async def test_refusals_have_codes_of_their_own(here: Hall) -> None:
    bad = json.dumps({"type": "hello", "ticket": "x.y"})
    expired = json.dumps({"type": "hello", "ticket": here.ticket("member-1", lasts=-1)})
    revoked = json.dumps({"type": "hello", "ticket": here.ticket("member-1", serial=7)})
    nowhere = json.dumps({"type": "hello", "ticket": here.ticket("member-1", lecture="gone")})
    for ticket in (bad, expired, revoked):
        assert await refused(here, ticket) == 4401
    assert await refused(here, nowhere) == 4404
    assert await refused(here, "{}") == 4400
    assert await refused(here, b"\x00") == 4400
    assert await refused(here, json.dumps({"type": "chat", "text": "x"})) == 4400
    assert await refused(here, here.hello("member-1"), here.hello("member-1")) == 4400


async def test_who_says_hello_while_too_many_do_is_asked_to_come_again(here: Hall) -> None:
    with contextlib.ExitStack() as crowd:
        for _ in range(50):
            crowd.enter_context(here.turnstile.passing())
        client = await connect(here.url)
        await client.send(here.hello("member-1"))
        code, said = await closed(client)
        assert (code, said[-1]["reason"]) == (1012, "too-many-at-once")
    await next_of(await enter(here, "member-1"), "snapshot")


async def test_a_fourth_device_is_refused(here: Hall) -> None:
    clients = [await enter(here, "member-1", device=f"d{number}") for number in range(3)]
    for client in clients:
        await next_of(client, "snapshot")
    assert await refused(here, here.hello("member-1", device="d4")) == 4409
    assert len(here.recorder.bodies(MemberConnected)) == 3
    assert here.recorder.bodies(JoinFailed) == [JoinFailed("member-1", "too-many-devices", "room")]


async def test_a_lecture_that_is_over_is_closed(here: Hall) -> None:
    client = await enter(here, "member-1")
    await next_of(client, "snapshot")
    here.rooms.feed(LECTURE, Ordered("end", None))
    assert (await next_of(client, "lecture"))["state"] in ("lobby", "ended")
    assert await refused(here, here.hello("member-2")) == 4410


async def test_silence_instead_of_hello(here: Hall, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(channel_aiohttp, "HELLO_WITHIN", 0.05)
    assert await refused(here) == 4408


async def test_a_message_that_is_too_big(here: Hall) -> None:
    client = await enter(here, "member-1")
    await next_of(client, "snapshot")
    await client.send("x" * (channel_aiohttp.MAX_MESSAGE + 1))
    assert (await closed(client))[0] == 1009


async def test_a_flood_is_cut_off(here: Hall) -> None:
    client = await enter(here, "member-1")
    await next_of(client, "snapshot")
    for _ in range(200):
        await client.send(json.dumps({"type": "heartbeat", "visible": True, "playing": True}))
    assert (await closed(client))[0] == 4429


async def test_a_complaint_keeps_the_connection(here: Hall) -> None:
    client = await connect(here.url, additional_headers={"Accept-Language": "en"})
    await client.send(here.hello("member-1"))
    await client.send(json.dumps({"type": "lecture", "action": "end"}))
    error = await next_of(client, "error")
    assert (error["reason"], error["fatal"]) == ("role-may-not", False)
    assert error["text"].startswith("Your role")
    await client.send(json.dumps({"type": "chat", "text": "好"}))
    await next_of(client, "chat")


@pytest.mark.parametrize(
    ("origin", "welcome"),
    [
        ("http://evil.example", False),
        ("https://class.example.org", True),
        ("null", False),
        ("http://[x", False),
        ("own", True),
    ],
)
async def test_pages_of_other_sites_are_turned_away(here: Hall, origin: str, welcome: bool) -> None:
    if origin == "own":
        origin = here.url.replace("ws:", "http:").removesuffix("/ws")
    opening = connect(here.url, additional_headers={"Origin": origin})
    if welcome:
        await (await opening).close()
        return
    with pytest.raises(InvalidStatus) as refusal:
        await opening
    assert refusal.value.response.status_code == 403


async def test_trouble_becomes_a_fact(here: Hall) -> None:
    client = await enter(here, "member-1")
    await client.send(json.dumps({"type": "trouble", "cause": "no-udp", "detail": "x"}))
    await until(lambda: here.recorder.bodies(JoinFailed))
    assert here.recorder.bodies(JoinFailed) == [JoinFailed("member-1", "no-udp", "x")]


async def test_quality_reaches_the_meter(here: Hall) -> None:
    client = await enter(here, "member-1")
    await client.send(json.dumps({"type": "quality", "fps": 24.5}))
    await until(lambda: [each.fps for each in here.qualities] == [24.5])


async def test_a_close_frame_ends_connected_at_its_own_time(here: Hall) -> None:
    client = await enter(here, "member-1")
    await next_of(client, "snapshot")
    await asyncio.sleep(0.3)
    before = here.clock.now()
    await client.close()
    await until(lambda: here.recorder.bodies(MemberDisconnected))
    (fact,) = here.recorder.bodies(MemberDisconnected)
    assert before <= fact.last <= here.clock.now()
    assert fact.reason == "closed"


async def test_a_connection_that_breaks_ends_at_the_last_sign(here: Hall) -> None:
    client = await enter(here, "member-1")
    await next_of(client, "snapshot")
    after = here.clock.now()
    await asyncio.sleep(0.3)
    client.transport.abort()
    await until(lambda: here.recorder.bodies(MemberDisconnected))
    (fact,) = here.recorder.bodies(MemberDisconnected)
    assert fact.last <= after
    assert fact.reason == "connection-lost"


async def test_pongs_are_signs_of_life(here: Hall, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(channel_aiohttp, "DEAD_AFTER", SECOND)
    monkeypatch.setattr(channel_aiohttp, "PING_EVERY", 0.1)
    async with hall() as other:
        client = await enter(other, "member-1")
        await next_of(client, "snapshot")
        await asyncio.sleep(2.0)
        assert len(other.channel) == 1
        await client.close()


async def raw(here: Hall, *, receive_buffer: int | None = None) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A client that says hello properly and then does as it likes."""
    import socket

    port = int(here.url.split(":")[2].split("/")[0])
    own = socket.socket()
    if receive_buffer is not None:
        own.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    own.connect(("127.0.0.1", port))
    reader, writer = await asyncio.open_connection(sock=own, limit=4096)
    key = base64.b64encode(os.urandom(16)).decode()
    writer.write(
        f"GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
    )
    await reader.readuntil(b"\r\n\r\n")
    hello = here.hello("member-raw").encode()
    writer.write(bytes([0x81, 0x80 | 126]) + len(hello).to_bytes(2, "big") + bytes(4) + hello)
    return reader, writer


async def test_a_page_that_falls_silent_is_buried_at_its_last_sign(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(channel_aiohttp, "DEAD_AFTER", SECOND // 2)
    monkeypatch.setattr(channel_aiohttp, "PING_EVERY", 0.1)
    async with hall() as here:
        _, writer = await raw(here)
        await until(lambda: here.recorder.bodies(MemberConnected))
        after = here.clock.now()
        await until(lambda: here.recorder.bodies(MemberDisconnected))
        (fact,) = here.recorder.bodies(MemberDisconnected)
        assert fact.reason == "silent"
        assert fact.last <= after
        assert len(here.channel) == 0
        writer.close()


async def test_a_client_that_never_reads_harms_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(channel_aiohttp, "WRITE_WITHIN", 0.5)
    monkeypatch.setattr(channel_aiohttp, "MAX_BYTES", 64 * 1024)
    async with hall() as here:
        _, writer = await raw(here, receive_buffer=4096)
        await until(lambda: here.recorder.bodies(MemberConnected))
        good = await enter(here, "member-good")
        await next_of(good, "snapshot")
        live = await here.rooms.load(LECTURE)
        (gone,) = live.room.crowd.of("member-raw")
        received = 0
        for _ in range(200):
            live.floor.say(b'{"type":"presence","seq":1,"count":1,"filling":"' + b"x" * 60_000 + b'"}')
            live.floor.flush()
            received += len(await asyncio.wait_for(good.recv(), 5))
            if gone not in live.floor.guests:
                break
        await until(lambda: here.recorder.bodies(MemberDisconnected), within=10)
        (fact,) = here.recorder.bodies(MemberDisconnected)
        assert (fact.member, fact.reason) == ("member-raw", "too-slow")
        assert received
        await good.send(json.dumps({"type": "chat", "text": "好"}))
        await next_of(good, "chat")
        writer.close()


async def test_a_slow_reader_is_not_cut_while_it_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    """All that waits takes longer than one frame may."""
    monkeypatch.setattr(channel_aiohttp, "WRITE_WITHIN", 0.5)
    async with hall() as here:
        reader, writer = await raw(here, receive_buffer=4096)
        await until(lambda: here.recorder.bodies(MemberConnected))
        live = await here.rooms.load(LECTURE)
        (gone,) = live.room.crowd.of("member-raw")
        for _ in range(200):
            live.floor.guests[gone].outlet.send(
                b'{"type":"presence","seq":1,"count":1,"filling":"' + b"x" * 2_000 + b'"}'
            )
        started, got = time.monotonic(), 0
        while got < 400_000:
            got += len(await asyncio.wait_for(reader.read(16_384), 5))
            await asyncio.sleep(0.05)
        assert time.monotonic() - started > 2 * 0.5
        assert not here.recorder.bodies(MemberDisconnected)
        writer.close()


async def test_who_fell_behind_gets_a_snapshot_in_place_of_what_was_dropped(
    here: Hall, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(channel_aiohttp, "MAX_FRAMES", 4)
    client = await enter(here, "member-1")
    await next_of(client, "snapshot")
    live = await here.rooms.load(LECTURE)
    (outlet,) = [guest.outlet for guest in live.floor.guests.values()]
    for _ in range(6):  # all at once: the writer has no turn in between
        outlet.send(b'{"type":"presence","seq":1,"count":1}')
    await next_of(client, "snapshot")
    for _ in range(6):
        outlet.send(b'{"type":"presence","seq":1,"count":1}')
    code, said = await closed(client)
    assert code == 4413
    assert said[-1]["reason"] == "too-slow"


async def test_a_restart_is_announced(here: Hall) -> None:
    client = await enter(here, "member-1")
    await next_of(client, "snapshot")
    waiting = asyncio.create_task(closed(client))
    await here.channel.drain(2.0)
    code, said = await waiting
    assert code == 1012
    assert said[-1]["reason"] == "restarting"
    with pytest.raises(InvalidStatus) as refusal:
        await connect(here.url)
    assert refusal.value.response.status_code == 503
    assert len(here.recorder.bodies(MemberDisconnected)) == 1


async def test_a_link_that_is_replaced_while_its_page_comes_in(here: Hall, monkeypatch: pytest.MonkeyPatch) -> None:
    join = here.rooms.join

    async def replaced(*arguments: Any) -> None:
        here.roster.serial += 1
        here.door.forget(LECTURE, "member-1")
        await join(*arguments)

    monkeypatch.setattr(here.rooms, "join", replaced)
    client = await enter(here, "member-1")
    code, said = await closed(client)
    assert code == 4401
    assert said[-1]["reason"] == "ticket-revoked"


async def test_whoever_is_turned_away_with_a_link_of_ours_is_known_to_have_come(here: Hall) -> None:
    old = here.hello("member-2")
    gone = here.hello("member-1", ticket=here.ticket("member-1", lasts=-1))
    assert await refused(here, gone) == 4401
    here.roster.serial += 1
    assert await refused(here, old) == 4401
    assert await refused(here, '{"type":"hello","ticket":"x.y","page":"room"}') == 4401
    await until(lambda: len(here.recorder.bodies(JoinFailed)) == 2)
    assert here.recorder.bodies(JoinFailed) == [
        JoinFailed("member-1", "ticket-expired", "room"),
        JoinFailed("member-2", "ticket-revoked", "room"),
    ]


async def test_whoever_tries_too_often_is_known_to_have_come(here: Hall, monkeypatch: pytest.MonkeyPatch) -> None:
    async def enter_too_often(ticket: str) -> object:
        raise Refused(Refusal.TOO_MANY_TRIES)

    monkeypatch.setattr(here.admission, "enter", enter_too_often)
    assert await refused(here, here.hello("member-1")) == 4429
    await until(lambda: here.recorder.bodies(JoinFailed))
    assert here.recorder.bodies(JoinFailed) == [JoinFailed("member-1", "too-many-tries", "room")]
