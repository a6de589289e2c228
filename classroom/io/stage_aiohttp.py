"""`/api/lectures/{lecture}/order`: the running order; `/timeline`: what happened in the evening."""

from __future__ import annotations

from typing import Annotated

import msgspec
from aiohttp import web
from msgspec import Meta

from attendance.io.sheet_calamine import MAX_BYTES
from attendance.sheet.preview import branch_path
from classroom.evening import EveningOffice
from classroom.io.answer_aiohttp import json_answer, language, problems, read_body, read_json
from classroom.io.session_aiohttp import Guard
from classroom.people.agenda import Wanted
from classroom.room.order import LENGTH

LARGEST_ORDER = 64 * 1024

Text = Annotated[str, Meta(max_length=200)]
Id = Annotated[str, Meta(max_length=64)]


class Line(msgspec.Struct, forbid_unknown_fields=True):
    """A testimonial as it is typed; `branch` is a path with " / " between its parts."""

    name: Text
    branch: Annotated[str, Meta(max_length=640)] = ""
    title: Text = ""
    minutes: int = 5
    phone: Annotated[str, Meta(max_length=40)] | None = None
    id: Id | None = None
    member: Id | None = None


class NewOrder(msgspec.Struct, forbid_unknown_fields=True):
    entries: Annotated[tuple[Line, ...], Meta(max_length=LENGTH)]


class StageHandlers:
    def __init__(self, evening: EveningOffice, guard: Guard) -> None:
        self._evening = evening
        self._guard = guard

    def routes(self) -> list[web.RouteDef]:
        one = "/api/lectures/{lecture}"
        return [
            web.get(one + "/order", problems(self.order)),
            web.put(one + "/order", problems(self.set_order)),
            web.post(one + "/order/import", problems(self.import_order)),
            web.get(one + "/timeline", problems(self.timeline)),
        ]

    async def order(self, request: web.Request) -> web.StreamResponse:
        await self._guard.staff(request, "console")
        return json_answer({"entries": await self._evening.order(_lecture(request))})

    async def set_order(self, request: web.Request) -> web.StreamResponse:
        staff = await self._guard.staff(request, "direct")
        new = await read_json(request, NewOrder, LARGEST_ORDER)
        wanted = [_wanted(number, line) for number, line in enumerate(new.entries, 1)]
        entries = await self._evening.set_order(_lecture(request), wanted, language(request), staff.id or None)
        return json_answer({"entries": entries})

    async def import_order(self, request: web.Request) -> web.StreamResponse:
        staff = await self._guard.staff(request, "direct")
        body = await read_body(request, MAX_BYTES)
        name = request.query.get("name", "")[:200]
        entries, refused = await self._evening.import_order(
            _lecture(request), name, body, language(request), staff.id or None
        )  # fmt: skip
        return json_answer({"entries": entries, "refused": refused})

    async def timeline(self, request: web.Request) -> web.StreamResponse:
        await self._guard.staff(request, "console")
        return json_answer({"events": await self._evening.timeline(_lecture(request))})


def _wanted(number: int, line: Line) -> Wanted:
    branch = branch_path(line.branch)
    return Wanted(number, line.name, branch, line.title, line.minutes, line.phone, line.id, line.member)


def _lecture(request: web.Request) -> str:
    return request.match_info["lecture"]
