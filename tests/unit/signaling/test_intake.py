"""Who is let in: the same answers from the reference and from the compiled intake."""

from __future__ import annotations

import random
import select
import socket
import struct
import tracemalloc
from collections.abc import Callable, Iterator

import pytest

from signaling.io.code_mmap import INTAKE, code_of
from signaling.io.intake import (
    BATCH,
    NAME_RATE,
    RATES,
    STRANGER_RATE,
    TOO_MANY,
    UNKNOWN_CHECK,
    UNKNOWN_SOURCE,
    UNREADABLE,
    Arrival,
    Intake,
    ReferenceIntake,
)
from signaling.io.intake_recvmmsg import CompiledIntake, recvmmsg_address
from signaling.io.port_udp import Content, UdpPort
from signaling.ports import Address
from signaling.wire import pack_binding_request


def compiled(port: UdpPort, peers: int) -> CompiledIntake:
    return CompiledIntake(port, code_of(INTAKE).run, recvmmsg_address(), peers)


INTAKES: dict[str, Callable[[UdpPort], Intake]] = {
    "reference": ReferenceIntake,
    "compiled": lambda port: compiled(port, 100),
}
NAME = "ourfrag0"
TRANSACTION = b"transaction!"
RTP = bytes([128, 96]) + bytes(30)
RTCP = bytes([128, 201]) + bytes(30)
DTLS = bytes([22, 254, 253]) + bytes(30)
SUCCESS = struct.pack("!HHL12s", 0x0101, 0, 0x2112A442, TRANSACTION)


def request(name: str = NAME) -> bytes:
    return pack_binding_request(TRANSACTION, f"{name}:theirs", "password", 1)


class Bench:
    """An intake and one sender."""

    def __init__(self, kind: str, host: str = "127.0.0.1") -> None:
        self.port = UdpPort.bind(host, 0)
        self.intake = INTAKES[kind](self.port)
        self.socket, self.address = self.sender()

    def sender(self) -> tuple[socket.socket, Address]:
        made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        made.bind(("127.0.0.1", 0))
        made.connect(("127.0.0.1", self.port.number))
        return made, made.getsockname()

    def read(self, now: float = 1.0) -> list[Arrival]:
        found = []
        while select.select([self.port], [], [], 0.01)[0]:
            found += self.intake.read(now)
        return found

    def send(self, *datagrams: bytes, now: float = 1.0) -> list[bytes]:
        """What of these is let in."""
        for datagram in datagrams:
            self.socket.send(datagram)
        return [arrival.data for arrival in self.read(now)]

    def close(self) -> None:
        self.socket.close()
        self.port.close()


@pytest.fixture(params=INTAKES)
def bench(request: pytest.FixtureRequest) -> Iterator[Bench]:
    made = Bench(request.param)
    yield made
    made.close()


def test_strangers_are_turned_away(bench: Bench) -> None:
    assert bench.send(RTP, DTLS, request(), SUCCESS, b"", b"\x00", bytes([70]) * 40) == []
    assert bench.intake.refused == {UNKNOWN_SOURCE: 2, UNKNOWN_CHECK: 2, UNREADABLE: 3}
    assert bench.intake.drained


def test_a_peers_address_is_heard(bench: Bench) -> None:
    bench.intake.add_address(bench.address, "one")
    for datagram in (RTP, DTLS, RTCP):
        bench.socket.send(datagram)
    assert bench.read() == [
        Arrival(Content.RTP, RTP, bench.address, "one"),
        Arrival(Content.DTLS, DTLS, bench.address, "one"),
        Arrival(Content.RTCP, RTCP, bench.address, "one"),
    ]
    bench.intake.add_address(bench.address, "two")
    bench.socket.send(RTP)
    assert [arrival.peer for arrival in bench.read()] == ["two"]
    bench.intake.remove_address(bench.address)
    bench.intake.remove_address(bench.address)
    assert bench.send(RTP, DTLS) == []


@pytest.mark.parametrize("name", [NAME, "a", "exactlysixteen++"])
def test_requests_may_name_our_ufrags(bench: Bench, name: str) -> None:
    bench.intake.add_name(name)
    asked = request(name)
    assert bench.send(asked, request("ourfrag1"), request(name[:-1] + "!"), request(name + "+")) == [asked]
    bench.socket.send(asked)
    assert bench.read() == [Arrival(Content.STUN, asked, bench.address, None)]
    bench.intake.remove_name(name)
    bench.intake.remove_name(name)
    assert bench.send(asked) == []


@pytest.mark.parametrize("name", ["", "a" * 17, "a:b", "ü"])
def test_ufrags_that_we_never_give_are_an_error(bench: Bench, name: str) -> None:
    with pytest.raises(ValueError, match=r"ufrag|ascii"):
        bench.intake.add_name(name)


def test_answers_to_our_checks_are_awaited(bench: Bench) -> None:
    bench.intake.add_check(TRANSACTION)
    other = SUCCESS[:-1] + b"?"
    assert bench.send(SUCCESS, other) == [SUCCESS]
    bench.intake.remove_check(TRANSACTION)
    bench.intake.remove_check(TRANSACTION)
    assert bench.send(SUCCESS) == []


def test_stun_of_another_shape_is_turned_away(bench: Bench) -> None:
    bench.intake.add_name(NAME)
    good = request()
    longer = good + bytes(4)
    bad = [
        longer,  # another length than it says
        good[:4] + b"\x21\x12\xa4\x43" + good[8:],  # no cookie
        b"\x00\x11" + good[2:],  # an indication
        b"\x00\x03" + good[2:],  # another method
        good[:2] + struct.pack("!H", len(good) - 28) + good[4:-8],  # no fingerprint
        good[:20] + b"\x00\x24" + good[22:],  # no user name
        good.replace(b":", b";"),
        good[:22] + b"\xff\xff" + good[24:],  # longer than the message: its first part is there all the same
    ]
    assert bench.send(*bad[:-1]) == []
    assert bench.intake.refused == {UNREADABLE: len(bad) - 1}
    assert bench.send(bad[-1]) == [bad[-1]]


def test_a_ufrag_that_others_know_lets_few_in(bench: Bench) -> None:
    rate, burst = NAME_RATE
    bench.intake.add_name(NAME)
    bench.intake.add_address(bench.address, "one")
    flood, _ = bench.sender()
    for _ in range(int(burst) + 20):
        flood.send(request())
    assert len(bench.read(1.0)) == burst
    assert bench.intake.refused == {TOO_MANY: 20}
    for _ in range(int(rate)):
        flood.send(request())
    assert len(bench.read(1.5)) == rate / 2
    assert len(bench.send(request(), now=1.5)) == 1  # the peer's own address has an allowance of its own
    flood.close()


@pytest.mark.parametrize(("content", "datagram"), [(Content.DTLS, DTLS), (Content.RTCP, RTCP)])
def test_an_address_lets_in_what_a_peer_may_send(bench: Bench, content: Content, datagram: bytes) -> None:
    bench.intake.add_address(bench.address, "one")
    burst = int(RATES[content][1])
    assert len(bench.send(*[datagram] * (burst + 10))) == burst
    assert bench.intake.refused == {TOO_MANY: 10}
    assert len(bench.send(RTP)) == 1


def test_few_packets_of_peers_that_moved_are_looked_at(bench: Bench) -> None:
    burst = int(STRANGER_RATE[1])
    assert len(bench.send(*[RTCP] * (burst + 10))) == burst
    bench.intake.add_address(bench.address, "one")
    assert len(bench.send(RTCP)) == 1


def test_too_long_datagrams_are_turned_away(bench: Bench) -> None:
    bench.intake.add_address(bench.address, "one")
    assert bench.send(RTP + bytes(2_048 - len(RTP)), RTP + bytes(2_049 - len(RTP)), RTP + bytes(5_000)) == [
        RTP + bytes(2_048 - len(RTP))
    ]
    assert bench.intake.refused == {UNREADABLE: 2}


@pytest.mark.parametrize("kind", INTAKES)
@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_INET6])
def test_both_families_are_known_by_their_addresses(kind: str, family: socket.AddressFamily) -> None:
    bench = Bench(kind, "")
    try:
        peer = socket.socket(family, socket.SOCK_DGRAM)
        peer.bind(("127.0.0.1" if family == socket.AF_INET else "::1", 0))
    except OSError:  # a machine without IPv6
        bench.close()
        return
    host, port = peer.getsockname()[:2]
    bench.intake.add_name(NAME)
    target = ("127.0.0.1" if family == socket.AF_INET else "::1", bench.port.number)
    peer.sendto(request(), target)
    (arrival,) = bench.read()
    assert arrival.source == (host, port)
    bench.intake.add_address(arrival.source, "one")
    bench.intake.add_address((host, port ^ 1), "other")
    peer.sendto(RTP, target)
    assert bench.read() == [Arrival(Content.RTP, RTP, (host, port), "one")]
    peer.close()
    bench.close()


def _datagrams(chance: random.Random, count: int) -> Iterator[bytes]:
    """Of every kind, and broken: what is well-formed has a byte changed, is cut or lengthened."""
    seeds = [request(NAME), request("ourfrag1"), request("nobody"), SUCCESS, RTP, RTCP, DTLS, b""]
    for _ in range(count):
        datagram = bytearray(chance.choice(seeds))
        for _ in range(chance.choice((0, 0, 1, 3))):
            if datagram:
                datagram[chance.randrange(len(datagram))] = chance.randrange(256)
        if chance.random() < 0.2:
            datagram = datagram[: chance.randrange(len(datagram) + 1)]
        if chance.random() < 0.1:
            datagram += chance.randbytes(chance.choice((1, 4, 1_500)))
        yield bytes(datagram)


@pytest.mark.parametrize("seed", range(8))
def test_both_let_in_the_same(seed: int) -> None:
    chance = random.Random(seed)
    benches = [Bench(kind) for kind in INTAKES]
    peer, stranger = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2))
    peer.bind(("127.0.0.1", 0))
    address: Address = peer.getsockname()
    changes: list[Callable[[Intake], None]] = [
        lambda intake: intake.add_address(address, "one"),
        lambda intake: intake.remove_address(address),
        lambda intake: intake.add_name(NAME),
        lambda intake: intake.remove_name(NAME),
        lambda intake: intake.add_name("ourfrag1"),
        lambda intake: intake.add_check(TRANSACTION),
        lambda intake: intake.remove_check(TRANSACTION),
    ]
    for step in range(40):
        change = chance.choice(changes)
        for bench in benches:
            change(bench.intake)
        for datagram in _datagrams(chance, 30):
            sender = chance.choice((peer, stranger))
            for bench in benches:
                sender.sendto(datagram, ("127.0.0.1", bench.port.number))
        first, second = (bench.read(1.0 + step * 0.1) for bench in benches)
        assert first == second
        assert benches[0].intake.refused == benches[1].intake.refused
        assert benches[0].intake.heard == benches[1].intake.heard
    for bench in benches:
        bench.close()
    stranger.close()
    peer.close()


def test_a_flood_of_strangers_leaves_nothing() -> None:
    bench = Bench("compiled")
    chance = random.Random(3)
    flood = [chance.choice((RTP, DTLS, request("nobody"))) for _ in range(500)]
    for _ in range(2):
        assert bench.send(*flood) == []
    tracemalloc.start()
    before = tracemalloc.take_snapshot()
    for _ in range(10):
        for datagram in flood:
            bench.socket.send(datagram)
        while True:
            bench.intake.read(1.0)
            if bench.intake.drained:
                break
    growth = [
        one.size_diff for one in tracemalloc.take_snapshot().compare_to(before, "filename") if "intake" in str(one)
    ]
    tracemalloc.stop()
    assert sum(growth) < 1_000
    assert sum(bench.intake.refused.values()) == 12 * len(flood)
    bench.close()


def test_a_peer_is_heard_in_a_flood(bench: Bench) -> None:
    """Every datagram of the peer's among two hundred times as many of strangers, in order."""
    bench.intake.add_address(bench.address, "one")
    bench.intake.add_name(NAME)
    strangers = [bench.sender()[0] for _ in range(8)]
    flood = [RTP, DTLS, request("nobody"), SUCCESS]
    heard, expected = [], []
    for number in range(50):
        expected.append(RTP + number.to_bytes(2, "big"))
        for place in range(100):
            strangers[place % 8].send(flood[place % 4])
        bench.socket.send(expected[-1])
        for place in range(100):
            strangers[place % 8].send(flood[place % 4])
        heard += [arrival.data for arrival in bench.read(1.0 + number)]
    assert heard == expected
    assert sum(bench.intake.refused.values()) == 50 * 200
    for stranger in strangers:
        stranger.close()


def test_a_read_is_bounded(bench: Bench) -> None:
    bench.intake.add_address(bench.address, "one")
    for _ in range(BATCH + 1):
        bench.socket.send(RTP)
    select.select([bench.port], [], [], 1)
    assert len(bench.intake.read(1.0)) == BATCH
    assert not bench.intake.drained
    assert len(bench.intake.read(1.0)) == 1
    assert bench.intake.drained


def test_the_allow_list_is_a_dictionary() -> None:
    """A table so full that keys push each other on, and are moved back."""
    chance = random.Random(5)
    port = UdpPort.bind("127.0.0.1", 0)
    intake = compiled(port, 6)
    known: dict[Address, int] = {}
    for step in range(3_000):
        address = ("192.0.2.1", chance.randrange(1, 60))
        if address not in known and len(known) < 30:
            intake.add_address(address, str(step))
            known[address] = step
        else:
            intake.remove_address(address)
            known.pop(address, None)
        assert sorted(intake._known.values()) == sorted((one, str(at)) for one, at in known.items())
    for address in known:
        intake.remove_address(address)
    assert not intake._known
    port.close()


def test_more_addresses_than_the_limits_allow_are_refused() -> None:
    port = UdpPort.bind("127.0.0.1", 0)
    intake = compiled(port, 2)
    for number in range(1, 11):
        intake.add_address(("192.0.2.1", number), "one")
    with pytest.raises(OverflowError):
        intake.add_address(("192.0.2.1", 11), "one")
    intake.remove_address(("192.0.2.1", 5))
    intake.add_address(("192.0.2.1", 11), "one")
    port.close()
