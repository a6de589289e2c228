"""Our own sender reports to viewers, and what their reports prove (RFC 3550 §6.4)."""

from __future__ import annotations

from collections import deque

from signaling.relay.stream import Stream
from signaling.wire import ReportBlock, SenderReport, pack_names, pack_sender_report

EPOCH = 2_208_988_800  # seconds from NTP's 1900 to Unix's 1970
REMEMBERED = 16  # sender reports of ours that an answer may refer to
STALLED = 5.0  # seconds without a valid report
STALLED_AUDIO = 10.0  # browsers report sound alone every 2.5 to 7.5 s


def ntp(now: float, epoch: float) -> int:
    """32.32 seconds since 1900 on our clock; `epoch` is the Unix time at which `now` was zero."""
    return round((now + epoch + EPOCH) * 2**32) & 0xFFFFFFFFFFFFFFFF


def sender_report(stream: Stream, now: float, epoch: float) -> SenderReport | None:
    """What the stream's timestamp is now. Both media of a source are placed on our clock by one origin, so that the
    player can show them together. None while nothing plays."""
    if stream.track is None or not stream.packets:
        return None
    timestamp = stream.track.clock.timestamp(now)
    if timestamp is None:
        return None
    return SenderReport(stream.ssrc, ntp(now, epoch), stream.outgoing(timestamp), stream.packets, stream.octets)


def pack_reports(reports: list[SenderReport], names: dict[int, str]) -> bytes:
    """A compound packet: each report, and the CNAME of each SSRC."""
    body = b"".join(pack_sender_report(report) for report in reports)
    return body + pack_names((report.ssrc, names[report.ssrc]) for report in reports)


class Evidence:
    """Whether a viewer's reports say that it receives.

    A report counts only if it answers a sender report that was sent to this peer, its highest number was sent, and
    has advanced since the last that counted.
    """

    def __init__(self) -> None:
        self.receiving = False
        self.last: float | None = None
        """When the last report that counts came."""
        self.hearing = False
        """Sound is among what they say."""
        self.seen = False
        """It is sent pictures, by the last look after it: then reports come each second."""
        self._heard = float("-inf")
        self._sent: deque[int] = deque(maxlen=REMEMBERED)
        self._highest: dict[int, int] = {}

    def sent(self, ntp_timestamp: int) -> None:
        """A sender report went to this peer."""
        self._sent.append((ntp_timestamp >> 16) & 0xFFFFFFFF)

    def counts(self, block: ReportBlock, number: int | None, now: float, *, sound: bool = False) -> bool:
        """Take a reception report; `number` is its highest as the stream's own, None when that was not sent.

        Returns whether reception begins with it."""
        if number is None or not block.lsr or block.lsr not in self._sent:
            return False
        if number <= self._highest.get(block.ssrc, -1):
            return False
        self._highest[block.ssrc] = number
        self.last = now
        if sound:
            self._heard = now
        began, self.receiving = not self.receiving, True
        return began

    def hears(self, now: float) -> bool | None:
        """Whether sound arrives, where that is another answer than the last one."""
        hearing = self.receiving and now - self._heard < STALLED_AUDIO
        if hearing is self.hearing:
            return None
        self.hearing = hearing
        return hearing

    def stalls(self, now: float, video: bool) -> bool:
        """Whether reception ends now, for want of reports."""
        limit = STALLED if video else STALLED_AUDIO
        if not self.receiving or self.last is None or now - self.last < limit:
            return False
        self.receiving = False
        return True
