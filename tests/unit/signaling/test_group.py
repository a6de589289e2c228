from __future__ import annotations

from signaling.relay.group import Group
from signaling.relay.limits import Limits
from signaling.relay.ring import Kept
from signaling.session.offer import Codec


def kept(number: int, size: int = 10) -> Kept:
    return Kept(number, bytes(size), Codec.VP8)


def numbers(found: list[Kept]) -> list[int]:
    return [one.number for one in found]


def test_packets_are_kept_by_rising_number() -> None:
    group = Group(Limits())
    group.put(kept(1), 0.0)
    assert group.packets == []
    group.begin(0.0)
    for number in (5, 7, 6, 9):
        group.put(kept(number), 0.0)
    assert numbers(group.after(0, 9)) == [5, 6, 7, 9]
    assert numbers(group.after(6, 2)) == [6, 7]
    assert numbers(group.after(8, 2)) == [9]
    assert group.after(10, 2) == []
    group.begin(1.0)
    assert group.packets == []


def test_too_many_bytes_or_seconds_end_it_until_the_next_key_frame() -> None:
    for limits, now in ((Limits(group_bytes=100), 0.0), (Limits(group_seconds=2.0), 3.0)):
        group = Group(limits)
        group.begin(0.0)
        for number in range(20):
            group.put(kept(number), now)
        assert not group.whole
        assert group.packets == []
        group.begin(now)
        group.put(kept(30), now)
        assert group.whole
