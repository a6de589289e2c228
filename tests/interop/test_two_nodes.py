"""Two `classroom serve` on one real Redis and one real PostgreSQL: one room across both, whichever of them is killed,
and whatever becomes of Redis."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from typing import Any

import pytest
from aiohttp import ClientSession

from tests.interop.aiortc_peer import Player, Publisher
from tests.interop.nodes_evening import MEMBERS, Client, Evening, Nodes, here, until
from tests.servers.postgres import Postgres
from tests.servers.service import Service

AWAY = float(os.environ.get("CLASSROOM_REDIS_AWAY_SECONDS") or 7)
"""Longer than a lease; a minute on demand."""
EVERY = 2.2
"""Seconds between two lines of one member: slow mode says two."""


@pytest.fixture(scope="module")
def nodes(tmp_path_factory: pytest.TempPathFactory, postgres_server: Postgres) -> Iterator[Nodes]:
    database = postgres_server.create()
    made = Nodes(tmp_path_factory.mktemp("nodes"), postgres_server.url(database))
    try:
        yield made
    finally:
        made.close()
        postgres_server.drop(database)


@pytest.fixture
def evening(nodes: Nodes) -> Evening:
    nodes.start()
    return Evening(nodes)


def sessions(evening: Evening, node: Service) -> dict[str, list[Any]]:
    """Connected sessions of each member, by the attendance export."""
    found = node.attendance(evening.lecture)
    return {
        member["name"]: [one for one in member["sessions"] if one["kind"] == "connected"] for member in found["members"]
    }


async def ask(evening: Evening, asking: list[Client]) -> list[str]:
    """Each asks a question, and the host sees them all; their ids."""
    for client in asking:
        await client.act(type="ask", text=f"{client.link.name}问", key=client.link.member)
    await until(lambda: len(evening.host.last_of("asked").get("questions", ())) == len(asking))
    found = {one["name"]: one["id"] for one in evening.host.last_of("asked")["questions"]}
    return [found[client.link.name] for client in asking]


async def vote(evening: Evening, voting: list[Client], poll: str, voters: int) -> None:
    """One after the other for the first and for the second choice, until so many have voted."""
    for number, client in enumerate(voting):
        await client.act(type="vote", poll=poll, choices=[number % 2])
    await until(lambda: evening.host.last_of("poll")["poll"]["voters"] == voters, lambda: str(evening.host.reasons))


async def test_one_room_over_two_nodes_that_die_in_turn(evening: Evening) -> None:
    a, b = evening.a, evening.b
    near, far, host = evening.at(a)[0], evening.at(b)[0], evening.host
    async with here(evening):
        assert {client.of("snapshot")[0]["whep"] for client in evening.clients} == {
            f"{a.url}/whep/{evening.lecture.id}"
        }
        await evening.counted(MEMBERS)
        await asyncio.to_thread(b.command, "lecture", "start", evening.lecture.id, "--json")  # beside the other node
        await until(lambda: all(client.of("lecture")[-1:] for client in evening.clients))
        await evening.speak(evening.clients, "first")
        await evening.heard()

        # What members of both say and do, and the host of the other node decides.
        published, dismissed = await ask(evening, [near, far])
        await host.act(type="question", id=dismissed, state="dismissed")
        await host.act(type="question", id=published, state="published")
        await until(lambda: all(page.last_of("question") for page in evening.pages))
        line = next(one["id"] for one in host.of("chat") if one["name"] == near.link.name)
        await host.act(type="mute", said=line, muted=True)
        await until(lambda: near.last_of("muted").get("muted") is True)
        await host.act(type="delete", id=line)
        await evening.all_see("chat-deleted", id=line)
        await host.act(type="pin", text="八点半签到")
        await evening.all_see("pinned", text="八点半签到")
        await near.act(type="hand", up=True)
        await until(lambda: host.last_of("hands").get("count") == 1)
        await far.act(type="hand", up=True)
        await until(lambda: host.last_of("hands").get("count") == 2)
        await host.act(type="poll-open", question="几点方便？", options=["七点", "八点"], multiple=False)
        await until(lambda: all(page.last_of("poll") for page in evening.pages))
        poll = host.last_of("poll")["poll"]["id"]
        await vote(evening, evening.clients[:16], poll, 16)

        # The other node dies: its members come to the home.
        orphans = evening.at(b)
        await asyncio.to_thread(b.kill)
        speaking = [client for client in evening.at(a) if client is not near]
        await evening.speak(speaking, "without b")
        evening.move(a)
        await evening.heard()
        await evening.counted(MEMBERS)
        assert all(len(page.of("snapshot")) == 1 for page in evening.pages), "nobody needed a second snapshot"
        await vote(evening, [*orphans, *speaking[-2:]], poll, 26)
        await asyncio.to_thread(b.start)

        # The home dies: everybody comes to the node that has just started anew, and the room with them.
        await evening.speak(evening.clients[1:8], "before the end of a")
        await asyncio.to_thread(a.kill)
        evening.move(b)
        await evening.speak(evening.clients[8:16], "after the end of a")
        await evening.heard()
        await evening.counted(MEMBERS)
        moved = {message["whep"] for page in evening.pages for message in page.of("home")}
        assert moved == {f"{b.url}/whep/{evening.lecture.id}"}

        # What was decided before either died holds.
        await near.act(type="chat", text="还不能说", key="muted")
        await until(lambda: near.reasons == ["muted"])
        await host.act(type="question", id=published, state="answered")
        await until(lambda: all(page.last_of("question")["question"]["state"] == "answered" for page in evening.pages))
        assert {one["question"]["id"] for page in evening.pages for one in page.of("question")} == {published}
        await vote(evening, evening.clients[1:16:2], poll, 26)  # again: the last one counts
        await host.act(type="poll-close", poll=poll)
        await until(lambda: not host.last_of("poll")["poll"]["open"])
        await evening.all_see("poll", poll=host.last_of("poll")["poll"])
        assert sum(host.last_of("poll")["poll"]["results"]) == 26
        assert [one["member"] for one in host.last_of("hands")["hands"]] == [near.link.member, far.link.member]

        # A member of the node that died is called to the stage of the one that lives.
        await host.act(type="call", member=far.link.member, minutes=3)
        await until(lambda: far.last_of("part").get("part") == "called")
        await far.act(type="answer-call", accept=True)
        await until(lambda: far.last_of("part")["part"] == "checking")
        guest = Publisher()
        await guest.offer(f"{b.url}/whip/{evening.lecture.id}/guest", far.link.ticket)
        await until(lambda: far.last_of("part")["part"] == "backstage", lambda: str(far.last_of("part")))
        await host.act(type="put-on", member=far.link.member)
        await until(
            lambda: all((page.last_of("stage").get("on") or {}).get("name") == far.link.name for page in evening.pages)
        )
        await host.act(type="take-off", member=far.link.member)
        await evening.all_see("stage", on=None)
        await guest.close()
        await until(lambda: host.last_of("hands")["count"] == 1)

        assert sum(page.holes for page in evening.pages) == 0
        assert all(len(page.of("snapshot")) == 1 for page in evening.pages)
        assert [page.link.name for page in evening.pages if page.reasons] == [near.link.name]
        late = Client(evening.lecture.of("lecturer"), b)
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(late.run())
            await until(lambda: late.of("snapshot") != [])
            running.cancel()
        (shown,) = late.of("snapshot")
        assert [one["id"] for one in shown["questions"]] == [published]
        assert (shown["pinned"]["text"], shown["polls"]) == ("八点半签到", [host.last_of("poll")["poll"]])
        assert shown["deleted"] == [line]

        await host.act(type="lecture", action="end")
        await evening.all_see("lecture", state="ended")
    assert b.command("attendance", "verify", "--lecture", evening.lecture.id, "--json")["ok"]
    found = sessions(evening, b)
    for client in evening.clients:
        mine = found[client.link.name]
        assert len(mine) == client.sockets, mine  # as many as there were sockets: none is lost, none counted twice
        assert not [one for one in mine if one["open"]], mine
        assert "service-crash" in {one["closed_by"] for one in mine}, mine
    (appearance,) = b.attendance(evening.lecture)["testimonials"]
    assert appearance["member"] == far.link.member


async def test_media_goes_where_the_room_goes(evening: Evening) -> None:
    a, b, lecture = evening.a, evening.b, evening.lecture
    watcher = lecture.members[0]

    async def on_air(node: Service) -> tuple[Publisher, Player]:
        publisher, player = Publisher(), Player()
        await publisher.offer(f"{node.url}/whip/{lecture.id}/lecturer", lecture.of("lecturer").ticket)
        await player.offer(f"{node.url}/whep/{lecture.id}", watcher.ticket)
        await player.first_frame()
        return publisher, player

    evening.clients = [evening.clients[0], evening.clients[1]]
    async with here(evening):
        async with ClientSession() as http:
            headers = {"Authorization": f"Bearer {watcher.ticket}", "Content-Type": "application/sdp"}
            elsewhere = await http.post(f"{b.url}/whep/{lecture.id}", data="v=0", headers=headers)
            body = await elsewhere.json(content_type=None)
            assert (elsewhere.status, body["detail"]) == (503, a.url), body
        first = await on_air(a)
        await asyncio.sleep(4)  # until the relay has reports of reception
        await asyncio.to_thread(a.kill)
        evening.clients[0].node = b
        await until(lambda: all(client.of("home") for client in evening.clients), evening.missing)
        second = await on_air(b)
        await asyncio.sleep(4)
        await asyncio.to_thread(b.command, "lecture", "end", lecture.id, "--json")
        for peer in (*first, *second):
            await peer.close()
    found = b.attendance(lecture)
    assert {outage["cause"] for outage in found["outages"]} == {"service"}
    (mine,) = [member for member in found["members"] if member["name"] == watcher.name]
    received = [one for one in mine["sessions"] if one["kind"] == "receiving"]
    assert len(received) == 2, received
    assert not [one for one in mine["sessions"] if one["open"]]
    assert mine["denominator_seconds"] - mine["credited_seconds"] <= 4, mine  # until the first reports, twice
    assert found["head"]["broken"] is None


@pytest.mark.timeout(120 + AWAY)
async def test_redis_is_away_while_everybody_goes_on(evening: Evening) -> None:
    home, edge, host = evening.at(evening.a), evening.at(evening.b), evening.host
    async with here(evening):
        await host.act(type="lecture", action="start")
        await host.act(type="slow", seconds=2)
        await host.act(type="poll-open", question="几点方便？", options=["七点", "八点"], multiple=False)
        await until(lambda: all(page.last_of("poll") for page in evening.pages))
        await evening.speak(evening.clients, "before")
        await evening.heard()
        sockets = [page.sockets for page in evening.pages]

        await asyncio.to_thread(evening.nodes.stop_redis)
        await until(lambda: all(page.last_of("notice").get("kind") == "bus-away" for page in (*edge, host)))
        assert not [client for client in home if client.of("notice")], "at the home the evening goes on"
        for client in evening.clients:
            await client.act(type="vote", poll="p1", choices=[int(client in home)])
        await edge[0].act(type="hand", up=True)
        await edge[1].act(type="ask", text="断线时问", key="q")
        await host.act(type="pin", text="断线时置顶")
        passed = 0.0
        while passed < AWAY:  # as fast as slow mode lets everybody write
            await asyncio.sleep(EVERY)
            passed += EVERY
            await evening.speak(evening.clients, f"after {passed} s")
        ours = [text for text in evening.said if text.startswith("before") or text.split()[-1] in names(home)]
        await until(lambda: all(set(client.chat) >= set(ours) for client in home), evening.missing)
        await asyncio.to_thread(evening.nodes.start_redis)

        await evening.heard()
        await until(lambda: all(page.last_of("notice")["kind"] == "bus-back" for page in (*edge, host)))
        assert [page.sockets for page in evening.pages] == sockets, "nobody was thrown out"
        assert not [page for page in evening.pages if page.of("home")], "the room did not move"
        assert not [page.reasons for page in evening.pages if page.reasons], "nothing was refused"
        assert sum(page.holes for page in evening.pages) == 0
        assert all(len(page.of("snapshot")) == 1 for page in evening.pages)
        await evening.all_see("pinned", text="断线时置顶")
        await until(lambda: host.last_of("poll")["poll"]["results"] == [len(edge), len(home)])
        await until(lambda: [one["member"] for one in host.last_of("hands")["hands"]] == [edge[0].link.member])
        assert [one["name"] for one in host.last_of("asked")["questions"]] == [edge[1].link.name]
        await evening.counted(MEMBERS)
        await host.act(type="lecture", action="end")
        await evening.all_see("lecture", state="ended")
    assert evening.b.command("attendance", "verify", "--lecture", evening.lecture.id, "--json")["ok"]
    found = sessions(evening, evening.b)
    assert {len(found[client.link.name]) for client in evening.clients} == {1}


def names(clients: list[Client]) -> set[str]:
    return {client.link.name for client in clients}
