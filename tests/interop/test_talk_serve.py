"""What is said in a lecture, in a service as it is run: killed and started again, and somebody removed for good."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sqlite3
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from tests.interop.aiortc_peer import Player, Publisher, only_loopback
from tests.servers.service import Lecture, Service, running


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    only_loopback()
    with running(tmp_path) as up:
        yield up


class Page:
    """A page's channel: hears everything, and finds it by type."""

    def __init__(self, client: ClientConnection) -> None:
        self.client = client
        self.heard: list[dict[str, Any]] = []
        self.reading = asyncio.create_task(self._read())

    async def _read(self) -> None:
        with contextlib.suppress(ConnectionClosed):
            while True:
                message = json.loads(await self.client.recv())
                self.heard += message["messages"] if message["type"] == "batch" else [message]

    async def say(self, kind: str, **fields: object) -> None:
        await self.client.send(json.dumps({"type": kind, **fields}))

    async def hear(self, kind: str) -> dict[str, Any]:
        """The first of this type; it is not found again."""
        async with asyncio.timeout(20):
            while True:
                for each in self.heard:
                    if each["type"] == kind:
                        self.heard.remove(each)
                        return each
                await asyncio.sleep(0.02)

    async def code(self) -> int | None:
        async with asyncio.timeout(20):
            await self.reading
        return self.client.close_code


@contextlib.asynccontextmanager
async def page(service: Service, ticket: str) -> AsyncIterator[Page]:
    async with connect(service.url.replace("http", "ws") + "/ws") as client:
        await client.send(json.dumps({"type": "hello", "ticket": ticket}))
        made = Page(client)
        try:
            yield made
        finally:
            made.reading.cancel()


def entries(service: Service, lecture: Lecture) -> int:
    """How much of the journal is on disk."""
    with contextlib.closing(sqlite3.connect(service.data / "classroom.sqlite3")) as database:
        count: int = database.execute("SELECT count(*) FROM journal WHERE lecture = ?", (lecture.id,)).fetchone()[0]
        return count


async def until_written(service: Service, lecture: Lecture, count: int) -> None:
    async with asyncio.timeout(20):
        while entries(service, lecture) < count:  # noqa: ASYNC110
            await asyncio.sleep(0.05)


async def test_what_was_said_and_decided_outlives_a_service_that_is_killed(service: Service) -> None:
    lecture = service.lecture()
    host, first, second = lecture.of("host").ticket, lecture.members[0].ticket, lecture.members[1].ticket
    async with page(service, host) as desk, page(service, first) as member, page(service, second) as other:
        for each in (desk, member, other):
            await each.hear("snapshot")
        await member.say("chat", text="大家好", key="k1")
        line = await other.hear("chat")
        await other.say("chat", text="坏话", key="k2")
        await member.hear("chat")
        bad = await member.hear("chat")
        await desk.say("delete", id=bad["id"])
        await member.say("ask", text="资料在哪里？")
        question = (await member.hear("asked"))["questions"][0]
        await desk.say("question", id=question["id"], state="published")
        await desk.say("poll-open", question="几点合适？", options=["七点", "八点"])
        poll = (await member.hear("poll"))["poll"]
        await member.say("vote", poll=poll["id"], choices=[1])
        await member.hear("voted")
        await desk.say("mute", said=bad["id"], muted=True)
        await other.hear("muted")
        await desk.say("words", words=["坏话"])
        await desk.say("pin", text="八点签到")
        await desk.say("slow", seconds=5)
        await other.hear("talk-rules")
    await until_written(service, lecture, 11)
    service.kill()
    service.start()
    async with page(service, first) as member, page(service, second) as other:
        snapshot = await member.hear("snapshot")
        assert snapshot["chat"] == [{**line, "seq": 0}]
        assert snapshot["deleted"] == [bad["id"]]
        assert snapshot["questions"] == [{**question, "state": "published"}]
        assert snapshot["polls"] == [{**poll, "results": [0, 1], "voters": 1}]
        assert (snapshot["pinned"]["text"], snapshot["rules"]["slow"]) == ("八点签到", 5)
        assert (await member.hear("voted"))["choices"] == [1]
        assert (await other.hear("muted"))["muted"] is True
        await member.say("chat", text="大家好", key="k1")  # its echo was lost: it is not said again
        await asyncio.sleep(5)  # slow mode counts from the line before the restart
        await member.say("chat", text="坏-话")
        assert (await member.hear("error"))["reason"] == "chat-word"
        await member.say("chat", text="继续", reply=line["id"])
        said = await other.hear("chat")
        assert (said["text"], said["id"], said["reply"]["text"]) == ("继续", "c3", "大家好")
    found = service.rest("GET", f"/api/lectures/{lecture.id}/talk?find=%E5%9D%8F%E8%AF%9D")
    assert [(each["id"], each["state"]) for each in found["lines"]] == [(bad["id"], "deleted")]


async def test_who_is_removed_is_sent_nothing_more_and_stays_away(service: Service) -> None:
    lecture = service.lecture()
    publisher, player = Publisher(), Player()
    member = lecture.members[0]
    watch = f"{service.url}/whep/{lecture.id}"
    try:
        await publisher.offer(f"{service.url}/whip/{lecture.id}/lecturer", lecture.of("lecturer").ticket)
        await player.offer(watch, member.ticket)
        await player.first_frame()
        async with page(service, lecture.of("host").ticket) as desk, page(service, member.ticket) as away:
            await desk.hear("snapshot")
            await away.say("chat", text="好")
            line = await desk.hear("chat")
            await desk.say("bar", said=line["id"], barred=True)
            assert await away.code() == 4403
            assert (await away.hear("error"))["reason"] == "barred"
        await asyncio.sleep(1)
        frames = len(player.video[0].times)
        await asyncio.sleep(1)
        assert len(player.video[0].times) == frames
        assert await player.delete() == 404
        async with ClientSession() as client:
            headers = {"Authorization": f"Bearer {member.ticket}", "Content-Type": "application/sdp"}
            offer = player.connection.localDescription.sdp
            for answer in (
                await client.post(watch, data=offer, headers=headers),
                await client.post(f"{service.url}/api/join", json={"ticket": member.ticket}),
            ):
                assert (answer.status, (await answer.json(content_type=None))["type"]) == (403, "barred")
        async with page(service, member.ticket) as back:
            assert await back.code() == 4403
    finally:
        await publisher.close()
        await player.close()
