from __future__ import annotations

from signaling.control import Audience
from signaling.relay.limits import Limits
from signaling.relay.link import CALM, LOOK, Link
from signaling.relay.notices import Notices
from signaling.relay.publication import Arrival, Track
from signaling.relay.stream import Feed, Stream
from signaling.relay.subscription import Subscription
from signaling.session.offer import Codec, Kind

SSRC, FIRST = 77, 5_000
PACKETS = (2, 4, 12)  # of a frame, by layer; 20 frames a second of 500-byte packets
RATES = [count * 20 * 500 * 8 for count in PACKETS]


class Rig:
    """One viewer of a stream that has up to three layers."""

    def __init__(self) -> None:
        self.stream = Stream("guest", Kind.VIDEO, SSRC, FIRST, 0, Limits(), Notices())
        self.stream.add(Subscription("v", "x", False, 1, {Codec.VP8: 96}))
        self.link = Link("v", {SSRC: self.stream})
        self.now = 100.0
        self.told: list[tuple[float, str]] = []
        self.begun = self.now
        self.publish("pub")

    def publish(self, publication: str, layers: int = 3) -> None:
        self.feed = Feed(publication, "m", Audience.EVERYONE)
        self.stream.route(self.feed, self.now)
        self.tracks = [Track(Kind.VIDEO, ssrc, ssrc) for ssrc in range(layers)]
        self.numbers = [65_536] * layers

    def run(self, seconds: float, miss: int = 0, page: float | None = None) -> list[tuple[float, str]]:
        """What it is told meanwhile and when. Every `miss`th packet it asks for again; its page says that `page` is
        lost; every frame of the publisher is a key frame."""
        self.told, self.begun = [], self.now
        for frame in range(round(seconds * 20)):
            self.now = self.begun + frame / 20
            for layer, track in enumerate(self.tracks):
                track.clock.arrived(round(self.now * 90_000) & 0xFFFFFFFF, self.now)
                for place in range(PACKETS[layer]):
                    self._packet(track, layer, place)
            self.stream.tick(self.now, replay=False)
            if miss:
                self._ask(miss)
            if page is not None and not frame % 20:
                self.link.page(page, 0.0, self.now)
            self.told += [(round(self.now - self.begun, 2), level) for _, level in self.link.judge(self.now)]
        self.now = self.begun + seconds
        return self.told

    def _packet(self, track: Track, layer: int, place: int) -> None:
        self.numbers[layer] += 1
        timestamp = round(self.now * 90_000) & 0xFFFFFFFF
        arrival = Arrival(track, Codec.VP8, self.numbers[layer], 0, timestamp, bytes(500), place == 0, None, layer)
        self.stream.receive(self.feed.publication, arrival, self.now, behind=False, keep=False)

    def _ask(self, miss: int) -> None:
        counts = self.stream.counts("v")
        if counts is not None:
            lost = [number & 0xFFFF for number in range(counts[0] - 20, counts[0]) if not number % miss]
            self.link.missed()
            self.stream.miss("v", lost)

    @property
    def layer(self) -> int:
        return self.stream.layer_of("v")


def test_a_viewer_without_trouble_is_told_nothing() -> None:
    rig = Rig()
    assert rig.run(12.0) == []
    assert rig.layer == 2
    assert rig.link.packet_rate == 20 * PACKETS[2]


def test_what_it_asks_for_again_moves_it_down() -> None:
    rig = Rig()
    rig.run(6.0)
    told = rig.run(4.0, miss=4)
    assert [level for _, level in told] == ["reduced"]
    assert told[0][0] <= CALM + 1.5
    assert rig.layer < 2


def test_what_its_reports_and_its_page_say_moves_it_down() -> None:
    rig = Rig()
    rig.run(6.0)
    for _ in range(6):
        rig.link.block(SSRC, 128)
        rig.run(LOOK)
    assert rig.layer < 2
    rig = Rig()
    rig.run(6.0)
    assert [level for _, level in rig.run(4.0, page=0.3)] == ["reduced"]


def test_a_low_estimate_counts_only_after_it_fell() -> None:
    rig = Rig()
    rig.run(6.0)
    for _ in range(4):  # a browser that has only just begun to estimate
        rig.link.estimate(RATES[1] // 2, rig.now)
        assert rig.run(1.0) == []
    rig.link.estimate(RATES[2], rig.now)
    rig.run(1.0)
    told: list[tuple[float, str]] = []
    for _ in range(4):
        rig.link.estimate(RATES[1] + 10_000, rig.now)
        told += rig.run(1.0)
    assert [level for _, level in told] == ["reduced"]
    assert rig.layer == 1


def test_it_is_told_when_there_is_less_to_be_sent_and_when_there_is_more_again() -> None:
    rig = Rig()
    rig.run(6.0)
    rig.run(4.0, page=0.15)
    assert rig.layer == 1
    rig.publish("small", layers=1)
    assert [level for _, level in rig.run(4.0)] == ["full"]
    rig.publish("large")
    assert [level for _, level in rig.run(CALM + 2.0)] == ["reduced"]
    assert rig.layer == 1


def test_who_recovered_is_sent_whatever_comes_later() -> None:
    rig = Rig()
    rig.publish("two", layers=2)
    rig.run(6.0)
    assert [level for _, level in rig.run(4.0, page=0.15)] == ["reduced"]
    assert [level for _, level in rig.run(15.0)] == ["full"]
    rig.publish("three")
    assert rig.run(6.0) == []
    assert rig.layer == 2


def test_without_a_picture_nothing_new_is_told() -> None:
    rig = Rig()
    rig.run(6.0)
    rig.run(4.0, page=0.15)
    rig.stream.route(None, rig.now)
    rig.tracks = []
    assert rig.run(10.0) == []


def test_sound_only_ends_when_what_it_hears_is_whole() -> None:
    rig = Rig()
    rig.publish("small", layers=1)
    rig.run(6.0)
    assert [level for _, level in rig.run(8.0, page=0.5)] == ["audio-only"]
    assert not rig.stream.feeds("v")
    assert [level for _, level in rig.run(16.0)] == ["full"]
    assert rig.stream.feeds("v")
