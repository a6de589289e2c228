"""Sign-in of staff, and who a request comes from.

A session is a random token in a signed cookie, and a row of the database that can be removed; what is stored is the
token's hash. Requests that change something must carry a header that a form of another site cannot send.
"""

from __future__ import annotations

import hashlib
import pwd
import secrets
import socket
import struct
from collections.abc import Sequence
from typing import Final, Literal, Protocol

import msgspec
from aiohttp import web
from itsdangerous import BadSignature, Signer

from attendance.ports import Clock
from classroom.errors import UserError
from classroom.io.answer_aiohttp import json_answer, problems, read_json
from classroom.people.role import rights
from classroom.people.staff import NAME_LENGTH, PASSWORD_LENGTHS, SESSION, Signed, StaffMember
from classroom.room.bucket import Buckets
from classroom.room.inputs import Person

COOKIE = "classroom_session"
SALT = "classroom.session.1"
LONGEST_COOKIE = 256
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})

NAME_TRIES_A_SECOND, NAME_TRIES = 1 / 30, 10.0
ADDRESS_TRIES_A_SECOND, ADDRESS_TRIES = 1 / 2, 40.0
"""Looser than for a name: a whole office shares one address."""
TRACKED = 20_000

STAFF: Final = web.RequestKey("staff", StaffMember)
"""On a request whose asker was looked at: who it is."""

LECTURE: Final = web.RequestKey("lecture", str)
"""Of a request whose path names no lecture: which one the asker's ticket is for."""

_CREDENTIALS = struct.Struct("3i")
"""Of a peer: process, user and group, as unix(7) has them."""
NOTED: Final = web.RequestKey("noted", str)
"""On a request that the audit notes: what of it only its handler knows."""

Need = Literal["console", "plan", "move", "direct"]


class Guard(Protocol):
    async def staff(self, request: web.Request, need: Need) -> StaffMember:
        """Whose request it is. Raises `UserError`: not signed in, from another site, or a role that may not."""


class OperatorGuard:
    """Whoever reaches this place is an operator: the service's Unix socket. The kernel says which user of the system it
    is, for the audit."""

    async def staff(self, request: web.Request, need: Need) -> StaffMember:
        request[STAFF] = StaffMember("", _peer(request), ())
        return request[STAFF]


class Sessions(Protocol):
    """What this module asks of the store."""

    async def find(self, name: str) -> tuple[StaffMember, str] | None: ...

    async def set_password(self, member: str, password: str) -> None: ...

    async def open_session(self, token: str, member: str, now: int, expires: int) -> None: ...

    async def session(self, token: str, now: int) -> Signed | None: ...

    async def close_session(self, token: str) -> None: ...


class Passwords(Protocol):
    async def hash(self, password: str) -> str: ...

    async def verify(self, hashed: str | None, password: str) -> bool: ...

    def outdated(self, hashed: str) -> bool: ...


class SignIn(msgspec.Struct, forbid_unknown_fields=True):
    name: str
    password: str


class CookieGuard:
    """Implements `Guard` by the cookie. `signing`: secrets, oldest first; the last one signs."""

    def __init__(self, sessions: Sessions, signing: Sequence[str], clock: Clock) -> None:
        self._sessions = sessions
        self._signer = Signer(list(signing), salt=SALT, key_derivation="hmac", digest_method=hashlib.sha256)
        self._clock = clock

    async def staff(self, request: web.Request, need: Need) -> StaffMember:
        signed = await self.signed(request)
        if signed is None:
            raise UserError("not-signed-in")
        check_site(request)
        allowed: bool = getattr(rights(signed.member.role), need)
        if not allowed:
            raise UserError("role-may-not")
        request[STAFF] = signed.member
        return signed.member

    async def signed(self, request: web.Request) -> Signed | None:
        token = self.token(request)
        return None if token is None else await self.open(token)

    async def open(self, token: str) -> Signed | None:
        """None: signed out, or expired."""
        return await self._sessions.session(token, self._clock.now())

    def token(self, request: web.Request) -> str | None:
        """What the cookie holds, if its signature is ours."""
        text = request.cookies.get(COOKIE, "")
        if not text or len(text) > LONGEST_COOKIE:
            return None
        try:
            return self._signer.unsign(text).decode()
        except (BadSignature, ValueError):
            return None

    def sign(self, token: str) -> str:
        return self._signer.sign(token).decode()


class ConsoleDoor:
    """Implements `channel_aiohttp.StaffDoor`. The socket's own request is no form: who may send it is looked at by its
    `Origin`."""

    def __init__(self, guard: CookieGuard) -> None:
        self._guard = guard

    async def enter(self, request: web.Request) -> tuple[str, Person]:
        token, signed = self._guard.token(request), await self._guard.signed(request)
        if token is None or signed is None:
            raise UserError("not-signed-in")
        member = signed.member
        return token, Person(member.id, member.name, " / ".join(member.branch), member.role)

    async def holds(self, session: str) -> bool:
        return await self._guard.open(session) is not None


class SessionHandlers:
    """`/api/session`. `secure`: the service is reached by HTTPS, so the cookie never travels otherwise."""

    def __init__(
        self, guard: CookieGuard, sessions: Sessions, passwords: Passwords, clock: Clock, secure: bool
    ) -> None:
        self._guard = guard
        self._sessions = sessions
        self._passwords = passwords
        self._clock = clock
        self._secure = secure
        self._names = Buckets(NAME_TRIES_A_SECOND, NAME_TRIES, TRACKED)
        self._addresses = Buckets(ADDRESS_TRIES_A_SECOND, ADDRESS_TRIES, TRACKED)

    def routes(self) -> list[web.RouteDef]:
        return [
            web.post("/api/session", problems(self.sign_in)),
            web.get("/api/session", problems(self.show)),
            web.delete("/api/session", problems(self.sign_out)),
        ]

    async def sign_in(self, request: web.Request) -> web.StreamResponse:
        body = await read_json(request, SignIn)
        if len(body.name) > NAME_LENGTH or len(body.password) > PASSWORD_LENGTHS[1]:
            raise UserError("wrong-password")
        now = self._clock.now()
        if not self._addresses.take(request.remote or "", now) or not self._names.take(body.name, now):
            raise UserError("too-many-tries")
        found = await self._sessions.find(body.name)
        member, hashed = (None, None) if found is None else found
        if not await self._passwords.verify(hashed, body.password) or member is None or hashed is None:
            raise UserError("wrong-password")
        if self._passwords.outdated(hashed):
            await self._sessions.set_password(member.id, await self._passwords.hash(body.password))
        token = secrets.token_urlsafe(32)
        await self._sessions.open_session(token, member.id, now, now + SESSION)
        response = _describe(member)
        response.set_cookie(
            COOKIE,
            self._guard.sign(token),
            max_age=SESSION // 1_000_000,
            path="/",
            httponly=True,
            samesite="Lax",
            secure=self._secure,
        )
        return response

    async def show(self, request: web.Request) -> web.StreamResponse:
        signed = await self._guard.signed(request)
        if signed is None:
            raise UserError("not-signed-in")
        return _describe(signed.member)

    async def sign_out(self, request: web.Request) -> web.StreamResponse:
        check_site(request)
        token = self._guard.token(request)
        if token is not None:
            await self._sessions.close_session(token)
        response = web.Response(status=204)
        response.del_cookie(COOKIE, path="/")
        return response


def _peer(request: web.Request) -> str:
    """The name of the user at the other end of a Unix socket; "" where there is none."""
    transport = request.transport
    sock = None if transport is None else transport.get_extra_info("socket")
    if sock is None or sock.family != socket.AF_UNIX:
        return ""
    _, user, _ = _CREDENTIALS.unpack(sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size))
    try:
        return pwd.getpwuid(user).pw_name[:NAME_LENGTH]
    except KeyError:
        return str(user)


def check_site(request: web.Request) -> None:
    """A cookie is sent by any page that the browser shows; this header only by ours. Raises `UserError`."""
    if request.method not in SAFE and request.headers.get("X-Requested-With") != "classroom":
        raise UserError("cross-site")


def _describe(member: StaffMember) -> web.Response:
    return json_answer({"name": member.name, "branch": " / ".join(member.branch)})
