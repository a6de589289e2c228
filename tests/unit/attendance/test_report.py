from __future__ import annotations

import asyncio
import datetime
from collections.abc import AsyncIterator, Sequence

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from attendance import chain
from attendance.audit import Broken
from attendance.chain import GENESIS, Head, Row, sign
from attendance.facts import (
    Body,
    Evidence,
    Fact,
    LectureMoved,
    LectureState,
    NodeStarted,
    ReceivingBegan,
    ReceivingStopped,
    SlotFlowing,
)
from attendance.ports import Stored
from attendance.presence import Presence
from attendance.report import LedgerReader, Reading, Report, compose, report_for, seconds
from attendance.roster import BranchPath, Invitation, Member, Role

S = 1_000_000
START = 1_763_985_600 * S  # 2025-11-24 20:00 in China
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))


def facts() -> list[Fact]:
    bodies: list[tuple[int, Body]] = [
        (-60, NodeStarted()),
        (0, LectureMoved(LectureState.LIVE, "button")),
        (0, SlotFlowing("lecturer", "dean")),
        (1, ReceivingBegan("zhang", "w1", Evidence.REPORTED, START + 500_000)),
        (5, ReceivingBegan("li", "w2", Evidence.REPORTED, START + 5 * S)),
        (65, ReceivingStopped("li", "w2", START + 65 * S, "closed")),
        (100, ReceivingStopped("zhang", "w1", START + 100 * S, "closed")),
        (100, LectureMoved(LectureState.ENDED, "button")),
    ]
    return [
        Fact("party", "a", "1", counter, START + second * S, body)
        for counter, (second, body) in enumerate(bodies, start=1)
    ]


def invitation(name: str, *branch: str, role: str = Role.MEMBER, person: str = "") -> Invitation:
    return Invitation("party", Member(person or name, name, branch, "138****0000"), role, 1)


ROSTER = [
    invitation("zhang", "镇巴县", "泾洋街道"),
    invitation("li", "镇巴县", "泾洋街道"),
    invitation("wang", "镇巴县", "观音镇"),
    invitation("zhao", "洋县"),
    invitation("dean", role=Role.LECTURER),
]


def report(scope: BranchPath = (), roster: Sequence[Invitation] = ROSTER) -> Report:
    presence = Presence()
    for fact in facts():
        presence.apply(fact)
    return compose(Reading("party", presence, 8, bytes(32)), "第一课", roster, scope=scope)


def names(of: Report) -> list[str]:
    return [line.invitation.member.name for line in of.lines]


def test_lines_are_in_order_of_branch_and_name() -> None:
    assert names(report()) == ["dean", "zhao", "li", "zhang", "wang"]
    assert names(report(roster=ROSTER[::-1])) == names(report())


def test_a_scope_shows_its_branch_and_what_lies_below() -> None:
    assert set(names(report(("镇巴县",)))) == {"zhang", "li", "wang"}
    assert set(names(report(("镇巴县", "泾洋街道")))) == {"zhang", "li"}
    assert names(report(("镇巴",))) == []


def test_whoever_is_invited_twice_appears_once() -> None:
    roster = [invitation("dean"), invitation("dean", role=Role.LECTURER)]
    (line,) = report(roster=roster).lines
    assert line.invitation.role == Role.LECTURER


def test_branches_hold_all_below_them() -> None:
    found = {line.branch: line for line in report().branches()}
    assert next(iter(found)) == ()
    whole = found[()]
    assert (whole.invited, whole.attended, whole.absent, whole.not_measured) == (4, 2, 2, 0)
    assert found["镇巴县",].invited == 3
    assert found["镇巴县", "泾洋街道"].share == pytest.approx((99.5 + 60) / 200)
    assert found["洋县",].share == 0


def test_times_are_shown_in_the_reports_zone() -> None:
    assert report().iso(START + 1_999) == "2025-11-24T20:00:00.001+08:00"
    assert msgspec.structs.replace(report(), zone=datetime.UTC).iso(START) == "2025-11-24T12:00:00.000+00:00"
    assert report().iso(None) is None


def test_seconds_carry_milliseconds() -> None:
    assert seconds(1_234_567) == 1.235
    assert seconds(0) == 0
    assert seconds(None) is None


# --- from a ledger --------------------------------------------------------------------------------------------------


class Kept:
    """A ledger of rows, and a notary that knows heads."""

    def __init__(self, rows: list[Row], known: Sequence[Head] = ()) -> None:
        self.kept = rows
        self._known = list(known)

    async def append(self, facts: Sequence[Fact]) -> None:
        raise NotImplementedError

    async def read(self, lecture: str, after: int = 0) -> AsyncIterator[Stored]:
        raise NotImplementedError
        yield

    async def rows(self, lecture: str, after: int = 0, until: int | None = None) -> AsyncIterator[Row]:
        for row in self.kept:
            if after < row.row <= (until or 0):
                yield row

    async def last(self, lecture: str) -> tuple[int, bytes]:
        return (self.kept[-1].row, self.kept[-1].hash) if self.kept else (0, GENESIS)

    @property
    def public(self) -> Ed25519PublicKey:
        return KEY.public_key()

    async def known(self, lecture: str) -> list[Head]:
        return self._known

    async def seal(self, lecture: str) -> Head | None:
        row, digest = await self.last(lecture)
        return sign(KEY, lecture, row, digest, 1)


def rows() -> list[Row]:
    found: list[Row] = []
    for number, fact in enumerate(facts(), start=1):
        found.append(chain.link(found[-1].hash if found else GENESIS, number, fact, fact.happened))
    return found


def made(kept: Kept) -> Report:
    return asyncio.run(report_for(kept, kept, "party", "第一课", ROSTER))


def test_a_report_is_made_from_the_ledger() -> None:
    found = made(Kept(rows()))
    assert found.broken is None
    assert found.head is not None
    assert (found.row, found.hash) == (8, rows()[-1].hash)
    assert found.lines == report().lines
    assert (found.started, found.ended, found.state) == (START, START + 100 * S, LectureState.ENDED)


def test_a_report_without_a_notary_has_no_signature() -> None:
    found = asyncio.run(report_for(Kept(rows()), None, "party", "第一课", ROSTER))
    assert (found.row, found.head, found.broken) == (8, None, None)


def test_an_empty_ledger_reports_everybody_as_not_measured() -> None:
    found = asyncio.run(report_for(Kept([]), None, "party", "第一课", ROSTER))
    assert {line.account.credited for line in found.lines} == {None}
    assert (found.state, found.denominator) == (LectureState.PLANNED, None)


def continued(kept: Kept, later: list[Row]) -> tuple[Report, Report, list[int]]:
    """A report, then one of the same reader when the ledger holds `later`; and from where it was read each time."""
    asked: list[int] = []
    read = kept.rows

    def watched(lecture: str, after: int = 0, until: int | None = None) -> AsyncIterator[Row]:
        asked.append(after)
        return read(lecture, after, until)

    kept.rows = watched  # type: ignore[method-assign]
    reader = LedgerReader(kept, kept, "party")

    async def twice() -> tuple[Report, Report]:
        first = compose(await reader.read(), "第一课", ROSTER)
        kept.kept = later
        return first, compose(await reader.read(), "第一课", ROSTER)

    return (*asyncio.run(twice()), asked)


def test_a_reader_that_is_asked_again_reads_what_came_since() -> None:
    whole = rows()
    first, second, asked = continued(Kept(whole[:5]), whole)
    assert asked == [0, 5]
    assert (first.row, first.broken, second.row, second.broken) == (5, None, 8, None)
    assert second.lines == report().lines


def test_a_reader_notices_that_the_ledger_is_another() -> None:
    whole = rows()
    other = [msgspec.structs.replace(fact, happened=fact.happened + 1) for fact in facts()]
    rewritten: list[Row] = []
    for number, fact in enumerate(other, start=1):
        rewritten.append(chain.link(rewritten[-1].hash if rewritten else GENESIS, number, fact, fact.happened))
    assert continued(Kept(whole), rewritten)[2] == [0, 0]
    _, grown, asked = continued(Kept(whole[:5]), rewritten)
    assert asked == [0, 5]
    assert grown.broken == Broken(6, "the row does not continue the row before it")
    _, cut, asked = continued(Kept(whole), whole[:5])
    assert asked == [0, 0]
    assert cut.broken is None  # the chain itself is whole; a head that was signed before tells that rows are gone
    signed = [sign(KEY, "party", 8, whole[-1].hash, 1)]
    assert continued(Kept(whole, signed), whole[:5])[1].broken is not None


@pytest.mark.parametrize("body", [b"{}", b'{"type":"NodeStopped"}'])
def test_a_report_of_a_broken_ledger_says_so(body: bytes) -> None:
    edited = rows()
    edited[3] = msgspec.structs.replace(edited[3], body=body)
    found = made(Kept(edited))
    assert found.broken is not None
    assert found.broken.row == 4
    assert len(found.lines) == len(ROSTER)


def test_a_report_of_a_shortened_ledger_says_so() -> None:
    known = [sign(KEY, "party", row.row, row.hash, 1) for row in rows()]
    found = made(Kept(rows()[:5], known))
    assert found.broken is not None
    assert found.broken.row == 6
