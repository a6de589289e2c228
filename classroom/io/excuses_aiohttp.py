"""Leave (请假) for one lecture, before or after it: who has it, and giving and withdrawing it within one's branch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import msgspec
from aiohttp import web

from attendance.facts import Leave
from attendance.roster import BranchPath, Invitation
from classroom.io.answer_aiohttp import json_answer, problems, read_json
from classroom.io.lectures_aiohttp import scope_of
from classroom.io.session_aiohttp import Guard
from classroom.office import moment
from classroom.people.staff import StaffMember
from classroom.records import Records


class Invitations(Protocol):
    async def invitations(self, lecture: str, scope: BranchPath = ()) -> Sequence[Invitation]: ...


class NewExcuse(msgspec.Struct, forbid_unknown_fields=True):
    cause: Leave


class ExcuseHandlers:
    def __init__(self, records: Records, roster: Invitations, guard: Guard) -> None:
        self._records = records
        self._roster = roster
        self._guard = guard

    def routes(self) -> list[web.RouteDef]:
        all_, one = "/api/lectures/{lecture}/excuses", "/api/lectures/{lecture}/excuses/{member}"
        return [
            web.get(all_, problems(self.index)),
            web.put(one, problems(self.give)),
            web.delete(one, problems(self.withdraw)),
        ]

    async def index(self, request: web.Request) -> web.StreamResponse:
        staff = await self._guard.staff(request, "console")
        lecture = request.match_info["lecture"]
        book = await self._records.excuses(lecture)
        names = await self._records.names(lecture, book.staff)
        found = []
        for invitation in await self._roster.invitations(lecture, scope_of(request, staff.branch)):
            member, excuse = invitation.member, book.of(invitation.member.id)
            if excuse is not None:
                branch = " / ".join(member.branch)
                about = {"member": member.id, "name": member.name, "branch": branch, "cause": excuse.cause}
                by = excuse.by or ""
                found.append({**about, "at": moment(excuse.at), "by": excuse.by, "by_name": names.get(by, by)})
        return json_answer(found)

    async def give(self, request: web.Request) -> web.StreamResponse:
        staff = await self._guard.staff(request, "console")
        return await self._set(request, staff, (await read_json(request, NewExcuse)).cause)

    async def withdraw(self, request: web.Request) -> web.StreamResponse:
        return await self._set(request, await self._guard.staff(request, "console"), None)

    async def _set(self, request: web.Request, staff: StaffMember, cause: Leave | None) -> web.StreamResponse:
        lecture, member = request.match_info["lecture"], request.match_info["member"]
        await self._records.excuse(lecture, member, cause, staff.branch, staff.id or None)
        return web.Response(status=204)
