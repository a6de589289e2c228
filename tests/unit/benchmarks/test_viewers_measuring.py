"""Percentiles, tables of what was sent, and what is read from programs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks.audience import broken
from benchmarks.loss import set_loss
from benchmarks.soak import growth
from benchmarks.viewers import table as t
from benchmarks.viewers.counting import BUCKETS, GROUP, LOSS, make_counts
from benchmarks.viewers.measuring import of_histogram, spread_of
from benchmarks.viewers.media import AUDIO, KEY_PACKETS, TABLE, VIDEO
from benchmarks.viewers.pages import SOURCE, read
from benchmarks.viewers.service import parse_dropped


def test_percentiles_are_values_that_occurred() -> None:
    found = spread_of(np.arange(1.0, 101.0))

    assert found == {"p50": 50.0, "p95": 95.0, "p99": 99.0, "max": 100.0, "packets": 100}
    assert spread_of(np.array([7.0]))["p99"] == 7.0
    assert spread_of(np.array([])) == {}


def test_percentiles_of_a_histogram() -> None:
    counts = np.zeros(BUCKETS, np.int64)
    counts[9], counts[19], counts[BUCKETS - 1] = 98, 1, 1

    assert of_histogram(counts) == {"p50": 1.0, "p99": 2.0, "p999": 3_000.0, "max": 3_000.0, "packets": 100}
    assert of_histogram(np.zeros(BUCKETS, np.int64)) == {}


def test_what_was_sent_within_a_part_across_the_end_of_the_table(tmp_path: Path) -> None:
    table = t.Table(tmp_path / "table", create=True)
    other = t.Table(tmp_path / "table")
    first = TABLE - 2
    for index, packets in enumerate((3, -KEY_PACKETS, 4, 3), first):
        other.packets[index % TABLE] = packets
    other.head[t.FRAMES] = first + 4

    assert table.begun(VIDEO) == first + 4
    assert table.expected(VIDEO, first, first + 3) == 3 + KEY_PACKETS + 4
    assert table.expected(AUDIO, 10, 25) == 15
    assert table.key_frames(first, first + 4) == [first + 1]


def test_reasons_of_drops_in_an_exposition() -> None:
    text = '# HELP x\nclassroom_relay_dropped{reason="behind"} 12.0\nclassroom_relay_packets_in 5.0\n'

    assert parse_dropped(text) == {"behind": 12.0}


def test_the_pages_own_constants() -> None:
    rules = read(SOURCE.read_text())

    assert rules.stalled > 0
    assert rules.retry(0, 1_000_000, 1.0) == rules.widest
    assert rules.retry(0, 10, 0.5) == pytest.approx(5 * rules.per_member)
    assert rules.retry(1, 0, 0.0) == rules.first / 2
    assert rules.retry(50, 0, 1.0) == rules.longest
    assert rules.restart(0, 0.0) == 0.25


def test_constants_that_are_gone_are_named() -> None:
    with pytest.raises(ValueError, match="stalled"):
        read("LIMITS = { silent: 5 }\nRETRY = { first: 1 }")


def test_growth_leaves_the_warm_up_out() -> None:
    samples = [{"at": float(at), "relay": 50.0 if at < 300 else 100.0 + at / 1_800} for at in range(0, 1_800, 10)]

    assert growth(samples, 300.0, "relay") == pytest.approx(0.008, abs=0.002)
    assert growth(samples[:20], 300.0, "relay") is None
    assert growth([], 300.0, "relay") is None


def test_loss_is_switched_for_one_group_alone() -> None:
    counts = make_counts(4, np.zeros((2, TABLE), np.int64))
    counts.viewers[[1, 3], GROUP] = 1
    set_loss(counts, 0.25)

    assert counts.viewers[:, LOSS].tolist() == [0, 1 << 30, 0, 1 << 30]


def test_the_first_cause_is_named_first() -> None:
    good = {
        "void": False,
        "dropped_by_viewers_sockets": 0,
        "generator": {"publisher_refused": 0},
        "dropped_by_relay": {},
        "received": {"lost": 0, "viewers_with_loss": 0},
        "failed_to_join": 0,
    }
    assert broken(good) == []

    bad = {**good, "void": True, "dropped_by_viewers_sockets": 3, "received": {"lost": 3, "viewers_with_loss": 1}}
    assert [one.split()[0] for one in broken(bad)] == ["this", "3"]
