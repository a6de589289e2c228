"""Loss, reordering and duplication on every link: viewers have everything in the end."""

from __future__ import annotations

from random import Random

import pytest

from signaling.control import Audience, ClosePeer, Closing, Load, PeerClosed, Route
from signaling.session.offer import Codec, Kind
from tests.sim.simulated_evening import Evening
from tests.sim.simulated_peers import CHROMIUM, FIREFOX, Viewer


def holes(viewer: Viewer, kind: Kind, settle: int = 60) -> list[int]:
    """Numbers between the first received and `settle` before the last that never came."""
    received = viewer.of("lecturer", kind)
    return sorted(set(range(received.first, received.highest - settle)) - set(received.packets))


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_everything_is_recovered_at_five_percent_in_both_directions(seed: int) -> None:
    evening = Evening(seed, loss=0.05, duplication=0.02, jitter=0.02)
    publisher = evening.publish("lecturer-1")
    viewers = [evening.watch("a"), evening.watch("b", family=FIREFOX)]
    evening.time.run(15)
    assert publisher.nacked > 20
    for viewer in viewers:
        for kind, least in ((Kind.VIDEO, 1200), (Kind.AUDIO, 600)):
            assert len(viewer.of("lecturer", kind).packets) > least
            assert holes(viewer, kind) == []


def test_padding_probes_leave_no_gap() -> None:
    evening = Evening(4)
    evening.publish("lecturer-1", padding_probes=True)
    viewer = evening.watch("a")
    evening.time.run(5)
    received = viewer.of("lecturer", Kind.VIDEO)
    assert len(received.packets) > 400
    assert not received.missing
    assert all(rtp.payload for rtp in received.packets.values())


def test_what_is_dropped_because_we_are_behind_leaves_no_gap_and_no_silence() -> None:
    evening = Evening(5)
    evening.publish("lecturer-1")
    viewer = evening.watch("a")
    evening.time.run(3)
    evening.sending = False
    evening.time.run(1.0)
    evening.sending = True
    evening.time.run(3)
    dropped = evening.told(Load)[-1].dropped
    assert dropped["behind"] > 50
    video, audio = viewer.of("lecturer", Kind.VIDEO), viewer.of("lecturer", Kind.AUDIO)
    assert not video.missing
    assert not audio.missing
    assert video.times[-1] > evening.time.now - 0.1
    begun = [rtp.payload for _, rtp in sorted(video.packets.items()) if rtp.payload.startswith(b"\x10\x00")]
    assert len(begun) >= 2  # it went on with a key frame


@pytest.mark.parametrize("seed", range(3))
def test_an_evening_of_random_happenings(seed: int) -> None:
    """Joins, leaves, publishers, routes, closed and moved peers at 3 % loss; `simulated_srtp` asserts every packet."""
    evening = Evening(seed, loss=0.03, duplication=0.01, jitter=0.01)
    random = Random(seed)
    members = [f"m{number}" for number in range(6)]
    slots = ("lecturer", "screen", "guest")
    for count in range(60):
        happening = random.randrange(8)
        publications = [peer for peer, one in evening.connections.items() if one.publisher is not None]
        if happening < 3 and len(evening.connections) < 12:
            stage = random.random() < 0.3
            watched = (*slots, "backstage") if stage else slots
            evening.watch(f"v{count}", random.choice(members), watched, random.choice((CHROMIUM, FIREFOX)))
        elif happening == 3 and len(publications) < 4:
            codec = random.choice((Codec.VP8, Codec.H264))
            evening.publish(f"p{count}", random.choice(slots), random.choice(members), codec=codec)
        elif happening == 4 and evening.connections:
            evening.command(ClosePeer(random.choice(sorted(evening.connections)), Closing.DELETED))
        elif happening == 5 and evening.connections:
            connection = evening.connections[random.choice(sorted(evening.connections))]
            connection.address = evening.address()
        elif publications:
            slot = random.choice((*slots, None))
            evening.command(Route(random.choice(publications), slot, random.choice(list(Audience))))
        evening.time.run(random.choice((0.05, 0.3, 1.0)))
    assert any(load.packets_out > 500 for load in evening.told(Load))
    closed = {event.peer for event in evening.told(PeerClosed)}
    assert closed.isdisjoint(evening.connections)
