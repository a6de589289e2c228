"""What was said in a lecture, as its journal tells it: for whoever looks for a line, and for the record of the evening.

Deleted lines are in it and marked so, with who deleted them: an organizer must be able to answer for that.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Literal

from classroom.room.inputs import Person
from classroom.room.journal import Asked, Deleted, Entry, Journaled, PollEnded, PollOpened, QuestionSet, Said, VoteCast
from classroom.room.messages_talk import QuestionState
from classroom.room.text import quoted
from classroom.room.trail import Deed, Trail
from classroom.room.words import fold


@dataclass(slots=True)
class Line:
    """Of chat, or a question. `number` is the journal's; times in µs. `reply`: the line that it answers; `answers`: who
    wrote that and how it begins, where it is known. `state`: of a question, or of a line that was deleted; `moved_at`,
    `moved_by`: when it came to that and whose doing it was."""

    number: int
    at: int
    id: str
    author: Person
    text: str
    reply: str | None = None
    answers: tuple[str, str] | None = None
    state: QuestionState | Literal["deleted"] | None = None
    moved_at: int | None = None
    moved_by: str | None = None


@dataclass(slots=True)
class PollResult:
    """`by` opened it; `closed` in µs, None while it is open."""

    opened: PollOpened
    at: int
    by: str | None
    closed: int | None = None
    votes: dict[str, tuple[int, ...]] = field(default_factory=dict)

    def chosen(self, option: int) -> int:
        """How many members chose it."""
        return sum(option in choices for choices in self.votes.values())


class Transcript:
    """Fold a journal into it, in order."""

    def __init__(self) -> None:
        self.lines: dict[str, Line] = {}
        self.questions: dict[str, Line] = {}
        self.polls: dict[str, PollResult] = {}
        self.deeds: list[Deed] = []
        self._trail = Trail()
        self._table: dict[type, Callable[[Journaled, Any], None]] = {
            Said: self._said,
            Asked: self._asked,
            Deleted: self._deleted,
            QuestionSet: self._moved,
            PollOpened: self._opened,
            VoteCast: self._voted,
            PollEnded: self._ended,
        }

    def add(self, journaled: Journaled) -> None:
        take = self._table.get(type(journaled.entry))
        if take is not None:
            take(journaled, journaled.entry)
        deed = self._trail.read(journaled)
        if deed is not None:
            self.deeds.append(deed)

    def _said(self, at: Journaled, said: Said) -> None:
        answered = None if said.reply is None else self.lines.get(said.reply)
        answers = None if answered is None else (answered.author.name, quoted(answered.text))
        author = Person(said.member, said.name, said.branch, said.role)
        self.lines[said.id] = Line(at.number, at.at, said.id, author, said.text, said.reply, answers)

    def _asked(self, at: Journaled, asked: Asked) -> None:
        author = Person(asked.member, asked.name, asked.branch, asked.role)
        line = Line(at.number, at.at, asked.id, author, asked.text, state=QuestionState.ASKED)
        self.questions[asked.id] = line

    def _deleted(self, at: Journaled, deleted: Deleted) -> None:
        _move(self.lines.get(deleted.id), "deleted", at)

    def _moved(self, at: Journaled, moved: QuestionSet) -> None:
        _move(self.questions.get(moved.id), moved.state, at)

    def _opened(self, at: Journaled, opened: PollOpened) -> None:
        self.polls[opened.id] = PollResult(opened, at.at, at.by)

    def _voted(self, at: Journaled, vote: VoteCast) -> None:
        if vote.poll in self.polls:
            self.polls[vote.poll].votes[vote.member] = vote.choices

    def _ended(self, at: Journaled, ended: PollEnded) -> None:
        if ended.id in self.polls:
            self.polls[ended.id].closed = at.at


def _move(line: Line | None, state: QuestionState | Literal["deleted"], at: Journaled) -> None:
    if line is not None:
        line.state, line.moved_at, line.moved_by = state, at.at, at.by


# --- looking for lines -----------------------------------------------------------------------------------------------

WRITTEN = frozenset({Said, Asked})
MOVES = frozenset({Deleted, QuestionSet})
"""The kinds of entries that a search needs."""


def search(written: Iterable[Journaled], moves: Iterable[Journaled], text: str, most: int) -> list[Line]:
    """The first `most` lines and questions of those `written` whose text or writer holds `text`, whatever its case and
    width, and blanks left out; "" finds all. `moves`: what became of them."""
    transcript = Transcript()
    wanted, plain = fold(text), text.strip().casefold()
    matching = (each for each in written if _holds(each.entry, wanted, plain))
    for journaled in (*itertools.islice(matching, most), *moves):
        transcript.add(journaled)
    found = (*transcript.lines.values(), *transcript.questions.values())
    return sorted(found, key=lambda line: line.number)


def _holds(entry: Entry, wanted: str, plain: str) -> bool:
    if not isinstance(entry, Said | Asked):
        return False
    if wanted:
        return wanted in fold(entry.text) or wanted in fold(entry.name)
    return plain in entry.text.casefold()
