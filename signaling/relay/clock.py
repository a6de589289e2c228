"""When a source's media was captured, on our own clock (seconds of `now`)."""

from __future__ import annotations

STEP = 1.0  # seconds; a source's clock that moves by more was set anew
LOST = 5.0  # seconds between prediction and arrival; beyond, the timestamps began anew


def signed(difference: int) -> int:
    """The difference of two 32-bit timestamps, the short way round."""
    return ((difference + 0x80000000) & 0xFFFFFFFF) - 0x80000000


class Origin:
    """From a publisher's NTP clock to ours, one for both its media: this keeps lips and voice together.

    The offset is the smallest (arrival − sending) seen, that is, the one with the least delay on the way.
    """

    def __init__(self) -> None:
        self._offset: float | None = None

    def place(self, ntp: float, now: float) -> float:
        """Our time of a sender report's NTP time (seconds) that arrived now."""
        offset = now - ntp
        if self._offset is None or offset < self._offset or offset > self._offset + STEP:
            self._offset = offset
        return ntp + self._offset


class SourceClock:
    """From one track's RTP timestamps to our time: by its sender reports, and by arrival until the first."""

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._reference: tuple[int, float] | None = None
        self._reported = False

    def arrived(self, timestamp: int, now: float) -> None:
        """A packet in order arrived. The earliest arrival, less its timestamp, comes nearest to its capture."""
        if self._reference is None:
            self._reference = (timestamp, now)
            return
        predicted = self.time(timestamp)
        if abs(now - predicted) > LOST:
            self._reference = (timestamp, now)
            self._reported = False
        elif not self._reported and now < predicted:
            self._reference = (timestamp, now)

    def reported(self, timestamp: int, time: float) -> None:
        """A sender report: this timestamp was at that time of ours."""
        self._reference = (timestamp, time)
        self._reported = True

    def time(self, timestamp: int) -> float:
        """Our time of a timestamp; only after the first arrival."""
        assert self._reference is not None
        return self._reference[1] + signed(timestamp - self._reference[0]) / self._rate

    def timestamp(self, now: float) -> int | None:
        """The source's timestamp now, modulo 2**32."""
        if self._reference is None:
            return None
        return (self._reference[0] + round((now - self._reference[1]) * self._rate)) & 0xFFFFFFFF
