"""A transcript as rows of text and figures, section by section: the same for every format."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterator, Mapping

import msgspec

from classroom.ports import Language
from classroom.room.trail import Deed, seen_by
from classroom.room.transcript import Line, PollResult, Transcript
from classroom.room.transcript_words import deed_word, person_word, state_word, word

Cell = str | int | float
CHINA = datetime.timezone(datetime.timedelta(hours=8), "Asia/Shanghai")
EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)

CHAT = (
    ("time", 27), ("name", 12), ("branch", 32), ("role", 10), ("text", 60), ("answers", 40), ("state", 10),
    ("moved_at", 27), ("moved_by", 12), ("number", 8),
)  # fmt: skip
QUESTIONS = (
    ("time", 27), ("name", 12), ("branch", 32), ("role", 10), ("text", 60), ("state", 10), ("moved_at", 27),
    ("moved_by", 12), ("number", 8),
)  # fmt: skip
POLLS = (
    ("time", 27), ("by", 12), ("question", 40), ("poll_kind", 14), ("option", 32), ("votes", 8), ("share", 18),
    ("voters", 10), ("closed", 27), ("number", 8),
)  # fmt: skip
DEEDS = (("time", 27), ("by", 12), ("did", 28), ("whom", 12), ("whom_branch", 32), ("text", 60))
SECTIONS = {"chat": CHAT, "questions": QUESTIONS, "polls": POLLS, "deeds": DEEDS}
"""The columns of each, with their widths in characters."""


class Names(msgspec.Struct, frozen=True):
    """Who people are, by id: members of the lecture and staff."""

    known: Mapping[str, str]

    def of(self, person: str | None) -> str:
        return "" if person is None else self.known.get(person, person)


class Pages:
    """Times are local, with their offset. Deeds are those that concern the branch `scope` and below it; "": all."""

    def __init__(
        self,
        transcript: Transcript,
        names: Names,
        language: Language,
        scope: str = "",
        zone: datetime.tzinfo = CHINA,
    ) -> None:
        self._transcript = transcript
        self._names = names
        self._language = language
        self._scope = scope
        self._zone = zone
        self._sections: Mapping[str, Callable[[], Iterator[list[Cell]]]] = {
            "chat": lambda: map(self._line, transcript.lines.values()),
            "questions": lambda: map(self._question, transcript.questions.values()),
            "polls": lambda: (row for poll in transcript.polls.values() for row in self._poll(poll)),
            "deeds": lambda: map(self._deed, seen_by(transcript.deeds, self._scope)),
        }

    def title(self, section: str) -> str:
        return word(section, self._language)

    def heading(self, section: str) -> list[str]:
        return [word(key, self._language) for key, _ in SECTIONS[section]]

    def rows(self, section: str) -> Iterator[list[Cell]]:
        """As many cells as the section has columns."""
        return self._sections[section]()

    def _line(self, line: Line) -> list[Cell]:
        answers = "" if line.answers is None else "：".join(line.answers)
        return [*self._written(line), answers, *self._moved(line), line.id]

    def _question(self, line: Line) -> list[Cell]:
        return [*self._written(line), *self._moved(line), line.id]

    def _written(self, line: Line) -> list[Cell]:
        author = line.author
        return [self._time(line.at), author.name, author.branch, person_word(author.role, self._language), line.text]

    def _moved(self, line: Line) -> list[Cell]:
        return [state_word(line.state, self._language), self._time(line.moved_at), self._names.of(line.moved_by)]

    def _poll(self, poll: PollResult) -> Iterator[list[Cell]]:
        """A row for each option."""
        opened, voters = poll.opened, len(poll.votes)
        kind = word("multiple" if opened.multiple else "single", self._language)
        closed = word("open", self._language) if poll.closed is None else self._time(poll.closed)
        for number, option in enumerate(opened.options):
            chosen = poll.chosen(number)
            share: Cell = chosen / voters if voters else ""
            yield [
                self._time(poll.at), self._names.of(poll.by), opened.question, kind, option, chosen, share, voters,
                closed, opened.id,
            ]  # fmt: skip

    def _deed(self, deed: Deed) -> list[Cell]:
        did = deed_word(deed.kind, self._language)
        by = self._names.of(deed.by)
        return [self._time(deed.at), by, did, deed.name or "", deed.branch or "", deed.text or ""]

    def _time(self, time: int | None) -> str:
        if time is None:
            return ""
        at = (EPOCH + datetime.timedelta(microseconds=time)).astimezone(self._zone)
        return at.isoformat(sep=" ", timespec="seconds")
