"""Who is excused from a lecture (请假), for what, and by whom."""

from __future__ import annotations

import msgspec

from attendance.facts import ExcuseWithdrawn, Leave, MemberExcused
from attendance.told import ToldBook


class Excuse(msgspec.Struct, frozen=True):
    """`at` in µs, UTC; `by` a staff id."""

    at: int
    cause: Leave
    by: str | None


class ExcuseBook(ToldBook[MemberExcused | ExcuseWithdrawn]):
    def of(self, member: str) -> Excuse | None:
        last = self.last(member)
        if last is None:
            return None
        at, body = last
        if isinstance(body, ExcuseWithdrawn):
            return None
        return Excuse(at, body.cause, body.by)

    @property
    def members(self) -> list[str]:
        """Who is excused now."""
        return [member for member in self.told if self.of(member) is not None]
