"""No (viewer, SSRC, rollover, number) ever maps to two plaintexts, and both ends agree on the rollover.

Random sequences of joins, leaves, switches of source, codec and audience, own voices, late packets and resends, with
tens of thousands of packets between them, so that numbers wrap while viewers are left out.
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
    """A publisher's track; now and then a packet is late by up to 900."""

    def __init__(self, name: str, kind: Kind, random: Random) -> None:
        self.name = name
        self.track = Track(kind, random.getrandbits(32))
        self.codec = Codec.OPUS if kind is Kind.AUDIO else Codec.VP8
        self.number = 65536 + random.randrange(65536)
        self.sent = 0
        self.late: list[Arrival] = []

    def arrival(self, now: float, starts: bool) -> Arrival:
        self.number += 1
        self.sent += 1
        payload = f"{self.name} {self.codec} {self.number}".encode()
        starts = starts or self.codec is Codec.OPUS
        return Arrival(self.track, self.codec, self.number, 0, round(now * 90_000), payload, starts, None)


class Hall:
    def __init__(self, kind: Kind, seed: int) -> None:
        self.random = random = Random(seed)
        self.kind = kind
        self.now = 10.0
        self.stream = Stream("guest", kind, 77, 5000, 0, Limits(), Notices())
        self.sources = [Source(name, kind, random) for name in ("m0", "m1", "m2")]
        self.source: Source | None = None
        self.contexts: dict[int, tuple[Context, Context]] = {}
        self.peers: dict[str, int] = {}
        self.heard: dict[str, int] = {}
        self.count = 0
        self.sends = 0

    def perform(self, actions: list[Action]) -> None:
        for action in actions:
            assert isinstance(action, Forward | Resend)
            viewers = list(action.audience.indexes) if isinstance(action, Forward) else [action.viewer]
            for viewer in viewers:
                for packet in action.packets:
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

    def packets(self, count: int) -> None:
        source = self.source
        if source is None:
            return
        for place in range(count):
            self.now += 0.004
            arrival = source.arrival(self.now, starts=place == 0 or place % 500 == 0)
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
        for peer in list(self.peers):
            numbers = [self.random.randrange(65536) for _ in range(3)]
            near = self.stream.next_number + self.random.choice((0, 1, 2, 3)) * 16384
            numbers += [(near - self.random.randrange(1500)) & 0xFFFF for _ in range(10)]
            found = self.stream.resend(peer, iter(numbers))
            if found.packets:
                self.perform([Resend(tuple(found.packets), found.viewer)])


@pytest.mark.parametrize("kind", list(Kind))
@pytest.mark.parametrize("seed", range(6))
def test_one_number_one_plaintext(kind: Kind, seed: int) -> None:
    hall = Hall(kind, seed)
    happenings = [hall.join, hall.join, hall.leave, hall.route, hall.route, hall.unroute, hall.change_codec]
    for _ in range(3):
        hall.join()
    hall.route()
    for _ in range(30):
        hall.random.choice(happenings)()
        hall.packets(hall.random.choice((1, 10, 200, 200, 3000, 14_000, 30_000)))
    assert hall.sends > 10_000


def test_a_viewer_left_out_for_more_than_half_the_numbers_comes_back_on_another_line() -> None:
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
