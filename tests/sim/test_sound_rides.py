"""An audience that is large enough for sound to go with frames: what each viewer has is what it would have had."""

from __future__ import annotations

from itertools import pairwise

import pytest

from signaling.control import Audience, ClosePeer, Closing, Route
from signaling.relay import schedule
from signaling.session.offer import Kind
from tests.sim.simulated_evening import Evening
from tests.sim.simulated_peers import CHROMIUM, FIREFOX, Received


@pytest.fixture(autouse=True)
def _few_are_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schedule, "MANY", 2)


def missing(received: Received) -> int:
    """How many never came, the newest aside, which may be asked for yet."""
    return len(set(range(received.first, received.highest - 60)) - set(received.packets))


@pytest.mark.parametrize("seed", range(4))
def test_everybody_has_everything_through_joins_leaves_voices_and_routes(seed: int) -> None:
    evening = Evening(seed, loss=0.02, duplication=0.01, jitter=0.004)
    evening.publish("lecturer-1", member="dean")
    evening.publish("guest-1", slot="guest", member="li", key_every=200)
    viewers = {
        name: evening.watch(name, member=member, family=family)
        for name, member, family in (
            ("a", "a", CHROMIUM),
            ("b", "b", CHROMIUM),
            ("c", "c", FIREFOX),
            ("d", "d", FIREFOX),
            ("li-v", "li", CHROMIUM),
        )
    }
    evening.time.run(3)
    for number in range(6):
        evening.watch(f"late{number}", family=FIREFOX if number % 2 else CHROMIUM)
        evening.time.run(0.37)
        if number:
            evening.command(ClosePeer(f"late{number - 1}", Closing.DELETED))
        evening.command(Route("guest-1", "guest", Audience.NOBODY if number % 2 else Audience.EVERYONE))
        evening.time.run(0.41)
    evening.time.run(3)
    assert evening.held > 100
    for name, viewer in viewers.items():
        for kind in Kind:
            assert not missing(viewer.of("lecturer", kind))
            assert missing(viewer.of("guest", kind)) < 8  # what was lost just before it went off is not sent again
        assert bool(viewer.of("guest", Kind.AUDIO).packets) == (name != "li-v")  # nobody is sent their own voice
        sound = viewer.of("lecturer", Kind.AUDIO)
        assert len(sound.packets) > 480
        assert sound.times[-1] > evening.time.now - 0.1


def test_sound_comes_as_regularly_as_it_was_sent_and_pictures_wait_a_moment_at_most() -> None:
    evening = Evening(9)
    evening.publish("lecturer-1")
    viewers = [evening.watch(name) for name in "abc"]
    evening.time.run(6)
    assert evening.held > 100
    for viewer in viewers:
        sound, picture = viewer.of("lecturer", Kind.AUDIO), viewer.of("lecturer", Kind.VIDEO)
        assert max(after - before for before, after in pairwise(sound.times)) < 0.0201
        assert max(after - before for before, after in pairwise(picture.times)) < 1 / 30 + 0.031
        assert picture.packets[picture.first].payload.startswith(b"\x10\x00")
