"""What goes into the relay's core and what comes out: no sockets, no DTLS, no SRTP on this side.

The shell (`io/shell.py`) decrypts and feeds inputs with `now`, and performs every action before it feeds the
next input. Peers are named by the id that the web process gave them; addresses are (host, port).
"""

from __future__ import annotations

from array import array

import msgspec

from signaling.control import Closing, ToRelay, ToWeb
from signaling.ports import Address
from signaling.session.offer import Fingerprint, Setup

# --- inputs ---------------------------------------------------------------------------------------------------------


class StunArrived(msgspec.Struct, frozen=True):
    """A datagram whose first byte says STUN (RFC 7983). Not authenticated yet."""

    data: bytes
    source: Address


class Secured(msgspec.Struct, frozen=True):
    """The peer's DTLS handshake is done and its SRTP contexts exist; a viewer's fan-out index is set."""

    peer: str
    viewer: int | None


class RtpArrived(msgspec.Struct, frozen=True):
    """An RTP packet of a publisher, authenticated and decrypted."""

    peer: str
    packet: bytes


class RtcpArrived(msgspec.Struct, frozen=True):
    """A compound RTCP packet, authenticated and decrypted, and the address that it came from."""

    peer: str
    packet: bytes
    source: Address


class PeerEnded(msgspec.Struct, frozen=True):
    """The shell's own reasons: close_notify, or a handshake that failed."""

    peer: str
    reason: Closing
    detail: str = ""


class Tick(msgspec.Struct, frozen=True):
    """Time passed; at least every 20 ms."""


class Commanded(msgspec.Struct, frozen=True):
    """A message of the web process."""

    message: ToRelay


Input = StunArrived | Secured | RtpArrived | RtcpArrived | PeerEnded | Tick | Commanded

# --- actions --------------------------------------------------------------------------------------------------------


class Viewers:
    """A set of fan-out indexes, each with an offset of its own, in contiguous arrays; add and remove in constant time.

    The packet path reads `indexes` and `offsets` (int32, parallel) as they are. `changes` counts every add and remove:
    who kept a copy sees by it that the copy is old, and asks `held` about each viewer in it.
    """

    __slots__ = ("_places", "_since", "changes", "indexes", "offsets")

    def __init__(self) -> None:
        self.indexes: array[int] = array("i")
        self.offsets: array[int] = array("i")
        self.changes = 0
        self._places: dict[int, int] = {}
        self._since: dict[int, int] = {}

    def __len__(self) -> int:
        return len(self.indexes)

    def __contains__(self, viewer: int) -> bool:
        return viewer in self._places

    def add(self, viewer: int, offset: int = 0) -> None:
        """`offset` is added to every number that this viewer is sent."""
        if viewer not in self._places:
            self.changes += 1
            self._since[viewer] = self.changes
            self._places[viewer] = len(self.indexes)
            self.indexes.append(viewer)
            self.offsets.append(offset)

    def remove(self, viewer: int) -> None:
        place = self._places.pop(viewer, None)
        if place is None:
            return
        self.changes += 1
        del self._since[viewer]
        last, offset = self.indexes.pop(), self.offsets.pop()
        if last != viewer:
            self.indexes[place], self.offsets[place] = last, offset
            self._places[last] = place

    def held(self, viewer: int, changes: int) -> bool:
        """Whether this viewer is here now and was here already when `changes` had that value, without a break.

        An index that was given back and used again in between is another viewer."""
        since = self._since.get(viewer)
        return since is not None and since <= changes


class SendDatagram(msgspec.Struct, frozen=True):
    """A STUN message, sent as it is."""

    data: bytes
    destination: Address


class BeginHandshake(msgspec.Struct, frozen=True):
    """ICE has a way to the peer: start DTLS there (`setup` is our role), and check its certificate against these."""

    peer: str
    address: Address
    setup: Setup
    fingerprints: tuple[Fingerprint, ...]


class Move(msgspec.Struct, frozen=True):
    """The peer answered our check from a new address: everything for it goes there from now on."""

    peer: str
    address: Address


class Forward(msgspec.Struct, frozen=True):
    """Prepared packets (plaintext RTP) for an audience. `audio` goes first, always. `stream` is their SSRC: no viewer
    is in two audiences of the same one at a time."""

    packets: tuple[bytes, ...]
    audience: Viewers
    audio: bool
    stream: int


class Resend(msgspec.Struct, frozen=True):
    """Packets sent before, to one viewer again, byte for byte: with the offset that they had then."""

    packets: tuple[bytes, ...]
    viewer: int
    offset: int = 0


class Mark(msgspec.Struct, frozen=True):
    """What stands in this viewer's copy of packets of that period (see signaling/proof.py)."""

    viewer: int
    period: int
    mark: int


class SendRtcp(msgspec.Struct, frozen=True):
    """A compound RTCP packet in the clear; the shell encrypts it for this peer."""

    peer: str
    packet: bytes


class SendReport(msgspec.Struct, frozen=True):
    """A compound RTCP packet in the clear, the same for each of these viewers (by fan-out index)."""

    packet: bytes
    viewers: tuple[int, ...]


class Forget(msgspec.Struct, frozen=True):
    """The peer is gone: close_notify where DTLS stands, free its contexts and its fan-out index."""

    peer: str
    reason: Closing


class Tell(msgspec.Struct, frozen=True):
    """An event or an answer for the web process."""

    message: ToWeb


Action = SendDatagram | BeginHandshake | Move | Forward | Resend | Mark | SendRtcp | SendReport | Forget | Tell
