"""What is said in a room, over real sockets."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from classroom.room.journal import MemberBarred
from tests.unit.classroom.hall import Hall, hall


@pytest.fixture
async def here() -> AsyncIterator[Hall]:
    async with hall() as made:
        yield made


class Page:
    """A page of one person: keeps what it was told, in order."""

    def __init__(self, client: ClientConnection) -> None:
        self.client = client
        self.waiting: list[dict[str, Any]] = []
        self.last = 0

    async def say(self, kind: str, **fields: object) -> None:
        await self.client.send(json.dumps({"type": kind, **fields}))

    async def hear(self, kind: str) -> dict[str, Any]:
        """The next of this type; what comes before it is passed over."""
        async with asyncio.timeout(5):
            while True:
                while self.waiting:
                    each = self.waiting.pop(0)
                    self.last = max(self.last, each.get("seq", 0))
                    if each["type"] == kind:
                        return each
                frame = json.loads(await self.client.recv())
                self.waiting += frame["messages"] if frame["type"] == "batch" else [frame]

    async def code(self) -> int | None:
        """The close code, with which it ends soon."""
        async with asyncio.timeout(5):
            with contextlib.suppress(ConnectionClosed):
                while True:
                    frame = json.loads(await self.client.recv())
                    self.waiting += frame["messages"] if frame["type"] == "batch" else [frame]
        return self.client.close_code


async def enter(here: Hall, member: str, **more: object) -> Page:
    client = await connect(here.url, compression=None)
    await client.send(here.hello(member, **more))
    return Page(client)


async def test_an_answer_a_deletion_and_who_was_away_meanwhile(here: Hall) -> None:
    host, member, other = [await enter(here, name) for name in ("host-1", "member-1", "member-2")]
    await member.say("chat", text="坏话 https://example.org/<script>")
    line = await other.hear("chat")
    assert line["text"] == "坏话 https://example.org/<script>"
    await other.say("chat", text="什么？", reply=line["id"])
    assert (await host.hear("chat"))["reply"] is None
    answer = await host.hear("chat")
    assert answer["reply"] == {"id": line["id"], "name": "名member-1", "text": line["text"]}
    await host.say("delete", id=line["id"])
    assert (await member.hear("chat-deleted"))["id"] == line["id"]
    away = await enter(here, "member-2", last=line["seq"] - 1)
    await away.hear("resumed")
    assert (await away.hear("chat-deleted"))["seq"] == line["seq"]
    assert (await away.hear("chat"))["reply"] == {"id": line["id"], "name": "名member-1", "text": ""}
    fresh = await (await enter(here, "member-3")).hear("snapshot")
    assert [each["id"] for each in fresh["chat"]] == [answer["id"]]
    assert fresh["deleted"] == [line["id"]]
    assert "坏话" not in json.dumps(fresh, ensure_ascii=False)


async def test_who_is_muted_is_told_so_and_who_is_barred_is_gone(here: Hall) -> None:
    host, member = await enter(here, "host-1"), await enter(here, "member-1")
    await member.say("chat", text="一")
    line = await host.hear("chat")
    await host.say("mute", said=line["id"], muted=True)
    assert (await member.hear("muted"))["muted"] is True
    assert [each["name"] for each in (await host.hear("order-kept"))["muted"]] == ["名member-1"]
    await member.say("chat", text="二")
    assert (await member.hear("error"))["reason"] == "muted"
    second = await enter(here, "member-1", device="phone")
    assert (await second.hear("muted"))["muted"] is True
    await host.say("bar", said=line["id"], barred=True)
    assert await member.code() == 4403
    assert (await member.hear("error"))["reason"] == "barred"
    assert await second.code() == 4403
    again = await enter(here, "member-1")
    assert await again.code() == 4403
    kept = [journaled.entry for _, journaled in here.journal.kept]
    assert MemberBarred("member-1", "名member-1", "镇巴县 / 泾洋", True) in kept
    await host.say("bar", member="member-1", barred=False)
    while (await host.hear("order-kept"))["barred"]:
        pass
    await (await enter(here, "member-1")).hear("snapshot")


async def test_a_question_waits_for_the_host_and_then_everybody_sees_it(here: Hall) -> None:
    host, member, other = [await enter(here, name) for name in ("host-1", "member-1", "member-2")]
    await host.hear("asked")
    await member.say("ask", text="资料在哪里？", key="k")
    assert [each["text"] for each in (await member.hear("asked"))["questions"]] == ["资料在哪里？"]
    (waiting,) = (await host.hear("asked"))["questions"]
    assert (waiting["name"], waiting["state"]) == ("名member-1", "asked")
    await member.say("ask", text="什么时候发？")
    assert (await member.hear("error"))["reason"] == "ask-too-fast"
    await host.say("question", id=waiting["id"], state="published")
    assert (await other.hear("question"))["question"]["state"] == "published"
    assert (await member.hear("asked"))["questions"] == []
    await host.say("question", id=waiting["id"], state="answered")
    assert (await other.hear("question"))["question"]["state"] == "answered"
    fresh = await (await enter(here, "member-3")).hear("snapshot")
    assert [each["state"] for each in fresh["questions"]] == ["answered"]


async def test_a_poll_is_opened_voted_on_and_closed(here: Hall) -> None:
    host, member, other = [await enter(here, name) for name in ("host-1", "member-1", "member-2")]
    await host.say("poll-open", question="几点合适？", options=["七点", "八点"])
    poll = (await member.hear("poll"))["poll"]
    await member.say("vote", poll=poll["id"], choices=[0])
    await other.say("vote", poll=poll["id"], choices=[1])
    await member.say("vote", poll=poll["id"], choices=[1])
    assert (await member.hear("voted"))["choices"] == [0]
    assert (await member.hear("voted"))["choices"] == [1]
    await host.say("vote", poll=poll["id"], choices=[0])
    assert (await host.hear("error"))["reason"] == "role-may-not"
    await host.say("poll-close", poll=poll["id"])
    while (closed := (await other.hear("poll"))["poll"])["open"]:
        pass
    assert (closed["results"], closed["voters"]) == ([0, 2], 2)
    returned = await enter(here, "member-1")
    assert (await returned.hear("snapshot"))["polls"] == [closed]
    assert (await returned.hear("voted"))["choices"] == [1]


async def test_words_that_are_not_said_here_stay_with_their_writer(here: Hall) -> None:
    host, member = await enter(here, "host-1"), await enter(here, "member-1")
    await host.say("words", words=["坏话"])
    while not (await host.hear("order-kept"))["words"]:
        pass
    await member.say("chat", text="坏\u200b 话")
    assert (await member.hear("error"))["reason"] == "chat-word"
    await member.say("chat", text="好话")
    assert (await host.hear("chat"))["text"] == "好话"


TALK = [
    {"type": "chat", "text": ""},
    {"type": "chat", "text": "x" * 501},
    {"type": "chat", "text": "x", "reply": "q1"},
    {"type": "chat", "text": "x", "reply": "c1; DROP"},
    {"type": "chat", "text": ["x"]},
    {"type": "ask", "text": "x", "id": "q1"},
    {"type": "vote", "poll": "p1", "choices": []},
    {"type": "vote", "poll": "p1", "choices": [10]},
    {"type": "vote", "poll": "p1", "choices": [-1]},
    {"type": "vote", "poll": "1", "choices": [0]},
    {"type": "mute", "muted": True},
    {"type": "bar", "barred": True, "said": "c1", "member": "member-2"},
    {"type": "slow", "seconds": 301},
    {"type": "words", "words": ["x" * 41]},
    {"type": "words", "words": ["x"] * 2001},
    {"type": "poll-open", "question": "x", "options": ["一"]},
    {"type": "poll-open", "question": "x", "options": ["x"] * 11},
    {"type": "question", "id": "q1", "state": "asked"},
    {"type": "chat-deleted", "seq": 1, "id": "c1"},
    {"type": "nothing"},
]


@pytest.mark.parametrize(
    "frame", [*(json.dumps(each) for each in TALK), b"\x00binary", '{"type":"chat","text":"\\ud800']
)
async def test_what_is_no_message_ends_its_own_socket_alone(here: Hall, frame: str | bytes) -> None:
    member, other = await enter(here, "member-1"), await enter(here, "member-2")
    await member.hear("snapshot")
    await member.client.send(frame)
    assert await member.code() == 4400
    await other.say("chat", text="好")
    assert (await other.hear("chat"))["text"] == "好"


async def test_a_megabyte_ends_its_own_socket_alone(here: Hall) -> None:
    member, other = await enter(here, "member-1"), await enter(here, "member-2")
    await member.hear("snapshot")
    with contextlib.suppress(ConnectionClosed):  # it is cut off while it is still sending
        await member.say("chat", text="坏" * 1_000_000)
    assert await member.code() in (1009, 1006)  # the farewell may be lost among what nobody reads
    await other.say("chat", text="好")
    assert (await other.hear("chat"))["text"] == "好"


async def test_text_that_would_disturb_others_reaches_them_tame(here: Hall) -> None:
    member, other = await enter(here, "member-1"), await enter(here, "member-2")
    for text, shown in [("\u202e反\u2069", "反"), ("a\u200bb", "ab"), ("<b>x</b>\x00", "<b>x</b>")]:
        await member.say("chat", text=text)
        assert (await other.hear("chat"))["text"] == shown
    await member.say("chat", text="\u200b\u2066")
    assert (await member.hear("error"))["reason"] == "chat-empty"
