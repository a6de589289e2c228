from __future__ import annotations

from signaling.control import AudienceSilent
from signaling.relay.limits import Limits
from signaling.relay.silence import QUIET, Silence
from signaling.relay.viewer import Viewer


def viewers(count: int, stage: bool = False) -> list[Viewer]:
    made = [Viewer(f"v{number}", stage, (), Limits(), b"key", "l") for number in range(count)]
    for viewer in made:
        viewer.evidence.seen, viewer.evidence.last = True, 100.0
    return made


def audience(some: list[Viewer]) -> dict[str, dict[str, Viewer]]:
    return {"l": {viewer.peer: viewer for viewer in some}}


def test_all_silent_at_once_are_told_soon_and_once() -> None:
    silence, some = Silence(), viewers(3)
    assert silence.tick(audience(some), 101.0) == []
    assert silence.tick(audience(some), 100.0 + QUIET + 0.3) == [AudienceSilent("l", 100.0 + QUIET + 0.3, True, 0)]
    assert silence.tick(audience(some), 103.0) == []
    for viewer in some:
        viewer.evidence.last = 103.1
    assert silence.tick(audience(some), 103.3) == [AudienceSilent("l", 103.3, False, 3)]


def test_most_are_told_with_how_many_are_left_and_a_few_are_nothing() -> None:
    silence, some = Silence(), viewers(10)
    for viewer in some[:3]:
        viewer.evidence.last = 103.0
    assert silence.tick(audience(some), 103.1) == []
    some[2].evidence.last = 100.0
    assert silence.tick(audience(some), 103.4) == [AudienceSilent("l", 103.4, True, 2)]


def test_those_on_the_stage_and_those_without_pictures_do_not_count() -> None:
    silence, seated = Silence(), viewers(1)
    lecturer = viewers(2, stage=True)[1]
    lecturer.evidence.last = 104.0
    assert silence.tick(audience([*seated, lecturer]), 104.0) == [AudienceSilent("l", 104.0, True, 0)]
    seated[0].evidence.seen = False  # nothing is shown any more: sound alone is reported rarely
    assert silence.tick(audience([*seated, lecturer]), 104.5) == [AudienceSilent("l", 104.5, False, 0)]


def test_it_looks_four_times_a_second() -> None:
    silence, some = Silence(), viewers(1)
    silence.tick(audience(some), 102.1)
    assert silence.tick(audience(some), 102.3) == []
    assert silence.tick(audience(some), 102.4) != []


def test_while_all_is_well_it_looks_at_a_fifth_of_them_and_is_as_right() -> None:
    for well in range(11):
        silence, some = Silence(), viewers(10)
        for viewer in some[10 - well :]:
            viewer.evidence.last = 103.0
        told = silence.tick(audience(some), 103.1)
        assert told == ([AudienceSilent("l", 103.1, True, well)] if well <= 2 else [])
