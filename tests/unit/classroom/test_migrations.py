"""One history of the database, on both."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, inspect, text

import attendance.io
import classroom.io
from attendance.io.engine_sqlalchemy import open_engine
from classroom.errors import SettingsError
from classroom.io import migrate_alembic, schema_sqlalchemy
from classroom.io.migrate_alembic import downgrade, upgrade
from classroom.io.schema_sqlalchemy import metadata


def test_the_newest_revision_is_the_one_that_is_known() -> None:
    from alembic.script import ScriptDirectory

    script = ScriptDirectory.from_config(migrate_alembic.configuration())
    assert script.get_heads() == [migrate_alembic.HEAD]


async def test_the_history_makes_exactly_our_tables(database_url: str) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    def differences(connection: Connection) -> list[Any]:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return list(compare_metadata(context, metadata))

    engine = open_engine(database_url)
    await upgrade(engine)
    async with engine.connect() as connection:
        assert await connection.run_sync(differences) == []
    await engine.dispose()


async def test_up_down_and_up_again(database_url: str) -> None:
    engine = open_engine(database_url)
    await upgrade(engine)
    await downgrade(engine, "base")
    async with engine.connect() as connection:
        left = await connection.run_sync(lambda sync: inspect(sync).get_table_names())
    assert left == ["alembic_version"]
    await upgrade(engine)
    await upgrade(engine)
    async with engine.connect() as connection:
        assert await connection.scalar(text("SELECT version_num FROM alembic_version")) == migrate_alembic.HEAD
    await engine.dispose()


async def test_processes_that_start_together_migrate_once(database_url: str) -> None:
    engines = [open_engine(database_url) for _ in range(3)]
    await asyncio.gather(*(upgrade(engine) for engine in engines))
    for engine in engines:
        await engine.dispose()


async def test_a_database_of_a_newer_version_is_left_alone(database_url: str) -> None:
    engine = open_engine(database_url)
    await upgrade(engine)
    async with engine.begin() as connection:
        await connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(SettingsError, match="9999"):
        await upgrade(engine)
    await engine.dispose()


def test_the_schema_knows_the_tables_of_every_module() -> None:
    """What a backup copies must not hang on what else was imported."""
    folders = (Path(attendance.io.__path__[0]), Path(classroom.io.__path__[0]))
    defining = {path.stem for folder in folders for path in folder.glob("*.py") if "= Table(" in path.read_text()}
    named = set(re.findall(r"\w+_sqlalchemy", Path(schema_sqlalchemy.__file__).read_text()))
    assert defining - named <= {"roster_tables_sqlalchemy"}  # which roster_changes_sqlalchemy imports
