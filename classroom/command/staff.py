"""`classroom staff create`: the first organizer comes into being here; nothing has a default password."""

from __future__ import annotations

import secrets
from typing import Annotated

import typer

from classroom.command.office import ask
from classroom.command.options import Data, Json
from classroom.command.output import document

app = typer.Typer(help="People who sign in with a password.", no_args_is_help=True)
# No 0/O, 1/l/I: a password that is read aloud on the phone once.
LETTERS = "abcdefghjkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"
LENGTH = 14


@app.callback()
def staff() -> None:
    """Keeps `create` a subcommand although it is the only one."""


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="The name to sign in with.")],
    branch: Annotated[
        str, typer.Option(help='Sees this branch and all below it ("A / B"); everything if absent.')
    ] = "",
    prompt: Annotated[bool, typer.Option("--prompt", help="Ask for the password instead of drawing one.")] = False,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Make an organizer; prints a password drawn at random, once."""
    password = typer.prompt("Password", hide_input=True, confirmation_prompt=True) if prompt else draw_password()
    path = tuple(part.strip() for part in branch.split("/") if part.strip())
    ask(data, lambda office: office.create_staff(name, password, path))
    if as_json:
        document({"name": name, "branch": " / ".join(path), **({} if prompt else {"password": password})})
    elif prompt:
        typer.echo(f"{name} can sign in now")
    else:
        typer.echo(f"{name}  {password}")


def draw_password() -> str:
    return "".join(secrets.choice(LETTERS) for _ in range(LENGTH))
