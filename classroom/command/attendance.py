"""`classroom attendance export|verify`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from classroom.command.office import ask
from classroom.command.options import Data, Json, LectureId
from classroom.command.output import document
from classroom.command.progress import working
from classroom.ports import ExportFormat, Language

app = typer.Typer(help="Export attendance, and prove that it was not edited.", no_args_is_help=True)


@app.command()
def export(
    lecture: LectureId,
    form: Annotated[
        ExportFormat | None, typer.Option("--format", help="What to write; xlsx if absent, json with --json alone.")
    ] = None,
    output: Annotated[Path | None, typer.Option(help="The file; standard output if absent.", dir_okay=False)] = None,
    words: Annotated[Language, typer.Option("--language", help="The language of headings.")] = "zh",
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Write who was there, from when to when, with the evidence."""
    form = form or ("json" if as_json and output is None else "xlsx")
    if output is None and form == "xlsx" and sys.stdout.isatty():
        raise typer.BadParameter("a spreadsheet does not fit a terminal: name a file with --output")
    if output is None and form != "json" and as_json:
        raise typer.BadParameter(f"{form} is no JSON document: name a file with --output, or leave --json out")
    with working("attendance"):
        body = ask(data, lambda office: office.export(lecture, form, (), words))
    if output is None:
        sys.stdout.buffer.write(body)
        sys.stdout.buffer.flush()
    else:
        output.write_bytes(body)
        if as_json:
            document({"file": str(output), "bytes": len(body)})
        else:
            typer.echo(str(output))


@app.command()
def verify(lecture: LectureId, data: Data = None, as_json: Json = False) -> None:
    """Check the chain of a lecture's facts; exit status 1 names the first bad row."""
    with working("attendance"):
        result = ask(data, lambda office: office.verify(lecture))
    if as_json:
        document(result)
    elif result.ok:
        typer.echo(f"{result.rows} rows, unbroken")
    else:
        typer.echo(f"row {result.bad_row}: {result.reason}", err=True)
    if not result.ok:
        raise typer.Exit(1)
