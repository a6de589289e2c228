"""What a sheet is made of: columns of a kind, and rows of cells."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from typing import NamedTuple

import msgspec


class Kind(enum.Enum):
    """How a cell is written, and in which unit the report gives it."""

    TEXT = enum.auto()
    WRAPPED = enum.auto()
    """A long text, over several lines."""
    COUNT = enum.auto()
    NUMBER = enum.auto()
    DURATION = enum.auto()
    """µs; None is *not measured*."""
    SHARE = enum.auto()
    """0 to 1; None is *not measured*."""
    TIME = enum.auto()
    """µs since the epoch, shown to the ms; None is nothing."""
    INSTANT = enum.auto()
    """The same, exact: what figures are reckoned from."""


class Indented(NamedTuple):
    """Text of a tree, `depth` levels below its top."""

    text: str
    depth: int


class Of(NamedTuple):
    """A cell of another kind than its column's."""

    kind: Kind
    value: str | int | float | None


Cell = str | int | float | Indented | Of | None


class Column(NamedTuple):
    """`key`: the heading, a word of `attendance.words`. `width` in characters."""

    key: str
    width: int
    kind: Kind = Kind.TEXT


class Table(msgspec.Struct, frozen=True):
    """One sheet. `name`: its title, a word of `attendance.words`. `printed`: so many columns go on paper, the others
    are for the screen; None: all. `by`: the columns by which a row is told from others, whatever their order."""

    name: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[Cell]]
    by: tuple[str, ...]
    printed: int | None = None
    portrait: bool = False
    filtered: bool = True
