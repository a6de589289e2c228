"""Who is known, by id, by ufrag and by address."""

from __future__ import annotations

import enum
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Protocol

from signaling.ports import Address
from signaling.relay.consent import Consent
from signaling.session.offer import Fingerprint, Setup


class State(enum.Enum):
    OPENED = "opened"  # answered; nothing heard yet
    SECURING = "securing"  # a check passed: the DTLS handshake is under way
    CONNECTED = "connected"  # SRTP contexts exist
    CLOSED = "closed"


TRANSITIONS: dict[State, frozenset[State]] = {
    State.OPENED: frozenset({State.SECURING, State.CLOSED}),
    State.SECURING: frozenset({State.CONNECTED, State.CLOSED}),
    State.CONNECTED: frozenset({State.CLOSED}),
    State.CLOSED: frozenset(),
}


@dataclass(slots=True)
class Check:
    """Our own check of an address that a peer was heard from. Until it is answered at most three times the bytes
    received from there are sent there."""

    address: Address
    transaction: bytes
    received: int
    sent: int
    tries: int
    again: float


@dataclass(slots=True, eq=False)
class Peer:
    """One ICE and DTLS association. `last`: when anything authenticated was last received from it."""

    id: str
    lecture: str
    member: str
    ufrag: str
    pwd: str
    remote_ufrag: str
    remote_pwd: str
    setup: Setup  # our role
    fingerprints: tuple[Fingerprint, ...]
    last: float
    state: State = State.OPENED
    address: Address | None = None  # where everything is sent
    heard: float = 0.0  # when anything authenticated last came from that address
    known: deque[Address] = field(default_factory=deque)  # the last addresses that it was heard from, `address` among
    check: Check | None = None
    consent: Consent | None = None  # for requests from the address that was settled last

    def become(self, state: State) -> bool:
        """Change state where the table allows it; returns whether it did."""
        if state not in TRANSITIONS[self.state]:
            return False
        self.state = state
        return True

    def answer(self, request: bytes) -> bytes | None:
        """The response to the request that a peer repeats from its address, None for everything else."""
        if self.address is None:
            return None
        if self.consent is None or self.consent.address != self.address:
            self.consent = Consent(f"{self.ufrag}:{self.remote_ufrag}", self.pwd, self.address)
        return self.consent.answer(request)


MOST_ADDRESSES = 4  # of one peer: a phone has Wi-Fi and mobile, each with IPv4 and IPv6


class AllowList(Protocol):
    """What the reader of the port is told, so that it can turn strangers away before anything is made of their
    datagrams. Adding again replaces; removing what is not there does nothing."""

    def add_name(self, ufrag: str) -> None:
        """Requests may name this ufrag of ours."""

    def remove_name(self, ufrag: str) -> None: ...

    def add_address(self, address: Address, peer: str) -> None:
        """DTLS and SRTP from this address is that peer's."""

    def remove_address(self, address: Address) -> None: ...

    def add_check(self, transaction: bytes) -> None:
        """The answer to a check of ours with this transaction (12 bytes) is awaited."""

    def remove_check(self, transaction: bytes) -> None: ...


class Unfiltered:
    """An `AllowList` that nobody reads."""

    def add_name(self, ufrag: str) -> None:
        return

    def remove_name(self, ufrag: str) -> None:
        return

    def add_address(self, address: Address, peer: str) -> None:
        return

    def remove_address(self, address: Address) -> None:
        return

    def add_check(self, transaction: bytes) -> None:
        return

    def remove_check(self, transaction: bytes) -> None:
        return


class Peers:
    """Lookups in constant time. An address belongs to at most one peer. `allowed` is told of every change."""

    def __init__(self, allowed: AllowList | None = None) -> None:
        self.allowed: AllowList = allowed if allowed is not None else Unfiltered()
        self._by_id: dict[str, Peer] = {}
        self._by_ufrag: dict[str, Peer] = {}
        self._by_address: dict[Address, Peer] = {}

    def __len__(self) -> int:
        return len(self._by_id)

    def __iter__(self) -> Iterator[Peer]:
        return iter(self._by_id.values())

    def add(self, peer: Peer) -> None:
        self._by_id[peer.id] = peer
        self._by_ufrag[peer.ufrag] = peer
        self.allowed.add_name(peer.ufrag)

    def remove(self, peer: Peer) -> None:
        self._by_id.pop(peer.id, None)
        if self._by_ufrag.pop(peer.ufrag, None) is not None:
            self.allowed.remove_name(peer.ufrag)
        for address in peer.known:
            self._leave(peer, address)

    def named(self, peer: str) -> Peer | None:
        return self._by_id.get(peer)

    def with_ufrag(self, ufrag: str) -> Peer | None:
        return self._by_ufrag.get(ufrag)

    def at(self, address: Address) -> Peer | None:
        return self._by_address.get(address)

    def settle(self, peer: Peer, address: Address) -> None:
        """What comes from this address is this peer's. Its oldest address other than the current one is forgotten
        when there are too many."""
        owner = self._by_address.get(address)
        if owner is not None and owner is not peer:
            owner.known.remove(address)
        if owner is not peer:
            self._by_address[address] = peer
            self.allowed.add_address(address, peer.id)
        if address in peer.known:
            return
        peer.known.append(address)
        while len(peer.known) > MOST_ADDRESSES:
            oldest = next(one for one in peer.known if one not in (peer.address, address))
            peer.known.remove(oldest)
            self._leave(peer, oldest)

    def _leave(self, peer: Peer, address: Address) -> None:
        if self._by_address.get(address) is peer:
            del self._by_address[address]
            self.allowed.remove_address(address)
