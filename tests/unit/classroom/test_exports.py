"""Exports as the office gives them: the same bytes again whatever happens to the roster, checked against the ledger."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import text

from attendance.facts import (
    Body,
    Evidence,
    Fact,
    LectureMoved,
    LectureState,
    MemberConnected,
    NodeStarted,
    NodeStopped,
    ReceivingBegan,
    ReceivingStopped,
    SlotFlowing,
)
from classroom.errors import UserError
from classroom.ports import Encoding, ExportChecked, ExportFormat
from tests.unit.classroom.place import OURS, Place, open_place, problem

S = 1_000_000
LENGTH = 600 * S
FORMS: tuple[tuple[ExportFormat, Encoding], ...] = (
    ("xlsx", "utf-8"), ("csv", "utf-8"), ("csv", "gb18030"), ("json", "utf-8"),
)  # fmt: skip


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    async with open_place(tmp_path) as made:
        await hold(made)
        yield made


async def members(place: Place) -> dict[str, str]:
    return {one.name: one.id for one in await place.stores.roster.people()}


async def hold(place: Place) -> None:
    """Ten minutes, of which 张伟 receives all but one and 王芳 five."""
    ids, start = await members(place), place.clock.now()
    bodies: list[tuple[int, Body]] = [
        (-60 * S, NodeStarted()),
        (0, LectureMoved(LectureState.LIVE, "button")),
        (0, SlotFlowing("lecturer", "dean")),
    ]
    for name, since, until in (("张伟", 60 * S, LENGTH), ("王芳", 0, 300 * S)):
        member = ids[name]
        bodies += [
            (since, MemberConnected(member, f"c{member}")),
            (since, ReceivingBegan(member, f"w{member}", Evidence.REPORTED, start + since)),
            (until, ReceivingStopped(member, f"w{member}", start + until, "closed")),
        ]
    bodies += [(LENGTH, LectureMoved(LectureState.ENDED, "button")), (LENGTH, NodeStopped())]
    steps = sorted(bodies, key=lambda step: step[0])
    await place.stores.ledger.append(
        [Fact(place.lecture, "n", "b", number, start + at, body) for number, (at, body) in enumerate(steps, 1)]
    )
    await place.stores.lectures.set_state(place.lecture, LectureState.ENDED)
    place.clock.time += LENGTH + S


async def exports(place: Place) -> list[bytes]:
    found = [await place.office.export(place.lecture, form, (), "zh", encoding) for form, encoding in FORMS]
    return [*found, await place.office.export(place.lecture, "csv", ("镇巴县",), "en")]


async def check(place: Place, body: bytes, name: str = "a.xlsx") -> ExportChecked:
    return await place.office.check_export(name, body, (), "zh")


async def test_what_happens_to_the_roster_afterwards_changes_no_report(place: Place) -> None:
    first, ids = await exports(place), await members(place)
    await place.stores.roster.move(ids["张伟"], ("西乡县", "城关党支部"))
    await place.stores.roster.leave(ids["李娜"])
    await place.office.import_roster("r.csv", "姓名,支部,手机\n王芳芳,西乡县/城关党支部,13900000000\n".encode(), None)
    await place.office.import_roster("r.csv", "姓名,支部\n赵六,镇巴县/泾洋街道党支部\n".encode(), None)
    place.clock.time += 86_400 * S
    assert await exports(place) == first


async def test_an_import_that_invited_to_a_lecture_that_is_over_is_not_undone(place: Place) -> None:
    await place.sign_in("operator")
    first = await exports(place)
    changes = await (await place.client.get("/api/roster/changes")).json()
    (imported,) = [one["id"] for one in changes if one["what"] == "import"]
    answer = await place.client.post(f"/api/roster/changes/{imported}/undo", headers=OURS)
    assert await problem(answer) == (409, "invited-to-one-over")
    assert await exports(place) == first


@pytest.mark.parametrize(("form", "encoding"), FORMS)
async def test_an_export_agrees_with_the_ledger(place: Place, form: ExportFormat, encoding: Encoding) -> None:
    body = await place.office.export(place.lecture, form, ("镇巴县",), "zh", encoding)
    found = await check(place, body, f"a.{form}")
    assert (found.ok, found.identical, found.against, found.notes) == (True, True, (), ())
    assert (found.lecture, found.scope, found.rule) == (place.lecture, "镇巴县", 1)
    assert found.signed_at is not None


async def test_an_older_export_agrees_still(place: Place) -> None:
    before = await place.office.export(place.lecture, "xlsx")
    await place.stores.recorder.record(place.lecture, NodeStarted())
    assert await place.office.export(place.lecture, "xlsx") != before
    assert (await check(place, before)).identical


async def test_a_cell_that_was_changed_is_named(place: Place) -> None:
    body = (await place.office.export(place.lecture, "csv")).decode("utf-8-sig")
    changed = body.replace("300.000", "600.000", 1)
    assert changed != body
    for encoding in ("utf-8-sig", "gb18030", "utf-16"):
        found = await check(place, changed.encode(encoding), "a.csv")
        assert not found.ok
        assert found.against == ("西乡县 / 城关党支部 王芳，计入时长（秒）：文件中是“600.000”，账本算出的是“300.000”",)


async def test_a_changed_workbook_is_told_by_sheet_person_and_column(place: Place) -> None:
    body = await place.office.export(place.lecture, "xlsx")
    changed = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(body)) as old, zipfile.ZipFile(changed, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            if name == "xl/sharedStrings.xml":
                content = content.replace("<t>缺席</t>".encode(), "<t>请假</t>".encode(), 1)
            new.writestr(name, content)
    found = await check(place, changed.getvalue())
    assert not found.ok
    assert "“人员” 镇巴县 / 永乐镇党支部 李娜，考勤结论：文件中是“请假”，账本算出的是“缺席”" in found.against


async def test_a_changed_document_is_told_by_its_place(place: Place) -> None:
    document = json.loads(await place.office.export(place.lecture, "json"))
    (wang,) = [one for one in document["members"] if one["name"] == "王芳"]
    wang["credited_seconds"] = 599.0
    found = await check(place, json.dumps(document).encode(), "a.json")
    (said,) = found.against
    assert f"members › {wang['id']} › credited_seconds" in said
    assert "599.0" in said
    assert "300.0" in said


async def test_a_signature_by_another_key_is_found(place: Place, tmp_path: Path) -> None:
    async with open_place(tmp_path / "other") as other:
        await hold(other)
        foreign = await other.office.export(other.lecture, "csv")
    ours = await place.office.export(place.lecture, "csv")
    forged = foreign.splitlines()[-1].replace(other.lecture.encode(), place.lecture.encode())
    found = await check(place, b"\r\n".join([*ours.splitlines()[:-1], forged]), "a.csv")
    assert not found.ok
    assert any("签名" in one for one in found.against)
    assert any(one.startswith("账本第") for one in found.against)
    with pytest.raises(UserError, match="no-such-lecture"):
        await check(place, foreign, "a.csv")


async def test_a_ledger_that_was_rewritten_since_is_found(place: Place) -> None:
    body = await place.office.export(place.lecture, "csv")
    async with place.stores.engine.begin() as connection:
        await connection.execute(text("DELETE FROM facts WHERE row > 5"))
    found = await check(place, body, "a.csv")
    assert not found.ok
    assert any(one.startswith("账本只有 5 行") for one in found.against)


async def test_who_was_erased_since_is_missing_by_name_alone(place: Place) -> None:
    async with place.stores.engine.begin() as connection:
        await connection.execute(text("UPDATE invitations SET city = '陕西省西安市'"))
    forms: tuple[ExportFormat, ...] = ("xlsx", "csv", "json")
    bodies = [(form, await place.office.export(place.lecture, form)) for form in forms]
    await place.stores.roster.erase((await members(place))["张伟"])
    for form, body in bodies:
        found = await check(place, body, f"a.{form}")
        assert (found.ok, found.identical) == (True, False), found.against


async def test_an_export_before_the_end_says_what_may_have_changed(place: Place) -> None:
    lecture = (await place.office.create_lecture("第二讲", None, None)).id
    await place.stores.recorder.record(lecture, NodeStarted())
    found = await check(place, await place.office.export(lecture, "csv"), "a.csv")
    assert found.ok
    assert any("尚未结束" in one for one in found.notes)


async def test_the_check_by_http_is_of_ones_own_branch(place: Place) -> None:
    mine = await place.office.export(place.lecture, "csv", ("镇巴县",), "zh")
    everything = await place.office.export(place.lecture, "csv")
    path = "/api/attendance/verify?name=a.csv"
    assert await problem(await place.client.post(path, data=mine)) == (401, "not-signed-in")
    await place.sign_in("zhenba")
    answer = await place.client.post(path, data=mine, headers=OURS)
    assert (await answer.json())["ok"]
    assert await problem(await place.client.post(path, data=everything, headers=OURS)) == (403, "branch-not-yours")
    assert await problem(await place.client.post(path, data=b"a,b\n1,2\n", headers=OURS)) == (422, "sheet-no-seal")
    assert await problem(await place.client.post(path, data=b"{", headers=OURS)) == (422, "sheet-damaged")


async def test_the_encoding_is_chosen_by_http(place: Place) -> None:
    await place.sign_in("operator")
    one = f"/api/lectures/{place.lecture}/attendance"
    answer = await place.client.get(one + ".csv?encoding=gb18030")
    assert answer.charset == "gb18030"
    assert "张伟" in (await answer.read()).decode("gb18030")
    plain = await place.client.get(one + ".csv")
    assert (await plain.read()).decode("utf-8-sig") == (await answer.read()).decode("gb18030")
    assert await problem(await place.client.get(one + ".csv?encoding=big5")) == (400, "bad-encoding")
    assert await problem(await place.client.get(one + ".xlsx?encoding=gb18030")) == (400, "bad-encoding")
