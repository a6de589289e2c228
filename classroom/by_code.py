"""Members who come without their link: the lecture's code, their name and the end of their telephone number.

Four digits are soon guessed, so tries are few: for a name in a lecture, and failures for a whole lecture. Who uses
the failures up keeps others from coming this way for some minutes, and nobody from coming by their own link. That a
ticket was given so is a fact of its own: it says less about who came than a personal link does. Where a name was right
and the rest was not, that is a failed attempt of whom it names.
"""

from __future__ import annotations

import unicodedata
from collections import OrderedDict, defaultdict
from collections.abc import Sequence
from typing import Protocol

from attendance.facts import AdmittedByCode, Body, JoinFailed, LectureState
from attendance.ports import Clock
from attendance.roster import Invitation, Role
from classroom.errors import UserError
from classroom.people.code import code_of
from classroom.room.bucket import Buckets
from classroom.room.lecture import OVER

TRIES_A_SECOND, TRIES = 1 / 60, 5.0
"""Of one name in one lecture."""
FAILURES_A_SECOND, FAILURES = 1 / 10, 60.0
"""Of one code, be it any lecture's or none's."""
NAMES, CODES = 20_000, 5_000
FRESH = 30_000_000
"""µs that a lecture's names are believed without reading the roster again."""
KEPT = 8
"""Lectures whose names are kept."""
HOLDS = 86_400_000_000
"""µs that a ticket given so holds at most."""

KEPT_A_SECOND, KEPT_FAILURES = 1 / 30, 20.0
"""Failed attempts of a member that are facts."""

Names = dict[str, list[Invitation]]
"""Members by name."""


class Lecture(Protocol):
    @property
    def id(self) -> str: ...

    @property
    def state(self) -> LectureState: ...

    @property
    def links_expire(self) -> int: ...


class Lectures(Protocol):
    async def all(self) -> Sequence[Lecture]: ...


class Roster(Protocol):
    async def invitations(self, lecture: str) -> Sequence[Invitation]: ...


class Door(Protocol):
    def issue(self, invitation: Invitation, expires: int) -> str: ...


class Ledger(Protocol):
    def record(self, lecture: str, body: Body) -> None: ...


class CodeDoor:
    def __init__(
        self, lectures: Lectures, roster: Roster, door: Door, ledger: Ledger, clock: Clock, secret: bytes
    ) -> None:
        self._lectures = lectures
        self._roster = roster
        self._door = door
        self._ledger = ledger
        self._clock = clock
        self._secret = secret
        self._tries = Buckets(TRIES_A_SECOND, TRIES, NAMES)
        self._failures = Buckets(FAILURES_A_SECOND, FAILURES, CODES)
        self._failed = Buckets(KEPT_A_SECOND, KEPT_FAILURES, NAMES)
        self._names: OrderedDict[str, tuple[int, Names]] = OrderedDict()

    def code(self, lecture: str) -> str:
        return code_of(self._secret, lecture)

    async def ticket(self, code: str, name: str, digits: str) -> str:
        """A ticket for the one member who is meant. Raises `UserError` (code-unknown, too-many-tries); which of the
        three was wrong is not said."""
        now, name = self._clock.now(), tidy(name)
        if self._failures.spent(code, now) or not self._tries.take(f"{code}/{name}", now):
            raise UserError("too-many-tries")
        named = [
            (lecture, invitation)
            for lecture in await self._lectures.all()
            if lecture.state not in OVER and self.code(lecture.id) == code
            for invitation in (await self._read(lecture.id, now)).get(name, ())
        ]
        found = [(lecture, invitation) for lecture, invitation in named if _ends(invitation, digits)]
        if len(found) != 1:  # two of the same name and number cannot be told apart: their links can
            self._failures.take(code, now)
            for lecture, invitation in found or named:
                self._keep(lecture.id, invitation, found, now)
            raise UserError("code-unknown")
        lecture, invitation = found[0]
        self._ledger.record(lecture.id, AdmittedByCode(invitation.member.id))
        return self._door.issue(invitation, min(lecture.links_expire, now + HOLDS))

    def _keep(self, lecture: str, invitation: Invitation, found: Sequence[object], now: int) -> None:
        member = invitation.member
        if not self._failed.take(member.id, now):
            return
        cause = "code-ambiguous" if found else "code-digits" if member.phone is not None else "code-no-number"
        self._ledger.record(lecture, JoinFailed(member.id, cause, "code"))

    async def _read(self, lecture: str, now: int) -> Names:
        known = self._names.get(lecture)
        if known is not None and now - known[0] < FRESH:
            return known[1]
        names: Names = defaultdict(list)
        for invitation in await self._roster.invitations(lecture):
            if invitation.role == Role.MEMBER:
                names[tidy(invitation.member.name)].append(invitation)
        self._names[lecture] = now, dict(names)
        self._names.move_to_end(lecture)
        if len(self._names) > KEPT:
            self._names.popitem(last=False)
        return names


def _ends(invitation: Invitation, digits: str) -> bool:
    """Whether these are the last four digits of their number."""
    phone = invitation.member.phone
    return phone is not None and phone[-4:] == digits


def tidy(name: str) -> str:
    """As it is compared: full-width letters and spaces make no difference."""
    return "".join(unicodedata.normalize("NFKC", name).split()).casefold()
