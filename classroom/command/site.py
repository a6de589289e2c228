"""`classroom site create|list`."""

from __future__ import annotations

from typing import Annotated

import typer

from classroom.command.office import ask
from classroom.command.options import Data, Json, LectureId
from classroom.command.output import document
from classroom.errors import UserError
from classroom.ports import Link, Office, SiteInfo

app = typer.Typer(help="Sites where members watch together on one screen.", no_args_is_help=True)


@app.command()
def create(
    lecture: LectureId,
    place: Annotated[str, typer.Option(help="What people call the place, as 党员活动室.")],
    branch: Annotated[str, typer.Option(help="Whose members watch there, with all below it: A / B.")],
    host: Annotated[str, typer.Option(help="Who answers for it: a member's name, or id where two have one name.")],
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Make a site and print the link that its host opens at the screen."""
    path = tuple(part.strip() for part in branch.split("/") if part.strip())

    async def question(office: Office) -> tuple[SiteInfo, str]:
        member = chosen(await office.links(lecture), path, host)
        made = await office.create_site(lecture, place, path, member)
        return made, await office.site_link(lecture, made.id)

    show([ask(data, question)], as_json)


@app.command("list")
def list_(lecture: LectureId, data: Data = None, as_json: Json = False) -> None:
    """List the lecture's sites: state, who is checked in, the host's headcount and link."""

    async def question(office: Office) -> list[tuple[SiteInfo, str]]:
        return [(site, await office.site_link(lecture, site.id)) for site in await office.sites(lecture)]

    show(ask(data, question), as_json)


def chosen(links: list[Link], path: tuple[str, ...], host: str) -> str:
    """The one member who is meant; of several of one name the one of the site's branch. Raises `UserError`."""
    members = [link for link in links if link.role == "member"]
    found = [link for link in members if link.member == host] or [link for link in members if link.name == host]
    if len(found) > 1:
        found = [link for link in found if tuple(link.branch.split(" / "))[: len(path)] == path]
    if len(found) != 1:
        raise UserError("no-such-member" if not found else "two-of-one-name", host[:64])
    return found[0].member


def show(sites: list[tuple[SiteInfo, str]], as_json: bool) -> None:
    if as_json:
        document([{"site": site, "url": url} for site, url in sites])
        return
    for site, url in sites:
        heads = "-" if site.heads is None else str(site.heads)
        where = " · ".join((site.branch, site.place, site.host_name))
        typer.echo(f"{site.id}  {site.state:<7}  {site.present:>4}/{heads:<4}  {where}  {url}")
