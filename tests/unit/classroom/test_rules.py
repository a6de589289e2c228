"""The attendance rule: read by staff, set by operators, frozen when the lecture begins, changed later with a reason."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientResponse, web
from aiohttp.test_utils import TestClient, TestServer
from pydantic import SecretStr

from attendance.effect import Effect, effect
from attendance.facts import Evidence, Fact, LectureMoved, LectureState, NodeStarted, Rule, RuleFrozen, RuleSet
from attendance.presence import Presence
from attendance.roster import Invitation
from classroom.errors import UserError
from classroom.io.clock_time import SystemClock
from classroom.io.errands_asyncio import Errands
from classroom.io.rules_aiohttp import RuleHandlers
from classroom.io.rules_attendance import LedgerRules
from classroom.io.stores_sqlalchemy import Stores, open_stores
from classroom.office import LectureRow
from classroom.people.role import rights
from classroom.people.staff import StaffMember
from classroom.ports import RuleDesk
from classroom.rules import RecorderRules
from classroom.settings import Settings
from tests.unit.classroom.hall import LECTURE, Hall, hall, until

STRICT = Rule(Evidence.PROVED, 90, 2, 2, 15)
WIRE = {"evidence": "proved", "share": 90, "sign_ins": 2, "answered": 2, "entry": 15, "collective": True}


@dataclass
class Guard:
    """Lets in whoever `branch` says: () is an operator."""

    branch: tuple[str, ...] = ()

    async def staff(self, request: web.Request, need: str) -> StaffMember:
        member = StaffMember("s1", "操作员", self.branch)
        if not getattr(rights(member.role), need):
            raise UserError("role-may-not")
        return member


class Staff:
    async def names(self, chosen: Collection[str]) -> dict[str, str]:
        return {one: "李主任" for one in chosen if one == "s1"}


@dataclass
class Effects:
    """Over the room's own facts."""

    here: Hall

    async def effect(self, lecture: str, invitations: Sequence[Invitation], before: Rule, after: Rule) -> Effect:
        return effect(await self.here.rooms.presence(lecture), invitations, before, after)


@dataclass
class Place:
    here: Hall
    guard: Guard
    client: TestClient[web.Request, web.Application]

    async def put(self, version: int, rule: dict[str, Any] | None = None, why: str = "") -> ClientResponse:
        body = {"version": version, "rule": WIRE if rule is None else rule, "why": why}
        return await self.client.put(f"/api/lectures/{LECTURE}/rule", json=body)

    async def get(self) -> dict[str, Any]:
        answer: dict[str, Any] = await (await self.client.get(f"/api/lectures/{LECTURE}/rule")).json()
        return answer


@pytest.fixture
async def place() -> AsyncIterator[Place]:
    async with hall() as here:
        errands, guard = Errands(here.recorder), Guard()
        app = web.Application()
        rules = RuleHandlers(LedgerRules(here.rooms, errands, nullcontext), guard, Staff(), here.roster, Effects(here))
        app.add_routes(rules.routes())
        async with errands.open(), TestClient(TestServer(app)) as client:
            yield Place(here, guard, client)


async def refused(response: ClientResponse) -> tuple[int, str]:
    return response.status, (await response.json())["type"]


async def test_the_default_holds_until_an_operator_sets_another(place: Place) -> None:
    first = await place.get()
    assert (first["version"], first["frozen"], first["rule"]["share"]) == (1, None, 80)
    assert first["sentence"].startswith("收看不少于")
    changed = await (await place.put(1)).json()
    assert (changed["version"], changed["rule"], changed["by"]) == (2, WIRE, "李主任")
    assert [(one["version"], one["by"]) for one in changed["versions"]] == [(1, None), (2, "李主任")]
    assert place.here.recorder.bodies(RuleSet) == [RuleSet(STRICT, 2, "s1")]


async def test_an_organizer_reads_and_does_not_change_it(place: Place) -> None:
    place.guard.branch = ("镇巴县",)
    assert (await place.get())["version"] == 1
    assert await refused(await place.put(1)) == (403, "role-may-not")


async def test_who_saw_an_older_version_does_not_overwrite_a_newer(place: Place) -> None:
    await place.put(1)
    assert await refused(await place.put(1)) == (409, "rule-changed")


@pytest.mark.parametrize("wrong", [{"share": 200}, {"answered": 9}, {"sign_ins": 0}, {"colour": "red"}])
async def test_what_is_no_rule_is_refused(place: Place, wrong: dict[str, Any]) -> None:
    assert (await place.put(1, {**WIRE, **wrong})).status == 400
    assert place.here.recorder.bodies(RuleSet) == []


async def test_it_is_frozen_when_the_lecture_begins_and_changed_then_with_a_reason(place: Place) -> None:
    await place.put(1)
    await place.here.rooms.start(LECTURE, LectureState.PLANNED, "s1")
    await until(lambda: place.here.recorder.bodies(RuleFrozen))
    assert place.here.recorder.bodies(RuleFrozen) == [RuleFrozen(STRICT, 2)]
    assert await refused(await place.put(2, why="  ")) == (400, "reason-needed")
    found = await (await place.put(2, {**WIRE, "share": 70}, " 市里放宽 ")).json()
    assert (found["version"], found["frozen"], found["why"]) == (3, 2, "市里放宽")
    await place.here.rooms.end(LECTURE, LectureState.LIVE, "s1")
    assert await refused(await place.put(3)) == (400, "reason-needed")
    assert (await place.put(3, why="复核")).status == 200


async def test_a_lecture_that_began_without_a_service_is_frozen_when_one_takes_it_up() -> None:
    began = [
        Fact(LECTURE, "node", "0", 1, 1, NodeStarted()),
        Fact(LECTURE, "node", "0", 2, 2, LectureMoved(LectureState.LIVE, "button")),
    ]
    async with hall(began) as here:
        await here.rooms.load(LECTURE)
        await until(lambda: here.recorder.bodies(RuleFrozen))
        assert here.recorder.bodies(RuleFrozen) == [RuleFrozen(Rule(), 1)]


async def test_a_rule_is_put_in_words_and_its_effect_told_before_it_holds(place: Place) -> None:
    path = f"/api/lectures/{LECTURE}/rule/preview"
    seen = await (await place.client.post(path, json={"rule": WIRE})).json()
    assert (seen["begun"], seen["effect"]) == (False, None)
    assert "90%" in seen["sentence"]
    await place.here.rooms.start(LECTURE, LectureState.PLANNED, "s1")
    await until(lambda: place.here.recorder.bodies(RuleFrozen))
    seen = await (await place.client.post(path, json={"rule": WIRE})).json()
    assert seen["begun"] is True
    assert sum(seen["effect"]["before"].values()) == sum(seen["effect"]["after"].values()) == 5
    assert place.here.recorder.bodies(RuleSet) == []
    wrong = await place.client.post(path, json={"rule": {"share": 200}})
    assert wrong.status == 400


# --- in one instant -------------------------------------------------------------------------------------------------


@dataclass
class Read:
    """A room that says what the ledger does."""

    stores: Stores

    async def presence(self, lecture: str) -> Presence:
        presence = Presence()
        async for stored in self.stores.ledger.read(lecture):
            presence.apply(stored.fact, stored.row)
        return presence


@contextlib.asynccontextmanager
async def processes(folder: Path, url: str, *names: str) -> AsyncIterator[list[Stores]]:
    """Each with the stores of one database."""
    async with contextlib.AsyncExitStack() as stack:
        found = []
        for name in names:
            settings = Settings(data_dir=folder / name, database_url=SecretStr(url))
            found.append(await stack.enter_async_context(open_stores(settings, SystemClock())))
        await found[0].lectures.add(LectureRow(LECTURE, "讲座", None, None, LectureState.PLANNED, 0))
        yield found


async def told_at_once(desks: Sequence[RuleDesk]) -> list[str]:
    """What operators are told who all change the version that they saw."""
    deeds = (desk.set_rule(LECTURE, 1, Rule(share=60 + n), f"s{n}", "") for n, desk in enumerate(desks))
    return sorted(str(told or "") for told in await asyncio.gather(*deeds, return_exceptions=True))


async def versions(stores: Stores) -> list[int]:
    return [one.version for one in (await Read(stores).presence(LECTURE)).rules.history]


async def test_of_those_who_change_a_rule_in_one_instant_one_does(database_url: str, tmp_path: Path) -> None:
    """Of two services on PostgreSQL, of the one on SQLite."""
    names = ("a", "b") if database_url.startswith("postgres") else ("a",)
    async with processes(tmp_path, database_url, *names) as stores, contextlib.AsyncExitStack() as stack:
        desks = []
        for one in stores:
            errands = Errands(one.recorder)
            await stack.enter_async_context(errands.open())
            desks.append(LedgerRules(Read(one), errands, one.turn))
        assert await told_at_once(desks * 4) == ["", *["rule-changed"] * (4 * len(desks) - 1)]
        assert await versions(stores[0]) == [1, 2]


async def test_of_two_commands_on_one_database_one_does(postgres_url: str, tmp_path: Path) -> None:
    async with processes(tmp_path, postgres_url, "a", "b") as stores:
        desks = [RecorderRules(one.recorder, one.lectures, one.reports(), one.turn) for one in stores]
        assert await told_at_once(desks) == ["", "rule-changed"]
        assert await versions(stores[0]) == [1, 2]
