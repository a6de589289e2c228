"""A lecture on two nodes: `classroom serve` twice on one real Redis and one real PostgreSQL, and pages that come back
by themselves."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from tests.servers import redis
from tests.servers.process import free_port
from tests.servers.service import Lecture, Link, Service

MEMBERS = 32


class Client:
    """Somebody's page: it comes back by itself, to whichever node it is told to, with the last number that it saw."""

    def __init__(self, link: Link, node: Service) -> None:
        self.link = link
        self.node = node
        self.messages: list[dict[str, Any]] = []
        self.last: int | None = None
        self.holes = 0
        self.sockets = 0
        self._client: ClientConnection | None = None
        self._keys = itertools.count()
        self._unheard: dict[str, str] = {}

    async def run(self) -> None:
        while True:
            with contextlib.suppress(OSError, ConnectionClosed):
                async with connect(self.node.url.replace("http", "ws") + "/ws", open_timeout=5) as client:
                    hello: dict[str, object] = {"type": "hello", "ticket": self.link.ticket, "device": self.link.name}
                    await client.send(json.dumps(hello | ({} if self.last is None else {"last": self.last})))
                    self.sockets += 1
                    await self._read(client)
            self._client = None
            await asyncio.sleep(0.2)

    async def _read(self, client: ClientConnection) -> None:
        while True:
            frame = json.loads(await client.recv())
            for message in frame["messages"] if frame["type"] == "batch" else [frame]:
                self._take(message)
                if message["type"] in ("snapshot", "resumed"):
                    self._client = client
                    await self._say_unheard()

    def _take(self, message: dict[str, Any]) -> None:
        seq = message.get("seq")
        if message["type"] == "snapshot":
            self.last = seq
        elif seq is not None and message["type"] != "resumed":
            if self.last is not None and seq <= self.last:
                return
            self.holes += self.last is not None and seq > self.last + 1
            self.last = seq
        self.messages.append(message)
        for line in message["chat"] if message["type"] == "snapshot" else [message]:
            if line["type"] == "chat":
                self._unheard.pop(line["key"], None)

    async def say(self, text: str) -> None:
        """What does not come back is said again on the next socket, under the same key."""
        key = f"{self.link.name}-{next(self._keys)}"
        self._unheard[key] = text
        await self._send(key, text)

    async def _say_unheard(self) -> None:
        for key, text in tuple(self._unheard.items()):
            await self._send(key, text)

    async def _send(self, key: str, text: str) -> None:
        if self._client is not None:
            with contextlib.suppress(ConnectionClosed):
                await self._client.send(json.dumps({"type": "chat", "text": text, "key": key}))

    async def act(self, **message: Any) -> None:
        """Once, on the socket that is there."""
        await until(lambda: self._client is not None)
        assert self._client is not None
        await self._client.send(json.dumps(message))

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [message for message in self.messages if message["type"] == kind]

    def last_of(self, kind: str) -> dict[str, Any]:
        found = self.of(kind)
        return found[-1] if found else {}

    @property
    def reasons(self) -> list[str]:
        """Why something was refused."""
        return [message["reason"] for message in self.of("error")]

    @property
    def chat(self) -> list[str]:
        found: dict[str, str] = {}
        for message in self.messages:
            for line in message["chat"] if message["type"] == "snapshot" else [message]:
                if line["type"] == "chat":
                    found.setdefault(line["id"], line["text"])
        return list(found.values())

    @property
    def count(self) -> int:
        counts = [it["count"] for it in self.messages if it["type"] in ("snapshot", "resumed", "presence")]
        return int(counts[-1]) if counts else 0


class Nodes:
    """Redis, PostgreSQL's database, and two nodes."""

    def __init__(self, folder: Path, database: str) -> None:
        self._redis_port = free_port()
        self._redis = contextlib.ExitStack()
        self.start_redis()

        def node(name: str) -> Service:
            return Service(
                folder / name,
                CLASSROOM_DATABASE_URL=database,
                CLASSROOM_REDIS_URL=f"redis://127.0.0.1:{self._redis_port}/0",
                CLASSROOM_KEYS_DIR=str(folder / "keys"),
            )

        self.a, self.b = node("a"), node("b")
        self.start()

    def start(self) -> None:
        """Whichever does not run."""
        for node in (self.a, self.b):
            if node.process is None:
                node.start()

    def start_redis(self) -> None:
        self._redis.enter_context(redis.server(self._redis_port))

    def stop_redis(self) -> None:
        self._redis.close()

    def close(self) -> None:
        self.a.stop()
        self.b.stop()
        self.stop_redis()


class Evening:
    """A lecture on both nodes, and its pages: of members at both, of the host at the second."""

    def __init__(self, nodes: Nodes) -> None:
        self.nodes, self.a, self.b = nodes, nodes.a, nodes.b
        self.lecture: Lecture = self.a.lecture(members=MEMBERS)
        self.clients = [
            Client(link, self.a if number % 2 == 0 else self.b) for number, link in enumerate(self.lecture.members)
        ]
        self.host = Client(self.lecture.of("host"), self.b)
        self.said: list[str] = []

    @property
    def pages(self) -> list[Client]:
        return [*self.clients, self.host]

    def at(self, node: Service) -> list[Client]:
        """Members."""
        return [client for client in self.clients if client.node is node]

    def move(self, node: Service) -> None:
        """Every page comes back there when it has lost its own."""
        for page in self.pages:
            page.node = node

    async def all_see(self, kind: str, **fields: Any) -> None:
        """It is the last of its kind that everybody was told."""

        def lacking() -> list[str]:
            return [page.link.name for page in self.pages if not page.last_of(kind).items() >= fields.items()]

        await until(lambda: not lacking(), lambda: f"{kind} {fields} not at {lacking()}: {self.host.last_of(kind)}")

    async def speak(self, clients: list[Client], what: str) -> None:
        """Each says a line."""
        lines = [f"{what} {client.link.name}" for client in clients]
        self.said += lines
        await asyncio.gather(*(client.say(line) for client, line in zip(clients, lines, strict=True)))

    async def heard(self, clients: list[Client] | None = None) -> None:
        """Everybody has everything, in the same order."""
        listening = self.pages if clients is None else clients
        await until(lambda: all(len(client.chat) == len(self.said) for client in listening), self.missing)
        first = listening[0].chat
        assert sorted(first) == sorted(self.said)
        assert all(client.chat == first for client in listening)

    async def counted(self, count: int) -> None:
        await until(lambda: all(page.count == count for page in self.pages), lambda: str(self._counts()))

    def _counts(self) -> list[int]:
        return [page.count for page in self.pages]

    def missing(self) -> str:
        lacking = {page.link.name: len(page.chat) for page in self.pages if len(page.chat) != len(self.said)}
        refused = {page.link.name: page.reasons for page in self.pages if page.reasons}
        last = {page.link.name: page.last_of("notice").get("kind") for page in self.pages if page.of("notice")}
        logs = f"{self.a.log()[-1500:]}\n{self.b.log()[-1500:]}"
        return f"of {len(self.said)} lines these have: {lacking}; refused: {refused}; {last}\n{logs}"


async def until(condition: Callable[[], bool], told: Callable[[], str] = str, within: float = 25.0) -> None:
    try:
        async with asyncio.timeout(within):
            while not condition():  # noqa: ASYNC110
                await asyncio.sleep(0.05)
    except TimeoutError:
        raise AssertionError(told()) from None


@contextlib.asynccontextmanager
async def here(evening: Evening) -> AsyncIterator[None]:
    """Everybody's pages are open: those of node a first, so that it is home."""
    async with asyncio.TaskGroup() as tasks:
        running = [tasks.create_task(page.run()) for page in evening.pages if page.node is evening.a]
        await until(lambda: all(client.of("snapshot") for client in evening.at(evening.a)))
        running += [tasks.create_task(page.run()) for page in evening.pages if page.node is evening.b]
        await until(lambda: all(page.of("snapshot") for page in evening.pages), evening.missing)
        yield
        for task in running:
            task.cancel()
