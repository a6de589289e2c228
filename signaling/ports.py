"""Where signaling meets the rest: what it asks of others, and what others ask of it."""

from __future__ import annotations

import enum
from collections.abc import AsyncIterator, Sequence
from typing import Protocol

import msgspec

from signaling.control import Audience, Closing, Event, OpenPeer
from signaling.session.answer import Answer
from signaling.session.offer import Offer


class Act(enum.StrEnum):
    PUBLISH = "publish"
    WATCH = "watch"


class Grant(msgspec.Struct, frozen=True):
    """What a ticket allows. `member` is opaque to signaling.

    PUBLISH: `slots` holds the one slot to publish to. WATCH: every slot the viewer may see, in the order of lines, and
    `proof` is the lecture's key of marks (signaling/proof.py).
    """

    lecture: str
    member: str
    act: Act
    slots: tuple[str, ...]
    proof: bytes = b""


class Admission(Protocol):
    async def admit(self, ticket: str, lecture: str, act: Act, slot: str | None) -> Grant:
        """May this ticket do this? Raises `Refused`."""

    async def opened(self, grant: Grant, peer: str) -> None:
        """The peer of that grant exists now: `peer` appears in the relay's events from here on."""

    async def failed(self, ticket: str, lecture: str, act: Act, cause: str) -> None:
        """An attempt was refused after admission, or before it: kept, for it may excuse a member."""


class Relay(Protocol):
    """The relay as the web process sees it. Every method raises `Refused(RELAY_DOWN)` while there is none."""

    async def open(self, grant: Grant, peer: str, offer: Offer) -> Answer:
        """Raises `Refused` (NO_CODEC, FULL, RELAY_DOWN)."""

    async def close(self, peer: str, reason: Closing) -> None:
        """Returns once it is closed. Raises `Refused` (NO_SESSION, RELAY_DOWN)."""

    def knows(self, peer: str) -> bool:
        """Whether that peer is open, as far as is known here."""

    async def route(self, publication: str, slot: str | None, audience: Audience) -> None: ...

    async def reported(self, peer: str, lost_share: float, frozen_ms: int) -> None:
        """What a viewer's page says of the last seconds (`control.ViewerReported`)."""

    async def peers(self) -> tuple[OpenPeer, ...]: ...

    def events(self) -> AsyncIterator[Event | RelayUp | RelayDown]:
        """Everything the relay tells, in order, for one consumer."""


class RelayUp(msgspec.Struct, tag=True, frozen=True):
    """The control connection stands; `at` in CLOCK_MONOTONIC seconds."""

    at: float


class RelayDown(msgspec.Struct, tag=True, frozen=True):
    """The control connection broke: from now on nobody receives anything, and that is our fault."""

    at: float


class SrtpKeys(msgspec.Struct, frozen=True):
    """Master key and salt of one direction (RFC 3711, RFC 7714), with the DTLS profile's name."""

    profile: str
    key_and_salt: bytes


Address = tuple[str, int]


HOLDS = 8
"""Packets that may be held at a time."""


class Fanout(Protocol):
    """Many packets to many viewers in one call. Viewers are small integers, used again after `remove`.

    A prepared packet has one contributing source (RFC 3550 §5.1: a header of 16 bytes), which names a period. In each
    viewer's copy two things are its own: `offsets` (16 bits count), parallel to `viewers`, are added to the sequence
    number; and the period is replaced by the viewer's mark for it (signaling/proof.py). A packet of a period without a
    mark is not sent to that viewer: only then does the same packet with the same offset always give the same bytes, as
    RFC 3711 needs (one number, one plaintext).
    """

    def add(self, keys: SrtpKeys, address: Address) -> int: ...

    def move(self, viewer: int, address: Address) -> None: ...

    def remove(self, viewer: int) -> None: ...

    def mark(self, viewer: int, period: int, mark: int) -> None:
        """The viewer's mark (32 bits) of a period; the last four periods are kept (`period` modulo four)."""

    def hold(self, packet: bytes, viewers: Sequence[int], offsets: Sequence[int]) -> None:
        """Let a packet wait for whatever is sent to each of these viewers next, and follow it: as the shorter end of
        the same message where it fits there. `send` without packets sends what still waits. At a viewer one packet
        waits at most, and `HOLDS` packets in all: another one takes the place of the oldest, which is not sent to who
        has not had it by then."""

    def send(self, packets: Sequence[bytes], viewers: Sequence[int], offsets: Sequence[int]) -> int:
        """Each viewer is sent the packets, then what waits for it. Returns how many datagrams the kernel took; the
        caller counts the rest as dropped.

        Where the kernel's buffer is full what is left waits (`pending`), to be gone on with by `resume`, or by the next
        `send` before its own: what the kernel then takes counts there. After 20 ms it is dropped. A `send` that comes
        while the buffer is still full does nothing more."""

    @property
    def pending(self) -> bool:
        """Whether datagrams wait for room in the kernel's buffer: read the port, then `resume`."""

    def resume(self) -> int:
        """Go on with what waits; returns how many datagrams the kernel took."""

    def send_rtcp(self, packet: bytes, viewers: Sequence[int]) -> int:
        """A compound RTCP packet in the clear, encrypted for each of these. Returns how many datagrams the kernel took;
        the rest is lost."""
