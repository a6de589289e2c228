"""What a phone asks the service for when a personal link is opened: the page, its files, and what the ticket opens.

HTTP/1.1 by hand over asyncio's streams, and no more of it than this needs: with a client library a thousand phones
would cost the machine more than the service that they are to measure.
"""

from __future__ import annotations

import asyncio
import gzip
import random
import re
import time
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import msgspec

TRIES = 8
ANSWER_WITHIN = 30.0  # seconds
LONGEST_HEAD = 16 << 10
FILES = re.compile(rb'(?:src|href)="(/assets/[^"]+)"')
ALWAYS = (
    "User-Agent: Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 Chrome/150.0 Mobile Safari/537.36\r\n"
    "Accept: */*\r\nAccept-Encoding: gzip, deflate, br\r\nAccept-Language: zh-CN,zh;q=0.9\r\n"
)


class Unserved(Exception):
    """The service gave something else than what was asked for."""


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    packed: bytes

    @property
    def body(self) -> bytes:
        """Unpacked only where it is asked for: doing so for a thousand phones' scripts would take a core."""
        return gzip.decompress(self.packed) if self.headers.get("content-encoding") == "gzip" else self.packed


class Connection:
    """One connection that is kept alive, opened when it is first used."""

    def __init__(self, host: str, port: int) -> None:
        self._host = host
        self._port = port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, method: str, path: str, body: bytes = b"", headers: str = "") -> Answer:
        """Raises `OSError`, `TimeoutError`, `Unserved`."""
        async with asyncio.timeout(ANSWER_WITHIN):
            if self._streams is None:
                self._streams = await asyncio.open_connection(self._host, self._port, limit=LONGEST_HEAD)
            reader, writer = self._streams
            length = f"Content-Length: {len(body)}\r\n" if body else ""
            head = f"{method} {path} HTTP/1.1\r\nHost: {self._host}:{self._port}\r\n{ALWAYS}{headers}{length}\r\n"
            writer.write(head.encode() + body)
            try:
                return await _read(reader)
            except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError) as error:
                raise Unserved(f"{method} {path}: {error}") from error

    def close(self) -> None:
        if self._streams is not None:
            self._streams[1].close()


async def _read(reader: asyncio.StreamReader) -> Answer:
    first, *rest = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in rest)}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Answer(int(first.split(" ", 2)[1]), headers, body)


@dataclass
class Visit:
    """How long each step took, in seconds; `bytes` on the wire without headers; `turned_away`: 503s."""

    steps: dict[str, float] = field(default_factory=dict)
    bytes: int = 0
    turned_away: int = 0


class Phone:
    """With an empty cache. `close` when the page is left."""

    def __init__(self, service: str) -> None:
        parts = urlsplit(service)
        self._connections = [Connection(parts.hostname or "", parts.port or 80) for _ in range(3)]
        self.visit = Visit()

    async def open(self, ticket: str) -> None:
        """The page, its files over three connections as browsers load them, and the ticket's exchange. Raises
        `OSError`, `TimeoutError`, `Unserved`."""
        first = self._connections[0]
        began = time.perf_counter()
        page = (await self._get(first, "/j")).body
        began = self._took("page", began)
        files = [found.decode() for found in FILES.findall(page)]
        if not files:
            raise Unserved("the page names no files: build the pages first (make setup)")
        await asyncio.gather(*(self._load(one, files[at::3]) for at, one in enumerate(self._connections)))
        began = self._took("files", began)
        await self._join(first, ticket)
        self._took("ticket", began)

    def close(self) -> None:
        for one in self._connections:
            one.close()

    async def _load(self, connection: Connection, files: list[str]) -> None:
        for file in files:
            await self._get(connection, file)

    async def _get(self, connection: Connection, path: str) -> Answer:
        answer = await connection.ask("GET", path)
        if answer.status != 200:
            raise Unserved(f"GET {path}: {answer.status}")
        self.visit.bytes += int(answer.headers.get("content-length", "0"))
        return answer

    async def _join(self, connection: Connection, ticket: str) -> None:
        body = msgspec.json.encode({"ticket": ticket})
        for _ in range(TRIES):
            answer = await connection.ask("POST", "/api/join", body, "Content-Type: application/json\r\n")
            if answer.status == 200:
                return
            if answer.status != 503:
                raise Unserved(f"POST /api/join: {answer.status} {answer.body[:200]!r}")
            self.visit.turned_away += 1
            await asyncio.sleep(float(answer.headers.get("retry-after", "1")) * (1 + random.random() / 2))
        raise Unserved(f"POST /api/join: turned away {TRIES} times")

    def _took(self, step: str, began: float) -> float:
        now = time.perf_counter()
        self.visit.steps[step] = now - began
        return now
