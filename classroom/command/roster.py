"""`classroom roster import`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from classroom.command.office import ask
from classroom.command.options import Data, Json
from classroom.command.output import document, language

app = typer.Typer(help="Bring in the people.", no_args_is_help=True)


@app.callback()
def roster() -> None:
    """Keeps `import` a subcommand although it is the only one."""


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="A spreadsheet (xlsx) or CSV with name, branch and phone.")],
    lecture: Annotated[str | None, typer.Option(metavar="ID", help="Invite these people to a lecture.")] = None,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Import a roster; rows that cannot be used are named with their reason, the others count."""
    body = file.read_bytes()
    result = ask(data, lambda office: office.import_roster(file.name, body, lecture, language()))
    if as_json:
        document(result)
        return
    typer.echo(f"{result.added} added, {result.changed} changed, {result.unchanged} unchanged")
    for row in result.refused:
        typer.echo(f"line {row.line}: {row.reason}", err=True)
