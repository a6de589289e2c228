from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection
from typing import Any

import pytest
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncEngine

from attendance.errors import StoreUnavailable
from attendance.io.engine_sqlalchemy import open_engine
from classroom.io import journal_sqlalchemy
from classroom.io.journal_sqlalchemy import Journal, journal
from classroom.room.journal import Deleted, Entry, Journaled, Said, VoteCast
from tests.unit.classroom.hall import until

S = 1_000_000


@pytest.fixture
async def engine(database_url: str) -> AsyncIterator[AsyncEngine]:
    made = open_engine(database_url)
    async with made.begin() as connection:
        await connection.run_sync(journal.create)
    yield made
    await made.dispose()


def line(number: int, text: str = "好") -> Journaled:
    return Journaled(number, number * S, "m1", Said(f"c{number}", "m1", "张伟", "镇巴县", "member", text))


async def read(
    kept: Journal, lecture: str = "l1", after: int = 0, kinds: Collection[type] | None = None
) -> list[Entry]:
    return [each.entry async for each in kept.read(lecture, after, kinds)]


async def test_what_is_kept_is_read_in_order_by_lecture_by_number_and_by_kind(engine: AsyncEngine) -> None:
    async with Journal(engine) as kept:
        for number in range(1, 4):
            kept.append("l1", line(number))
        kept.append("l2", line(1, "别处"))
        kept.append("l1", Journaled(4, 4 * S, None, Deleted("c2")))
    async with Journal(engine) as again:
        entries = [each async for each in again.read("l1")]
        assert [each.number for each in entries] == [1, 2, 3, 4]
        assert entries[0] == line(1)
        assert entries[3] == Journaled(4, 4 * S, None, Deleted("c2"))
        assert [type(each) for each in await read(again, after=2)] == [Said, Deleted]
        assert await read(again, kinds={Deleted, VoteCast}) == [Deleted("c2")]
        again.append("l1", line(5))
        again.append("l1", Journaled(6, 6 * S, None, Deleted("c5")))
        assert await read(again, after=3, kinds={Deleted}) == [Deleted("c2"), Deleted("c5")]


async def test_more_than_a_page_is_read(engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal_sqlalchemy, "PAGE", 10)
    async with Journal(engine) as kept:
        for number in range(1, 26):
            kept.append("l1", line(number))
    async with Journal(engine) as again:
        assert len(await read(again)) == 25
        assert len(await read(again, after=5)) == 20


async def test_what_is_written_while_it_is_read_is_read_once(
    engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with Journal(engine) as kept:
        asked, answers = kept._page, 0

        async def slowly(*what: Any) -> list[Row[Any]]:
            """The database answers what it held before; meanwhile more is said, and written."""
            nonlocal answers
            answers += 1
            rows = await asked(*what)
            if answers == 1:
                for number in (2, 3):
                    kept.append("l1", line(number))
                await until(lambda: not kept._waiting)
                kept.append("l1", line(4))
            return rows

        monkeypatch.setattr(kept, "_page", slowly)
        kept.append("l1", line(1))
        async with asyncio.timeout(10):
            numbers = [each.number async for each in kept.read("l1")]
        assert numbers == [1, 2, 3, 4]


async def test_entries_wait_for_a_database_that_is_away(engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal_sqlalchemy, "RETRY", 0.01)
    async with Journal(engine) as kept:
        write, tries = kept._write, 0

        async def away(batch: Any) -> None:
            nonlocal tries
            tries += 1
            if tries < 3:
                raise StoreUnavailable("connection refused")
            await write(batch)

        monkeypatch.setattr(kept, "_write", away)
        for number in range(1, 4):
            kept.append("l1", line(number))
        assert len(await read(kept)) == 3
        await until(lambda: not kept._waiting)
        assert tries >= 3
        assert len(await read(kept)) == 3


async def test_a_number_that_is_taken_costs_itself_alone(engine: AsyncEngine) -> None:
    async with Journal(engine) as kept:
        kept.append("l1", line(1))
    async with Journal(engine) as again:
        for number in range(1, 4):
            again.append("l1", line(number, "新"))
    async with Journal(engine) as third:
        assert [each.text for each in await read(third) if isinstance(each, Said)] == ["好", "新", "新"]


async def test_what_waits_is_bounded(engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal_sqlalchemy, "WAITING", 2)
    kept = Journal(engine)
    for number in range(1, 5):
        kept.append("l1", line(number))
    assert len(kept._waiting) == 2
