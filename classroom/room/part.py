"""The way of one person between the seats and the stage: one transition table.

Theory of operation: people move by what they answer, by what those who run the stage decide, and by what the relay
says of their media (`FLOWS`, `SILENT`). Whose media already flows when they are called is backstage at once; who is
backstage and falls silent looks at their devices again; who is on and falls silent is `lost`, and comes back by
publishing again. Nobody waits for ever: what is not answered in time ends.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass

from classroom.room.journal import PartSet
from classroom.room.messages import moment
from classroom.room.messages_stage import Part, PartChanged

SECOND = 1_000_000
PLACE = "guest"
"""The slot that whoever is called publishes to."""


class Trigger(enum.StrEnum):
    CALL = "call"
    ACCEPT = "accept"
    DECLINE = "decline"
    FLOWS = "flows"
    SILENT = "silent"
    PUT_ON = "put-on"
    TAKE_OFF = "take-off"
    REPLACE = "replace"  # another one comes on
    LEAVE = "leave"
    TIME_OUT = "time-out"
    DOORS = "doors"  # the rehearsal is over: from here on everybody sees who is on
    OVER = "over"  # the lecture is


P, T = Part, Trigger

TRANSITIONS: dict[tuple[Part, Trigger], Part] = {
    (P.OFF, T.CALL): P.CALLED,
    (P.CALLED, T.ACCEPT): P.CHECKING,
    (P.CALLED, T.DECLINE): P.OFF,
    (P.CALLED, T.FLOWS): P.BACKSTAGE,
    (P.CHECKING, T.DECLINE): P.OFF,
    (P.CHECKING, T.FLOWS): P.BACKSTAGE,
    (P.BACKSTAGE, T.SILENT): P.CHECKING,
    (P.BACKSTAGE, T.PUT_ON): P.ON,
    (P.ON, T.SILENT): P.LOST,
    (P.ON, T.REPLACE): P.OFF,
    (P.ON, T.DOORS): P.BACKSTAGE,
    (P.LOST, T.FLOWS): P.ON,
    (P.LOST, T.REPLACE): P.OFF,
    (P.LOST, T.DOORS): P.CHECKING,
    (P.CALLED, T.TIME_OUT): P.OFF,
    (P.CHECKING, T.TIME_OUT): P.OFF,
    (P.LOST, T.TIME_OUT): P.OFF,
    **{(part, trigger): P.OFF for part in P if part is not P.OFF for trigger in (T.TAKE_OFF, T.LEAVE, T.OVER)},
}

LASTS: dict[Part, int] = {P.CALLED: 60 * SECOND, P.CHECKING: 120 * SECOND, P.LOST: 60 * SECOND}
"""µs after which a part ends by itself."""

IN_SIGHT = frozenset({P.ON, P.LOST})
"""Whoever holds the stage's one place."""
ON_THE_WAY = frozenset({P.CALLED, P.CHECKING})

REASONS: dict[Trigger, str] = {
    T.DECLINE: "declined",
    T.TAKE_OFF: "taken-off",
    T.REPLACE: "replaced",
    T.LEAVE: "left",
    T.TIME_OUT: "time-out",
    T.OVER: "over",
}


@dataclass(slots=True)
class Standing:
    """Where one person stands. Times in µs since the epoch.

    `entry`: of the running order, if any. `until`: when their minutes are over. `since`: when they came on;
    `rehearsed`: nobody but the stage sees it. `last`: when their media was lost. `awaited`: until then, after a restart
    of the service, the relay may still tell of their media.
    """

    member: str
    name: str
    branch: str
    part: Part = Part.OFF
    at: int = 0
    entry: str | None = None
    title: str = ""
    minutes: int | None = None
    caller: str | None = None
    called_by: str | None = None
    until: int | None = None
    since: int | None = None
    last: int | None = None
    reconnects: int = 0
    rehearsed: bool = False
    reason: str | None = None
    awaited: int | None = None

    @property
    def deadline(self) -> int | None:
        lasts = LASTS.get(self.part)
        return None if lasts is None else self.at + lasts

    def move(self, trigger: Trigger, now: int, rehearsing: bool = False) -> bool:
        """Whether the table has such a move. `rehearsing`: only the stage sees who comes on now."""
        part = TRANSITIONS.get((self.part, trigger))
        if part is None:
            return False
        if trigger is T.PUT_ON:
            self.since, self.reconnects, self.rehearsed = now, 0, rehearsing
            self.until = None if self.minutes is None else now + self.minutes * 60 * SECOND
        elif trigger is T.DOORS:
            self.since = self.until = None
        elif self.part is P.LOST and part is P.ON:
            self.reconnects += 1
        lost = self.part is P.LOST and trigger is T.TIME_OUT
        self.reason = None if part is not P.OFF else "lost" if lost else REASONS[trigger]
        self.part, self.at, self.awaited = part, now, None
        return True

    def extend(self, minutes: int, now: int) -> None:
        """From the end of their minutes, or from now where these are over or were not limited."""
        self.until = max(self.until or now, now) + minutes * 60 * SECOND

    def journaled(self) -> PartSet:
        return PartSet(
            member=self.member,
            name=self.name,
            branch=self.branch,
            part=self.part,
            caller=self.caller,
            title=self.title,
            minutes=self.minutes,
            until=self.until,
            reason=self.reason,
            entry=self.entry,
            called_by=self.called_by,
            since=self.since,
            reconnects=self.reconnects,
            rehearsed=self.rehearsed,
        )

    @classmethod
    def restored(cls, kept: PartSet, at: int, awaited: int) -> Standing:
        return cls(
            member=kept.member,
            name=kept.name,
            branch=kept.branch,
            part=kept.part,
            at=at,
            entry=kept.entry,
            title=kept.title,
            minutes=kept.minutes,
            caller=kept.caller,
            called_by=kept.called_by,
            until=kept.until,
            since=kept.since,
            reconnects=kept.reconnects,
            rehearsed=kept.rehearsed,
            reason=kept.reason,
            last=at if kept.part is Part.LOST else None,
            awaited=awaited,
        )

    def told(self) -> PartChanged:
        """What their pages are told."""
        until = None if self.until is None else moment(self.until)
        deadline = None if self.deadline is None else moment(self.deadline)
        return PartChanged(self.part, PLACE, self.caller, self.title, self.minutes, until, deadline, self.reason)


NOWHERE = PartChanged(Part.OFF, PLACE, None, "", None, None, None, None)
"""For whoever was never called."""
