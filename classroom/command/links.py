"""`classroom links export`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from classroom.command.office import ask
from classroom.command.options import Data, Json, LectureId
from classroom.command.output import document
from classroom.command.progress import working
from classroom.ports import Language, LectureInfo, Link, Office

app = typer.Typer(help="Everybody's personal link.", no_args_is_help=True)


@app.callback()
def links() -> None:
    """Keeps `export` a subcommand although it is the only one."""


@app.command()
def export(
    lecture: LectureId,
    output: Annotated[
        Path | None, typer.Option(help="A spreadsheet (.xlsx), or a printable sheet of QR codes (.html).")
    ] = None,
    words: Annotated[Language, typer.Option("--language", help="The language of headings.")] = "zh",
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Write the links of lecturer, host, guests and members. Whoever holds a link is that person."""
    if output is not None and output.suffix not in (".xlsx", ".html"):
        raise typer.BadParameter("the file's name must end in .xlsx or .html")

    async def question(office: Office) -> tuple[LectureInfo, list[Link]]:
        return await office.lecture(lecture), await office.links(lecture)

    info, found = ask(data, question)
    if output is not None:
        with working(output.name):
            output.write_bytes(sheet(output.suffix, info.title, found, words))
    if as_json:
        document(found)
    elif output is None:
        for link in found:
            typer.echo(f"{link.role:<9} {link.name}  {link.branch}  {link.url}")
    else:
        typer.echo(str(output))


def sheet(ending: str, title: str, found: list[Link], words: Language) -> bytes:
    if ending == ".xlsx":
        from classroom.io import links_xlsxwriter

        return links_xlsxwriter.write(found, title, words)
    from classroom.io import qr_segno

    return qr_segno.page(found, title, words)
