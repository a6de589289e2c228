"""What of a lecture counts: from when to when it was live, less what was our fault, less when nothing was shown."""

from __future__ import annotations

from collections import defaultdict

import msgspec

from attendance.facts import (
    Fact,
    LectureMoved,
    LectureState,
    NodeLost,
    NodeStarted,
    OutageBegan,
    OutageEnded,
    SlotFlowing,
    SlotSilent,
)
from attendance.interval import Span, clip, subtract, total, union
from attendance.track import CLOSED_BY_STOP, Boot, Cut, Event, Kind, Mark, Track

SERVICE = "service"
"""The cause of an outage that no `OutageBegan` tells: nobody was there to write it."""


class Outage(msgspec.Struct, frozen=True, order=True):
    start: int
    end: int
    cause: str


class Counted(msgspec.Struct, frozen=True):
    """`spans` is E, the instants that count; `forgiven` is what of the extent does not. All µs, UTC.

    `extent` is None before the lecture is live; `outages` and `silent` lie within it."""

    extent: Span | None = None
    spans: list[Span] = []
    forgiven: list[Span] = []
    outages: list[Outage] = []
    silent: list[Span] = []

    @property
    def denominator(self) -> int | None:
        """None where nothing counts: there is nothing to measure against."""
        return total(self.spans) or None


class Extent:
    """Of one lecture. Holds the boots that wrote its facts; files facts in any order."""

    def __init__(self) -> None:
        self._boots: dict[tuple[str, str], Boot] = {}
        self._nodes: defaultdict[str, list[Boot]] = defaultdict(list)
        self._slots: dict[tuple[Boot, str], Track] = {}
        self._moves: set[tuple[int, int, LectureState]] = set()
        self._told: defaultdict[tuple[Boot, str], dict[int, tuple[int, bool]]] = defaultdict(dict)
        self._missed: defaultdict[tuple[str, str], set[int]] = defaultdict(set)  # of boots that told nothing yet
        self._at: tuple[int | None, Counted] | None = None
        self.successions = 0
        """Grows whenever a boot turns out to be over, or not to be."""

    def boot(self, fact: Fact, row: int | None = None) -> Boot:
        """The boot that wrote `fact`, which is that row of the ledger."""
        self._at = None
        found = self._boots.get((fact.node, fact.boot))
        if found is None:
            found = self._boots[fact.node, fact.boot] = Boot(fact.node, fact.boot, fact.happened, row)
            self._nodes[fact.node].append(found)
            found.missed |= self._missed.pop((fact.node, fact.boot), set())
            self._succeed(fact.node)
        elif found.saw(fact.happened, row) or found.missed:
            self._succeed(fact.node)
        if row is not None and isinstance(fact.body, NodeStarted):  # which tells `node_started`, a moment later
            found.start_row = row if found.start_row is None else min(row, found.start_row)
        return found

    @property
    def open_boots(self) -> list[tuple[str, str]]:
        """(node, boot) of those that told of somebody, and neither stopped nor are known to be gone."""
        return [identity for identity, boot in self._boots.items() if boot.alive and boot.involved]

    def node_started(self, boot: Boot, fact: Fact) -> None:
        boot.starts.add(Mark(fact.counter, fact.happened))
        self._succeed(boot.node)

    def node_stopped(self, boot: Boot, fact: Fact) -> None:
        mark = Mark(fact.counter, fact.happened)
        boot.stops.add(mark)
        boot.change = max(boot.change, mark)
        boot.cut(Cut(fact.counter, fact.happened, CLOSED_BY_STOP, 0, True))

    def node_lost(self, fact: Fact, body: NodeLost) -> None:
        lost = self._boots.get((body.node, body.boot))
        if lost is None:
            self._missed[body.node, body.boot].add(fact.happened)
            return
        lost.missed.add(fact.happened)
        self._succeed(body.node)

    def moved(self, boot: Boot, fact: Fact, body: LectureMoved) -> None:
        self._moves.add((fact.happened, list(LectureState).index(body.state), body.state))
        boot.change = max(boot.change, Mark(fact.counter, fact.happened))

    def outage_began(self, boot: Boot, fact: Fact, body: OutageBegan) -> None:
        since = min(body.since, fact.happened)
        self._told[boot, body.cause][fact.counter] = (since, True)
        boot.cut(Cut(fact.counter, since, f"outage-{body.cause}", fact.happened - since, False))

    def outage_ended(self, boot: Boot, fact: Fact, body: OutageEnded) -> None:
        self._told[boot, body.cause][fact.counter] = (fact.happened, False)

    def slot_flowing(self, boot: Boot, fact: Fact, body: SlotFlowing) -> None:
        self._slot(boot, body.slot).add(Event(fact.counter, fact.happened, "flowing", "flowing", 0))

    def slot_silent(self, boot: Boot, fact: Fact, body: SlotSilent) -> None:
        last = min(body.last, fact.happened)
        self._slot(boot, body.slot).add(Event(fact.counter, last, None, "silent", fact.happened - last))

    @property
    def state(self) -> LectureState:
        """What the latest change said."""
        return max(self._moves)[2] if self._moves else LectureState.PLANNED

    @property
    def started(self) -> int | None:
        return min((at for at, _, state in self._moves if state is LectureState.LIVE), default=None)

    @property
    def ended(self) -> int | None:
        started = self.started
        return min(
            (
                at
                for at, _, state in self._moves
                if state is LectureState.ENDED and started is not None and at >= started
            ),
            default=None,
        )

    def served(self) -> list[Span]:
        """When some process of ours told of this lecture, by evidence."""
        return union(*(boot.cover(None) for boot in self._boots.values()))

    def counted(self, now: int | None = None) -> Counted:
        """By evidence alone, or (`now`) taking what is open to go on until `now`."""
        if self._at is None or self._at[0] != now:
            self._at = (now, self._count(now))
        return self._at[1]

    def _count(self, now: int | None) -> Counted:
        started, ended = self.started, self.ended
        if started is None:
            return Counted()
        until = max((boot.known for boot in self._boots.values()), default=started) if now is None else now
        extent = Span(started, max(started, until if ended is None else min(ended, until)))
        whole = [extent] if extent.start < extent.end else []
        outages = self._outages(whole, until, now)
        ours = union((outage.start, outage.end) for outage in outages)
        silent = subtract(subtract(whole, ours), self._flowing(now))
        forgiven = union(ours, silent)
        return Counted(extent, subtract(whole, forgiven), forgiven, outages, silent)

    def _outages(self, whole: list[Span], until: int, now: int | None) -> list[Outage]:
        causes: defaultdict[str, list[tuple[int, int]]] = defaultdict(list)
        for (boot, cause), told in self._told.items():
            causes[cause].extend(_paired(told, until if boot.alive else boot.known))
        for boot in self._boots.values():
            if boot.crashed and (boot.started is not None or boot.lost is None):
                causes[SERVICE].append((boot.known, self._taken_over(boot)))
        served = union(*(boot.cover(now) for boot in self._boots.values()))
        causes[SERVICE].extend(subtract(whole, served))
        return sorted(
            Outage(start, end, cause) for cause, spans in causes.items() for start, end in clip(union(spans), whole)
        )

    def _flowing(self, now: int | None) -> list[Span]:
        spans = [
            (session.start, now if session.open and now is not None else session.end)
            for track in self._slots.values()
            for session in track.sessions()
        ]
        return union(spans)

    def _slot(self, boot: Boot, slot: str) -> Track:
        track = self._slots.get((boot, slot))
        if track is None:
            track = self._slots[boot, slot] = Track(Kind.FLOWING, boot, slot)
        return track

    def _succeed(self, node: str) -> None:
        """A boot is over once its node started anew, or another node found it gone."""
        boots = self._nodes[node]
        for boot in boots:
            over = boot.lost is not None or bool(self._next_starts(boot))
            if over != boot.over:
                boot.over = over
                self.successions += 1

    def _next_starts(self, boot: Boot) -> list[int]:
        others = (other for other in self._nodes[boot.node] if other is not boot and other.follows(boot))
        return [other.started for other in others if other.started is not None]

    def _taken_over(self, boot: Boot) -> int:
        """When its node, or another one, went on with what a boot that is over had left."""
        found = self._next_starts(boot)
        return min(found if boot.lost is None else [*found, boot.lost])


def _paired(told: dict[int, tuple[int, bool]], until: int) -> list[tuple[int, int]]:
    """The outages that one boot told of one cause, from (time, whether one began) by counter."""
    spans: list[tuple[int, int]] = []
    since: int | None = None
    for _, (time, began) in sorted(told.items()):
        if began and since is None:
            since = time
        elif not began and since is not None:
            spans.append((since, time))
            since = None
    return spans if since is None else [*spans, (since, until)]
