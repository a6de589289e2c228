"""`POST /api/join/code`: the lecture's code, a name and four digits, exchanged for a ticket; and the code itself, for
whoever gives it out."""

from __future__ import annotations

from typing import Annotated, Protocol

import msgspec
from aiohttp import web
from msgspec import Meta

from classroom.io.answer_aiohttp import json_answer, problems, read_json
from classroom.io.session_aiohttp import Guard
from signaling.errors import Refused
from signaling.io.problem_aiohttp import refusal_response
from signaling.session.turnstile import Turnstile


class JoinByCode(msgspec.Struct, forbid_unknown_fields=True):
    code: Annotated[str, Meta(pattern="^[0-9]{6}$")]
    name: Annotated[str, Meta(min_length=1, max_length=64)]
    digits: Annotated[str, Meta(pattern="^[0-9]{4}$")]


class CodeDoor(Protocol):
    def code(self, lecture: str) -> str: ...

    async def ticket(self, code: str, name: str, digits: str) -> str:
        """Raises `UserError`."""


class CodeHandlers:
    def __init__(self, door: CodeDoor, turnstile: Turnstile) -> None:
        self._door = door
        self._turnstile = turnstile

    def routes(self) -> list[web.RouteDef]:
        return [web.post("/api/join/code", problems(self.join))]

    async def join(self, request: web.Request) -> web.StreamResponse:
        body = await read_json(request, JoinByCode)
        try:
            with self._turnstile.passing():
                return json_answer({"ticket": await self._door.ticket(body.code, body.name, body.digits)})
        except Refused as refused:
            return refusal_response(request, refused)


class CodeDesk:
    """The code, for staff."""

    def __init__(self, door: CodeDoor, guard: Guard) -> None:
        self._door = door
        self._guard = guard

    def routes(self) -> list[web.RouteDef]:
        return [web.get("/api/lectures/{lecture}/code", problems(self.show))]

    async def show(self, request: web.Request) -> web.StreamResponse:
        await self._guard.staff(request, "console")
        return json_answer({"code": self._door.code(request.match_info["lecture"])})
