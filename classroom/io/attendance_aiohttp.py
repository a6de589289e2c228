"""Attendance for the console: the live list by branch, the exports, and the check of the ledger."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from aiohttp import web

from attendance.ports import Clock
from attendance.roster import BranchPath, Invitation, Role
from classroom.errors import UserError
from classroom.io.answer_aiohttp import file_answer, json_answer, language, problems
from classroom.io.lectures_aiohttp import XLSX, scope_of
from classroom.io.session_aiohttp import Guard
from classroom.office import moment
from classroom.ports import ExportFormat, LivePresence, Office, Standing
from classroom.room.lecture import BEGUN, OVER
from signaling.control import Load

TYPES: dict[ExportFormat, str] = {"json": "application/json", "csv": "text/csv; charset=utf-8", "xlsx": XLSX}
FRESH = 3_000_000
"""µs that a list of the invited is used again: consoles ask for the live list every few seconds."""
CACHED = 64
NOBODY = Standing()
ABSENT = Standing(credited=0)
"""Who never came to a lecture that began: measured, and nothing received."""


class Invitations(Protocol):
    async def invitations(self, lecture: str, scope: BranchPath = ()) -> list[Invitation]: ...


class AttendanceHandlers:
    """`load` gives what the relay told of its load last; None while it is away."""

    def __init__(
        self,
        office: Office,
        guard: Guard,
        roster: Invitations,
        presence: LivePresence,
        clock: Clock,
        load: Callable[[], Load | None],
    ) -> None:
        self._load = load
        self._office = office
        self._guard = guard
        self._roster = roster
        self._presence = presence
        self._clock = clock
        self._invited: OrderedDict[tuple[str, BranchPath], tuple[int, list[Invitation]]] = OrderedDict()

    def routes(self) -> list[web.RouteDef]:
        one = "/api/lectures/{lecture}"
        return [
            web.get(one + "/live", problems(self.live)),
            web.get(one + "/attendance.{form:json|csv|xlsx}", problems(self.export)),
            web.get(one + "/verify", problems(self.verify)),
        ]

    async def live(self, request: web.Request) -> web.StreamResponse:
        staff = await self._guard.staff(request, "console")
        lecture = request.match_info["lecture"]
        info = await self._office.lecture(lecture)
        invited = await self._members(lecture, scope_of(request, staff.branch))
        standings = await self._presence.standings(lecture)
        others = ABSENT if info.state in BEGUN | OVER else NOBODY
        body = {
            "now": moment(self._clock.now()),
            "state": info.state,
            "uplink": uplink(self._load()),
            **summary(invited, standings, others),
        }
        if request.query.get("only") == "counts":
            del body["branches"], body["members"]
        return json_answer(body)

    async def export(self, request: web.Request) -> web.StreamResponse:
        staff = await self._guard.staff(request, "console")
        lecture, form = request.match_info["lecture"], _form(request.match_info["form"])
        body = await self._office.export(lecture, form, scope_of(request, staff.branch), language(request))
        title = (await self._office.lecture(lecture)).title
        return file_answer(body, TYPES[form], f"{title}.{form}")

    async def verify(self, request: web.Request) -> web.StreamResponse:
        await self._guard.staff(request, "console")
        return json_answer(await self._office.verify(request.match_info["lecture"]))

    async def _members(self, lecture: str, scope: BranchPath) -> list[Invitation]:
        """Invited members; lecturer, host and guests are not accounted for."""
        now = self._clock.now()
        key = (lecture, scope)
        known = self._invited.get(key)
        if known is not None and now - known[0] < FRESH:
            return known[1]
        found = [one for one in await self._roster.invitations(lecture, scope) if one.role == Role.MEMBER]
        self._invited[key] = (now, found)
        self._invited.move_to_end(key)
        while len(self._invited) > CACHED:
            self._invited.popitem(last=False)
        return found


def summary(
    invited: Sequence[Invitation], standings: Mapping[str, Standing], others: Standing = NOBODY
) -> dict[str, Any]:
    """Counts of all and of each branch, and the list: who is missing now stands in it too. `others` is how who has no
    standing stands."""
    members: list[dict[str, Any]] = []
    branches: dict[BranchPath, dict[str, Any]] = {}
    total = {"invited": 0, "connected": 0, "receiving": 0, "missing": 0}
    for invitation in invited:
        member, standing = invitation.member, standings.get(invitation.member.id, others)
        path = " / ".join(member.branch)
        branch = branches.setdefault(member.branch, {"branch": path, **dict.fromkeys(total, 0)})
        for counts in (total, branch):
            counts["invited"] += 1
            counts["connected"] += standing.connected
            counts["receiving"] += standing.receiving
            counts["missing"] += not (standing.connected or standing.receiving)
        members.append(
            {
                "id": member.id,
                "name": member.name,
                "branch": path,
                "phone": member.phone,
                "connected": standing.connected,
                "receiving": standing.receiving,
                "first_join": moment(standing.first_join),
                "credited_seconds": None if standing.credited is None else round(standing.credited / 1000) / 1000,
                "trouble": standing.trouble,
            }
        )
    return {**total, "branches": list(branches.values()), "members": members}


def uplink(load: Load | None) -> dict[str, int] | None:
    """Bits a second that leave the relay, and that may (0: no limit is set); None while it is away."""
    return None if load is None else {"used": load.uplink_used, "limit": load.uplink_limit}


def _form(text: str) -> ExportFormat:
    for form in TYPES:
        if form == text:
            return form
    raise UserError("no-such-page")
