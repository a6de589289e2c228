"""What goes into a room. Times named `at` or `last` are microseconds since the epoch (UTC).

Those with a tag also come from other nodes (classroom/nodes/wire.py)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import msgspec

from classroom.room.journal import OrderEntry
from classroom.room.messages import Command, Heartbeat, Level, Page, Quality, Reception, Trouble
from classroom.room.messages_stage import StageMessage
from classroom.room.messages_talk import TalkMessage
from signaling.session.offer import Codec


class Person(msgspec.Struct, frozen=True):
    """Who a ticket belongs to. `branch` is the path joined with " / "; `role` one of `attendance.roster.Role`."""

    member: str
    name: str
    branch: str
    role: str


class Joined(msgspec.Struct, tag=True, frozen=True):
    """A channel socket said hello with a good ticket. `last`: the highest sequence number that its page has seen."""

    connection: str
    person: Person
    page: Page
    device: str
    last: int | None = None


class Left(msgspec.Struct, tag=True, frozen=True):
    """The socket is gone; `last` is the last evidence that its page was there."""

    connection: str
    last: int
    reason: str


class Lagged(msgspec.Struct, tag=True, frozen=True):
    """The socket could not keep up and what waited for it was dropped: it needs a snapshot."""

    connection: str


class Received(msgspec.Struct, tag=True, frozen=True):
    """`at`: when the node of that socket heard it; None: now. How fast people may act is reckoned by it."""

    connection: str
    message: Heartbeat | Quality | Reception | Trouble | Command | TalkMessage | StageMessage
    at: int | None = None


class PublicationOpened(msgspec.Struct, frozen=True):
    peer: str
    slot: str
    person: Person


class PublicationFlowed(msgspec.Struct, frozen=True):
    """Its media arrives; `video` is None while only sound does."""

    peer: str
    at: int
    video: Codec | None


class PublicationFellSilent(msgspec.Struct, frozen=True):
    peer: str
    last: int


class PublicationClosed(msgspec.Struct, frozen=True):
    """`wanted`: its publisher ended it, or it was told to; otherwise it was lost and may come back."""

    peer: str
    last: int
    wanted: bool


class PublisherWarned(msgspec.Struct, frozen=True):
    """The relay found something that a publisher should mend, by its name ("b-frames")."""

    peer: str
    reason: str


class MemberTroubled(msgspec.Struct, frozen=True):
    """The relay found something that a viewer should know: a codec that their browser lacks."""

    member: str
    reason: str


class PictureLevelChanged(msgspec.Struct, frozen=True):
    """The relay sends a viewer another picture, or none, because of its way."""

    member: str
    peer: str
    slot: str
    level: Level


class AudienceFellSilent(msgspec.Struct, frozen=True):
    """Most who received, or all, do not any more (`receiving`: how many still do); None: most do again."""

    receiving: int | None


class RelayLost(msgspec.Struct, frozen=True):
    """There is no relay, hence no publication, from `at` on."""

    at: int


class RelayReturned(msgspec.Struct, frozen=True):
    """After `RelayLost`: a relay that has no session from before takes offers."""


class Rehomed(msgspec.Struct, frozen=True):
    """This room was another node's until now; media goes to these addresses from here on."""

    whip: str
    whep: str


class Ordered(msgspec.Struct, frozen=True):
    """Staff, or the command line, moves the lecture; `by` is a staff id."""

    action: Literal["start", "end"]
    by: str | None


class OrderReplaced(msgspec.Struct, tag=True, frozen=True):
    """The running order is this one from here on; `by` is a staff id."""

    entries: tuple[OrderEntry, ...]
    by: str | None


class RosterChanged(msgspec.Struct, frozen=True):
    """Who is invited now: the branch of each member by id, a path joined with " / "."""

    invited: Mapping[str, str]


class LinksReplaced(msgspec.Struct, tag=True, frozen=True):
    """These members' old links hold no more: whatever was opened with them ends."""

    members: frozenset[str]


class Ticked(msgspec.Struct, frozen=True):
    """Time passed; about ten times a second."""


Input = (
    Joined
    | Left
    | Lagged
    | Received
    | PublicationOpened
    | PublicationFlowed
    | PublicationFellSilent
    | PublicationClosed
    | PublisherWarned
    | MemberTroubled
    | PictureLevelChanged
    | AudienceFellSilent
    | RelayLost
    | RelayReturned
    | Rehomed
    | Ordered
    | OrderReplaced
    | RosterChanged
    | LinksReplaced
    | Ticked
)
