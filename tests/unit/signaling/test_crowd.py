from __future__ import annotations

from signaling.relay.crowd import Crowd


def test_more_than_a_third_in_the_same_second_is_common() -> None:
    crowd = Crowd()
    for place in range(4):
        crowd.note(f"p{place}", 10.0)
    assert crowd.common(11, 10.1)
    assert not crowd.common(12, 10.4)
    assert not crowd.common(11, 11.5)


def test_of_few_viewers_nothing_is_common() -> None:
    crowd = Crowd()
    crowd.note("a", 10.0)
    crowd.note("b", 10.0)
    assert not crowd.common(2, 10.1)
    crowd.note("c", 10.3)
    assert crowd.common(3, 10.4)
    crowd.forget("c")
    assert not crowd.common(3, 10.7)
