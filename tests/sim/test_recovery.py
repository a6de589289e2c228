"""Loss, reordering and duplication on every link: viewers have everything in the end."""

from __future__ import annotations

import pytest

from signaling.session.offer import Kind
from tests.sim.simulated_evening import Evening
from tests.sim.simulated_peers import FIREFOX, Viewer


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
