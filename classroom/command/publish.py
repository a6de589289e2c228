"""`classroom publish`: a film into a lecture, without a browser."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal
from urllib.parse import urljoin

import typer

from classroom.command.office import ask
from classroom.command.options import Data
from classroom.command.progress import filling
from classroom.errors import UserError

if TYPE_CHECKING:
    import ssl

    from classroom.io.publisher_aiortc import Ending, Publisher
    from classroom.ports import Link

Slot = Literal["lecturer", "screen", "host", "guest"]


def publish(
    file: Annotated[Path, typer.Argument(help="A film: whatever FFmpeg reads.", exists=True, dir_okay=False)],
    lecture: Annotated[str | None, typer.Option(metavar="ID", help="A lecture of this data folder.")] = None,
    slot: Annotated[Slot, typer.Option(help="Where it is shown.")] = "lecturer",
    url: Annotated[str | None, typer.Option(help="A WHIP address, instead of --lecture.")] = None,
    ticket: Annotated[str | None, typer.Option(envvar="CLASSROOM_TICKET", help="Its ticket, with --url.")] = None,
    loop: Annotated[bool, typer.Option("--loop", help="Begin again at the end, until stopped.")] = False,
    authority: Annotated[
        Path | None, typer.Option("--ca", help="A certificate to trust beside the system's.", dir_okay=False)
    ] = None,
    data: Data = None,
) -> None:
    """Send a film into a lecture over WHIP, for a rehearsal or a recorded lecture.

    H.264 baseline and Opus are copied as they are; everything else is encoded again.
    """
    if (lecture is None) == (url is None):
        raise typer.BadParameter("give either --lecture, or --url with --ticket")
    if lecture is not None:
        address, ticket, authority = of_lecture(data, lecture, slot, authority)
    elif url is None or ticket is None:
        raise typer.BadParameter("--url needs --ticket")
    else:
        address = url
    from classroom.io.media_av import examine
    from classroom.io.publisher_aiortc import Publisher

    film = examine(file)
    for medium in film.media:
        say(f"{medium.kind}: {medium.codec}, " + ("copied" if medium.copy else f"encoded again ({medium.reason})"))
    with filling(file.name, float(film.seconds)) as show:

        async def work() -> Ending:
            publisher = Publisher(
                film,
                address,
                ticket,
                loop=loop,
                ready=urljoin(address, "/readyz"),
                tls=trust(authority),
                tell=say,
            )
            return await send(publisher, show)

        ending = asyncio.run(work())
    if ending == "replaced":
        say(f"somebody else publishes to {slot} now: stopped")


def of_lecture(data: Path | None, lecture: str, slot: Slot, authority: Path | None) -> tuple[str, str, Path | None]:
    """The WHIP address and ticket of a slot, from the lecture's own links; the service's certificate is trusted."""
    from classroom.settings import load

    link = link_of(ask(data, lambda office: office.links(lecture)), "lecturer" if slot == "screen" else slot)
    return whip_address(link, lecture, slot), link.ticket, authority or load(data_dir=data).tls_cert


def link_of(links: list[Link], role: str) -> Link:
    for link in links:
        if link.role == role:
            return link
    raise UserError("no-such-member", role)


def whip_address(link: Link, lecture: str, slot: str) -> str:
    return urljoin(link.url, f"/whip/{lecture}/{slot}")


def trust(authority: Path | None) -> ssl.SSLContext | None:
    """The system's authorities and one more; None where they are enough."""
    if authority is None:
        return None
    import ssl

    context = ssl.create_default_context()
    context.load_verify_locations(authority)
    return context


async def send(publisher: Publisher, show: Callable[[float], None]) -> Ending:
    """Runs the publisher to its end; SIGTERM and Ctrl-C end the session in order."""
    loop = asyncio.get_running_loop()
    running = asyncio.ensure_future(publisher.run())
    with on_terminate(loop, running):
        try:
            while not running.done():
                await asyncio.wait({running}, timeout=0.5)
                show(publisher.playback.position)
        except asyncio.CancelledError:
            running.cancel()
            await asyncio.wait({running})
            raise
        return running.result()


@contextlib.contextmanager
def on_terminate(loop: asyncio.AbstractEventLoop, task: asyncio.Future[Ending]) -> Iterator[None]:
    loop.add_signal_handler(signal.SIGTERM, task.cancel)
    try:
        yield
    finally:
        loop.remove_signal_handler(signal.SIGTERM)


def say(sentence: str) -> None:
    typer.echo(sentence, err=True)
