"""The evening's record: what happened in a lecture, in order, from its facts and its journal. Nobody's attendance, and
nothing that anybody wrote in the chat.

Feed it every fact and every entry, each once and in order; it keeps what the record needs and nothing of members, so it
may stay in memory and be fed what came since.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import msgspec

from attendance.extent import Extent
from attendance.facts import (
    AppearanceEnded,
    Beat,
    Fact,
    LectureMoved,
    LectureState,
    NodeLost,
    NodeStarted,
    NodeStopped,
    OutageBegan,
    OutageEnded,
    SignInAnswered,
    SignInAsked,
)
from attendance.track import Mark
from classroom.room.journal import Journaled, OrderEntry, OrderSet, PartSet, PollEnded, PollOpened
from classroom.room.messages_stage import Part
from classroom.room.part import IN_SIGHT

CALLED = "c"
"""How the ids of sign-ins begin that everybody was called to; others are drawn for each member."""
KINDS = (OrderSet, PartSet, PollOpened, PollEnded)
"""The entries of the journal that are read here."""

S = LectureState


class Event(msgspec.Struct, frozen=True):
    """Times in µs since the epoch. `until`: None for what has no end, or goes on. `by`: a name, or an id where `named`
    is not set. `kind`: doors, started, interrupted, outage, testimonial, sign-in, poll, ended. `detail`: the outage's
    cause, the testimonial's title, the poll's question, "answered/asked" of a sign-in."""

    at: int
    kind: str
    until: int | None = None
    name: str | None = None
    branch: str | None = None
    by: str | None = None
    named: bool = False
    detail: str | None = None


@dataclass(slots=True)
class _Testimonial:
    since: int
    name: str
    branch: str
    title: str
    caller: str | None
    until: int | None = None


@dataclass(slots=True)
class _SignIn:
    at: int
    until: int
    asked: int = 0
    answered: int = 0


@dataclass(slots=True)
class Timeline:
    """`row` and `number`: the last row of the ledger and the last entry of the journal that it was fed."""

    row: int = 0
    number: int = 0
    order: tuple[OrderEntry, ...] = ()
    """The running order as it was set last."""
    _extent: Extent = field(default_factory=Extent)
    _moves: list[tuple[int, LectureMoved]] = field(default_factory=list)
    _sign_ins: dict[str, _SignIn] = field(default_factory=dict)
    _ended: dict[tuple[str, int], int] = field(default_factory=dict)
    _testimonials: dict[tuple[str, int], _Testimonial] = field(default_factory=dict)
    _polls: dict[str, Event] = field(default_factory=dict)

    # --- what it is fed ---

    def fact(self, fact: Fact) -> None:
        boot, body = self._extent.boot(fact), fact.body
        if isinstance(body, NodeStarted):
            self._extent.node_started(boot, fact)
        elif isinstance(body, NodeStopped):
            self._extent.node_stopped(boot, fact)
        elif isinstance(body, NodeLost):
            self._extent.node_lost(fact, body)
        elif isinstance(body, Beat):
            boot.told(Mark(fact.counter, fact.happened), {})
        elif isinstance(body, OutageBegan):
            self._extent.outage_began(boot, fact, body)
        elif isinstance(body, OutageEnded):
            self._extent.outage_ended(boot, fact, body)
        elif isinstance(body, LectureMoved):
            self._extent.moved(boot, fact, body)
            self._moves.append((fact.happened, body))
        elif isinstance(body, AppearanceEnded):
            self._ended[body.member, body.since] = body.last
        elif isinstance(body, SignInAsked | SignInAnswered) and body.id.startswith(CALLED):
            self._signed(fact.happened, body)

    def entry(self, journaled: Journaled) -> None:
        self.number = journaled.number
        reader = _ENTRIES.get(type(journaled.entry))
        if reader is not None:
            reader(self, journaled, journaled.entry)

    def _signed(self, at: int, body: SignInAsked | SignInAnswered) -> None:
        if isinstance(body, SignInAsked):
            known = self._sign_ins.setdefault(body.id, _SignIn(at, body.until))
            known.at, known.until = min(known.at, at), max(known.until, body.until)
            known.asked += 1
        elif body.id in self._sign_ins:
            self._sign_ins[body.id].answered += 1

    def _part(self, journaled: Journaled, kept: PartSet) -> None:
        if kept.since is None or kept.rehearsed:
            return
        key = (kept.member, kept.since)
        if kept.part in IN_SIGHT:
            shown = _Testimonial(kept.since, kept.name, kept.branch, kept.title, kept.caller)
            self._testimonials.setdefault(key, shown)
        if kept.part is Part.OFF and key in self._testimonials:
            self._testimonials[key].until = journaled.at

    def _order_set(self, journaled: Journaled, kept: OrderSet) -> None:
        self.order = kept.entries

    def _poll_opened(self, journaled: Journaled, kept: PollOpened) -> None:
        self._polls[kept.id] = Event(journaled.at, "poll", by=journaled.by, detail=kept.question)

    def _poll_ended(self, journaled: Journaled, kept: PollEnded) -> None:
        poll = self._polls.get(kept.id)
        if poll is not None:
            self._polls[kept.id] = msgspec.structs.replace(poll, until=journaled.at)

    # --- what it says ---

    def events(self) -> list[Event]:
        """In order."""
        found = [*self._life(), *self._outages(), *self._shared(), *self._polls.values(), *self._asked()]
        return sorted(found, key=lambda event: (event.at, event.kind))

    def _life(self) -> list[Event]:
        moves = sorted(self._moves, key=lambda move: (move[0], list(S).index(move[1].state)))
        found: list[Event] = []
        started = False
        for number, (at, move) in enumerate(moves):
            after = moves[number + 1][0] if number + 1 < len(moves) else None
            if move.state is S.LOBBY:
                found.append(Event(at, "doors"))
            elif move.state is S.LIVE and not started:
                started = True
                found.append(Event(at, "started", by=move.by))
            elif move.state is S.INTERRUPTED:
                found.append(Event(at, "interrupted", until=after))
            elif move.state is S.ENDED:
                found.append(Event(at, "ended", by=move.by))
        return found

    def _outages(self) -> list[Event]:
        return [Event(one.start, "outage", one.end, detail=one.cause) for one in self._extent.counted().outages]

    def _shared(self) -> list[Event]:
        return [
            Event(
                one.since,
                "testimonial",
                self._ended.get(key, one.until),
                one.name,
                one.branch,
                one.caller,
                named=True,
                detail=one.title or None,
            )
            for key, one in self._testimonials.items()
        ]

    def _asked(self) -> list[Event]:
        return [
            Event(one.at, "sign-in", one.until, detail=f"{one.answered}/{one.asked}") for one in self._sign_ins.values()
        ]


_ENTRIES: dict[type, Callable[[Timeline, Journaled, Any], None]] = {
    PartSet: Timeline._part,
    OrderSet: Timeline._order_set,
    PollOpened: Timeline._poll_opened,
    PollEnded: Timeline._poll_ended,
}
