"""An evening of three nodes that die, start anew, and lose the bus at random, which may forget everything: pages that
behave as ours do end with the same lines, none missing and none twice."""

from __future__ import annotations

import asyncio
import contextlib
import random
from dataclasses import dataclass, field
from typing import Any

import pytest

from classroom.io import edge_asyncio, handover_asyncio, host_asyncio, node_asyncio
from classroom.nodes import lease
from classroom.room.inputs import Joined, Left, Person, Received
from classroom.room.messages import Page
from classroom.room.messages_talk import Say
from signaling.errors import Refused
from tests.unit.classroom.hall import LECTURE
from tests.unit.classroom.nodes import Client, Running, Service

MEMBERS = 9
STEPS = 250
STEP = 0.02
SETTLES_WITHIN = 500
"""Steps after the last misfortune."""


@dataclass
class Sitter:
    """A page of one member: comes back by itself, says again what it has not seen come back, closes at a gap."""

    member: str
    client: Client | None = None
    node: Running | None = None
    last: int | None = None
    chat: dict[str, str] = field(default_factory=dict)
    unheard: dict[str, str] = field(default_factory=dict)
    gaps: int = 0
    _read: int = 0
    _sockets: int = 0

    async def come(self, node: Running) -> None:
        self._sockets += 1
        client = Client(f"c-{self.member}-{self._sockets}", self.member, node.clock.now() + 10**12)
        person = Person(self.member, self.member, "镇巴县", "member")
        with contextlib.suppress(Refused):
            joined = Joined(client.connection, person, Page.ROOM, self.member, self.last)
            await node.rooms.join(LECTURE, client, joined)
            self.client, self.node, self._read = client, node, 0

    def go(self) -> None:
        if self.client is not None and self.node is not None and self.node.power.on:
            self.node.rooms.feed(LECTURE, Left(self.client.connection, self.node.clock.now(), "closed"))
        self.client = None

    def say(self, text: str) -> None:
        self.unheard[text] = text
        self._say(text)

    def _say(self, text: str) -> None:
        if self.client is not None and self.node is not None:
            self.node.rooms.feed(LECTURE, Received(self.client.connection, Say(text, key=text)))

    def read(self) -> bool:
        """False: it has to come back."""
        if self.client is None or self.node is None or self.client.code is not None or not self.node.power.on:
            return False
        fresh = self.client.messages[self._read :]
        for message in fresh:
            self._read += 1
            if not self._take(message):
                self.gaps += 1
                return False
        return True

    def _take(self, message: dict[str, Any]) -> bool:
        seq = message.get("seq")
        lines = [message]
        if message["type"] == "snapshot":
            self.last, lines = seq, message["chat"]
        elif message["type"] != "resumed" and seq is not None:
            if self.last is not None and seq <= self.last:
                return True
            if self.last is not None and seq > self.last + 1:
                return False
            self.last = seq
        for line in lines:
            if line["type"] == "chat":
                self.chat.setdefault(line["id"], line["text"])
                self.unheard.pop(line["key"], None)
        if message["type"] in ("snapshot", "resumed"):
            for text in self.unheard:
                self._say(text)
        return True


class Weather:
    """Misfortunes, drawn at random."""

    def __init__(self, service: Service, stack: contextlib.AsyncExitStack, chance: random.Random) -> None:
        self.nodes: dict[str, Running] = {}
        self._service = service
        self._stack = stack
        self._chance = chance
        self._boots = dict.fromkeys("abc", 0)

    async def start(self, name: str) -> None:
        self._boots[name] += 1
        self.nodes[name] = await self._stack.enter_async_context(self._service.node(name, str(self._boots[name])))

    @property
    def up(self) -> list[Running]:
        return [node for node in self.nodes.values() if node.power.on]

    async def strike(self) -> None:
        dice = self._chance.random()
        if dice < 0.015 and len(self.up) > 1:
            self._chance.choice(self.up).die()
        elif dice < 0.035:
            for name in [name for name, node in self.nodes.items() if not node.power.on][:1]:
                await self.start(name)
        elif dice < 0.045:
            self.bus(False)
            if self._chance.random() < 0.5:
                self._service.bus._topics.clear()
                self._service.bus._leases.clear()
        elif dice < 0.05:
            self._chance.choice(self.up).power.bus = False
        elif dice < 0.08:
            self.bus(True)

    def bus(self, there: bool) -> None:
        for node in self.nodes.values():
            node.power.bus = there


@pytest.mark.parametrize("seed", [112, 312, 503])
async def test_everybody_ends_with_the_same_lines(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    for module, name, value in (
        (handover_asyncio, "RENEW", 0.05),
        (handover_asyncio, "FOLLOW", 0.05),
        (handover_asyncio, "RETRY", 0.05),
        (handover_asyncio, "GONE", 0.6),
        (host_asyncio, "GONE", 0.6),
        (node_asyncio, "LEASE", 0.4),
        (lease, "RECLAIM", 0.4),
        (edge_asyncio, "AGAIN", 0.2),
    ):
        monkeypatch.setattr(module, name, value)
    chance = random.Random(seed)
    sitters = [Sitter(f"member-{number}") for number in range(MEMBERS)]
    said: list[str] = []
    async with contextlib.AsyncExitStack() as stack:
        weather = Weather(Service(), stack, chance)
        for name in "abc":
            await weather.start(name)

        async def step() -> None:
            for sitter in sitters:
                if not sitter.read():
                    sitter.go()
                    await sitter.come(chance.choice(weather.up))
            await asyncio.sleep(STEP)

        def settled() -> bool:
            return not any(sitter.unheard for sitter in sitters) and all(len(one.chat) == len(said) for one in sitters)

        for _ in range(STEPS):
            await step()
            await weather.strike()
            if chance.random() < 0.07:
                said.append(f"line {len(said)}")
                sitters[len(said) % MEMBERS].say(said[-1])  # in turn: nobody is too fast for the chat
        weather.bus(True)
        for _ in range(SETTLES_WITHIN):
            await step()
            if settled():
                break
        assert [sorted(sitter.chat.values()) for sitter in sitters] == [sorted(said)] * MEMBERS
        assert sum(sitter.gaps for sitter in sitters) == 0
        assert sum(node.home for node in weather.up) == 1
        assert not any(node.journal.refused for node in weather.nodes.values())
        for node in weather.nodes.values():
            node.power.on = True  # so that the dead end as well
