from __future__ import annotations

from signaling.control import Audience
from signaling.relay.limits import Limits
from signaling.relay.notices import Notices
from signaling.relay.publication import Arrival, Track
from signaling.relay.quality import Allowance
from signaling.relay.stream import Feed, Stream
from signaling.relay.viewer import Viewer
from signaling.session.answer import AnsweredLine
from signaling.session.offer import Codec, Direction, Kind


def test_a_viewer_joins_and_leaves_the_streams_of_its_lines() -> None:
    streams = [Stream(name, Kind.AUDIO, ssrc, 5_000, 0, Limits(), Notices()) for ssrc, name in enumerate("ab", 70)]
    lines = tuple(
        (
            AnsweredLine(stream.slot, Kind.AUDIO, Direction.SENDONLY, {Codec.OPUS: 111}, {}, stream.slot, stream.ssrc),
            stream,
        )
        for stream in streams
    )
    viewer = Viewer("v", False, lines, Limits(), b"key")
    assert set(viewer.streams) == {70, 71}
    streams[0].route(Feed("pub", "m", Audience.EVERYONE), 0.0)
    viewer.subscribe("x", 1)
    assert viewer.playing == []
    streams[0].receive(
        "pub", Arrival(Track(Kind.AUDIO, 1), Codec.OPUS, 1, 0, 0, b"x", True, None), 0.0, False, keep=False
    )
    assert viewer.playing == [streams[0]]
    viewer.unsubscribe()
    assert viewer.playing == []


def test_allowances() -> None:
    viewer = Viewer(
        "v", False, (), Limits(resend_rate=1.0, resend_burst=6.0, key_frame_rate=1.0, key_frame_burst=1.0), b"key"
    )
    everyone = Allowance(1.0, 8.0)
    assert list(viewer.allowed(range(10), everyone, 0.0)) == [0, 1, 2]
    assert list(Viewer("w", False, (), Limits(), b"key").allowed(range(10), everyone, 0.0)) == [0]
    assert viewer.may_ask(0.0)
    assert not viewer.may_ask(0.5)
    assert viewer.may_ask(1.5)
