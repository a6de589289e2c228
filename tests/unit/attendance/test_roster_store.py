"""The roster in both databases."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from attendance.errors import BranchUnfit, NotUndone
from attendance.io import roster_rolls_sqlalchemy as rolls
from attendance.io.engine_sqlalchemy import open_engine
from attendance.io.phone_cryptography import PhoneVault, WrongPhoneKey
from attendance.io.roster_sqlalchemy import Roster
from attendance.io.tables_sqlalchemy import metadata
from attendance.roster import ERASED, Role
from attendance.sheet.preview import Person

VAULT = PhoneVault(bytes(32), bytes([1] * 32))
A = ("镇巴县", "泾洋街道党支部")
B = ("镇巴县", "永乐镇党支部")
C = ("西乡县", "城关党支部")


class SteppingClock:
    time = 0

    def now(self) -> int:
        self.time += 1
        return 1_000_000 + self.time

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
    return Roster(engine, VAULT, SteppingClock(), lambda: f"m{next(numbers)}")


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
    branches = await roster.branches("L")
    assert branches == {one.member.id: " / ".join(one.member.branch) for one in await roster.invitations("L")}
    assert await roster.branches("other") == {}


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
    other = Roster(engine, PhoneVault(bytes([9] * 32), bytes(32)), SteppingClock(), str)
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


async def test_an_import_is_looked_at_before_and_taken_back_after(roster: Roster, engine: AsyncEngine) -> None:
    before = await roster.preview(PEOPLE)
    assert (len(before.added), before.id, await roster.people()) == (3, None, [])
    await roster.take(PEOPLE, "L")
    moved = [
        Person(2, "张伟", C, "13800000000", city="西安", extra={"备注": "组长"}),
        person(3, "李娜", B, role="guest"),
        person(4, "新人", A),
    ]
    taken = await roster.take(moved, "L", file="名单.xlsx", by="s1")
    assert taken.id is not None
    assert (len(taken.added), len(taken.changed), len(taken.revoked)) == (1, 1, 1)
    shown = {one.name: one for one in await roster.people()}
    assert (shown["张伟"].branch, shown["张伟"].city, shown["张伟"].extra) == (C, "西安", {"备注": "组长"})
    undone = await roster.undo(taken.id)
    assert (undone.removed, undone.restored, len(undone.revoked)) == (1, 1, 2)
    back = {one.name: one for one in await roster.people()}
    assert (back["张伟"].branch, back["张伟"].city, back["张伟"].phone) == (A, None, "138****0000")
    assert "新人" not in back
    roles = {one.member.name: one.role for one in await roster.invitations("L")}
    assert roles == {"张伟": Role.MEMBER, "李娜": Role.MEMBER, "王芳": Role.MEMBER}
    history = await roster.history()
    change = history[0].change
    assert (change.what, change.file, change.by, change.undone is not None) == ("import", "名单.xlsx", "s1", True)
    assert (history[0].people, history[0].names) == (3, ("张伟", "李娜"))  # who was added is gone


async def test_what_others_built_on_is_not_taken_back(roster: Roster) -> None:
    first = await roster.take(PEOPLE)
    one = next(each for each in await roster.people() if each.name == "张伟")
    moved = await roster.move(one.id, C)
    assert first.id is not None
    assert moved is not None
    with pytest.raises(NotUndone) as caught:
        await roster.undo(first.id)
    assert caught.value.reason == "changed-since"
    await roster.undo(moved)
    with pytest.raises(NotUndone) as caught:
        await roster.undo(moved)
    assert caught.value.reason == "undone-already"
    with pytest.raises(NotUndone) as caught:
        await roster.undo(first.id, C)
    assert caught.value.reason == "no-such-change"
    assert (await roster.undo(first.id)).removed == 3
    assert await roster.people() == []


async def test_who_left_is_invited_no_more_and_comes_back(roster: Roster) -> None:
    await roster.take(PEOPLE)
    one = next(each for each in await roster.people() if each.name == "张伟")
    assert await roster.leave(one.id, C) is None
    await roster.leave(one.id, A)
    assert [name for name, _ in await roster.to_invite("L")] == ["王芳", "李娜"]
    count, change = await roster.invite_all("L")
    assert (count, change is not None) == (2, True)
    assert await roster.invite_all("L") == (0, None)
    again = await roster.preview(PEOPLE)
    assert [change.id for change in again.changed] == [one.id]
    await roster.come_back(one.id)
    assert (await roster.invite_all("L", A))[0] == 1


async def test_who_was_invited_elsewhere_since_stays_in_that_list(roster: Roster) -> None:
    first = await roster.take(PEOPLE, "L")
    await roster.invite_new("M", [("主讲人", Role.LECTURER)])
    taken = await roster.take([person(2, "新人", A)], "L")
    new = next(each for each in await roster.people() if each.name == "新人")
    assert first.id is not None
    assert taken.id is not None
    assert (await roster.invite_all("M"))[0] == 4
    with pytest.raises(NotUndone):
        await roster.undo(taken.id)
    assert new.left is None


async def test_a_person_of_another_county_is_not_added_a_second_time(roster: Roster) -> None:
    await roster.take(PEOPLE)
    same = [person(2, "王芳", A, "13900000000"), person(3, "王芳", A, "13700000000"), person(4, "新人", A)]
    taken = await roster.take(same, "L", ("镇巴县",))
    assert [(one.line, one.name) for one in taken.refused] == [(2, "王芳")]
    assert "已在其他支部" in taken.refused[0].reason
    assert [one.line for one in taken.added] == [3, 4]


async def test_a_guest_of_no_branch_becomes_a_member_under_the_same_id(roster: Roster) -> None:
    guests, _ = await roster.invite_guests("L", [person(1, "赵敏", (), "13600000000")])
    taken = await roster.take([person(2, "赵敏", A, "13600000000")], None, ("镇巴县",))
    assert [each.id for each in taken.changed] == [guests[1]]


async def test_a_blank_role_takes_nothing_and_a_guarded_one_is_not_taken(roster: Roster) -> None:
    await roster.take([person(2, "张伟", role=Role.LECTURER), person(3, "李娜", B)], "L")
    before = {one.member.name: one for one in await roster.invitations("L")}
    await roster.take([person(2, "张伟"), person(3, "李娜", B)], "L")
    assert {one.member.name: one for one in await roster.invitations("L")} == before
    demoting = [person(2, "张伟", role=Role.MEMBER), person(3, "李娜", B, role=Role.GUEST)]
    seen = await roster.preview(demoting, ("镇巴县",), lecture="L", guarded={Role.LECTURER})
    assert [(one.name, one.was, one.role) for one in seen.turned] == [("李娜", "member", "guest")]
    taken = await roster.take(demoting, "L", ("镇巴县",), guarded={Role.LECTURER})
    assert [(one.line, "主讲人" in one.reason) for one in taken.refused] == [(2, True)]
    after = {one.member.name: one.role for one in await roster.invitations("L")}
    assert after == {"张伟": Role.LECTURER, "李娜": Role.GUEST}


async def test_who_leaves_is_out_of_lectures_to_come_and_undo_lets_them_back_in(roster: Roster) -> None:
    await roster.take(PEOPLE, "over")
    await roster.take(PEOPLE, "coming")
    one = next(each for each in await roster.people() if each.name == "张伟")
    before = await roster.renew("coming", one.id)
    change = await roster.leave(one.id, coming={"coming"})
    assert change is not None
    assert await roster.invitation("coming", one.id) is None
    assert await roster.invitation("over", one.id) is not None
    undone = await roster.undo(change)
    assert undone.lectures == {"coming"}
    assert await roster.invitation("coming", one.id) == before


async def test_who_is_not_in_the_file_is_named_and_leaves_where_that_is_asked(roster: Roster) -> None:
    await roster.take([*PEOPLE, person(5, "赵敏", A)], "L")
    file = [person(2, "张伟", A, "13800000000"), person(3, "李娜", B)]
    seen = await roster.preview(file)
    assert [one.name for one in seen.missing] == ["赵敏"]  # 王芳 is in a county that the file says nothing of
    assert (await roster.preview(file, unread={"赵敏"})).missing == ()
    assert [one.name for one in (await roster.preview(file[:1])).missing] == ["赵敏"]
    assert (await roster.take(file)).left == 0
    taken = await roster.take(file, leaving={"L"})
    assert (taken.left, [one.name for one in taken.missing]) == (1, ["赵敏"])
    assert {one.name for one in await roster.people() if one.left is not None} == {"赵敏"}
    assert {one.member.name for one in await roster.invitations("L")} == {"张伟", "李娜", "王芳"}
    assert taken.id is not None
    await roster.undo(taken.id)
    assert len(await roster.invitations("L")) == 4


async def test_what_was_not_agreed_to_changes_nothing(roster: Roster) -> None:
    def refuse(_: object) -> None:
        raise ValueError

    with pytest.raises(ValueError):  # noqa: PT011 - our own
        await roster.take(PEOPLE, agreed=refuse)
    assert await roster.people() == []


async def test_an_organizers_file_goes_below_their_branch(roster: Roster) -> None:
    taken = await roster.take(
        [person(2, "张伟", ("泾洋街道党支部",)), person(3, "王芳", ("西乡县",))], None, ("镇巴县",)
    )
    assert ([one.branch for one in taken.added], taken.placed) == ([A], 1)
    assert [one.line for one in taken.refused] == [3]


async def test_changes_are_those_of_the_scope_however_many_others_made(roster: Roster) -> None:
    await roster.take([person(2, "张伟", A)], None, ("镇巴县",))
    for at in range(3):
        await roster.take([person(2, f"王{at}", C)], None, ("西乡县",))
    assert [one.names for one in await roster.history(2, ("镇巴县",))] == [("张伟",)]


async def test_whoever_is_in_no_branch_is_listed_read_and_erased(roster: Roster) -> None:
    found, _ = await roster.invite_guests("L", [person(1, "赵敏", (), "13600000000")])
    assert [(one.name, one.branch) for one in await roster.people()] == [("赵敏", ())]
    assert await roster.people(("镇巴县",)) == []
    assert await roster.phone(found[1]) == (True, "13600000000")
    assert await roster.phone(found[1], ("镇巴县",)) == (False, None)
    assert await roster.erase_left(10**15, {"L"}) == 0
    assert await roster.erase_left(10**15, {"M"}) == 1
    assert await roster.people() == []


async def test_a_persons_history_and_lectures(roster: Roster) -> None:
    await roster.take(PEOPLE, "L")
    one = next(each for each in await roster.people() if each.name == "张伟")
    await roster.move(one.id, C)
    found = await roster.person(one.id)
    assert found is not None
    shown, past, seats = found
    assert (shown.name, [(each.change.what, each.was) for each in past]) == ("张伟", [("move", A), ("import", None)])
    assert [(seat.lecture, seat.role) for seat in seats] == [("L", Role.MEMBER)]
    assert await roster.person(one.id, A) is None


async def test_a_branch_is_renamed_with_all_below_it_and_back(roster: Roster) -> None:
    await roster.take(PEOPLE)
    assert [(one.path, one.members) for one in await roster.branches_of(("镇巴县",))] == [
        (("镇巴县",), 0),
        (B, 1),
        (A, 1),
    ]
    change = await roster.rename(("镇巴县",), "镇巴区")
    assert {one.branch[0] for one in await roster.people()} == {"镇巴区", "西乡县"}
    for branch, name, reason in ((("镇巴县",), "x", "no-such-branch"), (("镇巴区",), "西乡县", "branch-exists")):
        with pytest.raises(BranchUnfit) as caught:
            await roster.rename(branch, name)
        assert caught.value.reason == reason
    await roster.undo(change)
    assert {one.branch for one in await roster.people()} == {A, B, C}


async def test_branches_are_merged_with_their_members_and_apart_again(roster: Roster) -> None:
    await roster.take(PEOPLE)
    with pytest.raises(BranchUnfit):
        await roster.merge(("镇巴县",), A)
    change = await roster.merge(("镇巴县",), ("西乡县",))
    assert {one.branch for one in await roster.people()} == {("西乡县", A[1]), ("西乡县", B[1]), C}
    assert [one.path[0] for one in await roster.branches_of()] == ["西乡县"] * 4
    again = await roster.merge(("西乡县", A[1]), C)
    with pytest.raises(NotUndone):
        await roster.undo(change)
    await roster.undo(again)
    await roster.undo(change)
    assert {one.branch for one in await roster.people()} == {A, B, C}


async def over(engine: AsyncEngine, lecture: str) -> None:
    async with engine.begin() as connection:
        await rolls.keep(connection, lecture)


async def test_the_roll_of_a_lecture_that_is_over_stays(engine: AsyncEngine, roster: Roster) -> None:
    await roster.take(PEOPLE, "party")
    await roster.take([], "later")
    before = await roster.invitations("party")
    await over(engine, "party")
    zhang = before[-1].member.id if before[-1].member.name == "张伟" else before[-2].member.id
    await roster.move(zhang, C)
    await roster.take([person(2, "李娜", B, "13700000000")])
    await roster.leave(zhang)
    assert await roster.invitations("party") == before
    assert [one.member.id for one in await roster.invitations("party", A)] == [zhang]
    assert await roster.invitation("party", zhang) in before
    await over(engine, "party")
    assert await roster.invitations("party") == before


async def test_whoever_is_erased_has_no_name_on_a_roll_either(engine: AsyncEngine, roster: Roster) -> None:
    await roster.take(PEOPLE, "party")
    await over(engine, "party")
    (zhang,) = await roster.invitations("party", A)
    assert await roster.erase(zhang.member.id)
    (now,) = await roster.invitations("party", A)
    assert (now.member.name, now.member.phone, now.member.city) == (ERASED, None, None)
    assert now.member.branch == A


async def test_what_invited_to_a_lecture_that_is_over_is_not_undone(engine: AsyncEngine, roster: Roster) -> None:
    taken = await roster.take(PEOPLE, "party")
    other = await roster.take([person(2, "赵六", A)], "later")
    await over(engine, "party")
    with pytest.raises(NotUndone) as refused:
        await roster.undo(taken.id or "")
    assert refused.value.reason == "invited-to-one-over"
    assert len(await roster.invitations("party")) == 3
    assert (await roster.undo(other.id or "")).removed == 1


async def test_a_roll_follows_its_branch_when_that_is_renamed(engine: AsyncEngine, roster: Roster) -> None:
    await roster.take(PEOPLE, "party")
    await over(engine, "party")
    before = await roster.invitations("party")
    change = await roster.rename(("镇巴县",), "镇巴区")
    theirs = await roster.invitations("party", ("镇巴区",))
    assert {one.member.name for one in theirs} == {"张伟", "李娜"}
    assert await roster.invitations("party", ("镇巴县",)) == []
    await roster.undo(change)
    assert await roster.invitations("party") == before
