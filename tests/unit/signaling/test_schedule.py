from __future__ import annotations

from collections import defaultdict

from signaling.relay.actions import Forward, Viewers
from signaling.relay.schedule import LATE, LONGEST, PASS, Schedule


def audience(*indexes: int) -> Viewers:
    viewers = Viewers()
    for index in indexes:
        viewers.add(index)
    return viewers


def video(viewers: Viewers, *packets: bytes) -> Forward:
    return Forward(packets, viewers, audio=False)


def audio(viewers: Viewers, *packets: bytes) -> Forward:
    return Forward(packets, viewers, audio=True)


def drained(schedule: Schedule, most: int = 64) -> dict[int, list[bytes]]:
    """What each viewer is sent, in order."""
    sent: dict[int, list[bytes]] = defaultdict(list)
    while (found := schedule.take(most)) is not None:
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
    assert schedule.empty
    assert schedule.sent == 8000


def test_a_slice_is_bounded_and_a_pass_gives_eight_to_each() -> None:
    schedule, viewers = Schedule(), audience(*range(100))
    for packet in frame(80):
        schedule.put(video(viewers, packet), 0.0)
    order = []
    while (found := schedule.take(64)) is not None:
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
    assert schedule.take(64) is not None
    schedule.put(audio(viewers, b"a"), 0.0)
    for _ in range(5):
        found = schedule.take(64)
        assert found is not None
        assert found.packets == (b"a",)
    found = schedule.take(64)
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
        found = schedule.take(64)
        assert found is not None
        names.append(found.packets[0][:1])
    assert names == [b"x", b"y"] * 3


def test_who_left_is_not_sent_to_and_nobody_is_missed() -> None:
    schedule, viewers = Schedule(), audience(*range(20))
    for packet in frame(8):
        schedule.put(video(viewers, packet), 0.0)
    first = schedule.take(64)
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
    assert schedule.take(64) is None
    viewers.add(1)
    schedule.put(video(viewers, b"w"), 0.0)
    viewers.remove(1)
    assert schedule.take(64) is None
    assert schedule.empty


def test_behind_looks_at_the_oldest_packet_that_waits() -> None:
    schedule, viewers = Schedule(), audience(1)
    assert not schedule.behind(0.0)
    for number in range(20):
        schedule.put(video(viewers, b"%d" % number), number * 0.02)
    assert schedule.behind(LATE + 0.01)
    assert not schedule.behind(LATE)
    schedule.take(64)  # packets 0 to 7
    assert not schedule.behind(LATE + 0.01)
    assert schedule.behind(8 * 0.02 + LATE + 0.01)
    drained(schedule)
    assert not schedule.behind(100.0)


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
