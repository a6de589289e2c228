"""A whole database into another, table by table: a backup while lectures go on, a restore, a move from SQLite to
PostgreSQL. A backup is an SQLite file of the same tables, whichever database it was made from."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import Table, func, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from attendance.io.engine_sqlalchemy import READ_ONLY, available
from classroom.errors import SettingsError
from classroom.io.migrate_alembic import HEAD, revision_of, upgrade
from classroom.io.schema_sqlalchemy import metadata

PAGE = 1_000

Progress = Callable[[str, int], None]
"""Told of each table: its name, and how many of its rows are copied."""


def silent(table: str, rows: int) -> None:
    """Tells nobody."""


async def into_file(source: AsyncEngine, target: AsyncEngine, progress: Progress = silent) -> dict[str, int]:
    """Like `copy`, into an SQLite file that stands alone afterwards, without its log beside it."""
    copied = await copy(source, target, progress)
    async with target.connect() as connection:
        await connection.exec_driver_sql("ROLLBACK")  # the log is given back between transactions only
        await connection.exec_driver_sql("PRAGMA journal_mode=DELETE")
    return copied


async def copy(source: AsyncEngine, target: AsyncEngine, progress: Progress = silent) -> dict[str, int]:
    """All rows of all tables, in one transaction on either side. `target` is migrated first, and must hold nothing.

    Raises `SettingsError`, `StoreUnavailable`.
    """
    await upgrade(target)
    copied: dict[str, int] = {}
    with available():
        async with source.connect() as reading, target.begin() as writing:
            await _one_moment(reading)
            if await revision_of(reading) != HEAD:
                raise SettingsError("the database is of another version: run `classroom db migrate` first")
            for table in metadata.sorted_tables:
                if await writing.scalar(select(func.count()).select_from(table)):
                    raise SettingsError(f"the database that is written to is not empty: {table.name} has rows")
            for table in metadata.sorted_tables:
                copied[table.name] = await _copy_table(reading, writing, table, progress)
            await _set_sequences(writing)
    return copied


async def count(engine: AsyncEngine) -> dict[str, int]:
    """Rows of each table. Raises `StoreUnavailable`."""
    with available():
        async with engine.connect() as connection:
            await connection.execution_options(**READ_ONLY)
            query = ((table.name, select(func.count()).select_from(table)) for table in metadata.sorted_tables)
            return {name: int(await connection.scalar(one) or 0) for name, one in query}


async def intact(engine: AsyncEngine) -> list[str]:
    """What the database itself finds wrong with its files and references; PostgreSQL watches over its own."""
    with available():
        async with engine.connect() as connection:
            await connection.execution_options(**READ_ONLY)
            if connection.dialect.name != "sqlite":
                return []
            found = (await connection.exec_driver_sql("PRAGMA integrity_check")).scalars().all()
            astray = (await connection.exec_driver_sql("PRAGMA foreign_key_check")).all()
    return [str(one) for one in found if one != "ok"] + [f"{row[0]}: a row refers to nothing" for row in astray]


async def _one_moment(connection: AsyncConnection) -> None:
    """Everything that is read from here on is of one moment."""
    if connection.dialect.name == "postgresql":
        await connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
    else:
        await connection.execution_options(**READ_ONLY)


async def _copy_table(reading: AsyncConnection, writing: AsyncConnection, table: Table, progress: Progress) -> int:
    done = 0
    query = select(table).order_by(*table.primary_key.columns)
    async with reading.stream(query) as rows:
        async for page in rows.mappings().partitions(PAGE):
            await writing.execute(table.insert(), [dict(row) for row in page])
            done += len(page)
            progress(table.name, done)
    return done


async def _set_sequences(connection: AsyncConnection) -> None:
    """PostgreSQL counts on from what was copied."""
    if connection.dialect.name != "postgresql":
        return
    for table in metadata.sorted_tables:
        column = table.autoincrement_column
        if column is None or column.foreign_keys:
            continue
        highest = select(func.coalesce(func.max(column), 0) + 1).scalar_subquery()
        await connection.execute(
            select(func.setval(func.pg_get_serial_sequence(table.name, column.name), highest, False))
        )
