"""`classroom attendance export|year|verify|excuse|correct|objections`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from attendance.book.naming import file_name, year_file_name
from attendance.facts import Leave, Verdict
from classroom.command.office import ask
from classroom.command.options import Branch, Data, Json, LectureId, branch_path
from classroom.command.output import document, language
from classroom.command.progress import working
from classroom.ports import Encoding, ExportChecked, ExportFormat, Language, LectureInfo, Office

app = typer.Typer(help="Export attendance, and prove that it was not edited.", no_args_is_help=True)


@app.command()
def export(
    lecture: LectureId,
    form: Annotated[
        ExportFormat | None, typer.Option("--format", help="What to write; xlsx if absent, json with --json alone.")
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(help="The file, or a folder to put it into under a name that says what it is; standard output if "
                     "absent (on a terminal a file in this folder)."),
    ] = None,
    branch: Branch = "",
    encoding: Annotated[Encoding, typer.Option(help="Of a CSV: gb18030 for programs that know no other.")] = "utf-8",
    words: Annotated[Language, typer.Option("--language", help="The language of headings.")] = "zh",
    data: Data = None,
    as_json: Json = False,
) -> None:  # fmt: skip
    """Write who was there, from when to when, with the evidence."""
    form = form or ("json" if as_json and output is None else "xlsx")
    if output is None and form != "json" and as_json:
        raise typer.BadParameter(f"{form} is no JSON document: name a file with --output, or leave --json out")
    if encoding != "utf-8" and form != "csv":
        raise typer.BadParameter("--encoding is of a CSV: add --format csv")
    if output is None and form != "json" and sys.stdout.isatty():
        output = Path()
    scope = branch_path(branch)

    async def question(office: Office) -> tuple[LectureInfo, bytes]:
        return await office.lecture(lecture), await office.export(lecture, form, scope, words, encoding)

    with working("attendance"):
        info, body = ask(data, question)
    if output is None:
        sys.stdout.buffer.write(body)
        sys.stdout.buffer.flush()
        return
    if output.is_dir():
        output /= f"{file_name(info.title, info.starts, scope, words)}.{form}"
    output.write_bytes(body)
    if as_json:
        document({"file": str(output), "bytes": len(body)})
    else:
        typer.echo(str(output))


@app.command()
def year(
    year: Annotated[int, typer.Option(help="The year, in China's time.", min=2000, max=2199)],
    output: Annotated[Path, typer.Option(help="The spreadsheet, or a folder for one under its usual name.")],
    branch: Branch = "",
    anew: Annotated[
        bool, typer.Option("--anew", help="Reckon every lecture from its ledger again: about a second for each.")
    ] = False,
    words: Annotated[Language, typer.Option("--language", help="The language of headings.")] = "zh",
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Write everybody's credit hours (学时) in a year against their targets, by branch, member and lecture."""
    scope = branch_path(branch)
    with working("attendance"):
        body = ask(data, lambda office: office.year(year, scope, words, anew))
    if output.is_dir():
        output /= f"{year_file_name(year, scope, words)}.xlsx"
    output.write_bytes(body)
    if as_json:
        document({"file": str(output), "bytes": len(body)})
    else:
        typer.echo(str(output))


@app.command()
def verify(
    exported: Annotated[
        Path | None,
        typer.Argument(
            help="An export (xlsx, CSV or JSON), perhaps saved again since.",
            exists=True,
            dir_okay=False,
            metavar="[EXPORT]",
        ),
    ] = None,
    lecture: Annotated[
        str | None, typer.Option("--lecture", help="Check this lecture's ledger alone.", metavar="ID")
    ] = None,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Check a lecture's facts, or whether an export agrees with them.

    Exit status 1: the chain is broken (its first bad row is named), or the export says something else than the ledger
    (the first cells that differ are named).
    """
    if (exported is None) == (lecture is None):
        raise typer.BadParameter("name an export, or a lecture with --lecture")
    if exported is not None:
        _verify_export(exported, data, as_json)
    elif lecture is not None:
        _verify_ledger(lecture, data, as_json)


def _verify_ledger(lecture: str, data: Path | None, as_json: bool) -> None:
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


def _verify_export(exported: Path, data: Path | None, as_json: bool) -> None:
    body = exported.read_bytes()
    with working("attendance"):
        result = ask(data, lambda office: office.check_export(exported.name, body, (), language()))
    if as_json:
        document(result)
    else:
        _say(result, language())
    if not result.ok:
        raise typer.Exit(1)


def _say(result: ExportChecked, spoken: Language) -> None:
    scope = result.scope or ("everything" if spoken == "en" else "全部")
    at = "" if result.signed_at is None else result.signed_at.astimezone().isoformat(sep=" ", timespec="seconds")
    if spoken == "en":
        typer.echo(f"{result.title}, {scope}: row {result.row}, signed {at or 'by nobody'}, rule version {result.rule}")
        agrees = "agrees with the ledger" + (", byte for byte" if result.identical else "")
    else:
        typer.echo(
            f"{result.title}，{scope}：账本第 {result.row} 行，签名于 {at or '（无）'}，考勤规则第 {result.rule} 版"
        )
        agrees = "与账本一致" + ("，逐字节相同" if result.identical else "")
    for note in result.notes:
        typer.echo(note)
    if result.ok:
        typer.echo(agrees)
    for one in result.against:
        typer.echo(one, err=True)


Member = Annotated[str, typer.Option("--member", help="The member's id, as links and exports have it.")]


@app.command()
def excuse(
    lecture: LectureId,
    member: Member,
    cause: Annotated[Leave | None, typer.Option(help="For what.")] = None,
    withdraw: Annotated[bool, typer.Option("--withdraw", help="Take the leave back.")] = False,
    data: Data = None,
) -> None:
    """Give a member leave for a lecture, before or after it."""
    if withdraw == (cause is not None):
        raise typer.BadParameter("give either --cause or --withdraw")
    with working("attendance"):
        ask(data, lambda office: office.records.give_leave(lecture, member, cause))


@app.command()
def correct(
    lecture: LectureId,
    member: Member,
    verdict: Annotated[Verdict | None, typer.Option(help="What holds instead of what was measured.")] = None,
    minutes: Annotated[
        float | None, typer.Option(min=0, max=1440, help="To be credited; as measured if absent.")
    ] = None,
    why: Annotated[str, typer.Option(help="The reason; it stands in every export.")] = "",
    withdraw: Annotated[bool, typer.Option("--withdraw", help="What was measured holds again.")] = False,
    data: Data = None,
) -> None:
    """Correct a member's verdict once the lecture is over; what was measured stays beside it."""
    if withdraw and verdict is None:
        with working("attendance"):
            ask(data, lambda office: office.records.unfind(lecture, member))
        return
    if withdraw or verdict is None:
        raise typer.BadParameter("give either --verdict with --why, or --withdraw")
    seconds = None if minutes is None else minutes * 60
    with working("attendance"):
        ask(data, lambda office: office.records.find(lecture, member, verdict, seconds, why))


@app.command()
def objections(
    lecture: LectureId,
    answer: Annotated[str | None, typer.Option(metavar="ID", help="Answer this one, with --text.")] = None,
    text: Annotated[str, typer.Option(help="The answer; the member reads it in their record.")] = "",
    data: Data = None,
    as_json: Json = False,
) -> None:
    """List what members object to their record, what waits first; or answer one."""
    if answer is not None:
        with working("attendance"):
            ask(data, lambda office: office.records.reply(lecture, answer, text))
        return
    with working("attendance"):
        found = ask(data, lambda office: office.records.filed(lecture))
    if as_json:
        document(found)
        return
    for one in found:
        typer.echo(f"{one.id}  {one.state:<8}  {one.at.astimezone():%Y-%m-%d %H:%M%z}  {one.name}  {one.branch}")
        typer.echo(f"    {one.text}")
        if one.answer:
            typer.echo(f"    → {one.answer} ({one.by or 'command line'})")
