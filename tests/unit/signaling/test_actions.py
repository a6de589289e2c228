from __future__ import annotations

from random import Random

from signaling.relay.actions import Viewers


def test_add_and_remove_keep_one_contiguous_array() -> None:
    random, viewers, expected = Random(1), Viewers(), set[int]()
    for _ in range(2000):
        viewer = random.randrange(50)
        if random.random() < 0.5:
            viewers.add(viewer)
            expected.add(viewer)
        else:
            viewers.remove(viewer)
            expected.discard(viewer)
        assert sorted(viewers.indexes) == sorted(expected)
        assert len(viewers) == len(expected)
        assert (viewer in viewers) == (viewer in expected)


def test_held_means_without_a_break() -> None:
    viewers = Viewers()
    viewers.add(1)
    viewers.add(2)
    copied = viewers.changes
    viewers.add(3)
    viewers.remove(2)
    viewers.add(2)
    assert viewers.held(1, copied)
    assert not viewers.held(2, copied)
    assert not viewers.held(3, copied)
    assert not viewers.held(4, copied)


def test_adding_twice_changes_nothing() -> None:
    viewers = Viewers()
    viewers.add(1)
    changes = viewers.changes
    viewers.add(1)
    viewers.remove(9)
    assert viewers.changes == changes
