"""Each member's record of one lecture, and what people decide about it: leave, corrections, objections and answers.

Leave and corrections are facts; what people write (reasons, objections, answers) is kept where it can be deleted. An
organizer decides about members of their own branch and below it, and nobody else's are known to them here.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Protocol

import msgspec

from attendance.excuse import ExcuseBook
from attendance.facts import Body, Corrected, CorrectionWithdrawn, ExcuseWithdrawn, Leave, MemberExcused, Verdict
from attendance.ports import Clock
from attendance.presence import Presence
from attendance.report import Line, Reading, Report, compose, people
from attendance.roster import BranchPath, Invitation, Role
from classroom.errors import UserError
from classroom.office import moment
from classroom.ports import ObjectionInfo
from classroom.room.lecture import BEGUN, OVER

LONGEST = 500
"""Characters of an objection, an answer, a reason."""
OBJECTIONS = 5
"""Objections of one member about one lecture; one at a time."""
RULINGS = frozenset({Verdict.PRESENT, Verdict.LATE, Verdict.LEFT_EARLY, Verdict.INCOMPLETE, Verdict.ABSENT})
"""What a correction may say: leave has a way of its own, and nobody decides that something was not measured."""


class Objection(msgspec.Struct, frozen=True):
    """Times in µs, UTC. `answered_at` None: it waits. `by` a staff id, None: from the command line."""

    id: str
    lecture: str
    member: str
    at: int
    text: str
    answered_at: int | None = None
    by: str | None = None
    answer: str = ""


class Ruling(msgspec.Struct, frozen=True):
    """What holds instead of what was measured. `credited` in µs, None: the measured time stays."""

    verdict: Verdict
    credited: int | None
    why: str


class Record(msgspec.Struct, frozen=True):
    """One member's record: a report of them alone, and what they objected."""

    report: Report
    objections: list[Objection]
    names: dict[str, str]

    @property
    def line(self) -> Line:
        return self.report.lines[0]


class Facts(Protocol):
    async def presence(self, lecture: str) -> Presence:
        """What the ledger says of a lecture. Raises `UserError("no-such-lecture")`."""

    async def store(self, lecture: str, body: Body) -> None:
        """Returns once it is stored. Raises `UserError`."""


class Roster(Protocol):
    async def invitations(self, lecture: str, scope: BranchPath = ()) -> Sequence[Invitation]: ...

    async def invitation(self, lecture: str, member: str) -> Invitation | None: ...


class Names(Protocol):
    async def of(self, lecture: str, people: Collection[str]) -> dict[str, str]:
        """Of staff and of those invited, by id."""


class Remarks(Protocol):
    async def keep_reason(self, identity: str, lecture: str, member: str, text: str) -> None: ...

    async def reasons(self, lecture: str) -> dict[str, str]: ...

    async def object(self, objection: Objection, most: int) -> str | None: ...

    async def objections(self, lecture: str, members: Collection[str] | None = None) -> list[Objection]: ...

    async def objection(self, lecture: str, identity: str) -> Objection | None: ...

    async def answer(self, identity: str, at: int, by: str | None, answer: str) -> None: ...


class Records:
    """`by` is a staff id, None for the command line; `scope` the branch of who asks, () for everything. Every method
    raises `UserError`."""

    def __init__(
        self, *, facts: Facts, roster: Roster, names: Names, remarks: Remarks, clock: Clock, new_id: Callable[[], str]
    ) -> None:
        self._facts = facts
        self._roster = roster
        self._names = names
        self._remarks = remarks
        self._clock = clock
        self._new_id = new_id

    async def record(self, lecture: str, member: str, scope: BranchPath = ()) -> Record:
        """As far as the ledger goes now."""
        presence = await self._facts.presence(lecture)
        invitation = await self.member(lecture, member, scope)
        objections = await self._remarks.objections(lecture, [member])
        wanted = people(presence) | {one.by for one in objections if one.by is not None}
        names = await self._names.of(lecture, wanted)
        reasons = await self._remarks.reasons(lecture) if presence.corrections.members else {}
        reading = Reading(lecture, presence, 0, b"")
        return Record(compose(reading, "", [invitation], names=names, reasons=reasons), objections, names)

    # --- leave ---

    async def excuses(self, lecture: str) -> ExcuseBook:
        return (await self._facts.presence(lecture)).excuses

    async def excuse(self, lecture: str, member: str, cause: Leave | None, scope: BranchPath, by: str | None) -> None:
        """None withdraws it, where there is any."""
        book = await self.excuses(lecture)
        await self.member(lecture, member, scope)
        if cause is not None:
            await self._facts.store(lecture, MemberExcused(member, cause, by))
        elif book.of(member) is not None:
            await self._facts.store(lecture, ExcuseWithdrawn(member, by))

    # --- corrections ---

    async def correct(self, lecture: str, member: str, ruling: Ruling, scope: BranchPath, by: str | None) -> None:
        """Once the lecture is over. A later one replaces an earlier one."""
        presence = await self._facts.presence(lecture)
        line = (await self.record(lecture, member, scope)).line
        if presence.state not in OVER or line.verdict is None:
            raise UserError("correction-early")
        why = ruling.why.strip()
        most = line.account.denominator or 0
        if ruling.verdict not in RULINGS or not 0 <= (ruling.credited or 0) <= most:
            raise UserError("bad-correction")
        if not 0 < len(why) <= LONGEST:
            raise UserError("correction-unexplained")
        identity = self._new_id()
        await self._remarks.keep_reason(identity, lecture, member, why)
        body = Corrected(member, identity, ruling.verdict, ruling.credited, line.verdict, line.credited, by)
        await self._facts.store(lecture, body)

    async def withdraw(self, lecture: str, member: str, scope: BranchPath, by: str | None) -> None:
        """What was measured holds again; nothing where it holds already."""
        line = (await self.record(lecture, member, scope)).line
        if line.correction is not None and line.verdict is not None:
            await self._facts.store(lecture, CorrectionWithdrawn(member, line.verdict, line.credited, by))

    # --- objections ---

    async def object(self, lecture: str, member: str, text: str) -> None:
        """The member's own, once the lecture has begun; one at a time."""
        presence = await self._facts.presence(lecture)
        text = text.strip()
        if not 0 < len(text) <= LONGEST:
            raise UserError("bad-objection")
        if presence.state not in BEGUN | OVER:
            raise UserError("objection-early")
        objection = Objection(self._new_id(), lecture, member, self._clock.now(), text)
        refused = await self._remarks.object(objection, OBJECTIONS)
        if refused is not None:
            raise UserError(f"objection-{refused}")

    async def objections(self, lecture: str, scope: BranchPath) -> list[tuple[Objection, Invitation]]:
        """Those of a branch and below it: what waits first, then the others, the oldest of each first."""
        await self._facts.presence(lecture)
        found = await self._remarks.objections(lecture)
        invited = {one.member.id: one for one in await self._roster.invitations(lecture, scope)} if found else {}
        theirs = [(one, invited[one.member]) for one in found if one.member in invited]
        return sorted(theirs, key=lambda pair: pair[0].answered_at is not None)

    async def answer(
        self, lecture: str, identity: str, answer: str, ruling: Ruling | None, scope: BranchPath, by: str | None
    ) -> None:
        """With a correction or without one, which is made first; a later answer replaces an earlier one."""
        await self._facts.presence(lecture)
        found = await self._remarks.objection(lecture, identity)
        if found is None:
            raise UserError("no-such-objection")
        await self.member(lecture, found.member, scope)
        answer = answer.strip()
        if not 0 < len(answer) <= LONGEST:
            raise UserError("bad-answer")
        if ruling is not None:
            await self.correct(lecture, found.member, ruling, scope, by)
        await self._remarks.answer(identity, self._clock.now(), by, answer)

    async def names(self, lecture: str, people: Collection[str]) -> dict[str, str]:
        return await self._names.of(lecture, people)

    async def member(self, lecture: str, member: str, scope: BranchPath) -> Invitation:
        """A member (no lecturer, host or guest) of a branch and below it. Raises `UserError("no-such-member")`."""
        found = await self._roster.invitation(lecture, member)
        if found is None or found.role != Role.MEMBER or found.member.branch[: len(scope)] != scope:
            raise UserError("no-such-member", member[:64])
        return found


class OperatorRecords:
    """Implements `ports.RecordDesk`: everybody's, from the command line."""

    def __init__(self, records: Records) -> None:
        self._records = records

    async def give_leave(self, lecture: str, member: str, cause: Leave | None) -> None:
        await self._records.excuse(lecture, member, cause, (), None)

    async def find(self, lecture: str, member: str, verdict: Verdict, credited_seconds: float | None, why: str) -> None:
        credited = None if credited_seconds is None else round(credited_seconds * 1_000_000)
        await self._records.correct(lecture, member, Ruling(verdict, credited, why), (), None)

    async def unfind(self, lecture: str, member: str) -> None:
        await self._records.withdraw(lecture, member, (), None)

    async def filed(self, lecture: str) -> list[ObjectionInfo]:
        found = await self._records.objections(lecture, ())
        names = await self._records.names(lecture, {one.by for one, _ in found if one.by is not None})
        return [_info(one, invitation, names) for one, invitation in found]

    async def reply(self, lecture: str, objection: str, answer: str) -> None:
        await self._records.answer(lecture, objection, answer, None, (), None)


def _info(one: Objection, invitation: Invitation, names: dict[str, str]) -> ObjectionInfo:
    member = invitation.member
    return ObjectionInfo(
        id=one.id,
        member=member.id,
        name=member.name,
        branch=" / ".join(member.branch),
        at=moment(one.at),
        text=one.text,
        state="open" if one.answered_at is None else "answered",
        answer=one.answer,
        answered_at=None if one.answered_at is None else moment(one.answered_at),
        by=None if one.by is None else names.get(one.by, one.by),
    )
