"""The check of a whole lecture: its rows against each other, the heads known, and the end that the database claims."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from attendance.chain import Checker, Head, Row
from attendance.errors import LedgerBroken
from attendance.ports import Ledger, Notary


class Broken(msgspec.Struct, frozen=True):
    """The ledger does not verify: the first bad row (1-based), and why."""

    row: int
    reason: str


class Auditor:
    """Like `chain.Checker`, but reads on behind the first bad row and tells it at the end, so that a report can be
    made of a broken ledger too. `last` is the number of rows that there should be."""

    def __init__(self, lecture: str, last: int, heads: Iterable[Head], notary: Notary | None) -> None:
        self._last = last
        self._broken: Broken | None = None
        try:
            self._checker = Checker(lecture, heads, None if notary is None else notary.public)
        except LedgerBroken as error:
            self._broken = Broken(error.row, error.reason)

    def check(self, row: Row) -> None:
        if self._broken is None:
            try:
                self._checker.check(row)
            except LedgerBroken as error:
                self._broken = Broken(error.row, error.reason)

    def finish(self) -> Broken | None:
        if self._broken is None:
            try:
                self._checker.finish()
            except LedgerBroken as error:
                return Broken(error.row, error.reason)
            if self._checker.row != self._last:
                return Broken(self._checker.row + 1, f"the row is missing: {self._last} rows were stored")
        return self._broken


async def audit(ledger: Ledger, notary: Notary | None, lecture: str) -> int:
    """The number of rows. Raises `LedgerBroken` with the first bad one and why, and `StoreUnavailable`."""
    known = [] if notary is None else await notary.known(lecture)
    last, _ = await ledger.last(lecture)
    auditor = Auditor(lecture, last, known, notary)
    async for row in ledger.rows(lecture, 0, last):
        auditor.check(row)
    broken = auditor.finish()
    if broken is not None:
        raise LedgerBroken(lecture, broken.row, broken.reason)
    return last
