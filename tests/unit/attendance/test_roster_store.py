"""The roster in both databases."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from attendance.io.engine_sqlalchemy import open_engine
from attendance.io.phone_cryptography import PhoneVault, WrongPhoneKey
from attendance.io.roster_sqlalchemy import Roster
from attendance.io.tables_sqlalchemy import metadata
from attendance.roster import Role
from attendance.sheet.preview import Person

VAULT = PhoneVault(bytes(32), bytes([1] * 32))
A = ("镇巴县", "泾洋街道党支部")
B = ("镇巴县", "永乐镇党支部")
C = ("西乡县", "城关党支部")


class FixedClock:
    def now(self) -> int:
        return 1_000_000

    def at(self, monotonic: float) -> int:
        return int(monotonic * 1_000_000)


@pytest.fixture
async def engine(database_url: str) -> AsyncIterator[AsyncEngine]:
    engine = open_engine(database_url)
    async with engine.begin() as connection:
        await connection.run_sync(metadata.create_all)
    yield engine
    await engine.dispose()


@pytest.fixture
def roster(engine: AsyncEngine) -> Roster:
    numbers = itertools.count(1)
    return Roster(engine, VAULT, FixedClock(), lambda: f"m{next(numbers)}")


def person(
    line: int, name: str, branch: tuple[str, ...] = A, phone: str | None = None, role: str | None = None
) -> Person:
    return Person(line, name, branch, phone, role)


PEOPLE = [person(2, "张伟", A, "13800000000"), person(3, "李娜", B), person(4, "王芳", C, "13900000000")]


async def test_the_same_file_twice_adds_once(roster: Roster) -> None:
    first = await roster.take(PEOPLE, "L")
    again = await roster.take(PEOPLE, "L")
    assert (len(first.added), len(again.added), len(again.unchanged)) == (3, 0, 3)
    assert await roster.counts(["L", "other"]) == {"L": 3, "other": 0}


async def test_imports_at_once_add_once(roster: Roster) -> None:
    results = await asyncio.gather(*(roster.take(PEOPLE) for _ in range(4)))
    assert sum(len(result.added) for result in results) == 3


async def test_numbers_are_sealed_masked_and_kept(roster: Roster, engine: AsyncEngine) -> None:
    await roster.take(PEOPLE, "L")
    async with engine.connect() as connection:
        rows = (await connection.execute(text("SELECT name, phone, phone_digest FROM members ORDER BY name"))).all()
    stored = {row.name: (row.phone, row.phone_digest) for row in rows}
    assert stored["李娜"] == (None, None)
    assert b"13800000000" not in stored["张伟"][0]
    assert stored["张伟"][1] == VAULT.digest("13800000000")
    shown = {one.member.name: one.member.phone for one in await roster.invitations("L")}
    assert shown == {"张伟": "138****0000", "李娜": None, "王芳": "139****0000"}
    await roster.take([person(2, "张伟", A)], "L")
    assert (await roster.invitations("L", A))[0].member.phone == "138****0000"


async def test_a_key_that_does_not_fit_is_named(roster: Roster, engine: AsyncEngine) -> None:
    await roster.take(PEOPLE, "L")
    other = Roster(engine, PhoneVault(bytes([9] * 32), bytes(32)), FixedClock(), str)
    with pytest.raises(WrongPhoneKey):
        await other.invitations("L")


async def test_who_moves_keeps_id_invitation_and_link(roster: Roster) -> None:
    await roster.take(PEOPLE, "L")
    before = (await roster.invitations("L", A))[0]
    changed = await roster.take([person(2, "张伟", C, "13800000000")], "L")
    assert [change.id for change in changed.changed] == [before.member.id]
    after = await roster.invitation("L", before.member.id)
    assert after is not None
    assert (after.member.branch, after.serial, after.role) == (C, before.serial, Role.MEMBER)


async def test_everybody_is_listed_in_order_within_the_scope(roster: Roster) -> None:
    await roster.invite_new("L", [("嘉宾", Role.GUEST), ("主讲人", Role.LECTURER), ("主持人", Role.HOST)])
    await roster.take([*PEOPLE, person(5, "甲", ("镇巴县", "泾洋街道党支部二"))], "L")
    names = [one.member.name for one in await roster.invitations("L")]
    assert names == ["主讲人", "主持人", "嘉宾", "王芳", "李娜", "张伟", "甲"]
    assert [one.member.name for one in await roster.invitations("L", ("镇巴县",))] == ["李娜", "张伟", "甲"]
    assert [one.member.name for one in await roster.invitations("L", A)] == ["张伟"]
    assert await roster.invitations("L", ("镇巴",)) == []
    assert await roster.invitations("L", ("%",)) == []
    assert await roster.counts(["L"]) == {"L": 4}


async def test_several_are_looked_up_at_once(roster: Roster) -> None:
    await roster.take(PEOPLE, "L")
    first, second, *_ = await roster.invitations("L")
    found = await roster.of_members("L", {first.member.id, second.member.id, "nobody"})
    assert {one.member.id: one for one in found} == {first.member.id: first, second.member.id: second}
    assert await roster.of_members("other", {first.member.id}) == []


async def test_a_renewed_invitation_has_the_next_serial(roster: Roster) -> None:
    await roster.take(PEOPLE, "L")
    one = (await roster.invitations("L"))[0]
    renewed = await roster.renew("L", one.member.id)
    assert renewed is not None
    assert (renewed.serial, renewed.member) == (one.serial + 1, one.member)
    assert await roster.renew("L", "nobody") is None
    assert await roster.invitation("other", one.member.id) is None


async def test_a_role_of_the_file_is_given_and_a_change_revokes_the_link(roster: Roster) -> None:
    await roster.take([person(2, "张伟", role=Role.MEMBER)], "L")
    before = (await roster.invitations("L"))[0]
    await roster.take([person(2, "张伟", role=Role.GUEST)], "L")
    after = (await roster.invitations("L"))[0]
    assert (after.role, after.serial) == (Role.GUEST, before.serial + 1)
    await roster.take([person(2, "张伟")], "L")
    assert (await roster.invitations("L"))[0] == after


async def test_nobody_outside_the_scope_is_touched(roster: Roster) -> None:
    result = await roster.take(PEOPLE, "L", ("镇巴县",), "en")
    assert (len(result.added), [one.line for one in result.refused]) == (2, [4])
    assert "Outside the branch" in result.refused[0].reason


async def test_a_whole_city_comes_in_at_once(roster: Roster) -> None:
    people = [person(at, f"党员{at}", (f"县{at % 11}", f"支部{at % 97}"), f"138{at:08}") for at in range(3_000)]
    assert len((await roster.take(people, "L")).added) == 3_000
    assert await roster.counts(["L"]) == {"L": 3_000}
