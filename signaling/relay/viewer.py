"""One WHEP session: what its lines show, what it is told, and what it may ask."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import takewhile

from signaling.control import Level
from signaling.proof import mark_of, period_at
from signaling.relay.actions import Mark
from signaling.relay.limits import Limits
from signaling.relay.link import Link
from signaling.relay.quality import COPIES, Allowance
from signaling.relay.report import Evidence
from signaling.relay.stream import Stream
from signaling.relay.subscription import Subscription
from signaling.session.answer import AnsweredLine

RESENT = 0.5  # packets sent again (each copy counted) for one that is sent
LEAST_RESENDS = 50.0  # a second


class Viewer:
    """`streams` by the SSRC that its lines were answered with. `stage`: it is in the audience STAGE as well. `proof`:
    the lecture's key of marks; `lecture`: its name."""

    def __init__(
        self,
        peer: str,
        stage: bool,
        lines: tuple[tuple[AnsweredLine, Stream], ...],
        limits: Limits,
        proof: bytes,
        lecture: str = "",
    ) -> None:
        self.peer = peer
        self.index: int | None = None
        """In the fan-out, once its SRTP contexts exist."""
        self.stage = stage
        self.lecture = lecture
        self.evidence = Evidence()
        self.streams = {stream.ssrc: stream for _, stream in lines}
        self.link = Link(peer, self.streams)
        self._lines = lines
        self._proof = proof
        self._marked: int | None = None  # the last period that it has a mark for
        self._most_resends = limits.resend_rate
        self._resends = Allowance(limits.resend_rate, limits.resend_burst)
        self._key_frames = Allowance(limits.key_frame_rate, limits.key_frame_burst)

    def subscribe(self, member: str, viewer: int) -> None:
        """Its SRTP contexts exist, with this index of the fan-out: join the streams."""
        self.index = viewer
        for line, stream in self._lines:
            stream.add(Subscription(self.peer, member, self.stage, viewer, dict(line.codecs)))

    def unsubscribe(self) -> None:
        for stream in self.streams.values():
            stream.remove(self.peer)

    def marks(self, now: float) -> list[Mark]:
        """The marks that it lacks up to the next period. At first also that of the period before: a kept group of
        pictures may begin there."""
        if self.index is None:
            return []
        period = period_at(now)
        if self._marked == period + 1:
            return []
        first = period - 1 if self._marked is None else self._marked + 1
        self._marked = period + 1
        return [Mark(self.index, one, mark_of(self._proof, self.peer, one)) for one in range(first, period + 2)]

    @property
    def playing(self) -> list[Stream]:
        """The streams that it is sent packets of now."""
        return [stream for stream in self.streams.values() if stream.feeds(self.peer)]

    def judge(self, now: float) -> list[tuple[Stream, Level]]:
        """The video streams of which it is now sent another share. What it may be sent again follows what it is sent:
        on a link that is full, more would only push out the rest."""
        changed = self.link.judge(now)
        self._resends.rate = min(self._most_resends, max(LEAST_RESENDS, RESENT * self.link.packet_rate))
        return changed

    def allowed(self, numbers: Iterable[int], everyone: Allowance, now: float) -> Iterator[int]:
        """As many of these as may be resent now, by its own allowance and that of all viewers together. What lies
        beyond is not even looked at: name the newest first."""
        return takewhile(lambda _: self._resends.take(now, COPIES) and everyone.take(now, COPIES), numbers)

    def may_ask(self, now: float) -> bool:
        """Whether it may ask for a key frame now: everybody pays for one."""
        return self._key_frames.take(now)
