"""Loss accounting by numbers that wrap, in the compiled functions themselves."""

from __future__ import annotations

import random

import numpy as np
import pytest

from benchmarks.viewers import counting as c
from benchmarks.viewers.media import STEPS, TABLE

AUDIO, VIDEO = 111, 96
SOUND_SSRC, PICTURE_SSRC = 0xFFFFFFF0, 7


@pytest.fixture
def counts() -> c.Counts:
    made = c.make_counts(3, np.zeros((2, TABLE), np.int64))
    for viewer in range(3):
        made.viewers[viewer, c.AUDIO_TYPE] = AUDIO
    return made


def arrive(counts: c.Counts, number: int, *, viewer: int = 0, ssrc: int = PICTURE_SSRC, at: int = 1_000) -> None:
    kind = AUDIO if ssrc == SOUND_SSRC else VIDEO
    c.note_media(counts, viewer, kind, number & 0xFFFF, number * 3_000 & 0xFFFFFFFF, ssrc, 1_100, at)


def row(counts: c.Counts, viewer: int = 0, line: int = 0) -> dict[str, int]:
    names = ("RECEIVED", "DUPLICATES", "RECOVERED", "MISSING", "LOST", "HIGHEST", "BASE", "BYTES", "GAP")
    return {name: int(counts.lines[viewer, line, getattr(c, name)]) for name in names}


def test_numbers_in_order_across_the_wrap(counts: c.Counts) -> None:
    for number in range(65_500, 65_600):
        arrive(counts, number)

    found = row(counts)
    assert found["RECEIVED"] == 100
    assert found["HIGHEST"] - found["BASE"] == 99
    assert found["MISSING"] == found["LOST"] == found["DUPLICATES"] == 0
    assert found["BYTES"] == 110_000


def test_a_gap_is_told_once_and_closed_by_what_comes_late(counts: c.Counts) -> None:
    for number in (65_534, 65_535, 3, 4):
        arrive(counts, number)

    first = 65_536 + 65_536
    assert counts.found[0] == 1
    assert counts.gaps[0].tolist() == [0, 0, first, first + 2]
    assert row(counts)["MISSING"] == 3
    assert [c.is_missing(counts, 0, 0, first + step) for step in (-1, 0, 1, 2, 3)] == [False, True, True, True, False]

    for number in (1, 0, 2):
        arrive(counts, number)
    assert row(counts)["MISSING"] == 0
    assert row(counts)["RECOVERED"] == 3
    assert not c.is_missing(counts, 0, 0, first)


def test_repeats_and_what_came_before_the_first_are_duplicates(counts: c.Counts) -> None:
    for number in (10, 11, 11, 10, 9):
        arrive(counts, number)

    assert row(counts)["RECEIVED"] == 2
    assert row(counts)["DUPLICATES"] == 3


def test_what_leaves_the_window_is_lost_and_stays_lost(counts: c.Counts) -> None:
    arrive(counts, 0)
    arrive(counts, 2)
    for number in range(3, 2 + c.WINDOW):
        arrive(counts, number)
    assert (row(counts)["MISSING"], row(counts)["LOST"]) == (0, 1)

    arrive(counts, 1)
    assert row(counts)["LOST"] == 1
    assert row(counts)["DUPLICATES"] == 1


def test_a_jump_beyond_the_window_loses_all_between(counts: c.Counts) -> None:
    arrive(counts, 0)
    arrive(counts, 5_000)

    found = row(counts)
    assert found["MISSING"] + found["LOST"] == 4_999
    assert found["MISSING"] == c.WINDOW - 1


@pytest.mark.parametrize("seed", range(5))
def test_accounts_agree_with_a_set(counts: c.Counts, seed: int) -> None:
    """Random loss, repetition and reordering below the window, over more than one wrap."""
    draw = random.Random(seed)
    first = draw.randrange(65_536)
    order = sorted(range(70_000), key=lambda number: number + draw.random() * 200)
    order = [0, *(number for number in order if number and draw.random() > 0.05)]
    seen: set[int] = set()
    repeated = 0
    for number in order:
        for _ in range(1 + (draw.random() < 0.02)):
            repeated += number in seen
            seen.add(number)
            arrive(counts, first + number)

    found = row(counts)
    assert found["RECEIVED"] == len(seen)
    assert found["DUPLICATES"] == repeated
    assert found["HIGHEST"] - found["BASE"] == max(seen)
    assert found["LOST"] + found["MISSING"] == max(seen) + 1 - len(seen)


def test_each_ssrc_has_a_line_and_what_is_beyond_is_counted_apart(counts: c.Counts) -> None:
    arrive(counts, 1, ssrc=SOUND_SSRC)
    for ssrc in range(100, 100 + c.LINES):
        arrive(counts, 1, ssrc=ssrc)

    assert counts.lines[0, 0, c.KIND] == 0
    assert counts.lines[0, 1, c.KIND] == 1
    assert counts.viewers[0, c.STRANGE] == 1
    assert (counts.lines[1, :, c.SSRC] == -1).all()


def test_the_longest_gap(counts: c.Counts) -> None:
    for number, at in ((1, 100), (2, 150), (3, 900), (4, 910)):
        arrive(counts, number, at=at)

    assert row(counts)["GAP"] == 750


def test_delays_and_the_measured_part_by_the_timestamp(counts: c.Counts) -> None:
    origin = 0xFFFFFF00  # timestamps wrap too
    arrive(counts, 1, ssrc=SOUND_SSRC)
    counts.lines[0, 0, c.ORIGIN] = origin
    counts.measured[0] = (10, 12)
    for index in (9, 10, 11, 12):
        sent = 1_000_000_000 + index * 20_000_000
        counts.sent[0, index] = sent
        timestamp = (origin + index * STEPS[0]) & 0xFFFFFFFF
        c.note_media(counts, 0, AUDIO, index, timestamp, SOUND_SSRC, 100, sent + 3_250_000)

    assert counts.lines[0, 0, c.MEASURED] == 2
    assert np.flatnonzero(counts.delays[0, 0]).tolist() == [32]
    assert counts.delays[0, 0, 32] == 4
    assert counts.last[0, 12] - counts.sent[0, 12] == 3_250_000


def test_a_packet_later_than_a_second_is_late(counts: c.Counts) -> None:
    arrive(counts, 1, ssrc=SOUND_SSRC)
    counts.lines[0, 0, c.ORIGIN] = 0
    counts.sent[0, 5] = 1_000
    c.note_media(counts, 0, AUDIO, 5, 5 * STEPS[0], SOUND_SSRC, 100, 1_000 + c.LATE_NS + 1)

    assert counts.lines[0, 0, c.LATE] == 1


def test_clear_makes_a_place_new(counts: c.Counts) -> None:
    arrive(counts, 1)
    c.clear(counts, 0)

    assert (counts.lines[0, :, c.SSRC] == -1).all()
    assert not counts.bits[0].any()
    assert not counts.viewers[0].any()
