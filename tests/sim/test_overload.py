"""The core and its schedule under more than the machine, or its uplink, can carry. Time is simulated."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from random import Random

import pytest

from signaling.control import Audience, Route
from signaling.relay.actions import Action, Forward, SendRtcp
from signaling.relay.ingest import Ingest
from signaling.relay.limits import Limits
from signaling.relay.notices import Notices
from signaling.relay.publication import Publication
from signaling.relay.schedule import Schedule
from signaling.relay.slot import Slots
from signaling.relay.subscription import Subscription
from signaling.relay.uplink import OVERHEAD
from signaling.session.offer import Codec, Kind
from signaling.wire import KeyFrameAsked, Remb, pack_rtp, parse_rtcp, parse_rtp

STEP = 0.005
SOON = 2 * STEP + 1e-6
SLICE = 512
ONE_TURN = 8 * 1_160 * 8  # bits on the link of the least that is sent at once
FORMATS = {111: (Kind.AUDIO, Codec.OPUS), 96: (Kind.VIDEO, Codec.VP8)}
KEY, DELTA = b"\x10\x00", b"\x10\x01"
RATE = 25  # frames a second


@dataclass
class Publisher:
    """25 frames a second of so many packets, a key frame where asked and every four seconds; sound. One that follows
    its caps makes frames, and key frames, of the size that fits."""

    frame: int = 4
    key: int = 80
    size: int = 1_100
    follows: bool = False
    asked: bool = True
    numbers: dict[int, int] = field(default_factory=lambda: {96: 0, 111: 0})

    def hear(self, actions: list[Action]) -> None:
        for action in actions:
            if isinstance(action, SendRtcp):
                for one in parse_rtcp(action.packet):
                    if isinstance(one, KeyFrameAsked):
                        self.asked = True
                    elif isinstance(one, Remb) and self.follows:
                        packets = (one.bitrate - 64_000) / (self.size * 8)
                        self.key = max(4, round(packets / 2))
                        self.frame = max(1, int(packets / RATE))

    def video(self, index: int) -> list[bytes]:
        begins = self.asked or index % (4 * RATE) == 0
        self.asked = False
        count = self.key if begins else self.frame
        return [
            self._rtp(96, index * 3_600, (KEY if begins and place == 0 else DELTA).ljust(self.size, b"x"))
            for place in range(count)
        ]

    def sound(self, index: int) -> bytes:
        return self._rtp(111, index * 960, bytes(120))

    def _rtp(self, payload_type: int, timestamp: int, payload: bytes) -> bytes:
        self.numbers[payload_type] += 1
        return pack_rtp(payload_type, 1, self.numbers[payload_type], timestamp, payload_type, payload)


class Evening:
    """A lecturer and an audience of so many; `capacity`: sends a second of this machine."""

    def __init__(self, publisher: Publisher, viewers: int, capacity: float, limit: int = 0) -> None:
        self.publisher = publisher
        self.notices = Notices()
        limits = Limits(uplink_limit=limit)
        self.schedule = Schedule(limit)
        slots = Slots(Random(1), limits, self.notices)
        self.ingest = Ingest(self.schedule, lambda lecture: slots, 5, limits)
        self.publication = Publication("p", "l", "m", "lecturer", FORMATS)
        self.ingest.add(self.publication)
        for kind, codec, payload_type in ((Kind.VIDEO, Codec.VP8, 96), (Kind.AUDIO, Codec.OPUS, 111)):
            for viewer in range(viewers):
                subscription = Subscription(f"v{viewer}", f"m{viewer}", False, viewer, {codec: payload_type})
                slots.named("lecturer").streams[kind].add(subscription)
        self.ingest.route(Route("p", "lecturer", Audience.EVERYONE), 0.0)
        self.capacity = capacity
        self.now = 0.0
        self.put: dict[int, float] = {}
        self.delays: dict[int, list[tuple[float, float]]] = {96: [], 111: []}
        self.spent: deque[tuple[float, int]] = deque()
        self.frames = 0  # key frames that went out
        self._left = 0.0
        self._videos = self._sounds = self._ticks = 0

    def run(self, seconds: float) -> None:
        until = self.now + seconds
        while self.now < until:
            self._arrive()
            if self.now >= self._ticks * 0.02:
                self._ticks += 1
                self.schedule.refill(self.now)
                self._perform(self.ingest.tick(self.now))
            self._send()
            self.now += STEP

    def _arrive(self) -> None:
        if self.now >= self._sounds / 50:
            self._sounds += 1
            self._perform(self.ingest.rtp(self.publication, self.publisher.sound(self._sounds), self.now))
        if self.now >= self._videos / RATE:
            self._videos += 1
            for packet in self.publisher.video(self._videos):
                self._perform(self.ingest.rtp(self.publication, packet, self.now))

    def _perform(self, actions: list[Action]) -> None:
        self.publisher.hear(actions)
        for action in actions:
            if isinstance(action, Forward):
                self.schedule.put(action, self.now)
                self.put.update(dict.fromkeys(map(id, action.packets), self.now))
                self.kept = [*getattr(self, "kept", [])[-20_000:], *action.packets]  # so that no id is used again

    def _send(self) -> None:
        self._left = min(self._left, 0.0) + self.capacity * STEP
        bits = 0
        while self._left > 0 and (found := self.schedule.take(SLICE, self.now)) is not None:
            self._left -= len(found.packets) * len(found.viewers)
            bits += sum(len(packet) + OVERHEAD for packet in found.packets) * len(found.viewers) * 8
            for packet in found.packets:
                delay = self.now - self.put[id(packet)]
                self.delays[packet[1] & 0x7F].append((self.now, delay))
            if 0 in found.viewers:
                self.frames += sum(
                    packet[1] & 0x7F == 96 and parse_rtp(packet).payload[:2] == KEY for packet in found.packets
                )
        self.spent.append((self.now, bits))

    def longest(self, payload_type: int, since: float = 0.0) -> float:
        return max(delay for at, delay in self.delays[payload_type] if at >= since)

    def busiest(self, since: float = 0.0) -> float:
        """Bits of the second in which most went out."""
        window: deque[tuple[float, int]] = deque()
        most = total = 0
        for at, bits in self.spent:
            if at < since:
                continue
            window.append((at, bits))
            total += bits
            while window[0][0] <= at - 1.0:
                total -= window.popleft()[1]
            most = max(most, total)
        return most


@pytest.mark.parametrize(("viewers", "microseconds"), [(1_120, 2.8), (1_800, 2.2), (2_500, 1.8)])
def test_a_key_frame_for_everyone_is_no_reason_to_drop(viewers: int, microseconds: float) -> None:
    evening = Evening(Publisher(), viewers, 1e6 / microseconds)
    evening.run(9)
    assert not evening.notices.dropped
    assert evening.frames == 3
    assert evening.longest(96) < 1.0
    assert evening.longest(111) <= SOON


@pytest.mark.parametrize("overload", [1.5, 3.0])
def test_a_relay_that_is_too_slow_drops_soon_and_video_stays_in_time(overload: float) -> None:
    viewers = 1_500
    publisher = Publisher()
    wanted = (publisher.frame * RATE + (publisher.key - publisher.frame) / 4) * viewers
    evening = Evening(publisher, viewers, wanted / overload + 50 * viewers)
    evening.run(20)
    assert evening.notices.dropped["behind"] > 0
    assert evening.longest(96) < 1.0 + publisher.key * overload / (wanted / viewers) + 0.1  # a key frame goes out whole
    assert evening.longest(111) <= SOON
    assert evening.frames >= 3  # and still there is a picture


def test_a_publisher_that_follows_its_cap_is_never_dropped_for_the_uplink() -> None:
    evening = Evening(Publisher(2, 20, follows=True), 1_120, 1e6, limit=900_000_000)
    evening.run(10)
    assert not evening.notices.dropped
    assert evening.busiest() <= 900_000_000 + ONE_TURN
    assert evening.busiest(since=2.0) > 600_000_000
    assert evening.longest(96) < 1.0


def test_one_that_follows_no_cap_is_thinned_and_the_uplink_is_kept() -> None:
    evening = Evening(Publisher(), 1_000, 1e6, limit=400_000_000)
    evening.run(15)
    assert evening.notices.dropped["uplink"] > 0
    assert "behind" not in evening.notices.dropped
    assert evening.busiest() <= 400_000_000 + ONE_TURN
    assert evening.longest(111) <= SOON
    assert len(evening.delays[111]) >= 15 * 50
    assert evening.frames >= 3
