from __future__ import annotations

from signaling.relay.ring import SIZE, Kept, Ring
from signaling.session.offer import Codec


def kept(number: int) -> Kept:
    return Kept(number, b"%d" % number, Codec.VP8)


def test_holds_the_last_packets() -> None:
    ring = Ring()
    for number in range(5000, 5000 + SIZE + 10):
        ring.put(kept(number))
    assert ring.get(5009) is None
    assert ring.passed(5009)
    assert ring.get(5010) == kept(5010)
    assert not ring.passed(5010)


def test_a_gap_stays_empty_until_the_late_packet() -> None:
    ring = Ring()
    ring.put(kept(1))
    ring.put(kept(3))
    assert ring.get(2) is None
    assert not ring.passed(2)
    ring.put(kept(2))
    assert ring.get(2) == kept(2)


def test_what_is_too_late_displaces_nothing() -> None:
    ring = Ring()
    ring.put(kept(SIZE + 10))
    ring.put(kept(10))
    assert ring.get(10) is None
    assert ring.get(SIZE + 10) == kept(SIZE + 10)


def test_an_empty_ring_holds_nothing() -> None:
    assert Ring().get(7) is None
