"""The roster over REST: files looked at, taken, taken back; people moved, gone, back."""

from __future__ import annotations

import datetime
from collections import Counter
from collections.abc import Mapping
from typing import Protocol

import msgspec
from aiohttp import web

from attendance.io.roster_sqlalchemy import Past, Seat
from attendance.io.sheet_calamine import MAX_BYTES
from attendance.roster import BranchPath, Listed
from classroom.errors import UserError
from classroom.io.answer_aiohttp import json_answer, language, problems, read_body, read_json
from classroom.io.lectures_aiohttp import scope_of
from classroom.io.session_aiohttp import Guard
from classroom.office import moment, person
from classroom.ports import InviteResult, Office, Person
from classroom.registrar import Registrar

NAMED = 20
"""People whom the question whether to invite everybody names."""


class Move(msgspec.Struct, forbid_unknown_fields=True):
    branch: str


class Officer(msgspec.Struct, forbid_unknown_fields=True):
    officer: bool


class PastView(msgspec.Struct, frozen=True):
    """What was done to a person; `was`: the branch that they were in before."""

    at: datetime.datetime | None
    by: str | None
    what: str
    file: str
    branch: str
    was: str | None
    undone: datetime.datetime | None


class PersonView(Person, frozen=True):
    history: tuple[PastView, ...] = ()
    lectures: tuple[Seat, ...] = ()


class Roster(Protocol):
    async def person(
        self, member: str, scope: BranchPath = ()
    ) -> tuple[Listed, list[Past], list[Seat]] | None: ...  # fmt: skip


class RosterHandlers:
    def __init__(self, office: Office, registrar: Registrar, roster: Roster, guard: Guard) -> None:
        self._office = office
        self._registrar = registrar
        self._roster = roster
        self._guard = guard

    def routes(self) -> list[web.RouteDef]:
        one = "/api/roster/people/{member}"
        return [
            web.post("/api/roster", problems(self.take)),
            web.post("/api/roster/preview", problems(self.preview)),
            web.get("/api/roster/people", problems(self.people)),
            web.get(one, problems(self.person)),
            web.post(one + "/move", problems(self.move)),
            web.post(one + "/leave", problems(self.leave)),
            web.post(one + "/return", problems(self.come_back)),
            web.put(one + "/officer", problems(self.set_officer)),
            web.get(one + "/phone", problems(self.phone)),
            web.delete(one, problems(self.erase)),
            web.get("/api/roster/changes", problems(self.changes)),
            web.post("/api/roster/changes/{change}/undo", problems(self.undo)),
            web.get("/api/lectures/{lecture}/invite", problems(self.to_invite)),
            web.post("/api/lectures/{lecture}/invite", problems(self.invite)),
        ]

    async def preview(self, request: web.Request) -> web.StreamResponse:
        _, scope = await self._asker(request)
        body = await read_body(request, MAX_BYTES)
        lecture = request.query.get("lecture")
        return json_answer(await self._registrar.preview(_file(request), body, language(request), scope, lecture))

    async def take(self, request: web.Request) -> web.StreamResponse:
        by, scope = await self._asker(request)
        body = await read_body(request, MAX_BYTES)
        lecture, seen = request.query.get("lecture"), request.query.get("seen")
        leaving = request.query.get("leaving") == "1"
        spoken = language(request)
        return json_answer(await self._registrar.take(_file(request), body, lecture, spoken, scope, by, seen, leaving))

    async def people(self, request: web.Request) -> web.StreamResponse:
        _, scope = await self._asker(request)
        return json_answer(await self._office.people(scope))

    async def person(self, request: web.Request) -> web.StreamResponse:
        """One of them, with what was done to them and where they are invited."""
        _, scope = await self._asker(request)
        found = await self._roster.person(_member(request), scope)
        if found is None:
            raise UserError("no-such-member")
        one, past, seats = found
        names = {each.id: each.name for each in await self._office.staff()}
        view = msgspec.structs.asdict(person(one))
        return json_answer(
            PersonView(**view, history=tuple(_past(each, names) for each in past), lectures=tuple(seats))
        )

    async def move(self, request: web.Request) -> web.StreamResponse:
        by, scope = await self._asker(request)
        to = await read_json(request, Move)
        return _changed(await self._registrar.move(_member(request), to.branch, scope, by))

    async def leave(self, request: web.Request) -> web.StreamResponse:
        by, scope = await self._asker(request)
        return _changed(await self._registrar.leave(_member(request), scope, by))

    async def come_back(self, request: web.Request) -> web.StreamResponse:
        by, scope = await self._asker(request)
        return _changed(await self._registrar.come_back(_member(request), scope, by))

    async def set_officer(self, request: web.Request) -> web.StreamResponse:
        by, scope = await self._asker(request)
        said = await read_json(request, Officer)
        return _changed(await self._registrar.set_officer(_member(request), said.officer, scope, by))

    async def phone(self, request: web.Request) -> web.StreamResponse:
        """A number in full; who read it is noted."""
        _, scope = await self._asker(request)
        return json_answer({"phone": await self._registrar.phone(_member(request), scope)})

    async def erase(self, request: web.Request) -> web.StreamResponse:
        _, scope = await self._asker(request)
        await self._registrar.erase(_member(request), scope)
        return web.Response(status=204)

    async def changes(self, request: web.Request) -> web.StreamResponse:
        _, scope = await self._asker(request)
        return json_answer(await self._office.roster_changes(scope))

    async def undo(self, request: web.Request) -> web.StreamResponse:
        _, scope = await self._asker(request)
        return json_answer(await self._office.undo_change(request.match_info["change"], scope))

    async def to_invite(self, request: web.Request) -> web.StreamResponse:
        """Whom `invite` would invite: how many, of which branches, and the first by name."""
        _, scope = await self._asker(request)
        found = await self._registrar.to_invite(request.match_info["lecture"], scope)
        counts = Counter(branch for _, branch in found)
        branches = [{"branch": " / ".join(branch), "count": count} for branch, count in counts.items()]
        names = [name for name, _ in found[:NAMED]]
        return json_answer({"count": len(found), "branches": branches, "names": names})

    async def invite(self, request: web.Request) -> web.StreamResponse:
        by, scope = await self._asker(request)
        return json_answer(InviteResult(*await self._registrar.invite_all(request.match_info["lecture"], scope, by)))

    async def _asker(self, request: web.Request) -> tuple[str | None, BranchPath]:
        """Who asks, and the branch that they see."""
        staff = await self._guard.staff(request, "console")
        return staff.id or None, scope_of(request, staff.branch)


def _file(request: web.Request) -> str:
    return request.query.get("name", "")[:200]


def _member(request: web.Request) -> str:
    return request.match_info["member"]


def _changed(change: str) -> web.Response:
    return json_answer({"change": change})


def _past(past: Past, names: Mapping[str, str]) -> PastView:
    one = past.change
    return PastView(
        at=moment(one.at),
        by=None if one.by is None else names.get(one.by, ""),
        what=one.what,
        file=one.file,
        branch=" / ".join(one.scope),
        was=None if past.was is None else " / ".join(past.was),
        undone=moment(one.undone),
    )
