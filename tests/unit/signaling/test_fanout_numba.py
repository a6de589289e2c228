"""The compiled fan-out against the reference, byte for byte, and what it does when the kernel refuses."""

from __future__ import annotations

import ctypes
import dataclasses
import errno
import random
import select
import socket
import struct
from array import array
from collections import deque
from collections.abc import Callable, Iterator

import pytest

from signaling.io import fanout_numba
from signaling.io.dtls_pyopenssl import PROFILES
from signaling.io.fanout_numba import BATCH, PACKETS, CompiledFanout, compile_path, offload_works
from signaling.io.libsrtp_address import LONGEST, locate
from signaling.io.port_udp import UdpPort
from signaling.io.srtp_pylibsrtp import ReferenceFanout
from signaling.ports import Address, Fanout, SrtpKeys
from tests.unit.signaling.packet_paths import compiled

SSRCS = (7, 8)
SO_NO_CHECK = 11  # of Linux: no checksum, with which the kernel refuses the offload (EINVAL)
UNFIT = (b"", b"\x80", bytes(LONGEST + 1), bytes(2_000))
SIZES = (12, 13, 100, 600, 1_100, 1_100, 1_100, 1_100, 1_200, LONGEST)


def rtp(ssrc: int, number: int, size: int, fill: int = 1) -> bytes:
    header = struct.pack("!BBHLL", 0x80, 96, number & 0xFFFF, 90 * number & 0xFFFFFFFF, ssrc)
    return header + bytes([fill]) * (size - 12)


def keys(chance: random.Random) -> SrtpKeys:
    profile = chance.choice(list(PROFILES))
    known = PROFILES[profile]
    return SrtpKeys(profile=profile, key_and_salt=chance.randbytes(known.key_length + known.salt_length))


class Ear:
    """A viewer's socket."""

    def __init__(self, host: str = "127.0.0.1") -> None:
        self._socket = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind((host, 0))
        self._socket.setblocking(False)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        self.heard: list[bytes] = []

    @property
    def address(self) -> Address:
        host, port = self._socket.getsockname()[:2]
        return host, port

    def listen(self) -> None:
        while True:
            try:
                self.heard.append(self._socket.recv(2048))
            except BlockingIOError:
                return

    def wait(self, count: int) -> list[bytes]:
        """What was heard, once there are `count` datagrams."""
        self.listen()
        while len(self.heard) < count:
            assert select.select([self._socket], [], [], 5)[0], f"{len(self.heard)} of {count} came"
            self.listen()
        return self.heard

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def port() -> Iterator[UdpPort]:
    bound = UdpPort.bind("127.0.0.1", 0)
    yield bound
    bound.close()


@pytest.fixture
def ears() -> Iterator[Callable[..., Ear]]:
    made: list[Ear] = []

    def make(host: str = "127.0.0.1") -> Ear:
        made.append(Ear(host))
        return made[-1]

    yield make
    for ear in made:
        ear.close()


class Pair:
    """Both fan-outs, fed the same; `sockets` is how many viewers there may be. Each viewer has an ear for each."""

    def __init__(self, sockets: int, host: str, ear: Callable[..., Ear]) -> None:
        self.ports = [UdpPort.bind(host, 0), UdpPort.bind(host, 0)]
        self.fanouts: list[Fanout] = [ReferenceFanout(self.ports[0]), compiled(self.ports[1])]
        hosts = ["127.0.0.1", "::1"] if host == "::" else [host]
        self.ears = [[ear(hosts[number % len(hosts)]) for _ in range(2)] for number in range(sockets)]
        self.viewers: dict[int, int] = {}  # viewer → place of its ears
        self.sent: deque[bytes] = deque(maxlen=900)
        self.numbers = dict.fromkeys(SSRCS, 0)
        self.count = 0

    def start(self, chance: random.Random) -> None:
        for viewer in list(self.viewers):
            self.leave(viewer)
        self.sent.clear()
        self.numbers = {ssrc: chance.choice((0, 65_500, 30_000)) for ssrc in SSRCS}

    def join(self, chance: random.Random) -> None:
        place, secret = self._free_place(chance), keys(chance)
        given = {fanout.add(secret, self.ears[place][n].address) for n, fanout in enumerate(self.fanouts)}
        assert len(given) == 1
        self.viewers[given.pop()] = place

    def leave(self, viewer: int) -> None:
        for fanout in self.fanouts:
            fanout.remove(viewer)
        self.viewers.pop(viewer, None)

    def move(self, viewer: int, chance: random.Random) -> None:
        place = self.viewers[viewer] = self._free_place(chance)
        for n, fanout in enumerate(self.fanouts):
            fanout.move(viewer, self.ears[place][n].address)

    def _free_place(self, chance: random.Random) -> int:
        """The order of what different viewers hear is nobody's concern, so no two have the same ears."""
        return chance.choice([place for place in range(len(self.ears)) if place not in self.viewers.values()])

    @property
    def crowded(self) -> bool:
        return len(self.viewers) == len(self.ears)

    def send(self, chance: random.Random) -> None:
        ssrc, size = chance.choice(SSRCS), chance.choice(SIZES)
        packets = []
        for _ in range(chance.choice((1, 1, 2, 4, 8, 20))):
            size = chance.choice((size, size, size, chance.choice(SIZES)))
            packets.append(rtp(ssrc, self.numbers[ssrc], size, chance.randrange(256)))
            self.numbers[ssrc] += 1
        self.sent.extend(packets)
        if chance.random() < 0.1:
            packets.insert(chance.randrange(len(packets)), chance.choice(UNFIT))
        everyone = list({*self.viewers, chance.randrange(40), -1})
        self._both(packets, chance.sample(everyone, chance.randrange(len(everyone)) + 1))

    def resend(self, chance: random.Random) -> None:
        if self.sent and self.viewers:
            packets = chance.sample(list(self.sent), min(len(self.sent), chance.choice((1, 3, 40))))
            self._both(packets * 2, [chance.choice(list(self.viewers))])

    def _both(self, packets: list[bytes], viewers: list[int]) -> None:
        known = [viewer for viewer in viewers if viewer >= 0]  # to the reference −1 is Python's last
        taken = [self.fanouts[0].send(packets, known), self.fanouts[1].send(packets, array("i", viewers))]
        assert taken[0] == taken[1]
        self.count += taken[0]
        self.compare()

    def report(self, viewer: int) -> None:
        packet = struct.pack("!BBHL", 0x80, 201, 1, 1)
        for fanout in self.fanouts:
            assert fanout.send_rtcp(packet, viewer)

    def compare(self) -> None:
        for pair in self.ears:
            for ear in pair:
                ear.listen()
        for reference, other in self.ears:
            most = max(len(reference.heard), len(other.heard))
            assert reference.wait(most) == other.wait(most)
            reference.heard.clear()
            other.heard.clear()

    def close(self) -> None:
        for port in self.ports:
            port.close()


@pytest.mark.parametrize(("seed", "host"), [(1, "127.0.0.1"), (2, "127.0.0.1"), (3, "::"), (4, "::1")])
def test_the_same_bytes_as_the_reference(seed: int, host: str, ears: Callable[..., Ear]) -> None:
    """600 random sequences of joins, leaves, moves, sends and resends, over sockets: for all four 2,400."""
    pair = Pair(6, host, ears)
    for sequence in range(600):
        chance = random.Random(f"{seed}-{sequence}")
        pair.start(chance)
        for _ in range(chance.randrange(3, 16)):
            step = chance.random()
            if not pair.viewers or (step < 0.25 and not pair.crowded):
                pair.join(chance)
            elif step < 0.35:
                pair.leave(chance.choice(list(pair.viewers)))
            elif step < 0.45 and not pair.crowded:
                pair.move(chance.choice(list(pair.viewers)), chance)
            elif step < 0.5:
                pair.report(chance.choice(list(pair.viewers)))
            elif step < 0.65:
                pair.resend(chance)
            else:
                pair.send(chance)
    assert pair.count > 10_000
    pair.close()


def test_more_viewers_than_a_batch_and_more_packets_than_it_holds(port: UdpPort, ears: Callable[..., Ear]) -> None:
    fanout, ear, chance = compiled(port), ears(), random.Random(1)
    viewers = array("i", (fanout.add(keys(chance), ear.address) for _ in range(3 * BATCH + 5)))
    for number in range(3):
        packets = [rtp(7, number, 60)]
        assert fanout.send(packets, viewers) == len(viewers)
        ear.wait((number + 1) * len(viewers))
    many = [rtp(7, 10 + number, 200 - number) for number in range(2 * PACKETS + 3)]
    ear.heard.clear()
    assert fanout.send(many, viewers[:1]) == len(many)
    assert [struct.unpack_from("!H", one, 2)[0] for one in ear.wait(len(many))] == list(range(10, 10 + len(many)))
    assert fanout.send([], viewers) == fanout.send(many, array("i")) == 0


def test_a_route_that_refuses_the_offload_is_sent_to_without_it(port: UdpPort, ears: Callable[..., Ear]) -> None:
    fanout, ear, chance = compiled(port), ears(), random.Random(2)
    viewer = fanout.add(keys(chance), ear.address)
    port.socket.setsockopt(socket.SOL_SOCKET, SO_NO_CHECK, 1)
    packets = [rtp(7, number, 1_100 if number < 3 else 500) for number in range(4)]
    assert fanout.send(packets, [viewer]) == 4
    assert fanout.refused == 1
    assert [len(one) for one in ear.wait(4)] == [len(ear.heard[0])] * 3 + [len(ear.heard[0]) - 600]
    assert fanout.send([rtp(7, 4 + number, 1_100) for number in range(4)], [viewer]) == 4
    ear.wait(8)
    fanout.remove(viewer)
    again = fanout.add(keys(chance), ear.address)  # the route is remembered, not the viewer
    assert fanout.send(packets, [again]) == 4
    ear.wait(12)
    assert fanout.refused == 1


def test_routes_that_are_remembered_are_bounded(port: UdpPort, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fanout_numba, "PLAIN_HOSTS", 2)
    fanout, chance = compiled(port), random.Random(6)
    port.socket.setsockopt(socket.SOL_SOCKET, SO_NO_CHECK, 1)
    packets = [rtp(7, number, 300) for number in range(2)]
    viewers = [fanout.add(keys(chance), (f"127.0.0.{host}", 9)) for host in (1, 2, 3)]
    for viewer in viewers:
        fanout.send(packets, [viewer])
    assert fanout.refused == 3
    fanout.move(viewers[2], ("127.0.0.1", 9))  # forgotten, so tried once more
    fanout.send(packets, [viewers[2]])
    assert fanout.refused == 4


def test_one_destination_out_of_reach_costs_nobody_else_a_packet(port: UdpPort, ears: Callable[..., Ear]) -> None:
    fanout, ear, chance = compiled(port), ears(), random.Random(3)
    viewers = [fanout.add(keys(chance), address) for address in (ear.address, ("255.255.255.255", 9), ear.address)]
    assert fanout.send([rtp(7, 1, 300), rtp(7, 2, 300)], viewers) == 4
    assert len(ear.wait(4)) == 4
    assert fanout.refused == 0


class Kernel:
    """A sendmmsg that answers as told, then takes everything."""

    def __init__(self, *answers: int) -> None:
        self.answers = list(answers)
        self.calls: list[int] = []
        kind = ctypes.CFUNCTYPE(
            ctypes.c_int, ctypes.c_int, ctypes.c_ssize_t, ctypes.c_uint, ctypes.c_int, use_errno=True
        )
        self.sendmmsg = kind(self._send)

    def _send(self, _fd: int, _messages: int, count: int, _flags: int) -> int:
        self.calls.append(count)
        answer = self.answers.pop(0) if self.answers else count
        if answer < 0:
            ctypes.set_errno(-answer)
            return -1
        return min(answer, count)

    def fanout(self, port: UdpPort) -> CompiledFanout:
        return CompiledFanout(port, compile_path(dataclasses.replace(locate(), sendmmsg=self.sendmmsg)))


@pytest.mark.parametrize("full", [errno.EAGAIN, errno.ENOBUFS])
def test_a_full_kernel_buffer_is_counted_and_tried_once_more(port: UdpPort, full: int) -> None:
    kernel, chance = Kernel(3, -full, -errno.EINTR), random.Random(4)
    fanout = kernel.fanout(port)
    viewers = [fanout.add(keys(chance), ("127.0.0.1", 9)) for _ in range(BATCH + 2)]
    assert fanout.send([rtp(7, 1, 100)], viewers) == len(viewers)
    assert fanout.full == 1
    assert kernel.calls == [BATCH, BATCH - 3, BATCH - 3, BATCH - 3, 2]
    kernel.answers, kernel.calls = [3, -full, -full], []
    assert fanout.send([rtp(7, 2, 100)], viewers) == 3 + 2  # the rest of the batch is lost, the next one is tried
    assert fanout.full == 3
    kernel.answers = [-full] * 4
    assert fanout.send([rtp(7, number, 100) for number in range(3, 3 + 2 * PACKETS)], viewers[:1]) == 0
    assert fanout.full == 6  # waited for once only


def test_each_error_of_the_offload_sends_again_without_it(port: UdpPort) -> None:
    kernel, chance = Kernel(), random.Random(5)
    fanout = kernel.fanout(port)
    for number, refusal in enumerate((errno.EIO, errno.EINVAL, errno.EMSGSIZE)):
        viewer = fanout.add(keys(chance), (f"127.0.0.{number + 1}", 9))
        kernel.answers, kernel.calls = [-refusal, 1, -errno.EPERM], []
        assert fanout.send([rtp(7, 1, 100), rtp(7, 2, 100), rtp(7, 3, 50)], [viewer]) == 2
        assert kernel.calls == [1, 1, 1, 1]
        kernel.calls = []
        assert fanout.send([rtp(7, 4, 100), rtp(7, 5, 100)], [viewer]) == 2
        assert kernel.calls == [2]
    assert fanout.refused == 3


def test_this_kernel_has_the_offload(port: UdpPort) -> None:
    assert offload_works(port)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as other:
        other_port = UdpPort.__new__(UdpPort)
        other_port._socket = other
        assert not offload_works(other_port)
