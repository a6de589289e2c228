"""`/api/site`: a site's own page, by its host's ticket; and the phones that scan the code on its screen.

What a host does is noted in the audit like what staff do: hosts attest for others. Of who scans, the fact is enough.
"""

from __future__ import annotations

import functools
from functools import partial
from typing import Annotated, Protocol

import msgspec
from aiohttp import web
from msgspec import Meta

from attendance.facts import How
from attendance.ports import Clock
from attendance.roster import Invitation
from attendance.site import Site
from classroom.errors import UserError
from classroom.io import qr_segno
from classroom.io.answer_aiohttp import Handler, json_answer, problems, read_json
from classroom.io.session_aiohttp import LECTURE, STAFF
from classroom.io.sites_aiohttp import Heads
from classroom.office import Aside
from classroom.people.role import rights
from classroom.people.staff import StaffMember
from classroom.people.ticket import TicketBad, TicketError
from classroom.room.bucket import Buckets
from classroom.room.messages import Ticket
from classroom.sites import SiteDesk
from signaling.errors import Refusal, Refused
from signaling.io.problem_aiohttp import refusal_response
from signaling.session.turnstile import Turnstile

DEEDS_A_SECOND, DEEDS = 4.0, 60.0
"""Of one person: a host who checks a whole hall in stays within these, and their page asks every other second."""
SCANS_A_SECOND, SCANS = 20.0, 300.0
"""Of one site: a hall that scans at once."""
PEOPLE, SITES = 20_000, 5_000
BEARER = "Bearer "


class Screen(msgspec.Struct, forbid_unknown_fields=True):
    """The WHEP session that the page plays."""

    session: Annotated[str, Meta(pattern="^[A-Za-z0-9_-]{1,64}$")]


class Scan(msgspec.Struct, forbid_unknown_fields=True):
    site: Annotated[str, Meta(min_length=1, max_length=32)]
    code: Annotated[str, Meta(min_length=1, max_length=32)]


class Arrival(msgspec.Struct, forbid_unknown_fields=True):
    """By one's own ticket, or by name and the last four digits of one's number."""

    site: Annotated[str, Meta(min_length=1, max_length=32)]
    pass_: Annotated[str, Meta(min_length=1, max_length=64)] = msgspec.field(name="pass")
    ticket: Ticket | None = None
    name: Annotated[str, Meta(min_length=1, max_length=64)] | None = None
    digits: Annotated[str, Meta(pattern="^[0-9]{4}$")] | None = None


class Doorman(Protocol):
    async def read(self, text: str, now: int) -> Invitation:
        """Raises `TicketError`."""


class CodeDoor(Protocol):
    def code(self, lecture: str) -> str: ...

    async def ticket(self, code: str, name: str, digits: str) -> str: ...


def refusals(handler: Handler) -> Handler:
    """As `problems`, and what a ticket, or too many at once, are refused with."""

    @functools.wraps(handler)
    async def answered(request: web.Request) -> web.StreamResponse:
        try:
            return await handler(request)
        except TicketError as error:
            return refusal_response(request, Refused(Refusal(error.reason), error.detail))
        except Refused as refused:
            return refusal_response(request, refused)

    return problems(answered)


class WatchingHandlers:
    def __init__(
        self, desk: SiteDesk, door: Doorman, by_code: CodeDoor, turnstile: Turnstile, aside: Aside, clock: Clock
    ) -> None:
        self._desk = desk
        self._door = door
        self._by_code = by_code
        self._turnstile = turnstile
        self._aside = aside
        self._clock = clock
        self._deeds = Buckets(DEEDS_A_SECOND, DEEDS, PEOPLE)
        self._scans = Buckets(SCANS_A_SECOND, SCANS, SITES)

    def routes(self) -> list[web.RouteDef]:
        one = "/api/site"
        return [
            web.get(one, refusals(self.show)),
            web.get(one + "/code.svg", refusals(self.picture)),
            web.get(one + "/candidates", refusals(self.candidates)),
            web.post(one + "/open", refusals(self.open)),
            web.post(one + "/close", refusals(self.close)),
            web.put(one + "/screen", refusals(self.screen)),
            web.put(one + "/heads", refusals(self.count)),
            web.put(one + "/people/{member}", refusals(self.check_in)),
            web.delete(one + "/people/{member}", refusals(self.check_out)),
            web.post(one + "/scan", refusals(self.scan)),
            web.post(one + "/check-in", refusals(self.come)),
            web.post(one + "/leave", refusals(self.leave)),
        ]

    # --- the host's page ---

    async def show(self, request: web.Request) -> web.StreamResponse:
        site, _ = await self._hosted(request)
        return json_answer(await self._desk.room(site))

    async def picture(self, request: web.Request) -> web.StreamResponse:
        """The code as a picture, for pages that cannot draw one."""
        site, _ = await self._hosted(request)
        code = (await self._desk.room(site)).code
        if code is None:
            raise UserError("site-closed")
        body = await self._aside.run(partial(qr_segno.svg, code))
        return web.Response(body=body, content_type="image/svg+xml", headers={"Cache-Control": "no-store"})

    async def candidates(self, request: web.Request) -> web.StreamResponse:
        site, _ = await self._hosted(request)
        return json_answer(await self._desk.people(site))

    async def open(self, request: web.Request) -> web.StreamResponse:
        site, host = await self._hosted(request)
        await self._desk.open(site, host)
        return web.Response(status=204)

    async def close(self, request: web.Request) -> web.StreamResponse:
        site, host = await self._hosted(request)
        await self._desk.close(site, host)
        return web.Response(status=204)

    async def screen(self, request: web.Request) -> web.StreamResponse:
        site, _ = await self._hosted(request)
        await self._desk.show(site, (await read_json(request, Screen)).session)
        return web.Response(status=204)

    async def count(self, request: web.Request) -> web.StreamResponse:
        site, host = await self._hosted(request)
        await self._desk.count(site, (await read_json(request, Heads)).heads, host)
        return web.Response(status=204)

    async def check_in(self, request: web.Request) -> web.StreamResponse:
        site, host = await self._hosted(request)
        await self._desk.check_in(site, request.match_info["member"], How.SEARCH, host)
        return web.Response(status=204)

    async def check_out(self, request: web.Request) -> web.StreamResponse:
        site, host = await self._hosted(request)
        await self._desk.check_out(site, request.match_info["member"], host)
        return web.Response(status=204)

    # --- phones ---

    async def scan(self, request: web.Request) -> web.StreamResponse:
        body = await read_json(request, Scan)
        with self._turnstile.passing():
            self._limit(body.site)
            site, lecture, given = await self._desk.scan(body.site, body.code)
        about = {"id": lecture.id, "title": lecture.title}
        return json_answer({"pass": given, "place": site.place, "branch": " / ".join(site.branch), "lecture": about})

    async def come(self, request: web.Request) -> web.StreamResponse:
        body = await read_json(request, Arrival)
        with self._turnstile.passing():
            self._limit(body.site)
            site = await self._desk.passing(body.site, body.pass_)
            ticket = body.ticket or await self._ticket(site.lecture, body)
            invitation = await self._door.read(ticket, self._clock.now())
            if invitation.lecture != site.lecture:
                raise UserError("other-lecture")
            member = invitation.member
            await self._desk.check_in(site, member.id, How.QR, member.id)
        about = {"id": member.id, "name": member.name, "branch": " / ".join(member.branch)}
        return json_answer({"member": about, "place": site.place, "ticket": ticket})

    async def _ticket(self, lecture: str, body: Arrival) -> str:
        if body.name is None or body.digits is None:
            raise UserError("malformed")
        return await self._by_code.ticket(self._by_code.code(lecture), body.name, body.digits)

    async def leave(self, request: web.Request) -> web.StreamResponse:
        """Who checked in by mistake, or goes, says so with the ticket that they came with."""
        invitation = await self._who(request)
        await self._desk.go(invitation.lecture, invitation.member.id)
        return web.Response(status=204)

    # ---

    def _limit(self, site: str) -> None:
        if not self._scans.take(site, self._clock.now()):
            raise UserError("too-many-tries")

    async def _who(self, request: web.Request) -> Invitation:
        given = request.headers.get("Authorization", "")
        if not given.startswith(BEARER):
            raise TicketBad
        now = self._clock.now()
        invitation = await self._door.read(given.removeprefix(BEARER).strip(), now)
        if not self._deeds.take(invitation.member.id, now):
            raise UserError("too-many-tries")
        member = invitation.member
        request[STAFF] = StaffMember(member.id, member.name, member.branch)  # whose deed the audit notes
        request[LECTURE] = invitation.lecture
        return invitation

    async def _hosted(self, request: web.Request) -> tuple[Site, str]:
        """The site that the ticket's holder was named host of, and who that is."""
        invitation = await self._who(request)
        if not rights(invitation.role).gather:
            raise UserError("role-may-not")
        return await self._desk.hosted(invitation.lecture, invitation.member.id), invitation.member.id
