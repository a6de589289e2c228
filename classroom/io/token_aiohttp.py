"""Programs that read attendance by a token, and what operators do with tokens.

A token opens the requests of one short table, all of which change nothing. It goes into the `Authorization` header, so
that no page of another site can make a browser send it.
"""

from __future__ import annotations

from typing import Final, Protocol

import msgspec
from aiohttp import web

from attendance.ports import Clock
from attendance.roster import BranchPath
from classroom.errors import UserError
from classroom.io.answer_aiohttp import json_answer, problems, read_json
from classroom.io.session_aiohttp import ADDRESS_TRIES, ADDRESS_TRIES_A_SECOND, STAFF, TRACKED, Guard, Need
from classroom.people.staff import StaffMember
from classroom.people.token import PREFIX, USUAL, ApiToken
from classroom.ports import Office
from classroom.room.bucket import Buckets

ONE = "/api/lectures/{lecture}"
OPENED: Final = frozenset(
    {
        ("GET", "/api/lectures"),
        ("GET", ONE),
        ("GET", ONE + "/attendance.{form}"),
        ("GET", ONE + "/verify"),
        ("GET", "/api/attendance/year"),
        ("GET", "/api/attendance/year.xlsx"),
        ("GET", "/api/attendance/year/members/{member}"),
        ("GET", "/api/attendance/hours"),
        ("GET", ONE + "/rule"),
        ("GET", ONE + "/report"),
        ("GET", ONE + "/report/{member}"),
        ("GET", ONE + "/curve"),
        ("POST", "/api/attendance/verify"),
        ("GET", "/api/attendance/year"),
        ("GET", "/api/attendance/year.xlsx"),
    }
)
"""By method and path. Nothing of it changes anything."""
A_SECOND, AT_ONCE = 1.0, 30.0
"""Requests of one token."""
LONGEST = 200


class Tokens(Protocol):
    async def find(self, secret: str, now: int) -> ApiToken | None: ...


class TokenGuard:
    """Implements `Guard`: by a token where a request brings one, otherwise as `others` say."""

    def __init__(self, tokens: Tokens, others: Guard, clock: Clock) -> None:
        self._tokens = tokens
        self._others = others
        self._clock = clock
        self._requests = Buckets(A_SECOND, AT_ONCE, TRACKED)
        self._addresses = Buckets(ADDRESS_TRIES_A_SECOND, ADDRESS_TRIES, TRACKED)

    async def staff(self, request: web.Request, need: Need) -> StaffMember:
        kind, _, secret = request.headers.get("Authorization", "").partition(" ")
        if kind.lower() != "bearer":
            return await self._others.staff(request, need)
        secret, now = secret.strip(), self._clock.now()
        token = None
        if secret.startswith(PREFIX) and len(secret) <= LONGEST:
            token = await self._tokens.find(secret, now)
        if token is None:
            if not self._addresses.take(request.remote or "", now):
                raise UserError("too-many-tries")
            raise UserError("bad-token")
        if not self._requests.take(token.id, now):
            raise UserError("too-many-tries")
        resource = request.match_info.route.resource
        if need != "console" or resource is None or (request.method, resource.canonical) not in OPENED:
            raise UserError("token-may-not")
        request[STAFF] = StaffMember(token.staff, f"{token.owner} · {token.name}"[:64], token.branch)
        return request[STAFF]


class NewToken(msgspec.Struct, forbid_unknown_fields=True):
    """`staff`: the name of whose it is; `branch` within theirs, which it is where nothing is said."""

    name: str
    staff: str
    branch: BranchPath = ()
    days: int = USUAL


class TokenHandlers:
    def __init__(self, office: Office, guard: Guard) -> None:
        self._office = office
        self._guard = guard

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/api/tokens", problems(self.index)),
            web.post("/api/tokens", problems(self.create)),
            web.delete("/api/tokens/{token}", problems(self.revoke)),
        ]

    async def index(self, request: web.Request) -> web.StreamResponse:
        await self._guard.staff(request, "plan")
        return json_answer(await self._office.tokens())

    async def create(self, request: web.Request) -> web.StreamResponse:
        await self._guard.staff(request, "plan")
        new = await read_json(request, NewToken)
        return json_answer(await self._office.create_token(new.name, new.staff, new.branch, new.days), 201)

    async def revoke(self, request: web.Request) -> web.StreamResponse:
        await self._guard.staff(request, "plan")
        await self._office.revoke_token(request.match_info["token"])
        return web.Response(status=204)
