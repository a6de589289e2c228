"""Errors of the service; each says whose fault it was. One function maps them to statuses and close codes."""

from __future__ import annotations


class ClassroomError(Exception):
    """Root of every error that this package raises on purpose."""


class UserError(ClassroomError):
    """A person can mend it. `reason` is a word of the table of sentences (zh, en); keeps the connection."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason = reason
        self.detail = detail


class ProtocolError(ClassroomError):
    """The program at the other end sent what cannot be parsed; closes the connection."""
