"""What comes out of a room; the shell performs each before it feeds the next input."""

from __future__ import annotations

import msgspec

from attendance.facts import Body
from classroom.room.messages import (
    AudienceSeen,
    Close,
    Counted,
    PictureLevel,
    Quality,
    Resumed,
    RoomMessage,
    Snapshot,
)
from signaling.control import Audience


class Broadcast(msgspec.Struct, frozen=True):
    """To everybody in the room. `frame` is the message encoded, with its number; empty until the outbox numbers it."""

    message: RoomMessage
    frame: bytes = b""


class Tell(msgspec.Struct, frozen=True):
    """To one socket."""

    connection: str
    message: Snapshot | Resumed | Counted | PictureLevel | AudienceSeen


class Complain(msgspec.Struct, frozen=True):
    """Tell one socket what went wrong; `reason` is a word of the table of sentences."""

    connection: str
    reason: str


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


class RoutePublication(msgspec.Struct, frozen=True):
    publication: str
    slot: str
    audience: Audience


class ClosePublication(msgspec.Struct, frozen=True):
    publication: str


class CloseViewers(msgspec.Struct, frozen=True):
    """These members are sent nothing any more; None: nobody is, for the lecture is over."""

    members: frozenset[str] | None = None


class Measured(msgspec.Struct, frozen=True):
    """What a page says of its own picture, for the service's metrics."""

    quality: Quality


class ReportReception(msgspec.Struct, frozen=True):
    """What a page says of how its session arrives, for the relay. That the session is this member's is not checked."""

    member: str
    session: str
    lost: float
    frozen_ms: int


Action = (
    Broadcast
    | Tell
    | Complain
    | Replay
    | Dismiss
    | Record
    | RoutePublication
    | ClosePublication
    | CloseViewers
    | Measured
    | ReportReception
)
