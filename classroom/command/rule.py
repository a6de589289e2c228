"""`classroom rule show|set`."""

from __future__ import annotations

from typing import Annotated

import msgspec
import typer

from attendance.facts import Evidence, Rule
from classroom.command.office import ask
from classroom.command.options import Data, Json, LectureId
from classroom.command.output import document, language
from classroom.ports import Office, RuleBookInfo

app = typer.Typer(help="What counts as attended: per lecture, in versions.", no_args_is_help=True)


@app.command()
def show(lecture: LectureId, data: Data = None, as_json: Json = False) -> None:
    """Print the rule in words, and every version with who made it and why."""
    _print(ask(data, lambda office: office.rule(lecture, language())), as_json)


@app.command("set")
def set_(
    lecture: LectureId,
    evidence: Annotated[Evidence | None, typer.Option(help="The least that counts.")] = None,
    share: Annotated[int | None, typer.Option(min=0, max=100, help="Per cent of the time that counts.")] = None,
    sign_ins: Annotated[int | None, typer.Option("--sign-ins", min=0, max=6, help="How often each is asked.")] = None,
    answered: Annotated[int | None, typer.Option(min=0, max=6, help="How many of these must be answered.")] = None,
    entry: Annotated[
        int | None, typer.Option(min=0, max=600, help="Minutes within which one must have come; 0: any time.")
    ] = None,
    why: Annotated[str, typer.Option(help="The reason; needed once the lecture has begun.")] = "",
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Make the next version of a lecture's rule; what is left out stays as it is."""
    said = {"evidence": evidence, "share": share, "sign_ins": sign_ins, "answered": answered}
    changes: dict[str, object] = {word: value for word, value in said.items() if value is not None}
    if entry is not None:
        changes["entry"] = entry or None
    if not changes:
        raise typer.BadParameter("say what is to change, for example --share 75")

    async def change(office: Office) -> RuleBookInfo:
        now = await office.rule(lecture, language())
        if now.rule.answered > (sign_ins if sign_ins is not None else now.rule.sign_ins) and answered is None:
            changes["answered"] = sign_ins
        return await office.set_rule(lecture, now.version, _changed(now.rule, changes), why, language())

    _print(ask(data, change), as_json)


def _changed(rule: Rule, changes: dict[str, object]) -> Rule:
    try:
        return msgspec.convert({**msgspec.to_builtins(rule), **msgspec.to_builtins(changes)}, Rule)
    except msgspec.ValidationError as error:
        raise typer.BadParameter(str(error)) from error


def _print(book: RuleBookInfo, as_json: bool) -> None:
    if as_json:
        document(book)
        return
    typer.echo(book.sentence)
    for one in book.versions:
        when = "-" if one.at is None else one.at.astimezone().strftime("%Y-%m-%d %H:%M%z")
        began = " (the lecture began under it)" if one.version == book.frozen else ""
        typer.echo(
            "  ".join(word for word in (f"{one.version}{began}", when, one.by or "-", one.sentence, one.why) if word)
        )
