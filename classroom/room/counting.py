"""What a member is told of their own minutes, and when."""

from __future__ import annotations

from collections.abc import Collection
from typing import Protocol

import msgspec

from attendance.facts import LectureState
from classroom.people.role import rights
from classroom.room.messages import Counted, NotCounting, moment

REFRESH = 15 * 1_000_000


class Standing(msgspec.Struct, frozen=True):
    """A member's attendance now: does media reach them, since when that is so, and what is credited so far."""

    receiving: bool
    credited_ms: int
    since: int | None = None


class Attendance(Protocol):
    """What the room asks of the ledger; pure, by the facts recorded so far."""

    def standing(self, member: str, now: int) -> Standing: ...

    def receiving(self) -> Collection[str]:
        """Members whom media reaches now."""

    def gathered(self) -> Collection[str]:
        """Members who are checked in at a site, whether or not its screen receives."""

    def hearing(self) -> Collection[str]:
        """Those of them whom sound reaches."""

    def excused(self) -> Collection[str]:
        """Members who have leave."""

    def levels(self, member: str) -> Collection[tuple[str, str, str]]:
        """(session, slot, level) of what this member's players are sent, where it ever was another than the whole
        picture."""


NOT_LIVE: dict[LectureState, NotCounting] = {
    LectureState.PLANNED: NotCounting.NOT_STARTED,
    LectureState.LOBBY: NotCounting.NOT_STARTED,
    LectureState.INTERRUPTED: NotCounting.INTERRUPTED,
    LectureState.ENDED: NotCounting.ENDED,
    LectureState.PUBLISHED: NotCounting.ENDED,
}


def counted(role: str, state: LectureState, standing: Standing) -> Counted:
    """The message for a member of `role` while the lecture is in `state`."""
    reason: NotCounting | None = NOT_LIVE.get(state)
    if not rights(role).counted:
        reason = NotCounting.NOT_MEMBER
    elif reason is None and not standing.receiving:
        reason = NotCounting.NO_MEDIA
    since = None if standing.since is None else moment(standing.since)
    return Counted(reason is None, standing.credited_ms, since, reason)


def worth_telling(before: Counted | None, told_at: int, message: Counted, now: int) -> bool:
    """At once when the state changes; every 15 s while the clock runs, so that the page's own stays true."""
    if before is None or (before.receiving, before.reason) != (message.receiving, message.reason):
        return True
    return message.counted_ms != before.counted_ms and now - told_at >= REFRESH
