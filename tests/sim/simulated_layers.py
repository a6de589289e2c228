"""A publisher with layers, as a browser sends them, and a link that carries only so many packets."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random

from signaling import wire
from signaling.wire import KeyFrameAsked, SenderReport
from tests.sim.simulated_link import Link, Timeline
from tests.sim.simulated_peers import RID_ID, Publisher

RIDS = ("q", "h", "f")
PER_FRAME = (2, 4, 8)  # packets of a frame, by layer
FIRST_SSRC = 3000


@dataclass
class LayeredPublisher(Publisher):
    """Three layers of VP8 with clocks of their own; those in `active` are sent. The rid goes with the first packets."""

    active: set[int] = field(default_factory=lambda: {0, 1, 2})
    keys: set[int] = field(default_factory=lambda: {0, 1, 2})
    asked: list[tuple[float, int]] = field(default_factory=list)
    counts: dict[int, int] = field(default_factory=lambda: {0: 0, 1: 0, 2: 0})

    def video(self, now: float) -> None:
        for layer in sorted(self.active):
            key = layer in self.keys
            self.keys.discard(layer)
            count = PER_FRAME[layer] * (3 if key else 1)
            for place in range(count):
                body = bytes([0x10 if place == 0 else 0x00, 0x00 if key else 0x01, layer, int(key), place])
                self._send_layer(layer, round((now + 7 * layer) * 90_000), body + bytes(20), int(place == count - 1))
        self.frame += 1

    def turn_on(self, layer: int) -> None:
        self.active.add(layer)
        self.keys.add(layer)

    def _send_layer(self, layer: int, timestamp: int, payload: bytes, marker: int) -> None:
        number = self.counts[layer] & 0xFFFF
        packet = wire.pack_rtp(96, marker, number, timestamp, FIRST_SSRC + layer, b"")
        if self.counts[layer] < 50:
            extension = b"\xbe\xde\x00\x01" + bytes([RID_ID << 4]) + RIDS[layer].encode() + bytes(2)
            packet = bytes([packet[0] | 0x10]) + packet[1:] + extension
        packet += payload
        self.counts[layer] += 1
        self.history[FIRST_SSRC + layer, number] = packet
        self.send(packet)

    def report(self, now: float) -> None:
        super().report(now)
        ntp = round((now + 5_000_000) * 2**32)
        for layer in self.active:
            timestamp = round((now + 7 * layer) * 90_000) & 0xFFFFFFFF
            self.send_rtcp(wire.pack_sender_report(SenderReport(FIRST_SSRC + layer, ntp, timestamp, 0, 0)))

    def receive_rtcp(self, packet: bytes, now: float) -> None:
        super().receive_rtcp(packet, now)
        for feedback in wire.parse_rtcp(packet):
            if isinstance(feedback, KeyFrameAsked) and feedback.ssrc >= FIRST_SSRC:
                layer = feedback.ssrc - FIRST_SSRC
                self.asked.append((now, layer))
                self.keys.add(layer)


class NarrowLink(Link):
    """Carries `rate` packets a second, with a queue of 200 ms; what comes beyond is lost."""

    def __init__(self, time: Timeline, rate: float) -> None:
        super().__init__(Random(5))
        self.time = time
        self.rate = rate
        self._free_at = 0.0

    def arrivals(self) -> Iterator[float]:
        wait = max(0.0, self._free_at - self.time.now)
        if wait < 0.2:
            self._free_at = self.time.now + wait + 1 / self.rate
            yield self.delay + wait


def layer_of(payload: bytes) -> tuple[int, bool]:
    """The layer of a packet, and whether it begins a key frame."""
    return payload[2], bool(payload[3]) and payload[4] == 0
