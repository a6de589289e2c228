from __future__ import annotations

import asyncio

import pytest
from aiohttp import web

from classroom import service


@pytest.mark.parametrize(
    "said",
    [b"", b"GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"\r\n\r\n"],
    ids=["nothing", "half a request", "a request and no other", "empty lines"],
)
async def test_a_connection_that_asks_nothing_is_closed(said: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "REQUEST_WITHIN", 0.2)

    async def answer(_request: web.Request) -> web.Response:
        return web.Response(text="ok")

    app = web.Application()
    app.add_routes([web.get("/", answer)])
    runner = service.runner_of(app)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        reader, writer = await asyncio.open_connection(*runner.addresses[0][:2])
        writer.write(said)
        async with asyncio.timeout(5):
            await reader.read()  # to the end
        writer.close()
    finally:
        await runner.cleanup()
