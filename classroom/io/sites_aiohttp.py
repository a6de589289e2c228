"""`/api/lectures/{lecture}/sites`: where members watch together, for organizers within their branch."""

from __future__ import annotations

from typing import Annotated

import msgspec
from aiohttp import web
from msgspec import Meta

from attendance.facts import How
from attendance.site import Site
from classroom.io.answer_aiohttp import json_answer, problems, read_json
from classroom.io.lectures_aiohttp import scope_of
from classroom.io.session_aiohttp import Guard
from classroom.sites import SiteDesk


class NewSite(msgspec.Struct, forbid_unknown_fields=True):
    place: str
    branch: list[str]
    host: str


class Heads(msgspec.Struct, forbid_unknown_fields=True):
    heads: Annotated[int, Meta(ge=0, le=10_000)]


class SiteHandlers:
    def __init__(self, desk: SiteDesk, guard: Guard) -> None:
        self._desk = desk
        self._guard = guard

    def routes(self) -> list[web.RouteDef]:
        all_, one = "/api/lectures/{lecture}/sites", "/api/lectures/{lecture}/sites/{site}"
        return [
            web.get(all_, problems(self.index)),
            web.post(all_, problems(self.create)),
            web.get(one, problems(self.show)),
            web.delete(one, problems(self.remove)),
            web.get(one + "/link", problems(self.link)),
            web.get(one + "/candidates", problems(self.candidates)),
            web.post(one + "/open", problems(self.open)),
            web.post(one + "/close", problems(self.close)),
            web.put(one + "/heads", problems(self.count)),
            web.put(one + "/people/{member}", problems(self.check_in)),
            web.delete(one + "/people/{member}", problems(self.check_out)),
        ]

    async def index(self, request: web.Request) -> web.StreamResponse:
        staff = await self._guard.staff(request, "console")
        return json_answer(await self._desk.sites(request.match_info["lecture"], scope_of(request, staff.branch)))

    async def create(self, request: web.Request) -> web.StreamResponse:
        staff = await self._guard.staff(request, "console")
        new = await read_json(request, NewSite)
        lecture = request.match_info["lecture"]
        return json_answer(await self._desk.create(lecture, new.place, tuple(new.branch), new.host, staff.branch), 201)

    async def show(self, request: web.Request) -> web.StreamResponse:
        site, _ = await self._of(request)
        room = await self._desk.room(site)
        return json_answer(msgspec.structs.replace(room, code=None))  # its place is on the screen

    async def remove(self, request: web.Request) -> web.StreamResponse:
        site, _ = await self._of(request)
        await self._desk.remove(site)
        return web.Response(status=204)

    async def link(self, request: web.Request) -> web.StreamResponse:
        site, _ = await self._of(request)
        return json_answer({"url": await self._desk.link(site)})

    async def candidates(self, request: web.Request) -> web.StreamResponse:
        site, _ = await self._of(request)
        return json_answer(await self._desk.people(site))

    async def open(self, request: web.Request) -> web.StreamResponse:
        site, by = await self._of(request)
        await self._desk.open(site, by)
        return web.Response(status=204)

    async def close(self, request: web.Request) -> web.StreamResponse:
        site, by = await self._of(request)
        await self._desk.close(site, by)
        return web.Response(status=204)

    async def count(self, request: web.Request) -> web.StreamResponse:
        site, by = await self._of(request)
        await self._desk.count(site, (await read_json(request, Heads)).heads, by)
        return web.Response(status=204)

    async def check_in(self, request: web.Request) -> web.StreamResponse:
        site, by = await self._of(request)
        await self._desk.check_in(site, request.match_info["member"], How.SEARCH, by)
        return web.Response(status=204)

    async def check_out(self, request: web.Request) -> web.StreamResponse:
        site, by = await self._of(request)
        await self._desk.check_out(site, request.match_info["member"], by)
        return web.Response(status=204)

    async def _of(self, request: web.Request) -> tuple[Site, str | None]:
        """A site of the asker's own branch, and their staff id."""
        staff = await self._guard.staff(request, "console")
        matched = request.match_info
        return await self._desk.staff_site(matched["lecture"], matched["site"], staff.branch), staff.id or None
