"""`POST /api/join`: the personal link's ticket, exchanged once for what the page needs to begin."""

from __future__ import annotations

from typing import Protocol

import msgspec
from aiohttp import web

from attendance.facts import LectureState
from classroom.admission import Entry, person_of
from classroom.errors import explained
from classroom.people.role import rights
from classroom.room.messages import Ticket, moment
from signaling.errors import Refused
from signaling.io.problem_aiohttp import problem_response, refusal_response

LARGEST = 4_096


class Join(msgspec.Struct, forbid_unknown_fields=True):
    ticket: Ticket


class Lecture(Protocol):
    @property
    def title(self) -> str: ...

    @property
    def starts(self) -> int | None: ...

    @property
    def ends(self) -> int | None: ...


class Lectures(Protocol):
    async def get(self, lecture: str) -> Lecture | None: ...


class Doorman(Protocol):
    async def read(self, ticket: str) -> Entry: ...


class JoinHandlers:
    def __init__(self, doorman: Doorman, lectures: Lectures) -> None:
        self._doorman = doorman
        self._lectures = lectures

    def routes(self) -> list[web.RouteDef]:
        return [web.post("/api/join", self.join)]

    async def join(self, request: web.Request) -> web.Response:
        if (request.content_length or 0) > LARGEST:
            return _problem(request, "too-large")
        try:
            body = msgspec.json.decode(await request.content.read(LARGEST), type=Join)
            entry = await self._doorman.read(body.ticket)
        except (msgspec.DecodeError, UnicodeError):
            return _problem(request, "malformed")
        except Refused as refused:
            return refusal_response(request, refused)
        lecture = await self._lectures.get(entry.invitation.lecture)
        if lecture is None:
            return _problem(request, "no-such-lecture")
        return web.Response(body=_answer(entry, lecture), content_type="application/json")


def _answer(entry: Entry, lecture: Lecture) -> bytes:
    person = person_of(entry.invitation)
    state: LectureState = entry.state
    return msgspec.json.encode(
        {
            "lecture": {
                "id": entry.invitation.lecture,
                "title": lecture.title,
                "starts": None if lecture.starts is None else moment(lecture.starts),
                "ends": None if lecture.ends is None else moment(lecture.ends),
                "state": state,
            },
            "member": {"id": person.member, "name": person.name, "branch": person.branch},
            "role": person.role,
            "page": "/studio" if rights(person.role).publish else "/room",
        }
    )


def _problem(request: web.Request, reason: str) -> web.Response:
    status, sentences = explained(reason)
    return problem_response(request, reason, status, sentences)
