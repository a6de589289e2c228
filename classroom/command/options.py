"""Options that several subcommands share."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Annotated

import typer

Data = Annotated[
    Path | None,
    typer.Option(
        "--data", help="The folder that holds everything (CLASSROOM_DATA_DIR; ./data if absent).", file_okay=False
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
LectureId = Annotated[str, typer.Option("--lecture", help="The lecture's id.", metavar="ID")]


def moment(text: str | None) -> datetime.datetime | None:
    """ISO 8601; without an offset it is this machine's local time. Raises `typer.BadParameter`."""
    if text is None:
        return None
    try:
        return datetime.datetime.fromisoformat(text).astimezone(datetime.UTC)
    except (ValueError, OverflowError) as error:
        raise typer.BadParameter(f"{text!r} is no time like 2026-01-31T19:30 or 2026-01-31T19:30+08:00") from error


Branch = Annotated[str, typer.Option("--branch", help='This branch and all below it ("A / B"); everything if absent.')]


def branch_path(text: str) -> tuple[str, ...]:
    """The parts of "A / B"."""
    return tuple(part.strip() for part in text.split("/") if part.strip())
