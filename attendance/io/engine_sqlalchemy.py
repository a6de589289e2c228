"""Opens the database, SQLite or PostgreSQL, the same way for everyone who uses it."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from collections.abc import AsyncIterator, Iterator
from typing import Any

import asyncpg
from sqlalchemy import URL, Connection, event, func, make_url, select
from sqlalchemy.exc import ArgumentError, DataError, DBAPIError, IntegrityError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.util import await_only

from attendance.errors import StoreUnavailable

BUSY_TIMEOUT = 5_000
"""Milliseconds that a writer waits for another process's transaction on SQLite."""

READ_ONLY = {"read_only": True}
"""Execution options of a connection that only reads: on SQLite it then takes no write lock."""

_DRIVERS = {
    "sqlite": "sqlite+aiosqlite",
    "sqlite+aiosqlite": "sqlite+aiosqlite",
    "postgres": "postgresql+asyncpg",
    "postgresql": "postgresql+asyncpg",
    "postgresql+asyncpg": "postgresql+asyncpg",
}


def normalize_url(url: str) -> URL:
    """`sqlite:///path` or `postgresql://user@host/name`, with or without a driver, for the asynchronous drivers.

    Raises `ValueError`, whose text holds no password.
    """
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise ValueError("the database URL cannot be read; write sqlite:///path or postgresql://…") from error
    driver = _DRIVERS.get(parsed.drivername)
    if driver is None:
        raise ValueError(f"{parsed.drivername} databases are not supported; write sqlite:///path or postgresql://…")
    parsed = parsed.set(drivername=driver)
    sslmode = parsed.query.get("sslmode")
    if sslmode is not None:  # libpq's name for what asyncpg calls ssl
        parsed = parsed.difference_update_query(["sslmode"]).update_query_dict({"ssl": sslmode})
    return parsed


def open_engine(url: str) -> AsyncEngine:
    """An engine whose commits are durable when they return. Dispose of it with `await engine.dispose()`.

    On SQLite every transaction begins IMMEDIATE, so that one that reads and then writes never fails for another
    writer's sake; a connection with the execution options `READ_ONLY` begins deferred and blocks nobody.
    Raises `ValueError` for a URL that is of neither database.
    """
    parsed = normalize_url(url)
    if parsed.get_backend_name() == "sqlite":
        engine = create_async_engine(parsed)
        event.listen(engine.sync_engine, "connect", _prepare_sqlite)
        event.listen(engine.sync_engine, "begin", _begin_sqlite)
        return engine
    # Pre-ping: after a restart of the database the pool's old connections are replaced before they are used.
    return create_async_engine(
        parsed, pool_pre_ping=True, pool_timeout=10, connect_args={"timeout": 5, "command_timeout": 60}
    )


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # the driver's own BEGIN would be deferred, and come too late for reads
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT}")
    _use_wal(cursor)
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.close()


def _use_wal(cursor: Any) -> None:
    """A new file is switched once, and SQLite does not wait for the lock that this takes, whatever the timeout: of two
    processes that start together, one tries again."""
    for pause in (0.01, 0.03, 0.1, 0.3, 1.0, None):
        try:
            cursor.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError:
            if pause is None:
                raise
            await_only(asyncio.sleep(pause))
        else:
            return


def _begin_sqlite(connection: Connection) -> None:
    read_only = connection.get_execution_options().get("read_only", False)
    connection.exec_driver_sql("BEGIN" if read_only else "BEGIN IMMEDIATE")


async def alone(connection: AsyncConnection, what: str) -> None:
    """From here to the end of the transaction nobody else is past this line with the same word, so that what is counted
    is still so when something is added to it. (On SQLite every transaction that writes is alone from its beginning.)"""
    if connection.dialect.name == "postgresql":
        await connection.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(what, 0))))


@contextlib.asynccontextmanager
async def turn(engine: AsyncEngine, what: str) -> AsyncIterator[None]:
    """As `alone`, for the time of the context and against other processes, where others' transactions (the recorder's)
    write what follows from what is read. SQLite has one process, which sees to its own. Raises `StoreUnavailable`."""
    if engine.dialect.name != "postgresql":
        yield
        return
    with available():
        async with engine.begin() as connection:
            await alone(connection, what)
            yield


@contextlib.contextmanager
def available() -> Iterator[None]:
    """Turns every sign of a database that is away, full, locked or not yet migrated into `StoreUnavailable`.

    Facts that the database refuses for their content keep their own errors: trying again would never help.
    """
    try:
        yield
    except (IntegrityError, DataError):
        raise
    except DBAPIError as error:
        raise StoreUnavailable(str(error.orig)) from error
    except (SQLAlchemyError, asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError) as error:
        raise StoreUnavailable(str(error)) from error
