"""The only vocabulary of the ledger: what happened, in the past tense, with opaque ids and no names.

A `Fact` is stamped by the recorder alone. `happened` and every `last` are microseconds since the epoch (UTC) on the
node's clock, which never goes back within one boot. A connection id is unique for ever and belongs to one member; a
channel socket and a WHEP session are two connections, and nothing links them but the member.
"""

from __future__ import annotations

import enum

import msgspec


class LectureState(enum.StrEnum):
    PLANNED = "planned"
    LOBBY = "lobby"
    LIVE = "live"
    INTERRUPTED = "interrupted"
    ENDED = "ended"
    PUBLISHED = "published"


class Evidence(enum.StrEnum):
    """How we know that media reached a member. PROVED comes with the proof of reception (CSRC)."""

    REPORTED = "reported"
    PROVED = "proved"


class Bits(enum.IntFlag):
    """What a beat says of one connection."""

    CONNECTED = 1
    REPORTED = 2
    PROVED = 4
    VISIBLE = 8
    ON_STAGE = 16


class NodeStarted(msgspec.Struct, tag=True, frozen=True):
    """A service process took this lecture up. What its earlier boots left open ended at its last evidence, and the
    time from there to here is our outage."""


class NodeStopped(msgspec.Struct, tag=True, frozen=True):
    """The process stopped in order; nothing is left open."""


class LectureMoved(msgspec.Struct, tag=True, frozen=True):
    """`by` is a member or staff id, None where the room itself decided; `cause` a word ("button", "first-picture")."""

    state: LectureState
    cause: str
    by: str | None = None


class MemberConnected(msgspec.Struct, tag=True, frozen=True):
    """A channel socket said hello. `page` is room, studio…; `device` a random id kept by that browser."""

    member: str
    connection: str
    page: str = "room"
    device: str = ""


class MemberDisconnected(msgspec.Struct, tag=True, frozen=True):
    member: str
    connection: str
    last: int
    reason: str


class ReceivingBegan(msgspec.Struct, tag=True, frozen=True):
    """Media of the lecture reaches the member on this WHEP connection. `since`: the first evidence's own time."""

    member: str
    connection: str
    evidence: Evidence
    since: int


class ReceivingStopped(msgspec.Struct, tag=True, frozen=True):
    """`last` is the last evidence's own time: the interval ends there, never later."""

    member: str
    connection: str
    last: int
    reason: str


class Beat(msgspec.Struct, tag=True, frozen=True):
    """Every 15 s, one row for all connections of a node: id → bits. Evidence holds up to `happened`."""

    connections: dict[str, int]


class SlotFlowing(msgspec.Struct, tag=True, frozen=True):
    """The audience is sent media of `member` on a slot."""

    slot: str
    member: str


class SlotSilent(msgspec.Struct, tag=True, frozen=True):
    slot: str
    last: int


class OutageBegan(msgspec.Struct, tag=True, frozen=True):
    """Our fault: nobody could receive. `cause` is "relay" or "service"."""

    cause: str
    since: int


class OutageEnded(msgspec.Struct, tag=True, frozen=True):
    cause: str


class JoinFailed(msgspec.Struct, tag=True, frozen=True):
    """A member's (or somebody's) attempt did not work; `cause` is a word, `detail` at most 200 characters."""

    member: str | None
    cause: str
    detail: str = ""


class StageEntered(msgspec.Struct, tag=True, frozen=True):
    member: str
    slot: str


class StageLeft(msgspec.Struct, tag=True, frozen=True):
    member: str
    slot: str
    last: int


Body = (
    NodeStarted
    | NodeStopped
    | LectureMoved
    | MemberConnected
    | MemberDisconnected
    | ReceivingBegan
    | ReceivingStopped
    | Beat
    | SlotFlowing
    | SlotSilent
    | OutageBegan
    | OutageEnded
    | JoinFailed
    | StageEntered
    | StageLeft
)


class Fact(msgspec.Struct, frozen=True):
    """One row of the ledger. `(node, boot, counter)` is its id: a repeated delivery is stored once."""

    lecture: str
    node: str
    boot: str
    counter: int
    happened: int
    body: Body
