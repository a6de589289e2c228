"""The publisher's process: the stream of media.py by WHIP, or as plain RTP to two UDP ports, punctual.

    python -m benchmarks.viewers.publisher SETTINGS-AS-JSON

It takes a higher priority where it may, waits until the table says SEND, writes there what it sends and when, and ends
at STOP or with its parent. Requests for a key frame are answered by the next frame; NACKs by the same packet again.
"""

from __future__ import annotations

import contextlib
import gc
import math
import os
import select
import sys
import time
from collections import OrderedDict
from pathlib import Path

import msgspec

from benchmarks.viewers import table as t
from benchmarks.viewers.description import H264, OPUS, VP8
from benchmarks.viewers.media import (
    AUDIO,
    AUDIO_EVERY,
    HEADER,
    KEY_EVERY,
    STEPS,
    TABLE,
    VIDEO,
    VIDEO_EVERY,
    Packet,
    Stream,
    frame,
    frame_packets,
    sound,
)
from benchmarks.viewers.outlet import Plain, PublisherSettings, Whip, open_way
from benchmarks.viewers.table import Table
from signaling.errors import ProtocolError
from signaling.wire import KeyFrameAsked, Nack, SenderReport, pack_sender_report, parse_rtcp

PRIORITY = -15
KEPT = 2_048  # packets of each kind, for NACKs
REPORT_EVERY = 1.0
KEY_FRAME_PAUSE = 0.3  # seconds between two key frames that were asked for
LATE = 0.005
NTP_EPOCH = 2_208_988_800
CONNECT_WITHIN = 15.0
AGAIN_EVERY = 0.1  # seconds between two tries to publish anew


class Publisher:
    """Sends the stream through a way; `tick` at any time sends what is due."""

    def __init__(self, settings: PublisherSettings, way: Plain | Whip, table: Table) -> None:
        self._way = way
        self._table = table
        self._stream = Stream(settings.seed, settings.codec)
        self._ssrcs = settings.ssrcs
        self._types = (OPUS, H264 if settings.codec == "h264" else VP8)
        self._kept: tuple[OrderedDict[int, bytes], ...] = (OrderedDict(), OrderedDict())
        self._began = 0.0
        self._sounds = self._frames = self._in_group = self._number = 0
        self._sent = [[0, 0], [0, 0]]  # packets, octets of each kind
        self._asked = False
        self._asked_at = -1.0
        self._report_at = 0.0

    def begin(self, now: float) -> None:
        self._began = now
        self._report_at = now

    def resume(self, way: Plain | Whip, now: float) -> None:
        """Go on by another way; what would have been sent meanwhile is left out."""
        self._way = way
        self._sounds = max(self._sounds, math.ceil((now - self._began) / AUDIO_EVERY))
        self._frames = max(self._frames, math.ceil((now - self._began) / VIDEO_EVERY))
        self._asked = True

    def next_at(self) -> float:
        return self._began + min(self._sounds * AUDIO_EVERY, self._frames * VIDEO_EVERY)

    def tick(self, now: float) -> None:
        while self._began + self._sounds * AUDIO_EVERY <= now:
            self._late(now - (self._began + self._sounds * AUDIO_EVERY))
            self._table.head[t.SOUNDS] = self._sounds + 1
            self._send(sound(self._sounds))
            self._sounds += 1
        while self._began + self._frames * VIDEO_EVERY <= now:
            self._late(now - (self._began + self._frames * VIDEO_EVERY))
            self._frame(now)
        if now >= self._report_at:
            self._report_at = now + REPORT_EVERY
            self._reports(now)

    def hear(self, compound: bytes, now: float) -> None:
        try:
            found = parse_rtcp(compound)
        except ProtocolError:
            return
        for one in found:
            if isinstance(one, KeyFrameAsked):
                self._table.head[t.ASKED] += 1
                self._asked = self._asked or now - self._asked_at >= KEY_FRAME_PAUSE
            elif isinstance(one, Nack) and one.ssrc in self._ssrcs:
                self._again(self._ssrcs.index(one.ssrc), one.numbers)

    def _frame(self, now: float) -> None:
        if self._in_group == KEY_EVERY or self._asked:
            self._in_group = 0
        if self._asked:
            self._asked, self._asked_at = False, now
        place, count = self._frames % TABLE, frame_packets(self._in_group)
        self._table.packets[place] = -count if self._in_group == 0 else count
        self._table.sent[VIDEO, place] = time.time_ns()
        self._table.head[t.FRAMES] = self._frames + 1
        for packet in frame(self._frames, self._number, self._in_group):
            self._send(packet)
        self._number += count
        self._frames += 1
        self._in_group += 1
        self._table.head[t.PACKETS] = self._number

    def _send(self, packet: Packet) -> None:
        kind, clock = packet.kind, time.time_ns()
        rtp = self._stream.rtp(packet, self._types[kind], self._ssrcs[kind], clock)
        if kind == AUDIO:
            self._table.sent[kind, packet.index % TABLE] = clock
        if not self._way.send(rtp, kind):
            self._table.head[t.REFUSED] += 1
        kept = self._kept[kind]
        kept[packet.number & 0xFFFF] = rtp
        if len(kept) > KEPT:
            kept.popitem(last=False)
        self._sent[kind][0] += 1
        self._sent[kind][1] += len(rtp) - HEADER

    def _again(self, kind: int, numbers: tuple[int, ...]) -> None:
        for number in numbers:
            rtp = self._kept[kind].get(number)
            if rtp is not None:
                self._table.head[t.RESENT] += 1
                self._way.send(rtp, kind)

    def _reports(self, now: float) -> None:
        ntp = int((time.time() + NTP_EPOCH) * 2**32)
        for kind, every in ((AUDIO, AUDIO_EVERY), (VIDEO, VIDEO_EVERY)):
            timestamp = int((now - self._began) / every * STEPS[kind]) & 0xFFFFFFFF
            packets, octets = self._sent[kind]
            report = SenderReport(self._ssrcs[kind], ntp, timestamp, packets, octets)
            self._way.send_rtcp(pack_sender_report(report))

    def _late(self, seconds: float) -> None:
        self._table.head[t.LATEST] = max(int(self._table.head[t.LATEST]), int(seconds * 1e9))
        if seconds > LATE:
            self._table.head[t.LATE_TIMES] += 1


class Run:
    """The process: one way at a time, and the loop around it."""

    def __init__(self, settings: PublisherSettings) -> None:
        self._settings = settings
        self._table = Table(Path(settings.table))
        self._poll = select.poll()
        self._way = self._open()
        self._session = int(self._table.head[t.SESSION])
        self._publisher = Publisher(settings, self._way, self._table)
        self._sending = False
        self._looked_at = 0.0

    def run(self) -> None:
        try:
            self._table.head[t.CONNECTED] = 1
            gc.freeze()
            while self._table.head[t.WANTED] != t.STOP and self._has_parent(time.monotonic()):
                self._turn()
        finally:
            self._way.close()

    def _open(self) -> Plain | Whip:
        """Returns a way that is connected."""
        way = open_way(self._settings)
        self._poll.register(way.descriptor, select.POLLIN)
        deadline = time.monotonic() + CONNECT_WITHIN
        while not way.ready:
            now = time.monotonic()
            if now > deadline:
                raise SystemExit("publisher: no connection")
            way.tick(now)
            if self._poll.poll(20):
                way.read(time.monotonic())
        return way

    def _reopen(self) -> None:
        """A new session, as soon as the server gives one."""
        self._poll.unregister(self._way.descriptor)
        self._way.close()
        deadline = time.monotonic() + CONNECT_WITHIN
        while True:
            try:
                self._way = self._open()
                break
            except OSError:  # also HTTP's 503: it is not back yet
                if time.monotonic() > deadline:
                    raise
                time.sleep(AGAIN_EVERY)
        self._publisher.resume(self._way, time.monotonic())

    def _has_parent(self, now: float) -> bool:
        if now - self._looked_at < 1.0:
            return True
        self._looked_at = now
        return os.getppid() == self._settings.parent

    def _turn(self) -> None:
        if self._table.head[t.SESSION] != self._session:
            self._session = int(self._table.head[t.SESSION])
            self._reopen()
        now = time.monotonic()
        self._way.tick(now)
        if self._table.head[t.WANTED] == t.SEND:
            if not self._sending:
                self._sending = True
                self._publisher.begin(now)
            self._publisher.tick(now)
        wait = self._publisher.next_at() - time.monotonic() if self._sending else 0.01
        if wait > 0 and self._poll.poll(max(0, int(wait * 1_000))):
            for compound in self._way.read(time.monotonic()):
                self._publisher.hear(compound, time.monotonic())
        elif wait > 0 and self._sending:
            time.sleep(max(0.0, min(self._publisher.next_at() - time.monotonic(), 0.001)))


def main() -> None:
    settings = msgspec.json.decode(sys.argv[1], type=PublisherSettings)
    with contextlib.suppress(PermissionError):
        os.setpriority(os.PRIO_PROCESS, 0, PRIORITY)
    Run(settings).run()


if __name__ == "__main__":
    main()
