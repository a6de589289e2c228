"""The audit in both databases."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from attendance.io.engine_sqlalchemy import open_engine
from classroom.io.audit_sqlalchemy import Audit, Audited, audit
from tests.unit.classroom.place import HandClock


@pytest.fixture
async def kept(database_url: str) -> AsyncIterator[Audit]:
    engine = open_engine(database_url)
    async with engine.begin() as connection:
        await connection.run_sync(audit.create)
    yield Audit(engine, HandClock())
    await engine.dispose()


async def test_the_newest_come_first_and_page_by_page(kept: Audit) -> None:
    for number in range(5):
        await kept.note("", "", (), f"deed-{number}", detail="长" * 300)
    first = await kept.latest(limit=2)
    assert [one.action for one in first] == ["deed-4", "deed-3"]
    assert first[0] == Audited(HandClock().now(), "", "", (), "deed-4", None, None, "长" * 200, first[0].number)
    assert [one.action for one in await kept.latest(before=first[-1].number)] == ["deed-2", "deed-1", "deed-0"]


async def test_an_organizer_sees_deeds_of_their_branch_and_below(kept: Audit) -> None:
    branches = [(), ("镇巴县",), ("镇巴县", "泾洋"), ("镇巴县城",), ("镇_县", "泾洋"), ("西乡县",)]
    for branch in branches:
        await kept.note("s1", "组织员", branch, "roster-imported", "l1", "m1")
    assert [one.branch for one in await kept.latest(("镇巴县",))] == [("镇巴县", "泾洋"), ("镇巴县",)]
    assert [one.branch for one in await kept.latest(("镇_县",))] == [("镇_县", "泾洋")]
    assert len(await kept.latest()) == len(branches)
