"""Publications follow one another on a slot; viewers see one continuous stream."""

from __future__ import annotations

from itertools import pairwise

import pytest

from signaling.control import (
    Audience,
    ClosePeer,
    Closing,
    PeerClosed,
    PublicationFlowing,
    PublicationSilent,
    PublisherTrouble,
    Route,
    ViewerLacksCodec,
)
from signaling.session.offer import Codec, Kind
from tests.sim.simulated_evening import Evening
from tests.sim.simulated_peers import FIREFOX, Received, Viewer


def continuous(received: Received) -> None:
    """Numbers without a gap, timestamps that go on with the time that passes."""
    numbers = sorted(received.packets)
    assert numbers == list(range(numbers[0], numbers[-1] + 1))
    timestamps = [received.packets[number].timestamp for number in numbers]
    steps = [(after - before) & 0xFFFFFFFF for before, after in pairwise(timestamps)]
    assert max(steps) < 90_000 * 3
    assert sum(steps) == pytest.approx((received.times[-1] - received.times[0]) * 90_000, abs=9_000)


def codecs(viewer: Viewer, received: Received) -> list[Codec]:
    """The codecs in the order in which they came, each change once."""
    found: list[Codec] = []
    for number in sorted(received.packets):
        codec = viewer.payload_types[received.packets[number].payload_type]
        if found[-1:] != [codec]:
            found.append(codec)
    return found


def test_vp8_h264_vp8_is_one_stream() -> None:
    evening = Evening()
    evening.publish("one", codec=Codec.VP8, member="lecturer")
    viewer, firefox = evening.watch("a"), evening.watch("b", family=FIREFOX)
    evening.time.run(3)
    evening.publish("two", codec=Codec.H264, member="lecturer")
    evening.time.run(3)
    evening.publish("three", codec=Codec.VP8, member="lecturer")
    evening.time.run(3)
    received = viewer.of("lecturer", Kind.VIDEO)
    assert codecs(viewer, received) == [Codec.VP8, Codec.H264, Codec.VP8]
    continuous(received)
    assert not received.missing
    assert [(event.slot, event.codec) for event in evening.told(ViewerLacksCodec, "b")] == [("lecturer", Codec.H264)]
    assert evening.told(ViewerLacksCodec, "a") == []
    assert codecs(firefox, firefox.of("lecturer", Kind.VIDEO)) == [Codec.VP8]
    assert firefox.of("lecturer", Kind.VIDEO).times[-1] > evening.time.now - 0.2
    assert [(event.peer, event.reason) for event in evening.told(PeerClosed)] == [
        ("one", Closing.REPLACED),
        ("two", Closing.REPLACED),
    ]


def test_each_switch_begins_with_a_key_frame() -> None:
    evening = Evening()
    evening.publish("one", slot="guest", member="m1")
    evening.publish("two", slot="host", member="m2", route=None)
    viewer = evening.watch("a")
    evening.time.run(2)
    evening.command(Route("two", "guest", Audience.EVERYONE))
    evening.time.run(2)
    received = viewer.of("guest", Kind.VIDEO)
    payloads = [received.packets[number].payload for number in sorted(received.packets)]
    first_of_two = next(payload for payload in payloads if b"m2" in payload)
    assert payloads[0].startswith(b"\x10\x00m1")
    assert first_of_two.startswith(b"\x10\x00m2")
    assert b"m1" not in payloads[-1]
    continuous(received)


def test_what_goes_to_the_stage_is_not_sent_to_members() -> None:
    evening = Evening()
    evening.publish("guest-1", slot="guest", route=Audience.STAGE)
    member = evening.watch("member")
    guest = evening.watch("guest-2", slots=("lecturer", "screen", "host", "guest", "backstage"))
    evening.time.run(3)
    assert len(guest.of("guest", Kind.VIDEO).packets) > 200
    assert member.received == {}
    evening.command(Route("guest-1", "guest", Audience.EVERYONE))
    evening.time.run(1)
    assert len(member.of("guest", Kind.VIDEO).packets) > 50
    assert member.of("guest", Kind.VIDEO).packets[member.of("guest", Kind.VIDEO).first].payload.startswith(b"\x10\x00")
    evening.command(Route("guest-1", None, Audience.NOBODY))
    evening.time.run(0.1)
    count = len(guest.of("guest", Kind.VIDEO).packets)
    evening.time.run(1)
    assert len(guest.of("guest", Kind.VIDEO).packets) == count


def test_nobody_is_sent_their_own_voice() -> None:
    evening = Evening()
    evening.publish("guest-p", slot="guest", member="zhang")
    own, other = evening.watch("guest-v", member="zhang"), evening.watch("other")
    evening.time.run(2)
    assert own.of("guest", Kind.AUDIO).packets == {}
    assert len(own.of("guest", Kind.VIDEO).packets) > 100
    assert len(other.of("guest", Kind.AUDIO).packets) > 80


def test_a_lecturer_who_returns_takes_over_and_the_route_moves() -> None:
    evening = Evening()
    evening.publish("before", member="dean")
    viewer = evening.watch("a")
    evening.time.run(2)
    evening.publish("after", member="dean", route=None)
    evening.time.run(2)
    assert [event.peer for event in evening.told(PeerClosed)] == ["before"]
    assert {event.peer for event in evening.told(PublicationFlowing) if event.video} == {"before", "after"}
    received = viewer.of("lecturer", Kind.VIDEO)
    assert received.times[-1] > evening.time.now - 0.1
    gaps = [after - before for before, after in pairwise(received.times)]
    assert max(gaps) < 0.3
    continuous(received)


def test_a_publication_that_only_opens_takes_nothing_over() -> None:
    evening = Evening()
    evening.publish("before", member="dean")
    evening.watch("a")
    evening.time.run(1)
    evening.publish("after", member="dean", route=None)
    evening.connections["after"].blocked = True
    evening.time.run(3)
    assert evening.told(PeerClosed) == []


def test_silence_and_closing_are_told() -> None:
    evening = Evening()
    evening.publish("p")
    evening.time.run(2)
    evening.connections["p"].blocked = True
    cut = evening.time.now
    evening.time.run(20)
    silent = evening.told(PublicationSilent)[0]
    assert silent.last == pytest.approx(cut, abs=0.1)
    assert silent.at == pytest.approx(cut + 2, abs=0.1)
    closed = evening.told(PeerClosed)[0]
    assert closed.reason is Closing.SILENT
    assert closed.at == pytest.approx(cut + 15, abs=1.2)
    assert closed.last == pytest.approx(cut, abs=0.1)


def test_a_guest_without_a_camera_ends_the_picture_of_the_one_before() -> None:
    evening = Evening()
    evening.publish("one", slot="guest", member="m1")
    viewer = evening.watch("a")
    evening.time.run(2)
    two = evening.publish("two", slot="guest", member="m2", route=None)
    two.video = lambda now: None  # type: ignore[method-assign]
    evening.command(Route("two", "guest", Audience.EVERYONE))
    evening.time.run(5)
    assert any(b"m2" in rtp.payload for rtp in viewer.of("guest", Kind.AUDIO).packets.values())
    assert viewer.of("guest", Kind.VIDEO).times[-1] < evening.time.now - 1


def test_a_publisher_that_answers_no_pli_has_its_group_replayed() -> None:
    evening = Evening()
    obs = evening.publish("obs", answers_pli=False, key_every=150)
    evening.watch("first")
    evening.time.run(6)
    second = evening.watch("second")
    begun = evening.time.now
    evening.time.run(2.5)
    assert [event.trouble for event in evening.told(PublisherTrouble)] == ["no-key-frames"]
    assert second.of("lecturer", Kind.VIDEO).times[0] - begun < 1.4
    third = evening.watch("third")
    begun = evening.time.now
    evening.time.run(3)
    assert third.of("lecturer", Kind.VIDEO).times[0] - begun < 0.3
    for viewer in (second, third):
        received = viewer.of("lecturer", Kind.VIDEO)
        assert received.packets[received.first].payload.startswith(b"\x10\x00")
        assert sorted(received.packets) == list(range(received.first, received.highest + 1))
        assert received.times[-1] > evening.time.now - 0.1
    assert obs.plis


def test_parameter_sets_go_before_a_key_frame_that_lacks_them() -> None:
    evening = Evening()
    evening.publish("p", codec=Codec.H264, parameters_once=True)
    evening.watch("first")
    evening.time.run(2)
    viewer = evening.watch("second")
    evening.time.run(2)
    received = viewer.of("lecturer", Kind.VIDEO)
    numbers = sorted(received.packets)
    assert received.packets[numbers[0]].payload[0] & 0x1F == 24
    assert received.packets[numbers[1]].payload[1] & 0x9F == 0x85
    assert received.packets[numbers[0]].timestamp == received.packets[numbers[1]].timestamp
    assert not received.missing


def test_closing_a_viewer_stops_its_packets() -> None:
    evening = Evening()
    evening.publish("p")
    evening.watch("a")
    evening.time.run(1)
    evening.command(ClosePeer("a", Closing.DELETED))
    evening.time.run(1)
    assert [(event.peer, event.reason) for event in evening.told(PeerClosed)] == [("a", Closing.DELETED)]
