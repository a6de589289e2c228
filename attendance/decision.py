"""What people decided about one member's attendance, in order: leave and corrections, given and taken back."""

from __future__ import annotations

import enum
from collections.abc import Mapping

import msgspec

from attendance.correction import CorrectionBook
from attendance.excuse import ExcuseBook
from attendance.facts import Corrected, MemberExcused
from attendance.roster import ERASED


class Kind(enum.StrEnum):
    LEAVE_GIVEN = "leave-given"
    LEAVE_WITHDRAWN = "leave-withdrawn"
    CORRECTED = "corrected"
    CORRECTION_WITHDRAWN = "correction-withdrawn"


class Decision(msgspec.Struct, frozen=True):
    """`before` and `after` are words of the ledger: causes of leave, or verdicts; "": there was none, or what was
    measured holds again. `credited` (µs) of corrections alone, None: the measured time. `by` is a staff id."""

    at: int
    member: str
    kind: Kind
    before: str
    after: str
    credited_before: int | None
    credited: int | None
    by: str | None
    why: str


def decisions(
    member: str, excuses: ExcuseBook, corrections: CorrectionBook, reasons: Mapping[str, str]
) -> list[Decision]:
    """`reasons` of corrections by their id, as far as they are still known."""
    found: list[Decision] = []
    cause = ""
    for at, excused in excuses.history(member):
        given = isinstance(excused, MemberExcused)
        after = excused.cause.value if isinstance(excused, MemberExcused) else ""
        kind = Kind.LEAVE_GIVEN if given else Kind.LEAVE_WITHDRAWN
        found.append(Decision(at, member, kind, cause, after, None, None, excused.by, ""))
        cause = after
    for at, body in corrections.history(member):
        before = body.before.value
        if isinstance(body, Corrected):
            why = reasons.get(body.id, ERASED)
            found.append(
                Decision(
                    at, member, Kind.CORRECTED, before, body.verdict.value, body.credited_before, body.credited,
                    body.by, why,
                )
            )  # fmt: skip
        else:
            kind = Kind.CORRECTION_WITHDRAWN
            found.append(Decision(at, member, kind, before, "", body.credited_before, None, body.by, ""))
    return sorted(found, key=lambda one: one.at)
