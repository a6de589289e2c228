"""`classroom doctor`: is this machine ready for an evening, and how to mend what is not."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from classroom.command.options import Data, Json
from classroom.command.output import document
from classroom.command.progress import working

if TYPE_CHECKING:
    from classroom.io.checkup_os import Finding

MARKS = {
    "ok": typer.style("ok  ", fg="green"),
    "warn": typer.style("warn", fg="yellow"),
    "fail": typer.style("FAIL", fg="red"),
}


def doctor(
    config: Annotated[Path | None, typer.Option("--config", envvar="CLASSROOM_CONFIG", help="A TOML file.")] = None,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Check ports, certificate, clock, disk, limits, addresses and database; exit status 1 if anything fails."""
    from classroom.io.checkup_os import checkup
    from classroom.settings import load

    settings = load(config, data_dir=data)
    with working("doctor"):
        findings = asyncio.run(checkup(settings))
    if as_json:
        document(findings)
    else:
        for finding in findings:
            show(finding)
    if any(finding.state == "fail" for finding in findings):
        raise typer.Exit(1)


def show(finding: Finding) -> None:
    typer.echo(f"{MARKS[finding.state]}  {finding.name:<19} {finding.found}")
    if finding.mend:
        typer.echo(f"      {'':<19} → {finding.mend}")
