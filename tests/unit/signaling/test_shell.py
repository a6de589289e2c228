"""The shell between a core that does as told and peers over loopback: what it feeds, performs and forgets."""

from __future__ import annotations

import secrets
import select
import socket
import struct
from collections.abc import Callable, Iterator

import pytest
from pylibsrtp import Policy, Session

from signaling.control import ClosePeer, Closing, Load, ToWeb
from signaling.io.dtls_pyopenssl import PROFILES, DtlsIdentity, DtlsTransport, HandshakeState
from signaling.io.port_udp import UdpPort
from signaling.io.shell import COPIES, TRIALS_AT_ONCE, Shell
from signaling.ports import Address, SrtpKeys
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
    Viewers,
)
from signaling.relay.schedule import Schedule
from signaling.session.offer import Fingerprint, Setup
from tests.unit.signaling.packet_paths import FANOUTS

STUN = struct.pack("!HHL12s", 1, 0, 0x2112A442, b"transaction!")
REPORT = struct.pack("!BBHL", 0x80, 201, 1, 1)


def rtp(number: int) -> bytes:
    return struct.pack("!BBHLL", 0x80, 96, number, 0, 0x1234) + b"payload"


class Core:
    """Remembers inputs; answers each with what `reply` returns."""

    def __init__(self) -> None:
        self.inputs: list[Input] = []
        self.addresses: dict[Address, str] = {}
        self.reply: Callable[[Input], list[Action]] = lambda one: []

    def receive(self, one: Input, now: float) -> list[Action]:
        self.inputs.append(one)
        return self.reply(one)

    def peer_at(self, address: Address) -> str | None:
        return self.addresses.get(address)

    def of(self, kind: type) -> list[Input]:
        return [one for one in self.inputs if isinstance(one, kind)]


class Bench:
    def __init__(self, path: str) -> None:
        self.port = UdpPort.bind("127.0.0.1", 0)
        self.core = Core()
        self.schedule = Schedule()
        self.identity = DtlsIdentity()
        self.told: list[ToWeb] = []
        self.shell = Shell(
            self.core,
            self.schedule,
            self.port,
            FANOUTS[path](self.port),
            self.identity,
            self.told.append,
            lambda: 4.5,
        )

    def perform(self, *actions: Action, now: float = 0.0) -> None:
        self.core.reply = lambda one: list(actions)
        self.shell.tick(now)
        self.core.reply = lambda one: []

    def read(self, now: float = 0.0) -> None:
        while select.select([self.port], [], [], 0.01)[0]:
            received = self.port.receive()
            if received is not None:
                self.shell.datagram(*received, now)


@pytest.fixture(params=FANOUTS)
def bench(request: pytest.FixtureRequest) -> Iterator[Bench]:
    made = Bench(request.param)
    yield made
    made.port.close()


class Peer:
    """A browser: a socket, DTLS as the client, SRTP after it."""

    def __init__(self, bench: Bench, name: str) -> None:
        self.name = name
        self._bench = bench
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        host, port = self.socket.getsockname()
        self.address: Address = (host, port)
        self._identity = DtlsIdentity()
        self.dtls: DtlsTransport = self._identity.connect(Setup.ACTIVE, (bench.identity.fingerprint,), 0.0)

    def connect(self, fingerprint: Fingerprint | None = None) -> None:
        bench = self._bench
        bench.core.addresses[self.address] = self.name
        expected = fingerprint or self._identity.fingerprint
        bench.perform(BeginHandshake(self.name, self.address, Setup.PASSIVE, (expected,)))
        for _ in range(2):
            for datagram in self.dtls.take():
                self.send(datagram)
            bench.read()
            for datagram in self.arrived():
                self.dtls.receive(datagram, 0.0)

    def send(self, datagram: bytes) -> None:
        self.socket.sendto(datagram, ("127.0.0.1", self._bench.port.number))

    def arrived(self) -> list[bytes]:
        datagrams = []
        while select.select([self.socket], [], [], 0.01)[0]:
            datagrams.append(self.socket.recv(2048))
        return datagrams

    def session(self, keys: SrtpKeys | None, direction: int) -> Session:
        assert keys is not None
        profile = PROFILES[keys.profile].libsrtp_profile
        return Session(Policy(key=keys.key_and_salt, ssrc_type=direction, srtp_profile=profile))

    @property
    def outbound(self) -> Session:
        return self.session(self.dtls.sending, Policy.SSRC_ANY_OUTBOUND)

    @property
    def inbound(self) -> Session:
        return self.session(self.dtls.receiving, Policy.SSRC_ANY_INBOUND)


def test_a_peer_is_secured_heard_and_reached(bench: Bench) -> None:
    peer = Peer(bench, "one")
    peer.connect()
    (secured,) = bench.core.of(Secured)
    assert secured == Secured("one", 0)
    outbound = peer.outbound
    peer.send(outbound.protect(rtp(1)))
    peer.send(outbound.protect_rtcp(REPORT))
    bench.read()
    assert bench.core.of(RtpArrived) == [RtpArrived("one", rtp(1))]
    assert bench.core.of(RtcpArrived) == [RtcpArrived("one", REPORT, peer.address)]
    audience = Viewers()
    audience.add(0)
    bench.perform(SendRtcp("one", REPORT), Forward((rtp(2), rtp(3)), audience, False), Resend((rtp(2),), 0))
    while bench.shell.send_slice(64):
        pass
    report, again, copy, first, second = peer.arrived()
    inbound = peer.inbound
    assert inbound.unprotect_rtcp(report) == REPORT
    assert inbound.unprotect(again) == rtp(2)
    assert again == copy == first  # byte for byte
    assert inbound.unprotect(second) == rtp(3)
    assert bench.shell.not_taken == 0


def test_after_forget_the_peer_hears_close_notify_and_nothing_more(bench: Bench) -> None:
    peer = Peer(bench, "one")
    peer.connect()
    audience = Viewers()
    audience.add(0)
    bench.perform(Forget("one", Closing.DELETED), SendRtcp("one", REPORT), Resend((rtp(2),), 0))
    for datagram in peer.arrived():
        peer.dtls.receive(datagram, 0.0)
    assert peer.dtls.state is HandshakeState.CLOSED
    assert bench.shell.not_taken == COPIES
    bench.core.addresses.clear()
    peer.send(rtp(9))
    bench.read()
    assert bench.core.of(RtpArrived) == []


def test_a_moved_peer_is_reached_elsewhere(bench: Bench) -> None:
    peer, elsewhere = Peer(bench, "one"), Peer(bench, "one")
    peer.connect()
    bench.perform(Move("one", elsewhere.address), SendRtcp("one", REPORT), Move("unknown", elsewhere.address))
    assert len(elsewhere.arrived()) == 1
    assert peer.arrived() == []


def test_rtcp_from_a_new_address_is_recognized(bench: Bench) -> None:
    peers = [Peer(bench, name) for name in ("one", "two", "three")]
    for peer in peers:
        peer.connect()
    elsewhere = Peer(bench, "")
    elsewhere.send(peers[1].outbound.protect_rtcp(REPORT))
    bench.read(now=1.0)
    assert bench.core.of(RtcpArrived) == [RtcpArrived("two", REPORT, elsewhere.address)]


def test_forged_rtcp_costs_no_more_than_its_budget(bench: Bench) -> None:
    peers = [Peer(bench, name) for name in ("one", "two")]
    for peer in peers:
        peer.connect()
    stranger: Address = ("127.0.0.1", 9)
    forged = REPORT + secrets.token_bytes(20)
    for _ in range(TRIALS_AT_ONCE):
        bench.shell.datagram(forged, stranger, 1.0)
    genuine = peers[1].outbound
    bench.shell.datagram(genuine.protect_rtcp(REPORT), stranger, 1.0)
    assert bench.core.of(RtcpArrived) == []
    bench.shell.datagram(genuine.protect_rtcp(REPORT), stranger, 2.0)
    assert len(bench.core.of(RtcpArrived)) == 1


def test_unauthenticated_datagrams_leave_nothing_behind(bench: Bench) -> None:
    before = _holdings(bench.shell)
    stranger = Peer(bench, "")
    for first in range(256):
        for size in (0, 1, 11, 12, 13, 60, 1_200):
            bench.shell.datagram((bytes([first]) + secrets.token_bytes(1_200))[:size], stranger.address, 0.0)
    assert _holdings(bench.shell) == before
    assert {type(one) for one in bench.core.inputs} == {StunArrived}
    assert stranger.arrived() == []


def _holdings(shell: Shell) -> dict[str, int]:
    """The size of everything that the shell holds."""
    return {name: len(value) for name, value in vars(shell).items() if hasattr(value, "__len__")}


def test_a_wrong_certificate_ends_the_peer(bench: Bench) -> None:
    peer = Peer(bench, "one")
    peer.connect(Fingerprint(algorithm="sha-256", value=":".join(["AB"] * 32)))
    (ended,) = bench.core.of(PeerEnded)
    assert isinstance(ended, PeerEnded)
    assert (ended.reason, ended.detail) == (Closing.HANDSHAKE, "the certificate is not the one of the offer")
    assert bench.core.of(Secured) == []


def test_a_handshake_that_nobody_answers_ends_after_ten_seconds(bench: Bench) -> None:
    peer = Peer(bench, "one")
    bench.perform(BeginHandshake("one", peer.address, Setup.ACTIVE, ()))
    for tenth in range(110):
        bench.shell.tick(tenth / 10)
    (ended,) = bench.core.of(PeerEnded)
    assert isinstance(ended, PeerEnded)
    assert ended.reason is Closing.HANDSHAKE
    assert peer.arrived()


def test_the_peers_close_notify_ends_it(bench: Bench) -> None:
    peer = Peer(bench, "one")
    peer.connect()
    peer.dtls.close()
    for datagram in peer.dtls.take():
        peer.send(datagram)
    bench.read()
    assert bench.core.of(PeerEnded) == [PeerEnded("one", Closing.CLOSED)]


def test_every_action_is_performed_before_the_next_input(bench: Bench) -> None:
    """A handshake that fails inside an action becomes an input after the other actions of the same input."""
    order: list[str] = []
    peer = Peer(bench, "one")

    def reply(one: Input) -> list[Action]:
        order.append(type(one).__name__)
        if isinstance(one, StunArrived):
            return [SendDatagram(b"first", peer.address), SendDatagram(b"second", peer.address)]
        return []

    bench.core.reply = reply
    bench.shell.datagram(STUN, peer.address, 0.0)
    bench.shell.tick(0.02)
    assert peer.arrived() == [b"first", b"second"]
    assert order == ["StunArrived", "Tick"]


def test_the_load_carries_cpu_time_and_what_the_kernel_did_not_take(bench: Bench) -> None:
    load = Load(
        at=1.0, publications=1, viewers=2, packets_in=3, packets_out=4, bytes_out=5, dropped={}, cpu_seconds=0.0
    )
    bench.perform(Tell(load), Resend((rtp(1),), 3), Tell(load))
    told, later = bench.told
    assert isinstance(told, Load)
    assert isinstance(later, Load)
    assert told.cpu_seconds == 4.5
    assert told.packets_out == 4
    assert (told.dropped, later.dropped) == ({}, {"not-taken": COPIES})


def test_shutting_down_closes_every_peer(bench: Bench) -> None:
    for name in ("one", "two"):
        Peer(bench, name).connect()
    bench.shell.shut_down(9.0)
    assert bench.core.of(Commanded) == [
        Commanded(ClosePeer(peer=name, reason=Closing.SHUTDOWN)) for name in ("one", "two")
    ]
    assert bench.core.of(Tick)
