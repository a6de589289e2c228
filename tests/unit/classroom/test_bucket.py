from __future__ import annotations

from classroom.room.bucket import Bucket, Buckets

SECOND = 1_000_000


def test_so_many_at_once_and_so_many_a_second() -> None:
    bucket = Bucket(rate=2, burst=3, now=0)
    assert [bucket.take(0) for _ in range(4)] == [True, True, True, False]
    assert not bucket.take(SECOND // 2 - 1)
    assert bucket.take(SECOND // 2)
    assert [bucket.take(100 * SECOND) for _ in range(4)] == [True, True, True, False]


def test_a_clock_that_steps_back_gives_nothing() -> None:
    bucket = Bucket(rate=1, burst=1, now=10 * SECOND)
    assert bucket.take(10 * SECOND)
    assert not bucket.take(5 * SECOND)
    assert not bucket.take(10 * SECOND + 1)


def test_each_key_has_its_own_and_old_ones_make_room() -> None:
    buckets = Buckets(rate=1, burst=1, limit=2)
    assert buckets.take("a", 0)
    assert buckets.take("b", 0)
    assert not buckets.take("a", 0)
    assert not buckets.take("c", 0)
    assert buckets.take("c", SECOND)
    assert not buckets.take("c", SECOND)
