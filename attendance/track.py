"""What one process (a boot) saw of one thing that begins and ends: a connection, a slot, a place on the stage.

Theory of operation. Facts may arrive twice, late, and mixed with those of other nodes, so nothing here depends on
their arrival: a track keeps its events by counter and folds them into sessions when asked. Within a boot the counter
is the true order. A boot that wrote no `NodeStopped` and was followed by another boot of its node, or found gone by
another node, has crashed; what it left open ended at its last evidence. *Marks* are the moments at which a boot told
all it knew: its beats, and its changes of the lecture's state and its stop, which it writes in order with everything
before them.

All visits of a lecture are in memory while it goes on, so a track keeps its events encoded: two of them take 120 bytes
and not 350.
"""

from __future__ import annotations

import bisect
import enum
from collections import defaultdict
from typing import NamedTuple

import msgspec

from attendance.facts import Bits
from attendance.interval import Span

BEAT = 15_000_000
"""µs between two beats."""
SAME_VIEW = BEAT * 3 // 2
"""µs: two beats that say "visible" are one session where they are not further apart."""
REPORT = 3_000_000
"""µs within which media that flows is first reported (a browser's receiver reports)."""


class Kind(enum.StrEnum):
    CONNECTED = "connected"
    RECEIVING = "receiving"
    VISIBLE = "visible"
    ON_STAGE = "on_stage"
    FLOWING = "flowing"
    COLLECTIVE = "collective"
    """At a site while its screen received."""


CLOSED_BY_CRASH = "service-crash"
CLOSED_BY_STOP = "service-stopped"
CLOSED_BY_CHANGE = "evidence-changed"
STILL_OPEN = "open"

CUT_BY_OUTAGE = frozenset({Kind.RECEIVING, Kind.FLOWING})
"""An outage says that nobody could receive; channels and places on the stage may well go on."""

SHARED = frozenset({Kind.FLOWING, Kind.ON_STAGE})
"""What a beat does not list one by one: any beat says that it went on."""


class Session(msgspec.Struct, frozen=True):
    """[start, end) of one kind of evidence on one connection, in µs since the epoch, UTC.

    `opened_by` and `closed_by` are words for the evidence at either edge; `uncertainty` (µs) is how far the truth may
    lie beyond an edge: a session is never longer than the truth. `open`: nothing has ended it yet, and `end` is the
    last evidence so far. `source`: by which way media came; empty where none did.
    """

    kind: Kind
    connection: str
    evidence: str
    start: int
    end: int
    opened_by: str
    closed_by: str
    uncertainty: int
    open: bool = False
    source: str = ""


class Event(NamedTuple):
    """Of a track. `evidence` None closes. `doubt`: µs between the time said and the moment it was noticed. `source`: as
    in `Session`."""

    counter: int
    time: int
    evidence: str | None
    why: str
    doubt: int
    source: str = ""


_pack = msgspec.msgpack.Encoder().encode
_unpack = msgspec.msgpack.Decoder(list[Event]).decode


class Mark(NamedTuple):
    counter: int
    time: int


NEVER = Mark(-1, 0)
UNSEEN = -(1 << 62)

# Plain numbers: an operation on a flag of the enum takes a microsecond.
_CONNECTED = int(Bits.CONNECTED)
_RECEIVING = int(Bits.REPORTED | Bits.PROVED)
_VISIBLE = int(Bits.VISIBLE)


class Cut(NamedTuple):
    """Ends at `time` what was open before `counter`."""

    counter: int
    time: int
    why: str
    doubt: int
    all_kinds: bool


class Views:
    """When the page of one connection was visible, as the beats of one boot said."""

    __slots__ = ("_past", "_since", "_until")

    def __init__(self) -> None:
        self._past: tuple[Span, ...] = ()
        """All but the last, which is from `_since` to `_until`: beats come in order but for a few."""
        self._since = self._until = UNSEEN

    def seen(self, at: int) -> None:
        """Joins moments that are not further apart than `SAME_VIEW`, whatever the order they come in."""
        if 0 <= at - self._until <= SAME_VIEW:
            self._until = at
            return
        views = self.spans
        place = bisect.bisect_right(views, (at, at))
        start = end = at
        if place and at - views[place - 1].end <= SAME_VIEW:
            place -= 1
            start, end = views[place].start, max(end, views.pop(place).end)
        if place < len(views) and views[place].start - end <= SAME_VIEW:
            end = max(end, views.pop(place).end)
        views.insert(place, Span(start, end))
        self._since, self._until = views.pop()
        self._past = tuple(views)

    @property
    def spans(self) -> list[Span]:
        return [] if self._until == UNSEEN else [*self._past, Span(self._since, self._until)]


class Boot:
    """One run of one node, as far as a lecture's facts tell."""

    def __init__(self, node: str, boot: str, happened: int, row: int | None = None) -> None:
        self.node = node
        self.boot = boot
        self.first = happened
        self.last = happened
        self.row = row
        """The first of its rows in the ledger, as far as rows are known."""
        self.start_row: int | None = None
        """The row of its first `NodeStarted`."""
        self.over = False
        self.beat = NEVER
        self.change = NEVER
        self.connected: dict[str, Mark] = {}
        """By connection: the last beat that said so."""
        self.receiving: dict[str, Mark] = {}
        self.views: defaultdict[str, Views] = defaultdict(Views)
        self.cuts: list[Cut] = []
        self.starts: set[Mark] = set()
        self.stops: set[Mark] = set()
        self.involved = False
        """It told of somebody, or of a slot: something of it may be open."""
        self.missed: set[int] = set()
        """When other nodes found it gone."""

    def told(self, beat: Mark, connections: dict[str, int]) -> None:
        """Files a beat: connection → bits. There are a thousand in each, so this is written for speed."""
        latest = beat > self.beat  # so that nothing later is known of any connection
        if latest:
            self.beat = beat
        connected, receiving, views, at = self.connected, self.receiving, self.views, beat.time
        for connection, bits in connections.items():
            if bits & _CONNECTED and (latest or beat > connected.get(connection, NEVER)):
                connected[connection] = beat
            if bits & _RECEIVING and (latest or beat > receiving.get(connection, NEVER)):
                receiving[connection] = beat
            if bits & _VISIBLE:
                views[connection].seen(at)

    def saw(self, happened: int, row: int | None = None) -> bool:
        """Whether that is earlier than what it was seen to do before."""
        earlier = happened < self.first
        self.first = min(self.first, happened)
        self.last = max(self.last, happened)
        if row is not None and (self.row is None or row < self.row):
            self.row, earlier = row, True
        return earlier

    def follows(self, boot: Boot) -> bool:
        """Whether it took the lecture up after `boot` (of the same node) was there: by the ledger's order, in which a
        node's boots stand one behind the other; by the clock only where no row of either is known. What is not read
        from the ledger but told as it is stored comes after all that was read."""
        if self.started is None:
            return False
        if self.start_row is None and boot.row is None:
            return self.started > boot.first
        return self.start_row is None or (boot.row is not None and self.start_row > boot.row)

    def cut(self, cut: Cut) -> None:
        if cut not in self.cuts:
            bisect.insort(self.cuts, cut)

    @property
    def known(self) -> int:
        """Until when this boot's evidence is complete: its last mark, or its last fact while it wrote no beat yet. Of
        a boot that crashed before its first beat nothing is known of anybody beyond its last change."""
        if self.beat is NEVER and not self.over:
            return self.last
        return max(self.first, self.beat.time, self.change.time)

    @property
    def started(self) -> int | None:
        return min((mark.time for mark in self.starts), default=None)

    @property
    def lost(self) -> int | None:
        """When it was first found gone, of a boot that told nothing after that."""
        return min((at for at in self.missed if at > self.last), default=None)

    @property
    def alive(self) -> bool:
        """Not known to have crashed or stopped."""
        return not self.over and not self._stopped

    @property
    def crashed(self) -> bool:
        return self.over and not self._stopped

    @property
    def _stopped(self) -> bool:
        return bool(self.stops) and max(self.stops) > max(self.starts, default=NEVER)

    def cover(self, now: int | None) -> list[tuple[int, int]]:
        """When this boot served the lecture; one that is alive still does `now`, or (None) as far as it told."""
        spans: list[tuple[int, int]] = []
        begin: int | None = self.first
        for stop in sorted(self.stops):
            if begin is not None:
                spans.append((begin, stop.time))
            begin = min((mark.time for mark in self.starts if mark > stop), default=None)
        if begin is not None:
            spans.append((begin, now if now is not None and self.alive else self.known))
        return spans


class Track:
    """The events of one connection (or slot, or place on the stage) in one boot."""

    __slots__ = ("_packed", "boot", "connection", "kind")

    def __init__(self, kind: Kind, boot: Boot, connection: str) -> None:
        self.kind = kind
        self.boot = boot
        self.connection = connection
        self._packed = _pack([])
        boot.involved = True

    def add(self, event: Event) -> None:
        events = _unpack(self._packed)
        place = bisect.bisect_left(events, (event.counter,))
        if place == len(events) or events[place].counter != event.counter:
            events.insert(place, event)
            self._packed = _pack(events)

    def sessions(self) -> list[Session]:
        """In order. Only the last one may be open. None is empty, except perhaps the open one."""
        steps: list[Event | Cut] = sorted([*_unpack(self._packed), *self._cuts()], key=lambda step: step.counter)
        found: list[Session] = []
        opened: Event | None = None
        began = 0  # the counter of what opened it first, with whatever evidence
        for step in steps:
            if isinstance(step, Event) and step.evidence is not None:
                if opened is None:
                    opened, began = step, step.counter
                elif opened.evidence != step.evidence:
                    found.append(self._close(opened, step.time, CLOSED_BY_CHANGE, 0))
                    opened = step
            elif opened is not None:
                found.append(self._close(opened, step.time, step.why, step.doubt))
                opened = None
            elif found and step.time < found[-1].end:  # after a cut, the connection's own last evidence was earlier
                found[-1] = msgspec.structs.replace(found[-1], end=max(found[-1].start, step.time))
        found = [session for session in found if session.start < session.end]
        if opened is not None:
            found.append(self._leave_open(opened, began))
        return found

    def views(self) -> list[Session]:
        """When the page of this connection was visible, as its beats said."""
        views = self.boot.views.get(self.connection)
        spans = [] if views is None else views.spans
        return [Session(Kind.VISIBLE, self.connection, "beat", *span, "beat", "beat", BEAT) for span in spans]

    def _beat(self) -> Mark:
        """The last beat that said of this connection what this track is about."""
        if self.kind in SHARED:
            return NEVER
        marks = self.boot.connected if self.kind is Kind.CONNECTED else self.boot.receiving
        return marks.get(self.connection, NEVER)

    def _cuts(self) -> list[Cut]:
        return [cut for cut in self.boot.cuts if cut.all_kinds or self.kind in CUT_BY_OUTAGE]

    def _close(self, opened: Event, end: int, why: str, doubt: int) -> Session:
        end = max(opened.time, end)
        doubt = max(opened.doubt, doubt)
        evidence = opened.evidence or ""
        source = opened.source
        return Session(
            self.kind, self.connection, evidence, opened.time, end, opened.why, why, doubt, source=source
        )  # fmt: skip

    def _leave_open(self, opened: Event, began: int) -> Session:
        last = opened.time
        for mark in (self._beat(), self.boot.change):
            if mark.counter > began:
                last = max(last, mark.time)
        if self.kind in SHARED:
            last = max(last, self.boot.known)
        if self.boot.over:
            return self._close(opened, last, CLOSED_BY_CRASH, BEAT)
        return msgspec.structs.replace(self._close(opened, last, STILL_OPEN, 0), open=True)
