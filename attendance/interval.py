"""Half-open intervals of time in microseconds, and the algebra that attendance is computed with.

A *set* here is a list of spans that are in order, not empty, and neither overlap nor touch. `union` makes one of
anything; the other functions take sets and give sets, in time linear in their lengths.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import NamedTuple


class Span(NamedTuple):
    """[start, end), microseconds. Empty where end ≤ start."""

    start: int
    end: int


def union(*groups: Iterable[tuple[int, int]]) -> list[Span]:
    """The set of every instant in any span, which may come in any order; empty spans are nothing."""
    result: list[Span] = []
    for start, end in sorted(span for group in groups for span in group):
        if end <= start:
            continue
        if result and start <= result[-1].end:
            if end > result[-1].end:
                result[-1] = Span(result[-1].start, end)
        else:
            result.append(Span(start, end))
    return result


def clip(left: Sequence[Span], right: Sequence[Span]) -> list[Span]:
    """What lies in both sets."""
    result: list[Span] = []
    i = j = 0
    while i < len(left) and j < len(right):
        start = max(left[i].start, right[j].start)
        end = min(left[i].end, right[j].end)
        if start < end:
            result.append(Span(start, end))
        if left[i].end < right[j].end:
            i += 1
        else:
            j += 1
    return result


def subtract(left: Sequence[Span], right: Sequence[Span]) -> list[Span]:
    """What lies in the left set and not in the right one."""
    result: list[Span] = []
    j = 0
    for start, end in left:
        while j < len(right) and right[j].end <= start:
            j += 1
        k = j
        while k < len(right) and right[k].start < end:
            if start < right[k].start:
                result.append(Span(start, right[k].start))
            start = right[k].end
            k += 1
        if start < end:
            result.append(Span(start, end))
    return result


def gaps(spans: Sequence[Span]) -> list[Span]:
    """What lies between the spans of a set; nothing before the first or after the last."""
    return [Span(before.end, after.start) for before, after in pairwise(spans)]


def bridge(spans: Sequence[Span], limit: int, forgiven: Sequence[Span] = ()) -> list[Span]:
    """The gaps of a set that are shorter than `limit`, not counting what of them lies in the set `forgiven`."""
    return [gap for gap in gaps(spans) if total(subtract([gap], forgiven)) < limit]


def total(spans: Iterable[tuple[int, int]]) -> int:
    """The length of a set."""
    return sum(end - start for start, end in spans)
