"""The relay's core with publishers and viewers around it, in memory and in virtual time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from random import Random
from typing import Any, TypeVar

from signaling.control import Audience, Event, NotOpened, Opened, OpenPublication, OpenViewer, Route, ToRelay, ToWeb
from signaling.ports import Address
from signaling.proof import Marks
from signaling.relay.actions import (
    BeginHandshake,
    Commanded,
    Forget,
    Forward,
    Input,
    Mark,
    Move,
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
from signaling.relay.limits import Limits
from signaling.relay.peers import Unfiltered
from signaling.relay.relay import Relay
from signaling.session.answer import Answer
from signaling.session.offer import Codec, Direction, Fingerprint, Setup
from tests.sim.simulated_link import Link, Timeline
from tests.sim.simulated_peers import CHROMIUM, Family, Ice, Publisher, Viewer, offer
from tests.sim.simulated_srtp import Context

FINGERPRINT = Fingerprint("sha-256", ":".join(["00"] * 32))
MEMBER_SLOTS = ("lecturer", "screen", "host", "guest")
E = TypeVar("E")


class Known(Unfiltered):
    """Whose SRTP and DTLS the reader of the port lets in, by address."""

    def __init__(self) -> None:
        self.addresses: dict[Address, str] = {}

    def add_address(self, address: Address, peer: str) -> None:
        self.addresses[address] = peer

    def remove_address(self, address: Address) -> None:
        self.addresses.pop(address, None)


@dataclass
class Connection:
    """A peer as the network sees it: `up` and `down` are its links; the contexts are its SRTP, both ends."""

    peer: str
    ice: Ice
    address: Address  # where it is
    up: Link
    down: Link
    sent_to: Address | None = None  # where the relay sends
    index: int | None = None
    blocked: bool = False
    publisher: Publisher | None = None
    viewer: Viewer | None = None


class Evening:
    def __init__(
        self,
        seed: int = 1,
        loss: float = 0.0,
        duplication: float = 0.0,
        jitter: float = 0.0,
        limits: Limits | None = None,
    ) -> None:
        self.random = Random(seed)
        self.time = Timeline()
        self.known = Known()
        self.relay = Relay(
            FINGERPRINT, (("192.0.2.1", 4000),), Random(seed + 1), limits or Limits(), allowed=self.known
        )
        self.loss, self.duplication, self.jitter = loss, duplication, jitter
        self.connections: dict[str, Connection] = {}
        self.events: list[Event] = []
        self.answers: list[ToWeb] = []
        self.sent_bytes: dict[Address, int] = {}
        self.sending = True
        self.proof = b""
        """The lecture's key of marks."""
        self._contexts: dict[int, tuple[Connection, Context, Context]] = {}
        self._marks: dict[int, Marks] = {}
        self._free: list[int] = []
        self._held: dict[int, tuple[bytes, int]] = {}  # what waits for each viewer, with its offset
        self.held = 0  # packets that waited for what each viewer was sent next
        self._indexes = 0
        self._ports = 10_000
        self._requests = 0
        self._performers: dict[type, Callable[[Any], None]] = {
            SendDatagram: self._send_datagram,
            BeginHandshake: self._handshake,
            Move: self._move,
            Forward: lambda action: self.relay.schedule.put(action, self.time.now),
            Resend: lambda action: self._fan_out(action.packets, [action.viewer], [action.offset]),
            Mark: lambda action: self._marks[action.viewer].put(action.period, action.mark),
            SendRtcp: self._send_rtcp,
            SendReport: self._send_report,
            Forget: self._forget,
            Tell: self._tell,
        }
        self.time.every(0.01, lambda: self.feed(Tick()))

    # --- the shell's part ------------------------------------------------------------------------------------------

    def feed(self, one: Input) -> None:
        for action in self.relay.receive(one, self.time.now):
            self._performers[type(action)](action)
        self.drain()

    def command(self, message: ToRelay) -> None:
        self.feed(Commanded(message))

    def drain(self) -> None:
        while self.sending and (found := self.relay.schedule.take(64, self.time.now)) is not None:
            if found.hold:
                for index, offset in zip(found.viewers, found.offsets, strict=True):
                    assert index not in self._held, "what was held before had not been sent"
                    self._held[index] = found.packets[0], offset
                self.held += 1
            else:
                self._fan_out(found.packets, list(found.viewers), list(found.offsets))

    def _fan_out(self, packets: tuple[bytes, ...], viewers: list[int], offsets: list[int]) -> None:
        for index, offset in zip(viewers, offsets, strict=True):
            if index not in self._contexts:
                assert not packets, "sent to nobody"
                continue
            connection, sender, _ = self._contexts[index]
            copies = [(packet, offset) for packet in packets]
            if index in self._held:
                copies.append(self._held.pop(index))
            for packet, shift in copies:
                own = self._marks[index].own(packet, shift)
                assert own is not None, "sent before its mark was known"
                self._deliver(connection, own, partial(self._arrive, connection, sender.protect(own)))

    def _arrive(self, connection: Connection, key: tuple[int, int], packet: bytes) -> None:
        if connection.index is None or connection.viewer is None:
            return
        if self._contexts[connection.index][2].unprotect(packet, key):
            connection.viewer.receive(packet, self.time.now)

    def _deliver(self, connection: Connection, data: bytes, arrive: Callable[[bytes], None]) -> None:
        if connection.blocked or connection.sent_to != connection.address:
            return
        for delay in connection.down.arrivals():
            self.time.after(delay, lambda: arrive(data))

    def _send_datagram(self, action: SendDatagram) -> None:
        self.sent_bytes[action.destination] = self.sent_bytes.get(action.destination, 0) + len(action.data)
        for connection in self.connections.values():
            if connection.address == action.destination and not connection.blocked:
                for delay in connection.down.arrivals():
                    self.time.after(delay, partial(self._stun, connection, action.data))

    def _stun(self, connection: Connection, data: bytes) -> None:
        reply = connection.ice.receive(data, ("192.0.2.1", 4000))
        if reply is not None:
            self.upward(connection, lambda: self.feed(StunArrived(reply, connection.address)))

    def _handshake(self, action: BeginHandshake) -> None:
        connection = self.connections[action.peer]
        connection.sent_to = action.address
        if connection.viewer is not None:
            connection.index = self._free.pop() if self._free else self._indexes
            self._indexes += connection.index == self._indexes
            self._contexts[connection.index] = (connection, Context(), Context())
            self._marks[connection.index] = Marks()
        self.time.after(0.03, lambda: self.feed(Secured(action.peer, connection.index)))

    def _move(self, action: Move) -> None:
        self.connections[action.peer].sent_to = action.address

    def _send_rtcp(self, action: SendRtcp) -> None:
        connection = self.connections[action.peer]
        player = connection.publisher or connection.viewer
        assert player is not None
        self._deliver(connection, action.packet, lambda packet: player.receive_rtcp(packet, self.time.now))

    def _send_report(self, action: SendReport) -> None:
        for index in action.viewers:
            self._send_rtcp(SendRtcp(self._contexts[index][0].peer, action.packet))

    def _forget(self, action: Forget) -> None:
        connection = self.connections.pop(action.peer)
        if connection.index is not None:
            del self._contexts[connection.index]
            self._held.pop(connection.index, None)
            self._free.append(connection.index)
            connection.index = None

    def _tell(self, action: Tell) -> None:
        if isinstance(action.message, Event):
            self.events.append(action.message)
        else:
            self.answers.append(action.message)

    # --- the peers' part -------------------------------------------------------------------------------------------

    def upward(self, connection: Connection, arrive: Callable[[], None]) -> None:
        if not connection.blocked:
            for delay in connection.up.arrivals():
                self.time.after(delay, arrive)

    def link(self) -> Link:
        return Link(self.random, self.loss, self.duplication, 0.01, self.jitter)

    def address(self) -> Address:
        self._ports += 1
        return ("198.51.100.7", self._ports)

    def _opened(self) -> Answer:
        message = self.answers.pop()
        assert isinstance(message, Opened), message
        return message.answer

    def publish(
        self,
        peer: str,
        slot: str = "lecturer",
        member: str | None = None,
        family: Family = CHROMIUM,
        route: Audience | None = Audience.EVERYONE,
        setup: Setup = Setup.ACTPASS,
        rids: tuple[str, ...] = (),
        kind: type[Publisher] = Publisher,
        **behaviour: Any,
    ) -> Publisher:
        """Open a publication, and begin to send as soon as it is connected."""
        offered = offer(Direction.SENDONLY, family, 1, setup, peer, rids)
        self._requests += 1
        self.command(OpenPublication(self._requests, peer, "lecture", member or peer, slot, offered))
        ice = Ice(offered, self._opened(), self.address(), self.random)
        connection = Connection(peer, ice, ice.address, self.link(), self.link())

        def send(packet: bytes) -> None:
            self.upward(connection, lambda: self.feed(RtpArrived(peer, packet)) if alive() else None)

        def send_rtcp(packet: bytes) -> None:
            self.upward(connection, lambda: self.feed(RtcpArrived(peer, packet, connection.address)))

        def alive() -> bool:
            return self.connections.get(peer) is connection

        publisher = kind(member or peer, send, send_rtcp, **behaviour)
        connection.publisher = publisher
        self.connections[peer] = connection
        self._keep_checking(connection)
        self._while(alive, 1 / 30, lambda: publisher.video(self.time.now), 0.1)
        self._while(alive, 0.02, lambda: publisher.audio(self.time.now), 0.1)
        self._while(alive, 1.0, lambda: publisher.report(self.time.now), 0.2)
        if route is not None:
            self.command(Route(peer, slot, route))
        return publisher

    def watch(
        self,
        peer: str,
        member: str | None = None,
        slots: tuple[str, ...] = MEMBER_SLOTS,
        family: Family = CHROMIUM,
        pairs: int | None = None,
    ) -> Viewer:
        offered = offer(Direction.RECVONLY, family, pairs if pairs is not None else len(slots), name=peer)
        self._requests += 1
        self.command(OpenViewer(self._requests, peer, "lecture", member or peer, slots, offered, self.proof))
        answer = self._opened()
        ice = Ice(offered, answer, self.address(), self.random)
        connection = Connection(peer, ice, ice.address, self.link(), self.link())

        def alive() -> bool:
            return self.connections.get(peer) is connection

        def send_rtcp(packet: bytes) -> None:
            self.upward(
                connection,
                lambda: self.feed(RtcpArrived(peer, packet, connection.address)) if alive() else None,
            )

        viewer = connection.viewer = Viewer(answer, send_rtcp)
        self.connections[peer] = connection
        self._keep_checking(connection)
        self._while(alive, 0.05, lambda: viewer.nack(self.time.now), 0.1)
        self._while(alive, 1.0, lambda: viewer.report(self.time.now), 1.0)
        return viewer

    def _keep_checking(self, connection: Connection) -> None:
        def check() -> None:
            address = connection.address
            data = connection.ice.check()
            self.upward(connection, lambda: self.feed(StunArrived(data, address)))

        for delay in (0.0, 0.06, 0.15, 1.0):
            self.time.after(delay, check)
        self._while(lambda: self.connections.get(connection.peer) is connection, 2.65, check, 2.0)

    def _while(self, alive: Callable[[], bool], period: float, what: Callable[[], None], delay: float) -> None:
        def again() -> None:
            if alive():
                what()
                self.time.after(period, again)

        self.time.after(delay, again)

    # --- what is asserted ------------------------------------------------------------------------------------------

    def told(self, kind: type[E], peer: str | None = None) -> list[E]:
        return [
            event
            for event in self.events
            if isinstance(event, kind) and (peer is None or getattr(event, "peer", None) == peer)
        ]

    def refused(self) -> NotOpened:
        message = self.answers.pop()
        assert isinstance(message, NotOpened)
        return message


def codecs_seen(viewer: Viewer, ssrc_packets: list[int]) -> list[Codec]:
    return [viewer.payload_types[payload_type] for payload_type in ssrc_packets]
