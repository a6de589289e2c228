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
from collections.abc import Callable, Iterator, Sequence

import pytest

from signaling.io import fanout_numba, srtp_pylibsrtp
from signaling.io.dtls_pyopenssl import PROFILES
from signaling.io.fanout_numba import SPACE, CompiledFanout, offload_works
from signaling.io.libsrtp_address import LONGEST, locate
from signaling.io.loop_layout import MOST, PACKETS, STREAMS
from signaling.io.port_udp import UdpPort
from signaling.io.srtp_pylibsrtp import ReferenceFanout
from signaling.ports import HOLDS, Address, Fanout, SrtpKeys
from signaling.proof import PERIODS, mark_of
from tests.unit.signaling.packet_paths import FANOUTS, compiled, compiled_loop

SSRCS = (7, 8, 0, 0xFFFF_FFFF, *range(0x8000_0000, 0x8000_0000 + STREAMS))  # more than the loop encrypts itself
FEW = (SSRCS[:2], SSRCS[:2], SSRCS[:5], SSRCS)
STEPS = ("leave", "move", "report", "switch", "period", "mark", "resend", "send", "hold", "jump", "round")
JUMPS = (600, 600, 600, 1_086, 1_087, 1_088, 32_766, 32_767, 32_768, 32_769, 50_000, 65_530)
FIRST_NUMBERS = (0, 0, 65_500, 65_500, 30_000, 32_766, 65_535)
HEADERS = (0x81,) * 20 + (0x80, 0x8F, 0x91, 0x91, 0xA1)  # without a source, with 15, with an extension, padded
SO_NO_CHECK = 11  # of Linux: no checksum, with which the kernel refuses the offload (EINVAL)
LAYERS = (0, 1)
UNFIT = (b"", b"\x80", b"\x81" + bytes(14), bytes(LONGEST + 1), bytes(2_000))
SIZES = (16, 17, 100, 600, 1_100, 1_100, 1_100, 1_100, 1_200, LONGEST)
PERIOD = 1_729  # of packets and marks where only one is used


def rtp(ssrc: int, number: int, size: int, fill: int = 1, period: int = PERIOD, first: int = 0x81) -> bytes:
    """With an extension the words of it are 257 times `fill`."""
    header = struct.pack("!BBHLLL", first, 96, number & 0xFFFF, 90 * number & 0xFFFFFFFF, ssrc, period)
    return header + bytes([fill]) * (size - len(header))


def plain(fanout: Fanout, packets: list[bytes], viewers: Sequence[int]) -> int:
    """Send without offsets."""
    return fanout.send(packets, viewers, array("i", bytes(4 * len(viewers))))


def add(fanout: Fanout, chance: random.Random, address: Address) -> int:
    """A viewer with a mark."""
    viewer = fanout.add(keys(chance), address)
    fanout.mark(viewer, PERIOD, 1 + chance.randrange(1 << 32 - 1))
    return viewer


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
def ears() -> Iterator[Callable[..., Ear]]:
    made: list[Ear] = []

    def make(host: str = "127.0.0.1") -> Ear:
        made.append(Ear(host))
        return made[-1]

    yield make
    for ear in made:
        ear.close()


class Watching:
    """What a test knows of one viewer: where it listens, and for each SSRC its layer, offset and next number."""

    def __init__(self, name: str, place: int, chance: random.Random) -> None:
        self.name = name
        self.place = place
        self.layers = {ssrc: chance.choice(LAYERS) for ssrc in SSRCS}
        self.offsets = dict.fromkeys(SSRCS, chance.choice((0, 0, -70_000, 1, 40_000, (1 << 31) - 1)))
        self.sent: deque[tuple[bytes, int]] = deque(maxlen=300)  # packets with the offset of then


class Pair:
    """Both fan-outs, fed the same; `sockets` is how many viewers there may be. Each viewer has an ear for each."""

    def __init__(self, sockets: int, host: str, path: str, ear: Callable[..., Ear]) -> None:
        self.ports = [UdpPort.bind(host, 0), UdpPort.bind(host, 0)]
        self.fanouts: list[Fanout] = [ReferenceFanout(self.ports[0]), FANOUTS[path](self.ports[1])]
        hosts = ["127.0.0.1", "::1"] if host == "::" else [host]
        self.ears = [[ear(hosts[number % len(hosts)]) for _ in range(2)] for number in range(sockets)]
        self.viewers: dict[int, Watching] = {}
        self.ssrcs = SSRCS  # that are used
        self.numbers = {(ssrc, layer): 0 for ssrc in SSRCS for layer in LAYERS}
        self.period = PERIOD
        self.joined = 0
        self.taken = 0
        self.asked = 0

    def start(self, chance: random.Random) -> None:
        for viewer in list(self.viewers):
            self.leave(viewer)
        self.ssrcs = chance.choice(FEW)
        self.numbers = {line: chance.choice(FIRST_NUMBERS) for line in self.numbers}

    def join(self, chance: random.Random) -> None:
        place, secret = self._free_place(chance), keys(chance)
        given = {fanout.add(secret, self.ears[place][n].address) for n, fanout in enumerate(self.fanouts)}
        assert len(given) == 1
        self.joined += 1
        viewer = given.pop()
        self.viewers[viewer] = Watching(f"viewer {self.joined}", place, chance)
        if chance.random() < 0.9:
            self.mark(viewer)

    def mark(self, viewer: int) -> None:
        mark = mark_of(b"a key", self.viewers[viewer].name, self.period)
        for fanout in self.fanouts:
            fanout.mark(viewer, self.period, mark)

    def next_period(self, chance: random.Random) -> None:
        """Most viewers are given a mark for it; the others' packets are not sent until they are."""
        self.period += chance.choice((1, 1, 1, PERIODS, 5, 0xFFFF_0000 // 600))
        self.period &= 0xFFFF_FFFF
        for viewer in self.viewers:
            if chance.random() < 0.8:
                self.mark(viewer)

    def leave(self, viewer: int) -> None:
        for fanout in self.fanouts:
            fanout.remove(viewer)
            fanout.mark(viewer, self.period, 1)  # nobody's
        self.viewers.pop(viewer, None)

    def move(self, viewer: int, chance: random.Random) -> None:
        place = self.viewers[viewer].place = self._free_place(chance)
        for n, fanout in enumerate(self.fanouts):
            fanout.move(viewer, self.ears[place][n].address)

    def switch(self, viewer: int, chance: random.Random) -> None:
        """To another layer, so that the viewer's numbers go on."""
        one, ssrc, layer = self.viewers[viewer], chance.choice(self.ssrcs), chance.choice(LAYERS)
        ahead = self.numbers[ssrc, one.layers[ssrc]] - self.numbers[ssrc, layer]
        one.offsets[ssrc] = (one.offsets[ssrc] + ahead) % (1 << chance.choice((16, 31)))
        one.layers[ssrc] = layer

    def jump(self, chance: random.Random) -> None:
        """A stream's numbers go on elsewhere: about half a round from here, or where what was sent becomes too old."""
        ssrc = chance.choice(self.ssrcs)
        for layer in LAYERS:
            self.numbers[ssrc, layer] += chance.choice(JUMPS)

    def _free_place(self, chance: random.Random) -> int:
        """The order of what different viewers hear is nobody's concern, so no two have the same ears."""
        taken = {one.place for one in self.viewers.values()}
        return chance.choice([place for place in range(len(self.ears)) if place not in taken])

    @property
    def crowded(self) -> bool:
        return len(self.viewers) == len(self.ears)

    def round(self, chance: random.Random) -> None:
        """Something of every stream."""
        for ssrc in chance.sample(self.ssrcs, len(self.ssrcs)):
            self.send(chance, ssrc)

    def send(self, chance: random.Random, ssrc: int) -> None:
        size = chance.choice(SIZES)
        layer = chance.choice([*LAYERS, *(one.layers[ssrc] for one in self.viewers.values())])
        packets = []
        for _ in range(chance.choice((1, 1, 2, 4, 8, 20))):
            size = chance.choice((size, size, size, chance.choice(SIZES)))
            fill, first = chance.choice((0, 1, 1, chance.randrange(256))), chance.choice(HEADERS)
            packets.append(rtp(ssrc, self.numbers[ssrc, layer], size, fill, self.period, first))
            self.numbers[ssrc, layer] += 1
        audience = {viewer: one.offsets[ssrc] for viewer, one in self.viewers.items() if one.layers[ssrc] == layer}
        for viewer, offset in audience.items():
            self.viewers[viewer].sent.extend((packet, offset) for packet in packets)
        if chance.random() < 0.1:
            packets.insert(chance.randrange(len(packets)), chance.choice(UNFIT))
        strangers = [viewer for viewer in (chance.randrange(40), -1) if viewer not in self.viewers]
        everyone = [*audience.items(), *((viewer, 3) for viewer in strangers)]
        self._both(packets, chance.sample(everyone, len(everyone) - chance.choice((0, 0, 0, 1))))

    def hold(self, chance: random.Random) -> None:
        """A packet for some of a layer's viewers that goes with what they are sent next; at times with nothing."""
        ssrc, layer = chance.choice(self.ssrcs), chance.choice(LAYERS)
        packet = rtp(ssrc, self.numbers[ssrc, layer], chance.choice((16, 110, 600, 1_100, LONGEST)), 9, self.period)
        self.numbers[ssrc, layer] += 1
        some = [viewer for viewer, one in self.viewers.items() if one.layers[ssrc] == layer and chance.random() < 0.8]
        for viewer in some:
            self.viewers[viewer].sent.append((packet, self.viewers[viewer].offsets[ssrc]))
        if chance.random() < 0.05:
            packet = chance.choice(UNFIT)
        some += [viewer for viewer in (chance.randrange(40),) if viewer not in self.viewers]
        offsets = [self.viewers[viewer].offsets[ssrc] if viewer in self.viewers else 3 for viewer in some]
        for fanout in self.fanouts:
            fanout.hold(packet, array("i", some), array("i", offsets))
        self.asked += len(some)
        if chance.random() < 0.3:
            self._both([], [(viewer, 0) for viewer in self.viewers])

    def resend(self, viewer: int, chance: random.Random) -> None:
        sent = self.viewers[viewer].sent
        if not sent:
            return
        some = chance.sample(list(sent), min(len(sent), chance.choice((1, 3, 40))))
        for offset in sorted({offset for _, offset in some}):
            self._both([packet for packet, then in some if then == offset] * 2, [(viewer, offset)])

    def _both(self, packets: list[bytes], audience: list[tuple[int, int]]) -> None:
        known = [(viewer, offset) for viewer, offset in audience if viewer >= 0]  # to the reference −1 is Python's last
        taken = [
            self.fanouts[0].send(packets, [viewer for viewer, _ in known], [offset for _, offset in known]),
            self.fanouts[1].send(
                packets, array("i", [viewer for viewer, _ in audience]), array("i", [offset for _, offset in audience])
            ),
        ]
        assert taken[0] == taken[1]
        self.taken += taken[0]
        self.asked += len(packets) * len(known)
        self.compare()

    def report(self, viewer: int) -> None:
        packet = struct.pack("!BBHL", 0x80, 201, 1, 1)
        for fanout in self.fanouts:
            assert fanout.send_rtcp(packet, [viewer]) == 1

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


@pytest.mark.parametrize(
    ("seed", "host", "path"),
    [
        (1, "127.0.0.1", "compiled"),
        (2, "127.0.0.1", "compiled, libsrtp"),
        (3, "::", "compiled"),
        (4, "::1", "compiled"),
    ],
)
def test_the_same_bytes_as_the_reference(seed: int, host: str, path: str, ears: Callable[..., Ear]) -> None:
    """600 random sequences of joins, leaves, moves, switches, periods, jumps, sends and resends, over sockets: for all
    four 2,400."""
    pair = Pair(6, host, path, ears)
    for sequence in range(600):
        chance = random.Random(f"{seed}-{sequence}")
        pair.start(chance)
        for _ in range(chance.randrange(3, 20)):
            if not pair.viewers or (chance.random() < 0.2 and not pair.crowded):
                pair.join(chance)
                continue
            viewer = chance.choice(list(pair.viewers))
            step = chance.choices(STEPS, (8, 8, 5, 12, 8, 5, 20, 60, 25, 20, 5))[0]
            if step == "leave":
                pair.leave(viewer)
            elif step == "move" and not pair.crowded:
                pair.move(viewer, chance)
            elif step == "report":
                pair.report(viewer)
            elif step == "switch":
                pair.switch(viewer, chance)
            elif step == "period":
                pair.next_period(chance)
            elif step == "mark":
                pair.mark(viewer)
            elif step == "resend":
                pair.resend(viewer, chance)
            elif step == "send":
                pair.send(chance, chance.choice(pair.ssrcs))
            elif step == "hold":
                pair.hold(chance)
            elif step == "jump":
                pair.jump(chance)
            elif step == "round":
                pair.round(chance)
    assert pair.taken > 10_000
    assert pair.asked > pair.taken  # some had no mark
    pair.close()


@pytest.mark.parametrize("path", ["reference", "compiled"])
def test_what_is_held_goes_with_what_is_sent_next_and_the_rest_when_asked(
    port: UdpPort, ears: Callable[..., Ear], path: str
) -> None:
    fanout, some, chance = FANOUTS[path](port), [ears() for _ in range(3)], random.Random(1)
    viewers = [add(fanout, chance, ear.address) for ear in some]

    def numbers(ear: Ear, count: int) -> list[int]:
        return [struct.unpack_from("!H", one, 2)[0] for one in ear.wait(count)]

    fanout.hold(rtp(8, 100, 110), viewers[:2], [0, 5])
    assert plain(fanout, [rtp(7, 1, 1_100), rtp(7, 2, 1_100)], [viewers[0], viewers[2]]) == 5
    assert numbers(some[0], 3) == [1, 2, 100]
    assert numbers(some[2], 2) == [1, 2]
    assert plain(fanout, [], viewers) == 1
    assert numbers(some[1], 1) == [105]
    assert plain(fanout, [], viewers) == 0
    fanout.hold(rtp(8, 101, 110), viewers, [0, 0, 0])
    fanout.remove(viewers[1])
    assert add(fanout, chance, some[1].address) == viewers[1]  # somebody else, for whom nothing waits
    many = [rtp(7, 3 + number, 200) for number in range(PACKETS + 5)]
    assert plain(fanout, many, viewers[:2]) == 2 * len(many) + 1
    assert numbers(some[0], 3 + len(many) + 1)[-2:] == [3 + len(many) - 1, 101]
    for number in range(HOLDS + 1):  # the oldest two are forgotten: one is too many, and of one viewer the first
        fanout.hold(rtp(8, 102 + number, 110), [viewers[min(number, 2)]], [0])
    assert plain(fanout, [], viewers) == 2
    assert numbers(some[2], 3)[-1] == 102 + HOLDS
    fanout.hold(b"", [], [])
    assert plain(fanout, [], viewers) == 0
    with pytest.raises(ValueError, match="offsets"):
        fanout.hold(b"", [1, 2], [0])


def test_what_is_held_ends_the_message_of_a_frame(port: UdpPort) -> None:
    kernel, chance = Kernel(), random.Random(4)
    fanout = kernel.compiled(port)
    viewers, offsets = [add(fanout, chance, ("127.0.0.1", 9)) for _ in range(10)], [0] * 10
    longest = (200,) * PACKETS  # and what is held makes as many segments as a message may have
    for number, (frame, messages) in enumerate([((1_100,) * 4, 1), ((1_100, 700), 2), ((100,), 2), (longest, 1)]):
        fanout.hold(rtp(8, number, 110), viewers, offsets)
        kernel.calls = []
        packets = [rtp(7, 100 * number + place, size) for place, size in enumerate(frame)]
        assert fanout.send(packets, viewers, offsets) == 10 * (len(frame) + 1)
        assert sum(kernel.calls) == 10 * messages, frame


@pytest.mark.parametrize("size", [60, 1_100])
def test_more_viewers_than_a_batch_holds(port: UdpPort, ears: Callable[..., Ear], size: int) -> None:
    fanout, some, chance = compiled(port), [ears() for _ in range(10)], random.Random(1)
    viewers = array("i", (add(fanout, chance, ear.address) for _ in range(MOST // 10 + 5) for ear in some))
    assert len(viewers) > MOST
    assert len(viewers) * 1_100 > 2 * SPACE
    for number in range(2):
        assert plain(fanout, [rtp(7, number, size)], viewers) == len(viewers)
        for ear in some:
            ear.wait((number + 1) * len(viewers) // 10)


def test_more_packets_than_a_message_holds(port: UdpPort, ears: Callable[..., Ear]) -> None:
    fanout, ear, chance = compiled(port), ears(), random.Random(1)
    viewers = array("i", [add(fanout, chance, ear.address)])
    first = 0
    for size, count in ((200, 2 * PACKETS + 3), (1_200, PACKETS), (LONGEST, 60)):
        many = [rtp(7, first + number, size) for number in range(count)]
        first += count
        ear.heard.clear()
        assert plain(fanout, many, viewers) == count
        heard = [struct.unpack_from("!H", one, 2)[0] for one in ear.wait(count)]
        assert heard == list(range(first - count, first))
    shrinking = [rtp(7, first + number, 300 - number) for number in range(PACKETS + 3)]
    assert plain(fanout, shrinking, viewers) == PACKETS + 3
    assert plain(fanout, [], viewers) == plain(fanout, many, array("i")) == 0


def test_a_route_that_refuses_the_offload_is_sent_to_without_it(port: UdpPort, ears: Callable[..., Ear]) -> None:
    fanout, ear, chance = compiled(port), ears(), random.Random(2)
    viewer = add(fanout, chance, ear.address)
    port.socket.setsockopt(socket.SOL_SOCKET, SO_NO_CHECK, 1)
    packets = [rtp(7, number, 1_100 if number < 3 else 500) for number in range(4)]
    assert plain(fanout, packets, [viewer]) == 4
    assert fanout.refused == 1
    assert [len(one) for one in ear.wait(4)] == [len(ear.heard[0])] * 3 + [len(ear.heard[0]) - 600]
    assert plain(fanout, [rtp(7, 4 + number, 1_100) for number in range(4)], [viewer]) == 4
    ear.wait(8)
    fanout.remove(viewer)
    again = add(fanout, chance, ear.address)  # the route is remembered, not the viewer
    assert plain(fanout, packets, [again]) == 4
    ear.wait(12)
    assert fanout.refused == 1


def test_routes_that_are_remembered_are_bounded(port: UdpPort, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fanout_numba, "PLAIN_HOSTS", 2)
    fanout, chance = compiled(port), random.Random(6)
    port.socket.setsockopt(socket.SOL_SOCKET, SO_NO_CHECK, 1)
    packets = [rtp(7, number, 300) for number in range(2)]
    viewers = [add(fanout, chance, (f"127.0.0.{host}", 9)) for host in (1, 2, 3)]
    for viewer in viewers:
        plain(fanout, packets, [viewer])
    assert fanout.refused == 3
    fanout.move(viewers[2], ("127.0.0.1", 9))  # forgotten, so tried once more
    plain(fanout, packets, [viewers[2]])
    assert fanout.refused == 4


def test_one_destination_out_of_reach_costs_nobody_else_a_packet(port: UdpPort, ears: Callable[..., Ear]) -> None:
    fanout, ear, chance = compiled(port), ears(), random.Random(3)
    viewers = [add(fanout, chance, address) for address in (ear.address, ("255.255.255.255", 9), ear.address)]
    assert plain(fanout, [rtp(7, 1, 300), rtp(7, 2, 300)], viewers) == 4
    assert len(ear.wait(4)) == 4
    assert fanout.refused == 0


class Kernel:
    """A sendmmsg and a sendto that answer as told, then take everything. `calls` are the messages offered."""

    def __init__(self, *answers: int) -> None:
        self.answers = list(answers)
        self.calls: list[int] = []
        kind = ctypes.CFUNCTYPE(
            ctypes.c_int, ctypes.c_int, ctypes.c_ssize_t, ctypes.c_uint, ctypes.c_int, use_errno=True
        )
        self.sendmmsg = kind(self._send)
        self.family = socket.AF_INET

    def _send(self, _fd: int, _messages: int, count: int, _flags: int) -> int:
        self.calls.append(count)
        answer = self.answers.pop(0) if self.answers else count
        if answer < 0:
            ctypes.set_errno(-answer)
            return -1
        return min(answer, count)

    def sendto(self, _datagram: bytes, _destination: Address) -> None:
        if self.answers and (answer := self.answers.pop(0)) < 0:
            raise OSError(-answer, "no")

    def compiled(self, port: UdpPort) -> CompiledFanout:
        address = ctypes.cast(self.sendmmsg, ctypes.c_void_p).value
        assert address is not None
        return CompiledFanout(port, compiled_loop(), dataclasses.replace(locate(), sendmmsg=address))

    def reference(self, port: UdpPort) -> ReferenceFanout:
        own = UdpPort.__new__(UdpPort)
        own._socket, own._mapped = self, False  # type: ignore[assignment]
        return ReferenceFanout(own)


FULL = [errno.EAGAIN, errno.ENOBUFS]


@pytest.mark.parametrize("full", FULL)
@pytest.mark.parametrize("path", ["reference", "compiled"])
def test_what_a_full_kernel_buffer_refuses_is_sent_later(
    port: UdpPort, monkeypatch: pytest.MonkeyPatch, path: str, full: int
) -> None:
    for module in (fanout_numba, srtp_pylibsrtp):
        monkeypatch.setattr(module, "PATIENCE", 60)
    kernel, chance = Kernel(), random.Random(4)
    fanout = kernel.compiled(port) if path == "compiled" else kernel.reference(port)
    viewers = array("i", [add(fanout, chance, ("127.0.0.1", 9)) for _ in range(300)])
    packets = [rtp(7, number, 1_100 + number % 2) for number in range(PACKETS + 1)]
    expected = len(packets) * len(viewers)
    kernel.answers = [1, 1, 1, -full]
    taken = plain(fanout, packets, viewers)
    assert 0 < taken < expected
    assert fanout.pending
    viewers[:] = array("i", [5] * len(viewers))  # the caller's array is the caller's
    kernel.answers = [-full, -full]
    assert fanout.resume() == 0
    assert fanout.full == 2
    assert plain(fanout, packets, viewers[:1]) == 0  # nothing passes what waits
    assert fanout.full == 3
    fanout.remove(7)
    taken += fanout.resume()
    assert not fanout.pending
    assert 0 <= expected - taken <= len(packets)  # at most those of the one who left
    assert fanout.resume() == 0
    kernel.answers = [-full]
    assert plain(fanout, [rtp(7, 500, 100)], [0, 1]) == 0
    assert plain(fanout, [rtp(7, 501, 100)], [0]) == 3  # those that waited go first
    assert fanout.full == 4


@pytest.mark.parametrize("path", ["reference", "compiled"])
def test_what_waits_too_long_is_dropped(port: UdpPort, monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    for module in (fanout_numba, srtp_pylibsrtp):
        monkeypatch.setattr(module, "PATIENCE", 0)
    kernel, chance = Kernel(-errno.EAGAIN, -errno.EAGAIN), random.Random(4)
    fanout = kernel.compiled(port) if path == "compiled" else kernel.reference(port)
    viewers = [add(fanout, chance, ("127.0.0.1", 9)) for _ in range(300)]
    assert plain(fanout, [rtp(7, number, 1_100) for number in range(PACKETS + 1)], viewers) == 0
    assert fanout.resume() == 0
    assert not fanout.pending
    assert plain(fanout, [rtp(7, 100, 1_100)], viewers) == 300


def test_an_interrupted_call_is_made_again_and_a_short_one_goes_on(port: UdpPort) -> None:
    kernel, chance = Kernel(3, -errno.EINTR, -errno.EPERM), random.Random(4)
    fanout = kernel.compiled(port)
    viewers = [add(fanout, chance, ("127.0.0.1", 9)) for _ in range(10)]
    assert plain(fanout, [rtp(7, 1, 100)], viewers) == 9  # one destination's error is its loss
    assert kernel.calls == [10, 7, 7, 6]
    assert (fanout.full, fanout.refused) == (0, 0)


def test_each_error_of_the_offload_sends_again_without_it(port: UdpPort) -> None:
    kernel, chance = Kernel(), random.Random(5)
    fanout = kernel.compiled(port)
    for number, refusal in enumerate((errno.EIO, errno.EINVAL, errno.EMSGSIZE)):
        viewer = add(fanout, chance, (f"127.0.0.{number + 1}", 9))
        kernel.answers, kernel.calls = [-refusal, 1, -errno.EPERM], []
        assert plain(fanout, [rtp(7, 1, 100), rtp(7, 2, 100), rtp(7, 3, 50)], [viewer]) == 2
        assert kernel.calls == [1, 1, 1, 1]
        kernel.calls = []
        assert plain(fanout, [rtp(7, 4, 100), rtp(7, 5, 100)], [viewer]) == 2
        assert kernel.calls == [2]
    assert fanout.refused == 3


def test_this_kernel_has_the_offload(port: UdpPort) -> None:
    assert offload_works(port)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as other:
        other_port = UdpPort.__new__(UdpPort)
        other_port._socket = other
        assert not offload_works(other_port)


def test_reports_that_find_no_room_are_lost_and_pass_nothing_that_waits(port: UdpPort) -> None:
    kernel, chance = Kernel(), random.Random(4)
    fanout = kernel.compiled(port)
    viewers = [add(fanout, chance, ("127.0.0.1", 9)) for _ in range(10)]
    report = struct.pack("!BBHL", 0x80, 201, 1, 1)
    kernel.answers = [4, -errno.EAGAIN]
    assert fanout.send_rtcp(report, viewers) == 4
    assert not fanout.pending
    assert fanout.full == 1
    kernel.answers = [3, -errno.EAGAIN]
    assert plain(fanout, [rtp(7, 1, 100)], viewers) == 3
    assert fanout.send_rtcp(report, viewers) == 0
    assert fanout.resume() == 7
    assert plain(fanout, [rtp(7, 1, 100)], viewers) == 10  # what is prepared is not mixed up
    assert fanout.send_rtcp(bytes(LONGEST + 1), viewers) == 0
