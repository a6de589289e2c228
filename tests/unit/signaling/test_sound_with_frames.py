"""The schedule where sound goes along with frames."""

from __future__ import annotations

import math
from collections import defaultdict
from random import Random

import pytest

from signaling.ports import HOLDS
from signaling.relay import schedule as schedules
from signaling.relay.actions import Forward, Viewers
from signaling.relay.batch import SHORT
from signaling.relay.schedule import BEFORE_SOUND, FLOWS, GATHER, MANY, RIDE, SOUND, Schedule


def audience(*indexes: int, offset: int = 0) -> Viewers:
    viewers = Viewers()
    for index in indexes:
        viewers.add(index, offset)
    return viewers


def video(viewers: Viewers, *packets: bytes) -> Forward:
    return Forward(packets, viewers, audio=False, stream=1)


def sound(viewers: Viewers, packet: bytes = b"a", stream: int = 2) -> Forward:
    return Forward((packet,), viewers, audio=True, stream=stream)


def frame(count: int, name: str = "v") -> list[bytes]:
    return [f"{name}{number}".encode() for number in range(count)]


class Fanout:
    """What each viewer is sent, in order; `order` names the slices."""

    def __init__(self, schedule: Schedule) -> None:
        self.schedule = schedule
        self.sent: dict[int, list[tuple[bytes, int]]] = defaultdict(list)
        self.order: list[str] = []
        self.holds: dict[int, tuple[bytes, int]] = {}

    def drain(self, now: float, slices: float = math.inf, most: int = 256) -> Fanout:
        while slices > 0 and (found := self.schedule.take(most, now)) is not None:
            slices -= 1
            pairs = list(zip(found.viewers, found.offsets, strict=True))
            self.order.append("hold" if found.hold else found.packets[0].decode() if found.packets else "held")
            if found.hold:
                assert not self.holds.keys() & set(found.viewers), "what was held before had not been sent"
                self.holds.update((viewer, (found.packets[0], offset)) for viewer, offset in pairs)
                assert len({packet for packet, _ in self.holds.values()}) <= HOLDS
                continue
            for viewer, offset in pairs:
                self.sent[viewer] += [(packet, offset) for packet in found.packets]
                if viewer in self.holds:
                    self.sent[viewer].append(self.holds.pop(viewer))
        return self

    def packets(self, viewer: int) -> list[bytes]:
        return [packet for packet, _ in self.sent[viewer]]


def flowing(viewers: Viewers) -> Fanout:
    """A schedule that has just sent sound."""
    fanout = Fanout(Schedule())
    fanout.schedule.put(sound(viewers, b"before"), 0.0)
    fanout.drain(0.0)
    fanout.sent.clear()
    fanout.order.clear()
    return fanout


def test_a_frame_for_many_waits_for_sound_and_takes_it_along() -> None:
    seen, heard = audience(*range(MANY), offset=1), audience(*range(MANY), offset=2)
    fanout = flowing(heard)
    schedule = fanout.schedule
    schedule.put(video(seen, *frame(4)), 0.005)
    assert schedule.due == pytest.approx(0.005 + SOUND)
    assert schedule.take(256, 0.019) is None
    schedule.put(sound(heard), 0.02)
    assert schedule.due == -math.inf
    fanout.drain(0.02)
    assert fanout.order == ["hold", "v0", "v0", "held"]
    for viewer in range(MANY):
        assert fanout.sent[viewer] == [*((packet, 1) for packet in frame(4)), (b"a", 2)]
    assert schedule.due == math.inf
    assert not schedule.holding
    assert schedule.sent == 6 * MANY  # with the sound before


def test_a_frame_waits_for_nothing_where_it_would_be_in_vain() -> None:
    many, few = audience(*range(MANY)), audience(*range(5))
    for viewers, packets, now in (
        (few, 4, 0.005),  # it does not pay
        (many, SHORT + 1, 0.005),  # a key frame
        (many, 4, FLOWS + 0.001),  # nobody speaks
    ):
        schedule = flowing(many).schedule
        schedule.put(video(viewers, *frame(packets)), now)
        assert schedule.due == pytest.approx(now + GATHER)
    small = flowing(few).schedule
    small.put(video(many, *frame(4)), 0.005)
    assert small.due == pytest.approx(0.005 + GATHER)


def test_sound_that_does_not_come_is_not_waited_for_any_longer() -> None:
    many = audience(*range(MANY))
    fanout = flowing(many)
    fanout.schedule.put(video(many, *frame(4)), 0.005)
    fanout.schedule.put(video(many, *frame(4, "w")), 0.02)
    assert fanout.schedule.due == pytest.approx(0.005 + SOUND)
    fanout.drain(0.005 + SOUND)
    assert fanout.packets(7) == [*frame(4), *frame(4, "w")]


def test_who_is_sent_no_frame_is_sent_the_sound_by_itself() -> None:
    chromium, firefox, lower = audience(*range(MANY)), audience(*range(MANY, 130)), audience(*range(130, 260))
    everyone = audience(*range(5, 300))
    fanout = flowing(everyone)
    for viewers in (chromium, firefox):
        fanout.schedule.put(video(viewers, *frame(3)), 0.005)
    fanout.schedule.put(sound(everyone), 0.02)
    fanout.drain(0.02)
    assert fanout.order[0] == "hold"
    assert fanout.order[-2:] == ["held", "held"]
    for viewer in range(300):
        expected = frame(3) if viewer < 130 else []
        assert fanout.packets(viewer) == [*expected, *([b"a"] if viewer >= 5 else [])]
    assert not set(lower.indexes) & set(chromium.indexes)


def test_a_key_frame_under_way_lets_sound_pass() -> None:
    many = audience(*range(MANY))
    fanout = flowing(many)
    fanout.schedule.put(video(many, *frame(80)), 0.005)
    fanout.drain(0.01, slices=2)
    fanout.schedule.put(sound(many), 0.02)
    fanout.drain(0.02, slices=2)
    assert fanout.order == ["v0", "v0", "a", "v0"]


def test_another_lecture_takes_nothing_along() -> None:
    many, others = audience(*range(MANY)), audience(*range(MANY, 2 * MANY))
    fanout = flowing(many)
    fanout.schedule.put(video(others, *frame(4)), 0.005)
    fanout.schedule.put(sound(many), 0.02)
    fanout.drain(0.02)
    assert fanout.order == ["a"]
    fanout.drain(0.005 + SOUND)
    assert fanout.packets(MANY) == frame(4)


def test_a_second_voice_goes_by_itself_while_the_first_is_held() -> None:
    many, stage = audience(*range(MANY)), audience(*range(MANY))
    fanout = flowing(many)
    fanout.schedule.put(video(many, *frame(4)), 0.005)
    fanout.schedule.put(sound(many), 0.02)
    fanout.drain(0.02, slices=2)
    fanout.schedule.put(sound(stage, b"b", 3), 0.021)
    fanout.drain(0.021)
    assert fanout.order == ["hold", "v0", "b", "v0", "held"]
    for viewer in range(MANY):
        assert sorted(fanout.packets(viewer)) == [b"a", b"b", *frame(4)]


def test_families_of_one_sound_are_held_together_and_the_next_sound_goes_after_it() -> None:
    few, many = audience(*range(10)), audience(*range(10, 10 + MANY))
    fanout = flowing(many)
    for now, name in ((0.005, "v"), (0.005, "w")):
        fanout.schedule.put(video(few if name == "v" else many, *frame(2, name)), now)
    for viewers in (few, many):
        fanout.schedule.put(sound(viewers), 0.0055)
    fanout.drain(0.0055, slices=3)
    assert fanout.order == ["hold", "hold", "v0"]
    for viewers in (few, many):
        fanout.schedule.put(sound(viewers, b"next"), 0.026)
    fanout.drain(0.026)
    assert fanout.order.index("next") > fanout.order.index("held")
    for viewer in range(10 + MANY):
        assert [one for one in fanout.packets(viewer) if one[:1] not in b"vw"] == [b"a", b"next"]
        assert len(fanout.packets(viewer)) == 4


def test_sound_goes_behind_the_first_packets_of_a_large_frame() -> None:
    many = audience(*range(MANY))
    fanout = flowing(many)
    fanout.schedule.put(video(many, *frame(12)), 0.005)
    fanout.schedule.put(sound(many), 0.02)
    fanout.drain(0.02)
    packets = frame(12)
    for viewer in range(MANY):
        assert fanout.packets(viewer) == [*packets[:BEFORE_SOUND], b"a", *packets[BEFORE_SOUND:]]


def test_more_video_than_sound_can_wait_for_goes_after_it() -> None:
    many = audience(*range(RIDE // BEFORE_SOUND + 1))
    fanout = flowing(many)
    fanout.schedule.put(video(many, *frame(8)), 0.005)
    fanout.schedule.put(sound(many), 0.01)
    fanout.drain(0.01)
    assert "hold" not in fanout.order
    assert fanout.packets(3) == [b"a", *frame(8)]  # and waits no longer


def test_sound_goes_by_itself_where_the_uplink_is_full() -> None:
    many = audience(*range(MANY))
    schedule = Schedule(uplink_limit=10_000_000)
    fanout = Fanout(schedule)
    schedule.put(sound(many), 0.0)
    fanout.drain(0.0)
    for packet in range(12):
        schedule.put(video(many, bytes(1_100)), 0.001 * packet)
    schedule.put(sound(many), 0.02)
    fanout.drain(0.02)
    assert all(b"a" in fanout.packets(viewer) for viewer in range(MANY))
    assert not schedule.holding
    assert schedule.due == math.inf  # what is left waits for room
    many.remove(5)
    schedule.put(sound(many), 0.04)
    fanout.drain(0.04)
    assert [fanout.packets(viewer).count(b"a") for viewer in (4, 5)] == [3, 2]


@pytest.mark.parametrize("seed", range(20))
def test_nobody_is_missed_and_nothing_comes_twice(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Random audiences of two sources of sound and three of video, joins, leaves and slices. Who was in an audience
    when a packet was put, and stays, is sent it once, in order."""
    monkeypatch.setattr(schedules, "MANY", 2)
    chance, now = Random(seed), 0.0
    fanout = Fanout(Schedule())
    audiences = {name: audience(*chance.sample(range(30), 20)) for name in ("a", "b", "x", "y", "z")}
    owed: dict[tuple[str, int], list[bytes]] = defaultdict(list)
    for number in range(2_000):
        now += chance.random() * 0.004
        name = chance.choice(list(audiences))
        viewers, viewer = audiences[name], chance.randrange(30)
        if chance.random() < 0.05:
            if viewer in viewers:
                viewers.remove(viewer)
                owed[name, viewer] = [b"left"]  # what it is still sent is of no concern
            elif not owed[name, viewer]:
                viewers.add(viewer)
        else:
            count = 1 if name in "ab" else chance.choice((1, 4, 4, 12, 40))
            packets = [f"{name}{number}.{place}".encode() for place in range(count)]
            fanout.schedule.put(Forward(tuple(packets), viewers, name in "ab", ord(name)), now)
            for one in viewers.indexes:
                owed[name, one] += packets
        fanout.drain(now, slices=chance.choice((0, 1, 3, math.inf, math.inf)), most=chance.choice((1, 8, 64)))
    fanout.drain(math.inf)
    assert fanout.order.count("hold") > 100
    assert not fanout.holds
    for (name, viewer), packets in owed.items():
        if packets[:1] != [b"left"]:
            assert [one for one in fanout.packets(viewer) if one.decode()[0] == name] == packets
