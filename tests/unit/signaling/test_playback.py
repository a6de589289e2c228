from __future__ import annotations

from signaling.control import Audience, ViewerReceiving, ViewerStalled
from signaling.relay.actions import Action, Mark, Resend, SendReport, Tell
from signaling.relay.limits import Limits
from signaling.relay.notices import Notices
from signaling.relay.playback import Playback
from signaling.relay.publication import Arrival, Track
from signaling.relay.quality import COPIES
from signaling.relay.report import STALLED
from signaling.relay.stream import Feed, Stream
from signaling.relay.viewer import Viewer
from signaling.session.answer import AnsweredLine
from signaling.session.offer import Codec, Direction, Kind
from signaling.wire import (
    ReportBlock,
    SenderReport,
    pack_nack,
    pack_pli,
    pack_receiver_report,
    parse_rtcp,
    parse_rtp,
)

SSRC, FIRST = 77, 5_000


class Rig:
    def __init__(self) -> None:
        self.asked: list[str] = []
        self.playback = Playback(self.ask, 0.0, {SSRC: "guest"}, Limits())
        self.stream = Stream("guest", Kind.VIDEO, SSRC, FIRST, 0, Limits(), Notices())
        self.stream.route(Feed("pub", "m", Audience.EVERYONE), 0.0)
        self.track = Track(Kind.VIDEO, 1)
        self.viewer = self.watch("v", 1)

    def watch(self, peer: str, index: int) -> Viewer:
        line = AnsweredLine("0", Kind.VIDEO, Direction.SENDONLY, {Codec.VP8: 96}, slot="guest", ssrc=SSRC)
        viewer = Viewer(peer, False, ((line, self.stream),), Limits(), b"key")
        self.playback.add(viewer)
        viewer.subscribe("x", index)
        return viewer

    def ask(self, publication: str, now: float, layer: int) -> list[Action]:
        self.asked.append(publication)
        return []

    def send(self, count: int, now: float = 0.0) -> None:
        for number in range(count):
            self.track.clock.arrived(0, now)
            arrival = Arrival(self.track, Codec.VP8, number, 0, 0, b"x", number == 0, None)
            self.stream.receive("pub", arrival, now, False, keep=False)

    def report(self, now: float) -> SenderReport:
        self.playback.look_after(self.viewer, now)
        (sent,) = self.playback.reports()
        assert isinstance(sent, SendReport)
        assert sent.viewers == (1,)
        report = parse_rtcp(sent.packet)[0]
        assert isinstance(report, SenderReport)
        return report


def test_who_is_sent_the_same_is_sent_one_report() -> None:
    rig = Rig()
    assert rig.playback.reports() == []
    rig.send(1, 1.0)
    viewers = [rig.viewer, rig.watch("w", 2), rig.watch("x", 3)]
    for viewer in viewers:
        rig.playback.look_after(viewer, 1.0)
    assert [one.viewers for one in rig.playback.reports() if isinstance(one, SendReport)] == [(1,)]  # others wait
    rig.stream.receive("pub", Arrival(rig.track, Codec.VP8, 1, 0, 0, b"x", True, None), 1.1, False, keep=False)
    for viewer in viewers:
        rig.playback.look_after(viewer, 1.1)
    assert [one.viewers for one in rig.playback.reports() if isinstance(one, SendReport)] == [(1, 2, 3)]
    assert rig.playback.reports() == []


def test_resends_go_to_who_asked() -> None:
    rig = Rig()
    rig.send(10)
    actions = rig.playback.rtcp(rig.viewer, pack_nack(1, SSRC, [FIRST + 3, FIRST + 5, FIRST + 99]), 0.1)
    assert len(actions) == 1
    assert isinstance(actions[0], Resend)
    assert actions[0].viewer == 1
    assert [parse_rtp(packet).number for packet in actions[0].packets] == [FIRST + 5, FIRST + 3]
    assert rig.playback.rtcp(rig.viewer, pack_nack(1, SSRC + 1, [FIRST]), 0.1) == []


def test_resends_have_a_budget() -> None:
    rig = Rig()
    rig.send(10)
    resent = 0
    for _ in range(500):
        actions = rig.playback.rtcp(rig.viewer, pack_nack(1, SSRC, [FIRST + number for number in range(10)]), 0.1)
        resent += sum(len(action.packets) for action in actions if isinstance(action, Resend))
    assert resent * COPIES == Limits().resend_burst


def test_key_frames_are_asked_within_an_allowance() -> None:
    rig = Rig()
    rig.playback.rtcp(rig.viewer, pack_pli(1, SSRC), 0.1)
    assert rig.asked == []  # it is sent nothing yet
    rig.send(1)
    for _ in range(50):
        rig.playback.rtcp(rig.viewer, pack_pli(1, SSRC), 0.2)
    assert rig.asked == ["pub"] * int(Limits().key_frame_burst)


def test_reports_and_evidence() -> None:
    rig = Rig()
    marks = rig.playback.look_after(rig.viewer, 0.0)
    assert [(type(one), one.viewer, one.period) for one in marks if isinstance(one, Mark)] == [
        (Mark, 1, period) for period in (-1, 0, 1)
    ]
    assert len(marks) == 3  # and no report: nothing plays
    rig.send(10, 1.0)
    other = rig.watch("w", 2)
    report = rig.report(1.0)
    block = ReportBlock(SSRC, 0, 0, FIRST + 9, 0, (report.ntp >> 16) & 0xFFFFFFFF, 0)
    packet = pack_receiver_report(1, [block])
    assert rig.playback.rtcp(other, packet, 1.5) == []  # nothing was reported to that one
    assert rig.playback.rtcp(rig.viewer, packet, 1.5) == [Tell(ViewerReceiving("v", 1.5))]
    later = rig.playback.look_after(rig.viewer, 1.5 + STALLED)
    assert later[-1] == Tell(ViewerStalled("v", 1.5 + STALLED, 1.5))


def test_leaving_ends_reception() -> None:
    rig = Rig()
    rig.send(2, 1.0)
    report = rig.report(1.0)
    block = ReportBlock(SSRC, 0, 0, FIRST + 1, 0, (report.ntp >> 16) & 0xFFFFFFFF, 0)
    rig.playback.rtcp(rig.viewer, pack_receiver_report(1, [block]), 1.2)
    assert rig.playback.remove("v", 2.0) == [Tell(ViewerStalled("v", 2.0, 1.2))]
    assert rig.playback.remove("v", 2.0) == []
    assert not rig.stream.feeds("v")
