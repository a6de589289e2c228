"""Which layer of a stream one viewer's link bears.

Theory of operation. Down quickly: trouble (over 10 % lost, or a picture that stands) for two seconds, or grave trouble
(over 20 %, or an estimate of its own far below what it is sent) for half a second, in which it is seen whether others
have it too; then it is not this link's, and nobody is moved. Down goes to the next lower layer, or to the one that
fits the estimate. Below the lowest layer there is sound only, and only grave loss that stays leads there, or a low
estimate with a picture that stands: short of it resends mend the picture, and a busy device estimates too little while
it shows every frame. Up slowly: a layer at a time, after ten clean seconds; each try that fails doubles them.

Who is new begins on the highest layer: most links bear it, each change costs everybody a key frame, and who cannot
bear it is moved within two seconds.
"""

from __future__ import annotations

from dataclasses import dataclass

from signaling.control import Level
from signaling.relay.subscription import AUDIO_ONLY, HIGHEST

TROUBLE = 0.10  # share of packets lost
GRAVE = 0.20
STANDS = 0.5  # seconds of a picture that stands, in one report of the page
PATIENCE = 2.0  # seconds of trouble until it is moved down
PATIENCE_GRAVE = 0.5
PATIENCE_LOWEST = 4.0  # seconds of grave trouble in the lowest layer, until sound only
SETTLES = 2.0  # seconds after a move, in which what is still under way says nothing
CLEAN = 10.0  # seconds without trouble until it is moved up
CLEAN_MOST = 60.0
PROVEN = 30.0  # seconds after which a try has succeeded


@dataclass(frozen=True, slots=True)
class Health:
    """`loss` is the share of packets lost since the last; `bears` the bits a second that the link is known to bear, or
    None; `stands`: seconds that the picture stood."""

    loss: float
    bears: float | None = None
    stands: float = 0.0

    @property
    def grave(self) -> bool:
        return self.loss > GRAVE or self.bears is not None

    @property
    def hopeless(self) -> bool:
        """Not even the smallest picture comes through."""
        return self.loss > GRAVE or (self.bears is not None and self.stands > STANDS)

    @property
    def troubled(self) -> bool:
        return self.grave or self.loss > TROUBLE or self.stands > STANDS


class Choice:
    """Of one viewer, for one video stream."""

    def __init__(self) -> None:
        self.layer = HIGHEST
        """The highest layer it may be in, or `AUDIO_ONLY`."""
        self._troubled: float | None = None  # since when
        self._grave: float | None = None
        self._clean: float | None = None
        self._wait = CLEAN
        self._settled = 0.0
        self._tried: float | None = None  # when it was last moved up

    def level(self, highest: int) -> Level:
        """`highest`: the highest layer that plays."""
        if self.layer <= AUDIO_ONLY:
            return "audio-only"
        return "full" if self.layer >= highest else "reduced"

    def judge(self, health: Health, rates: list[float], common: bool, now: float) -> bool:
        """Look at its health; call at least every second. `rates` are the bit rates of the layers that play, the lowest
        first; `common`: many have trouble. Returns whether `layer` has changed."""
        if not rates or common:
            self._troubled = self._grave = None
            return False
        before = self.layer
        if health.troubled:
            self._clean = None
            self._suffer(health, rates, now)
        else:
            self._troubled = self._grave = None
            self._recover(len(rates) - 1, now)
        return self.layer != before

    def _suffer(self, health: Health, rates: list[float], now: float) -> None:
        if now < self._settled or self.layer <= AUDIO_ONLY:
            return
        self._troubled = now if self._troubled is None else self._troubled
        present = min(self.layer, len(rates) - 1)
        if not (health.grave if present else health.hopeless):
            self._grave = None
        elif self._grave is None:
            self._grave = now
        grave = now - self._grave if self._grave is not None else 0.0
        if present == 0:
            if grave >= PATIENCE_LOWEST:
                self._down(AUDIO_ONLY, now)
        elif grave >= PATIENCE_GRAVE or now - self._troubled >= PATIENCE:
            # What gets through a lossy link says little, for what is sent again takes part of it: a layer at a time.
            bears = health.bears if health.bears is not None else rates[present]
            self._down(max((place for place in range(present) if rates[place] <= bears), default=0), now)

    def _down(self, layer: int, now: float) -> None:
        if self._tried is not None and now - self._tried < PROVEN:
            self._wait = min(CLEAN_MOST, 2 * self._wait)
        self._tried = None
        self.layer = layer
        self._settled = now + SETTLES
        self._troubled = self._grave = None

    def _recover(self, highest: int, now: float) -> None:
        if self._tried is not None and now - self._tried >= PROVEN:
            self._wait, self._tried = CLEAN, None
        self._clean = now if self._clean is None else self._clean
        if self.layer < highest and now - self._clean >= self._wait:
            self.layer = self.layer + 1 if self.layer + 1 < highest else HIGHEST
            self._clean = self._tried = now
