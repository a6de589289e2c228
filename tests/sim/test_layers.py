"""Each viewer has the layer that its link bears, and one continuous picture whatever happens to layers."""

from __future__ import annotations

from itertools import pairwise

import pytest

from signaling.control import Audience, ListPeers, Peers, Route, ViewerQuality, ViewerReported
from signaling.relay.actions import RtcpArrived
from signaling.session.offer import Kind
from signaling.wire import pack_receiver_report, pack_remb
from tests.sim.simulated_evening import Evening
from tests.sim.simulated_layers import PER_FRAME, RIDS, LayeredPublisher, NarrowLink, layer_of
from tests.sim.simulated_peers import FIREFOX, Viewer


def publish(evening: Evening) -> LayeredPublisher:
    publisher = evening.publish("lecturer-1", rids=RIDS, kind=LayeredPublisher)
    assert isinstance(publisher, LayeredPublisher)
    return publisher


def layers(viewer: Viewer) -> list[int]:
    """The layers of the last frames, as they came."""
    packets = viewer.of("lecturer", Kind.VIDEO).packets
    return [layer_of(packets[number].payload)[0] for number in sorted(packets)[-8:]]


def continuous(viewer: Viewer, settle: int = 60) -> None:
    """No number is missing, a layer begins with a key frame, and time goes on."""
    received = viewer.of("lecturer", Kind.VIDEO)
    before, timestamp = None, None
    for number in range(received.first, received.highest - settle):
        rtp = received.packets.get(number)
        assert rtp is not None, f"{number} never came"
        layer, begins = layer_of(rtp.payload)
        assert before is None or layer == before or begins, f"{number}: from {before} to {layer} without a key frame"
        if timestamp is not None:
            assert (rtp.timestamp - timestamp) & 0xFFFFFFFF < 90_000 * 60, f"{number}: time went back"
            assert rtp.timestamp != timestamp or layer == before, f"{number}: two pictures of one time"
        before, timestamp = layer, rtp.timestamp


def levels(evening: Evening, peer: str) -> list[str]:
    return [event.level for event in evening.told(ViewerQuality, peer)]


def test_viewers_begin_on_the_highest_layer_without_a_gap() -> None:
    evening = Evening(1)
    publish(evening)
    viewers = [evening.watch("a"), evening.watch("b", family=FIREFOX)]
    evening.time.run(5)
    for viewer in viewers:
        assert set(layers(viewer)) == {2}
        continuous(viewer)
    assert evening.told(ViewerQuality) == []


def test_who_has_a_narrow_link_is_moved_to_a_layer_that_fits_and_nobody_else() -> None:
    evening = Evening(2)
    publisher = publish(evening)
    others = [evening.watch(f"good{number}") for number in range(6)]
    poor = evening.watch("poor")
    evening.time.run(5)
    evening.connections["poor"].down = NarrowLink(evening.time, rate=50 + 30 * PER_FRAME[1] + 40)
    evening.time.run(3)
    assert levels(evening, "poor") == ["reduced"]
    evening.command(ListPeers(1))
    listed = evening.answers[-1]
    assert isinstance(listed, Peers)
    assert {peer.peer: peer.levels for peer in listed.peers if peer.levels} == {"poor": {"lecturer": "reduced"}}
    asked = len(publisher.asked)
    evening.time.run(6)
    assert set(layers(poor)) == {1}
    received = poor.of("lecturer", Kind.VIDEO)
    assert received.times[-1] > evening.time.now - 0.1
    late = [number for number in received.missing if number < received.highest - 60]
    assert len(late) < 300  # of the second before it was moved
    for viewer in others:
        assert set(layers(viewer)) == {2}
        continuous(viewer)
    assert not [event for event in evening.told(ViewerQuality) if event.peer != "poor"]
    assert len(publisher.asked) == asked


def test_who_recovers_goes_up_and_each_failed_try_waits_longer() -> None:
    evening = Evening(3)
    publish(evening)
    poor = evening.watch("poor")
    evening.time.run(3)
    evening.connections["poor"].down = NarrowLink(evening.time, rate=50 + 30 * PER_FRAME[1] + 40)
    evening.time.run(60)
    tries = [event.at for event in evening.told(ViewerQuality, "poor") if event.level == "full"]
    assert 1 <= len(tries) <= 3
    assert all(later - sooner > 18 for sooner, later in pairwise(tries))
    evening.connections["poor"].down = evening.link()
    evening.time.run(70)
    assert levels(evening, "poor")[-1] == "full"
    assert set(layers(poor)) == {2}


def test_a_lecturer_who_returns_with_one_size_slows_nobody_any_more() -> None:
    """Who was sent a smaller picture is sent all there is now, and is told; with the sizes the hint comes back."""
    evening = Evening(3)
    evening.publish("lecturer-1", member="dean", rids=RIDS, kind=LayeredPublisher)
    evening.watch("poor")
    evening.time.run(3)
    evening.connections["poor"].down = NarrowLink(evening.time, rate=50 + 30 * PER_FRAME[1] + 40)
    evening.time.run(6)
    assert levels(evening, "poor") == ["reduced"]
    evening.publish("lecturer-2", member="dean")
    evening.time.run(3)
    assert levels(evening, "poor") == ["reduced", "full"]
    evening.publish("lecturer-3", member="dean", rids=RIDS, kind=LayeredPublisher)
    evening.time.run(8)
    assert levels(evening, "poor")[:3] == ["reduced", "full", "reduced"]


def test_below_the_lowest_layer_there_is_sound_only_and_then_the_picture_again() -> None:
    evening = Evening(4)
    evening.publish("lecturer-1")  # one layer
    evening.watch("good")
    poor = evening.watch("poor")
    evening.time.run(3)
    evening.connections["poor"].down.loss = 0.35
    evening.time.run(10)
    assert levels(evening, "poor") == ["audio-only"]
    video, audio = poor.of("lecturer", Kind.VIDEO), poor.of("lecturer", Kind.AUDIO)
    assert video.times[-1] < evening.time.now - 1
    assert audio.times[-1] > evening.time.now - 0.3
    evening.connections["poor"].down.loss = 0.0
    evening.time.run(15)
    assert levels(evening, "poor") == ["audio-only", "full"]
    assert video.times[-1] > evening.time.now - 0.1
    assert levels(evening, "good") == []


def test_when_many_lose_at_once_nobody_is_moved() -> None:
    evening = Evening(5)
    publish(evening)
    viewers = [evening.watch(f"v{number}") for number in range(8)]
    evening.time.run(4)
    for number in range(4):
        evening.connections[f"v{number}"].down.loss = 0.3
    evening.time.run(6)
    assert evening.told(ViewerQuality) == []
    assert all(set(layers(viewer)) == {2} for viewer in viewers)


def test_what_the_publisher_lost_moves_nobody() -> None:
    evening = Evening(6)
    publish(evening)
    evening.watch("alone")
    evening.time.run(3)
    evening.connections["lecturer-1"].up.loss = 0.3
    evening.time.run(6)
    assert levels(evening, "alone") == []


@pytest.mark.parametrize("seed", [7, 8, 9])
def test_lost_packets_are_sent_again_across_switches(seed: int) -> None:
    """Layers come and go at 3 % loss and late packets: whatever a viewer misses of any layer, it gets."""
    evening = Evening(seed, loss=0.03, jitter=0.015)
    publisher = publish(evening)
    viewers = [evening.watch("a"), evening.watch("b", family=FIREFOX)]
    evening.time.run(4)
    stream = evening.relay._lectures["lecture"].named("lecturer").streams[Kind.VIDEO]
    for turn in range(12):
        for name in ("a", "b"):
            stream.choose(name, (0, 2, 1)[turn % 3])
        evening.time.run(1.1)
    publisher.active.discard(2)
    evening.time.run(3)
    for viewer in viewers:
        assert {layer_of(rtp.payload)[0] for rtp in viewer.of("lecturer", Kind.VIDEO).packets.values()} == {0, 1, 2}
        continuous(viewer)


def test_a_layer_that_stops_falls_back_to_the_next_and_comes_back() -> None:
    evening = Evening(10)
    publisher = publish(evening)
    viewer = evening.watch("a")
    evening.time.run(4)
    publisher.active = {0, 1}
    evening.time.run(2)
    assert set(layers(viewer)) == {1}
    publisher.active = {0}
    evening.time.run(2)
    assert set(layers(viewer)) == {0}
    publisher.turn_on(1)
    publisher.turn_on(2)
    evening.time.run(1.5)
    assert set(layers(viewer)) == {0}  # not yet: it may go again at once
    evening.time.run(2.5)
    assert set(layers(viewer)) == {2}
    continuous(viewer)
    assert levels(evening, "a") == []


def test_another_publication_takes_over_whatever_its_layers() -> None:
    evening = Evening(11)
    publish(evening)
    viewer = evening.watch("a")
    evening.time.run(4)
    evening.publish("lecturer-2", slot="guest", route=None)
    evening.time.run(1)
    evening.command(Route("lecturer-2", "lecturer", Audience.EVERYONE))
    evening.time.run(3)
    received = viewer.of("lecturer", Kind.VIDEO)
    assert not received.missing
    assert b"lecturer-2" in received.packets[received.highest].payload
    evening.command(Route("lecturer-1", "lecturer", Audience.EVERYONE))
    evening.time.run(3)
    assert set(layers(viewer)) == {2}
    assert not received.missing


def test_an_estimate_that_falls_far_below_what_is_sent_moves_down() -> None:
    evening = Evening(12)
    publish(evening)
    evening.watch("a")
    evening.time.run(4)
    address = evening.connections["a"].address

    def estimate(bitrate: int) -> None:
        packet = pack_receiver_report(1, []) + pack_remb(1, bitrate, [])
        evening.feed(RtcpArrived("a", packet, address))

    for bitrate in (10_000, 12_000, 14_000):  # it grows: no sign of congestion, however low
        estimate(bitrate)
        evening.time.run(1)
    assert levels(evening, "a") == []
    estimate(1_000_000)
    for _ in range(3):
        estimate(15_000)
        evening.time.run(1)
    assert levels(evening, "a") == ["reduced"]


def test_a_page_that_stands_still_is_moved_down() -> None:
    evening = Evening(13)
    publish(evening)
    viewer = evening.watch("a")
    evening.time.run(4)
    for _ in range(4):
        evening.command(ViewerReported("a", 0.0, 900))
        evening.time.run(1)
    assert levels(evening, "a") == ["reduced"]
    assert set(layers(viewer)) == {1}
    evening.command(ViewerReported("stranger", float("nan"), -5))
    continuous(viewer)


def test_what_the_page_alone_reports_is_acted_on_without_waiting_for_its_next_report() -> None:
    evening = Evening(11)
    publish(evening)
    evening.watch("a")
    evening.time.run(12)
    evening.command(ViewerReported("a", 0.5, 0))
    evening.time.run(2)
    assert levels(evening, "a") == ["reduced"]
