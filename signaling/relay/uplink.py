"""The machine's way out: how much goes over it, how it is shared, and that no more goes than it carries.

Theory of operation. Whatever is sent is counted as it is on the link, and taken from a bucket that fills at the limit's
rate (a little slower, so that no second is above it). Sound is sent whatever the bucket holds; video waits in the
schedule until there is something in it. So the rate stays within the limit, and a queue that does not empty in time
says that video must be dropped before it is numbered.

That is the brake. Before it come the shares: publishers are told caps (REMB), so that every audience times its rate
fits. Sound is reserved first, then the rest is shared by weight: lecturer and screen before others. A cap falls at
once, and rises slowly: encoders follow it, and viewers see no pumping.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

OVERHEAD = 44
"""Bytes of a datagram beyond its RTP: IPv4 20, UDP 8, and SRTP's tag of authentication 16 (RFC 7714)."""
LARGE = 1_160 * 8  # bits of a packet of video on the link
BURST = 0.05  # seconds of the limit that may go at once; the bucket fills by so much slower
DEBT = 1.0  # seconds of the limit that sound may run up
PLANNED = 0.85  # of the limit; the rest is for key frames, resends and reports
AUDIO = 100_000  # bits a second on the link that are reserved for sound to one viewer
VOICE = 64_000  # bits a second of that at the publisher
MEDIA = 0.93  # of a video packet on the link is what the publisher's encoder made
LEAST = 150_000  # bits a second of video; below, nobody could read a slide
RISE = 1.05  # from one report to the next
WEIGHTS = {"lecturer": 2.0, "screen": 2.0}


class Uplink:
    """`limit` in bits a second; 0: none."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._spent = 0  # bits since start
        self._left = limit * BURST
        self._at: float | None = None
        self._measured = (0.0, 0)  # when, and what was spent by then

    def spend(self, packets: Iterable[bytes], times: int) -> None:
        """These packets (RTP or RTCP in the clear) go out, each so many times."""
        bits = sum(len(packet) + OVERHEAD for packet in packets) * times * 8
        self._spent += bits
        self._left = max(self._left - bits, -self.limit * DEBT)

    def refill(self, now: float) -> None:
        passed = max(0.0, now - self._at) if self._at is not None else 0.0
        self._at = now
        self._left = min(self._left + passed * self.limit * (1 - BURST), self.limit * BURST)

    @property
    def free(self) -> bool:
        """Whether video may go now."""
        return not self.limit or self._left > 0

    def room(self, most: int) -> int:
        """How many sends of video, `most` at most, there is room for, at about 1,160 bytes each; one at least."""
        return max(1, min(most, int(self._left / LARGE))) if self.limit else most

    def measure(self, now: float) -> int:
        """Bits a second since it was asked before."""
        at, spent = self._measured
        self._measured = now, self._spent
        return round((self._spent - spent) / (now - at)) if now > at else 0


class Claim(NamedTuple):
    """What goes out of one publication: so many viewers of its video and of its sound."""

    publication: str
    weight: float
    video: int
    audio: int


class Shares:
    """The cap of each publication, in bits a second at the publisher; `most` where nothing else limits it."""

    def __init__(self, limit: int, most: int) -> None:
        self._limit = limit
        self._most = most
        self._caps: dict[str, int] = {}

    def cap(self, publication: str) -> int:
        return self._caps.get(publication, self._most)

    def plan(self, claims: Sequence[Claim]) -> None:
        """Twice a second: share anew. Who is not among the claims is forgotten."""
        if not self._limit:
            return
        fair = shared(self._limit, claims, self._most / MEDIA)
        caps: dict[str, int] = {}
        for claim in claims:
            target = fair[claim.publication] * MEDIA + (VOICE if claim.audio else 0)
            before = self._caps.get(claim.publication, self._most)
            caps[claim.publication] = round(min(target, before * RISE, self._most))
        self._caps = caps


def shared(limit: int, claims: Sequence[Claim], most: float) -> dict[str, float]:
    """Bits a second of video to each viewer, on the link: from `LEAST` to `most`, by weight, within what sound leaves.

    Where even the least does not fit it is given all the same: what is too much is dropped by the schedule."""
    left = limit * PLANNED - AUDIO * sum(claim.audio for claim in claims)
    rates = {claim.publication: most for claim in claims if not claim.video}
    open_ = [claim for claim in claims if claim.video]
    while open_:
        unit = left / sum(claim.weight * claim.video for claim in open_)
        # Who needs less than the share leaves more to the others; who must have more takes it from them.
        settled = {claim: most for claim in open_ if unit * claim.weight >= most} or {
            claim: float(LEAST) for claim in open_ if unit * claim.weight < LEAST
        }
        if not settled:
            settled = {claim: unit * claim.weight for claim in open_}
        for claim, rate in settled.items():
            rates[claim.publication] = rate
            left -= rate * claim.video
        open_ = [claim for claim in open_ if claim not in settled]
    return rates
