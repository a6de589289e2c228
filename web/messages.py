"""Writes src/channel/messages.ts from classroom/room/messages.py: `python web/messages.py [--check]`."""

from __future__ import annotations

import enum
import pathlib
import sys
from typing import get_args

import msgspec
from msgspec import inspect

from classroom.room import messages

TARGET = pathlib.Path(__file__).parent / "src" / "channel" / "messages.ts"

HEADER = """\
// Generated from classroom/room/messages.py by `python web/messages.py`. Do not edit.
// Times are ISO 8601 with offset; docs/protocol.md §3 says when each message is sent.
"""

SIMPLE: dict[type[inspect.Type], str] = {
    inspect.StrType: "string",
    inspect.IntType: "number",
    inspect.FloatType: "number",
    inspect.BoolType: "boolean",
    inspect.NoneType: "null",
    inspect.DateTimeType: "string",
}


class Writer:
    """Collects the declarations that the two unions need, each once, dependencies first."""

    def __init__(self) -> None:
        self.declared: dict[str, str] = {}

    def name(self, kind: inspect.Type) -> str:
        """The TypeScript type for `kind`, declaring what it refers to."""
        if isinstance(kind, inspect.Metadata):
            return self.name(kind.type)
        if type(kind) in SIMPLE:
            return SIMPLE[type(kind)]
        if isinstance(kind, inspect.LiteralType):
            return " | ".join(_literal(value) for value in kind.values)
        if isinstance(kind, inspect.UnionType):
            return " | ".join(self.name(each) for each in kind.types)
        if isinstance(kind, inspect.VarTupleType):
            return f"{self._grouped(kind.item_type)}[]"
        if isinstance(kind, inspect.EnumType):
            return self._enum(kind.cls)
        if isinstance(kind, inspect.StructType):
            return self._struct(kind)
        raise TypeError(f"no TypeScript for {kind!r}")

    def _grouped(self, kind: inspect.Type) -> str:
        name = self.name(kind)
        return f"({name})" if " | " in name else name

    def _enum(self, cls: type[enum.Enum]) -> str:
        members = " | ".join(_literal(member.value) for member in cls)
        self.declared.setdefault(cls.__name__, f"export type {cls.__name__} = {members}\n")
        return cls.__name__

    def _struct(self, kind: inspect.StructType) -> str:
        name = kind.cls.__name__
        if name not in self.declared:
            lines = [f"  type: {_literal(kind.tag)}"] if kind.tag is not None else []
            from_client = kind.forbid_unknown_fields
            for field in kind.fields:
                # What we send always holds every field; what a page sends may leave out what has a default.
                mark = "?" if from_client and not field.required else ""
                lines.append(f"  {field.encode_name}{mark}: {self.name(field.type)}")
            self.declared[name] = f"export interface {name} {{\n" + "\n".join(lines) + "\n}\n"
        return name


def _literal(value: object) -> str:
    return msgspec.json.encode(value).decode()


def render() -> str:
    """The whole file."""
    writer = Writer()
    for union in (messages.ClientMessage, messages.ServerMessage):
        for member in get_args(union):
            writer.name(inspect.type_info(member))
    parts = [HEADER, f"export const VERSION = {messages.VERSION}\n"]
    codes = "\n".join(f"  {code.name}: {code.value}," for code in messages.Close)
    parts.append(f"export const Close = {{\n{codes}\n}} as const\n")
    parts.extend(writer.declared.values())
    for name in ("ClientMessage", "RoomMessage", "SingleMessage", "ServerMessage"):
        members = " | ".join(member.__name__ for member in get_args(getattr(messages, name)))
        parts.append(f"export type {name} = {members}\n")
    return "\n".join(parts)


def main(arguments: list[str]) -> int:
    text = render()
    if "--check" in arguments:
        fresh = TARGET.exists() and TARGET.read_text("utf-8") == text
        if not fresh:
            sys.stderr.write(f"{TARGET} is stale: run python web/messages.py\n")
        return 0 if fresh else 1
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    TARGET.write_text(text, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
