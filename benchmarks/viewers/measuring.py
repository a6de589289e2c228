"""A measured part of a run: what was sent in it, what each viewer got of it, how late, and what it cost.

The part is bounded by indices of the publisher's, not by moments: each packet that was sent within it must reach each
viewer, and whether it did is known from its RTP timestamp. CPU is read at its two ends.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.viewers import table as t
from benchmarks.viewers.counting import (
    BUCKET,
    DROPPED,
    DUPLICATES,
    GAP,
    GROUP,
    KIND,
    LATE,
    LOST,
    MEASURED,
    MISSING,
    RECEIVED,
    RECOVERED,
    SSRC,
    STRANGE,
    THROWN,
)
from benchmarks.viewers.crowd import Crowd
from benchmarks.viewers.media import AUDIO, TABLE, VIDEO
from benchmarks.viewers.processes import Usage, busy, unshared, usage
from benchmarks.viewers.table import Table
from benchmarks.viewers.viewer import Viewer

MARGIN = {AUDIO: 15, VIDEO: 10}
"""Indices (about 300 ms) between a decision and the border of the part, so that it lies in the future."""
DRAIN = 1.5  # seconds after the end in which resends may still come
UNBOUNDED = np.iinfo(np.int64).max

Array = npt.NDArray[np.int64]


@dataclass
class Snapshot:
    at: float
    viewers: dict[int, Viewer]
    lines: Array
    about: Array
    usage: dict[str, Usage]
    thread: float
    """CPU time of the viewers' thread."""
    busy: float
    """CPU time of the whole machine, all cores."""


class Measurement:
    """`processes` gives the ids of each process that is watched, by name ("relay", "web")."""

    def __init__(self, crowd: Crowd, table: Table, processes: Callable[[], dict[str, list[int]]]) -> None:
        self._crowd = crowd
        self._table = table
        self._processes = processes
        self._first = dict.fromkeys((AUDIO, VIDEO), 0)
        self._end = dict.fromkeys((AUDIO, VIDEO), 0)
        self._delays: Array = crowd.counts.delays

    @property
    def delays(self) -> Array:
        """The histograms of the part that has ended (benchmarks/viewers/counting.py)."""
        return self._delays

    async def begin(self) -> None:
        self._first = {kind: self._table.begun(kind) + MARGIN[kind] for kind in MARGIN}
        await self._call(self._reset)
        await self._bound(0, self._first)
        await self._pass(self._first)
        self._before = await self._call(self._take)

    async def end(self) -> dict[str, Any]:
        """The figures, as they go into the JSON."""
        self._end = {kind: self._table.begun(kind) + MARGIN[kind] for kind in MARGIN}
        await self._bound(1, self._end)
        await self._pass(self._end)
        at_end = await self._call(self._take)
        memory = {name: unshared(pids) for name, pids in self._processes().items()}
        await asyncio.sleep(DRAIN)
        after = await self._call(self._take)
        await self._bound(1, dict.fromkeys(MARGIN, UNBOUNDED))
        await self._bound(0, dict.fromkeys(MARGIN, UNBOUNDED))
        self._delays = self._crowd.counts.delays.copy()
        return self._figures(at_end, after, memory)

    async def _bound(self, column: int, indices: dict[int, int]) -> None:
        def write() -> None:
            for kind, index in indices.items():
                self._crowd.counts.measured[kind, column] = index

        await self._call(write)

    async def _pass(self, indices: dict[int, int]) -> None:
        while any(  # noqa: ASYNC110 - the publisher is another process
            self._table.begun(kind) < index for kind, index in indices.items()
        ):
            await asyncio.sleep(0.01)

    async def _call(self, function: Callable[[], Any]) -> Any:
        return await asyncio.wrap_future(self._crowd.call(function))

    def _take(self) -> Snapshot:
        return Snapshot(
            time.monotonic(),
            dict(self._crowd.viewers),
            self._crowd.counts.lines.copy(),
            self._crowd.counts.viewers.copy(),
            {name: usage(pids) for name, pids in self._processes().items()},
            self._crowd.cpu_seconds,
            busy(),
        )

    def _reset(self) -> None:
        self._crowd.counts.lines[:, :, (GAP, MEASURED)] = 0
        self._crowd.counts.delays[:] = 0
        self._crowd.slowest = 0.0
        self._table.head[[t.LATEST, t.LATE_TIMES]] = 0

    # --- figures ----------------------------------------------------------------------------------------------------

    def _figures(self, at_end: Snapshot, after: Snapshot, memory: dict[str, int]) -> dict[str, Any]:
        before = self._before
        stayed = [place for place, viewer in before.viewers.items() if after.viewers.get(place) is viewer]
        places = np.array(stayed, np.int64)
        seconds = at_end.at - before.at
        grown = after.lines[places] - before.lines[places]  # SSRC, KIND and the like have no meaning in it
        kinds = np.where(after.lines[places][:, :, SSRC] >= 0, after.lines[places][:, :, KIND], -1)
        delivered = self._delivered(before, at_end)
        expected = {kind: self._table.expected(kind, self._first[kind], self._end[kind]) for kind in MARGIN}
        got = {kind: np.where(kinds == kind, after.lines[places][:, :, MEASURED], 0).sum(axis=1) for kind in MARGIN}
        dropped_here = int((after.about[places, DROPPED] - before.about[places, DROPPED]).sum())
        cpu = {name: at_end.usage[name] - before.usage.get(name, Usage()) for name in at_end.usage}
        return {
            "viewers": len(stayed),
            "seconds": round(seconds, 2),
            "void": dropped_here > 0 or int(self._crowd.counts.found[1]) > 0,
            "dropped_by_viewers_sockets": dropped_here,
            "sent": {"audio": expected[AUDIO], "video": expected[VIDEO]},
            "received": _shares(got, expected, grown, kinds, after.about[places, GROUP]),
            "packets_delivered": delivered,
            "packets_per_second": round(delivered / seconds),
            "thrown_away": int((after.about[places, THROWN] - before.about[places, THROWN]).sum()),
            "strange": int(after.about[places, STRANGE].sum()),
            "cpu": {name: _cost(used, delivered, seconds) for name, used in cpu.items()},
            "machine_busy": round((at_end.busy - before.busy) / seconds / (os.cpu_count() or 1), 3),
            "memory_mb": {name: round(size / 1e6, 1) for name, size in memory.items()},
            "audio_delay_ms": self._delay(AUDIO),
            "video_delay_ms": self._delay(VIDEO),
            "audio_delay_last_viewer_ms": self._last(AUDIO),
            "audio_delay_last_viewer_key_frames_ms": self._last(AUDIO, during_key_frames=True),
            "video_delay_last_viewer_ms": self._last(VIDEO),
            "longest_gap_ms": {
                name: _spread(_largest(at_end.lines[places], kinds, kind) / 1e6)
                for name, kind in (("audio", AUDIO), ("video", VIDEO))
            },
            "generator": self._generator(before, at_end, delivered, seconds),
            "verified": self._verified(),
        }

    def _delivered(self, before: Snapshot, after: Snapshot) -> int:
        """Packets between two snapshots, also of viewers that came or left meanwhile (as far as they are here)."""
        total = 0
        for place, viewer in after.viewers.items():
            total += int(after.lines[place, :, RECEIVED].sum())
            if before.viewers.get(place) is viewer:
                total -= int(before.lines[place, :, RECEIVED].sum())
        return total

    def _delay(self, kind: int) -> list[dict[str, float]]:
        """Of every packet to every viewer, by group of viewers; of picture since its frame began to be sent."""
        return [of_histogram(row[kind]) for row in self._delays if row.sum()]

    def _last(self, kind: int, during_key_frames: bool = False) -> dict[str, float]:
        """Of each packet's last viewer. `during_key_frames`: those that were on their way while a key frame was."""
        indices = np.arange(self._first[kind], self._end[kind])
        sent, last = self._table.sent[kind][indices % TABLE], self._crowd.counts.last[kind][indices % TABLE]
        known = last > sent
        if during_key_frames:
            inside = np.zeros(len(indices), bool)
            for frame in self._table.key_frames(self._first[VIDEO], self._end[VIDEO]):
                place = frame % TABLE
                begin, end = self._table.sent[VIDEO, place], self._crowd.counts.last[VIDEO, place]
                inside |= (sent <= end) & (last >= begin)
            known &= inside
        return spread_of((last - sent)[known] / 1e6)

    def _generator(self, before: Snapshot, after: Snapshot, delivered: int, seconds: float) -> dict[str, Any]:
        used = after.thread - before.thread
        return {
            "core": round(used / seconds, 3),
            "microseconds_per_packet": round(1e6 * used / max(delivered, 1), 2),
            "slowest_visit_ms": round(1e3 * self._crowd.slowest, 1),
            "publisher_latest_ms": round(int(self._table.head[t.LATEST]) / 1e6, 1),
            "publisher_late_times": int(self._table.head[t.LATE_TIMES]),
            "publisher_refused": int(self._table.head[t.REFUSED]),
            "publisher_resent": int(self._table.head[t.RESENT]),
            "key_frames_asked": int(self._table.head[t.ASKED]),
        }

    def _verified(self) -> dict[str, Any]:
        verifier = self._crowd.verifier
        return {
            "packets": verifier.checked,
            "wrong": verifier.wrong,
            "foreign": verifier.foreign,
            "renumbered": verifier.renumbered,
            "complaints": list(verifier.complaints),
        }


def _shares(
    got: dict[int, Array], expected: dict[int, int], grown: Array, kinds: Array, groups: Array
) -> dict[str, Any]:
    """What viewers have of what was sent; `lost` is what never came after all resends, by viewer."""
    wanted = sum(expected.values())
    total = got[AUDIO] + got[VIDEO]
    lost = wanted - total
    used = kinds >= 0

    def summed(column: int) -> int:
        return int(np.where(used, grown[:, :, column], 0).sum())

    return {
        "share_mean": round(float(total.mean() / wanted), 6) if len(total) and wanted else None,
        "share_least": round(float(total.min() / wanted), 6) if len(total) and wanted else None,
        "audio_least": int(got[AUDIO].min()) if len(total) else None,
        "video_least": int(got[VIDEO].min()) if len(total) else None,
        "lost": int(lost.sum()),
        "viewers_with_loss": int((lost > 0).sum()),
        "lost_by_group": {str(group): int(lost[groups == group].sum()) for group in np.unique(groups)},
        "numbers_missing": summed(LOST) + summed(MISSING),
        "recovered": summed(RECOVERED),
        "duplicates": summed(DUPLICATES),
        "late": summed(LATE),
    }


def _largest(lines: Array, kinds: Array, kind: int) -> Array:
    largest: Array = np.where(kinds == kind, lines[:, :, GAP], 0).max(axis=1)
    return largest


def _cost(used: Usage, delivered: int, seconds: float) -> dict[str, float]:
    return {
        "microseconds_per_packet": round(1e6 * used.total / max(delivered, 1), 3),
        "of_these_in_the_kernel": round(1e6 * used.system / max(delivered, 1), 3),
        "core": round(used.total / seconds, 4),
    }


def of_histogram(counts: Array) -> dict[str, float]:
    """Percentiles in ms of a row of `Counts.delays`; a bucket counts as its upper end."""
    total = int(counts.sum())
    sums = np.cumsum(counts)

    def at(share: float) -> float:
        rank = max(1, int(np.ceil(share * total)))
        return round((int(np.searchsorted(sums, rank)) + 1) * BUCKET / 1e6, 1)

    return {"p50": at(0.5), "p99": at(0.99), "p999": at(0.999), "max": at(1.0), "packets": total} if total else {}


def spread_of(values: npt.NDArray[np.float64]) -> dict[str, float]:
    """Percentiles of a sample by nearest rank: each is a value that occurred."""
    if not len(values):
        return {}
    ordered = np.sort(values)

    def at(share: float) -> float:
        return round(float(ordered[max(0, int(np.ceil(share * len(ordered))) - 1)]), 2)

    return {"p50": at(0.5), "p95": at(0.95), "p99": at(0.99), "max": at(1.0), "packets": len(ordered)}


def _spread(values: npt.NDArray[np.float64]) -> dict[str, float]:
    found = spread_of(values)
    found.pop("packets", None)
    return found
