"""What an organizer sees of one member and decides about them: their record, corrections, objections and answers."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from aiohttp import web
from msgspec import Meta

from attendance.facts import Verdict
from classroom.io.answer_aiohttp import json_answer, language, problems, read_json
from classroom.io.lectures_aiohttp import scope_of
from classroom.io.record_aiohttp import described, objection
from classroom.io.session_aiohttp import Guard
from classroom.records import LONGEST, Records, Ruling

SECOND = 1_000_000
Text = Annotated[str, Meta(min_length=1, max_length=LONGEST)]


class NewCorrection(msgspec.Struct, forbid_unknown_fields=True):
    """`credited_seconds` None: the measured time stays."""

    verdict: Verdict
    why: Text
    credited_seconds: Annotated[float, Meta(ge=0, le=86_400)] | None = None

    def ruling(self) -> Ruling:
        seconds = self.credited_seconds
        return Ruling(self.verdict, None if seconds is None else round(seconds * SECOND), self.why)


class CorrectionOf(msgspec.Struct, forbid_unknown_fields=True):
    """A correction that comes with an answer, which is its reason."""

    verdict: Verdict
    credited_seconds: Annotated[float, Meta(ge=0, le=86_400)] | None = None


class NewAnswer(msgspec.Struct, forbid_unknown_fields=True):
    answer: Text
    correction: CorrectionOf | None = None

    def ruling(self) -> Ruling | None:
        made = self.correction
        return None if made is None else NewCorrection(made.verdict, self.answer, made.credited_seconds).ruling()


class RecordsHandlers:
    def __init__(self, records: Records, guard: Guard) -> None:
        self._records = records
        self._guard = guard

    def routes(self) -> list[web.RouteDef]:
        lecture = "/api/lectures/{lecture}"
        return [
            web.get(lecture + "/records/{member}", problems(self.show)),
            web.put(lecture + "/corrections/{member}", problems(self.correct)),
            web.delete(lecture + "/corrections/{member}", problems(self.withdraw)),
            web.get(lecture + "/objections", problems(self.objections)),
            web.post(lecture + "/objections/{objection}/answer", problems(self.answer)),
        ]

    async def show(self, request: web.Request) -> web.StreamResponse:
        staff = await self._guard.staff(request, "console")
        return await self._answer(request, staff.branch)

    async def correct(self, request: web.Request) -> web.StreamResponse:
        staff = await self._guard.staff(request, "console")
        ruling = (await read_json(request, NewCorrection)).ruling()
        await self._records.correct(*_whom(request), ruling, staff.branch, staff.id or None)
        return await self._answer(request, staff.branch)

    async def withdraw(self, request: web.Request) -> web.StreamResponse:
        staff = await self._guard.staff(request, "console")
        await self._records.withdraw(*_whom(request), staff.branch, staff.id or None)
        return await self._answer(request, staff.branch)

    async def objections(self, request: web.Request) -> web.StreamResponse:
        """`?state=open`: those alone that wait."""
        staff = await self._guard.staff(request, "console")
        lecture = request.match_info["lecture"]
        found = await self._records.objections(lecture, scope_of(request, staff.branch))
        if request.query.get("state") == "open":
            found = [pair for pair in found if pair[0].answered_at is None]
        names = await self._records.names(lecture, {one.by for one, _ in found if one.by is not None})
        answer: list[dict[str, Any]] = []
        for one, invitation in found:
            member = invitation.member
            about = {"member": member.id, "name": member.name, "branch": " / ".join(member.branch)}
            answer.append({**about, "phone": member.phone, **objection(one, names)})
        return json_answer(answer)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        staff = await self._guard.staff(request, "console")
        new = await read_json(request, NewAnswer)
        lecture, identity = request.match_info["lecture"], request.match_info["objection"]
        await self._records.answer(lecture, identity, new.answer, new.ruling(), staff.branch, staff.id or None)
        return web.Response(status=204)

    async def _answer(self, request: web.Request, scope: tuple[str, ...]) -> web.StreamResponse:
        return json_answer(described(await self._records.record(*_whom(request), scope), language(request)))


def _whom(request: web.Request) -> tuple[str, str]:
    return request.match_info["lecture"], request.match_info["member"]
