"""One viewer's link: what its reports say of it, and which layer of each video stream it bears.

Theory of operation. Loss is the share of the packets sent that the viewer names as missing: packets that are sent again
do not show as lost in its receiver reports (without NACK they do, so the larger of both counts). Only packets that we
had count: what the publisher lost is not this link's. An estimate of the viewer's own (REMB) is a sign of congestion
when it has fallen and lies far below what is sent; alone a low one is not, for it grows slowly behind what comes.
Everything is counted where it is asked for; twice a second at most it is looked at, per viewer and not per packet.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from signaling.control import Level
from signaling.relay.choice import Choice, Health
from signaling.relay.stream import Stream
from signaling.relay.subscription import AUDIO_ONLY
from signaling.session.offer import Kind

LOOK = 0.5  # seconds between judgements
CALM = 5.0  # the same for a viewer that lacks nothing: nearly everybody, and looking costs
SAMPLE = 20  # packets that say something about loss
FRESH = 3.0  # seconds that an estimate or a page's report is believed
FELL = 0.9  # an estimate below this share of the highest since the last move has fallen
FAR_BELOW = 0.5  # and is a sign of congestion below this share of what is sent


@dataclass(slots=True)
class _Watched:
    """One stream of the viewer."""

    stream: Stream
    choice: Choice = field(default_factory=Choice)
    level: Level = "full"  # as the viewer was told
    before: tuple[int, int] | None = None  # sent and lost, at the last look
    reported: float = 0.0  # the largest share of a receiver report since
    loss: float = 0.0
    since: float = 0.0
    packet_rate: float = 0.0  # packets a second that are sent


class Link:
    def __init__(self, peer: str, streams: dict[int, Stream]) -> None:
        self._peer = peer
        self._watched = {ssrc: _Watched(stream) for ssrc, stream in streams.items()}
        self._looked = 0.0
        self._lacks = False  # something since the last look, or is in a lower layer than it might be
        self._estimate = 0.0
        self._estimated: float | None = None
        self._peak = 0.0  # the highest estimate since the last move
        self._page: tuple[float, float, float] = (-FRESH, 0.0, 0.0)  # when; share lost; seconds that the picture stood

    # --- what is reported ------------------------------------------------------------------------------------------

    def block(self, ssrc: int, fraction_lost: int) -> None:
        """Of a receiver report; the fraction in 1/256."""
        watched = self._watched.get(ssrc)
        if watched is not None:
            self._lacks |= fraction_lost > 0
            watched.reported = max(watched.reported, fraction_lost / 256)

    def estimate(self, bitrate: int, now: float) -> None:
        """REMB, bits a second."""
        self._estimate, self._estimated = bitrate, now
        self._peak = max(self._peak, bitrate)
        self._lacks |= bitrate < FELL * self._peak

    def missed(self) -> None:
        """It asked for packets again."""
        self._lacks = True

    def page(self, lost_share: float, frozen_ms: float, now: float) -> None:
        """The page's own statistics since its last report."""
        lost = lost_share if 0.0 <= lost_share <= 1.0 else 0.0
        self._page = (now, lost, frozen_ms / 1000 if frozen_ms > 0 else 0.0)
        self._lacks = True

    @property
    def packet_rate(self) -> float:
        """Packets a second that it is sent."""
        return sum(watched.packet_rate for watched in self._watched.values())

    @property
    def levels(self) -> dict[str, Level]:
        """As the viewer was told, by slot; without what it is sent in full."""
        return {one.stream.slot: one.level for one in self._watched.values() if one.level != "full"}

    # --- what follows ----------------------------------------------------------------------------------------------

    def judge(self, now: float) -> list[tuple[Stream, Level]]:
        """Move it to the layers that it bears. The video streams of which it is now sent another share than before,
        also because there is more or less to be sent; nothing when it was looked at a moment ago."""
        if now - self._looked < (LOOK if self._lacks else CALM):
            return []
        self._looked = now
        for watched in self._watched.values():
            self._measure(watched, now)
        self._lacks = any(watched.loss > 0 for watched in self._watched.values())
        heard = max((one.loss for one in self._watched.values() if one.stream.kind is Kind.AUDIO), default=0.0)
        sent = sum(one.stream.rate_to(self._peer) for one in self._watched.values())
        congested = self._congested(sent, now)
        changed = []
        for watched in self._watched.values():
            if watched.stream.kind is not Kind.VIDEO:
                continue
            self._move(watched, heard, sent, congested, now)
            rates = watched.stream.rates
            level = watched.choice.level(len(rates) - 1) if rates else watched.level
            if level != watched.level:
                watched.level = level
                changed.append((watched.stream, level))
            self._lacks |= level != "full"
        return changed

    def _move(self, watched: _Watched, heard: float, sent: float, congested: bool, now: float) -> None:
        """`heard`: the share of sound lost, which speaks for a picture that is not sent. `sent`: bits a second."""
        stream, choice = watched.stream, watched.choice
        silent = choice.layer <= AUDIO_ONLY
        if not (silent or stream.feeds(self._peer)):
            return
        share = stream.rate_to(self._peer) / sent if sent else 0.0
        bears = self._estimate * share if congested else None
        health = self._health(heard if silent else watched.loss, bears, now)
        self._lacks |= health.troubled
        if health.troubled:
            stream.crowd.note(self._peer, now)
        common = stream.crowd.common(stream.audience, now)
        if choice.judge(health, stream.rates, common, now):
            self._peak = self._estimate
            stream.choose(self._peer, choice.layer)

    def _measure(self, watched: _Watched, now: float) -> None:
        counts = watched.stream.counts(self._peer)
        if counts is None or watched.before is None:
            watched.before, watched.since = counts, now
            watched.loss = watched.reported = watched.packet_rate = 0.0
            return
        sent, lost = counts[0] - watched.before[0], counts[1] - watched.before[1]
        if sent < SAMPLE:
            return
        watched.loss = max(min(1.0, lost / sent), watched.reported)
        watched.packet_rate = sent / (now - watched.since) if now > watched.since else 0.0
        watched.before, watched.since, watched.reported = counts, now, 0.0

    def _congested(self, sent: float, now: float) -> bool:
        if self._estimated is None or now - self._estimated > FRESH:
            return False
        return self._estimate < FELL * self._peak and self._estimate < FAR_BELOW * sent

    def _health(self, loss: float, bears: float | None, now: float) -> Health:
        when, lost, stood = self._page
        if now - when > FRESH:
            return Health(loss, bears)
        return Health(max(loss, lost), bears, stood)
