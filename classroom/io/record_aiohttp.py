"""`POST /api/record`: a member's own record of a lecture by their link, live and after, and what they object to it."""

from __future__ import annotations

from typing import Annotated, Any, Protocol

import msgspec
from aiohttp import web
from msgspec import Meta

from attendance.explanation import rule_sentence
from attendance.io.export_json import document
from attendance.ports import Clock
from attendance.words import failure, meaning
from classroom.admission import Entry
from classroom.errors import UserError
from classroom.io.answer_aiohttp import json_answer, language, problems, read_json
from classroom.office import moment
from classroom.people.role import rights
from classroom.ports import Language
from classroom.records import LONGEST, Objection, Record
from classroom.room.bucket import Buckets
from classroom.room.messages import Ticket
from signaling.errors import Refused
from signaling.io.problem_aiohttp import refusal_response
from signaling.session.turnstile import Turnstile

OBJECTIONS_A_SECOND, OBJECTIONS_AT_ONCE = 1 / 60, 5.0
TRACKED = 20_000


class Mine(msgspec.Struct, forbid_unknown_fields=True):
    ticket: Ticket


class NewObjection(msgspec.Struct, forbid_unknown_fields=True):
    ticket: Ticket
    text: Annotated[str, Meta(min_length=1, max_length=LONGEST)]


class Records(Protocol):
    async def record(self, lecture: str, member: str) -> Record: ...

    async def object(self, lecture: str, member: str, text: str) -> None: ...


class Doorman(Protocol):
    async def read(self, ticket: str) -> Entry: ...


class RecordHandlers:
    def __init__(self, doorman: Doorman, records: Records, turnstile: Turnstile, clock: Clock) -> None:
        self._doorman = doorman
        self._records = records
        self._turnstile = turnstile
        self._clock = clock
        self._pace = Buckets(OBJECTIONS_A_SECOND, OBJECTIONS_AT_ONCE, TRACKED)

    def routes(self) -> list[web.RouteDef]:
        return [
            web.post("/api/record", problems(self.show)),
            web.post("/api/record/objection", problems(self.object)),
        ]

    async def show(self, request: web.Request) -> web.StreamResponse:
        body = await read_json(request, Mine)
        try:
            return await self._answer(request, await self._entry(body.ticket))
        except Refused as refused:
            return refusal_response(request, refused)

    async def object(self, request: web.Request) -> web.StreamResponse:
        body = await read_json(request, NewObjection)
        try:
            entry = await self._entry(body.ticket)
            member = entry.invitation.member.id
            if not self._pace.take(member, self._clock.now()):
                raise UserError("too-many-tries")
            await self._records.object(entry.invitation.lecture, member, body.text)
            return await self._answer(request, entry)
        except Refused as refused:
            return refusal_response(request, refused)

    async def _entry(self, ticket: str) -> Entry:
        """Of a member: nobody else is accounted for."""
        with self._turnstile.passing():
            entry = await self._doorman.read(ticket)
        if not rights(entry.invitation.role).counted:
            raise UserError("role-may-not")
        return entry

    async def _answer(self, request: web.Request, entry: Entry) -> web.StreamResponse:
        invitation = entry.invitation
        record = await self._records.record(invitation.lecture, invitation.member.id)
        return json_answer(described(record, language(request)))


def described(record: Record, spoken: Language) -> dict[str, Any]:
    """As docs/protocol.md says; sentences and words in the reader's language beside those of the ledger."""
    report = record.report
    whole = document(report, spoken)
    member = whole["members"][0]
    for session in member["sessions"]:
        for key in ("kind", "evidence", "opened_by", "closed_by"):
            session[f"{key}_text"] = meaning(session[key], spoken)
    for failed in member["failed"]:
        failed["text"] = failure(failed["cause"], spoken)
    for decision in whole["decisions"]:
        decision["text"] = meaning(decision["what"], spoken)
        for key in ("before", "after"):
            decision[f"{key}_text"] = meaning(decision[key] or "", spoken)
    return {
        "lecture": whole["lecture"],
        "rule": rule_sentence(report.rule.rule, spoken),
        **member,
        "verdict_text": meaning(member["verdict"] or "", spoken),
        "measured_text": meaning(member["measured_verdict"] or "", spoken),
        "counted": whole["counted"],
        "outages": whole["outages"],
        "silent": whole["silent"],
        "decisions": whole["decisions"],
        "objections": [objection(one, record.names) for one in record.objections],
    }


def objection(one: Objection, names: dict[str, str]) -> dict[str, Any]:
    answered = one.answered_at is not None
    return {
        "id": one.id,
        "at": moment(one.at),
        "text": one.text,
        "state": "answered" if answered else "open",
        "answer": one.answer,
        "answered_at": moment(one.answered_at),
        "by": names.get(one.by, one.by) if one.by else None,
    }
