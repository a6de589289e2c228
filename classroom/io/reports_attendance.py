"""Reports and checks of a lecture's ledger, for the office."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from attendance.audit import audit
from attendance.errors import LedgerBroken
from attendance.ports import Ledger, Notary
from attendance.report import Report, report_for
from attendance.roster import BranchPath, Invitation
from classroom.office import Aside, LectureRow
from classroom.ports import ExportFormat, Language, Verified

Writer = Callable[[Report, Language], bytes]


class LedgerReports:
    """Implements `classroom.office.Reports`. Reading the ledger shares the loop page by page; writing goes aside."""

    def __init__(self, ledger: Ledger, notary: Notary | None, aside: Aside) -> None:
        self._ledger = ledger
        self._notary = notary
        self._aside = aside

    async def export(
        self,
        lecture: LectureRow,
        invitations: Sequence[Invitation],
        form: ExportFormat,
        scope: BranchPath,
        language: Language,
    ) -> bytes:
        report = await report_for(
            self._ledger, self._notary, lecture.id, lecture.title, invitations, scope=scope
        )  # fmt: skip
        return await self._aside.run(partial(_write, form, report, language))

    async def verify(self, lecture: str) -> Verified:
        try:
            rows = await audit(self._ledger, self._notary, lecture)
        except LedgerBroken as broken:
            rows, _ = await self._ledger.last(lecture)
            return Verified(rows, ok=False, bad_row=broken.row, reason=broken.reason)
        return Verified(rows, ok=True)


def _write(form: ExportFormat, report: Report, language: Language) -> bytes:
    return _WRITERS[form]()(report, language)


def _xlsx() -> Writer:
    from attendance.io.export_xlsxwriter import write  # a tenth of a second, which only exports spend

    return write


def _csv() -> Writer:
    from attendance.io.export_csv import write

    return write


def _json() -> Writer:
    from attendance.io.export_json import write

    return write


_WRITERS: dict[ExportFormat, Callable[[], Writer]] = {"xlsx": _xlsx, "csv": _csv, "json": _json}
