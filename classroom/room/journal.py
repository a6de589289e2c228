"""What a room must still know when it is built anew, and what its organizers may ask of it later: one entry for each
thing that was said or decided, in order. Who did it and when stands beside each (`Journaled`).

The ledger holds attendance and opaque ids alone; what people wrote stays here, where it can be deleted.
"""

from __future__ import annotations

import msgspec

from classroom.room.messages_stage import Layout, Part
from classroom.room.messages_talk import QuestionState


class Said(msgspec.Struct, tag=True, frozen=True):
    """A line of chat; `reply` is the id of the line it answers."""

    id: str
    member: str
    name: str
    branch: str
    role: str
    text: str
    key: str | None = None
    reply: str | None = None


class Deleted(msgspec.Struct, tag=True, frozen=True):
    id: str


class PinSet(msgspec.Struct, tag=True, frozen=True):
    text: str | None
    name: str


class Asked(msgspec.Struct, tag=True, frozen=True):
    id: str
    member: str
    name: str
    branch: str
    role: str
    text: str
    key: str | None = None


class QuestionSet(msgspec.Struct, tag=True, frozen=True):
    id: str
    state: QuestionState


class MemberMuted(msgspec.Struct, tag=True, frozen=True):
    member: str
    name: str
    branch: str
    muted: bool


class MemberBarred(msgspec.Struct, tag=True, frozen=True):
    member: str
    name: str
    branch: str
    barred: bool


class RulesSet(msgspec.Struct, tag=True, frozen=True):
    """`slow` in seconds."""

    muted: bool
    slow: int


class WordsSet(msgspec.Struct, tag=True, frozen=True):
    words: tuple[str, ...]


class PollOpened(msgspec.Struct, tag=True, frozen=True):
    id: str
    question: str
    options: tuple[str, ...]
    multiple: bool


class VoteCast(msgspec.Struct, tag=True, frozen=True):
    poll: str
    member: str
    choices: tuple[int, ...]


class PollEnded(msgspec.Struct, tag=True, frozen=True):
    id: str


class OrderEntry(msgspec.Struct, frozen=True):
    """One testimonial of the running order."""

    id: str
    member: str
    name: str
    branch: str
    title: str
    minutes: int


class OrderSet(msgspec.Struct, tag=True, frozen=True):
    entries: tuple[OrderEntry, ...]


class HandSet(msgspec.Struct, tag=True, frozen=True):
    member: str
    name: str
    branch: str
    up: bool


class LayoutSet(msgspec.Struct, tag=True, frozen=True):
    layout: Layout


class PartSet(msgspec.Struct, tag=True, frozen=True):
    """Somebody moved between the seats and the stage. `caller`: the name of who called them, `called_by` their id;
    `entry`: of the running order. `since`: when the appearance began, `until`: when its minutes are over, in µs;
    `rehearsed`: nobody but the stage saw it."""

    member: str
    name: str
    branch: str
    part: Part
    caller: str | None = None
    title: str = ""
    minutes: int | None = None
    until: int | None = None
    reason: str | None = None
    entry: str | None = None
    called_by: str | None = None
    since: int | None = None
    reconnects: int = 0
    rehearsed: bool = False


class Attempted(msgspec.Struct, tag=True, frozen=True):
    """Somebody asked for what their role may not: the message's type."""

    action: str


class Withheld(msgspec.Struct, tag=True, frozen=True):
    """A text with a word that is not said here: nobody saw it. `action` is the message's type."""

    action: str
    name: str
    branch: str
    text: str


Entry = (
    Said
    | Deleted
    | PinSet
    | Asked
    | QuestionSet
    | MemberMuted
    | MemberBarred
    | RulesSet
    | WordsSet
    | PollOpened
    | VoteCast
    | PollEnded
    | OrderSet
    | HandSet
    | LayoutSet
    | PartSet
    | Attempted
    | Withheld
)


class Journaled(msgspec.Struct, frozen=True):
    """`number` counts a lecture's entries from 1 without a gap; `at` in µs since the epoch; `by` a member's or
    staff id, None: the room's own doing."""

    number: int
    at: int
    by: str | None
    entry: Entry
