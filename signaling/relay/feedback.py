"""What the relay tells publishers: what is missing (NACK), how it arrives (RR), and that a key frame is needed."""

from __future__ import annotations

from signaling.relay.clock import signed
from signaling.wire import ReportBlock

WINDOW = 1024  # packets; later ones are of no use to anybody
JUMP = 1000  # numbers; a larger step must be confirmed by the next packet (RFC 3550 A.1)
MOST_MISSING = 512
DELAYS = (0.04, 0.06, 0.1, 0.15, 0.2, 0.3, 0.4)
"""Seconds until a NACK is repeated; after the last, the packet is given up."""


class Reception:
    """How one source's packets arrive (RFC 3550 §6.4.1, A.1, A.3, A.8)."""

    def __init__(self, ssrc: int, rate: int) -> None:
        self.ssrc = ssrc
        self.highest: int | None = None  # extended; the first packet's is 65,536 and its number
        self.restarts = 0
        """How often the numbers began anew."""
        self.given_up = 0
        """Packets that did not come in spite of every NACK."""
        self._rate = rate
        self._seen: list[int] = [-1] * WINDOW
        self._missing: dict[int, tuple[float, int]] = {}  # number → (next NACK, how many were sent); rising
        self._suspect: int | None = None
        self._base = 0
        self._received = 0
        self._before = (0, 0)  # expected, received at the last report
        self._transit: float | None = None
        self._jitter = 0.0
        self._report: tuple[int, float] | None = None

    def receive(self, number: int, timestamp: int, now: float) -> int | None:
        """The packet's extended number; None when it is a duplicate, too late, or not to be trusted yet."""
        if self.highest is None:
            self._begin(65536 + number)
            extended = 65536 + number
        else:
            step = ((number - self.highest + 0x8000) & 0xFFFF) - 0x8000
            if abs(step) > JUMP:
                if self._suspect != number:
                    self._suspect = (number + 1) & 0xFFFF
                    return None
                extended = self.highest + 65536 + ((number - self.highest) & 0xFFFF)
                self.restarts += 1
                self._begin(extended)
            else:
                extended = self.highest + step
        self._suspect = None
        if not self._note(extended, now):
            return None
        self._received += 1
        self._measure(timestamp, now)
        return extended

    def _begin(self, extended: int) -> None:
        self._base = extended
        self._received = 0
        self._before = (0, 0)
        self._missing.clear()
        self.highest = extended - 1

    def _note(self, extended: int, now: float) -> bool:
        assert self.highest is not None
        if extended > self.highest:
            for missing in range(self.highest + 1, extended):
                self._missing[missing] = (now, 0)
            self.highest = extended
        elif extended <= self.highest - WINDOW or self._seen[extended % WINDOW] == extended or extended < self._base:
            return False
        self._seen[extended % WINDOW] = extended
        self._missing.pop(extended, None)
        return True

    def _measure(self, timestamp: int, now: float) -> None:
        transit = now * self._rate - timestamp
        if self._transit is not None:
            difference = abs(signed(round(transit - self._transit)))
            if difference < self._rate:  # a pause or a new start of timestamps says nothing about the network
                self._jitter += (difference - self._jitter) / 16
        self._transit = transit

    def nacks(self, now: float) -> list[int]:
        """The 16-bit numbers to ask for now, in rising order."""
        if not self._missing:
            return []
        if len(self._missing) > MOST_MISSING:
            self.given_up += len(self._missing)
            self._missing.clear()
            return []
        due = []
        for number, (when, tries) in list(self._missing.items()):
            if when > now:
                continue
            if tries == len(DELAYS):
                del self._missing[number]
                self.given_up += 1
                continue
            self._missing[number] = (now + DELAYS[tries], tries + 1)
            due.append(number & 0xFFFF)
        return due

    def reported(self, ntp: int, now: float) -> None:
        """A sender report of this source came."""
        self._report = ((ntp >> 16) & 0xFFFFFFFF, now)

    def block(self, now: float) -> ReportBlock | None:
        """The next reception report; None before the first packet."""
        if self.highest is None:
            return None
        expected = self.highest - self._base + 1
        lost = expected - self._received
        expected_since, received_since = expected - self._before[0], self._received - self._before[1]
        self._before = (expected, self._received)
        share = max(0, min(255, ((expected_since - received_since) << 8) // expected_since)) if expected_since else 0
        lsr, at = self._report if self._report is not None else (0, now)
        dlsr = min(0xFFFFFFFF, round((now - at) * 65536))
        return ReportBlock(self.ssrc, share, lost, self.highest, round(self._jitter), lsr, dlsr)


REPEAT = 0.5  # seconds between two requests for a key frame
URGENT = 0.15  # the same while a route waits for it; browsers ignore one soon after a key frame
PATIENCE = 1.0  # seconds in which a publisher that answers answers
PATIENCE_SILENT = 3.0  # seconds between requests to one that does not
PROMPT = 0.5  # seconds; a key frame within them counts as an answer
PROVEN = 3  # prompt answers in a row that prove it; one or two may be chance, for many encoders make them regularly


class KeyFrameRequests:
    """When a publisher is asked for a key frame: at once, merged to one request in 500 ms, until one comes."""

    def __init__(self) -> None:
        self.silent = False
        """It has not answered two requests within a second: OBS and FFmpeg do not know PLI."""
        self.proven = False
        """It has answered: no need to keep its groups of pictures."""
        self._wanted = False
        self._urgent = False
        self._first: float | None = None  # when the first unanswered request was sent
        self._last: float | None = None
        self._unanswered = 0
        self._prompt = 0

    def want(self) -> None:
        self._wanted = True

    def urge(self) -> None:
        """Another picture is to be shown: the next key frame does not wait for any spacing."""
        self._wanted = self._urgent = True

    def due(self, now: float, spacing: float = REPEAT) -> bool:
        """Whether to send a request now; it counts as sent. `spacing`: seconds between two, `REPEAT` at least."""
        if self._first is not None and self._unanswered >= 2 and now - self._first >= PATIENCE:
            self.silent, self.proven, self._prompt = True, False, 0
        pause = PATIENCE_SILENT if self.silent else URGENT if self._urgent else max(REPEAT, spacing)
        if not self._wanted or (self._last is not None and now - self._last < pause):
            return False
        self._last = now
        self._unanswered += 1
        if self._first is None:
            self._first = now
        return True

    def came(self, now: float) -> None:
        """A key frame began."""
        if self._first is not None and self._last is not None:
            self._prompt = self._prompt + 1 if now - self._last <= PROMPT else 0
            if self._prompt >= PROVEN:
                self.silent, self.proven = False, True
        self._wanted = self._urgent = False
        self._first = None
        self._unanswered = 0
