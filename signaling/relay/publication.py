"""One WHIP session's media: its tracks as they arrive."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from signaling.control import Audience
from signaling.relay.ceiling import Ceiling
from signaling.relay.clock import Origin, SourceClock, signed
from signaling.relay.feedback import KeyFrameRequests, Reception
from signaling.relay.keyframe import FINDERS, Finder
from signaling.relay.transport_feedback import TransportFeedback
from signaling.session.answer import AnsweredLine
from signaling.session.offer import Codec, Direction, Kind
from signaling.session.variant import LAYERS
from signaling.wire import NO_EXTENSIONS, Extensions, ReportBlock, Rtp, SenderReport

RATES = {Kind.AUDIO: 48_000, Kind.VIDEO: 90_000}
SILENCE = 2.0  # seconds without a packet
OFF = 1.0  # seconds that a layer is behind another, after which it is taken to be turned off
CHANGE = 0.5  # seconds that an SSRC must have been quiet before another takes its place


class Arrival(NamedTuple):
    """A packet of a track, once. `number` is extended; an empty payload is a padding probe."""

    track: Track
    codec: Codec
    number: int
    marker: int
    timestamp: int
    payload: bytes
    starts: bool
    """A key frame begins here (every audio packet is one)."""
    parameters: bytes | None
    """A payload that must go before it: the key frame lacks its parameter sets."""
    layer: int = 0
    """Which of the publication's encodings it is of: 0 is the smallest, or the only one."""


class Track:
    """One SSRC of one kind: one layer (simulcast encoding) of it, 0 being the smallest or the only one."""

    def __init__(self, kind: Kind, ssrc: int, layer: int = 0) -> None:
        self.kind = kind
        self.ssrc = ssrc
        self.layer = layer
        self.rate = RATES[kind]
        self.reception = Reception(ssrc, self.rate)
        self.clock = SourceClock(self.rate)
        self.last = 0.0
        self.lost = 0
        """Packets given up, of those that a key frame was asked for."""
        self.codec: Codec | None = None
        self.b_frames = False
        self.whole: int | None = None
        """The timestamp of the key frame that began while there was room, and goes out whole."""
        self._finders: dict[Codec, Finder] = {}
        self._timestamp: int | None = None

    def receive(self, rtp: Rtp, codec: Codec, now: float) -> Arrival | None:
        """None for a duplicate, or one that comes too late."""
        before = self.reception.highest
        number = self.reception.receive(rtp.number, rtp.timestamp, now)
        if number is None:
            return None
        self.last = now
        in_order = before is None or number > before
        if codec is not self.codec:
            self.codec = codec
            self._timestamp = None
            self._finders.setdefault(codec, FINDERS[codec]())
        look = self._finders[codec].look(rtp.timestamp, rtp.payload)
        if in_order and rtp.payload:
            self.clock.arrived(rtp.timestamp, now)
            back = self._timestamp is not None and signed(rtp.timestamp - self._timestamp) < 0
            if codec is Codec.H264 and (look.b_slice or back):
                self.b_frames = True
            self._timestamp = rtp.timestamp
        return Arrival(
            self, codec, number, rtp.marker, rtp.timestamp, rtp.payload, look.starts, look.parameters, self.layer
        )


@dataclass(frozen=True, slots=True)
class Flow:
    """Which media arrive."""

    audio: bool = False
    video: Codec | None = None

    def holds(self, arrival: Arrival) -> bool:
        """Whether this packet is of what flows."""
        return self.audio if arrival.track.kind is Kind.AUDIO else self.video is arrival.codec


STILL = Flow()


@dataclass(slots=True, eq=False)
class Publication:
    """`slot` is where its grant lets it publish. `routed` is the slot that the room has put it on and where it shows or
    will; `feeds` is the slot whose streams look at its packets: until another publication's key frame it still shows
    where it no longer is routed. `rids` names the layers of its video, the smallest first; empty without simulcast.

    Theory of operation of layers. Only a layer's first packets name their rid, until a report has acknowledged them
    (RFC 8852 §3.3): they bind the SSRC to the layer, and a packet of an unknown SSRC without a rid is nobody's. A layer
    may stop and go on at any time, for its publisher turns off what its uplink does not bear. Streams that repair have
    payload types that were not answered, or name the rid that they repair: both are left out.
    """

    peer: str
    lecture: str
    member: str
    slot: str
    formats: dict[int, tuple[Kind, Codec]]
    rids: tuple[str, ...] = ()
    extensions: Extensions = NO_EXTENSIONS
    routed: str | None = None
    feeds: str | None = None
    audience: Audience = Audience.NOBODY
    tracks: dict[tuple[Kind, int], Track] = field(default_factory=dict)
    requests: tuple[KeyFrameRequests, ...] = field(
        default_factory=lambda: tuple(KeyFrameRequests() for _ in range(LAYERS))
    )
    """For each layer of its video."""
    transport: TransportFeedback = field(default_factory=TransportFeedback)
    origin: Origin = field(default_factory=Origin)
    flow: Flow = STILL
    last: float = 0.0
    next_report: float = 0.0
    told: set[str] = field(default_factory=set)  # troubles
    ceiling: Ceiling = field(default_factory=Ceiling)

    def receive(self, rtp: Rtp, now: float) -> Arrival | None:
        """A packet of a codec and source of ours, the first time it comes; else None."""
        if rtp.wide is not None:
            self.transport.arrived(rtp.wide, rtp.ssrc, now)
        found = self.formats.get(rtp.payload_type)
        if found is None or rtp.repaired is not None:
            return None
        kind, codec = found
        layer = self._layer(kind, rtp)
        if layer is None:
            return None
        track = self.tracks.get((kind, layer))
        if track is None or (track.ssrc != rtp.ssrc and now - track.last > CHANGE):
            track = self.tracks[kind, layer] = Track(kind, rtp.ssrc, layer)
        if track.ssrc != rtp.ssrc:
            return None
        arrival = track.receive(rtp, codec, now)
        if arrival is None:
            return None
        self.last = now
        if arrival.starts and kind is Kind.VIDEO:
            self.requests[layer].came(now)
        return arrival

    def _layer(self, kind: Kind, rtp: Rtp) -> int | None:
        """Which layer a packet is of; None while nothing says it."""
        if kind is Kind.AUDIO or not self.rids:
            return 0
        known = next((track.layer for track in self.videos if track.ssrc == rtp.ssrc), None)
        if known is None and rtp.rid in self.rids:
            return self.rids.index(rtp.rid)
        return known

    @property
    def purpose(self) -> tuple[str, str, str]:
        """What only one publication is for: who comes back comes back with the same."""
        return self.lecture, self.member, self.slot

    @property
    def layers(self) -> int:
        """How many layers of video it may send."""
        return max(1, len(self.rids))

    @property
    def videos(self) -> list[Track]:
        """Its layers that were ever seen, the smallest first."""
        return [track for place in range(LAYERS) if (track := self.tracks.get((Kind.VIDEO, place))) is not None]

    def off(self, track: Track) -> bool:
        """Whether this layer is turned off while others go on. (All are quiet while a screen does not change.)"""
        return max(other.last for other in self.videos) - track.last > OFF

    @property
    def silent(self) -> bool:
        """Whether it makes no key frames when asked. Who sends layers is a browser, which does: only its layers that
        are turned off do not."""
        return not self.rids and self.requests[0].silent

    def reported(self, report: SenderReport, now: float) -> None:
        for track in self.tracks.values():
            if track.ssrc == report.ssrc:
                track.reception.reported(report.ntp, now)
                track.clock.reported(report.timestamp, self.origin.place(report.ntp / 2**32, now))

    def observe(self, now: float) -> Flow:
        """What flows now, by what arrived in the last two seconds; of video any layer counts."""
        audio = self.tracks.get((Kind.AUDIO, 0))
        codecs = [track.codec for track in self.videos if now - track.last < SILENCE]
        return Flow(audio is not None and now - audio.last < SILENCE, codecs[-1] if codecs else None)

    @property
    def kinds(self) -> frozenset[Kind]:
        return frozenset(kind for kind, _ in self.formats.values())

    def blocks(self, now: float) -> list[ReportBlock]:
        found = (track.reception.block(now) for track in self.tracks.values())
        return [block for block in found if block is not None]


def rids_of(lines: tuple[AnsweredLine, ...]) -> tuple[str, ...]:
    """The layers of a publisher's video, the smallest first."""
    return next((line.rids for line in lines if line.direction is Direction.RECVONLY and line.rids), ())


def extensions_of(lines: tuple[AnsweredLine, ...]) -> Extensions:
    ids: dict[str, int] = {}
    for line in lines:
        ids.update(line.extensions)
    return Extensions(ids)


def formats_of(lines: tuple[AnsweredLine, ...]) -> dict[int, tuple[Kind, Codec]]:
    """What each payload type of a publisher's answered lines carries."""
    return {
        payload_type: (line.kind, codec)
        for line in lines
        if line.direction is Direction.RECVONLY
        for codec, payload_type in line.codecs.items()
    }
