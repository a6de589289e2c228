"""What the web process and the relay say to each other over their Unix socket.

Frames are a 4-byte big-endian length and one msgpack message of the unions `ToRelay` or `ToWeb`. `request` pairs an
answer with its question. Times (`at`, `last`) are seconds of CLOCK_MONOTONIC, which both processes share on one
machine; the web process alone turns them into wall time.
"""

from __future__ import annotations

import enum
from typing import Literal

import msgspec

from signaling.errors import Refusal
from signaling.session.answer import Answer
from signaling.session.offer import Codec, Offer


class Audience(enum.StrEnum):
    """Who is sent what a publication sends into a slot."""

    NOBODY = "nobody"  # it is off the slot; its ingest goes on
    STAGE = "stage"  # viewers whose grant names the slot `backstage`
    EVERYONE = "everyone"


Level = Literal["full", "reduced", "audio-only"]
"""What a viewer is sent of a picture, beside what there is: the largest that its publisher sends, a smaller one, or
sound alone."""


class Closing(enum.StrEnum):
    """Why a peer ended."""

    DELETED = "deleted"  # DELETE, or the room's wish
    CLOSED = "closed"  # DTLS close_notify
    SILENT = "silent"  # nothing authenticated for 15 s
    HANDSHAKE = "handshake"  # DTLS not done in 10 s, wrong certificate, unsupported curve
    REPLACED = "replaced"  # its own publisher came back
    SHUTDOWN = "shutdown"


# --- web → relay ---------------------------------------------------------------------------------------------------


class OpenPublication(msgspec.Struct, tag=True, frozen=True):
    """Open a WHIP session. An older publication of the same member for the same lecture and slot is closed as REPLACED
    once this one's first packet arrives; routes move over with it. Publications of several members may be open for one
    slot: routes say who of them is shown."""

    request: int
    peer: str
    lecture: str
    member: str
    slot: str
    offer: Offer


class OpenViewer(msgspec.Struct, tag=True, frozen=True):
    """Open a WHEP session. `slots`, in order, are what this viewer's lines show; `backstage` among them puts the
    viewer into the audience STAGE as well."""

    request: int
    peer: str
    lecture: str
    member: str
    slots: tuple[str, ...]
    offer: Offer
    proof: bytes = b""  # the lecture's key of marks (signaling/proof.py)


class ClosePeer(msgspec.Struct, tag=True, frozen=True):
    peer: str
    reason: Closing


class Route(msgspec.Struct, tag=True, frozen=True):
    """Put a publication onto a slot for an audience, at its next key frame, which is asked for at once. `slot=None` and
    NOBODY take it off: nothing of it is sent, and what it sends is still received and reported. What the slot showed
    before stays until that key frame; who is not to be seen in between is taken off first."""

    publication: str
    slot: str | None
    audience: Audience


class ListPeers(msgspec.Struct, tag=True, frozen=True):
    request: int


class ViewerReported(msgspec.Struct, tag=True, frozen=True):
    """What the page of a viewer says of the last seconds: which share of the packets it never had (0 to 1), and for
    how many milliseconds its pictures stood still."""

    peer: str
    lost_share: float
    frozen_ms: int


ToRelay = OpenPublication | OpenViewer | ClosePeer | Route | ListPeers | ViewerReported


# --- relay → web ---------------------------------------------------------------------------------------------------


class Opened(msgspec.Struct, tag=True, frozen=True):
    request: int
    peer: str
    answer: Answer


class NotOpened(msgspec.Struct, tag=True, frozen=True):
    request: int
    peer: str
    reason: Refusal
    detail: str = ""


class OpenPeer(msgspec.Struct, frozen=True):
    peer: str
    lecture: str
    member: str
    publishes: str | None  # the slot it publishes to; None for a viewer
    connected: bool
    receiving: bool  # a viewer has valid reports; a publication's media arrives
    video: Codec | None = None  # a publication's codec, None while only sound flows
    hearing: bool = False  # a viewer's reports say that sound arrives
    levels: dict[str, Level] = {}  # by slot: what a viewer was told that it is sent of it, where that is not "full"


class Peers(msgspec.Struct, tag=True, frozen=True):
    request: int
    peers: tuple[OpenPeer, ...]


class PeerConnected(msgspec.Struct, tag=True, frozen=True):
    """ICE and DTLS are done."""

    peer: str
    at: float


class PeerClosed(msgspec.Struct, tag=True, frozen=True):
    """`last`: when anything authenticated was last received from it."""

    peer: str
    reason: Closing
    at: float
    last: float
    detail: str = ""


class PublicationFlowing(msgspec.Struct, tag=True, frozen=True):
    """The publication's media arrives (again). `video` is its codec, None while only sound flows."""

    peer: str
    at: float
    audio: bool
    video: Codec | None


class PublicationSilent(msgspec.Struct, tag=True, frozen=True):
    """No packet of the publication for 2 s; `last` is when the last one came."""

    peer: str
    at: float
    last: float


class ViewerReceiving(msgspec.Struct, tag=True, frozen=True):
    """The first valid report of new media, or the first again after `ViewerStalled`.

    Valid: it answers a sender report that we sent to this peer, and its highest number lies within what was sent and
    has advanced."""

    peer: str
    at: float


class ViewerHearing(msgspec.Struct, tag=True, frozen=True):
    """Whether its reports say that sound arrives, when that changes. (A viewer that stalled hears nothing either.)"""

    peer: str
    at: float
    hearing: bool


class AudienceSilent(msgspec.Struct, tag=True, frozen=True):
    """Sooner than any `ViewerStalled`: most viewers of a lecture that are sent pictures, or all, have at once not
    reported for two seconds. So it is not they. `receiving`: how many do report; `silent` False: most do again."""

    lecture: str
    at: float
    silent: bool
    receiving: int


class ViewerStalled(msgspec.Struct, tag=True, frozen=True):
    """No valid report for 5 s, or the peer closed; `last` is when the last valid report came (the evidence's end)."""

    peer: str
    at: float
    last: float


class ViewerLacksCodec(msgspec.Struct, tag=True, frozen=True):
    """A slot now carries a codec that this viewer's offer did not hold: it sees no picture there."""

    peer: str
    slot: str
    codec: Codec


class ViewerQuality(msgspec.Struct, tag=True, frozen=True):
    """What a viewer is sent of a slot from now on, because of its way. Told when that changes, also because the
    publisher sends more or less than before."""

    peer: str
    slot: str
    level: Level
    at: float


class PublisherTrouble(msgspec.Struct, tag=True, frozen=True):
    """Something the publisher should mend, by name: "b-frames", "no-key-frames"."""

    peer: str
    trouble: str


class Load(msgspec.Struct, tag=True, frozen=True):
    """Once a second, also a sign of life."""

    at: float
    publications: int
    viewers: int
    packets_in: int  # counters since start
    packets_out: int
    bytes_out: int
    dropped: dict[str, int]  # by reason
    cpu_seconds: float
    uplink_used: int = 0  # bits a second, as they are on the link
    uplink_limit: int = 0  # 0: none is set


ToWeb = (
    Opened
    | NotOpened
    | Peers
    | PeerConnected
    | PeerClosed
    | PublicationFlowing
    | PublicationSilent
    | ViewerReceiving
    | ViewerHearing
    | AudienceSilent
    | ViewerStalled
    | ViewerLacksCodec
    | ViewerQuality
    | PublisherTrouble
    | Load
)

Event = (
    PeerConnected
    | PeerClosed
    | PublicationFlowing
    | PublicationSilent
    | ViewerReceiving
    | ViewerHearing
    | AudienceSilent
    | ViewerStalled
    | ViewerLacksCodec
    | ViewerQuality
    | PublisherTrouble
    | Load
)
