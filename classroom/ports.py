"""Where the service's parts meet."""

from __future__ import annotations

import datetime
from collections.abc import AsyncIterator
from typing import Literal, Protocol

import msgspec

from attendance.facts import LectureState


class Bus(Protocol):
    """The room's inbox and outbox between nodes; in memory where there is one."""

    async def publish(self, topic: str, body: bytes, keep: bool) -> None:
        """`keep`: must not be lost (a stream); otherwise whoever listens now gets it."""

    def follow(self, topic: str, after: str | None) -> AsyncIterator[tuple[str, bytes]]:
        """(position, body) from beyond `after`, or from now on."""


# --- what an organizer does, from the pages or from the command line ------------------------------------------------


class LectureInfo(msgspec.Struct, frozen=True):
    """Times are aware (UTC). `ends` is when it is planned to end; it ends by button or command only."""

    id: str
    title: str
    starts: datetime.datetime | None
    ends: datetime.datetime | None
    state: LectureState
    invited: int


class RefusedRow(msgspec.Struct, frozen=True):
    line: int  # 1-based, as the spreadsheet shows it
    reason: str  # a sentence in the caller's language


class ImportResult(msgspec.Struct, frozen=True):
    added: int
    changed: int
    unchanged: int
    refused: tuple[RefusedRow, ...]


class Link(msgspec.Struct, frozen=True):
    """A personal link; whoever holds it is that person. `branch` is the path joined with " / "."""

    member: str
    name: str
    branch: str
    role: str
    url: str
    ticket: str


class Verified(msgspec.Struct, frozen=True):
    """The result of checking a lecture's chain: rows and, where bad, the first bad row (1-based) and why."""

    rows: int
    ok: bool
    bad_row: int | None = None
    reason: str | None = None


Language = Literal["zh", "en"]
ExportFormat = Literal["xlsx", "csv", "json"]


class Office(Protocol):
    """Everything an organizer does outside the live channel. Raises `UserError`.

    Implemented over the stores (`office.py`), and as a client of a running service over its Unix socket
    (`io/office_unix.py`), so that the command line works beside a running service and without one.
    `scope` is the branch path of the organizer that asks; () sees everything.
    """

    async def create_lecture(
        self, title: str, starts: datetime.datetime | None, ends: datetime.datetime | None
    ) -> LectureInfo: ...

    async def lectures(self) -> list[LectureInfo]: ...

    async def lecture(self, lecture: str) -> LectureInfo: ...

    async def start(self, lecture: str, by: str | None = None) -> LectureInfo: ...

    async def end(self, lecture: str, by: str | None = None) -> LectureInfo: ...

    async def import_roster(
        self, name: str, body: bytes, lecture: str | None, language: Language = "zh"
    ) -> ImportResult:
        """`name` is the file's name (its ending says xlsx or csv)."""

    async def links(self, lecture: str) -> list[Link]:
        """The lecturer's, the host's and the guests' first, then members by branch and name."""

    async def renew_link(self, lecture: str, member: str) -> Link:
        """Revokes the old link of that person and gives a new one."""

    async def export(
        self,
        lecture: str,
        form: ExportFormat,
        scope: tuple[str, ...] = (),
        language: Language = "zh",
    ) -> bytes: ...

    async def verify(self, lecture: str) -> Verified: ...

    async def create_staff(self, name: str, password: str, branch: tuple[str, ...] = ()) -> None:
        """An organizer of a branch and all below it; () is the city: an operator."""
