"""How long a look into the shared cache takes here and now.

A relay goes round a few megabytes of sessions, so it lives off the cache that all cores of a host share, those of other
tenants too: one machine measured 15 ns on some days and 100 to 200 on others, and the same program then took two and a
half times the CPU. Figures of different days can be compared only where this reading agrees.
"""

from __future__ import annotations

import statistics
import time

import numpy as np

from benchmarks.viewers.compiled import compiled

SIZE = 4 << 20
"""Bytes: more than a core's own cache holds, less than the shared one."""
LINE = 8  # of int64
LOOKS = 200_000
TURNS = 9
BUSY = 40.0
"""ns from which on others are in the way."""


@compiled
def _chase(cells: np.ndarray, looks: int) -> int:
    at = 0
    for _ in range(looks):
        at = cells[at]
    return at


def latency() -> float:
    """ns for each of a chain of looks at `SIZE` bytes in random order; the median of some turns."""
    order = np.random.default_rng(1).permutation(SIZE // (8 * LINE))
    cells = np.zeros(SIZE // 8, np.int64)
    cells[order * LINE] = np.roll(order, -1) * LINE
    _chase(cells, 1)  # compiled
    return round(1e9 * statistics.median(_turn(cells) for _ in range(TURNS)) / LOOKS, 1)


def _turn(cells: np.ndarray) -> float:
    began = time.perf_counter()
    _chase(cells, LOOKS)
    return time.perf_counter() - began
