"""`classroom db …`: a whole database, on both kinds."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import msgspec
import pytest
from sqlalchemy import text
from typer.testing import CliRunner, Result

from attendance.chain import GENESIS, link
from attendance.io.engine_sqlalchemy import open_engine
from attendance.io.store_sqlalchemy import SqlStore
from attendance.io.tables_sqlalchemy import facts, heads
from classroom.command.app import app
from classroom.io import copy_sqlalchemy
from classroom.io.clock_time import SystemClock

ROSTER = "姓名,支部,手机\n张伟,镇巴县/泾洋街道党支部,13800000001\n王芳,西乡县/城北街道党支部,\n"


class Terminal:
    def __init__(self, folder: Path, url: str | None = None) -> None:
        self.folder = folder
        self.url = url
        more = {} if url is None else {"CLASSROOM_DATABASE_URL": url}
        self._runner = CliRunner(env={"CLASSROOM_DATA_DIR": str(folder), "LANG": "en_US.UTF-8", "LC_ALL": "", **more})

    def run(self, *words: str) -> Result:
        return self._runner.invoke(app, list(words))

    def done(self, *words: str) -> str:
        result = self.run(*words)
        assert result.exit_code == 0, result.output
        return result.stdout

    def counts(self) -> dict[str, int]:
        found: dict[str, int] = json.loads(self.done("db", "check", "--json"))["rows"]
        return found


def filled(terminal: Terminal) -> str:
    """A lecture with a roster and facts; its id."""
    made = json.loads(terminal.done("lecture", "create", "--title", "晚间课堂", "--json"))
    roster = terminal.folder.parent / f"{terminal.folder.name}.csv"
    roster.write_text(ROSTER)
    terminal.done("roster", "import", str(roster), "--lecture", made["id"])
    terminal.done("lecture", "start", made["id"])
    terminal.done("lecture", "end", made["id"])
    return str(made["id"])


def test_a_backup_is_restored_into_an_empty_database(tmp_path: Path, database_url: str) -> None:
    first = Terminal(tmp_path / "first", database_url)
    lecture = filled(first)
    before = first.counts()
    assert before["facts"] > 0
    saved = tmp_path / "backup.sqlite3"
    first.done("db", "backup", str(saved))
    assert sorted(path.name for path in tmp_path.glob("backup*")) == ["backup.sqlite3"]
    second = Terminal(tmp_path / "second")
    (tmp_path / "first" / "keys").rename(tmp_path / "keys")
    (tmp_path / "second").mkdir()
    (tmp_path / "keys").rename(tmp_path / "second" / "keys")
    second.done("db", "restore", str(saved))
    assert second.counts() == before
    links = json.loads(second.done("links", "export", "--lecture", lecture, "--json"))
    assert {link["name"] for link in links} >= {"张伟", "王芳"}
    third = second.run("db", "restore", str(saved))
    assert third.exit_code != 0
    assert isinstance(third.exception, SystemExit) or "not empty" in str(third.exception)
    assert first.run("db", "backup", str(saved)).exit_code == 2


def test_everything_moves_to_postgresql_and_goes_on_there(tmp_path: Path, postgres_url: str) -> None:
    here = Terminal(tmp_path / "data")
    lecture = filled(here)
    before = here.counts()
    here.done("db", "move", postgres_url)
    there = Terminal(tmp_path / "data", postgres_url)
    assert there.counts() == before
    roster = tmp_path / "more.csv"
    roster.write_text("姓名,支部\n李娜,宁强县/汉源街道党支部\n")
    assert json.loads(there.done("roster", "import", str(roster), "--json"))["added"] == 1
    assert json.loads(there.done("attendance", "verify", "--lecture", lecture, "--json"))["ok"]


async def tampered(url: str, *statements: str) -> None:
    engine = open_engine(url)
    async with engine.begin() as connection:
        for statement in statements:
            await connection.execute(text(statement))
    await engine.dispose()


async def rewritten(url: str, lecture: str) -> None:
    """Everything an hour earlier, and the whole chain computed anew, as who may write to the database can."""
    engine = open_engine(url)
    rows = [row async for row in SqlStore(engine, SystemClock()).rows(lecture)]
    digest, made = GENESIS, []
    for row in rows:
        fact = msgspec.structs.replace(row.fact(), happened=row.happened - 3_600_000_000)
        made.append(link(digest, row.row, fact, row.stored))
        digest = made[-1].hash
    async with engine.begin() as connection:
        await connection.execute(facts.delete().where(facts.c.lecture == lecture))
        await connection.execute(facts.insert(), [msgspec.structs.asdict(row) for row in made])
        await connection.execute(heads.update().where(heads.c.lecture == lecture).values(hash=digest))
    await engine.dispose()


async def test_what_was_done_to_the_ledger_is_named(tmp_path: Path, database_url: str) -> None:
    terminal = Terminal(tmp_path / "data", database_url)
    lecture = await asyncio.to_thread(filled, terminal)
    verify = ("attendance", "verify", "--lecture", lecture)
    assert (await asyncio.to_thread(terminal.run, *verify)).exit_code == 0
    last = (await asyncio.to_thread(terminal.counts))["facts"]

    async def said(*words: str) -> str:
        result = await asyncio.to_thread(terminal.run, *words)
        assert result.exit_code == 1
        return result.output

    await tampered(database_url, "UPDATE facts SET happened = happened - 1 WHERE row = 2")
    assert "row 2: the row was changed" in await said(*verify)
    assert f"lecture {lecture}: row 2" in await said("db", "check")
    await tampered(database_url, "UPDATE facts SET happened = happened + 1 WHERE row = 2")
    assert (await asyncio.to_thread(terminal.run, *verify)).exit_code == 0
    await tampered(
        database_url,
        f"DELETE FROM facts WHERE row = {last}",
        f"UPDATE heads SET row = {last - 1}, hash = (SELECT hash FROM facts WHERE row = {last - 1})",
    )
    assert f"a signed head knows {last} rows, {last - 1} are left" in await said(*verify)


async def test_a_chain_that_was_computed_anew_is_named(tmp_path: Path, database_url: str) -> None:
    terminal = Terminal(tmp_path / "data", database_url)
    lecture = await asyncio.to_thread(filled, terminal)
    verify = ("attendance", "verify", "--lecture", lecture)
    assert (await asyncio.to_thread(terminal.run, *verify)).exit_code == 0
    await rewritten(database_url, lecture)
    result = await asyncio.to_thread(terminal.run, *verify)
    assert result.exit_code == 1
    assert "differs from a signed head" in result.output


async def test_tables_of_another_version_are_named(tmp_path: Path, database_url: str) -> None:
    engine = open_engine(database_url)
    terminal = Terminal(tmp_path / "data", database_url)
    empty = await asyncio.to_thread(terminal.run, "db", "check")
    assert empty.exit_code == 1
    assert "db migrate" in empty.output
    await asyncio.to_thread(terminal.done, "db", "migrate")
    assert sum(terminal_counts := [*(await copy_sqlalchemy.count(engine)).values()]) == 0
    assert terminal_counts
    await engine.dispose()


async def test_a_backup_is_of_one_moment(tmp_path: Path, database_url: str) -> None:
    """Rows that are written while tables are copied are in none of them."""
    terminal = Terminal(tmp_path / "data", database_url)
    await asyncio.to_thread(filled, terminal)
    source, target = open_engine(database_url), open_engine(f"sqlite:///{tmp_path / 'copy.sqlite3'}")
    begun = asyncio.Event()

    def while_copying(table: str, rows: int) -> None:
        begun.set()

    async def write() -> None:
        async with source.begin() as connection:
            await connection.execute(text("DELETE FROM invitations"))

    before = await copy_sqlalchemy.count(source)
    copying = asyncio.create_task(copy_sqlalchemy.copy(source, target, while_copying))
    await begun.wait()
    await write()
    assert await copying == before
    assert (await copy_sqlalchemy.count(source))["invitations"] == 0
    await source.dispose()
    await target.dispose()


@pytest.mark.parametrize("words", [("restore", "nothing.sqlite3"), ("move", "mysql://host/name")])
def test_what_cannot_be_is_said(tmp_path: Path, words: tuple[str, ...]) -> None:
    assert Terminal(tmp_path / "data").run("db", *words).exit_code != 0
