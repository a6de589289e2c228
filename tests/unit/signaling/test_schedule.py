from __future__ import annotations

import math
from collections import defaultdict

import pytest

from signaling.relay.actions import Forward, Viewers
from signaling.relay.batch import PASS
from signaling.relay.schedule import CAUGHT_UP, LATE, LONGEST, Schedule

LATER = 1_000.0  # when everything is due


def audience(*indexes: int) -> Viewers:
    viewers = Viewers()
    for index in indexes:
        viewers.add(index)
    return viewers


def video(viewers: Viewers, *packets: bytes) -> Forward:
    return Forward(packets, viewers, audio=False, stream=1)


def audio(viewers: Viewers, *packets: bytes) -> Forward:
    return Forward(packets, viewers, audio=True, stream=2)


def drained(schedule: Schedule, most: int = 64) -> dict[int, list[bytes]]:
    """What each viewer is sent, in order."""
    sent: dict[int, list[bytes]] = defaultdict(list)
    while (found := schedule.take(most, LATER)) is not None:
        for viewer in found.viewers:
            sent[viewer] += found.packets
    return dict(sent)


def frame(count: int, name: str = "v") -> list[bytes]:
    return [f"{name}{number}".encode() for number in range(count)]


def test_everybody_is_sent_everything_in_order() -> None:
    schedule, viewers = Schedule(), audience(*range(100))
    for packet in frame(80):
        schedule.put(video(viewers, packet), 0.0)
    assert drained(schedule) == {viewer: frame(80) for viewer in range(100)}
    assert schedule.due == math.inf
    assert schedule.sent == 8000


def test_a_slice_is_bounded_and_a_pass_gives_eight_to_each() -> None:
    schedule, viewers = Schedule(), audience(*range(100))
    for packet in frame(80):
        schedule.put(video(viewers, packet), 0.0)
    order = []
    while (found := schedule.take(64, LATER)) is not None:
        assert len(found.packets) <= PASS
        assert len(found.packets) * len(found.viewers) <= 64
        order.append((found.packets[0], found.viewers[0]))
    assert order[0] == (b"v0", 0)
    assert order[1] == (b"v0", 8)
    assert order[13] == (b"v8", 0)


def test_audio_goes_between_the_slices_of_a_key_frame() -> None:
    schedule, viewers = Schedule(), audience(*range(300))
    for packet in frame(80):
        schedule.put(video(viewers, packet), 0.0)
    assert schedule.take(64, LATER) is not None
    schedule.put(audio(viewers, b"a"), 0.0)
    for _ in range(5):
        found = schedule.take(64, LATER)
        assert found is not None
        assert found.packets == (b"a",)
    found = schedule.take(64, LATER)
    assert found is not None
    assert found.packets[0] == b"v0"


def test_audiences_take_turns() -> None:
    schedule, first, second = Schedule(), audience(*range(50)), audience(*range(50, 100))
    for packet in frame(16, "x"):
        schedule.put(video(first, packet), 0.0)
    for packet in frame(16, "y"):
        schedule.put(video(second, packet), 0.0)
    names = []
    for _ in range(6):
        found = schedule.take(64, LATER)
        assert found is not None
        names.append(found.packets[0][:1])
    assert names == [b"x", b"y"] * 3


def test_who_left_is_not_sent_to_and_nobody_is_missed() -> None:
    schedule, viewers = Schedule(), audience(*range(20))
    for packet in frame(8):
        schedule.put(video(viewers, packet), 0.0)
    first = schedule.take(64, LATER)
    assert first is not None
    assert list(first.viewers) == list(range(8))
    viewers.remove(0)
    viewers.remove(15)
    assert sorted(drained(schedule)) == [*range(8, 15), *range(16, 20)]


def test_who_came_later_is_not_sent_what_was_put_before() -> None:
    schedule, viewers = Schedule(), audience(1, 2)
    schedule.put(video(viewers, b"before"), 0.0)
    viewers.remove(2)
    viewers.add(2)  # the index was given back, and belongs to somebody else now
    viewers.add(3)
    schedule.put(video(viewers, b"after"), 0.0)
    assert drained(schedule) == {1: [b"before", b"after"], 2: [b"after"], 3: [b"after"]}


def test_an_audience_of_nobody_waits_for_nothing() -> None:
    schedule, viewers = Schedule(), audience()
    schedule.put(video(viewers, b"v"), 0.0)
    assert schedule.take(64, LATER) is None
    viewers.add(1)
    schedule.put(video(viewers, b"w"), 0.0)
    viewers.remove(1)
    assert schedule.take(64, LATER) is None
    assert schedule.due == math.inf


def test_behind_is_more_work_than_can_be_sent_in_time() -> None:
    schedule, viewers = Schedule(), audience(1, 2)
    assert not schedule.behind(0.0)
    now = 0.0
    while not schedule.behind(now):  # 1,600 sends a second come, 800 go
        schedule.put(video(viewers, *frame(16)), now)
        schedule.take(1, LATER)
        schedule.take(1, LATER)
        now += 0.02
        assert now < 3
    assert sum(map(len, drained(schedule).values())) == pytest.approx(800 * LATE, rel=0.1)
    assert not schedule.behind(now)


def test_who_is_behind_stays_so_until_almost_nothing_waits() -> None:
    schedule, viewers = Schedule(), audience(1)
    for _ in range(200):
        schedule.put(video(viewers, b"v"), 0.0)
    now, seen = 0.0, []
    for _ in range(300):  # eight packets in 80 ms
        now += 0.08
        seen.append((schedule.behind(now), 200 - schedule.sent))
        schedule.take(64, LATER)
    waiting = [left for behind, left in seen if behind]
    assert 100 * LATE < max(waiting) < 200
    assert min(waiting) == pytest.approx(100 * CAUGHT_UP, abs=10)
    assert not schedule.behind(now)


def test_a_moment_without_sending_says_nothing() -> None:
    schedule, viewers = Schedule(), audience(*range(1_000))
    for packet in frame(80):
        schedule.put(video(viewers, packet), 0.0)
    assert not schedule.behind(0.2)


def test_audio_is_never_behind() -> None:
    schedule = Schedule()
    schedule.put(audio(audience(1), b"a"), 0.0)
    assert not schedule.behind(10.0)


def test_a_full_queue_drops_and_counts() -> None:
    schedule, viewers = Schedule(), audience(1)
    for _ in range(LONGEST + 5):
        schedule.put(video(viewers, b"v"), 0.0)
    assert schedule.dropped == {"queue-full": 5}
    drained(schedule)
    schedule.put(video(viewers, b"v"), 0.0)
    assert schedule.dropped == {"queue-full": 5}


def test_a_viewer_is_sent_at_least_something_by_the_smallest_slice() -> None:
    schedule, viewers = Schedule(), audience(1, 2)
    for packet in frame(8):
        schedule.put(video(viewers, packet), 0.0)
    assert drained(schedule, most=1) == {1: frame(8), 2: frame(8)}


def test_video_waits_for_the_uplink_and_sound_does_not() -> None:
    schedule, viewers = Schedule(uplink_limit=1_000_000), audience(1)
    for _ in range(100):
        schedule.put(video(viewers, bytes(1_206)), 0.0)  # 10,000 bits each, on the link
    sent = 0
    for tick in range(1, 51):
        while (found := schedule.take(1, LATER)) is not None:
            sent += len(found.packets)
        assert schedule.due == math.inf
        assert sent <= 5 + 8 + 2 * tick
        schedule.put(audio(viewers, b"a"), tick * 0.02)
        assert schedule.cause == "uplink" or tick > 40
        found = schedule.take(1, LATER)
        assert found is not None
        assert found.packets == (b"a",)
    assert sent > 90
