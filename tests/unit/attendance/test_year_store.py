"""What a year is reckoned from, in both databases; and its workbook."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest
from python_calamine import CalamineWorkbook

from attendance.chain import GENESIS, Head
from attendance.hours import DEFAULT, Credit, Kind
from attendance.io import year_xlsxwriter
from attendance.io.engine_sqlalchemy import open_engine
from attendance.io.roster_tables_sqlalchemy import branches, invitations, members
from attendance.io.tables_sqlalchemy import heads
from attendance.io.year_sqlalchemy import HoursVersion, YearStore, decode
from attendance.verdict import MINUTE, Verdict
from attendance.words import Language
from attendance.year import Outcome, Outcomes, Participant, Stamp, Year, compose_year, held
from classroom.io.migrate_alembic import upgrade

JUNE = 1_780_300_000_000_000
SHARE = msgspec.structs.replace(DEFAULT, credit=Credit.SHARE)
HEAD = Head("a", 7, bytes(range(32)), JUNE, bytes(64))


def made(lecture: str, verdict: Verdict = Verdict.PRESENT, received: int | None = 80) -> Outcomes:
    one = Outcome(verdict, received, None if received is None else 90)
    stamp = Stamp(7, bytes(range(32)), 1)
    return Outcomes(lecture, stamp, HEAD, 2, JUNE, JUNE + 90 * MINUTE, None, {"m1": one})


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[YearStore]:
    engine = open_engine(database_url)
    await upgrade(engine)
    async with engine.begin() as connection:
        await connection.execute(branches.insert(), [{"id": 1, "name": "", "path": ""}])
        rows = [{"id": name, "name": name, "branch": 1, "added": 0} for name in ("m1", "m2")]
        await connection.execute(members.insert(), rows)
        invited = [{"lecture": "a", "member": name, "role": "member", "serial": 1} for name in ("m1", "m2")]
        await connection.execute(invitations.insert(), invited)
        told = [{"lecture": "a", "row": 3, "hash": bytes(32)}, {"lecture": "b", "row": 1, "hash": GENESIS}]
        await connection.execute(heads.insert(), told)
    yield YearStore(engine)
    await engine.dispose()


async def test_a_stamp_is_the_ledger_s_head_and_how_many_are_invited(store: YearStore) -> None:
    assert await store.stamps(["a", "b", "c"]) == {"a": Stamp(3, bytes(32), 2), "b": Stamp(1, GENESIS, 0)}
    assert await store.stamps([]) == {}


async def test_outcomes_are_kept_whole_and_replaced(store: YearStore) -> None:
    assert (await store.kept(["a"]), await store.kept_stamps(["a"])) == ([], {})
    await store.keep(made("a"))
    await store.keep(made("b"))
    later = msgspec.structs.replace(made("a", Verdict.ABSENT, 0), stamp=Stamp(9, b"x" * 32, 2))
    await store.keep(later)
    assert [decode(body) for body in await store.kept(["a", "c"])] == [later]
    assert await store.kept_stamps(["a", "b"]) == {
        "a": (Stamp(9, b"x" * 32, 2), JUNE),
        "b": (made("b").stamp, JUNE),
    }


async def test_the_table_of_hours_has_versions_and_each_is_made_once(store: YearStore) -> None:
    assert await store.versions() == [HoursVersion()]
    second = HoursVersion(2, 10, "s1", "按 45 分钟", SHARE)
    assert await store.add_version(second)
    assert not await store.add_version(msgspec.structs.replace(second, why="同时改的"))
    assert await store.versions() == [HoursVersion(), second]


async def test_a_lecture_s_worth_is_set_changed_and_taken_back(store: YearStore) -> None:
    await store.set_worth("a", 400)
    await store.set_worth("a", 250)
    await store.set_worth("b", 100)
    await store.set_worth("b", None)
    await store.set_worth("b", None)
    assert await store.worths() == {"a": 250}


# --- the workbook ---


def year() -> Year:
    found = [("=党课", made("a")), ("第二课", made("b", Verdict.NOT_MEASURED, None))]
    people = [
        Participant("m1", "张伟", ("镇巴县", "@观音镇"), "138****0001", Kind.OFFICER),
        Participant("m2", "=HYPERLINK(1)", ("洋县",), None, Kind.MEMBER),
    ]
    return compose_year(2026, (), SHARE, 2, held(2026, SHARE, found, {"b": 400}), people)


VERSIONS = [HoursVersion(), HoursVersion(2, JUNE, "s1", "=市里要求", SHARE)]


def sheets(language: Language = "zh") -> dict[str, list[list[Any]]]:
    book = CalamineWorkbook.from_filelike(io.BytesIO(year_xlsxwriter.write(year(), VERSIONS, language)))
    return {name: book.get_sheet_by_name(name).to_python() for name in book.sheet_names}


def test_the_workbook_says_who_has_how_many_hours_and_by_what() -> None:
    found = sheets()
    assert list(found) == ["支部汇总", "年度学时", "学时明细", "考勤明细", "课程", "学时表与说明"]
    assert [row[:3] for row in found["支部汇总"][1:3]] == [["合计", 2, 0], ["洋县", 1, 0]]
    worst, zhang = found["年度学时"][1:]
    assert worst[:6] == ["洋县", "=HYPERLINK(1)", "", "党员", 0, 32]
    assert zhang[:6] == ["镇巴县 / @观音镇", "张伟", "138****0001", "书记、班子成员", 1.5, 56]
    assert zhang[6:10] == [pytest.approx(1.5 / 56), 54.5, "否", 2]
    assert found["学时明细"][0][4:] == ["2026-06-01 =党课", "2026-06-01 第二课"]
    assert [row[4:] for row in found["学时明细"][1:]] == [["", ""], [1.5, "未测得"]]
    assert found["考勤明细"][2][4:] == ["出席", "未测得"]


def test_the_workbook_names_the_signed_head_of_each_lecture_and_every_table() -> None:
    found = sheets()
    _, first, second = found["课程"]
    assert first[3:9] == [90, 1.5, "按学时表", 2, 7, bytes(range(32)).hex()]
    assert (first[10], first[11], first[12]) == ("00" * 64, "通过", "a")
    assert second[4:6] == [4, "人工核定"]
    assert [row[0] for row in found["学时表与说明"][1:3]] == [1, 2]
    assert found["学时表与说明"][2][3:] == ["s1", "=市里要求"]


def test_the_same_year_gives_the_same_bytes_and_there_is_an_english_one() -> None:
    assert list(sheets("en"))[:2] == ["Branches", "Members"]
    assert year_xlsxwriter.write(year(), VERSIONS) == year_xlsxwriter.write(year(), VERSIONS)
