"""Where the service's parts meet."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Literal, Protocol

import msgspec

from attendance.facts import LectureState

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
        self,
        name: str,
        body: bytes,
        lecture: str | None,
        language: Language = "zh",
        scope: tuple[str, ...] = (),
    ) -> ImportResult:
        """`name` is the file's name (its ending says xlsx or csv)."""

    async def links(self, lecture: str, scope: tuple[str, ...] = ()) -> list[Link]:
        """The lecturer's, the host's and the guests' first, then members by branch and name."""

    async def renew_link(self, lecture: str, member: str, scope: tuple[str, ...] = ()) -> Link:
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


# --- what the office asks of whoever runs the lectures ---------------------------------------------------------------


class LectureDesk(Protocol):
    """Moves a lecture by hand, keeps its state in the store's list, and answers the state it is in then: the room
    where the service runs, else the recorder alone. `state` is what the list says now. Raises
    `UserError("lecture-over")` where it cannot be started any more; a second press of a button does no harm."""

    async def start(self, lecture: str, state: LectureState, by: str | None) -> LectureState: ...

    async def end(self, lecture: str, state: LectureState, by: str | None) -> LectureState: ...

    async def witness(self, lecture: str) -> None:
        """Store what is known of everybody up to now, so that a report made next goes as far as it can."""

    async def expel(self, lecture: str, members: frozenset[str]) -> None:
        """End what these members opened with links that hold no more: sockets, publications and players."""


class Standing(msgspec.Struct, frozen=True):
    """How one member stands in a lecture that goes on. Times are µs since the epoch; None is not measured."""

    connected: bool = False
    receiving: bool = False
    first_join: int | None = None
    credited: int | None = None  # µs
    trouble: str | None = None  # the cause told last, while it lasts


class LivePresence(Protocol):
    """Who is there now, as the room knows it."""

    async def standings(self, lecture: str) -> Mapping[str, Standing]:
        """By member id; whoever is absent from it was never there."""
