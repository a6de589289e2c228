"""How many were there, from before the start to after the end: what a chart of the evening draws.

A count is of members, each once, at one instant; instants are as far apart as keeps a chart readable. What could not be
known is None: nobody was there to see who is connected while our service was down, and while media could not leave us
nothing is said of who received it.
"""

from __future__ import annotations

import bisect
from collections.abc import Iterable

import msgspec

from attendance.extent import SERVICE, Outage
from attendance.interval import Span, subtract, union
from attendance.report import Report
from attendance.roster import Role
from attendance.track import Kind

SECOND = 1_000_000
STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800)
"""Seconds between two counts, of which the smallest is taken that gives at most `POINTS`."""
POINTS = 720
BEFORE = 600 * SECOND
AFTER = 300 * SECOND
"""µs around the lecture that are shown: people come before it begins."""


class Curve(msgspec.Struct, frozen=True):
    """Counts at `start`, `start + step`, … (µs, UTC); None is not measured. `outages` and `silent` as in the report."""

    start: int
    step: int
    connected: list[int | None]
    receiving: list[int | None]
    outages: list[Outage]
    silent: list[Span]


def curve(report: Report) -> Curve | None:
    """Of the report's members; None before the lecture is live."""
    if report.started is None or not report.served:
        return None
    until = report.served[-1].end if report.ended is None else min(report.ended + AFTER, report.served[-1].end)
    since = max(report.started - BEFORE, report.served[0].start)
    step = next((each for each in STEPS if (until - since) // (each * SECOND) < POINTS), STEPS[-1]) * SECOND
    first = -(-since // step) * step
    times = list(range(first, max(until, first + 1), step))
    lines = [line for line in report.lines if line.invitation.role == Role.MEMBER]
    whole = [Span(first, times[-1] + 1)]
    unseen = union(subtract(whole, report.served), (_span(one) for one in report.outages if one.cause == SERVICE))
    unsent = union(unseen, map(_span, report.outages))
    counts: dict[Kind, list[int | None]] = {}
    for kind, unknown in ((Kind.CONNECTED, unseen), (Kind.RECEIVING, unsent)):
        spans = (
            union((one.start, one.end) for one in line.account.sessions if one.kind is kind) for line in lines
        )  # fmt: skip
        counts[kind] = _without(_counted(times, spans), times, unknown)
    return Curve(first, step, counts[Kind.CONNECTED], counts[Kind.RECEIVING], report.outages, report.silent)


def _counted(times: list[int], members: Iterable[list[Span]]) -> list[int]:
    """At each of the times, in how many of the sets it lies."""
    changes = [0] * (len(times) + 1)
    for spans in members:
        for start, end in spans:
            changes[bisect.bisect_left(times, start)] += 1
            changes[bisect.bisect_left(times, end)] -= 1
    counts: list[int] = []
    count = 0
    for change in changes[:-1]:
        count += change
        counts.append(count)
    return counts


def _without(counts: list[int], times: list[int], unknown: list[Span]) -> list[int | None]:
    found: list[int | None] = list(counts)
    for start, end in unknown:
        for place in range(bisect.bisect_left(times, start), bisect.bisect_left(times, end)):
            found[place] = None
    return found


def _span(outage: Outage) -> Span:
    return Span(outage.start, outage.end)
