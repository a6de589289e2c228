"""The check of a whole lecture: its rows against each other, the heads known, and the end that the database claims."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable

import msgspec

from attendance.chain import Checker, Head, Row
from attendance.errors import LedgerBroken
from attendance.facts import Fact
from attendance.ports import Ledger, Notary


class Broken(msgspec.Struct, frozen=True):
    """The ledger does not verify: the first bad row (1-based), and why."""

    row: int
    reason: str


class Auditor:
    """Like `chain.Checker`, but reads on behind the first bad row and tells it at the end, so that a report can be
    made of a broken ledger too. After `finish` it may go on with the rows that came since."""

    def __init__(self, lecture: str, heads: Iterable[Head], notary: Notary | None) -> None:
        self._broken: Broken | None = None
        try:
            self._checker = Checker(lecture, heads, None if notary is None else notary.public)
        except LedgerBroken as error:
            self._broken = Broken(error.row, error.reason)

    def check(self, row: Row) -> Fact | None:
        """The row's fact, also behind a bad row; None where nothing can be read in it."""
        if self._broken is None:
            try:
                return self._checker.check(row)
            except LedgerBroken as error:
                self._broken = Broken(error.row, error.reason)
        with contextlib.suppress(LedgerBroken):
            return row.fact()
        return None

    def learn(self, heads: Iterable[Head]) -> None:
        """Heads that were signed since."""
        if self._broken is None:
            try:
                self._checker.learn(heads)
            except LedgerBroken as error:
                self._broken = Broken(error.row, error.reason)

    def finish(self, last: int) -> Broken | None:
        """`last` is the number of rows that there should be."""
        if self._broken is None:
            try:
                self._checker.finish()
            except LedgerBroken as error:
                return Broken(error.row, error.reason)
            if self._checker.row != last:
                return Broken(self._checker.row + 1, f"the row is missing: {last} rows were stored")
        return self._broken


async def audit(ledger: Ledger, notary: Notary | None, lecture: str) -> int:
    """The number of rows. Raises `LedgerBroken` with the first bad one and why, and `StoreUnavailable`."""
    known = [] if notary is None else await notary.known(lecture)
    last, _ = await ledger.last(lecture)
    auditor = Auditor(lecture, known, notary)
    async for row in ledger.rows(lecture, 0, last):
        auditor.check(row)
    broken = auditor.finish(last)
    if broken is not None:
        raise LedgerBroken(lecture, broken.row, broken.reason)
    return last
