"""What comes out of a room; the shell performs each before it feeds the next input."""

from __future__ import annotations

import msgspec

from attendance.facts import Body
from classroom.room.journal import Entry
from classroom.room.messages import Close, Quality, RoomMessage, ToldMessage
from signaling.control import Audience


class Broadcast(msgspec.Struct, frozen=True):
    """To everybody in the room. `frame` is the message encoded, with its number; empty until the outbox numbers it."""

    message: RoomMessage
    frame: bytes = b""


class Tell(msgspec.Struct, frozen=True):
    """To one socket."""

    connection: str
    message: ToldMessage


class TellMember(msgspec.Struct, frozen=True):
    """To every page of one person, wherever it is open. The room makes a `Tell` of each."""

    member: str
    message: ToldMessage


class TellThose(msgspec.Struct, frozen=True):
    """To the pages of everybody who has this right (a field of `role.Rights`). The room makes a `Tell` of each."""

    right: str
    message: ToldMessage


class Rewrite(msgspec.Struct, frozen=True):
    """What stood under this message's number is told to nobody any more: who returns gets this. The room does it."""

    message: RoomMessage


class Remove(msgspec.Struct, frozen=True):
    """This person leaves with all they have here: sockets, publications, players. The room makes actions of it."""

    member: str


class Complain(msgspec.Struct, frozen=True):
    """Tell one socket what went wrong; `reason` is a word of the table of sentences, `key` that of the message."""

    connection: str
    reason: str
    key: str | None = None


class Replay(msgspec.Struct, frozen=True):
    """Numbered frames that one socket missed, in order."""

    connection: str
    frames: tuple[bytes, ...]


class Dismiss(msgspec.Struct, frozen=True):
    """Close one socket, after telling it why."""

    connection: str
    code: Close
    reason: str


class Record(msgspec.Struct, frozen=True):
    """A fact for the ledger; `happened` where the event carries a time of its own."""

    body: Body
    happened: int | None = None


class Keep(msgspec.Struct, frozen=True):
    """What the room must still know when it is built anew. `number` and `at` are the room's to set."""

    entry: Entry
    by: str | None
    """Whose doing it was: a member's or staff id; None: the room's own."""
    number: int = 0
    at: int = 0


class RoutePublication(msgspec.Struct, frozen=True):
    """`slot` None: nobody is sent it."""

    publication: str
    slot: str | None
    audience: Audience


class ClosePublication(msgspec.Struct, frozen=True):
    publication: str


class CloseViewers(msgspec.Struct, frozen=True):
    """These members are sent nothing any more; None: nobody is, for the lecture is over."""

    members: frozenset[str] | None = None


class Measured(msgspec.Struct, frozen=True):
    """What a page says of its own picture, for the service's metrics."""

    quality: Quality


class EchoMarks(msgspec.Struct, frozen=True):
    """A page of this member echoes what marks the packets of a viewer of theirs carried. Whether they do prove anything
    is looked at where the keys are."""

    member: str
    session: str
    marks: tuple[int, ...]


class ReportReception(msgspec.Struct, frozen=True):
    """What a page says of how its session arrives, for the relay. That the session is this member's is not checked."""

    member: str
    session: str
    lost: float
    frozen_ms: int


Action = (
    Broadcast
    | Tell
    | TellMember
    | TellThose
    | Rewrite
    | Remove
    | Complain
    | Replay
    | Dismiss
    | Record
    | Keep
    | RoutePublication
    | ClosePublication
    | CloseViewers
    | Measured
    | EchoMarks
    | ReportReception
)
