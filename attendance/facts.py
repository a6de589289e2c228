"""The only vocabulary of the ledger: what happened, in the past tense, with opaque ids and no names.

A `Fact` is stamped by the recorder alone. `happened` and every `last` are microseconds since the epoch (UTC) on the
node's clock, which never goes back within one boot. A connection id is unique for ever and belongs to one member; a
channel socket and a WHEP session are two connections, and nothing links them but the member.
"""

from __future__ import annotations

import enum
from typing import Annotated

import msgspec
from msgspec import Meta


class LectureState(enum.StrEnum):
    PLANNED = "planned"
    LOBBY = "lobby"
    LIVE = "live"
    INTERRUPTED = "interrupted"
    ENDED = "ended"
    PUBLISHED = "published"


class Evidence(enum.StrEnum):
    """How we know that media reached a member: by receiver reports alone, or also by the marks in it that the member's
    page echoed."""

    REPORTED = "reported"
    PROVED = "proved"


class Bits(enum.IntFlag):
    """What a beat says of one connection."""

    CONNECTED = 1
    REPORTED = 2
    PROVED = 4
    VISIBLE = 8
    ON_STAGE = 16


class Leave(enum.StrEnum):
    """For what a member is excused: kinds that every office knows, and no more of it is kept."""

    DUTY = "duty"
    ILLNESS = "illness"
    PERSONAL = "personal"
    OTHER = "other"


class How(enum.StrEnum):
    """How somebody was found to be at a site: its host picked them from the list, they scanned the code on its screen
    with their own phone, or they opened the site and are its host."""

    SEARCH = "search"
    QR = "qr"
    HOST = "host"


class Verdict(enum.StrEnum):
    """What is found of one member's attendance (attendance.verdict says by what)."""

    PRESENT = "present"
    LATE = "late"
    LEFT_EARLY = "left-early"
    INCOMPLETE = "incomplete"
    EXCUSED = "excused"
    ABSENT = "absent"
    NOT_MEASURED = "not-measured"


class Rule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a member must meet to have taken part. Raises `ValueError` where more answers are demanded than asked for.

    `evidence`: the least that counts. `share`: per cent of the time that counts; 0: none is demanded. `sign_ins`: so
    many times each member is asked to sign in at a moment of their own; of these `answered` are demanded (of more or
    fewer that a member was really asked, as great a part). `entry`: minutes of the time that counts within which one
    must have come; None: any time. `collective`: what was watched together at a site counts too.
    """

    evidence: Evidence = Evidence.REPORTED
    share: Annotated[int, Meta(ge=0, le=100)] = 80
    sign_ins: Annotated[int, Meta(ge=0, le=6)] = 3
    answered: Annotated[int, Meta(ge=0, le=6)] = 2
    entry: Annotated[int, Meta(ge=1, le=600)] | None = None
    collective: bool = True

    def __post_init__(self) -> None:
        if self.answered > self.sign_ins:
            raise ValueError("more answers than sign-ins")


class NodeStarted(msgspec.Struct, tag=True, frozen=True):
    """A service process took this lecture up. What its earlier boots left open ended at its last evidence, and the
    time from there to here is our outage."""


class NodeStopped(msgspec.Struct, tag=True, frozen=True):
    """The process stopped in order; nothing is left open."""


class NodeLost(msgspec.Struct, tag=True, frozen=True):
    """Another node found the process `boot` of `node` gone. What that left open ended at its last evidence; where it
    had taken the lecture up (`NodeStarted`), the time from there to here is our outage. A process that tells anything
    later was not gone, and then this says nothing."""

    node: str
    boot: str


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
    """Media of the lecture reaches the member on this connection. `since`: the first evidence's own time; with other
    evidence than before it is the moment from which that holds. `source`: by which way it comes; "webrtc" is a WHEP
    session."""

    member: str
    connection: str
    evidence: Evidence
    since: int
    source: str = "webrtc"


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
    """A member's (or somebody's) attempt to come in, or to receive, did not work; `cause` is a word
    (`attendance.words.failure`), `detail` at most 200 characters."""

    member: str | None
    cause: str
    detail: str = ""


class PageTroubled(msgspec.Struct, tag=True, frozen=True):
    """Something did not work for a member who was in and could receive: no sound before a tap, no camera. `cause` and
    `detail` as in `JoinFailed`."""

    member: str
    cause: str
    detail: str = ""


class AdmittedByCode(msgspec.Struct, tag=True, frozen=True):
    """Given a ticket for the lecture's code, this member's name and the last digits of their number, not by their own
    link: whoever knows these three can come as them."""

    member: str


class StageEntered(msgspec.Struct, tag=True, frozen=True):
    member: str
    slot: str


class StageLeft(msgspec.Struct, tag=True, frozen=True):
    member: str
    slot: str
    last: int


class AppearanceEnded(msgspec.Struct, tag=True, frozen=True):
    """The member was on the stage before everybody, from `since` to `last`. `called_by`: a member or staff id;
    `reconnects`: how often their network was lost in between and came back."""

    member: str
    called_by: str | None
    since: int
    last: int
    reconnects: int


class RuleSet(msgspec.Struct, tag=True, frozen=True):
    """The lecture's rule from here on; versions count from 1, which is the default rule. `by` is a staff id; `why`:
    at most 200 characters, never empty once the lecture has begun."""

    rule: Rule
    version: int
    by: str | None = None
    why: str = ""


class RuleFrozen(msgspec.Struct, tag=True, frozen=True):
    """The lecture began under this rule."""

    rule: Rule
    version: int


class SignInAsked(msgspec.Struct, tag=True, frozen=True):
    """The member was asked to sign in until then; `id` is one of this member's in this lecture. `until` does not hold
    the time by which the window grows while their connection is down."""

    member: str
    id: str
    until: int


class SignInAnswered(msgspec.Struct, tag=True, frozen=True):
    """In time."""

    member: str
    id: str


class MemberExcused(msgspec.Struct, tag=True, frozen=True):
    """The member need not come, or need not have come; a later one replaces it. `by` is a staff id."""

    member: str
    cause: Leave
    by: str | None


class ExcuseWithdrawn(msgspec.Struct, tag=True, frozen=True):
    member: str
    by: str | None


class SiteOpened(msgspec.Struct, tag=True, frozen=True):
    """A place where members watch together on one screen (集中收看) opened, or opened again. `host` is the member who
    answers for it; `by` a member or staff id."""

    site: str
    host: str
    by: str | None


class SiteClosed(msgspec.Struct, tag=True, frozen=True):
    """Everybody who was there left with it."""

    site: str
    last: int
    by: str | None


class SiteScreened(msgspec.Struct, tag=True, frozen=True):
    """The site's screen is that WHEP connection of its host: what it receives is the site's, and nobody's own."""

    site: str
    host: str
    connection: str


class SiteCheckedIn(msgspec.Struct, tag=True, frozen=True):
    """The member is at the site from here on, and at no other one. `by`: who says so, a member or staff id."""

    member: str
    site: str
    how: How
    by: str | None


class SiteCheckedOut(msgspec.Struct, tag=True, frozen=True):
    member: str
    site: str
    last: int
    by: str | None


class SiteCounted(msgspec.Struct, tag=True, frozen=True):
    """The host counted so many people in the room; a later one replaces it."""

    site: str
    heads: Annotated[int, Meta(ge=0, le=100_000)]
    by: str | None


class Corrected(msgspec.Struct, tag=True, frozen=True):
    """An organizer's verdict holds instead of the measured one, which stands beside it; a later one replaces it.
    `credited`: µs that hold instead of the measured ones, None: those stay. `before` and `credited_before`: what held
    until then. The reason is kept under `id` where it can be deleted. `by` is a staff id."""

    member: str
    id: str
    verdict: Verdict
    credited: int | None
    before: Verdict
    credited_before: int | None
    by: str | None


class CorrectionWithdrawn(msgspec.Struct, tag=True, frozen=True):
    """What was measured holds again. `before` and `credited_before`: what held until then."""

    member: str
    before: Verdict
    credited_before: int | None
    by: str | None


Body = (
    NodeStarted
    | NodeStopped
    | NodeLost
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
    | PageTroubled
    | AdmittedByCode
    | StageEntered
    | StageLeft
    | AppearanceEnded
    | RuleSet
    | RuleFrozen
    | SignInAsked
    | SignInAnswered
    | MemberExcused
    | ExcuseWithdrawn
    | SiteOpened
    | SiteClosed
    | SiteScreened
    | SiteCheckedIn
    | SiteCheckedOut
    | SiteCounted
    | Corrected
    | CorrectionWithdrawn
)


class Fact(msgspec.Struct, frozen=True):
    """One row of the ledger. `(node, boot, counter)` is its id: a repeated delivery is stored once."""

    lecture: str
    node: str
    boot: str
    counter: int
    happened: int
    body: Body
