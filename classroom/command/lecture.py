"""`classroom lecture create|list|start|end`."""

from __future__ import annotations

from typing import Annotated

import typer

from classroom.command.office import ask
from classroom.command.options import Data, Json, moment
from classroom.command.output import document
from classroom.ports import LectureInfo

app = typer.Typer(help="Make, list, start and end lectures.", no_args_is_help=True)
Id = Annotated[str, typer.Argument(metavar="ID", help="The lecture's id.")]


@app.command()
def create(
    title: Annotated[str, typer.Option(help="What the lecture is called.")],
    starts: Annotated[str | None, typer.Option(metavar="ISO", help="When it starts, as 2026-01-31T19:30.")] = None,
    ends: Annotated[str | None, typer.Option(metavar="ISO", help="When it is planned to end.")] = None,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Make a new lecture and print its id."""
    begin, end_ = moment(starts), moment(ends)
    show(ask(data, lambda office: office.create_lecture(title, begin, end_)), as_json)


@app.command("list")
def list_(data: Data = None, as_json: Json = False) -> None:
    """List all lectures."""
    lectures = ask(data, lambda office: office.lectures())
    if as_json:
        document(lectures)
        return
    for lecture in lectures:
        typer.echo(line(lecture))


@app.command()
def start(lecture: Id, data: Data = None, as_json: Json = False) -> None:
    """Start a lecture now: from here on attendance is counted."""
    show(ask(data, lambda office: office.start(lecture)), as_json)


@app.command()
def end(lecture: Id, data: Data = None, as_json: Json = False) -> None:
    """End a lecture now. It cannot be started again."""
    show(ask(data, lambda office: office.end(lecture)), as_json)


def show(lecture: LectureInfo, as_json: bool) -> None:
    if as_json:
        document(lecture)
    else:
        typer.echo(line(lecture))


def line(lecture: LectureInfo) -> str:
    when = lecture.starts.astimezone().strftime("%Y-%m-%d %H:%M%z") if lecture.starts else "-"
    return f"{lecture.id}  {lecture.state!s:<11}  {when:<21}  {lecture.invited:>5}  {lecture.title}"
