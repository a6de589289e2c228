"""`/api/staff`: whoever may sign in, for operators."""

from __future__ import annotations

import msgspec
from aiohttp import web

from classroom.io.answer_aiohttp import json_answer, problems, read_json
from classroom.io.session_aiohttp import NOTED, Guard
from classroom.ports import Office


class NewStaff(msgspec.Struct, forbid_unknown_fields=True):
    name: str
    password: str
    branch: tuple[str, ...] = ()


class StaffChange(msgspec.Struct, forbid_unknown_fields=True):
    """What is left out stays. `branch`: its parts; [] is the city."""

    name: str | None = None
    branch: tuple[str, ...] | None = None
    password: str | None = None


class StaffHandlers:
    def __init__(self, office: Office, guard: Guard) -> None:
        self._office = office
        self._guard = guard

    def routes(self) -> list[web.RouteDef]:
        one = "/api/staff/{staff}"
        return [
            web.get("/api/staff", problems(self.index)),
            web.post("/api/staff", problems(self.add)),
            web.patch(one, problems(self.change)),
            web.delete(one, problems(self.remove)),
        ]

    async def index(self, request: web.Request) -> web.StreamResponse:
        await self._guard.staff(request, "plan")
        return json_answer(await self._office.staff())

    async def add(self, request: web.Request) -> web.StreamResponse:
        await self._guard.staff(request, "plan")
        new = await read_json(request, NewStaff)
        await self._office.create_staff(new.name, new.password, new.branch)
        branch = " / ".join(new.branch)
        request[NOTED] = _noted(new.name, branch)
        return json_answer({"name": new.name, "branch": branch}, 201)

    async def change(self, request: web.Request) -> web.StreamResponse:
        staff = await self._guard.staff(request, "plan")
        new = await read_json(request, StaffChange)
        chosen = request.match_info["staff"]
        changed = await self._office.change_staff(chosen, new.name, new.branch, new.password, staff.id or None)
        words = [word for word in ("name", "branch", "password") if getattr(new, word) is not None]
        request[NOTED] = f"{_noted(changed.name, changed.branch)} ({', '.join(words)})"
        return json_answer(changed)

    async def remove(self, request: web.Request) -> web.StreamResponse:
        staff = await self._guard.staff(request, "plan")
        removed = await self._office.remove_staff(request.match_info["staff"], staff.id or None)
        request[NOTED] = _noted(removed.name, removed.branch)
        return web.Response(status=204)


def _noted(name: str, branch: str) -> str:
    return " · ".join(word for word in (name, branch) if word)
