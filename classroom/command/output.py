"""What the command line prints: JSON for programs, sentences for people, errors in words."""

from __future__ import annotations

import json
import os
from typing import Any

import msgspec
import typer

from attendance.errors import AttendanceError
from classroom.errors import SENTENCES, ClassroomError, UserError, sentence
from classroom.ports import Language


def document(value: Any) -> None:
    """One JSON document on standard output."""
    typer.echo(json.dumps(msgspec.to_builtins(value), ensure_ascii=False))


def language() -> Language:
    """The terminal's: Chinese where its locale is."""
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        if chosen := os.environ.get(name):
            return "zh" if chosen.startswith("zh") else "en"
    return "en"


def explain(error: Exception) -> str | None:
    """A sentence for an error that a person can mend; None for one that is the program's own fault."""
    match error:
        case UserError():
            return sentence_of(error)
        case ClassroomError() | AttendanceError() | OSError():
            return str(error)
        case _:
            return None


def sentence_of(error: UserError) -> str:
    if error.reason not in SENTENCES:
        return str(error)
    said = sentence(error.reason, language())
    return f"{said} ({error.detail})" if error.detail else said
