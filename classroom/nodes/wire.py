"""What nodes say to each other over the bus, msgpack. A lecture's room runs in one process, its *home*; nodes with
members of that lecture are its *edges*.

Each process has one topic, its inbox; every message names its lecture. Another topic holds a lecture's outbox: what its
home said, in order, for the process that takes over. Messages of both directions are numbered, so that who misses one
notices (link.py).
"""

from __future__ import annotations

from typing import Literal

import msgspec

from classroom.room.inputs import Joined, Lagged, Left, LinksReplaced, OrderReplaced, Received
from classroom.room.journal import Journaled
from classroom.room.messages import Close


class Home(msgspec.Struct, frozen=True):
    """The value of a lecture's lease: who its home is. `url`: where pages post WHIP and WHEP."""

    node: str
    boot: str
    fence: int
    url: str


def lease_key(lecture: str) -> str:
    return f"home.{lecture}"


def inbox(node: str, boot: str) -> str:
    return f"inbox.{node}.{boot}"


def outbox(lecture: str) -> str:
    return f"outbox.{lecture}"


# --- to the home ----------------------------------------------------------------------------------------------------

EdgeInput = Joined | Left | Lagged | Received | LinksReplaced | OrderReplaced


class Present(msgspec.Struct, frozen=True):
    """A socket of an edge. `admitted`: the room took it in before, and it has everything up to the edge's `seq`."""

    joined: Joined
    admitted: bool


class Attach(msgspec.Struct, tag=True, frozen=True):
    """Everything that the home must know of an edge. `id` comes back with the answer. `seq`: the last number that its
    admitted sockets were given; `heard`: the last of its inputs that need not be sent again; `reset`: something said to
    single sockets may be lost."""

    lecture: str
    node: str
    boot: str
    fence: int
    id: int
    seq: int
    heard: int
    present: tuple[Present, ...]
    reset: bool = False


class Inputs(msgspec.Struct, tag=True, frozen=True):
    """`first` is the number of the first input; none at all is a sign of life."""

    lecture: str
    node: str
    boot: str
    fence: int
    first: int
    inputs: tuple[EdgeInput, ...]


class Detach(msgspec.Struct, tag=True, frozen=True):
    """No member is left there."""

    lecture: str
    node: str
    boot: str


class Ask(msgspec.Struct, tag=True, frozen=True):
    """A question that the home answers at once."""

    lecture: str
    node: str
    boot: str
    id: str
    what: Literal["start", "end", "roll", "witness"]
    by: str | None = None


# --- to an edge -----------------------------------------------------------------------------------------------------


class Spoken(msgspec.Struct, tag=True, frozen=True):
    """To all sockets: the frames numbered from `after` + 1 to `last`."""

    after: int
    last: int
    frames: tuple[bytes, ...]


class Told(msgspec.Struct, tag=True, frozen=True):
    """To one socket, encoded. `admits`: from here on it is given what is said to all."""

    connection: str
    frames: tuple[bytes, ...]
    admits: bool = False


class Complained(msgspec.Struct, tag=True, frozen=True):
    connection: str
    reason: str
    key: str | None = None


class Dismissed(msgspec.Struct, tag=True, frozen=True):
    connection: str
    code: Close
    reason: str


Item = Spoken | Told | Complained | Dismissed


class Welcome(msgspec.Struct, tag=True, frozen=True):
    """The answer to an `Attach`, by its id. `heard`: the last input that needs not be said again; `seq`:
    parcels go on from there; `anew`: sockets lack something, and each is sent a snapshot before anything else."""

    lecture: str
    fence: int
    id: int
    heard: int
    seq: int
    anew: bool = False


class Unknown(msgspec.Struct, tag=True, frozen=True):
    """Inputs came from an edge that is not attached, or with a hole before them: it shall attach."""

    lecture: str
    fence: int


class Parcel(msgspec.Struct, tag=True, frozen=True):
    """`number` counts what this home sent this edge since it attached, from 1."""

    lecture: str
    fence: int
    number: int
    heard: int
    items: tuple[Item, ...]


class Answer(msgspec.Struct, tag=True, frozen=True):
    """`reason`: why not, a word of the table of sentences."""

    id: str
    body: bytes = b""
    reason: str | None = None


ToHome = Attach | Inputs | Detach | Ask
ToEdge = Welcome | Unknown | Parcel | Answer
Letter = ToHome | ToEdge


class Uttered(msgspec.Struct, frozen=True):
    """One entry of an outbox: the frames, the journal's entries that came with them, and which inputs of which edge
    ("node/boot") were heard before."""

    fence: int
    spoken: Spoken
    kept: tuple[Journaled, ...]
    heard: dict[str, int]


_encoder = msgspec.msgpack.Encoder()
_letters: msgspec.msgpack.Decoder[Letter] = msgspec.msgpack.Decoder(Letter)
_uttered = msgspec.msgpack.Decoder(Uttered)
_homes = msgspec.msgpack.Decoder(Home)


def encode(message: msgspec.Struct) -> bytes:
    return _encoder.encode(message)


def decode_letter(body: bytes) -> Letter:
    """Raises `msgspec.MsgspecError`: a node of another version."""
    return _letters.decode(body)


def decode_uttered(body: bytes) -> Uttered:
    return _uttered.decode(body)


def decode_home(body: bytes) -> Home:
    return _homes.decode(body)
