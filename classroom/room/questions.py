"""Questions to the lecturer, apart from the chat: one table of what may become of them.

Those that wait are seen by whoever keeps order, and each by who asked it; those that were published or answered by
everybody. A question is an entry of the journal (`Asked`, `QuestionSet`) that was applied.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field

import msgspec

from classroom.errors import UserError
from classroom.people.role import rights
from classroom.room.actions import Action, Broadcast, Keep, Rewrite, TellMember, TellThose
from classroom.room.bucket import Bucket, Buckets, late
from classroom.room.inputs import Person
from classroom.room.journal import Asked, QuestionSet
from classroom.room.messages import moment
from classroom.room.messages_talk import Ask, Question, QuestionMoved, QuestionsAsked, QuestionState
from classroom.room.text import cleaned

S = QuestionState

MOVES: dict[QuestionState, frozenset[QuestionState]] = {
    S.ASKED: frozenset({S.PUBLISHED, S.ANSWERED, S.DISMISSED}),
    S.PUBLISHED: frozenset({S.ANSWERED, S.DISMISSED}),
    S.ANSWERED: frozenset({S.PUBLISHED, S.DISMISSED}),
    S.DISMISSED: frozenset(),
}

SHOWN = 200
WAITING = 200
WAITING_EACH = 5
KEYS = 1_000
MEMBER_RATE, MEMBER_BURST = 1 / 20, 1.0
ROOM_RATE, ROOM_BURST = 5.0, 40.0
MEMBERS = 20_000
TOLD_EVERY = 1_000_000
TOLD_PER_QUESTION = 25_000
"""µs between two lists of those that wait, more the longer it is: a hundred come when a lecturer asks for some."""


@dataclass(slots=True)
class Held:
    """`told`: the numbers under which everybody was told of it."""

    question: Question
    author: Person
    told: list[int] = field(default_factory=list)


class Questions:
    def __init__(self, now: int) -> None:
        self._held: OrderedDict[str, Held] = OrderedDict()
        self._count = 0
        self._keys: OrderedDict[tuple[str, str], None] = OrderedDict()
        self._members = Buckets(MEMBER_RATE, MEMBER_BURST, MEMBERS)
        self._room = Bucket(ROOM_RATE, ROOM_BURST, now)
        self._untold = False
        self._told_at = 0

    @property
    def shown(self) -> tuple[Question, ...]:
        """Published and answered ones, in the order in which they were asked."""
        return tuple(held.question for held in self._held.values() if held.question.state is not S.ASKED)

    def waiting(self, member: str | None = None) -> QuestionsAsked:
        """All that wait, or one member's."""
        return QuestionsAsked(
            tuple(
                held.question
                for held in self._held.values()
                if held.question.state is S.ASKED and (member is None or held.author.member == member)
            )
        )

    def author(self, question: str) -> Person | None:
        held = self._held.get(question)
        return None if held is None else held.author

    # --- what people do ---

    def draft(self, person: Person, asked: Ask, heard: int, now: int) -> Asked | None:
        """None where it was asked before, with the same key. `heard`: when their node heard it. Raises `UserError`
        (chat-empty, ask-enough, ask-full, ask-too-fast)."""
        if asked.key is not None and (person.member, asked.key) in self._keys:
            return None
        text = cleaned(asked.text)
        if len(self.waiting(person.member).questions) >= WAITING_EACH:
            raise UserError("ask-enough")
        if len(self.waiting().questions) >= WAITING:
            raise UserError("ask-full")
        if not self._members.take(person.member, heard):
            raise UserError("ask-too-fast")
        if not late(heard, now) and not self._room.take(now):
            raise UserError("ask-full")
        number = self._count + 1
        return Asked(f"q{number}", person.member, person.name, person.branch, person.role, text, asked.key)

    def ask(self, entry: Asked, now: int) -> list[Action]:
        self.apply_asked(entry, now)
        self._untold = True
        return [*self._tell_author(self._held[entry.id].author), Keep(entry, entry.member)]

    def move(self, question: str, state: QuestionState, by: str) -> list[Action]:
        """Nothing where it is there already. Raises `UserError("no-such-question")`: there is none, or not any more."""
        held = self._held.get(question)
        if held is None:
            raise UserError("no-such-question")
        before = held.question.state
        if state not in MOVES[before]:
            return []
        entry = QuestionSet(question, state)
        self.apply_set(entry)
        actions: list[Action] = [Keep(entry, by)]
        if before is S.ASKED:
            actions += [*self._tell_author(held.author), TellThose("oversee", self.waiting())]
        if (before, state) == (S.ASKED, S.DISMISSED):
            return actions
        shown = _blank(held.question) if state is S.DISMISSED else held.question
        rewritten = [Rewrite(QuestionMoved(seq, shown)) for seq in held.told] if state is S.DISMISSED else []
        return [*rewritten, Broadcast(QuestionMoved(0, shown)), *actions]

    def tick(self, now: int) -> list[Action]:
        if not self._untold or now - self._told_at < TOLD_EVERY:
            return []
        waiting = self.waiting()
        if now - self._told_at < len(waiting.questions) * TOLD_PER_QUESTION:
            return []
        self._untold, self._told_at = False, now
        return [TellThose("oversee", waiting)]

    def _tell_author(self, author: Person) -> list[Action]:
        """Their own that wait; who oversees is told of all."""
        overseer = rights(author.role).oversee
        return [] if overseer else [TellMember(author.member, self.waiting(author.member))]

    # --- numbers ---

    def number(self, message: QuestionMoved) -> None:
        """The room gave it its number, or had given it on the node before this one."""
        held = self._held.get(message.question.id)
        if held is not None:
            held.told.append(message.seq)

    def rewritten(self, message: QuestionMoved) -> list[Action]:
        """What who returns is told in its place: nothing of a question that was dismissed since."""
        if message.question.id in self._held:
            return []
        return [Rewrite(QuestionMoved(message.seq, _blank(message.question)))]

    # --- what the journal says; the same in a room that is built anew ---

    def apply_asked(self, entry: Asked, at: int) -> None:
        self._count = max(self._count, int(entry.id[1:]))
        author = Person(entry.member, entry.name, entry.branch, entry.role)
        question = Question(entry.id, entry.name, entry.branch, entry.text, moment(at), S.ASKED)
        self._held[entry.id] = Held(question, author)
        if entry.key is not None:
            self._keys[(entry.member, entry.key)] = None
            if len(self._keys) > KEYS:
                self._keys.popitem(last=False)

    def apply_set(self, entry: QuestionSet) -> None:
        held = self._held.get(entry.id)
        if held is None:
            return
        held.question = msgspec.structs.replace(held.question, state=entry.state)
        if entry.state is S.DISMISSED:
            del self._held[entry.id]
        shown = self.shown
        if len(shown) > SHOWN:
            answered = (each.id for each in shown if each.state is S.ANSWERED)
            del self._held[next(answered, shown[0].id)]


def _blank(question: Question) -> Question:
    """As it goes to everybody once it is dismissed."""
    return msgspec.structs.replace(question, text="", state=S.DISMISSED)
