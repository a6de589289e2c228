"""Leave for one lecture: given and withdrawn by organizers within their branch."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from aiohttp import ClientResponse, web
from aiohttp.test_utils import TestClient, TestServer

from attendance.facts import ExcuseWithdrawn, Leave, MemberExcused
from attendance.io.engine_sqlalchemy import open_engine
from attendance.roster import BranchPath, Invitation
from classroom.io.clock_time import SystemClock
from classroom.io.errands_asyncio import Errands
from classroom.io.excuses_aiohttp import ExcuseHandlers
from classroom.io.objections_sqlalchemy import Remarks
from classroom.io.records_attendance import RoomFacts
from classroom.live import Board
from classroom.names import Names
from classroom.people.staff import StaffMember
from classroom.records import Records
from tests.unit.classroom.hall import LECTURE, Hall, Roster, hall


class Guard:
    def __init__(self) -> None:
        self.branch: BranchPath = ("镇巴县",)

    async def staff(self, request: web.Request, need: str) -> StaffMember:
        return StaffMember("s1", "组织员", self.branch)


class Invited(Roster):
    async def invitations(self, lecture: str, scope: BranchPath = ()) -> Sequence[Invitation]:
        found = await self.of_members(lecture, ["member-1", "member-2"])
        return [one for one in found if one.member.branch[: len(scope)] == scope]


class Staff:
    async def names(self, chosen: Collection[str]) -> dict[str, str]:
        return {one: "组织员" for one in chosen if one == "s1"}


@dataclass
class Place:
    here: Hall
    guard: Guard
    client: TestClient[web.Request, web.Application]

    async def put(self, member: str, cause: object = "illness", lecture: str = LECTURE) -> ClientResponse:
        return await self.client.put(f"/api/lectures/{lecture}/excuses/{member}", json={"cause": cause})

    async def get(self) -> list[dict[str, Any]]:
        answer: list[dict[str, Any]] = await (await self.client.get(f"/api/lectures/{LECTURE}/excuses")).json()
        return answer


@pytest.fixture
async def place() -> AsyncIterator[Place]:
    async with hall() as here:
        errands, guard = Errands(here.recorder), Guard()
        app = web.Application()
        roster = Invited()
        unused = open_engine("sqlite:///:memory:")
        facts = RoomFacts(here.rooms, errands)
        records = Records(
            facts=facts,
            roster=roster,
            names=Names(Staff(), roster),
            remarks=Remarks(unused),
            clock=SystemClock(),
            new_id=str,
        )
        app.add_routes(ExcuseHandlers(records, roster, guard).routes())
        async with errands.open(), TestClient(TestServer(app)) as client:
            yield Place(here, guard, client)


async def test_leave_is_given_replaced_and_withdrawn(place: Place) -> None:
    assert await place.get() == []
    assert (await place.put("member-1")).status == 204
    assert (await place.put("member-1", "duty")).status == 204
    (found,) = await place.get()
    assert (found["member"], found["cause"], found["by"]) == ("member-1", "duty", "s1")
    assert found["by_name"] == "组织员"
    call = await place.here.rooms.roll(LECTURE)
    assert call.members["member-1"].leave == "duty"
    board = Board("b", await Invited().of_members(LECTURE, ["member-1", "member-2"]))
    board.update(call, began=False)
    live = board.since(None)
    assert [live.counts[name] for name in ("invited", "missing", "excused")] == [2, 1, 1]
    assert [one["leave"] for one in live.members] == ["duty", None]
    one = f"/api/lectures/{LECTURE}/excuses/member-1"
    assert [(await place.client.delete(one)).status for _ in range(2)] == [204, 204]
    assert await place.get() == []
    assert place.here.recorder.bodies(MemberExcused) == [
        MemberExcused("member-1", Leave.ILLNESS, "s1"),
        MemberExcused("member-1", Leave.DUTY, "s1"),
    ]
    assert place.here.recorder.bodies(ExcuseWithdrawn) == [ExcuseWithdrawn("member-1", "s1")]


async def test_nobody_excuses_another_branch_s_member_or_one_who_is_not_counted(place: Place) -> None:
    assert (await place.put("lecturer-1")).status == 404
    assert (await place.put("nobody-1")).status == 404
    assert (await place.put("member-1", lecture="gone")).status == 404
    assert (await place.put("member-1", "holiday")).status == 400
    place.guard.branch = ("西乡县",)
    assert (await place.put("member-1")).status == 404
    assert (await place.client.delete(f"/api/lectures/{LECTURE}/excuses/member-1")).status == 404
    assert await place.get() == []
    assert place.here.recorder.bodies(MemberExcused) == []
