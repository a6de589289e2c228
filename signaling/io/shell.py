"""Joins the relay's core with the port, DTLS and SRTP; has no loop of its own.

Each datagram becomes at most one input; every action of an input is performed before the next input is fed. Packets
for audiences wait in the schedule until `send_slice`. What viewers report, and ask for again, waits in a bounded queue
until `listen`; handshakes wait until `work`, piece by piece, and so does the search for whose an SRTCP packet from a
new address is.
"""

from __future__ import annotations

import logging
import math
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol

import msgspec

from signaling.control import ClosePeer, Closing, Load, ToRelay, ToWeb
from signaling.io.dtls_pyopenssl import DtlsIdentity, DtlsTransport, HandshakeState
from signaling.io.intake import Arrival, Intake
from signaling.io.port_udp import Content, UdpPort
from signaling.io.srtp_pylibsrtp import InboundSrtp
from signaling.ports import Address, Fanout
from signaling.relay.actions import (
    Action,
    BeginHandshake,
    Commanded,
    Forget,
    Forward,
    Input,
    Mark,
    Move,
    PeerEnded,
    Resend,
    RtcpArrived,
    RtpArrived,
    Secured,
    SendDatagram,
    SendReport,
    SendRtcp,
    StunArrived,
    Tell,
    Tick,
)
from signaling.relay.quality import COPIES
from signaling.relay.schedule import Schedule

TRIALS_PER_SECOND = 2_000  # attempts to find whose an SRTCP packet from a new address is: about 1 % of a core
TRIALS_AT_ONCE = 4_000
TRIALS = 100  # of one piece of work
MOVED = 16  # SRTCP packets from new addresses that wait for their trials
REPORTS = 8_192  # SRTCP packets of viewers that wait to be listened to; the oldest are lost beyond
HANDSHAKES = 4_096  # datagrams that wait to be handled; more are lost, and DTLS sends them again
HANDSHAKES_EACH = 16  # of one peer

_log = logging.getLogger(__name__)


class Core(Protocol):
    """What the shell asks of `relay.Relay`."""

    def receive(self, one: Input, now: float) -> list[Action]: ...


class _Transport:
    """One peer's DTLS, and after it its SRTP: `inbound` here, outbound in the fan-out under `index`."""

    __slots__ = ("address", "dtls", "inbound", "index", "peer", "publishes", "waiting")

    def __init__(self, peer: str, address: Address, dtls: DtlsTransport) -> None:
        self.peer = peer
        self.address = address
        self.dtls = dtls
        self.inbound: InboundSrtp | None = None
        self.index: int | None = None
        self.publishes = False  # it has sent media
        self.waiting = 0  # its datagrams in the queue of handshakes


class _Moved:
    """An SRTCP packet from an address that is nobody's, and the peers that have not been tried yet."""

    __slots__ = ("data", "source", "untried")

    def __init__(self, data: bytes, source: Address, untried: Iterator[_Transport]) -> None:
        self.data = data
        self.source = source
        self.untried = untried


class Shell:
    """`tell` passes a message to the web process; `cpu_seconds` is this process's CPU time, for `Load`."""

    def __init__(
        self,
        core: Core,
        schedule: Schedule,
        port: UdpPort,
        intake: Intake,
        fanout: Fanout,
        identity: DtlsIdentity,
        tell: Callable[[ToWeb], None],
        cpu_seconds: Callable[[], float],
    ) -> None:
        self._core = core
        self._schedule = schedule
        self._port = port
        self._intake = intake
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
        self._asked = 0  # packets that it refused or may still take: told apart when nothing is under way
        self._reports: deque[tuple[_Transport, Arrival]] = deque(maxlen=REPORTS)
        self._handshakes: deque[tuple[_Transport, bytes]] = deque()
        self._moved: deque[_Moved] = deque()
        self._arrivals: dict[Content, Callable[[Arrival, float], None]] = {
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
            Mark: self._mark,
            SendRtcp: self._send_rtcp,
            SendReport: self._send_report,
            Forget: self._forget,
            Tell: self._tell_web,
        }

    # --- inputs ------------------------------------------------------------------------------------------------------

    def arrived(self, arrival: Arrival, now: float) -> None:
        self._arrivals[arrival.content](arrival, now)

    def command(self, message: ToRelay, now: float) -> None:
        self._feed(Commanded(message), now)

    def tick(self, now: float) -> None:
        for peer in tuple(self._handshaking):
            transport = self._transports[peer]
            if not transport.waiting:  # else its answer is here, and nothing was lost
                transport.dtls.tick(now)
                self._after_dtls(transport, now)
        self._feed(Tick(), now)

    @property
    def due(self) -> float:
        """When something may be sent at the earliest: at once where the kernel had no room for something."""
        return -math.inf if self._fanout.pending else self._schedule.due

    @property
    def reports(self) -> bool:
        """Whether something that viewers sent waits for `listen`."""
        return bool(self._reports)

    def listen(self, now: float) -> None:
        """To the next viewer that sent something."""
        transport, arrival = self._reports.popleft()
        if self._transports.get(transport.peer) is transport:
            self._listen(transport, arrival, now)

    @property
    def works(self) -> bool:
        """Whether `work` has something to do."""
        return bool(self._handshakes or self._moved)

    def work(self, now: float) -> None:
        """One piece of what can wait: less than a millisecond."""
        if self._handshakes:
            self._handshake(*self._handshakes.popleft(), now)
        elif self._moved:
            self._search(self._moved[0], now)

    def send_slice(self, most: int, now: float) -> bool:
        """Send the schedule's next slice of at most `most` datagrams, after what was left of the last. False while the
        kernel has no room."""
        if self._fanout.pending:
            self._asked -= self._fanout.resume()
            if self._fanout.pending:
                return False
        found = self._schedule.take(most, now)
        if found is not None:
            if found.hold:
                self._fanout.hold(found.packets[0], found.viewers, found.offsets)
                self._asked += len(found.viewers)
            else:
                self._fan_out(found.packets, found.viewers, found.offsets)
        return not self._fanout.pending

    def _fan_out(self, packets: Sequence[bytes], viewers: Sequence[int], offsets: Sequence[int]) -> None:
        self._asked += len(packets) * len(viewers) - self._fanout.send(packets, viewers, offsets)
        if not self._fanout.pending and not self._schedule.holding:
            self.not_taken, self._asked = self.not_taken + self._asked, 0

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

    def _stun(self, arrival: Arrival, now: float) -> None:
        self._feed(StunArrived(arrival.data, arrival.source), now)

    def _dtls(self, arrival: Arrival, now: float) -> None:
        transport = self._transports.get(arrival.peer) if arrival.peer is not None else None
        if transport is None or transport.waiting >= HANDSHAKES_EACH or len(self._handshakes) >= HANDSHAKES:
            return
        transport.waiting += 1
        self._handshakes.append((transport, arrival.data))

    def _rtp(self, arrival: Arrival, now: float) -> None:
        transport = self._transports.get(arrival.peer) if arrival.peer is not None else None
        if transport is None or transport.inbound is None:
            return
        packet = transport.inbound.rtp(arrival.data)
        if packet is not None:
            transport.publishes = True
            self._feed(RtpArrived(transport.peer, packet), now)

    def _rtcp(self, arrival: Arrival, now: float) -> None:
        if arrival.peer is None:
            if len(self._moved) < MOVED:
                self._moved.append(_Moved(arrival.data, arrival.source, iter(tuple(self._transports.values()))))
            return
        transport = self._transports.get(arrival.peer)
        if transport is not None and transport.publishes:
            self._listen(transport, arrival, now)  # its clock is told by when this came
        elif transport is not None:
            self._reports.append((transport, arrival))

    def _listen(self, transport: _Transport, arrival: Arrival, now: float) -> None:
        packet = transport.inbound.rtcp(arrival.data) if transport.inbound is not None else None
        if packet is not None:
            self._feed(RtcpArrived(transport.peer, packet, arrival.source), now)

    def _search(self, moved: _Moved, now: float) -> None:
        """A peer whose address changed may send SRTCP before its next check. Nothing in the packet says whose it is
        (browsers that only watch all use SSRC 1), so each context is tried; a budget bounds what forgers can cost."""
        self._trials = min(TRIALS_AT_ONCE, self._trials + (now - self._trials_at) * TRIALS_PER_SECOND)
        self._trials_at = now
        for _ in range(TRIALS):
            transport = next(moved.untried, None)
            if transport is None or self._trials < 1:
                self._moved.popleft()
                return
            if transport.inbound is None:
                continue
            self._trials -= 1
            packet = transport.inbound.rtcp(moved.data)
            if packet is not None:
                self._moved.popleft()
                if self._transports.get(transport.peer) is transport:
                    self._feed(RtcpArrived(transport.peer, packet, moved.source), now)
                return

    # --- DTLS --------------------------------------------------------------------------------------------------------

    def _handshake(self, transport: _Transport, data: bytes, now: float) -> None:
        transport.waiting -= 1
        if self._transports.get(transport.peer) is transport:
            transport.dtls.receive(data, now)
            self._after_dtls(transport, now)

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
        self._schedule.uplink.spend(packets, 1)
        self._fan_out(packets, (action.viewer,), (action.offset,))

    def _mark(self, action: Mark, now: float) -> None:
        self._fanout.mark(action.viewer, action.period, action.mark)

    def _send_rtcp(self, action: SendRtcp, now: float) -> None:
        transport = self._transports.get(action.peer)
        if transport is not None and transport.index is not None:
            self._schedule.uplink.spend((action.packet,), 1)
            self._fanout.send_rtcp(action.packet, (transport.index,))

    def _send_report(self, action: SendReport, now: float) -> None:
        self._schedule.uplink.spend((action.packet,), len(action.viewers))
        self._fanout.send_rtcp(action.packet, action.viewers)

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
            dropped = {**message.dropped, **self._intake.refused}
            if self.not_taken:
                dropped["not-taken"] = self.not_taken
            message = msgspec.structs.replace(message, cpu_seconds=self._cpu_seconds(), dropped=dropped)
        self._tell(message)
