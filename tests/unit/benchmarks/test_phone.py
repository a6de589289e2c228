"""What the storm's phones ask for, and what they make of the answers."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from benchmarks.phone import Phone, Unserved
from classroom.io.pages_aiohttp import Pages

PAGE = (
    '<link rel="icon" href="/assets/icon-1.svg"><script type="module" src="/assets/join-2.js"></script>'
    '<link rel="modulepreload" href="/assets/pages-3.js"><link rel="stylesheet" href="/assets/pages-4.css">'
)


class Service:
    """Serves a build of four files; turns the first `crowd` tickets away."""

    def __init__(self, folder: Path) -> None:
        self.crowd = 0
        self.tickets: list[str] = []
        (folder / "assets").mkdir()
        (folder / "join.html").write_text(PAGE)
        for name in ("icon-1.svg", "join-2.js", "pages-3.js", "pages-4.css"):
            (folder / "assets" / name).write_text("x" * 1_000)
        app = web.Application()
        app.add_routes([*Pages(folder).routes(), web.post("/api/join", self.join)])
        self.server = TestServer(app)

    async def join(self, request: web.Request) -> web.Response:
        if self.crowd:
            self.crowd -= 1
            return web.Response(status=503, headers={"Retry-After": "0"})
        self.tickets.append((await request.json())["ticket"])
        return web.json_response({})


@pytest.fixture
async def service(tmp_path: Path) -> AsyncIterator[Service]:
    made = Service(tmp_path)
    await made.server.start_server()
    yield made
    await made.server.close()


async def test_a_phone_loads_the_page_and_its_files_and_shows_its_ticket(service: Service) -> None:
    phone = Phone(str(service.server.make_url("/")))
    await phone.open("t.1")
    phone.close()
    assert service.tickets == ["t.1"]
    assert list(phone.visit.steps) == ["page", "files", "ticket"]
    assert 0 < phone.visit.bytes < 1_000  # they travel compressed


async def test_a_phone_that_is_turned_away_comes_again(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(random, "random", lambda: 0.0)
    service.crowd = 2
    phone = Phone(str(service.server.make_url("/")))
    await phone.open("t.1")
    phone.close()
    assert (service.tickets, phone.visit.turned_away) == (["t.1"], 2)


async def test_a_page_without_files_is_no_page(service: Service, tmp_path: Path) -> None:
    (tmp_path / "join.html").write_text("<!doctype html>")
    phone = Phone(str(service.server.make_url("/")))
    with pytest.raises(Unserved, match="no files"):
        await phone.open("t.1")
    phone.close()
