"""A lecture's attendance rule for the console: what holds, who changed it, what a change would do, and changing it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Annotated, Protocol

import msgspec
from aiohttp import web
from msgspec import Meta

from attendance.effect import Effect
from attendance.explanation import rule_sentence
from attendance.facts import Rule
from attendance.roster import BranchPath, Invitation
from classroom.io.answer_aiohttp import json_answer, language, problems, read_json
from classroom.io.lectures_aiohttp import scope_of
from classroom.io.session_aiohttp import NOTED, Guard
from classroom.ports import RuleDesk
from classroom.rules import shown


class NewRule(msgspec.Struct, forbid_unknown_fields=True):
    """`version`: the one that it takes the place of."""

    version: Annotated[int, Meta(ge=1)]
    rule: Rule
    why: Annotated[str, Meta(max_length=200)] = ""


class AskedRule(msgspec.Struct, forbid_unknown_fields=True):
    rule: Rule


class PreviewedRule(msgspec.Struct, frozen=True):
    """`begun`: a change needs a reason. `effect`: within the asker's branch; null while there is nothing to
    judge."""

    sentence: str
    begun: bool
    effect: Effect | None


class Staff(Protocol):
    async def names(self, chosen: Collection[str]) -> dict[str, str]: ...


class Invitations(Protocol):
    async def invitations(self, lecture: str, scope: BranchPath = ()) -> Sequence[Invitation]: ...


class Effects(Protocol):
    async def effect(self, lecture: str, invitations: Sequence[Invitation], before: Rule, after: Rule) -> Effect: ...


class RuleHandlers:
    def __init__(self, desk: RuleDesk, guard: Guard, staff: Staff, roster: Invitations, effects: Effects) -> None:
        self._desk = desk
        self._guard = guard
        self._staff = staff
        self._roster = roster
        self._effects = effects

    def routes(self) -> list[web.RouteDef]:
        one = "/api/lectures/{lecture}/rule"
        return [
            web.get(one, problems(self.show)),
            web.put(one, problems(self.change)),
            web.post(one + "/preview", problems(self.preview)),
        ]

    async def show(self, request: web.Request) -> web.StreamResponse:
        await self._guard.staff(request, "console")
        return await self._answer(request)

    async def change(self, request: web.Request) -> web.StreamResponse:
        staff = await self._guard.staff(request, "plan")
        new = await read_json(request, NewRule)
        lecture = request.match_info["lecture"]
        await self._desk.set_rule(lecture, new.version, new.rule, staff.id or None, new.why.strip())
        request[NOTED] = new.why.strip()
        return await self._answer(request)

    async def preview(self, request: web.Request) -> web.StreamResponse:
        """The sentence of a rule that may come to hold, and whose verdict it would change. Nothing is changed."""
        staff = await self._guard.staff(request, "console")
        asked = (await read_json(request, AskedRule)).rule
        lecture = request.match_info["lecture"]
        book = await self._desk.rules(lecture)
        effect = None
        if book.frozen is not None:
            invitations = await self._roster.invitations(lecture, scope_of(request, staff.branch))
            effect = await self._effects.effect(lecture, invitations, book.current.rule, asked)
        return json_answer(PreviewedRule(rule_sentence(asked, language(request)), book.frozen is not None, effect))

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        book = await self._desk.rules(request.match_info["lecture"])
        names = await self._staff.names({one.by for one in book.history if one.by is not None})
        return json_answer(shown(book, language(request), names))
