"""Viewers: what they report and ask for, and the reports that they are sent."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from signaling.control import ViewerHearing, ViewerQuality, ViewerReceiving, ViewerReported, ViewerStalled
from signaling.relay.actions import Action, SendReport, Tell
from signaling.relay.limits import Limits
from signaling.relay.quality import Allowance
from signaling.relay.report import ntp, pack_reports, sender_report
from signaling.relay.silence import Silence
from signaling.relay.stream import Stream
from signaling.relay.viewer import Viewer
from signaling.session.offer import Kind
from signaling.wire import KeyFrameAsked, Nack, ReceiverReports, Remb, ReportBlock, parse_rtcp

REPORT = 1.0  # seconds between sender reports to one viewer

Ask = Callable[[str, float, int], list[Action]]


class Playback:
    """`ask` asks a publication for a key frame of a layer; `epoch` is the Unix time at which `now` was zero; `names`
    are the CNAMEs by SSRC."""

    def __init__(self, ask: Ask, epoch: float, names: dict[int, str], limits: Limits) -> None:
        self._ask = ask
        self._epoch = epoch
        self._names = names
        self._viewers: dict[str, Viewer] = {}
        self._audiences: dict[str, dict[str, Viewer]] = {}  # the same by lecture
        self._resends = Allowance(limits.resend_rate_all, limits.resend_burst_all)
        self._written: dict[tuple[int, ...], bytes] = {}
        self._written_at = -1.0
        self._due: dict[bytes, list[int]] = {}  # who is to be sent which of these
        self._silence = Silence()

    def __len__(self) -> int:
        return len(self._viewers)

    def add(self, viewer: Viewer) -> None:
        self._viewers[viewer.peer] = viewer
        self._audiences.setdefault(viewer.lecture, {})[viewer.peer] = viewer

    def named(self, peer: str) -> Viewer | None:
        return self._viewers.get(peer)

    def remove(self, peer: str, now: float) -> list[Action]:
        viewer = self._viewers.pop(peer, None)
        if viewer is None:
            return []
        audience = self._audiences[viewer.lecture]
        del audience[peer]
        if not audience:
            del self._audiences[viewer.lecture]
        viewer.unsubscribe()
        if not viewer.evidence.receiving or viewer.evidence.last is None:
            return []
        return [Tell(ViewerStalled(peer, now, viewer.evidence.last))]

    def rtcp(self, viewer: Viewer, packet: bytes, now: float) -> list[Action]:
        """Raises `ProtocolError`."""
        actions: list[Action] = []
        for feedback in parse_rtcp(packet):
            if isinstance(feedback, ReceiverReports):
                actions += self._reported(viewer, feedback.blocks, now)
            elif isinstance(feedback, Nack):
                actions += self._missed(viewer, feedback, now)
            elif isinstance(feedback, KeyFrameAsked):
                actions += self._asked(viewer, viewer.streams.get(feedback.ssrc), now)
            elif isinstance(feedback, Remb):
                viewer.link.estimate(feedback.bitrate, now)
        return actions

    def reported(self, message: ViewerReported, now: float) -> list[Action]:
        """What its page counted."""
        viewer = self._viewers.get(message.peer)
        if viewer is None:
            return []
        viewer.link.page(message.lost_share, message.frozen_ms, now)
        return self._judge(viewer, now)

    @staticmethod
    def _judge(viewer: Viewer, now: float) -> list[Action]:
        """Move it to the layers that its link bears."""
        return [Tell(ViewerQuality(viewer.peer, stream.slot, level, now)) for stream, level in viewer.judge(now)]

    @staticmethod
    def _reported(viewer: Viewer, blocks: Iterable[ReportBlock], now: float) -> list[Action]:
        began = False
        for block in blocks:
            stream = viewer.streams.get(block.ssrc)
            if stream is not None:
                viewer.link.block(block.ssrc, block.fraction_lost)
                number = stream.reached(viewer.peer, block.highest & 0xFFFF)
                began |= viewer.evidence.counts(block, number, now, sound=stream.kind is Kind.AUDIO)
        actions: list[Action] = [Tell(ViewerReceiving(viewer.peer, now))] if began else []
        return actions + _heard(viewer, now)

    def _missed(self, viewer: Viewer, nack: Nack, now: float) -> list[Action]:
        stream = viewer.streams.get(nack.ssrc)
        if stream is None:
            return []
        viewer.link.missed()
        stream.miss(viewer.peer, nack.numbers)
        found = stream.resend(viewer.peer, viewer.allowed(reversed(nack.numbers), self._resends, now))
        actions = found.actions
        if found.too_old:
            actions += self._asked(viewer, stream, now)
        return actions + self._judge(viewer, now)

    def _asked(self, viewer: Viewer, stream: Stream | None, now: float) -> list[Action]:
        if stream is None or stream.feed is None or not stream.feeds(viewer.peer) or not viewer.may_ask(now):
            return []
        return self._ask(stream.feed.publication, now, stream.layer_of(viewer.peer))

    def look_after(self, viewer: Viewer, now: float) -> list[Action]:
        """Its report (for `reports`) and whether it still receives: each second, and when something changed for it."""
        playing = viewer.playing
        actions: list[Action] = [*viewer.marks(now), *self._judge(viewer, now)]
        packet = self._reports(playing, now)
        if packet:
            viewer.evidence.sent(ntp(now, self._epoch))
            assert viewer.index is not None
            self._due.setdefault(packet, []).append(viewer.index)
        viewer.evidence.seen = any(stream.kind is Kind.VIDEO for stream in playing)
        if viewer.evidence.stalls(now, viewer.evidence.seen):
            assert viewer.evidence.last is not None
            actions.append(Tell(ViewerStalled(viewer.peer, now, viewer.evidence.last)))
        return [*actions, *_heard(viewer, now)]

    def reports(self) -> list[Action]:
        """The reports of those who were looked after: one for all who are sent the same."""
        due, self._due = self._due, {}
        return [SendReport(packet, tuple(viewers)) for packet, viewers in due.items()]

    def tick(self, now: float) -> list[Action]:
        """Of all viewers together."""
        return [Tell(told) for told in self._silence.tick(self._audiences, now)]

    def _reports(self, playing: list[Stream], now: float) -> bytes:
        """The compound packet for viewers of these streams. It is the same for all of them at the same moment, and
        many are served at a time."""
        if self._written_at != now:
            self._written_at = now
            self._written.clear()
        key = tuple(stream.ssrc for stream in playing)
        packet = self._written.get(key)
        if packet is None:
            reports = [sender_report(stream, now, self._epoch) for stream in playing]
            found = [report for report in reports if report is not None]
            packet = self._written[key] = pack_reports(found, self._names) if found else b""
        return packet


def _heard(viewer: Viewer, now: float) -> list[Action]:
    hearing = viewer.evidence.hears(now)
    return [] if hearing is None else [Tell(ViewerHearing(viewer.peer, now, hearing))]
