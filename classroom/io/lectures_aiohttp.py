"""`/api/lectures`: making, listing, starting and ending lectures, and their personal links."""

from __future__ import annotations

import datetime
from functools import partial

import msgspec
from aiohttp import web

from attendance.roster import BranchPath
from classroom.errors import ProtocolError, UserError
from classroom.io import links_xlsxwriter, qr_segno
from classroom.io.answer_aiohttp import file_answer, json_answer, language, problems, read_json
from classroom.io.session_aiohttp import Guard
from classroom.office import Aside
from classroom.ports import Link, Office

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
SHEET_POLICY = "default-src 'none'; style-src 'unsafe-inline'"


class NewLecture(msgspec.Struct, forbid_unknown_fields=True):
    """Times with an offset."""

    title: str
    starts: datetime.datetime | None = None
    ends: datetime.datetime | None = None


class LectureHandlers:
    def __init__(self, office: Office, guard: Guard, aside: Aside) -> None:
        self._office = office
        self._guard = guard
        self._aside = aside

    def routes(self) -> list[web.RouteDef]:
        one = "/api/lectures/{lecture}"
        return [
            web.get("/api/lectures", problems(self.index)),
            web.post("/api/lectures", problems(self.create)),
            web.get(one, problems(self.show)),
            web.post(one + "/start", problems(self.start)),
            web.post(one + "/end", problems(self.end)),
            web.get(one + "/links", problems(self.links)),
            web.get(one + "/links.xlsx", problems(self.links_xlsx)),
            web.get(one + "/links.html", problems(self.links_html)),
            web.get(one + "/links/{member}.svg", problems(self.link_svg)),
            web.post(one + "/links/{member}/renew", problems(self.renew)),
        ]

    async def index(self, request: web.Request) -> web.StreamResponse:
        staff = await self._guard.staff(request, "console")
        return json_answer(await self._office.lectures(scope_of(request, staff.branch)))

    async def create(self, request: web.Request) -> web.StreamResponse:
        await self._guard.staff(request, "plan")
        new = await read_json(request, NewLecture)
        for time in (new.starts, new.ends):
            if time is not None and time.utcoffset() is None:
                raise ProtocolError("a time needs its offset")
        return json_answer(await self._office.create_lecture(new.title, _utc(new.starts), _utc(new.ends)), 201)

    async def show(self, request: web.Request) -> web.StreamResponse:
        staff = await self._guard.staff(request, "console")
        return json_answer(await self._office.lecture(_lecture(request), scope_of(request, staff.branch)))

    async def start(self, request: web.Request) -> web.StreamResponse:
        staff = await self._guard.staff(request, "move")
        return json_answer(await self._office.start(_lecture(request), staff.id or None))

    async def end(self, request: web.Request) -> web.StreamResponse:
        staff = await self._guard.staff(request, "move")
        return json_answer(await self._office.end(_lecture(request), staff.id or None))

    async def links(self, request: web.Request) -> web.StreamResponse:
        return json_answer(await self._links(request))

    async def links_xlsx(self, request: web.Request) -> web.StreamResponse:
        links = await self._links(request)
        title = (await self._office.lecture(_lecture(request))).title
        body = await self._aside.run(partial(links_xlsxwriter.write, links, title, language(request)))
        return file_answer(body, XLSX, f"{title} links.xlsx")

    async def links_html(self, request: web.Request) -> web.StreamResponse:
        links = await self._links(request)
        title = (await self._office.lecture(_lecture(request))).title
        body = await self._aside.run(partial(qr_segno.page, links, title, language(request)))
        response = file_answer(body, "text/html; charset=utf-8")
        response.headers["Content-Security-Policy"] = SHEET_POLICY
        return response

    async def link_svg(self, request: web.Request) -> web.StreamResponse:
        member = request.match_info["member"]
        for link in await self._links(request):
            if link.member == member:
                return file_answer(await self._aside.run(partial(qr_segno.svg, link.url)), "image/svg+xml")
        raise UserError("no-such-member")

    async def renew(self, request: web.Request) -> web.StreamResponse:
        staff = await self._guard.staff(request, "console")
        scope = scope_of(request, staff.branch)
        return json_answer(await self._office.renew_link(_lecture(request), request.match_info["member"], scope))

    async def _links(self, request: web.Request) -> list[Link]:
        staff = await self._guard.staff(request, "console")
        return await self._office.links(_lecture(request), scope_of(request, staff.branch))


def scope_of(request: web.Request, branch: BranchPath) -> BranchPath:
    """The asked branch (`?scope=A / B`) where it lies within the asker's own; otherwise the asker's."""
    asked = tuple(part.strip() for part in request.query.get("scope", "").split("/") if part.strip())
    return asked if asked[: len(branch)] == branch else branch


def _lecture(request: web.Request) -> str:
    return request.match_info["lecture"]


def _utc(time: datetime.datetime | None) -> datetime.datetime | None:
    return None if time is None else time.astimezone(datetime.UTC)
