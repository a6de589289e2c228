from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from attendance.io.engine_sqlalchemy import open_engine
from classroom.io.homes_sqlalchemy import Homes, homes
from classroom.nodes.lease import Last


@pytest.fixture
async def kept(database_url: str) -> AsyncIterator[Homes]:
    engine = open_engine(database_url)
    async with engine.begin() as connection:
        await connection.run_sync(homes.create)
    yield Homes(engine)
    await engine.dispose()


async def test_each_home_has_a_greater_fence(kept: Homes) -> None:
    assert await kept.last("l1") is None
    assert await kept.take("l1", "a", "a1", 0)
    assert await kept.last("l1") == Last(1, "a", "a1", held=True)
    assert not await kept.take("l1", "b", "b1", 0)
    assert await kept.take("l1", "b", "b1", 1)
    assert not await kept.take("l1", "a", "a1", 1)
    assert await kept.last("l1") == Last(2, "b", "b1", held=True)
    assert await kept.last("l2") is None


async def test_whoever_is_home_no_more_marks_nothing(kept: Homes) -> None:
    await kept.take("l1", "a", "a1", 0)
    assert await kept.mark("l1", 1, alone=True)
    assert await kept.last("l1") == Last(1, "a", "a1", held=True, alone=True)
    await kept.take("l1", "b", "b1", 1)
    assert not await kept.mark("l1", 1, held=False)
    assert await kept.last("l1") == Last(2, "b", "b1", held=True)
    await kept.mark("l1", 2, held=False)
    assert await kept.last("l1") == Last(2, "b", "b1", held=False)


async def test_of_many_who_would_be_home_one_is(kept: Homes) -> None:
    for after in (0, 1):
        taken = await asyncio.gather(*(kept.take("l1", f"n{number}", "b", after) for number in range(8)))
        assert sum(taken) == 1
        last = await kept.last("l1")
        assert last is not None
        assert last.node == f"n{taken.index(True)}"
