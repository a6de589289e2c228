"""One process of members: told what to do on its standard input, a JSON object a line; each is answered by one."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Any

import numpy as np

from benchmarks.channel.member import Member

POLL = 0.02


class Group:
    def __init__(self, url: str, tasks: asyncio.TaskGroup) -> None:
        self._url = url
        self._tasks = tasks
        self._members: list[Member] = []
        self.words: dict[str, Callable[[dict[str, Any]], Awaitable[dict[str, Any]]]] = {
            "join": self._join,
            "talk": self._talk,
            "cut": self._cut,
            "deafen": self._deafen,
            "report": self._report,
        }

    async def _join(self, order: dict[str, Any]) -> dict[str, Any]:
        """`tickets` come in at `rate` a second; answered when all are in, or after `within` seconds."""
        began = time.monotonic()
        for place, ticket in enumerate(order["tickets"]):
            member = Member(self._url, ticket)
            self._members.append(member)
            self._tasks.create_task(member.run(place / order["rate"]))
        return await self._all_here(began, order["within"])

    async def _talk(self, order: dict[str, Any]) -> dict[str, Any]:
        """`rate` lines a second for `seconds`, each by another member, then `rest` seconds of silence."""
        said: list[str] = []
        began = time.monotonic()
        for number in range(int(order["seconds"] * order["rate"])):
            await asyncio.sleep(max(0.0, began + number / order["rate"] - time.monotonic()))
            said.append(await self._members[number % len(self._members)].say(order["first"] + number))
        await asyncio.sleep(order["rest"])
        return {"said": said}

    async def _cut(self, order: dict[str, Any]) -> dict[str, Any]:
        """All are cut off; answered when all are back, or after `within` seconds."""
        began = time.monotonic()
        for member in self._members:
            member.cut()
            member.opened_at = None
        return await self._all_here(began, order["within"])

    async def _deafen(self, order: dict[str, Any]) -> dict[str, Any]:
        for member in self._members:
            member.deafen()
        return {"deaf": len(self._members)}

    async def _report(self, order: dict[str, Any]) -> dict[str, Any]:
        """What was heard since the last report. `heard`: how many lines each member heard, and a digest of them in
        their order: alike for all, where all heard the same."""
        delays = np.concatenate([np.asarray(member.delays) for member in self._members] or [np.zeros(0)])
        digests: dict[str, int] = {}
        for member in self._members:
            digest = hashlib.sha256("\n".join(member.said).encode()).hexdigest()
            key = f"{len(member.said)} {digest}"
            digests[key] = digests.get(key, 0) + 1
        first = self._members[0].said if self._members else []
        found = {
            "heard": digests,
            "lines": list(first),
            "broken": sum(member.broken for member in self._members),
            "snapshots": sum(member.snapshots for member in self._members),
            "resumed": sum(member.resumed for member in self._members),
            "tries": sum(member.tries for member in self._members),
            "here": sum(member.here for member in self._members),
            "delays_ms": np.histogram(delays, EDGES)[0].tolist(),
            "slowest_ms": float(delays.max()) if len(delays) else 0.0,
        }
        for member in self._members:
            del member.delays[:]
            member.said.clear()
            member.broken = member.snapshots = member.resumed = member.tries = 0
        return found

    async def _all_here(self, began: float, within: float) -> dict[str, Any]:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(began + within - time.monotonic()):
                while not all(member.here for member in self._members):  # noqa: ASYNC110
                    await asyncio.sleep(POLL)
        opened = sorted(member.opened_at - began for member in self._members if member.opened_at is not None)
        return {"here": len(opened), "seconds": opened}


EDGES = np.concatenate([np.arange(0, 1_000, 1), np.arange(1_000, 30_001, 100)])
"""ms: what delays are counted in."""


async def main(url: str) -> None:
    reader = asyncio.StreamReader(limit=1 << 22)
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    async with asyncio.TaskGroup() as tasks:
        group = Group(url, tasks)
        while line := await reader.readline():
            order = json.loads(line)
            answer = await group.words[order["do"]](order)
            sys.stdout.write(json.dumps(answer) + "\n")
            sys.stdout.flush()
        raise asyncio.CancelledError  # its members go with it


if __name__ == "__main__":
    try:
        asyncio.run(main(sys.argv[1]))
    except asyncio.CancelledError:
        sys.exit(0)
