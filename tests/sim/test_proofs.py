"""Marks from the relay through a lossy link to a page, and from its heartbeats to facts; and what cheats get by it."""

from __future__ import annotations

from random import Random

from attendance.facts import Evidence, ReceivingBegan, ReceivingStopped
from classroom.evidence import Told, Witness
from signaling.proof import PERIOD, key_of
from tests.sim.simulated_evening import Evening
from tests.sim.simulated_peers import Viewer

SECRET = b"s" * 32
LECTURE = "lecture"


def at(moment: float) -> int:
    return round(moment * 1_000_000)


class Hall:
    """A relay with viewers, and the witness that follows it; each peer is of a member of its own name."""

    def __init__(self, loss: float = 0.03) -> None:
        self.evening = Evening(loss=loss)
        self.evening.proof = key_of(SECRET, LECTURE)
        self.witness = Witness(at, SECRET)
        self.told: list[Told] = []
        self.evening.publish("dean")
        self._taken = 0

    def watch(self, peer: str) -> Viewer:
        viewer = self.evening.watch(peer)
        self.witness.watch(peer, LECTURE, peer)
        return viewer

    def run(self, seconds: float) -> None:
        self.evening.time.run(seconds)
        for event in self.evening.events[self._taken :]:
            self.told += self.witness.receive(event, [LECTURE])
        self._taken = len(self.evening.events)

    def echo(self, member: str, peer: str, sources: list[int]) -> list[Told]:
        told = self.witness.prove(LECTURE, member, peer, sources, self.evening.time.now)
        self.told += told
        return told

    def evidence(self, peer: str) -> list[tuple[Evidence, int]]:
        return [
            (each.body.evidence, each.body.since)
            for each in self.told
            if isinstance(each.body, ReceivingBegan) and each.body.connection == peer
        ]

    def lately(self, viewer: Viewer, back: float = 30.0) -> list[int]:
        """What its page has noted."""
        now = self.evening.time.now
        return [source for source, seen in viewer.sources.items() if now - seen < back]


def test_a_viewer_that_echoes_is_proved_from_its_first_report_on() -> None:
    hall = Hall(loss=0.05)
    viewer = hall.watch("a")
    hall.run(3)
    assert [evidence for evidence, _ in hall.evidence("a")] == [Evidence.REPORTED]
    for _ in range(6):
        hall.echo("a", "a", hall.lately(viewer))
        hall.run(15)
        hall.told += hall.witness.lapse(LECTURE, hall.evening.time.now)
    first, *others = hall.evidence("a")
    assert others == [(Evidence.PROVED, first[1])]


def test_every_viewer_has_marks_of_its_own_that_change() -> None:
    hall = Hall()
    viewers = [hall.watch(peer) for peer in ("a", "b", "c")]
    hall.run(4 * PERIOD + 5)
    marks = [set(viewer.sources) for viewer in viewers]
    assert all(len(found) in (5, 6) for found in marks)
    assert sum(len(found) for found in marks) == len(set.union(*marks))


def test_invented_replayed_and_old_marks_prove_nothing() -> None:
    """Each of them sends reports that the relay takes: receiving is reported, and never proved."""
    hall = Hall()
    honest, inventor, replayer, late = (hall.watch(peer) for peer in ("honest", "inventor", "replayer", "late"))
    chance = Random(1)
    for _ in range(8):
        hall.run(15)
        hall.echo("honest", "honest", hall.lately(honest))
        assert hall.echo("inventor", "inventor", [chance.randrange(2**32) for _ in range(16)]) == []
        assert hall.echo("replayer", "replayer", hall.lately(honest)) == []
        assert hall.echo("replayer", "honest", hall.lately(honest)) == []
        now = hall.evening.time.now
        assert hall.echo("late", "late", [one for one, seen in late.sources.items() if now - seen > 3 * PERIOD]) == []
    for peer in ("inventor", "replayer", "late"):
        assert [evidence for evidence, _ in hall.evidence(peer)] == [Evidence.REPORTED]
    assert Evidence.PROVED in dict(hall.evidence("honest"))
    assert inventor.sources
    assert replayer.sources


def test_marks_without_media_prove_nothing() -> None:
    hall = Hall()
    viewer = hall.watch("a")
    hall.run(15)
    hall.echo("a", "a", hall.lately(viewer))
    hall.evening.connections["a"].blocked = True
    hall.run(15)
    assert isinstance(hall.told[-1].body, ReceivingStopped)
    assert hall.echo("a", "a", hall.lately(viewer)) == []


def test_a_page_that_stops_echoing_is_reported_again() -> None:
    hall = Hall()
    viewer = hall.watch("a")
    hall.run(15)
    hall.echo("a", "a", hall.lately(viewer))
    proved_until = at((hall.evening.time.now // PERIOD + 1) * PERIOD)
    for _ in range(4):
        hall.run(15)
        hall.told += hall.witness.lapse(LECTURE, hall.evening.time.now)
    assert hall.evidence("a")[-1] == (Evidence.REPORTED, proved_until)
