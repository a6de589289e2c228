"""What a demonstration keeps in its data folder, so that a second start shows the same links and sign-in."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

NAME = "demonstration.json"


class Demonstration(msgspec.Struct, frozen=True):
    """The lecture, and the organizer's sign-in: drawn at random, for this folder alone, readable by its owner alone."""

    lecture: str
    name: str
    password: str


def keep(folder: Path, demonstration: Demonstration) -> None:
    path, part = folder / NAME, folder / f"{NAME}.part"
    part.unlink(missing_ok=True)
    with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
        out.write(msgspec.json.encode(demonstration))
    part.replace(path)


def kept(folder: Path) -> Demonstration | None:
    """None where there is none, or none that can be read."""
    try:
        return msgspec.json.decode((folder / NAME).read_bytes(), type=Demonstration)
    except (OSError, msgspec.MsgspecError):
        return None
