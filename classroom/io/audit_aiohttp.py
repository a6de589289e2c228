"""What staff and the hosts of sites do over REST is noted by one table; `GET /api/audit` shows it."""

from __future__ import annotations

import datetime
from collections.abc import Collection, Mapping
from typing import Final, Protocol

import msgspec
from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from classroom.errors import ProtocolError
from classroom.io.answer_aiohttp import json_answer, problems
from classroom.io.audit_sqlalchemy import Audit, Audited
from classroom.io.lectures_aiohttp import scope_of
from classroom.io.session_aiohttp import LECTURE, NOTED, STAFF, Guard
from classroom.office import moment

ONE = "/api/lectures/{lecture}"
PERSON = "/api/roster/people/{member}"
AUDITED: Final = {
    ("GET", ONE + "/attendance.{form}"): "attendance-exported",
    ("GET", "/api/attendance/year.xlsx"): "year-exported",
    ("PUT", "/api/attendance/hours"): "hours-set",
    ("PUT", ONE + "/hours"): "lecture-hours-set",
    ("GET", ONE + "/talk.{form}"): "talk-exported",
    ("GET", ONE + "/links"): "links-read",
    ("GET", ONE + "/links.xlsx"): "links-exported",
    ("GET", ONE + "/links.html"): "links-exported",
    ("GET", ONE + "/links/{member}.svg"): "link-read",
    ("GET", ONE + "/code"): "code-read",
    ("POST", ONE + "/links/{member}/renew"): "link-renewed",
    ("POST", ONE + "/start"): "lecture-started",
    ("POST", ONE + "/end"): "lecture-ended",
    ("PUT", ONE + "/rule"): "rule-set",
    ("PUT", ONE + "/excuses/{member}"): "leave-given",
    ("DELETE", ONE + "/excuses/{member}"): "leave-withdrawn",
    ("POST", ONE + "/sites"): "site-created",
    ("DELETE", ONE + "/sites/{site}"): "site-removed",
    ("GET", ONE + "/sites/{site}/link"): "links-read",
    ("POST", ONE + "/sites/{site}/open"): "site-opened",
    ("POST", ONE + "/sites/{site}/close"): "site-closed",
    ("PUT", ONE + "/sites/{site}/heads"): "site-counted",
    ("PUT", ONE + "/sites/{site}/people/{member}"): "site-checked-in",
    ("DELETE", ONE + "/sites/{site}/people/{member}"): "site-checked-out",
    ("POST", "/api/site/open"): "site-opened",
    ("POST", "/api/site/close"): "site-closed",
    ("PUT", "/api/site/heads"): "site-counted",
    ("PUT", "/api/site/people/{member}"): "site-checked-in",
    ("DELETE", "/api/site/people/{member}"): "site-checked-out",
    ("PUT", ONE + "/corrections/{member}"): "correction-made",
    ("DELETE", ONE + "/corrections/{member}"): "correction-withdrawn",
    ("POST", ONE + "/objections/{objection}/answer"): "objection-answered",
    ("PUT", ONE + "/order"): "order-set",
    ("POST", ONE + "/order/import"): "order-set",
    ("POST", ONE + "/invite"): "roster-invited",
    ("POST", "/api/roster"): "roster-imported",
    ("POST", "/api/roster/changes/{change}/undo"): "roster-change-undone",
    ("POST", PERSON + "/move"): "member-moved",
    ("POST", PERSON + "/leave"): "member-left",
    ("POST", PERSON + "/return"): "member-returned",
    ("PUT", PERSON + "/officer"): "officer-set",
    ("GET", PERSON + "/phone"): "phone-read",
    ("DELETE", PERSON): "member-erased",
    ("POST", "/api/branches/rename"): "branch-renamed",
    ("POST", "/api/branches/merge"): "branch-merged",
    ("POST", "/api/staff"): "staff-created",
    ("PATCH", "/api/staff/{staff}"): "staff-changed",
    ("DELETE", "/api/staff/{staff}"): "staff-removed",
    ("POST", "/api/tokens"): "token-created",
    ("DELETE", "/api/tokens/{token}"): "token-revoked",
}
"""Which requests are noted once they were done, by method and path, and under which word."""


class AuditView(msgspec.Struct, frozen=True):
    """`number` grows; `about` is the name of `subject`, a member, where there is one."""

    number: int
    at: datetime.datetime | None
    name: str
    branch: str
    action: str
    lecture: str | None
    subject: str | None
    about: str | None
    detail: str


class People(Protocol):
    async def names(self, chosen: Collection[str]) -> dict[str, str]: ...


def noting(audit: Audit) -> Middleware:
    """No answer that is to be noted leaves before it is: who reads what people entrusted to us leaves a trace."""

    @web.middleware
    async def noted(request: web.Request, handler: Handler) -> web.StreamResponse:
        resource = request.match_info.route.resource
        action = None if resource is None else AUDITED.get((request.method, resource.canonical))
        if action is None:
            return await handler(request)

        async def done(request: web.Request) -> web.StreamResponse:
            answer = await handler(request)
            if answer.status < 400:
                await _note(audit, request, action)
            return answer

        return await problems(done)(request)

    return noted


async def _note(audit: Audit, request: web.Request, action: str) -> None:
    staff = request.get(STAFF)
    if staff is None:
        return
    matched = request.match_info
    lecture = matched.get("lecture") or request.query.get("lecture") or request.get(LECTURE)
    of = (request.query.get("name"), matched.get("form"), matched.get("token"), matched.get("site"))
    written = next((one for one in of if one), "")
    detail = request.get(NOTED) or written or request.query.get("year", "")
    await audit.note(staff.id, staff.name, staff.branch, action, lecture, matched.get("member"), detail)


class AuditHandlers:
    def __init__(self, audit: Audit, people: People, guard: Guard) -> None:
        self._audit = audit
        self._people = people
        self._guard = guard

    def routes(self) -> list[web.RouteDef]:
        return [web.get("/api/audit", problems(self.index))]

    async def index(self, request: web.Request) -> web.StreamResponse:
        """What staff of the asker's branch and below it did, the newest first."""
        staff = await self._guard.staff(request, "console")
        before = request.query.get("before", "")
        if before and not (before.isascii() and before.isdigit() and len(before) < 18):
            raise ProtocolError("before is a number")
        found = await self._audit.latest(scope_of(request, staff.branch), before=int(before) if before else None)
        names = await self._people.names({one.subject for one in found if one.subject is not None})
        return json_answer([_view(one, names) for one in found])


def _view(one: Audited, names: Mapping[str, str]) -> AuditView:
    return AuditView(
        number=one.number,
        at=moment(one.at),
        name=one.name,
        branch=" / ".join(one.branch),
        action=one.action,
        lecture=one.lecture,
        subject=one.subject,
        about=None if one.subject is None else names.get(one.subject),
        detail=one.detail,
    )
