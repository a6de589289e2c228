"""The relay's turns on a simulated clock: what comes first, how long things take, and what is never put off."""

from __future__ import annotations

import itertools
import math

from signaling.io.intake import Arrival
from signaling.io.port_udp import Content
from signaling.io.turns import FULL, REST, SENDING, TICK, WORKING, Turns

AUDIO = Arrival(Content.RTP, b"audio", ("192.0.2.1", 1), "lecturer")
VIDEO = Arrival(Content.RTP, b"video", ("192.0.2.1", 1), "lecturer")
HANDSHAKE = Arrival(Content.DTLS, b"", ("192.0.2.1", 1), "one")
FAULTY = Arrival(Content.RTCP, b"", ("192.0.2.1", 1), "one")
REPORT = Arrival(Content.RTCP, b"report", ("192.0.2.1", 1), "one")
REPORTING = 0.00005  # seconds that listening to one takes
SLICE = 0.001  # seconds that sending a slice takes
HANDSHAKING = 0.0005
STEP = 0.000_01  # what everything else takes
GATHER = 0.001  # video waits for the rest of its frame


class World:
    """The clock, the port and the media in one: `video` and `audio` are slices that wait to be sent."""

    def __init__(self) -> None:
        self.now = 100.0
        self.coming: list[tuple[float, Arrival]] = []
        self.audio = self.video = self.handshakes = self.waiting = self.heard = 0
        self.full_until = self.since = self.slow = 0.0
        self.drained = True
        self.log: list[tuple[float, str]] = []
        self.faults: list[Exception] = []
        self.turns = Turns(self, self, 256, self.clock, self.faults.append)

    def clock(self) -> float:
        self.now += STEP
        return self.now

    def note(self, what: str) -> None:
        self.log.append((self.now, what))

    def times(self, what: str) -> list[float]:
        return [when for when, noted in self.log if noted == what]

    def gaps(self, what: str) -> list[float]:
        times = self.times(what)
        return [later - earlier for earlier, later in itertools.pairwise(times)]

    # --- the port

    def read(self, now: float) -> list[Arrival]:
        self.note("read")
        self.now += self.slow
        due = [arrival for when, arrival in self.coming if when <= now][:64]
        self.coming = self.coming[len(due) :]
        self.heard += len(due)
        self.drained = len(due) < 64
        return due

    # --- the media

    @property
    def due(self) -> float:
        if self.audio > 0 or self.full_until > 0:
            return -math.inf
        return self.since + GATHER if self.video > 0 else math.inf

    @property
    def reports(self) -> bool:
        return self.waiting > 0

    @property
    def works(self) -> bool:
        return self.handshakes > 0

    def arrived(self, arrival: Arrival, now: float) -> None:
        self.now += STEP
        self.audio += arrival is AUDIO
        if arrival is VIDEO:
            self.since = self.since if self.video else now
            self.video += 1
        self.handshakes += arrival is HANDSHAKE
        self.waiting += arrival is REPORT
        if arrival is FAULTY:
            raise ValueError

    def tick(self, now: float) -> None:
        self.note("tick")

    def send_slice(self, most: int, now: float) -> bool:
        assert most == 256
        if self.now < self.full_until:
            self.note("full")
            return False
        self.full_until = 0.0
        if not self.audio + self.video:
            return True
        kind = "audio" if self.audio else "video"
        self.note(kind)
        setattr(self, kind, getattr(self, kind) - 1)
        self.now += SLICE
        return True

    def listen(self, now: float) -> None:
        self.note("listen")
        self.waiting -= 1
        self.now += REPORTING

    def work(self, now: float) -> None:
        self.note("work")
        self.handshakes -= 1
        self.now += HANDSHAKING

    # --- the event loop

    def run(self, seconds: float) -> None:
        until = self.now + seconds
        while self.now < until:
            rest = self.turns.turn()
            assert rest.seconds >= 0
            wake = self.now + rest.seconds
            if rest.listening and self.coming:
                wake = min(wake, self.coming[0][0])
            self.now = max(self.now, wake)


def test_a_key_frame_for_everyone_holds_up_neither_reading_nor_audio_nor_ticks() -> None:
    world = World()
    world.video = 400  # slices: 400 ms of sending
    world.coming = [(100.0 + number * 0.02, AUDIO) for number in range(1, 15)]
    world.run(0.35)
    assert len(world.times("video")) > 300
    assert max(world.gaps("read")) < 0.003
    assert max(world.gaps("tick")) < TICK + 0.003
    sent = world.times("audio")
    assert len(sent) == 14
    assert all(at - (100.0 + number * 0.02) < 0.003 for number, at in enumerate(sent, 1))


def test_a_turn_ends_so_that_the_event_loop_is_served() -> None:
    world = World()
    world.video, world.handshakes = 300, 300
    world.turns.turn()
    for _ in range(20):
        began = world.now
        assert world.turns.turn().seconds == 0
        assert world.now - began < SENDING + SLICE + WORKING


def test_video_waits_for_the_rest_of_its_frame_and_audio_does_not() -> None:
    world = World()
    world.run(0.05)
    began = world.now
    world.coming = [(began, VIDEO), (began + 0.0005, VIDEO), (began + 0.0006, AUDIO)]
    world.run(0.01)
    (audio,) = world.times("audio")
    first, second = world.times("video")
    assert first - began >= GATHER
    assert first - began < GATHER + 2 * SLICE
    assert second - first < SLICE + 10 * STEP  # together
    assert audio < first


def test_however_slow_reading_is_each_turn_sends_something() -> None:
    """Other programs have the processor half of the time: two milliseconds of reading take ten."""
    world = World()
    world.slow = 0.01
    world.video, world.audio = 100, 3
    turns = 0
    while world.video and turns < 200:
        world.turns.turn()
        turns += 1
    assert turns <= 103
    assert world.audio == 0


def test_sound_alone_is_sent_at_once() -> None:
    world = World()
    world.run(0.05)
    world.coming = [(world.now + 0.005, AUDIO)]
    began = world.now
    world.run(0.01)
    assert world.times("audio")[0] - began < 0.005 + 10 * STEP


def test_feedback_is_read_in_batches() -> None:
    world = World()
    world.coming = [(100.0 + number / 3_000, REPORT) for number in range(3_000)]
    world.run(1.0)
    assert len(world.times("read")) < 1.1 / REST
    assert max(world.gaps("read")) < 0.005
    assert not [one for one in world.coming if one[0] < world.now - 0.005]


def test_nothing_to_do_costs_nothing_but_ticks() -> None:
    world = World()
    world.run(1.0)
    assert len(world.times("tick")) <= 51
    assert len(world.times("read")) <= 52


def test_handshakes_come_after_media_and_in_small_pieces() -> None:
    world = World()
    world.run(0.05)
    began = world.now
    world.coming = [(began, HANDSHAKE)] * 64 + [(began + number * 0.02, AUDIO) for number in range(1, 5)]
    world.run(0.1)
    assert world.handshakes == 0
    for number, at in enumerate(world.times("audio"), 1):
        assert at - (began + number * 0.02) < WORKING + HANDSHAKING + 0.001


def test_handshakes_go_on_while_sending_is_behind() -> None:
    world = World()
    world.video, world.handshakes = 100_000, 20
    world.run(0.2)
    assert world.handshakes == 0
    assert len(world.times("work")) == 20


def test_what_viewers_ask_for_again_holds_up_the_others_by_a_tenth_at_most() -> None:
    """Of a key frame for everyone a third of the audience loses something, and says so while it is being sent."""
    alone, beside = World(), World()
    beside.waiting = 2_000  # 100 ms of listening
    for world in (alone, beside):
        world.video = 200
        world.run(0.4)
        assert len(world.times("video")) == 200
    took = [world.times("video")[-1] - world.times("video")[0] for world in (alone, beside)]
    assert took[1] < 1.1 * took[0]
    assert beside.waiting == 0  # when everybody has it


def test_viewers_are_listened_to_while_sending_is_behind() -> None:
    world = World()
    world.video, world.waiting = 100_000, 20
    world.run(0.1)
    assert world.waiting == 0


def test_sound_goes_before_what_viewers_report() -> None:
    world = World()
    world.run(0.05)
    world.coming = [(world.now, REPORT)] * 64 + [(world.now, AUDIO)]
    world.run(0.01)
    assert world.times("audio")[0] < world.times("listen")[0]


def test_a_flood_that_is_let_in_does_not_end_a_turn_later() -> None:
    world = World()
    world.coming = [(world.now, REPORT)] * 20_000
    world.video = 50
    for _ in range(20):
        began = world.now
        world.turns.turn()
        assert world.now - began < 0.01
    assert len(world.times("video")) > 0


def test_a_full_kernel_buffer_is_waited_for_and_reading_goes_on() -> None:
    world = World()
    world.run(0.05)
    world.video = 5
    world.full_until = world.now + 0.05
    began = world.now
    world.run(0.1)
    assert world.times("video")[0] >= began + 0.05
    assert len(world.times("video")) == 5
    assert len(world.times("full")) <= 0.05 / FULL + 1
    reads = [when for when in world.times("read") if began <= when < began + 0.05]
    assert max(later - earlier for earlier, later in itertools.pairwise(reads)) < 0.005


def test_a_fault_is_told_and_ends_nothing() -> None:
    world = World()
    world.coming = [(world.now, FAULTY), (world.now, VIDEO)]
    world.run(0.01)
    assert [type(fault) for fault in world.faults] == [ValueError]
    assert len(world.times("video")) == 1
