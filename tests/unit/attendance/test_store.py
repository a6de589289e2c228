from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from attendance.chain import GENESIS, verify
from attendance.errors import LedgerBroken, StoreUnavailable
from attendance.facts import Fact, JoinFailed, MemberConnected
from attendance.io.engine_sqlalchemy import normalize_url, open_engine
from attendance.io.store_sqlalchemy import PAGE, SqlStore
from attendance.io.tables_sqlalchemy import facts as facts_table
from attendance.io.tables_sqlalchemy import heads as heads_table
from attendance.io.tables_sqlalchemy import metadata
from attendance.ports import Stored


class Ticking:
    """A clock that moves a microsecond each time it is read."""

    def __init__(self) -> None:
        self.time = 0

    def now(self) -> int:
        self.time += 1
        return self.time

    def at(self, monotonic: float) -> int:
        return int(monotonic * 1e6)


def fact(counter: int, lecture: str = "party", node: str = "a", boot: str = "1") -> Fact:
    return Fact(lecture, node, boot, counter, counter * 10, MemberConnected("m", f"{node}-{counter}"))


@pytest.fixture
async def engine(database_url: str) -> AsyncIterator[AsyncEngine]:
    engine = open_engine(database_url)
    async with engine.begin() as connection:
        await connection.run_sync(metadata.create_all, tables=[facts_table, heads_table])
    yield engine
    await engine.dispose()


@pytest.fixture
def store(engine: AsyncEngine) -> SqlStore:
    return SqlStore(engine, Ticking())


async def rows_of(store: SqlStore, lecture: str = "party", after: int = 0) -> list[Stored]:
    return [stored async for stored in store.read(lecture, after)]


async def assert_verifies(store: SqlStore, lecture: str = "party") -> int:
    rows, digest = verify(lecture, [row async for row in store.rows(lecture)])
    assert (rows, digest) == await store.last(lecture)
    return rows


async def test_facts_come_back_in_order(store: SqlStore) -> None:
    await store.append([fact(1), fact(2)])
    await store.append([fact(3)])
    stored = await rows_of(store)
    assert [one.fact for one in stored] == [fact(1), fact(2), fact(3)]
    assert [one.row for one in stored] == [1, 2, 3]
    assert stored[0].previous == GENESIS
    assert stored[1].previous == stored[0].hash
    assert [one.row for one in await rows_of(store, after=2)] == [3]
    assert await assert_verifies(store) == 3


async def test_a_repeated_delivery_is_stored_once(store: SqlStore) -> None:
    await store.append([fact(1), fact(2), fact(1)])
    await store.append([fact(2), fact(3), fact(1)])
    assert [one.fact.counter for one in await rows_of(store)] == [1, 2, 3]
    await assert_verifies(store)


async def test_it_knows_when_its_last_facts_happened(store: SqlStore) -> None:
    assert await store.latest() is None
    await store.append([msgspec.structs.replace(fact(counter), happened=counter) for counter in (1, 900, 7)])
    await store.append([msgspec.structs.replace(fact(4, "other"), happened=800)])
    assert await store.latest() == 900


async def test_lectures_have_chains_of_their_own(store: SqlStore) -> None:
    await store.append([fact(1, "b"), fact(2, "a"), fact(3, "b")])
    assert [one.fact.counter for one in await rows_of(store, "b")] == [1, 3]
    assert await assert_verifies(store, "a") == 1
    assert await assert_verifies(store, "b") == 2
    assert await store.last("c") == (0, GENESIS)


async def test_nothing_of_a_refused_batch_is_stored(store: SqlStore) -> None:
    with pytest.raises(ValueError, match="not Unicode"):
        await store.append([fact(1), Fact("party", "a", "1", 2, 0, JoinFailed(None, "x", "\ud800"))])
    assert await rows_of(store) == []


async def test_several_processes_append_at_once(database_url: str, engine: AsyncEngine) -> None:
    """Each with an engine of its own, as processes have; the batches overlap in lectures and repeat facts."""
    engines = [open_engine(database_url) for _ in range(4)]

    async def append(node: int) -> None:
        store = SqlStore(engines[node], Ticking())
        for batch in range(8):
            first = batch * 3 + 1
            facts = [fact(first + i, f"l{(first + i + node) % 2}", f"n{node}") for i in range(4)]
            await store.append(facts)

    async with asyncio.timeout(60), asyncio.TaskGroup() as group:
        for node in range(4):
            group.create_task(append(node))
    for each in engines:
        await each.dispose()
    store = SqlStore(engine, Ticking())
    assert await assert_verifies(store, "l0") + await assert_verifies(store, "l1") == 4 * 25
    for node in range(4):
        counters = [one.fact.counter for one in await rows_of(store, "l0") if one.fact.node == f"n{node}"]
        assert counters == sorted(counters)


async def test_long_ledgers_are_read_page_by_page(store: SqlStore) -> None:
    count = 2 * PAGE + 1
    await store.append([fact(counter) for counter in range(1, count + 1)])
    assert [one.row for one in await rows_of(store)] == list(range(1, count + 1))
    assert [row.row async for row in store.rows("party", 3, 5)] == [4, 5]
    assert [row.row async for row in store.rows("party", 0, PAGE)] == list(range(1, PAGE + 1))


@pytest.mark.parametrize(
    ("statement", "row"),
    [
        ("UPDATE facts SET happened = happened + 1 WHERE row = 2", 2),
        ("UPDATE facts SET node = 'x' WHERE row = 3", 3),
        ("DELETE FROM facts WHERE row = 2", 2),
        ("UPDATE facts SET counter = 77 WHERE row = 1", 1),
    ],
)
async def test_an_edited_row_is_named(store: SqlStore, engine: AsyncEngine, statement: str, row: int) -> None:
    await store.append([fact(counter) for counter in range(1, 5)])
    async with engine.begin() as connection:
        await connection.execute(text(statement.replace("row =", '"row" =')))
    with pytest.raises(LedgerBroken) as caught:
        await assert_verifies(store)
    assert caught.value.row == row


async def test_a_body_edited_as_text_in_sqlite_is_named(tmp_path: Path) -> None:
    path = tmp_path / "l.sqlite3"
    engine = open_engine(f"sqlite:///{path}")
    async with engine.begin() as connection:
        await connection.run_sync(metadata.create_all, tables=[facts_table, heads_table])
    store = SqlStore(engine, Ticking())
    await store.append([fact(1), fact(2)])
    by_hand = sqlite3.connect(path)
    with by_hand:
        by_hand.execute("UPDATE facts SET body = replace(CAST(body AS TEXT), 'a-2', 'a-9') WHERE row = 2")
    by_hand.close()
    with pytest.raises(LedgerBroken) as caught:
        await assert_verifies(store)
    assert caught.value.row == 2
    await engine.dispose()


async def test_a_database_without_tables_or_server_is_unavailable(database_url: str) -> None:
    for url in (database_url, "postgresql://nobody@127.0.0.1:1/none", "sqlite:////nonexistent/folder/file"):
        engine = open_engine(url)
        store = SqlStore(engine, Ticking())
        with pytest.raises(StoreUnavailable):
            await store.append([fact(1)])
        with pytest.raises(StoreUnavailable):
            await rows_of(store)
        with pytest.raises(StoreUnavailable):
            await store.last("party")
        await engine.dispose()


async def test_sqlite_is_opened_durably(sqlite_url: str) -> None:
    engine = open_engine(sqlite_url)
    async with engine.connect() as connection:
        for pragma, value in (("journal_mode", "wal"), ("synchronous", 2), ("foreign_keys", 1), ("busy_timeout", 5000)):
            assert (await connection.execute(text(f"PRAGMA {pragma}"))).scalar() == value
    await engine.dispose()


async def test_a_reader_does_not_keep_a_writer_waiting(store: SqlStore) -> None:
    await store.append([fact(1), fact(2)])
    async for _ in store.rows("party"):
        await store.append([fact(3)])
    assert await assert_verifies(store) == 3


@pytest.mark.parametrize(
    ("url", "normal"),
    [
        ("sqlite:///data/c.db", "sqlite+aiosqlite:///data/c.db"),
        ("sqlite:////var/c.db", "sqlite+aiosqlite:////var/c.db"),
        ("postgres://u:p@h/d", "postgresql+asyncpg://u:p@h/d"),
        ("postgresql://h/d?sslmode=require", "postgresql+asyncpg://h/d?ssl=require"),
        ("postgresql+asyncpg://h/d", "postgresql+asyncpg://h/d"),
    ],
)
def test_urls_get_their_driver(url: str, normal: str) -> None:
    assert normalize_url(url).render_as_string(hide_password=False) == normal


@pytest.mark.parametrize("url", ["", "nonsense", "mysql://root:secret@h/d", "sqlite+pysqlcipher://:secret@/c.db"])
def test_other_urls_are_refused_without_their_password(url: str) -> None:
    with pytest.raises(ValueError, match="write sqlite:///path or postgresql://") as caught:
        normalize_url(url)
    assert "secret" not in str(caught.value)


async def test_others_have_their_turn_while_large_rows_are_read(store: SqlStore) -> None:
    large = JoinFailed("m", "other", "x" * 200)
    await store.append([Fact("party", "a", "1", counter, 0, large) for counter in range(1, PAGE)])
    turns = 0

    async def other() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    running = asyncio.create_task(other())
    last = read = 0
    async for _ in store.rows("party"):
        read += 1
        if turns == last and read % 100 == 0:
            pytest.fail("a hundred rows, and nobody else had a turn")
        if read % 100 == 0:
            last = turns
    running.cancel()
    assert read == PAGE - 1
