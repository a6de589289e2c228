"""Corrections by hand (更正): what an organizer found instead of what was measured, which stays beside it."""

from __future__ import annotations

import msgspec

from attendance.facts import Corrected, CorrectionWithdrawn, Verdict
from attendance.told import ToldBook


class Correction(msgspec.Struct, frozen=True):
    """`at` and `credited` in µs; `credited` None: the measured time stays. The reason is kept under `id`; `by` is a
    staff id."""

    id: str
    at: int
    verdict: Verdict
    credited: int | None
    by: str | None


class CorrectionBook(ToldBook[Corrected | CorrectionWithdrawn]):
    def of(self, member: str) -> Correction | None:
        last = self.last(member)
        if last is None:
            return None
        at, body = last
        if isinstance(body, CorrectionWithdrawn):
            return None
        return Correction(body.id, at, body.verdict, body.credited, body.by)

    @property
    def members(self) -> list[str]:
        """Whose attendance is corrected now."""
        return [member for member in self.told if self.of(member) is not None]
