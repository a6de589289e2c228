"""What WHIP (RFC 9725) and WHEP have in common over HTTP: an offer in, an answer out, a session to delete.

Whoever knows a session's URL may end it: the URL holds 144 random bits and is told to its owner alone, and a page that
is being closed can send no header reliably. A session needs no state here: the relay knows which peers exist.
"""

from __future__ import annotations

import asyncio
import logging
import re
import secrets
from collections.abc import Mapping

from aiohttp import web

from signaling.control import Closing
from signaling.errors import ProtocolError, Refusal, Refused
from signaling.io.problem_aiohttp import problem_response, refusal_response
from signaling.ports import Act, Admission, Grant, Relay
from signaling.session.sdp import MAX_BYTES, answer_text, parse_offer
from signaling.session.turnstile import Turnstile

SDP = "application/sdp"
FRAGMENT = "application/trickle-ice-sdpfrag"
BODY_TIMEOUT = 10.0  # seconds for a body to arrive
MAX_TICKET = 4_096  # characters
PEER = re.compile(r"[A-Za-z0-9_-]{16,64}")

CORS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": "Location, ETag, Link, Retry-After, Accept-Post",
}
_PREFLIGHT = {
    **CORS,
    "Access-Control-Allow-Methods": "OPTIONS, POST, PATCH, DELETE",
    "Access-Control-Allow-Headers": "Authorization, Content-Type, If-Match, Accept-Language",
    "Access-Control-Max-Age": "86400",
}
_NO_RESTART = {
    "zh": "不支持在原连接上重启，请重新建立连接。",
    "en": "A session cannot be restarted in place; open a new one.",
}

_log = logging.getLogger(__name__)


class SessionHandlers:
    """`act` decides between publishing and watching; `base` is the path below which sessions live. `turnstile` bounds
    the offers that are under way at once."""

    def __init__(self, admission: Admission, relay: Relay, turnstile: Turnstile, act: Act, base: str) -> None:
        self._admission = admission
        self._relay = relay
        self._turnstile = turnstile
        self._act = act
        self._base = base

    def session_routes(self) -> list[web.RouteDef]:
        path = f"{self._base}/session/{{peer}}"
        return [web.delete(path, self.delete), web.patch(path, self.patch), web.options(path, self.options)]

    async def post(self, request: web.Request) -> web.Response:
        """201 with the answer, or a problem. Each refusal of a ticket's holder is told to `Admission.failed`, but for
        those who are asked to come again in a moment."""
        ticket = ""
        lecture, slot = request.match_info["lecture"], request.match_info.get("slot")
        try:
            ticket = _ticket(request)
            return await self._open(request, ticket, lecture, slot)
        except Refused as refused:
            if ticket and refused.reason is not Refusal.CROWDED:
                await self._admission.failed(ticket, lecture, self._act, refused.reason.value)
            return refusal_response(request, refused, CORS)

    async def delete(self, request: web.Request) -> web.Response:
        try:
            await self._relay.close(_peer(request), Closing.DELETED)
        except Refused as refused:
            return refusal_response(request, refused, CORS)
        return web.Response(status=200, headers=CORS)

    async def patch(self, request: web.Request) -> web.Response:
        """Candidates need no action (we are ICE-lite and learn addresses from checks); a restart is not offered."""
        try:
            if not self._relay.knows(_peer(request)):
                raise Refused(Refusal.NO_SESSION)
            if request.content_type != FRAGMENT:
                raise Refused(Refusal.NOT_SDP, f"PATCH takes {FRAGMENT}")
            await _body(request)
        except Refused as refused:
            return refusal_response(request, refused, CORS)
        if request.headers.get("If-Match", "").strip() == "*":  # RFC 9725 §4.3.3: an ICE restart
            return problem_response(request, "no-ice-restart", 422, _NO_RESTART, headers=CORS)
        return web.Response(status=204, headers=CORS)

    async def options(self, request: web.Request) -> web.Response:
        return web.Response(status=204, headers={**_PREFLIGHT, "Accept-Post": SDP})

    async def _open(self, request: web.Request, ticket: str, lecture: str, slot: str | None) -> web.Response:
        if request.content_type != SDP:
            raise Refused(Refusal.NOT_SDP, f"POST takes {SDP}")
        text = await _body(request)
        with self._turnstile.passing():
            return await self._exchange(ticket, lecture, slot, text)

    async def _exchange(self, ticket: str, lecture: str, slot: str | None, text: str) -> web.Response:
        grant = await self._admission.admit(ticket, lecture, self._act, slot)
        try:
            offer = parse_offer(text)
        except ProtocolError as error:
            raise Refused(Refusal.MALFORMED, str(error)) from error
        peer = secrets.token_urlsafe(18)
        answer = await self._relay.open(grant, peer, offer)
        await self._announce(grant, peer)
        _log.info("session opened: %s %s of lecture %s", self._act.value, slot or "", grant.lecture)
        return _created(f"{self._base}/session/{peer}", answer_text(answer, offer, secrets.randbits(62)))

    async def _announce(self, grant: Grant, peer: str) -> None:
        """A peer that the room was not told of must not live."""
        try:
            await self._admission.opened(grant, peer)
        except BaseException:
            await self._relay.close(peer, Closing.DELETED)
            raise


def _created(location: str, text: str) -> web.Response:
    headers: Mapping[str, str] = {**CORS, "Location": location, "ETag": f'"{secrets.token_hex(8)}"'}
    return web.Response(status=201, body=text.encode(), content_type=SDP, headers=headers)


def _ticket(request: web.Request) -> str:
    scheme, _, ticket = request.headers.get("Authorization", "").partition(" ")
    ticket = ticket.strip()
    if scheme.lower() != "bearer" or not ticket:
        raise Refused(Refusal.NO_TICKET)
    if len(ticket) > MAX_TICKET:
        raise Refused(Refusal.BAD_TICKET)
    return ticket


def _peer(request: web.Request) -> str:
    peer = request.match_info["peer"]
    if not PEER.fullmatch(peer):
        raise Refused(Refusal.NO_SESSION)
    return peer


async def _body(request: web.Request) -> str:
    """The body as text, read no further than the limit and no longer than 10 s."""
    if (request.content_length or 0) > MAX_BYTES:
        raise Refused(Refusal.TOO_LARGE)
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_TIMEOUT):
            async for chunk in request.content.iter_any():
                body += chunk
                if len(body) > MAX_BYTES:
                    raise Refused(Refusal.TOO_LARGE)
    except TimeoutError as error:
        raise Refused(Refusal.MALFORMED, "the body did not arrive in 10 s") from error
    try:
        return body.decode()
    except UnicodeDecodeError as error:
        raise Refused(Refusal.MALFORMED, "the body is not UTF-8") from error
