"""Reading and changing a lecture's attendance rule, over the room that knows its facts."""

from __future__ import annotations

from typing import Protocol

from attendance.facts import Rule, RuleSet
from attendance.presence import Presence
from attendance.rule import RuleBook
from classroom.errors import UserError
from classroom.io.errands_asyncio import Errands
from classroom.room.lecture import BEGUN, OVER
from classroom.rules import Turn, changing


class Rooms(Protocol):
    async def presence(self, lecture: str) -> Presence: ...


class LedgerRules:
    """Implements `ports.RuleDesk`. Every version is a fact."""

    def __init__(self, rooms: Rooms, errands: Errands, turn: Turn) -> None:
        self._rooms = rooms
        self._errands = errands
        self._turn = turn
        self._changing: set[str] = set()

    async def rules(self, lecture: str) -> RuleBook:
        return (await self._rooms.presence(lecture)).rules

    async def set_rule(self, lecture: str, version: int, rule: Rule, by: str | None, why: str) -> None:
        if lecture in self._changing:
            raise UserError("rule-changed")
        self._changing.add(lecture)
        try:
            async with self._turn(changing(lecture)):
                presence = await self._rooms.presence(lecture)
                if version != presence.rules.current.version:
                    raise UserError("rule-changed")
                if presence.state in BEGUN | OVER and not why:
                    raise UserError("reason-needed")
                await self._errands.store(lecture, RuleSet(rule, version + 1, by, why), None)
        finally:
            self._changing.discard(lecture)
