"""`GET /api/lectures/{lecture}/audit`: who did what in the room, the latest first."""

from __future__ import annotations

import datetime
from collections import deque
from collections.abc import AsyncIterator, Collection, Sequence
from typing import Protocol

import msgspec
from aiohttp import web

from attendance.roster import Invitation
from classroom.errors import ProtocolError
from classroom.io.answer_aiohttp import json_answer, problems
from classroom.io.session_aiohttp import Guard
from classroom.office import moment
from classroom.ports import Office
from classroom.room.journal import Journaled
from classroom.room.trail import Deed, Trail, seen_by

PAGE = 200


class Journal(Protocol):
    def read(self, lecture: str) -> AsyncIterator[Journaled]: ...


class Roster(Protocol):
    async def of_members(self, lecture: str, chosen: Collection[str]) -> Sequence[Invitation]: ...


class Staff(Protocol):
    async def names(self, chosen: Collection[str]) -> dict[str, str]:
        """By id, of those among `chosen` who are staff."""


class Written(msgspec.Struct, frozen=True):
    """A deed as it is answered; `role` of whoever did it, "staff" for people of the console."""

    number: int
    at: datetime.datetime | None
    by: str
    role: str
    kind: str
    name: str | None
    branch: str | None
    text: str | None


class TrailHandlers:
    def __init__(self, office: Office, journal: Journal, roster: Roster, staff: Staff, guard: Guard) -> None:
        self._office = office
        self._journal = journal
        self._roster = roster
        self._staff = staff
        self._guard = guard

    def routes(self) -> list[web.RouteDef]:
        return [web.get("/api/lectures/{lecture}/audit", problems(self.show))]

    async def show(self, request: web.Request) -> web.StreamResponse:
        """`?before=N`: those below the journal's number N."""
        asker = await self._guard.staff(request, "console")
        lecture = request.match_info["lecture"]
        await self._office.lecture(lecture)
        deeds, more = await self._deeds(lecture, " / ".join(asker.branch), _before(request))
        people = await self._people(lecture, {deed.by for deed in deeds})
        written = [_written(deed, *people.get(deed.by, ("", ""))) for deed in reversed(deeds)]
        return json_answer({"deeds": written, "more": more})

    async def _deeds(self, lecture: str, scope: str, before: int | None) -> tuple[list[Deed], bool]:
        """The last ones, in order, and whether there are more."""
        trail = Trail()
        kept: deque[Deed] = deque(maxlen=PAGE + 1)
        async for journaled in self._journal.read(lecture):
            if before is not None and journaled.number >= before:
                break
            deed = trail.read(journaled)
            if deed is not None:
                kept.extend(seen_by([deed], scope))
        deeds = list(kept)
        return deeds[-PAGE:], len(deeds) > PAGE

    async def _people(self, lecture: str, chosen: Collection[str]) -> dict[str, tuple[str, str]]:
        """Name and role of whoever did something."""
        people = {member: (name, "staff") for member, name in (await self._staff.names(chosen)).items()}
        for invitation in await self._roster.of_members(lecture, [each for each in chosen if each not in people]):
            people[invitation.member.id] = (invitation.member.name, invitation.role)
        return people


def _written(deed: Deed, by: str, role: str) -> Written:
    return Written(deed.number, moment(deed.at), by, role, deed.kind, deed.name, deed.branch, deed.text)


def _before(request: web.Request) -> int | None:
    text = request.query.get("before")
    if text is None:
        return None
    if not text.isascii() or not text.isdigit() or len(text) > 18:
        raise ProtocolError("before")
    return int(text)
