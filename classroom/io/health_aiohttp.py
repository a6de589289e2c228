"""Is it alive, is it ready, how is it doing: for load balancers, supervisors and Prometheus."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from pathlib import Path

import msgspec
from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST

CHECK_WITHIN = 3.0
LEAST_FREE = 64 << 20
"""Bytes: below that the ledger may soon have nowhere to go."""

Check = Callable[[], Awaitable[str | None]]
"""None where all is well, else what is wrong in a few words."""


class Health:
    """`checks` by the name of what they check; `exposition` gives the metrics."""

    def __init__(self, checks: dict[str, Check], exposition: Callable[[], bytes]) -> None:
        self._checks = checks
        self._exposition = exposition

    def routes(self) -> list[web.RouteDef]:
        """For everybody."""
        return [web.get("/healthz", self.alive), web.get("/readyz", self.ready)]

    def private_routes(self) -> list[web.RouteDef]:
        """For the Unix socket alone."""
        return [*self.routes(), web.get("/metrics", self.metrics)]

    async def troubles(self) -> dict[str, str]:
        """What is not well, by name."""
        found = await asyncio.gather(*(self._run(check) for check in self._checks.values()))
        return {name: trouble for name, trouble in zip(self._checks, found, strict=True) if trouble is not None}

    async def alive(self, _request: web.Request) -> web.Response:
        return web.Response(text="ok\n")

    async def ready(self, _request: web.Request) -> web.Response:
        troubles = await self.troubles()
        body = msgspec.json.encode({"ready": not troubles, "troubles": troubles})
        headers = {"Cache-Control": "no-store"}
        return web.Response(
            body=body, status=503 if troubles else 200, content_type="application/json", headers=headers
        )

    async def metrics(self, _request: web.Request) -> web.Response:
        return web.Response(body=self._exposition(), headers={"Content-Type": CONTENT_TYPE_LATEST})

    async def _run(self, check: Check) -> str | None:
        try:
            async with asyncio.timeout(CHECK_WITHIN):
                return await check()
        except TimeoutError:
            return "no answer"
        except Exception as error:  # a check that fails in an unforeseen way is a trouble, not an error of ours
            return type(error).__name__


def disk_check(folder: Path) -> Check:
    async def check() -> str | None:
        status = await asyncio.to_thread(os.statvfs, folder)
        free = status.f_bavail * status.f_frsize
        return None if free >= LEAST_FREE else f"{free >> 20} MiB free"

    return check
