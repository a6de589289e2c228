"""One history of the database, on both."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from sqlalchemy import Connection, inspect, text

import attendance.io.roster_sqlalchemy  # noqa: F401 - defines tables
import classroom.io.store_sqlalchemy  # noqa: F401 - defines tables
from attendance.io.engine_sqlalchemy import open_engine
from attendance.io.tables_sqlalchemy import metadata
from classroom.errors import SettingsError
from classroom.io import migrate_alembic
from classroom.io.migrate_alembic import downgrade, upgrade


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
