"""Brings a database to the newest tables, by the history in `classroom.migrations`.

alembic takes half a second to import, so nothing here is imported before it is needed, and a database that is up to
date is recognized without it.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, inspect, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from classroom.errors import SettingsError

if TYPE_CHECKING:
    from alembic.config import Config

HEAD = "0010"
"""The newest revision; a test holds that it is the history's."""
LOCK = 0x636C617373
"""PostgreSQL's advisory lock that one migration at a time holds."""
SCRIPTS = Path(__file__).resolve().parents[1] / "migrations"


async def upgrade(engine: AsyncEngine, revision: str = "head") -> None:
    """Under a lock: two processes that start together migrate once. Raises `SettingsError` for a database that a newer
    program has migrated."""
    async with engine.begin() as connection:
        await connection.run_sync(_upgrade, revision)


async def downgrade(engine: AsyncEngine, revision: str) -> None:
    async with engine.begin() as connection:
        await connection.run_sync(_downgrade, revision)


async def revision_of(connection: AsyncConnection) -> str | None:
    """Which tables a database has; None: none of ours."""
    found: str | None = await connection.run_sync(_current)
    return found


def configuration(connection: Connection | None = None) -> Config:
    """alembic's, for our history; `connection` is the one that its `env.py` uses."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(SCRIPTS).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


def _upgrade(connection: Connection, revision: str) -> None:
    _lock(connection)
    now = _current(connection)
    if revision == "head" and now == HEAD:
        return
    from alembic import command
    from alembic.util import CommandError

    try:
        command.upgrade(configuration(connection), revision)
    except CommandError as error:
        raise SettingsError(
            f"the database has revision {now}, which this version does not know: start the newer version"
        ) from error


def _downgrade(connection: Connection, revision: str) -> None:
    from alembic import command

    _lock(connection)
    command.downgrade(configuration(connection), revision)


def _current(connection: Connection) -> Any:
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.scalar(text("SELECT version_num FROM alembic_version"))


def _lock(connection: Connection) -> None:
    """Until the transaction ends. (SQLite's transactions begin IMMEDIATE: they hold the database already.)"""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": LOCK})
