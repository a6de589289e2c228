"""`POST /api/roster`: the file is the body. `POST /api/staff`: whoever may sign in."""

from __future__ import annotations

import msgspec
from aiohttp import web

from attendance.io.sheet_calamine import MAX_BYTES
from classroom.io.answer_aiohttp import json_answer, language, problems, read_body, read_json
from classroom.io.lectures_aiohttp import scope_of
from classroom.io.session_aiohttp import Guard
from classroom.ports import Office


class NewStaff(msgspec.Struct, forbid_unknown_fields=True):
    name: str
    password: str
    branch: tuple[str, ...] = ()


class RosterHandlers:
    def __init__(self, office: Office, guard: Guard) -> None:
        self._office = office
        self._guard = guard

    def routes(self) -> list[web.RouteDef]:
        return [web.post("/api/roster", problems(self.take)), web.post("/api/staff", problems(self.add_staff))]

    async def take(self, request: web.Request) -> web.StreamResponse:
        staff = await self._guard.staff(request, "console")
        body = await read_body(request, MAX_BYTES)
        name = request.query.get("name", "")[:200]
        result = await self._office.import_roster(
            name, body, request.query.get("lecture"), language(request), scope_of(request, staff.branch)
        )
        return json_answer(result)

    async def add_staff(self, request: web.Request) -> web.StreamResponse:
        await self._guard.staff(request, "plan")
        new = await read_json(request, NewStaff)
        await self._office.create_staff(new.name, new.password, new.branch)
        return json_answer({"name": new.name, "branch": " / ".join(new.branch)}, 201)
