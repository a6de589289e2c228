from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path

import pytest
from sqlalchemy import text

from attendance.chain import Head, verify
from attendance.errors import RecorderClosed, StoreUnavailable
from attendance.facts import Fact, JoinFailed, LectureMoved, LectureState, NodeStarted
from attendance.io import engine_sqlalchemy, recorder_asyncio
from attendance.io.engine_sqlalchemy import open_engine
from attendance.io.recorder_asyncio import LedgerRecorder
from attendance.io.store_sqlalchemy import SqlStore
from attendance.io.tables_sqlalchemy import facts as facts_table
from attendance.io.tables_sqlalchemy import heads as heads_table
from attendance.io.tables_sqlalchemy import metadata
from attendance.ports import Stored
from tests.servers.killing import kill
from tests.servers.killing import recording as recording_process


class Ticking:
    def __init__(self) -> None:
        self.time = 0

    def now(self) -> int:
        self.time += 1
        return self.time

    def at(self, monotonic: float) -> int:
        return int(monotonic * 1e6)


class Memory:
    """A store whose database can be taken away."""

    def __init__(self) -> None:
        self.batches: list[list[Fact]] = []
        self.away = False
        self.hangs = False
        self.loses_answers = False
        self.refuses: set[str] = set()

    @property
    def facts(self) -> list[Fact]:
        stored: dict[tuple[str, str, int], Fact] = {}
        for batch in self.batches:
            for fact in batch:
                stored.setdefault((fact.node, fact.boot, fact.counter), fact)
        return list(stored.values())

    async def append(self, facts: Sequence[Fact]) -> None:
        await asyncio.sleep(0)
        if self.away:
            raise StoreUnavailable("away")
        if self.hangs:
            await asyncio.Event().wait()
        if any(fact.lecture in self.refuses for fact in facts):
            raise RuntimeError("never")
        self.batches.append(list(facts))
        if self.loses_answers:
            self.loses_answers = False
            raise StoreUnavailable("the answer was lost")

    async def read(self, lecture: str, after: int = 0) -> AsyncIterator[Stored]:
        raise NotImplementedError
        yield


class Noting:
    """A notary that only notes what it is asked for."""

    def __init__(self) -> None:
        self.sealed: list[str] = []

    @property
    def public(self) -> None:
        raise NotImplementedError

    async def known(self, lecture: str) -> list[Head]:
        return []

    async def seal(self, lecture: str) -> Head | None:
        self.sealed.append(lecture)
        return None


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recorder_asyncio, "FIRST_PAUSE", 0.005)
    monkeypatch.setattr(recorder_asyncio, "LONGEST_PAUSE", 0.02)


def recorder(store: Memory, folder: Path, boot: str = "1", notary: Noting | None = None) -> LedgerRecorder:
    return LedgerRecorder(store, Ticking(), folder, node="a", boot=boot, notary=notary)  # type: ignore[arg-type]


def failed(detail: str) -> JoinFailed:
    return JoinFailed(None, "other", detail)


async def until(true: Callable[[], object]) -> None:
    for _ in range(5_000):
        if true():
            return
        await asyncio.sleep(0.002)
    raise TimeoutError


def names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


async def test_a_record_is_stamped_and_stored(tmp_path: Path) -> None:
    store = Memory()
    async with recorder(store, tmp_path) as recording:
        await recording.record("party", NodeStarted())
        await recording.record("party", failed("x"), happened=77)
    assert store.facts == [
        Fact("party", "a", "1", 1, 1, NodeStarted()),
        Fact("party", "a", "1", 2, 77, failed("x")),
    ]
    assert names(tmp_path) == []


async def test_records_that_come_together_share_a_batch(tmp_path: Path) -> None:
    store = Memory()
    async with recorder(store, tmp_path) as recording:
        await asyncio.gather(*(recording.record("party", failed(str(number))) for number in range(200)))
    assert len(store.batches) <= 3
    assert [fact.body for fact in store.facts] == [failed(str(number)) for number in range(200)]
    assert [fact.counter for fact in store.facts] == list(range(1, 201))


async def test_records_that_follow_each_other_closely_share_a_batch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recorder_asyncio, "GATHER", 0.5)
    store = Memory()
    async with recorder(store, tmp_path) as ledger, asyncio.TaskGroup() as tasks:
        await ledger.record("l", failed("alone"))  # at once: nobody came just before
        for number in range(5):
            tasks.create_task(ledger.record("l", failed(str(number))))
            await asyncio.sleep(0.005)
    assert [len(batch) for batch in store.batches] == [1, 5]


async def test_nothing_is_acknowledged_while_the_database_is_away(tmp_path: Path) -> None:
    store = Memory()
    store.away = True
    async with recorder(store, tmp_path) as recording:
        first = asyncio.create_task(recording.record("party", failed("1")))
        await until(lambda: recording.away and names(tmp_path))
        second = asyncio.create_task(recording.record("party", failed("2")))
        await until(lambda: b'"2"' in next(tmp_path.iterdir()).read_bytes())
        assert not first.done()
        assert not second.done()
        assert recording.waiting == 2
        store.away = False
        await asyncio.gather(first, second)
        await until(lambda: next(tmp_path.iterdir()).stat().st_size == 0)
        assert not recording.away
    assert [fact.body for fact in store.facts] == [failed("1"), failed("2")]
    assert names(tmp_path) == []


async def test_a_database_that_does_not_answer_is_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recorder_asyncio, "APPEND_TIMEOUT", 0.02)
    store = Memory()
    store.hangs = True
    async with recorder(store, tmp_path) as recording:
        task = asyncio.create_task(recording.record("party", failed("1")))
        await until(lambda: recording.away and names(tmp_path))
        store.hangs = False
        await task


async def test_a_lost_answer_does_not_store_twice(tmp_path: Path) -> None:
    store = Memory()
    store.loses_answers = True
    async with recorder(store, tmp_path) as recording:
        await recording.record("party", failed("1"))
    assert len(store.batches) == 2
    assert store.batches[0] == store.batches[1]


async def test_the_next_process_stores_what_a_stopped_one_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recorder_asyncio, "DRAIN", 0.05)
    store = Memory()
    store.away = True
    first = recorder(store, tmp_path)
    await first.start()
    tasks = [asyncio.create_task(first.record("party", failed(str(number)))) for number in range(3)]
    await until(lambda: first.waiting == 3)
    await first.stop()
    for task in tasks:
        with pytest.raises(StoreUnavailable):
            await task
    followed: list[Fact] = []
    second = recorder(store, tmp_path, "2")
    second.follow(followed.append)
    async with second:
        own = asyncio.create_task(second.record("party", failed("own")))
        await until(lambda: second.away)
        store.away = False
        await own
    assert [fact.body for fact in store.facts] == [failed("0"), failed("1"), failed("2"), failed("own")]
    assert followed == store.facts
    assert names(tmp_path) == []


async def test_followers_hear_of_a_fact_once_it_is_stored(tmp_path: Path) -> None:
    store = Memory()
    heard: list[tuple[Fact, int]] = []

    def broken(fact: Fact) -> None:
        raise RuntimeError("a follower's own fault")

    async with recorder(store, tmp_path) as recording:
        recording.follow(broken)
        leave = recording.follow(lambda fact: heard.append((fact, len(store.facts))))
        await recording.record("party", failed("1"))
        leave()
        await recording.record("party", failed("2"))
    assert heard == [(store.facts[0], 1)]


async def test_a_fact_that_can_never_be_stored_does_not_stop_the_others(tmp_path: Path) -> None:
    store = Memory()
    store.refuses.add("bad")
    async with recorder(store, tmp_path) as recording:
        results = await asyncio.gather(
            recording.record("party", failed("1")),
            recording.record("bad", failed("2")),
            recording.record("party", failed("3")),
            return_exceptions=True,
        )
    assert [type(result) for result in results] == [type(None), RuntimeError, type(None)]
    assert [fact.body for fact in store.facts] == [failed("1"), failed("3")]
    assert names(tmp_path) == ["refused.spool"]


async def test_a_body_that_cannot_be_written_is_the_callers_fault(tmp_path: Path) -> None:
    store = Memory()
    async with recorder(store, tmp_path) as recording:
        with pytest.raises(ValueError, match="not Unicode"):
            await recording.record("party", failed("\ud800"))
        await recording.record("party", failed("1"))
    assert [fact.counter for fact in store.facts] == [1]


async def test_a_cancelled_caller_leaves_the_fact(tmp_path: Path) -> None:
    store = Memory()
    store.away = True
    async with recorder(store, tmp_path) as recording:
        task = asyncio.create_task(recording.record("party", failed("1")))
        await until(lambda: recording.away)
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        store.away = False
        await recording.record("party", failed("2"))
    assert [fact.body for fact in store.facts] == [failed("1"), failed("2")]


async def test_a_full_queue_makes_callers_wait_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recorder_asyncio, "MAX_WAITING", 3)
    store = Memory()
    store.away = True
    async with recorder(store, tmp_path) as recording:
        tasks = [asyncio.create_task(recording.record("party", failed(str(number)))) for number in range(10)]
        await until(lambda: recording.waiting == 3)
        store.away = False
        await asyncio.gather(*tasks)
    assert [fact.body for fact in store.facts] == [failed(str(number)) for number in range(10)]


async def test_who_waits_for_room_when_it_stops_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recorder_asyncio, "MAX_WAITING", 1)
    monkeypatch.setattr(recorder_asyncio, "DRAIN", 0.02)
    store = Memory()
    store.away = True
    recording = recorder(store, tmp_path)
    with pytest.raises(RecorderClosed):
        await recording.record("party", failed("early"))
    await recording.start()
    tasks = [asyncio.create_task(recording.record("party", failed(str(number)))) for number in range(4)]
    await until(lambda: recording.away)
    await recording.stop()
    results = await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), 5)
    assert [type(result) for result in results] == [StoreUnavailable, RecorderClosed, RecorderClosed, RecorderClosed]


async def test_heads_are_signed_at_the_end_of_a_lecture_and_of_the_process(tmp_path: Path) -> None:
    store, notary = Memory(), Noting()
    async with recorder(store, tmp_path, notary=notary) as recording:
        await recording.record("party", NodeStarted())
        assert notary.sealed == []
        await recording.record("party", LectureMoved(LectureState.ENDED, "button"))
        await until(lambda: notary.sealed == ["party"])
        await recording.record("other", NodeStarted())
    assert notary.sealed == ["party", "other"]


async def test_heads_are_signed_regularly_where_there_are_new_rows(tmp_path: Path) -> None:
    store, notary = Memory(), Noting()
    recording = LedgerRecorder(
        store, Ticking(), tmp_path, node="a", boot="1", notary=notary, seal_every=0.01  # type: ignore[arg-type]
    )  # fmt: skip
    async with recording:
        await recording.record("party", NodeStarted())
        await until(lambda: notary.sealed)
        await asyncio.sleep(0.05)
    assert notary.sealed == ["party"]


# --- real databases that go away ------------------------------------------------------------------------------------


async def test_a_locked_database_is_waited_for(
    sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each try is given up while it waits for the lock; none of them may keep it afterwards."""
    monkeypatch.setattr(recorder_asyncio, "APPEND_TIMEOUT", 0.1)
    monkeypatch.setattr(engine_sqlalchemy, "BUSY_TIMEOUT", 1_000)
    await make_tables(sqlite_url)
    engine, other = open_engine(sqlite_url), open_engine(sqlite_url)
    store = SqlStore(engine, Ticking())
    async with LedgerRecorder(store, Ticking(), tmp_path, node="a", boot="1") as recording:
        async with other.begin():
            tasks = [asyncio.create_task(recording.record("party", failed(str(number)))) for number in range(3)]
            await until(lambda: recording.away)
            await asyncio.sleep(0.5)
        await asyncio.wait_for(asyncio.gather(*tasks), 20)
        async with asyncio.timeout(20), other.begin() as connection:
            await connection.execute(facts_table.select())
    rows = [row async for row in store.rows("party")]
    assert [row.counter for row in rows] == [1, 2, 3]
    verify("party", rows)
    await engine.dispose()
    await other.dispose()


async def test_connections_that_the_server_cuts_lose_nothing(postgres_url: str, tmp_path: Path) -> None:
    await make_tables(postgres_url)
    engine, other = open_engine(postgres_url), open_engine(postgres_url)
    store = SqlStore(engine, Ticking())
    cut = text(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE pid <> pg_backend_pid() AND datname = current_database()"
    )
    async with LedgerRecorder(store, Ticking(), tmp_path, node="a", boot="1") as recording:
        for number in range(20):
            tasks = [asyncio.create_task(recording.record("party", failed(f"{number}/{i}"))) for i in range(5)]
            async with other.begin() as connection:
                await connection.execute(cut)
            await asyncio.wait_for(asyncio.gather(*tasks), 20)
    rows = [row async for row in store.rows("party")]
    assert [row.counter for row in rows] == list(range(1, 101))
    verify("party", rows)
    await engine.dispose()
    await other.dispose()


# --- killed ---------------------------------------------------------------------------------------------------------


async def make_tables(url: str) -> None:
    engine = open_engine(url)
    async with engine.begin() as connection:
        await connection.run_sync(metadata.create_all, tables=[facts_table, heads_table])
    await engine.dispose()


@pytest.mark.parametrize("seed", [time.time_ns() // 1_000_000_000])
async def test_no_acknowledged_fact_is_lost_by_ten_kills(database_url: str, tmp_path: Path, seed: int) -> None:
    await make_tables(database_url)
    assert await kill(database_url, tmp_path, 10, seed) >= 10


async def test_a_killed_process_leaves_its_spool_to_the_next(sqlite_url: str, tmp_path: Path) -> None:
    process = recording_process("postgresql://nobody@127.0.0.1:1/none", tmp_path, "1")
    spool = tmp_path / "facts-1.spool"
    await until(lambda: spool.exists() and spool.stat().st_size > 0)
    os.kill(process.pid, signal.SIGKILL)
    process.wait(10)
    assert process.stdout is not None
    assert process.stdout.read() == ""
    process.stdout.close()
    await make_tables(sqlite_url)
    engine = open_engine(sqlite_url)
    store = SqlStore(engine, Ticking())
    async with LedgerRecorder(store, Ticking(), tmp_path, node="a", boot="2") as recording:
        await recording.record("party", NodeStarted())
    rows = [row async for row in store.rows("party")]
    assert [(row.boot, row.counter) for row in rows] == [("1", number) for number in range(1, 9)] + [("2", 1)]
    verify("party", rows)
    await engine.dispose()
