"""What goes over the channel, as docs/protocol.md §3 says; `web/src/channel/messages.ts` is generated from here.

Client messages are bounded and refuse unknown fields, so that what decodes is within every limit. Room messages carry
`seq`. Times are aware UTC with milliseconds; durations are milliseconds where the name ends in `_ms`. What is said in a
room is in `messages_talk`, what goes on on the stage in `messages_stage`; here is the rest, and the unions of all.
"""

from __future__ import annotations

import datetime
import enum
from collections.abc import Iterable
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from attendance.facts import LectureState
from classroom.errors import ProtocolError
from classroom.room.messages_stage import StageChanged, StageMessage, StageTold
from classroom.room.messages_talk import Chat, Pinned, Poll, Question, TalkBroadcast, TalkMessage, TalkRules, TalkTold
from signaling.session.offer import Codec

VERSION: Final = 1

Ticket = Annotated[str, Meta(min_length=1, max_length=512)]
Device = Annotated[str, Meta(max_length=64)]
LectureId = Annotated[str, Meta(min_length=1, max_length=64)]
Detail = Annotated[str, Meta(max_length=200)]
Sequence = Annotated[int, Meta(ge=0, le=2**53 - 1)]
Share = Annotated[float, Meta(ge=0, le=1)]
Rate = Annotated[float, Meta(ge=0, le=1000)]
Session = Annotated[str, Meta(min_length=1, max_length=64)]
Mark = Annotated[int, Meta(ge=0, le=2**32 - 1)]
Frozen = Annotated[int, Meta(ge=0, le=60_000)]
Milliseconds = Annotated[float, Meta(ge=0, le=600_000)]


class Page(enum.StrEnum):
    ROOM = "room"
    STUDIO = "studio"
    CONSOLE = "console"


class Cause(enum.StrEnum):
    """What a page found not to work."""

    NO_MEDIA = "no-media"
    NO_UDP = "no-udp"
    AUTOPLAY = "autoplay"
    NO_CODEC = "no-codec"
    NO_WEBRTC = "no-webrtc"
    CAMERA_REFUSED = "camera-refused"
    OTHER = "other"


WHILE_IN = frozenset({Cause.AUTOPLAY, Cause.CAMERA_REFUSED})
"""What troubles a page whose member is in: media arrives all the same."""


class SlotState(enum.StrEnum):
    EMPTY = "empty"
    EXPECTED = "expected"  # a publisher is there, its media is not (yet) shown
    STAGE = "stage"  # its media flows, and only those of the stage are sent it: a rehearsal, or the host's talkback
    LIVE = "live"
    LOST = "lost"  # it was live and its media stopped: the page covers the last frame


class NotCounting(enum.StrEnum):
    """Why a member's minutes do not grow now."""

    NOT_STARTED = "not-started"
    NO_MEDIA = "no-media"
    INTERRUPTED = "interrupted"
    ENDED = "ended"
    NOT_MEMBER = "not-member"


class Level(enum.StrEnum):
    """What a viewer is sent of a slot, because of its way."""

    FULL = "full"
    REDUCED = "reduced"  # a smaller picture
    AUDIO_ONLY = "audio-only"


class Close(enum.IntEnum):
    """WebSocket close codes of the channel."""

    RESTARTING = 1012
    PROTOCOL = 4400
    TICKET = 4401
    BARRED = 4403
    NO_LECTURE = 4404
    NO_HELLO = 4408
    TOO_MANY_DEVICES = 4409
    LECTURE_OVER = 4410
    TOO_SLOW = 4413
    TOO_MANY_TRIES = 4429


# --- client → server ------------------------------------------------------------------------------------------------


class Hello(msgspec.Struct, tag="hello", tag_field="type", frozen=True, forbid_unknown_fields=True):
    """First on every socket. `last` is the highest `seq` seen, absent at first. Staff in the console send no `ticket`:
    their session's cookie came with the socket, and `lecture` says which room; their page is the console, and nobody
    else's is."""

    ticket: Ticket | None = None
    lecture: LectureId | None = None
    last: Sequence | None = None
    version: Literal[1] = VERSION
    page: Page = Page.ROOM
    device: Device = ""

    def __post_init__(self) -> None:
        if (self.ticket is None) == (self.lecture is None):
            raise ValueError("either a ticket or a lecture")
        if (self.page is Page.CONSOLE) != (self.ticket is None):
            raise ValueError("the console has no ticket, every other page has one")


class Proof(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Marks (`signaling/proof.py`) that the packets of one WHEP session carried: contributing sources, as read."""

    session: Session
    marks: Annotated[tuple[Mark, ...], Meta(max_length=16)]


class Heartbeat(msgspec.Struct, tag="heartbeat", tag_field="type", frozen=True, forbid_unknown_fields=True):
    visible: bool
    playing: bool
    proofs: Annotated[tuple[Proof, ...], Meta(max_length=4)] = ()


class Quality(msgspec.Struct, tag="quality", tag_field="type", frozen=True, forbid_unknown_fields=True):
    """`freezes` since the last such message; `loss` from 0 to 1."""

    fps: Rate | None = None
    freezes: Annotated[int, Meta(ge=0, le=100_000)] | None = None
    loss: Share | None = None
    delay_ms: Milliseconds | None = None
    rtt_ms: Milliseconds | None = None


class Trouble(msgspec.Struct, tag="trouble", tag_field="type", frozen=True, forbid_unknown_fields=True):
    cause: Cause
    detail: Detail = ""


class Reception(msgspec.Struct, tag="reception", tag_field="type", frozen=True, forbid_unknown_fields=True):
    """What arrived since the last such message: the share of packets that never came, and for how long pictures stood
    still. `session` is the last part of the WHEP session's address."""

    session: Session
    lost: Share
    frozen_ms: Frozen


class Command(msgspec.Struct, tag="lecture", tag_field="type", frozen=True, forbid_unknown_fields=True):
    action: Literal["start", "end"]


ClientMessage = Hello | Heartbeat | Quality | Reception | Trouble | Command | TalkMessage | StageMessage

# --- server → client ------------------------------------------------------------------------------------------------


class You(msgspec.Struct, frozen=True):
    id: str
    name: str
    branch: str
    role: str
    connection: str


class LectureView(msgspec.Struct, frozen=True):
    """`since`: when this state began; None where it never changed."""

    id: str
    title: str
    state: LectureState
    starts: datetime.datetime | None
    ends: datetime.datetime | None
    since: datetime.datetime | None


class SlotView(msgspec.Struct, frozen=True):
    """`video` is the codec shown, None while only sound flows or nothing does."""

    slot: str
    state: SlotState
    name: str | None = None
    branch: str | None = None
    member: str | None = None
    video: Codec | None = None


class Snapshot(msgspec.Struct, tag="snapshot", tag_field="type", frozen=True):
    seq: int
    version: int
    you: You
    lecture: LectureView
    slots: tuple[SlotView, ...]
    count: int
    chat: tuple[Chat, ...]
    """The last lines. `seq` is 0 where they are older than this room's count; they are in order all the same."""
    deleted: tuple[str, ...]
    """Lines deleted lately, which a page that was away may still show."""
    pinned: Pinned
    rules: TalkRules
    questions: tuple[Question, ...]
    """Published and answered ones, oldest first."""
    polls: tuple[Poll, ...]
    stage: StageChanged
    whip: str
    whep: str
    now: datetime.datetime


class Resumed(msgspec.Struct, tag="resumed", tag_field="type", frozen=True):
    """Instead of a snapshot: what was missed follows. `seq` is the room's last."""

    seq: int
    connection: str
    count: int


class Presence(msgspec.Struct, tag="presence", tag_field="type", frozen=True):
    seq: int
    count: int


class LectureChanged(msgspec.Struct, tag="lecture", tag_field="type", frozen=True):
    seq: int
    state: LectureState
    since: datetime.datetime
    cause: str


class SlotChanged(msgspec.Struct, tag="slot", tag_field="type", frozen=True):
    seq: int
    slot: str
    state: SlotState
    name: str | None
    branch: str | None
    member: str | None
    video: Codec | None


class RelayRestarted(msgspec.Struct, tag="relay-restarted", tag_field="type", frozen=True):
    """Every WHIP and WHEP session from before is gone: post a new offer now, with jitter, and wait for no time-out."""

    seq: int


class HomeMoved(msgspec.Struct, tag="home", tag_field="type", frozen=True):
    """Another node runs the room from here on. Every WHIP and WHEP session from before is gone, as after
    `relay-restarted`; the next offer goes to these addresses."""

    seq: int
    whip: str
    whep: str


class Notice(msgspec.Struct, tag="notice", tag_field="type", frozen=True):
    """This node has lost, or found again, the way to the rest of the room. Meanwhile nothing new is heard here, and
    what is said here waits."""

    kind: Literal["bus-away", "bus-back"]


class Counted(msgspec.Struct, tag="counted", tag_field="type", frozen=True):
    """To one member. `counted_ms` is credited so far; `since` is when this state began."""

    receiving: bool
    counted_ms: int
    since: datetime.datetime | None
    reason: NotCounting | None


class PictureLevel(msgspec.Struct, tag="picture", tag_field="type", frozen=True):
    """To the pages of one member: what the WHEP session `session` is sent of a slot from now on."""

    session: str
    slot: str
    level: Level


class County(msgspec.Struct, frozen=True):
    """One branch right below the root (for an organizer: right below their own), and all below it. `branch`: its name;
    "" are those in no branch below."""

    branch: str
    invited: int
    connected: int
    receiving: int
    missing: int
    excused: int = 0


class AudienceSeen(msgspec.Struct, tag="audience", tag_field="type", frozen=True):
    """To lecturer, host, guests and console; to an organizer, of their branch alone. `trouble`: members who reported
    trouble in the last minute; of the invited who are neither connected nor receiving, `excused` have leave and
    `missing` have none. `counties` in the order of their names. `hearing`: of those who receive, whom sound reaches.
    `silent`: most who received, or all, have not for two seconds; `receiving` is then how many still do."""

    connected: int
    receiving: int
    invited: int
    trouble: int
    missing: int
    counties: tuple[County, ...] = ()
    excused: int = 0
    hearing: int = 0
    silent: bool = False


class Problem(msgspec.Struct, tag="error", tag_field="type", frozen=True):
    """`key`: of the message that was refused, where it had one."""

    reason: str
    text: str
    fatal: bool
    key: str | None = None


RoomMessage = Presence | LectureChanged | SlotChanged | RelayRestarted | HomeMoved | StageChanged | TalkBroadcast
"""Those with `seq`, which everybody in the room gets."""

ToldMessage = Snapshot | Resumed | Counted | PictureLevel | AudienceSeen | Notice | TalkTold | StageTold
"""To one socket, without a number."""

SingleMessage = ToldMessage | RoomMessage | Problem


class Batch(msgspec.Struct, tag="batch", tag_field="type", frozen=True):
    messages: tuple[SingleMessage, ...]


ServerMessage = SingleMessage | Batch

_decoder = msgspec.json.Decoder(ClientMessage)
_encoder = msgspec.json.Encoder()


def decode(frame: str | bytes) -> ClientMessage:
    """One client frame. Raises `ProtocolError` for whatever is not exactly one bounded client message."""
    try:
        message: ClientMessage = _decoder.decode(frame)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise ProtocolError(str(error)[:200]) from error
    return message


def encode(message: ServerMessage) -> bytes:
    return _encoder.encode(message)


def batch(encoded: Iterable[bytes]) -> bytes:
    """One frame of messages that are encoded already; a single one goes as it is."""
    frames = list(encoded)
    if len(frames) == 1:
        return frames[0]
    return b'{"type":"batch","messages":[' + b",".join(frames) + b"]}"


def moment(microseconds: int) -> datetime.datetime:
    """Microseconds since the epoch as the wire's time: aware, UTC, cut to milliseconds."""
    seconds, rest = divmod(microseconds, 1_000_000)
    whole = datetime.datetime.fromtimestamp(seconds, datetime.UTC)
    return whole.replace(microsecond=rest // 1000 * 1000)
