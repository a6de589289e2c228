"""`classroom db migrate|check|backup|restore|move`: the database as a whole."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from classroom.command.options import Data, Json
from classroom.command.output import document

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncEngine

    from classroom.settings import Settings

Answer = TypeVar("Answer")

app = typer.Typer(help="Look after the database.", no_args_is_help=True)


@app.command()
def migrate(data: Data = None) -> None:
    """Bring the tables to this version (a service does so by itself when it starts)."""
    from classroom.io.migrate_alembic import HEAD, upgrade

    settings = _settings(data)
    with _alone(settings):
        _with_engine(settings.database, upgrade)
    typer.echo(f"the database is at revision {HEAD}")


@app.command()
def check(data: Data = None, as_json: Json = False) -> None:
    """Check the files, the references and every lecture's ledger; exit status 1 if anything is wrong."""
    from classroom.io.check_sqlalchemy import Found
    from classroom.io.check_sqlalchemy import check as checked

    settings = _settings(data)
    found: Found = _with_engine(settings.database, lambda engine: checked(engine, settings.data_dir, settings.keys))
    if as_json:
        document(found)
    else:
        for name, rows in found.rows.items():
            typer.echo(f"{name:<16} {rows:>10,}")
        for wrong in found.wrong:
            typer.echo(wrong, err=True)
        if not found.wrong:
            typer.echo(f"{found.ledgers} ledgers verified, nothing is wrong")
    if found.wrong:
        raise typer.Exit(1)


@app.command()
def backup(
    file: Annotated[Path, typer.Argument(help="The file to write; it must not exist.", dir_okay=False)],
    data: Data = None,
) -> None:
    """Copy the database into one file as of this moment, also while lectures go on. Keep the folder `keys` with it:
    telephone numbers are sealed by a key in there."""
    from classroom.io import copy_sqlalchemy

    settings = _settings(data)
    if file.exists():
        raise typer.BadParameter(f"{file} exists already: a backup replaces none")
    part = file.with_name(file.name + ".part")

    async def copied_into(source: AsyncEngine) -> dict[str, int]:
        async with _engine(f"sqlite:///{part.absolute()}") as target:
            return await copy_sqlalchemy.into_file(source, target, _tell)

    part.unlink(missing_ok=True)
    try:
        copied = _with_engine(settings.database, copied_into)
        part.replace(file)
    finally:
        part.unlink(missing_ok=True)
    typer.echo(f"{sum(copied.values()):,} rows in {file}; keep {settings.data_dir / 'keys'} with it")


@app.command()
def restore(
    file: Annotated[Path, typer.Argument(help="A file that `backup` made.", dir_okay=False)], data: Data = None
) -> None:
    """Read a backup into an empty database; the service must not run."""
    from classroom.io import copy_sqlalchemy

    settings = _settings(data)
    if not file.is_file():
        raise typer.BadParameter(f"there is no file {file}")

    async def restored(source: AsyncEngine) -> dict[str, int]:
        async with _engine(settings.database) as target:
            return await copy_sqlalchemy.copy(source, target, _tell)

    with _alone(settings), tempfile.TemporaryDirectory() as folder:
        own = shutil.copy(file, folder)  # a backup of an older version is migrated on the way, and stays as it is
        copied = _with_engine(f"sqlite:///{own}", lambda engine: _migrated(engine, restored))
    typer.echo(f"{sum(copied.values()):,} rows restored")


@app.command()
def move(
    url: Annotated[str, typer.Argument(help="The database to move to: postgresql://user@host/name", metavar="URL")],
    data: Data = None,
) -> None:
    """Copy everything into another database, which must be empty; the service must not run."""
    from classroom.io import copy_sqlalchemy

    settings = _settings(data)

    async def copied(source: AsyncEngine) -> dict[str, int]:
        async with _engine(url) as target:
            return await copy_sqlalchemy.copy(source, target, _tell)

    with _alone(settings):
        rows = _with_engine(settings.database, copied)
    typer.echo(f"{sum(rows.values()):,} rows moved; now set CLASSROOM_DATABASE_URL to the new database")


async def _migrated(engine: AsyncEngine, work: Callable[[AsyncEngine], Awaitable[Answer]]) -> Answer:
    from classroom.io.migrate_alembic import upgrade

    await upgrade(engine)
    return await work(engine)


def _settings(data: Path | None) -> Settings:
    from classroom.settings import load

    return load(data_dir=data)


def _alone(settings: Settings) -> contextlib.AbstractContextManager[None]:
    from classroom.io.lock_fcntl import data_lock

    return data_lock(settings.data_dir)


@contextlib.asynccontextmanager
async def _engine(url: str) -> AsyncIterator[AsyncEngine]:
    from attendance.io.engine_sqlalchemy import open_engine
    from classroom.errors import SettingsError

    try:
        engine = open_engine(url)
    except ValueError as error:
        raise SettingsError(str(error)) from error
    try:
        yield engine
    finally:
        await engine.dispose()


def _with_engine(url: str, work: Callable[[AsyncEngine], Awaitable[Answer]]) -> Answer:
    async def working() -> Answer:
        async with _engine(url) as engine:
            return await work(engine)

    return asyncio.run(working())


def _tell(table: str, rows: int) -> None:
    if rows % 10_000 == 0:
        typer.echo(f"  {table}: {rows:,}", err=True)
