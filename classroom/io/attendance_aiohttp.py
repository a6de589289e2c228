"""Attendance for the console: the live list by branch, the exports, and the check of the ledger."""

from __future__ import annotations

import secrets
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, Protocol, get_args

from aiohttp import web

from attendance.book.naming import file_name
from attendance.ports import Clock
from attendance.roster import BranchPath, Invitation, Role
from classroom.errors import UserError
from classroom.io.answer_aiohttp import file_answer, json_answer, language, problems, read_body
from classroom.io.lectures_aiohttp import SHEET_POLICY, XLSX, scope_of
from classroom.io.session_aiohttp import Guard
from classroom.live import Board, seconds
from classroom.office import moment
from classroom.ports import Encoding, ExportFormat, LivePresence, Office, RollCall
from classroom.room.lecture import BEGUN, OVER
from signaling.control import Load

TYPES: dict[ExportFormat, str] = {
    "json": "application/json",
    "csv": "text/csv",
    "xlsx": XLSX,
    "html": "text/html; charset=utf-8",
}
ENCODINGS: tuple[Encoding, ...] = get_args(Encoding)
FRESH = 3_000_000
"""µs that a list of the invited is used again: consoles ask for the live list every few seconds."""
CACHED = 64
CALLED = 400_000
"""µs that a call of the roll is used again: a console asks every second and a half, and many may look."""
LARGEST_EXPORT = 32 * 1024 * 1024


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
        self._boards: OrderedDict[tuple[str, BranchPath], tuple[int, Board]] = OrderedDict()
        self._calls: OrderedDict[str, tuple[int, RollCall]] = OrderedDict()

    def routes(self) -> list[web.RouteDef]:
        one = "/api/lectures/{lecture}"
        return [
            web.get(one + "/live", problems(self.live)),
            web.get(one + "/attendance.{form:json|csv|xlsx|html}", problems(self.export)),
            web.get(one + "/verify", problems(self.verify)),
            web.post("/api/attendance/verify", problems(self.check)),
        ]

    async def live(self, request: web.Request) -> web.StreamResponse:
        """`?since=TOKEN`: what changed since that answer; `?only=counts`: no list at all."""
        staff = await self._guard.staff(request, "console")
        lecture = request.match_info["lecture"]
        info = await self._office.lecture(lecture)
        board = await self._board(lecture, scope_of(request, staff.branch))
        call = await self._call(lecture)
        board.update(call, info.state in BEGUN | OVER)
        told = board.since(request.query.get("since"))
        body: dict[str, Any] = {
            "now": moment(self._clock.now()),
            "state": info.state,
            "started": moment(call.started),
            "counted_seconds": seconds(call.counted),
            "uplink": uplink(self._load()),
            **told.counts,
        }
        if request.query.get("only") != "counts":
            body |= {
                "token": told.token,
                "whole": told.whole,
                "branches": told.branches,
                "cities": told.cities,
                "members": told.members,
            }
        return json_answer(body)

    async def export(self, request: web.Request) -> web.StreamResponse:
        staff = await self._guard.staff(request, "console")
        lecture, form = request.match_info["lecture"], _form(request.match_info["form"])
        scope, spoken = scope_of(request, staff.branch), language(request)
        encoding = _encoding(request.query.get("encoding", "utf-8"))
        body = await self._office.export(lecture, form, scope, spoken, encoding)
        if form == "html":
            page = file_answer(body, TYPES[form])  # to be looked at, and printed from there
            page.headers["Content-Security-Policy"] = SHEET_POLICY
            return page
        info = await self._office.lecture(lecture)
        name = file_name(info.title, info.starts, scope, spoken)
        kind = f"{TYPES[form]}; charset={encoding}" if form == "csv" else TYPES[form]
        return file_answer(body, kind, f"{name}.{form}")

    async def verify(self, request: web.Request) -> web.StreamResponse:
        await self._guard.staff(request, "console")
        return json_answer(await self._office.verify(request.match_info["lecture"]))

    async def check(self, request: web.Request) -> web.StreamResponse:
        """Whether the export in the body agrees with the ledger."""
        staff = await self._guard.staff(request, "console")
        body = await read_body(request, LARGEST_EXPORT)
        name = request.query.get("name", "")[:200]
        return json_answer(await self._office.check_export(name, body, staff.branch, language(request)))

    async def _call(self, lecture: str) -> RollCall:
        """Called once for all consoles that ask at about the same time."""
        now = self._clock.now()
        known = self._calls.get(lecture)
        if known is None or now - known[0] >= CALLED:
            known = self._calls[lecture] = (now, await self._presence.roll(lecture))
            self._calls.move_to_end(lecture)
            while len(self._calls) > CACHED:
                self._calls.popitem(last=False)
        return known[1]

    async def _board(self, lecture: str, scope: BranchPath) -> Board:
        """Of invited members; lecturer, host and guests are not accounted for. Another one where they changed."""
        now = self._clock.now()
        key = (lecture, scope)
        known = self._boards.get(key)
        if known is None or now - known[0] >= FRESH:
            found = [one for one in await self._roster.invitations(lecture, scope) if one.role == Role.MEMBER]
            same = known is not None and known[1].invited == found
            known = (now, known[1] if same and known is not None else Board(secrets.token_hex(6), found))
            self._boards[key] = known
            while len(self._boards) > CACHED:
                self._boards.popitem(last=False)
        self._boards.move_to_end(key)
        return known[1]


def uplink(load: Load | None) -> dict[str, int] | None:
    """Bits a second that leave the relay, and that may (0: no limit is set); None while it is away."""
    return None if load is None else {"used": load.uplink_used, "limit": load.uplink_limit}


def _encoding(text: str) -> Encoding:
    for encoding in ENCODINGS:
        if encoding == text.lower():
            return encoding
    raise UserError("bad-encoding")


def _form(text: str) -> ExportFormat:
    for form in TYPES:
        if form == text:
            return form
    raise UserError("no-such-page")
