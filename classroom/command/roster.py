"""`classroom roster preview|import|list|changes|undo`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from classroom.command.office import ask
from classroom.command.options import Branch, Data, Json, branch_path
from classroom.command.output import document, language
from classroom.ports import Difference, ImportPreview, ImportResult, PreviewedRow

app = typer.Typer(help="Bring in the people, and keep track of them.", no_args_is_help=True)

FileName = Annotated[
    Path,
    typer.Argument(help="A spreadsheet (xlsx, xls) or CSV with name, branch and phone.", dir_okay=False, exists=True),
]
LectureOption = Annotated[str | None, typer.Option(metavar="ID", help="Invite these people to a lecture.")]
SHOWN = 20
"""Rows of each kind that are printed; all of them with --json."""


@app.command()
def preview(file: FileName, lecture: LectureOption = None, data: Data = None, as_json: Json = False) -> None:
    """Say what an import would do. Nothing is changed."""
    body = file.read_bytes()
    seen = ask(data, lambda office: office.preview_roster(file.name, body, lecture, language()))
    if as_json:
        document(seen)
    else:
        _print_preview(seen)


@app.command("import")
def import_(
    file: FileName,
    lecture: LectureOption = None,
    leaving: Annotated[
        bool, typer.Option("--leaving", help="Whom the file lacks leaves the roster; preview says who that is.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask; nobody is asked without a terminal.")] = False,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Import a roster; rows that cannot be used are named with their reason, the others count."""
    body = file.read_bytes()
    seen = None
    if not yes and not as_json and sys.stdin.isatty():
        found = ask(data, lambda office: office.preview_roster(file.name, body, lecture, language()))
        _print_preview(found)
        typer.confirm(f"Import{f', and let {found.missing} leave' if leaving else ''}?", abort=True)
        seen = found.digest
    result = ask(
        data,
        lambda office: office.import_roster(file.name, body, lecture, language(), seen=seen, leaving=leaving),
    )
    if as_json:
        document(result)
    else:
        _print_result(result)


@app.command("list")
def list_(
    branch: Branch = "",
    left: Annotated[bool, typer.Option("--left", help="Those who left, in place of those who are there.")] = False,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """List the people of the roster; telephone numbers are masked."""
    people = ask(data, lambda office: office.people(branch_path(branch)))
    people = [one for one in people if (one.left is not None) is left]
    if as_json:
        document(people)
        return
    for one in people:
        typer.echo("  ".join((one.id, one.name, one.branch or "-", one.phone or "-", one.city or "-")))


@app.command()
def changes(data: Data = None, as_json: Json = False) -> None:
    """List the last 50 changes of the roster, the newest first."""
    found = ask(data, lambda office: office.roster_changes())
    if as_json:
        document(found)
        return
    for one in found:
        when = one.at.astimezone().strftime("%Y-%m-%d %H:%M%z")
        what = f"{one.what}{' (undone)' if one.undone is not None else ''}"
        names = ", ".join(one.names) + (
            f" and {one.people - len(one.names)} more" if one.people > len(one.names) else ""
        )
        typer.echo("  ".join(word for word in (one.id, when, what, one.by or "-", one.file, names) if word))


@app.command()
def undo(
    change: Annotated[str, typer.Argument(metavar="ID", help="Of `roster changes`.")],
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Take a change back, as a whole; later changes of the same people must be undone first."""
    result = ask(data, lambda office: office.undo_change(change))
    if as_json:
        document(result)
    else:
        typer.echo(f"{result.removed} removed, {result.restored} restored")


def _print_preview(seen: ImportPreview) -> None:
    for row in seen.refused[:SHOWN]:
        typer.echo(f"line {row.line}: {row.name + ': ' if row.name else ''}{row.reason}")
    _more(seen.refusals)
    for note in seen.notes:
        typer.echo(note)
    for sign, count, rows in (
        ("+", seen.added, seen.new),
        ("~", seen.changed, seen.changes),
        ("-", seen.missing, seen.lacking),
    ):
        for one in rows[:SHOWN]:
            typer.echo(f"{sign} {_row(one)}")
        _more(count)
    for turn in seen.turned[:SHOWN]:
        typer.echo(f"! {turn.name}: {turn.was} → {turn.role}, the old link ends")
    typer.echo(
        f"would be: {seen.added} added (+), {seen.changed} changed (~), {seen.unchanged} unchanged, "
        f"{seen.refusals} refused; {seen.missing} on the roster and not in the file (-)"
    )


def _print_result(result: ImportResult) -> None:
    left = f", {result.left} left" if result.left else ""
    typer.echo(f"{result.added} added, {result.changed} changed, {result.unchanged} unchanged{left}")
    for row in result.refused:
        typer.echo(f"line {row.line}: {row.reason}", err=True)
    if result.change is not None:
        typer.echo(f"undo with: classroom roster undo {result.change}")


def _row(one: PreviewedRow) -> str:
    if one.differs:
        return f"{one.name}: {'; '.join(_difference(each) for each in one.differs)}"
    return "  ".join(word for word in (one.name, one.branch, one.phone, one.city) if word)


def _difference(one: Difference) -> str:
    return "comes back" if one.field == "left" else f"{one.field} {one.old or '-'} → {one.new}"


def _more(count: int) -> None:
    if count > SHOWN:
        typer.echo(f"  … and {count - SHOWN} more")
