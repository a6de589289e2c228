"""A lecture's ledger as it was when it had so many rows: for checking what was exported then."""

from __future__ import annotations

from attendance.audit import Auditor
from attendance.chain import GENESIS
from attendance.ports import Ledger, Notary
from attendance.presence import Presence
from attendance.report import Reading


async def reading_at(ledger: Ledger, notary: Notary | None, lecture: str, row: int) -> Reading:
    """What the first `row` rows say; `hash` is that of the last of them, and empty where there are not so many. All
    rows are checked, those that came since too. Raises `StoreUnavailable`."""
    known = [] if notary is None else await notary.known(lecture)
    last, _ = await ledger.last(lecture)
    auditor, presence, digest, read = Auditor(lecture, known, notary), Presence(), b"" if row else GENESIS, 0
    async for one in ledger.rows(lecture, 0, last):
        fact = auditor.check(one)
        read += 1
        if one.row <= row and fact is not None:
            presence.apply(fact, one.row)
        if one.row == row:
            digest = one.hash
    return Reading(lecture, presence, min(row, read), digest, None, auditor.finish(last))
