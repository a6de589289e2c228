"""What people wrote about attendance, in both databases."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import msgspec
import pytest

from attendance.io.engine_sqlalchemy import open_engine
from classroom.io.objections_sqlalchemy import Remarks, objections, reasons
from classroom.records import Objection

FIRST = Objection("o1", "l1", "m1", 10, "我全程都在")


@pytest.fixture
async def remarks(database_url: str) -> AsyncIterator[Remarks]:
    engine = open_engine(database_url)
    async with engine.begin() as connection:
        for table in (objections, reasons):
            await connection.run_sync(table.create)
    yield Remarks(engine)
    await engine.dispose()


async def test_one_waits_at_a_time_and_a_later_answer_replaces_an_earlier_one(remarks: Remarks) -> None:
    assert await remarks.object(FIRST, 2) is None
    assert await remarks.object(Objection("o2", "l1", "m1", 20, "再说一次"), 2) == "open"
    assert await remarks.object(Objection("o3", "l1", "m2", 5, "另一个人"), 2) is None
    assert await remarks.objection("l1", "o1") == FIRST
    assert await remarks.objection("l2", "o1") is None
    assert [one.id for one in await remarks.objections("l1")] == ["o3", "o1"]
    for at, answer in ((30, "核实中"), (40, "已更正")):
        await remarks.answer("o1", at, "s1", answer)
    assert await remarks.objections("l1", ["m1"]) == [Objection("o1", "l1", "m1", 10, "我全程都在", 40, "s1", "已更正")]
    assert await remarks.object(Objection("o2", "l1", "m1", 50, "再说一次"), 2) is None
    await remarks.answer("o2", 60, None, "好")
    assert await remarks.object(Objection("o4", "l1", "m1", 70, "又"), 2) == "enough"


async def test_of_two_in_one_instant_one_is_kept(remarks: Remarks) -> None:
    several = [msgspec.structs.replace(FIRST, id=f"o{number}") for number in range(6)]
    kept = await asyncio.gather(*(remarks.object(one, 5) for one in several))
    assert sorted(kept, key=str) == [None, *["open"] * 5]
    assert len(await remarks.objections("l1")) == 1


async def test_reasons_are_found_by_the_id_that_a_fact_names(remarks: Remarks) -> None:
    await remarks.keep_reason("k1", "l1", "m1", "会场签到表为证")
    await remarks.keep_reason("k2", "l2", "m1", "别的")
    assert await remarks.reasons("l1") == {"k1": "会场签到表为证"}
