"""The life of a lecture: one transition table.

`live` begins with the first picture on `lecturer` once the start is due, or by button or command; what is published
earlier is a rehearsal. `interrupted` means that nothing flowed to the audience for five seconds. A lecture ends by
button or command only: a flaky network never ends it.
"""

from __future__ import annotations

import enum

from attendance.facts import LectureMoved, LectureState
from classroom.room.actions import Action, Broadcast, Record
from classroom.room.messages import LectureChanged, moment

SECOND = 1_000_000
LOBBY_BEFORE = 30 * 60 * SECOND
INTERRUPTED_AFTER = 5 * SECOND


class Trigger(enum.StrEnum):
    """Why a lecture moves; the value is the move's `cause`."""

    DOORS = "doors-open"
    PICTURE = "first-picture"
    BUTTON = "button"
    SILENCE = "nothing-flows"
    MEDIA = "media-again"
    END = "ended"


S = LectureState

TRANSITIONS: dict[tuple[LectureState, Trigger], LectureState] = {
    (S.PLANNED, Trigger.DOORS): S.LOBBY,
    (S.PLANNED, Trigger.PICTURE): S.LIVE,
    (S.PLANNED, Trigger.BUTTON): S.LIVE,
    (S.PLANNED, Trigger.END): S.ENDED,
    (S.LOBBY, Trigger.PICTURE): S.LIVE,
    (S.LOBBY, Trigger.BUTTON): S.LIVE,
    (S.LOBBY, Trigger.END): S.ENDED,
    (S.LIVE, Trigger.SILENCE): S.INTERRUPTED,
    (S.LIVE, Trigger.END): S.ENDED,
    (S.INTERRUPTED, Trigger.MEDIA): S.LIVE,
    (S.INTERRUPTED, Trigger.END): S.ENDED,
}

OVER = frozenset({S.ENDED, S.PUBLISHED})
BEGUN = frozenset({S.LIVE, S.INTERRUPTED})
UNDER_WAY = BEGUN | {S.LOBBY}


class Life:
    """State of one lecture. `starts` and `since` are microseconds since the epoch; None: no planned start, never
    moved."""

    def __init__(self, starts: int | None, state: LectureState = S.PLANNED, since: int | None = None) -> None:
        self.starts = starts
        self.state = state
        self.since = since

    def due(self, now: int) -> bool:
        return self.starts is None or now >= self.starts

    def rehearsing(self, now: int) -> bool:
        """Before the start nobody but the stage is shown what is published."""
        return self.state not in BEGUN and not self.due(now)

    def move(self, trigger: Trigger, now: int, by: str | None = None) -> list[Action]:
        """Nothing where the table has no such move: a second press of a button does no harm."""
        state = TRANSITIONS.get((self.state, trigger))
        if state is None:
            return []
        self.state, self.since = state, now
        return [
            Record(LectureMoved(state, trigger.value, by), now),
            Broadcast(LectureChanged(0, state, moment(now), trigger.value)),
        ]

    def tick(self, now: int, picture: bool, silent_since: int | None) -> list[Action]:
        """`picture`: a picture flows on `lecturer`. `silent_since`: nothing flows to the audience since then; None:
        something does."""
        actions: list[Action] = []
        if self.starts is None or now >= self.starts - LOBBY_BEFORE:
            actions += self.move(Trigger.DOORS, now)
        if picture and self.due(now):
            actions += self.move(Trigger.PICTURE, now)
        if silent_since is None:
            actions += self.move(Trigger.MEDIA, now)
        elif self.state is S.LIVE and now - max(silent_since, self.since or 0) >= INTERRUPTED_AFTER:
            actions += self.move(Trigger.SILENCE, now)
        return actions
