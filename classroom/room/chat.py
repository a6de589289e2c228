"""The chat: what was written, by whom, and what is left of it.

A line is an entry of the journal (`Said`) that was applied, so that a room built anew has the same lines. Those of
lately are kept: others answer them, and whoever keeps order points at them. What is deleted leaves no text behind, here
or where others quoted it; only who wrote it is still known.
"""

from __future__ import annotations

import itertools
from collections import OrderedDict, deque
from dataclasses import dataclass, field

import msgspec

from classroom.errors import UserError
from classroom.people.role import rights
from classroom.room.actions import Action, Broadcast, Keep, Rewrite
from classroom.room.bucket import Bucket, Buckets, late
from classroom.room.inputs import Person
from classroom.room.journal import Deleted, Said
from classroom.room.messages import moment
from classroom.room.messages_talk import Chat, ChatDeleted, Quoted, Say
from classroom.room.text import cleaned, quoted

HISTORY = 50
LINES = 2_000
DELETED = 200
KEYS = 4_000
MEMBER_RATE, MEMBER_BURST = 0.5, 5.0
ROOM_RATE, ROOM_BURST = 30.0, 90.0
MEMBERS = 20_000
SECOND = 1_000_000


@dataclass(slots=True)
class Line:
    """`chat.seq` is 0 until the room has numbered it, and stays so in a room that was built anew."""

    chat: Chat
    author: Person
    deleted: bool = False
    answers: list[str] = field(default_factory=list)


class ChatLog:
    def __init__(self, now: int) -> None:
        self.deleted: deque[str] = deque(maxlen=DELETED)
        self._lines: OrderedDict[str, Line] = OrderedDict()
        self._count = 0
        self._keys: OrderedDict[tuple[str, str], None] = OrderedDict()
        self._last: OrderedDict[str, int] = OrderedDict()
        self._members = Buckets(MEMBER_RATE, MEMBER_BURST, MEMBERS)
        self._room = Bucket(ROOM_RATE, ROOM_BURST, now)

    @property
    def history(self) -> tuple[Chat, ...]:
        shown = (line.chat for line in reversed(self._lines.values()) if not line.deleted)
        return tuple(itertools.islice(shown, HISTORY))[::-1]

    def author(self, line_id: str) -> Person | None:
        """Who wrote a line of lately."""
        line = self._lines.get(line_id)
        return None if line is None else line.author

    # --- what people do ---

    def draft(self, person: Person, said: Say, slow: int, heard: int, now: int) -> Said | None:
        """The line to be said; None where it was said before, with the same key. `slow`: seconds between two lines of
        one member, by when their node `heard` them. Raises `UserError` (chat-empty, chat-gone, chat-slow,
        chat-too-fast, chat-busy)."""
        if said.key is not None and (person.member, said.key) in self._keys:
            return None
        text = cleaned(said.text)
        if said.reply is not None:
            answered = self._lines.get(said.reply)
            if answered is None or answered.deleted:
                raise UserError("chat-gone")
        self._pace(person, slow, heard, now)
        number = self._count + 1
        return Said(
            f"c{number}", person.member, person.name, person.branch, person.role, text, said.key, said.reply
        )  # fmt: skip

    def say(self, entry: Said, heard: int, now: int) -> list[Action]:
        self.apply_said(entry, now)
        self._last[entry.member] = heard
        return [Broadcast(self._lines[entry.id].chat), Keep(entry, entry.member)]

    def delete(self, line_id: str, by: str) -> list[Action]:
        """Nothing where it is deleted already. Raises `UserError("chat-gone")` for a line that never was."""
        line = self._lines.get(line_id)
        if line is None and not 0 < int(line_id[1:]) <= self._count:
            raise UserError("chat-gone")
        if line_id in self.deleted or (line is not None and line.deleted):
            return []
        entry = Deleted(line_id)
        touched = self.apply_deleted(entry)
        return [*self.rewritten(touched), Broadcast(ChatDeleted(0, line_id)), Keep(entry, by)]

    def _pace(self, person: Person, slow: int, heard: int, now: int) -> None:
        last = self._last.get(person.member)
        if last is not None and heard - last < slow * SECOND:
            raise UserError("chat-slow")
        if not self._members.take(person.member, heard):
            raise UserError("chat-too-fast")
        if not rights(person.role).moderate and not late(heard, now) and not self._room.take(now):
            raise UserError("chat-busy")

    # --- what the journal says; the same in a room that is built anew ---

    def apply_said(self, entry: Said, at: int) -> None:
        self._count = max(self._count, int(entry.id[1:]))
        author = Person(entry.member, entry.name, entry.branch, entry.role)
        chat = Chat(
            0, entry.id, entry.name, entry.branch, entry.role, entry.text, moment(at), entry.key, self._quote(entry)
        )  # fmt: skip
        self._lines[entry.id] = Line(chat, author)
        if len(self._lines) > LINES:
            self._lines.popitem(last=False)
        if entry.key is not None:
            self._keys[(entry.member, entry.key)] = None
            if len(self._keys) > KEYS:
                self._keys.popitem(last=False)
        self._last[entry.member] = at
        self._last.move_to_end(entry.member)
        if len(self._last) > MEMBERS:
            self._last.popitem(last=False)

    def apply_deleted(self, entry: Deleted) -> list[str]:
        """The lines that it changed."""
        self.deleted.append(entry.id)
        line = self._lines.get(entry.id)
        if line is None:
            return []
        line.deleted = True
        line.chat = msgspec.structs.replace(line.chat, text="", reply=None)
        touched = [entry.id]
        for answering in line.answers:
            answer = self._lines.get(answering)
            if answer is not None and answer.chat.reply is not None:
                blank = msgspec.structs.replace(answer.chat.reply, text="")
                answer.chat = msgspec.structs.replace(answer.chat, reply=blank)
                touched.append(answering)
        return touched

    def _quote(self, entry: Said) -> Quoted | None:
        if entry.reply is None:
            return None
        line = self._lines.get(entry.reply)
        if line is None:
            return None
        line.answers.append(entry.id)
        return Quoted(entry.reply, line.chat.name, quoted(line.chat.text))

    # --- numbers ---

    def number(self, message: Chat) -> None:
        """The room gave a line its number, or had given it on the node before this one."""
        line = self._lines.get(message.id)
        if line is not None:
            line.chat = msgspec.structs.replace(line.chat, seq=message.seq)

    def rewritten(self, ids: list[str]) -> list[Action]:
        """What who returns is told of these lines, in their places."""
        lines = [line for each in ids if (line := self._lines.get(each)) is not None and line.chat.seq]
        return [Rewrite(ChatDeleted(each.chat.seq, each.chat.id) if each.deleted else each.chat) for each in lines]
