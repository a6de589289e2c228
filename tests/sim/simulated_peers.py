"""A publisher and a viewer as browsers behave, in virtual time and without encryption."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

from aioice import stun

from signaling import wire
from signaling.ports import Address
from signaling.session.answer import Answer
from signaling.session.offer import Codec, Direction, Fingerprint, Kind, Line, Offer, Setup
from signaling.session.variant import RID
from signaling.wire import KeyFrameAsked, Nack, Remb, ReportBlock, Rtp, SenderReport

CHROMIUM = {Kind.AUDIO: {Codec.OPUS: 111}, Kind.VIDEO: {Codec.H264: 108, Codec.VP8: 96}}
FIREFOX = {Kind.AUDIO: {Codec.OPUS: 109}, Kind.VIDEO: {Codec.VP8: 120}}
RID_ID = 10
TRIES = 10  # so often a browser asks for a packet again
Family = dict[Kind, dict[Codec, int]]
FINGERPRINTS = (Fingerprint("sha-256", ":".join(["AB"] * 32)),)

SPS, PPS = b"\x67\x42\xe0\x1f" + bytes(8), b"\x68\xce\x3c\x80"


def offer(
    direction: Direction,
    family: Family,
    pairs: int,
    setup: Setup = Setup.ACTPASS,
    name: str = "x",
    rids: tuple[str, ...] = (),
) -> Offer:
    """`pairs` audio and video lines; `rids`: the layers of the video."""
    lines = tuple(
        Line(
            f"{number}{kind.value}",
            kind,
            direction,
            dict(family[kind]),
            extensions={RID: RID_ID} if rids and kind is Kind.VIDEO else {},
            rids=rids if kind is Kind.VIDEO else (),
        )
        for number in range(pairs)
        for kind in Kind
    )
    return Offer(f"their{name}", f"password-of-{name}-22-characters", FINGERPRINTS, setup, lines)


class Ice:
    """The full-ICE side of a peer: checks, answers to the relay's checks."""

    def __init__(self, offered: Offer, answer: Answer, address: Address, random: Random) -> None:
        self.offer = offered
        self.answer = answer
        self.address = address
        self._random = random
        self.answered = 0
        self.deaf = False

    def check(self, nominate: bool = True) -> bytes:
        message = stun.Message(
            stun.Method.BINDING,
            stun.Class.REQUEST,
            self._random.randbytes(12),
            {"USERNAME": f"{self.answer.ufrag}:{self.offer.ufrag}", "PRIORITY": 1, "ICE-CONTROLLING": 5},
        )
        if nominate:
            message.attributes["USE-CANDIDATE"] = None
        message.add_message_integrity(self.answer.pwd.encode())
        return bytes(message)

    def receive(self, data: bytes, source: Address) -> bytes | None:
        """The answer to a check of the relay's; None for an answer to our own."""
        message = wire.parse_stun(data)
        if not message.is_request:
            assert message.authentic(self.answer.pwd)
            self.answered += 1
            return None
        assert message.username == f"{self.offer.ufrag}:{self.answer.ufrag}"
        assert message.authentic(self.offer.pwd)
        return None if self.deaf else wire.pack_binding_response(message, source, self.offer.pwd)


@dataclass
class Publisher:
    """Sends 30 frames and 50 Opus packets a second; answers NACK from its history and PLI by a key frame."""

    member: str
    send: Callable[[bytes], None]
    send_rtcp: Callable[[bytes], None]
    codec: Codec = Codec.VP8
    payload_types: dict[Codec, int] = field(default_factory=lambda: {Codec.OPUS: 111, Codec.VP8: 96, Codec.H264: 108})
    answers_pli: bool = True
    key_every: int | None = None  # frames
    packets_per_frame: int = 4
    padding_probes: bool = False
    parameters_once: bool = False
    ssrcs: dict[Kind, int] = field(default_factory=lambda: {Kind.AUDIO: 1001, Kind.VIDEO: 2002})
    numbers: dict[Kind, int] = field(default_factory=lambda: {Kind.AUDIO: 65_000, Kind.VIDEO: 64_000})
    frame: int = 0
    key_wanted: bool = True
    history: dict[tuple[int, int], bytes] = field(default_factory=dict)
    plis: list[float] = field(default_factory=list)
    rembs: list[int] = field(default_factory=list)
    nacked: int = 0
    sent_payloads: list[bytes] = field(default_factory=list)
    parameters_sent: bool = False

    def video(self, now: float) -> None:
        key = self.key_wanted or (self.key_every is not None and self.frame % self.key_every == 0)
        if key:
            self.key_wanted = False
        timestamp = round(now * 90_000)
        payloads = self._vp8(key) if self.codec is Codec.VP8 else self._h264(key)
        for place, payload in enumerate(payloads):
            self._rtp(Kind.VIDEO, self.codec, timestamp, payload, int(place == len(payloads) - 1))
        if self.padding_probes and self.frame % 5 == 0:
            self._padding(timestamp)
        self.frame += 1

    def audio(self, now: float) -> None:
        mark = f"{self.member} audio {self.numbers[Kind.AUDIO]}".encode()
        self._rtp(Kind.AUDIO, Codec.OPUS, round(now * 48_000), b"\xfc" + mark, 0)

    def report(self, now: float) -> None:
        ntp = round((now + 5_000_000) * 2**32)
        for kind, rate in ((Kind.AUDIO, 48_000), (Kind.VIDEO, 90_000)):
            report = SenderReport(self.ssrcs[kind], ntp, round(now * rate) & 0xFFFFFFFF, 0, 0)
            self.send_rtcp(wire.pack_sender_report(report))

    def receive_rtcp(self, packet: bytes, now: float) -> None:
        for feedback in wire.parse_rtcp(packet):
            if isinstance(feedback, KeyFrameAsked) and feedback.ssrc == self.ssrcs[Kind.VIDEO]:
                self.plis.append(now)
                self.key_wanted = self.key_wanted or self.answers_pli
            elif isinstance(feedback, Nack):
                for number in feedback.numbers:
                    self.nacked += 1
                    again = self.history.get((feedback.ssrc, number))
                    if again is not None:
                        self.send(again)
            elif isinstance(feedback, Remb):
                self.rembs.append(feedback.bitrate)

    def _vp8(self, key: bool) -> list[bytes]:
        count = self.packets_per_frame * (4 if key else 1)
        mark = f"{self.member} frame {self.frame} key {key}".encode()
        return [
            bytes([0x10 if place == 0 else 0x00]) + bytes([0x00 if key else 0x01]) + mark + b" %d" % place
            for place in range(count)
        ]

    def _h264(self, key: bool) -> list[bytes]:
        mark = f"{self.member} frame {self.frame} key {key}".encode()
        if not key:
            return [b"\x61\xe0" + mark]
        payloads = [
            b"\x7c" + bytes([0x85 if place == 0 else 0x45 if place == 3 else 0x05]) + mark for place in range(4)
        ]
        if self.parameters_once and self.parameters_sent:
            return payloads
        self.parameters_sent = True
        sets = b"\x78" + b"".join(len(unit).to_bytes(2, "big") + unit for unit in (SPS, PPS))
        return [sets, *payloads]

    def _rtp(self, kind: Kind, codec: Codec, timestamp: int, payload: bytes, marker: int) -> None:
        number = self.numbers[kind] = (self.numbers[kind] + 1) & 0xFFFF
        packet = wire.pack_rtp(self.payload_types[codec], marker, number, timestamp, self.ssrcs[kind], payload)
        self.history[self.ssrcs[kind], number] = packet
        self.sent_payloads.append(payload)
        self.send(packet)

    def _padding(self, timestamp: int) -> None:
        number = self.numbers[Kind.VIDEO] = (self.numbers[Kind.VIDEO] + 1) & 0xFFFF
        header = wire.pack_rtp(self.payload_types[self.codec], 0, number, timestamp, self.ssrcs[Kind.VIDEO], b"")
        packet = bytes([header[0] | 0x20]) + header[1:] + bytes(99) + bytes([100])
        self.history[self.ssrcs[Kind.VIDEO], number] = packet
        self.send(packet)


class Received:
    """What a viewer has of one SSRC: packets by extended number, and what it misses."""

    def __init__(self) -> None:
        self.packets: dict[int, Rtp] = {}
        self.first = self.highest = -1
        self.missing: dict[int, float] = {}
        self.tries: dict[int, int] = {}
        self.times: list[float] = []
        self.report: tuple[int, float] | None = None
        self.reports: list[tuple[float, SenderReport]] = []

    def put(self, rtp: Rtp, now: float) -> None:
        if self.highest < 0:
            number = self.first = rtp.number
        else:
            number = self.highest + (((rtp.number - self.highest + 0x8000) & 0xFFFF) - 0x8000)
        if number > self.highest:
            if self.highest >= 0 and number - self.highest < 1000:
                self.missing.update(dict.fromkeys(range(self.highest + 1, number), now))
            self.highest = number
        self.missing.pop(number, None)
        self.packets[number] = rtp
        self.times.append(now)


class Viewer:
    """Sends NACKs for what is missing at once and every 50 ms, reports every second."""

    def __init__(self, answer: Answer, send_rtcp: Callable[[bytes], None]) -> None:
        self.send_rtcp = send_rtcp
        self.slots = {line.ssrc: (line.slot, line.kind) for line in answer.lines if line.ssrc is not None}
        self.payload_types = {
            payload_type: codec for line in answer.lines for codec, payload_type in line.codecs.items()
        }
        self.received: dict[int, Received] = {}
        self.sources: dict[int, float] = {}
        """Contributing sources by when they were seen last."""
        self.reporting = True

    def of(self, slot: str, kind: Kind) -> Received:
        ssrc = next(ssrc for ssrc, place in self.slots.items() if place == (slot, kind))
        return self.received.setdefault(ssrc, Received())

    def receive(self, packet: bytes, now: float) -> None:
        rtp = wire.parse_rtp(packet)
        assert rtp.ssrc in self.slots, "a packet of no line of ours"
        assert rtp.payload_type in self.payload_types, "a payload type that was not offered"
        assert packet[0] & 0x0F == 1, "a packet without its one contributing source"
        self.sources[int.from_bytes(packet[12:16], "big")] = now
        self.received.setdefault(rtp.ssrc, Received()).put(rtp, now)

    def receive_rtcp(self, packet: bytes, now: float) -> None:
        for feedback in wire.parse_rtcp(packet):
            if isinstance(feedback, SenderReport):
                received = self.received.setdefault(feedback.ssrc, Received())
                received.report = ((feedback.ntp >> 16) & 0xFFFFFFFF, now)
                received.reports.append((now, feedback))

    def nack(self, now: float) -> None:
        for ssrc, received in self.received.items():
            numbers = sorted(number for number in received.missing if number > received.highest - 1000)[:200]
            for number in numbers:
                received.tries[number] = received.tries.get(number, 0) + 1
                if received.tries[number] == TRIES:
                    del received.missing[number]
            if numbers:
                self.send_rtcp(wire.pack_nack(1, ssrc, [number & 0xFFFF for number in numbers]))

    def report(self, now: float) -> None:
        if not self.reporting:
            return
        blocks = []
        for ssrc, received in self.received.items():
            if received.highest >= 0:
                lsr, at = received.report if received.report is not None else (0, now)
                blocks.append(ReportBlock(ssrc, 0, 0, received.highest, 0, lsr, round((now - at) * 65536)))
        self.send_rtcp(wire.pack_receiver_report(1, blocks))
