from __future__ import annotations

from signaling.relay.numbering import WINDOW, Numbering


def test_numbers_go_on_across_sources() -> None:
    numbering = Numbering(100)
    assert [numbering.place(number) for number in (7, 8, 9)] == [100, 101, 102]
    numbering.restart()
    assert [numbering.place(number) for number in (50_000, 50_001)] == [103, 104]


def test_a_late_packet_finds_its_number() -> None:
    numbering = Numbering(100)
    assert numbering.place(10) == 100
    assert numbering.place(13) == 103
    assert numbering.place(11) == 101
    assert numbering.place(12) == 102
    assert numbering.next == 104


def test_what_is_dropped_closes_up() -> None:
    numbering = Numbering(100)
    assert numbering.place(10) == 100
    numbering.drop(12)  # 11 is missing, 12 is a probe
    assert numbering.place(13) == 102
    assert numbering.place(11) == 101
    assert numbering.place(12) is None


def test_an_inserted_packet_takes_a_number() -> None:
    numbering = Numbering(100)
    assert numbering.place(10) == 100
    numbering.reach(12)
    assert numbering.insert() == 102
    assert numbering.place(12) == 103
    assert numbering.place(11) == 101


def test_before_the_source_began_there_is_no_number() -> None:
    numbering = Numbering(100)
    numbering.place(10)
    numbering.restart()
    numbering.place(20)
    assert numbering.place(19) is None
    assert numbering.place(10) is None


def test_a_great_leap_reserves_nothing() -> None:
    numbering = Numbering(100)
    numbering.place(10)
    assert numbering.place(10 + WINDOW + 1) == 101
    assert numbering.place(11) is None


def test_the_window_is_bounded() -> None:
    numbering = Numbering(100)
    numbering.place(0)
    numbering.place(2)
    for number in range(3, WINDOW + 10):
        numbering.place(number)
    assert numbering.place(1) is None
