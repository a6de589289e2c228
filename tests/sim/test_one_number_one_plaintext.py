"""No (viewer, SSRC, rollover, number) ever maps to two plaintexts, and both ends agree on the rollover.

Random sequences of joins, leaves, switches of source, codec, audience and layer, own voices, late packets and resends,
with tens of thousands of packets between them, so that numbers wrap while viewers are left out.
"""

from __future__ import annotations

from random import Random

import pytest

from signaling.control import Audience
from signaling.relay.actions import Action, Forward, Resend
from signaling.relay.limits import Limits
from signaling.relay.notices import Notices
from signaling.relay.publication import Arrival, Track
from signaling.relay.stream import Feed, Stream
from signaling.relay.subscription import Subscription
from signaling.session.offer import Codec, Kind
from tests.sim.simulated_srtp import Context

BROWSERS = ({Codec.VP8: 96, Codec.H264: 108}, {Codec.VP8: 120}, {Codec.OPUS: 111}, {Codec.OPUS: 109})


class Source:
    """A publisher's tracks, one for each layer; now and then a packet is late by up to 900."""

    def __init__(self, name: str, kind: Kind, layers: int, random: Random) -> None:
        self.name = name
        self.tracks = [Track(kind, random.getrandbits(32), layer) for layer in range(layers)]
        self.codec = Codec.OPUS if kind is Kind.AUDIO else Codec.VP8
        self.numbers = [65536 + random.randrange(65536) for _ in range(layers)]
        self.late: list[Arrival] = []

    def arrival(self, layer: int, now: float, starts: bool) -> Arrival:
        self.numbers[layer] += 1
        number = self.numbers[layer]
        payload = f"{self.name} {self.codec} {layer} {number}".encode()
        starts = starts or self.codec is Codec.OPUS
        return Arrival(
            self.tracks[layer], self.codec, number, 0, round(now * 90_000), payload, starts, None, layer=layer
        )


class Hall:
    def __init__(self, kind: Kind, seed: int, layers: int = 1) -> None:
        self.random = random = Random(seed)
        self.kind = kind
        self.now = 10.0
        self.stream = Stream("guest", kind, 77, 5000, 0, Limits(), Notices())
        self.layers = layers
        self.sources = [
            Source(name, kind, 1 + (place + 2) % layers, random) for place, name in enumerate(("m0", "m1", "m2"))
        ]
        self.source: Source | None = None
        self.contexts: dict[int, tuple[Context, Context]] = {}
        self.peers: dict[str, int] = {}
        self.highest: dict[int, int] = {}  # the number last sent to a viewer
        self.count = 0
        self.sends = 0
        self.resent = 0

    def perform(self, actions: list[Action]) -> None:
        for action in actions:
            assert isinstance(action, Forward | Resend)
            if isinstance(action, Forward):
                viewers = list(zip(action.audience.indexes, action.audience.offsets, strict=True))
            else:
                viewers = [(action.viewer, action.offset)]
            for viewer, offset in viewers:
                for prepared in action.packets:
                    number = int.from_bytes(prepared[2:4], "big") + offset & 0xFFFF
                    packet = prepared[:2] + number.to_bytes(2, "big") + prepared[4:]
                    self.highest[viewer] = number
                    key = self.contexts[viewer][0].protect(packet)
                    self.sends += 1
                    if self.random.random() > 0.05:
                        self.contexts[viewer][1].unprotect(packet, key)

    # --- what may happen -------------------------------------------------------------------------------------------

    def join(self) -> None:
        self.count += 1
        peer = f"p{self.count}"
        self.peers[peer] = self.count
        self.contexts[self.count] = (Context(), Context())
        family = self.random.choice(BROWSERS[:2] if self.kind is Kind.VIDEO else BROWSERS[2:])
        stage = self.random.random() < 0.5
        member = self.random.choice(("m0", "m1", "m9"))
        self.stream.add(Subscription(peer, member, stage, self.count, dict(family)))

    def leave(self) -> None:
        if self.peers:
            peer = self.random.choice(sorted(self.peers))
            self.stream.remove(peer)
            del self.contexts[self.peers.pop(peer)]

    def route(self) -> None:
        self.source = self.random.choice(self.sources)
        audience = self.random.choice((Audience.NOBODY, Audience.STAGE, Audience.STAGE, Audience.EVERYONE))
        self.stream.route(Feed(self.source.name, self.source.name, audience), self.now)

    def unroute(self) -> None:
        self.stream.route(None, self.now)

    def change_codec(self) -> None:
        if self.source is not None and self.kind is Kind.VIDEO:
            self.source.codec = Codec.H264 if self.source.codec is Codec.VP8 else Codec.VP8

    def choose(self) -> None:
        if self.peers:
            self.stream.choose(self.random.choice(sorted(self.peers)), self.random.randrange(-1, 3))

    def cap(self) -> None:
        self.stream.cap(self.random.choice((0, 1, 2, 2)))

    def packets(self, count: int) -> None:
        source = self.source
        if source is None:
            return
        flowing = self.random.randrange(1, len(source.tracks) + 1)  # the publisher may turn off the upper ones
        for place in range(count):
            self.now += 0.004
            layer = self.random.randrange(flowing)
            arrival = source.arrival(layer, self.now, starts=place == 0 or self.random.random() < 0.005)
            if self.layers > 1 and self.random.random() < 0.002:
                self.choose()
            if place and self.random.random() < 0.01 and not arrival.starts:
                source.late.append(arrival)
                continue
            self.receive(source, arrival)
            if source.late and self.random.random() < 0.02:
                self.receive(source, source.late.pop(self.random.randrange(len(source.late))))
            if place % 400 == 0:
                self.perform(self.stream.tick(self.now, replay=self.random.random() < 0.5))
                self.nack()

    def receive(self, source: Source, arrival: Arrival) -> None:
        behind = self.random.random() < 0.0002
        self.perform(self.stream.receive(source.name, arrival, self.now, behind, keep=True))

    def nack(self) -> None:
        for peer, viewer in self.peers.items():
            numbers = [self.random.randrange(65536) for _ in range(3)]
            near = self.highest.get(viewer, 0)
            numbers += [(near - self.random.randrange(1500)) & 0xFFFF for _ in range(10)]
            found = self.stream.resend(peer, iter(numbers)).actions
            self.resent += len(found)
            self.perform(found)


@pytest.mark.parametrize(("kind", "layers"), [(Kind.AUDIO, 1), (Kind.VIDEO, 1), (Kind.VIDEO, 3)])
@pytest.mark.parametrize("seed", range(3))
def test_one_number_one_plaintext(kind: Kind, layers: int, seed: int) -> None:
    hall = Hall(kind, seed, layers)
    happenings = [hall.join, hall.join, hall.leave, hall.route, hall.route, hall.unroute, hall.change_codec]
    happenings += [hall.choose, hall.choose, hall.cap] if layers > 1 else []
    for _ in range(3):
        hall.join()
    hall.route()
    for _ in range(40):
        hall.random.choice(happenings)()
        hall.packets(hall.random.choice((1, 10, 200, 200, 3000, 14_000, 30_000)))
    assert hall.sends > 10_000
    assert hall.resent > 10


def test_a_viewer_left_out_for_more_than_half_the_numbers_goes_on_where_it_was() -> None:
    hall = Hall(Kind.AUDIO, 1)
    hall.contexts[1] = (Context(), Context())
    hall.peers["p"] = 1
    hall.stream.add(Subscription("p", "m9", False, 1, {Codec.OPUS: 111}))
    hall.source = hall.sources[0]
    for left_out in (100, 20_000, 40_000, 65_500, 66_000, 131_000):
        hall.stream.route(Feed("m0", "m0", Audience.EVERYONE), hall.now)
        before = hall.sends
        hall.packets(300)
        assert hall.sends - before > 280
        hall.stream.route(Feed("m0", "m0", Audience.STAGE), hall.now)
        before = hall.sends
        hall.packets(left_out)
        assert hall.sends == before
