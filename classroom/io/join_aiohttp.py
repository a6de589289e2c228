"""`POST /api/join`: the personal link's ticket, exchanged once for what the page needs to begin; and
`POST /api/join/trouble`: why a page that was let in goes no further."""

from __future__ import annotations

from typing import Any, Literal, Protocol

import msgspec
from aiohttp import web

from classroom.admission import Entry, person_of
from classroom.errors import UserError
from classroom.io.answer_aiohttp import json_answer, problems, read_json
from classroom.people.role import rights
from classroom.room.messages import Detail, Ticket, moment
from signaling.errors import Refused
from signaling.io.problem_aiohttp import refusal_response
from signaling.session.turnstile import Turnstile


class Join(msgspec.Struct, forbid_unknown_fields=True):
    ticket: Ticket


class Troubled(msgspec.Struct, forbid_unknown_fields=True):
    """`no-webrtc`: the browser cannot play a lecture at all, so that no channel will tell of it."""

    ticket: Ticket
    cause: Literal["no-webrtc"]
    detail: Detail = ""


class Lecture(Protocol):
    @property
    def title(self) -> str: ...

    @property
    def starts(self) -> int | None: ...

    @property
    def ends(self) -> int | None: ...


class Rooms(Protocol):
    async def about(self, lecture: str) -> Lecture | None:
        """None: there is no such lecture. Raises `Refused`."""


class Doorman(Protocol):
    async def read(self, ticket: str) -> Entry: ...

    async def turned_away(self, ticket: str, cause: str, detail: str) -> None: ...


class JoinHandlers:
    def __init__(self, doorman: Doorman, rooms: Rooms, turnstile: Turnstile, kept_days: int = 0) -> None:
        """`kept_days`: how long names and words are kept, which whoever comes in is told; 0: as long as nobody erases
        them."""
        self._doorman = doorman
        self._kept_days = kept_days
        self._rooms = rooms
        self._turnstile = turnstile

    def routes(self) -> list[web.RouteDef]:
        return [
            web.post("/api/join", problems(self.join)),
            web.post("/api/join/trouble", problems(self.trouble)),
        ]

    async def join(self, request: web.Request) -> web.StreamResponse:
        body = await read_json(request, Join)
        try:
            with self._turnstile.passing():
                entry, lecture = await self._look_up(body.ticket)
        except Refused as refused:
            return refusal_response(request, refused)
        if lecture is None:
            raise UserError("no-such-lecture")
        return json_answer({**_answer(entry, lecture), "kept_days": self._kept_days})

    async def trouble(self, request: web.Request) -> web.StreamResponse:
        body = await read_json(request, Troubled)
        try:
            with self._turnstile.passing():
                await self._doorman.read(body.ticket)
                await self._doorman.turned_away(body.ticket, body.cause, body.detail)
        except Refused as refused:
            return refusal_response(request, refused)
        return web.Response(status=204)

    async def _look_up(self, ticket: str) -> tuple[Entry, Lecture | None]:
        """Raises `Refused`, which is then told."""
        try:
            entry = await self._doorman.read(ticket)
            return entry, await self._rooms.about(entry.invitation.lecture)
        except Refused as refused:
            await self._doorman.turned_away(ticket, refused.reason.value, "link")
            raise


def _answer(entry: Entry, lecture: Lecture) -> dict[str, Any]:
    person = person_of(entry.invitation)
    return {
        "lecture": {
            "id": entry.invitation.lecture,
            "title": lecture.title,
            "starts": None if lecture.starts is None else moment(lecture.starts),
            "ends": None if lecture.ends is None else moment(lecture.ends),
            "state": entry.state,
        },
        "member": {"id": person.member, "name": person.name, "branch": person.branch},
        "role": person.role,
        "page": "/studio" if rights(person.role).publish else "/room",
    }
