"""ICE-lite on one port (RFC 8445 §2.5, §7.3), and peers that move.

Theory of operation. A binding request that names one of our ufrags and proves its password is answered; the first one
begins the handshake with the address it came from. One from another address, when the peer nominates it or has fallen
silent at its present one, makes us check that address ourselves, with the credentials of the peer's offer: its answer
proves that the peer is there (a source address can be forged by whoever knows the password), and everything moves.
So does one from an address that belongs to another peer. Whatever does not authenticate is answered by nothing and
allocates nothing.
"""

from __future__ import annotations

from random import Random

from signaling.ports import Address
from signaling.relay.actions import Action, BeginHandshake, Move, SendDatagram
from signaling.relay.peers import Check, Peer, Peers, State
from signaling.wire import StunMessage, pack_binding_request, pack_binding_response, parse_stun

FACTOR = 3  # times the bytes received may be sent to an address that has not answered
TRIES = 4
REPEAT = 0.25  # seconds between tries of our check
QUIET = 3.0  # seconds without anything from the present address; browsers check every 2.65 s
PACE = 1.0  # seconds until another address may be checked instead


class Connectivity:
    def __init__(self, peers: Peers, random: Random) -> None:
        self._peers = peers
        self._random = random
        self._tie_breaker = random.getrandbits(64)
        self._checks: dict[bytes, Peer] = {}  # by transaction; at most one for each peer

    def receive(self, data: bytes, source: Address, now: float) -> list[Action]:
        """Raises `ProtocolError`."""
        settled = self._peers.at(source)
        if settled is not None and settled.address == source:
            response = settled.answer(data)
            if response is not None:
                settled.last = settled.heard = now
                return [SendDatagram(response, source)]
        message = parse_stun(data)
        if message.is_request:
            return self._request(message, len(data), source, now)
        if message.is_success:
            return self._answer(message, source, now)
        return []

    def _request(self, message: StunMessage, size: int, source: Address, now: float) -> list[Action]:
        ours, _, theirs = message.username.partition(":")
        peer = self._peers.with_ufrag(ours)
        if peer is None or theirs != peer.remote_ufrag or not message.authentic(peer.pwd):
            return []
        peer.last = now
        response = pack_binding_response(message, source, peer.pwd)
        answer = SendDatagram(response, source)
        if source == peer.address:
            peer.heard = now
            return [answer]
        if self._peers.at(source) is None:
            self._peers.settle(peer, source)
            if peer.become(State.SECURING):
                peer.heard = now
                peer.address = source
                return [answer, BeginHandshake(peer.id, source, peer.setup, peer.fingerprints)]
        under_check = peer.check is not None and peer.check.address == source
        if under_check or message.nominates or peer.address is None or now - peer.heard > QUIET:
            return self._check(peer, source, size, answer, now)
        return [answer]

    def reported(self, peer: Peer, source: Address, size: int, now: float) -> list[Action]:
        """An SRTCP packet of the peer authenticated. From a new address it starts the check as well: browsers send
        these every second, and their own checks only every 2.65 s."""
        peer.last = now
        if source == peer.address:
            peer.heard = now
            return []
        return self._check(peer, source, size, None, now)

    def _check(self, peer: Peer, source: Address, size: int, answer: SendDatagram | None, now: float) -> list[Action]:
        """Check an address, or go on checking it: what arrived from there raises what may be sent there."""
        actions: list[Action] = []
        check = peer.check
        if check is None or (check.address != source and now - check.again > PACE - REPEAT):
            self._drop(peer)
            transaction = self._random.randbytes(12)
            check = peer.check = Check(source, transaction, 0, 0, 0, now)
            self._checks[transaction] = peer
            self._peers.allowed.add_check(transaction)
        if check.address != source:
            return [answer] if answer is not None else []
        check.received += size
        if answer is not None and check.sent + len(answer.data) <= FACTOR * check.received:
            check.sent += len(answer.data)
            actions.append(answer)
        return actions + self._send(peer, check, now)

    def _send(self, peer: Peer, check: Check, now: float) -> list[Action]:
        if now < check.again or check.tries >= TRIES:
            return []
        username = f"{peer.remote_ufrag}:{peer.ufrag}"
        request = pack_binding_request(check.transaction, username, peer.remote_pwd, self._tie_breaker)
        if check.sent + len(request) > FACTOR * check.received:
            return []
        check.sent += len(request)
        check.tries += 1
        check.again = now + REPEAT
        return [SendDatagram(request, check.address)]

    def _answer(self, message: StunMessage, source: Address, now: float) -> list[Action]:
        peer = self._checks.get(message.transaction)
        if peer is None or peer.check is None or peer.check.address != source:
            return []
        if not message.authentic(peer.remote_pwd):
            return []
        self._drop(peer)
        peer.last = peer.heard = now
        first = peer.address is None
        owner = self._peers.at(source)
        if owner is not None and owner is not peer and owner.address == source:
            owner.address = None  # its NAT gave the address to another; its own next check finds it again
        peer.address = source
        self._peers.settle(peer, source)
        if first and peer.become(State.SECURING):
            return [BeginHandshake(peer.id, source, peer.setup, peer.fingerprints)]
        return [Move(peer.id, source)]

    def tick(self, now: float) -> list[Action]:
        """Repeat checks that are due, and give up those that were not answered."""
        actions: list[Action] = []
        for peer in list(self._checks.values()):
            check = peer.check
            if check is not None and check.tries >= TRIES and now >= check.again:
                self._drop(peer)
            elif check is not None:
                actions += self._send(peer, check, now)
                if now - check.again > PACE:  # it may not be sent: too few bytes came from there
                    self._drop(peer)
        return actions

    def forget(self, peer: Peer) -> None:
        self._drop(peer)

    def _drop(self, peer: Peer) -> None:
        if peer.check is not None:
            self._checks.pop(peer.check.transaction, None)
            self._peers.allowed.remove_check(peer.check.transaction)
            peer.check = None
