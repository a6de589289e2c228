"""Errors of attendance; each says whose fault it was."""

from __future__ import annotations


class AttendanceError(Exception):
    """Root of every error that this package raises on purpose."""


class SheetError(AttendanceError):
    """A spreadsheet cannot be read at all (its rows have reasons of their own). `reason` is a word for a sentence."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason = reason
        self.detail = detail


class LedgerBroken(AttendanceError):
    """The chain of a lecture does not verify; `row` is the first bad one (1-based), `reason` a sentence."""

    def __init__(self, lecture: str, row: int, reason: str) -> None:
        super().__init__(f"lecture {lecture}, row {row}: {reason}")
        self.lecture = lecture
        self.row = row
        self.reason = reason


class StoreUnavailable(AttendanceError):
    """The database does not answer now; what waits in the spool follows later."""


class RecorderClosed(AttendanceError):
    """The recorder has stopped; nothing more is recorded in this process."""


class NotUndone(AttendanceError):
    """A change of the roster stays. `reason`: "no-such-change", "undone-already", "invited-to-one-over": a lecture
    that is over keeps whom it had invited, or "changed-since": a later change touched the same people or branches."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class BranchUnfit(AttendanceError):
    """`reason`: "no-such-branch", "branch-exists", "branch-within" (itself or below), "bad-branch" (too long)."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
