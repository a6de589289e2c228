"""What is said in a room, over the channel: chat, questions, polls, and what keeps order among them.

Ids are the room's: `c…` a line of chat, `q…` a question, `p…` a poll. Who wrote a line is named to pages, never by a
member's id: whoever keeps order points at the line.
"""

from __future__ import annotations

import datetime
import enum
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

ChatText = Annotated[str, Meta(min_length=1, max_length=500)]
Key = Annotated[str, Meta(min_length=1, max_length=40)]
SaidId = Annotated[str, Meta(pattern="^[cq][0-9]{1,15}$")]
ChatId = Annotated[str, Meta(pattern="^c[0-9]{1,15}$")]
QuestionId = Annotated[str, Meta(pattern="^q[0-9]{1,15}$")]
PollId = Annotated[str, Meta(pattern="^p[0-9]{1,15}$")]
PollText = Annotated[str, Meta(min_length=1, max_length=200)]
Option = Annotated[str, Meta(min_length=1, max_length=100)]
MemberId = Annotated[str, Meta(min_length=1, max_length=64)]
Word = Annotated[str, Meta(min_length=1, max_length=40)]


class QuestionState(enum.StrEnum):
    ASKED = "asked"  # seen by those who keep order, and by whoever asked
    PUBLISHED = "published"
    ANSWERED = "answered"
    DISMISSED = "dismissed"


# --- client → server ------------------------------------------------------------------------------------------------


class Say(msgspec.Struct, tag="chat", tag_field="type", frozen=True, forbid_unknown_fields=True):
    """`reply`: the line that this one answers."""

    text: ChatText
    key: Key | None = None
    reply: ChatId | None = None


class Ask(msgspec.Struct, tag="ask", tag_field="type", frozen=True, forbid_unknown_fields=True):
    """A question to the lecturer, apart from chat."""

    text: ChatText
    key: Key | None = None


class Vote(msgspec.Struct, tag="vote", tag_field="type", frozen=True, forbid_unknown_fields=True):
    """`choices` by position, from 0. A later vote replaces an earlier one while the poll is open."""

    poll: PollId
    choices: Annotated[tuple[Annotated[int, Meta(ge=0, le=9)], ...], Meta(min_length=1, max_length=10)]


class Delete(msgspec.Struct, tag="delete", tag_field="type", frozen=True, forbid_unknown_fields=True):
    id: ChatId


class Pin(msgspec.Struct, tag="pin", tag_field="type", frozen=True, forbid_unknown_fields=True):
    """A notice over the chat; None takes it away."""

    text: ChatText | None


class MoveQuestion(msgspec.Struct, tag="question", tag_field="type", frozen=True, forbid_unknown_fields=True):
    id: QuestionId
    state: Literal["published", "answered", "dismissed"]


class Mute(msgspec.Struct, tag="mute", tag_field="type", frozen=True, forbid_unknown_fields=True):
    """Whoever wrote line or question `said`, or `member`: exactly one of the two."""

    muted: bool
    said: SaidId | None = None
    member: MemberId | None = None

    def __post_init__(self) -> None:
        _points_once(self.said, self.member)


class MuteAll(msgspec.Struct, tag="mute-all", tag_field="type", frozen=True, forbid_unknown_fields=True):
    muted: bool


class Slow(msgspec.Struct, tag="slow", tag_field="type", frozen=True, forbid_unknown_fields=True):
    """A member may write once in so many seconds; 0: as usual."""

    seconds: Annotated[int, Meta(ge=0, le=300)]


class Bar(msgspec.Struct, tag="bar", tag_field="type", frozen=True, forbid_unknown_fields=True):
    """Remove a person from the lecture, or let them in again; pointed at as in `mute`."""

    barred: bool
    said: SaidId | None = None
    member: MemberId | None = None

    def __post_init__(self) -> None:
        _points_once(self.said, self.member)


class SetWords(msgspec.Struct, tag="words", tag_field="type", frozen=True, forbid_unknown_fields=True):
    """Words that are not said here: the whole list."""

    words: Annotated[tuple[Word, ...], Meta(max_length=2000)]


class OpenPoll(msgspec.Struct, tag="poll-open", tag_field="type", frozen=True, forbid_unknown_fields=True):
    question: PollText
    options: Annotated[tuple[Option, ...], Meta(min_length=2, max_length=10)]
    multiple: bool = False


class ClosePoll(msgspec.Struct, tag="poll-close", tag_field="type", frozen=True, forbid_unknown_fields=True):
    poll: PollId


TalkMessage = (
    Say | Ask | Vote | Delete | Pin | MoveQuestion | Mute | MuteAll | Slow | Bar | SetWords | OpenPoll | ClosePoll
)


def _points_once(said: str | None, member: str | None) -> None:
    if (said is None) == (member is None):
        raise ValueError("either what they said or a member")


# --- server → client ------------------------------------------------------------------------------------------------


class Quoted(msgspec.Struct, frozen=True):
    """The line that another one answers; `text` at most 80 characters of it, empty once it is deleted."""

    id: str
    name: str
    text: str


class Chat(msgspec.Struct, tag="chat", tag_field="type", frozen=True):
    seq: int
    id: str
    name: str
    branch: str
    role: str
    text: str
    at: datetime.datetime
    key: str | None
    reply: Quoted | None = None


class ChatDeleted(msgspec.Struct, tag="chat-deleted", tag_field="type", frozen=True):
    """That line is gone, and what other lines quote of it. Who returns gets it in place of the line, too."""

    seq: int
    id: str


class Pinned(msgspec.Struct, tag="pinned", tag_field="type", frozen=True):
    seq: int
    text: str | None
    by: str | None
    """The name of whoever pinned it."""


class Question(msgspec.Struct, frozen=True):
    id: str
    name: str
    branch: str
    text: str
    at: datetime.datetime
    state: QuestionState


class QuestionMoved(msgspec.Struct, tag="question", tag_field="type", frozen=True):
    """To everybody, from `published` on; a question that is dismissed after that disappears."""

    seq: int
    question: Question


class QuestionsAsked(msgspec.Struct, tag="asked", tag_field="type", frozen=True):
    """To those who keep order: all questions that wait (state `asked`), whole, oldest first. To a member: their own
    that wait."""

    questions: tuple[Question, ...]


class TalkRules(msgspec.Struct, tag="talk-rules", tag_field="type", frozen=True):
    """`slow` in seconds, 0: as usual."""

    seq: int
    muted: bool
    slow: int


class Muted(msgspec.Struct, tag="muted", tag_field="type", frozen=True):
    """To one member: they may not write now, or may again."""

    muted: bool


class Poll(msgspec.Struct, frozen=True):
    """`results`: how many chose each option; `voters`: how many members voted."""

    id: str
    question: str
    options: tuple[str, ...]
    multiple: bool
    open: bool
    results: tuple[int, ...]
    voters: int


class PollChanged(msgspec.Struct, tag="poll", tag_field="type", frozen=True):
    seq: int
    poll: Poll


class Voted(msgspec.Struct, tag="voted", tag_field="type", frozen=True):
    """To one member: their own vote, as it stands."""

    poll: str
    choices: tuple[int, ...]


class KeptOrder(msgspec.Struct, frozen=True):
    """One who may not write, or was removed."""

    member: str
    name: str
    branch: str


class Order(msgspec.Struct, tag="order-kept", tag_field="type", frozen=True):
    """To those who keep order, whole."""

    muted: tuple[KeptOrder, ...]
    barred: tuple[KeptOrder, ...]
    words: tuple[str, ...]


TalkBroadcast = Chat | ChatDeleted | Pinned | QuestionMoved | TalkRules | PollChanged
TalkTold = QuestionsAsked | Muted | Voted | Order
