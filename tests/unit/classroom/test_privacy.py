"""What people entrusted to the service: who reads it leaves a trace, and it goes when it is asked to."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from attendance.errors import StoreUnavailable
from attendance.facts import LectureMoved, LectureState
from attendance.roster import ERASED
from classroom.io.privacy_sqlalchemy import JournalKeeper, without
from classroom.io.retention_asyncio import Retention
from classroom.room.journal import (
    Entry,
    Journaled,
    MemberMuted,
    OrderEntry,
    OrderSet,
    PartSet,
    PinSet,
    Said,
    VoteCast,
)
from classroom.room.messages_stage import Part
from tests.unit.classroom.place import OURS, PASSWORD, Place, open_place, problem


@pytest.fixture
async def place(tmp_path: Path, database_url: str) -> AsyncIterator[Place]:
    async with open_place(tmp_path, database_url) as made:
        await made.sign_in("zhenba")
        yield made


async def people(place: Place) -> dict[str, dict[str, Any]]:
    return {row["name"]: row for row in await (await place.client.get("/api/roster/people")).json()}


async def trace(place: Place) -> list[tuple[str, str, str | None]]:
    found = await (await place.client.get("/api/audit")).json()
    return [(one["name"], one["action"], one["subject"]) for one in found]


async def test_a_number_is_masked_and_reading_it_in_full_is_noted(place: Place) -> None:
    one = (await people(place))["张伟"]
    assert one["phone"] == "138****0000"
    assert await trace(place) == []
    answer = await place.client.get(f"/api/roster/people/{one['id']}/phone")
    assert await answer.json() == {"phone": "13800000000"}
    assert await trace(place) == [("zhenba", "phone-read", one["id"])]


async def test_exports_links_and_changes_are_noted_and_refusals_are_not(place: Place) -> None:
    for path in (f"/api/lectures/{place.lecture}/attendance.csv", f"/api/lectures/{place.lecture}/links.xlsx"):
        assert (await place.client.get(path)).status == 200
    nobody = await place.client.get("/api/roster/people/nobody/phone")
    assert await problem(nobody) == (404, "no-such-member")
    assert [action for _, action, _ in await trace(place)] == ["links-exported", "attendance-exported"]


async def test_a_trace_is_seen_by_those_above(place: Place) -> None:
    await place.client.get(f"/api/lectures/{place.lecture}/links")
    await place.client.delete("/api/session", headers=OURS)
    await place.office.create_staff("xixiang", PASSWORD, ("西乡县",))
    await place.sign_in("xixiang")
    assert await trace(place) == []
    await place.client.delete("/api/session", headers=OURS)
    await place.sign_in("operator")
    assert [(name, action) for name, action, _ in await trace(place)] == [("zhenba", "links-read")]


async def test_who_is_erased_is_gone_everywhere_and_the_ledger_still_holds(place: Place) -> None:
    one = (await people(place))["张伟"]
    file = "姓名,支部,手机,备注\n张伟,镇巴县/永乐镇党支部,13800000000,张伟的备注\n".encode()
    taken = await (await place.client.post("/api/roster?name=r.csv", headers=OURS, data=file)).json()
    next_one = await place.office.create_lecture("下一场", None, None)
    await place.office.import_roster("r.csv", "姓名,支部\n张伟,镇巴县/永乐镇党支部\n".encode(), next_one.id)
    await place.office.start(place.lecture)
    await place.office.end(place.lecture)
    said = Said("c1", one["id"], "张伟", "镇巴县", "member", "我的电话是13800000000")
    place.stores.journal.append(place.lecture, Journaled(1, 1, one["id"], said))
    async with asyncio.timeout(5):
        while place.stores.journal._waiting:  # noqa: ASYNC110 (it is written behind)
            await asyncio.sleep(0.01)
    assert (await place.client.delete(f"/api/roster/people/{one['id']}", headers=OURS)).status == 204
    assert "张伟" not in await people(place)
    async with place.stores.engine.connect() as connection:
        tables = ("members", "journal", "roster_changes", "facts", "invitations")
        rows = [row for table in tables for row in await connection.execute(text(f"SELECT * FROM {table}"))]
    everything = repr(rows)
    assert "张伟" not in everything
    assert "13800000000" not in everything
    assert one["id"] in everything
    undone = await place.client.post(f"/api/roster/changes/{taken['change']}/undo", headers=OURS)
    assert undone.status == 200
    assert "张伟" not in await people(place)
    verified = await (await place.client.get(f"/api/lectures/{place.lecture}/verify")).json()
    assert verified["ok"]
    begun, coming = await place.office.links(place.lecture), await place.office.links(next_one.id)
    assert ERASED in {link.name for link in begun}
    assert [link.role for link in coming] == ["lecturer", "host", "guest"]


async def test_what_waits_to_be_written_is_erased_too(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    one = (await people(place))["张伟"]
    journal = place.stores.journal

    async def away(batch: object) -> None:
        raise StoreUnavailable("for a moment")

    with monkeypatch.context() as patched:
        patched.setattr(journal, "_write", away)
        said = Said("c1", one["id"], "张伟", "镇巴县", "member", "x")
        journal.append(place.lecture, Journaled(1, 1, one["id"], said))
        await asyncio.sleep(0.05)
        assert (await place.client.delete(f"/api/roster/people/{one['id']}", headers=OURS)).status == 204
    (kept,) = [each.entry async for each in journal.read(place.lecture)]
    assert kept == Said("c1", one["id"], ERASED, "", "member", "")


async def test_nobody_is_erased_while_their_lecture_goes_on(place: Place) -> None:
    one = (await people(place))["张伟"]
    await place.stores.lectures.set_state(place.lecture, LectureState.LIVE)
    answer = await place.client.delete(f"/api/roster/people/{one['id']}", headers=OURS)
    assert await problem(answer) == (409, "member-in-lecture")
    await place.stores.lectures.set_state(place.lecture, LectureState.ENDED)
    assert (await place.client.delete(f"/api/roster/people/{one['id']}", headers=OURS)).status == 204


async def test_nobody_outside_the_branch_is_erased(place: Place) -> None:
    await place.client.delete("/api/session", headers=OURS)
    await place.sign_in("operator")
    other = (await people(place))["王芳"]["id"]
    await place.client.delete("/api/session", headers=OURS)
    await place.sign_in("zhenba")
    answer = await place.client.delete(f"/api/roster/people/{other}", headers=OURS)
    assert await problem(answer) == (404, "no-such-member")


@pytest.mark.parametrize(
    ("entry", "left"),
    [
        (Said("c1", "m", "张伟", "A", "member", "x"), Said("c1", "m", ERASED, "", "member", "")),
        (MemberMuted("m", "张伟", "A", True), MemberMuted("m", ERASED, "", True)),
        (PartSet("m", "张伟", "A", Part.ON, "host"), PartSet("m", ERASED, "", Part.ON, "")),
        (Said("c1", "n", "李娜", "A", "member", "x"), None),
        (PinSet("x", "host"), None),
        (VoteCast("p1", "m", (0,)), VoteCast("p1", "m", (0,))),
        (
            OrderSet((OrderEntry("e", "m", "张伟", "A", "题目", 5), OrderEntry("f", "n", "李娜", "A", "题", 5))),
            OrderSet((OrderEntry("e", "m", ERASED, "", "题目", 5), OrderEntry("f", "n", "李娜", "A", "题", 5))),
        ),
    ],
)
def test_an_entry_without_a_person(entry: Entry, left: Entry | None) -> None:
    assert without(entry, "m") == left


async def test_journals_of_lectures_long_past_expire(place: Place) -> None:
    keeper = JournalKeeper(place.stores.engine)
    await place.stores.journal._write([(place.lecture, Journaled(1, 1, None, PinSet("x", "host")))])
    made = place.clock.now()
    assert await keeper.expire(made) == 0
    assert await keeper.expire(made + 1) == 1


async def test_a_lecture_made_long_ago_and_held_yesterday_keeps_its_words(place: Place) -> None:
    keeper = JournalKeeper(place.stores.engine)
    await place.stores.journal._write([(place.lecture, Journaled(1, 1, None, PinSet("x", "host")))])
    held = place.clock.now() + 365 * 86_400 * 1_000_000
    place.clock.time = held
    await place.stores.recorder.record(place.lecture, LectureMoved(LectureState.ENDED, "button"))
    assert await keeper.expire(held) == 0
    assert await keeper.expire(held + 1) == 1


async def test_what_takes_a_change_of_the_roster_back_does_not_stay_for_ever(place: Place) -> None:
    assert await place.stores.roster.history()
    assert await place.stores.roster.expire_changes(place.clock.now()) == 0
    assert await place.stores.roster.expire_changes(place.clock.now() + 1) == 1
    assert await place.stores.roster.history() == []


async def test_who_left_long_ago_and_what_was_said_then_go_by_themselves(place: Place) -> None:
    one = (await people(place))["张伟"]
    await place.client.post(f"/api/roster/people/{one['id']}/leave", headers=OURS)
    await place.stores.journal._write([(place.lecture, Journaled(1, 1, None, PinSet("x", "host")))])
    retention = Retention(30, JournalKeeper(place.stores.engine), place.stores.roster, place.clock)
    await retention.expire()
    assert "张伟" in await people(place)
    place.clock.time += 31 * 86_400 * 1_000_000
    await retention.expire()
    await place.sign_in("zhenba")
    assert set(await people(place)) == {"李娜"}
    assert [entry async for entry in place.stores.journal.read(place.lecture)] == []
