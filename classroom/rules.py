"""A lecture's attendance rule as staff see it: which version holds, in words; changing it; what a change would do."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from attendance.explanation import rule_sentence
from attendance.facts import LectureState, NodeStarted, NodeStopped, Rule, RuleSet
from attendance.ports import Recorder
from attendance.rule import RuleBook, RuleVersion
from classroom.errors import UserError
from classroom.ports import Language, RuleBookInfo, RuleInfo
from classroom.room.lecture import BEGUN, OVER
from classroom.times import moment

Turn = Callable[[str], AbstractAsyncContextManager[object]]
"""While it lasts no other process is within one of the same word."""


def changing(lecture: str) -> str:
    """The word for who changes its rule: two who saw one version do not both make the next."""
    return f"rules/{lecture}"


class Lecture(Protocol):
    @property
    def state(self) -> LectureState: ...


class Lectures(Protocol):
    async def get(self, lecture: str) -> Lecture | None: ...


class Books(Protocol):
    """What the ledger alone says."""

    async def rules(self, lecture: str) -> RuleBook: ...


class RecorderRules:
    """Implements `RuleDesk` where no service runs: by the ledger alone."""

    def __init__(self, recorder: Recorder, lectures: Lectures, books: Books, turn: Turn) -> None:
        self._recorder = recorder
        self._lectures = lectures
        self._books = books
        self._turn = turn

    async def rules(self, lecture: str) -> RuleBook:
        if await self._lectures.get(lecture) is None:
            raise UserError("no-such-lecture", lecture[:64])
        return await self._books.rules(lecture)

    async def set_rule(self, lecture: str, version: int, rule: Rule, by: str | None, why: str) -> None:
        async with self._turn(changing(lecture)):
            row = await self._lectures.get(lecture)
            if version != (await self.rules(lecture)).current.version or row is None:
                raise UserError("rule-changed")
            if row.state in BEGUN | OVER and not why:
                raise UserError("reason-needed")
            for body in (NodeStarted(), RuleSet(rule, version + 1, by, why), NodeStopped()):
                await self._recorder.record(lecture, body)


def shown(book: RuleBook, language: Language, names: Mapping[str, str]) -> RuleBookInfo:
    """`names` of staff, by id."""
    current = _shown(book.current, language, names)
    return RuleBookInfo(
        version=current.version,
        rule=current.rule,
        sentence=current.sentence,
        at=current.at,
        by=current.by,
        why=current.why,
        frozen=None if book.frozen is None else book.frozen.version,
        versions=tuple(_shown(version, language, names) for version in book.history),
    )


def _shown(one: RuleVersion, language: Language, names: Mapping[str, str]) -> RuleInfo:
    by = None if one.by is None else names.get(one.by, one.by)
    return RuleInfo(one.version, one.rule, rule_sentence(one.rule, language), moment(one.at), by, one.why)
