"""What is said in a room: chat, questions, polls, and the order among them. One of the room's parts.

Each noun has a file of its own, decides for itself and knows nothing of the others; here a message finds the right one,
after what they share: who may write now, and which words are not said. An entry of the journal finds its way the same
way, in a room that is built anew.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from classroom.errors import UserError
from classroom.people.role import rights
from classroom.room.actions import Action, Complain, Keep
from classroom.room.chat import ChatLog
from classroom.room.crowd import Socket
from classroom.room.inputs import Person
from classroom.room.journal import (
    Asked,
    Deleted,
    Journaled,
    MemberBarred,
    MemberMuted,
    PinSet,
    PollEnded,
    PollOpened,
    QuestionSet,
    RulesSet,
    Said,
    VoteCast,
    Withheld,
    WordsSet,
)
from classroom.room.messages import RoomMessage, ToldMessage
from classroom.room.messages_talk import (
    Ask,
    Bar,
    Chat,
    ClosePoll,
    Delete,
    MoveQuestion,
    Mute,
    MuteAll,
    Muted,
    OpenPoll,
    Pin,
    Pinned,
    Poll,
    Question,
    QuestionMoved,
    QuestionState,
    Say,
    SetWords,
    Slow,
    TalkRules,
    Vote,
)
from classroom.room.moderation import Moderation
from classroom.room.polls import Polls
from classroom.room.questions import Questions
from classroom.room.text import cleaned


class Talk:
    """`handlers` by the type of message; the room has looked at rights before it asks them. They raise `UserError`.
    `here`: the person behind a member's id, while they are connected."""

    def __init__(self, now: int, here: Callable[[str], Person | None]) -> None:
        self._here = here
        self._chat = ChatLog(now)
        self._questions = Questions(now)
        self._polls = Polls()
        self._moderation = Moderation()
        chat, questions, polls, moderation = self._chat, self._questions, self._polls, self._moderation
        self.handlers: Mapping[type, Callable[[Socket, Any, int], list[Action]]] = {
            Say: self._say,
            Ask: self._ask,
            Pin: self._pin,
            OpenPoll: self._open_poll,
            Mute: lambda it, message, now: moderation.mute(self._whom(message), message.muted, it.person.member),
            Bar: lambda it, message, now: moderation.bar(self._whom(message), message.barred, it.person.member),
            Delete: lambda it, message, now: chat.delete(message.id, it.person.member),
            MoveQuestion: lambda it, message, now: questions.move(
                message.id, QuestionState(message.state), it.person.member
            ),
            MuteAll: lambda it, message, now: moderation.set_rules(
                message.muted, moderation.rules.slow, it.person.member
            ),
            Slow: lambda it, message, now: moderation.set_rules(
                moderation.rules.muted, message.seconds, it.person.member
            ),
            SetWords: lambda it, message, now: moderation.set_words(message.words, it.person.member),
            Vote: lambda it, message, now: polls.vote(it.person.member, message),
            ClosePoll: lambda it, message, now: polls.close(message.poll, it.person.member),
        }
        self._entries: Mapping[type, Callable[[Any, int], object]] = {
            Said: chat.apply_said,
            Deleted: lambda it, at: chat.apply_deleted(it),
            Asked: questions.apply_asked,
            QuestionSet: lambda it, at: questions.apply_set(it),
            PollOpened: lambda it, at: polls.apply_opened(it),
            VoteCast: lambda it, at: polls.apply_vote(it),
            PollEnded: lambda it, at: polls.apply_ended(it),
            MemberMuted: lambda it, at: moderation.apply_muted(it),
            MemberBarred: lambda it, at: moderation.apply_barred(it),
            RulesSet: lambda it, at: moderation.apply_rules(it),
            WordsSet: lambda it, at: moderation.apply_words(it),
            PinSet: lambda it, at: moderation.apply_pin(it),
        }

    def restore(self, journaled: Journaled) -> None:
        """Takes an entry back; those of other parts are left to them."""
        apply = self._entries.get(type(journaled.entry))
        if apply is not None:
            apply(journaled.entry, journaled.at)

    def greet(self, person: Person, now: int) -> list[ToldMessage]:
        """What somebody who comes in is told besides the snapshot. Who is told nothing is not muted, has no question
        that waits, and has not voted."""
        told: list[ToldMessage] = []
        if rights(person.role).oversee:
            told += [self._moderation.order, self._questions.waiting()]
        elif (asked := self._questions.waiting(person.member)).questions:
            told.append(asked)
        if self._moderation.muted(person.member):
            told.append(Muted(True))
        return [*told, *self._polls.votes(person.member)]

    def tick(self, now: int) -> list[Action]:
        return [*self._questions.tick(now), *self._polls.tick(now)]

    def end(self) -> list[Action]:
        """The lecture is over."""
        return self._polls.end()

    def barred(self, member: str) -> bool:
        """Removed, and not let in again."""
        return member in self._moderation.barred

    def keep(self, message: RoomMessage) -> None:
        """A numbered message, for the next snapshots."""
        if isinstance(message, Chat):
            self._chat.number(message)
        elif isinstance(message, QuestionMoved):
            self._questions.number(message)

    def recall(self, message: RoomMessage) -> list[Action]:
        """A numbered message of the node that was this room's home before: what is to be told in its place now."""
        self.keep(message)
        if isinstance(message, Chat):
            return self._chat.rewritten([message.id])
        if isinstance(message, QuestionMoved):
            return self._questions.rewritten(message)
        return []

    # --- what everybody sees ---

    @property
    def history(self) -> tuple[Chat, ...]:
        return self._chat.history

    @property
    def deleted(self) -> tuple[str, ...]:
        return tuple(self._chat.deleted)

    @property
    def pinned(self) -> Pinned:
        return self._moderation.pinned

    @property
    def rules(self) -> TalkRules:
        return self._moderation.rules

    @property
    def questions(self) -> tuple[Question, ...]:
        return self._questions.shown

    @property
    def polls(self) -> tuple[Poll, ...]:
        return self._polls.views

    # --- what is written ---

    def _say(self, socket: Socket, message: Say, now: int) -> list[Action]:
        person = socket.person
        self._moderation.check_writing(person, chat=True)
        entry = self._chat.draft(person, message, self._moderation.slow(person), socket.heard, now)
        if entry is None:
            return []
        return self._withheld(socket, "chat", entry.text) or self._chat.say(entry, socket.heard, now)

    def _ask(self, socket: Socket, message: Ask, now: int) -> list[Action]:
        self._moderation.check_writing(socket.person, chat=False)
        entry = self._questions.draft(socket.person, message, socket.heard, now)
        if entry is None:
            return []
        return self._withheld(socket, "ask", entry.text) or self._questions.ask(entry, now)

    def _pin(self, socket: Socket, message: Pin, now: int) -> list[Action]:
        text = None if message.text is None else cleaned(message.text)
        return self._withheld(socket, "pin", text or "") or self._moderation.pin(text, socket.person)

    def _open_poll(self, socket: Socket, message: OpenPoll, now: int) -> list[Action]:
        entry = self._polls.draft(message)
        held = self._withheld(socket, "poll-open", entry.question, *entry.options)
        return held or self._polls.open(entry, socket.person.member, now)

    def _withheld(self, socket: Socket, action: str, *texts: str) -> list[Action]:
        """Nothing where no word of the list is in them; whoever wrote them keeps them."""
        if not any(map(self._moderation.words.hit, texts)):
            return []
        person = socket.person
        entry = Withheld(action, person.name, person.branch, " / ".join(texts))
        return [Complain(socket.connection, "chat-word"), Keep(entry, person.member)]

    def _whom(self, message: Mute | Bar) -> Person:
        """Who is pointed at. Raises `UserError("no-such-person")`."""
        if message.member is not None:
            whom = self._here(message.member) or self._moderation.listed(message.member)
        elif message.said is not None and message.said.startswith("c"):
            whom = self._chat.author(message.said)
        else:
            whom = self._questions.author(message.said or "")
        if whom is None:
            raise UserError("no-such-person")
        return whom
