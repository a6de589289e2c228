"""`classroom staff create|list|password|remove|token`: the first organizer comes into being here; nothing has a default
password."""

from __future__ import annotations

import secrets
from typing import Annotated

import typer

from classroom.command.office import ask
from classroom.command.options import Branch, Data, Json, branch_path
from classroom.command.output import document
from classroom.people.token import USUAL

app = typer.Typer(help="People who sign in with a password.", no_args_is_help=True)
# No 0/O, 1/l/I: a password that is read aloud on the phone once.
LETTERS = "abcdefghjkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"
LENGTH = 14

Name = Annotated[str, typer.Argument(help="The name to sign in with.")]
Prompt = Annotated[bool, typer.Option("--prompt", help="Ask for the password instead of drawing one.")]

token = typer.Typer(help="Tokens by which programs read attendance.", no_args_is_help=True)
app.add_typer(token, name="token")


@app.command()
def create(
    name: Name,
    branch: Branch = "",
    prompt: Prompt = False,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Make an organizer; prints a password drawn at random, once."""
    password = _password(prompt)
    path = branch_path(branch)
    ask(data, lambda office: office.create_staff(name, password, path))
    _say(name, {"branch": " / ".join(path)}, password, prompt, as_json)


@app.command("list")
def list_(data: Data = None, as_json: Json = False) -> None:
    """List those who may sign in, with their branch."""
    found = ask(data, lambda office: office.staff())
    if as_json:
        document(found)
        return
    for one in found:
        typer.echo(f"{one.name}  {one.branch or '(everything)'}")


@app.command()
def password(name: Name, prompt: Prompt = False, data: Data = None, as_json: Json = False) -> None:
    """Give somebody another password; prints it once, and signs them out."""
    chosen = _password(prompt)
    ask(data, lambda office: office.change_staff(name, password=chosen))
    _say(name, {}, chosen, prompt, as_json)


@app.command()
def remove(name: Name, data: Data = None, as_json: Json = False) -> None:
    """Sign somebody out for good; what they did stays in the audit."""
    removed = ask(data, lambda office: office.remove_staff(name))
    if as_json:
        document(removed)
    else:
        typer.echo(f"{removed.name} cannot sign in any more")


def _password(prompt: bool) -> str:
    return str(typer.prompt("Password", hide_input=True, confirmation_prompt=True)) if prompt else draw_password()


def _say(name: str, said: dict[str, str], password: str, prompt: bool, as_json: bool) -> None:
    if as_json:
        document({"name": name, **said, **({} if prompt else {"password": password})})
    elif prompt:
        typer.echo(f"{name} can sign in now")
    else:
        typer.echo(f"{name}  {password}")


def draw_password() -> str:
    return "".join(secrets.choice(LETTERS) for _ in range(LENGTH))


@token.command("create")
def create_token(
    name: Annotated[str, typer.Argument(help="What it is for; the audit shows it.")],
    staff: Annotated[str, typer.Option(help="Whose it is: the name they sign in with.")],
    branch: Annotated[
        str, typer.Option(help='Sees this branch and all below it ("A / B"); all that the person sees if absent.')
    ] = "",
    days: Annotated[int, typer.Option(help="How long it holds.", min=1)] = USUAL,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Make a token that reads lists of lectures, attendance and checks; prints it, once."""
    made = ask(data, lambda office: office.create_token(name, staff, branch_path(branch), days))
    if as_json:
        document(made)
    else:
        typer.echo(made.token)


@token.command("list")
def list_tokens(data: Data = None, as_json: Json = False) -> None:
    """Who has tokens, for what, until when, and when they were last used."""
    found = ask(data, lambda office: office.tokens())
    if as_json:
        document(found)
        return
    for one in found:
        until, used = (
            "never" if time is None else f"{time.astimezone():%Y-%m-%d %H:%M}" for time in (one.expires, one.used)
        )
        typer.echo(f"{one.id}  {one.name}  {one.staff}  {one.branch or '(everything)'}  until {until}, used {used}")


@token.command()
def revoke(
    identity: Annotated[str, typer.Argument(help="The token's id, as `list` shows it.", metavar="ID")],
    data: Data = None,
) -> None:
    """End a token at once."""
    ask(data, lambda office: office.revoke_token(identity))
    typer.echo(f"{identity} reads nothing any more")
