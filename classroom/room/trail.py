"""Who did what in a room: the deeds among a journal's entries, as an organizer reads them afterwards. What people
wrote, asked and voted is not among them, but where it was taken away."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import msgspec

from classroom.room.audience import within
from classroom.room.journal import (
    Asked,
    Attempted,
    Deleted,
    HandSet,
    Journaled,
    LayoutSet,
    MemberBarred,
    MemberMuted,
    OrderSet,
    PartSet,
    PinSet,
    PollEnded,
    PollOpened,
    QuestionSet,
    RulesSet,
    Said,
    Withheld,
    WordsSet,
)
from classroom.room.messages_stage import Part
from classroom.room.messages_talk import QuestionState


class Deed(msgspec.Struct, frozen=True):
    """`number` and `at` (µs) are the journal's; `by` is who did it, a member's or staff id. `name` and `branch`: whom
    it concerns, where it concerns somebody. `kind` is a word of the pages; `text` what was written, or a figure."""

    number: int
    at: int
    by: str
    kind: str
    name: str | None = None
    branch: str | None = None
    text: str | None = None


class _Told(msgspec.Struct, frozen=True):
    kind: str
    name: str | None = None
    branch: str | None = None
    text: str | None = None


_QUESTIONS = {
    QuestionState.PUBLISHED: "question-published",
    QuestionState.ANSWERED: "question-answered",
    QuestionState.DISMISSED: "question-dismissed",
}
_PARTS = {Part.CALLED: "called", Part.ON: "put-on", Part.OFF: "taken-off"}


class Trail:
    """Reads entries in order; it remembers what was written, for somebody may take it away later."""

    def __init__(self) -> None:
        self._written: dict[str, _Told] = {}
        self._table: dict[type, Callable[[Any], _Told | None]] = {
            Deleted: lambda it: self._of(it.id, "deleted"),
            PinSet: lambda it: _Told("unpinned") if it.text is None else _Told("pinned", text=it.text),
            QuestionSet: lambda it: self._of(it.id, _QUESTIONS[it.state]) if it.state in _QUESTIONS else None,
            MemberMuted: lambda it: _Told("muted" if it.muted else "unmuted", it.name, it.branch),
            MemberBarred: lambda it: _Told("barred" if it.barred else "let-in", it.name, it.branch),
            RulesSet: lambda it: _Told("all-muted") if it.muted else _Told("slow", text=str(it.slow)),
            WordsSet: lambda it: _Told("words", text=str(len(it.words))),
            PollOpened: self._opened,
            PollEnded: lambda it: self._of(it.id, "poll-closed"),
            OrderSet: lambda it: _Told("order", text=str(len(it.entries))),
            HandSet: lambda it: _Told("hand-lowered", it.name, it.branch),
            LayoutSet: lambda it: _Told("layout", text=it.layout.value),
            PartSet: lambda it: _Told(_PARTS[it.part], it.name, it.branch, it.title) if it.part in _PARTS else None,
            Attempted: lambda it: _Told("attempted", text=it.action),
            Withheld: lambda it: _Told("withheld", it.name, it.branch, it.text),
        }

    def read(self, journaled: Journaled) -> Deed | None:
        entry = journaled.entry
        if isinstance(entry, Said | Asked):
            self._written[entry.id] = _Told("", entry.name, entry.branch, entry.text)
            return None
        teller = self._table.get(type(entry))
        if teller is None:
            return None
        told = teller(entry)
        if told is None or journaled.by is None or journaled.by == getattr(entry, "member", None):
            return None  # nobody's deed, or one's own
        return Deed(journaled.number, journaled.at, journaled.by, told.kind, told.name, told.branch, told.text)

    def _of(self, written: str, kind: str) -> _Told:
        known = self._written.get(written)
        return _Told(kind) if known is None else msgspec.structs.replace(known, kind=kind)

    def _opened(self, poll: PollOpened) -> _Told:
        self._written[poll.id] = _Told("", text=poll.question)
        return _Told("poll-opened", text=poll.question)


def seen_by(deeds: Iterable[Deed], scope: str) -> Iterator[Deed]:
    """An organizer of the branch `scope` sees what concerns its people; "" sees everything."""
    return (deed for deed in deeds if not scope or (deed.branch is not None and within(deed.branch, scope)))
