"""What the console shows of a report: everybody with their verdict, one member's evening, and the curve."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Protocol

from aiohttp import web

from attendance.io import overview_json
from attendance.report import Report
from attendance.roster import BranchPath
from classroom.errors import UserError
from classroom.io.answer_aiohttp import file_answer, language, problems
from classroom.io.lectures_aiohttp import scope_of
from classroom.io.session_aiohttp import Guard
from classroom.office import Aside

JSON = "application/json"


class Reports(Protocol):
    async def report(self, lecture: str, scope: BranchPath = ()) -> Report: ...


class ReportHandlers:
    """Reports are of the asker's branch and below; who is not of it is not there. Writing goes aside."""

    def __init__(self, reports: Reports, guard: Guard, aside: Aside) -> None:
        self._reports = reports
        self._guard = guard
        self._aside = aside

    def routes(self) -> list[web.RouteDef]:
        one = "/api/lectures/{lecture}"
        return [
            web.get(one + "/report", problems(self.overview)),
            web.get(one + "/report/{member}", problems(self.evening)),
            web.get(one + "/curve", problems(self.curve)),
        ]

    async def overview(self, request: web.Request) -> web.StreamResponse:
        return await self._answer(request, partial(overview_json.overview, language=language(request)))

    async def evening(self, request: web.Request) -> web.StreamResponse:
        member = request.match_info["member"]
        return await self._answer(
            request, partial(overview_json.evening, member=member, language=language(request))
        )  # fmt: skip

    async def curve(self, request: web.Request) -> web.StreamResponse:
        return await self._answer(request, overview_json.curves)

    async def _answer(self, request: web.Request, write: Callable[[Report], bytes | None]) -> web.StreamResponse:
        staff = await self._guard.staff(request, "console")
        report = await self._reports.report(request.match_info["lecture"], scope_of(request, staff.branch))
        body = await self._aside.run(partial(write, report))
        if body is None:
            raise UserError("no-such-member", request.match_info["member"][:64])
        return file_answer(body, JSON)
