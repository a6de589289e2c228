"""Joins the relay's core with the port, DTLS and SRTP; has no loop of its own.

Each datagram becomes at most one input; every action of an input is performed before the next input is fed. A datagram
of an unknown address costs a look-up (or one attempt at STUN) and leaves nothing behind. Packets for audiences wait in
the schedule until `send_slice`.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable
from typing import Any, Protocol

import msgspec

from signaling.control import ClosePeer, Closing, Load, ToRelay, ToWeb
from signaling.io.dtls_pyopenssl import DtlsIdentity, DtlsTransport, HandshakeState
from signaling.io.port_udp import Content, UdpPort, content_of
from signaling.io.srtp_pylibsrtp import InboundSrtp
from signaling.ports import Address, Fanout
from signaling.relay.actions import (
    Action,
    BeginHandshake,
    Commanded,
    Forget,
    Forward,
    Input,
    Move,
    PeerEnded,
    Resend,
    RtcpArrived,
    RtpArrived,
    Secured,
    SendDatagram,
    SendRtcp,
    StunArrived,
    Tell,
    Tick,
)
from signaling.relay.schedule import Schedule

TRIALS_PER_SECOND = 2_000  # attempts to find whose an SRTCP packet from a new address is: about 1 % of a core
TRIALS_AT_ONCE = 4_000
COPIES = 2  # of each packet that is sent again

_log = logging.getLogger(__name__)


class Core(Protocol):
    """What the shell asks of `relay.Relay`."""

    def receive(self, one: Input, now: float) -> list[Action]: ...

    def peer_at(self, address: Address) -> str | None: ...


class _Transport:
    """One peer's DTLS, and after it its SRTP: `inbound` here, outbound in the fan-out under `index`."""

    __slots__ = ("address", "dtls", "inbound", "index", "peer")

    def __init__(self, peer: str, address: Address, dtls: DtlsTransport) -> None:
        self.peer = peer
        self.address = address
        self.dtls = dtls
        self.inbound: InboundSrtp | None = None
        self.index: int | None = None


class Shell:
    """`tell` passes a message to the web process; `cpu_seconds` is this process's CPU time, for `Load`."""

    def __init__(
        self,
        core: Core,
        schedule: Schedule,
        port: UdpPort,
        fanout: Fanout,
        identity: DtlsIdentity,
        tell: Callable[[ToWeb], None],
        cpu_seconds: Callable[[], float],
    ) -> None:
        self._core = core
        self._schedule = schedule
        self._port = port
        self._fanout = fanout
        self._identity = identity
        self._tell = tell
        self._cpu_seconds = cpu_seconds
        self._transports: dict[str, _Transport] = {}
        self._handshaking: set[str] = set()
        self._inputs: deque[Input] = deque()
        self._feeding = False
        self._trials = float(TRIALS_AT_ONCE)
        self._trials_at = 0.0
        self.not_taken = 0  # packets that the kernel refused
        self._arrivals: dict[Content, Callable[[bytes, Address, float], None]] = {
            Content.STUN: self._stun,
            Content.DTLS: self._dtls,
            Content.RTP: self._rtp,
            Content.RTCP: self._rtcp,
        }
        self._performers: dict[type, Callable[[Any, float], None]] = {
            SendDatagram: self._send_datagram,
            BeginHandshake: self._begin_handshake,
            Move: self._move,
            Forward: self._schedule.put,
            Resend: self._resend,
            SendRtcp: self._send_rtcp,
            Forget: self._forget,
            Tell: self._tell_web,
        }

    # --- inputs ------------------------------------------------------------------------------------------------------

    def datagram(self, data: bytes, source: Address, now: float) -> None:
        arrival = self._arrivals.get(content_of(data))
        if arrival is not None:
            arrival(data, source, now)

    def command(self, message: ToRelay, now: float) -> None:
        self._feed(Commanded(message), now)

    def tick(self, now: float) -> None:
        for peer in tuple(self._handshaking):
            transport = self._transports[peer]
            transport.dtls.tick(now)
            self._after_dtls(transport, now)
        self._feed(Tick(), now)

    def send_slice(self, most: int) -> bool:
        """Send the schedule's next slice of at most `most` datagrams; False when nothing waits."""
        found = self._schedule.take(most)
        if found is None:
            return False
        taken = self._fanout.send(found.packets, found.viewers)
        self.not_taken += len(found.packets) * len(found.viewers) - taken
        return True

    def shut_down(self, now: float) -> None:
        """Close every peer, so that players learn of it at once and the web process of each peer's end."""
        for peer in tuple(self._transports):
            self.command(ClosePeer(peer=peer, reason=Closing.SHUTDOWN), now)

    def _feed(self, one: Input, now: float) -> None:
        """Performing an action may bring about another input (a handshake that fails): that one waits its turn."""
        self._inputs.append(one)
        if self._feeding:
            return
        self._feeding = True
        try:
            while self._inputs:
                for action in self._core.receive(self._inputs.popleft(), now):
                    self._performers[type(action)](action, now)
        finally:
            self._feeding = False
            self._inputs.clear()

    # --- datagrams ---------------------------------------------------------------------------------------------------

    def _at(self, source: Address) -> _Transport | None:
        peer = self._core.peer_at(source)
        return None if peer is None else self._transports.get(peer)

    def _stun(self, data: bytes, source: Address, now: float) -> None:
        self._feed(StunArrived(data, source), now)

    def _dtls(self, data: bytes, source: Address, now: float) -> None:
        transport = self._at(source)
        if transport is not None:
            transport.dtls.receive(data, now)
            self._after_dtls(transport, now)

    def _rtp(self, data: bytes, source: Address, now: float) -> None:
        transport = self._at(source)
        if transport is None or transport.inbound is None:
            return
        packet = transport.inbound.rtp(data)
        if packet is not None:
            self._feed(RtpArrived(transport.peer, packet), now)

    def _rtcp(self, data: bytes, source: Address, now: float) -> None:
        transport = self._at(source)
        if transport is None:
            self._rtcp_from_elsewhere(data, source, now)
        elif transport.inbound is not None:
            packet = transport.inbound.rtcp(data)
            if packet is not None:
                self._feed(RtcpArrived(transport.peer, packet, source), now)

    def _rtcp_from_elsewhere(self, data: bytes, source: Address, now: float) -> None:
        """A peer whose address changed may send SRTCP before its next check. Nothing in the packet says whose it is
        (browsers that only watch all use SSRC 1), so each context is tried; a budget bounds what forgers can cost."""
        self._trials = min(TRIALS_AT_ONCE, self._trials + (now - self._trials_at) * TRIALS_PER_SECOND)
        self._trials_at = now
        for transport in self._transports.values():
            if transport.inbound is None:
                continue
            if self._trials < 1:
                return
            self._trials -= 1
            packet = transport.inbound.rtcp(data)
            if packet is not None:
                self._feed(RtcpArrived(transport.peer, packet, source), now)
                return

    # --- DTLS --------------------------------------------------------------------------------------------------------

    def _after_dtls(self, transport: _Transport, now: float) -> None:
        self._flush(transport)
        dtls = transport.dtls
        if dtls.state is HandshakeState.HANDSHAKING:
            return
        self._handshaking.discard(transport.peer)
        if dtls.state is HandshakeState.CONNECTED:
            if transport.inbound is None and dtls.receiving is not None and dtls.sending is not None:
                transport.inbound = InboundSrtp(dtls.receiving)
                transport.index = self._fanout.add(dtls.sending, transport.address)
                self._feed(Secured(transport.peer, transport.index), now)
        elif dtls.state is HandshakeState.FAILED:
            _log.warning("DTLS with %s failed: %s", transport.peer, dtls.detail)
            self._feed(PeerEnded(transport.peer, Closing.HANDSHAKE, dtls.detail), now)
        else:
            self._feed(PeerEnded(transport.peer, Closing.CLOSED), now)

    def _flush(self, transport: _Transport) -> None:
        for datagram in transport.dtls.take():
            self._port.send(datagram, transport.address)

    # --- actions -----------------------------------------------------------------------------------------------------

    def _send_datagram(self, action: SendDatagram, now: float) -> None:
        self._port.send(action.data, action.destination)

    def _begin_handshake(self, action: BeginHandshake, now: float) -> None:
        if action.peer in self._transports:
            return
        dtls = self._identity.connect(action.setup, action.fingerprints, now)
        transport = self._transports[action.peer] = _Transport(action.peer, action.address, dtls)
        self._handshaking.add(action.peer)
        self._flush(transport)

    def _move(self, action: Move, now: float) -> None:
        transport = self._transports.get(action.peer)
        if transport is not None:
            transport.address = action.address
            if transport.index is not None:
                self._fanout.move(transport.index, action.address)

    def _resend(self, action: Resend, now: float) -> None:
        """Twice: who lost the packet is as likely to lose this one, and some players (aiortc) ask only once. It costs a
        viewer's share of loss once more; SRTP drops the second copy."""
        packets = action.packets * COPIES
        self.not_taken += len(packets) - self._fanout.send(packets, (action.viewer,))

    def _send_rtcp(self, action: SendRtcp, now: float) -> None:
        transport = self._transports.get(action.peer)
        if transport is not None and transport.index is not None:
            self._fanout.send_rtcp(action.packet, transport.index)

    def _forget(self, action: Forget, now: float) -> None:
        transport = self._transports.pop(action.peer, None)
        if transport is None:
            return
        self._handshaking.discard(action.peer)
        transport.dtls.close()
        self._flush(transport)
        if transport.index is not None:
            self._fanout.remove(transport.index)

    def _tell_web(self, action: Tell, now: float) -> None:
        message = action.message
        if isinstance(message, Load):
            dropped = {**message.dropped, "not-taken": self.not_taken} if self.not_taken else message.dropped
            message = msgspec.structs.replace(message, cpu_seconds=self._cpu_seconds(), dropped=dropped)
        self._tell(message)
