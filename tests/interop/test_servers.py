"""The servers that the tests start really are empty, and the tests' own."""

from __future__ import annotations

from pathlib import Path

from redis.asyncio import Redis
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine


async def test_each_test_gets_an_empty_database(database_url: str) -> None:
    engine = create_async_engine(database_url)
    async with engine.begin() as connection:
        await connection.execute(text("CREATE TABLE lecture (id INTEGER PRIMARY KEY)"))
        await connection.execute(text("INSERT INTO lecture VALUES (1)"))
    await engine.dispose()


async def test_the_next_test_does_not_see_it(database_url: str) -> None:
    await test_each_test_gets_an_empty_database(database_url)


async def test_redis_answers(redis_url: str) -> None:
    async with Redis.from_url(redis_url) as client:
        assert await client.dbsize() == 0
        await client.set("lecture", "1")


async def test_redis_is_empty_again(redis_url: str) -> None:
    await test_redis_answers(redis_url)


def test_chromium_is_there(chromium_path: str) -> None:
    assert Path(chromium_path).is_file()
