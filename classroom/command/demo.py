"""`classroom demo`: a service, a lecture with people, and something to see, in one command."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import ipaddress
import signal
import socket
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import urljoin

import typer

from classroom.command.options import Data
from classroom.errors import ClassroomError

if TYPE_CHECKING:
    from classroom.io.demonstration_file import Demonstration
    from classroom.ports import Link, Office
    from classroom.settings import Settings

READY_SECONDS = 60.0
STOP_SECONDS = 20.0
LOG = "serve.log"
TITLE = "示范课程：流动不流失，离乡不离课"
LOG_TAIL = 2_000


class DemoError(ClassroomError):
    """The demonstration cannot start; the text says why."""


def demo(
    data: Data = None,
    host: Annotated[
        str | None, typer.Option(help="Serve other machines too, on this address, with a self-signed certificate.")
    ] = None,
    port: Annotated[int | None, typer.Option(help="The HTTP port.")] = None,
    udp_port: Annotated[int | None, typer.Option(help="The port of all media.")] = None,
) -> None:
    """Start the service with a demonstration lecture, publish a sample into it, and print the links."""
    asyncio.run(run(data, host, port, udp_port))


async def run(data: Path | None, host: str | None, port: int | None, udp_port: int | None) -> None:
    """Until Ctrl-C, SIGTERM, or the end of the terminal."""
    from classroom.settings import load

    plain = load(data_dir=data, http_port=port, udp_port=udp_port)
    environment, settings = configure(plain, host)
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with serving(settings, environment, stop) as service:
        if stop.is_set():
            return
        links, account = await prepared(settings)
        show(settings, links, account)
        await until_stopped(settings, account.lecture, links, service, stop)


# --- settings --------------------------------------------------------------------------------------------------------


def configure(plain: Settings, host: str | None) -> tuple[dict[str, str], Settings]:
    """What `classroom serve` is to find in its environment, and the settings that come of it.

    Alone, the service is reached at 127.0.0.1; media is advertised at the machine's own address as well, for some
    browsers send nothing to loopback. For others a certificate is made: a browser gives its camera to HTTPS only.
    """
    own = own_address()
    given: dict[str, Any] = {"data_dir": plain.data_dir.absolute(), "http_port": plain.http_port}
    given["udp_port"] = plain.udp_port
    if host is None:
        given["advertise"] = plain.advertise or tuple(dict.fromkeys((own, "127.0.0.1")))
    else:
        given |= for_others(plain, host, own)
    environment = {
        f"CLASSROOM_{name.upper()}": ",".join(value) if isinstance(value, tuple) else str(value)
        for name, value in given.items()
    }
    return environment, type(plain).model_validate({**plain.model_dump(), **given})


def for_others(plain: Settings, host: str, own: str) -> dict[str, Any]:
    import datetime

    from classroom.io.certificate_cryptography import self_signed

    address = resolved(host)
    everywhere = ipaddress.ip_address(address).is_unspecified
    reached = own if everywhere else address
    given: dict[str, Any] = {"http_host": address, "advertise": plain.advertise or tuple(dict.fromkeys((reached, own)))}
    if host != address:  # a name: people use the name
        given["public_url"] = f"https://{host}:{plain.http_port}"
    if plain.tls_cert is None:
        names = dict.fromkeys((reached if everywhere else host, reached, "localhost", "127.0.0.1"))
        folder = plain.data_dir.absolute() / "tls"
        cert, key = self_signed(folder, tuple(names), datetime.datetime.now(datetime.UTC))
        given |= {"tls_cert": cert, "tls_key": key}
    return given


def own_address() -> str:
    """This machine's address on its default route; 127.0.0.1 where there is none. Nothing is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe, contextlib.suppress(OSError):
        probe.connect(("192.0.2.1", 9))
        return str(probe.getsockname()[0])
    return "127.0.0.1"


def resolved(host: str) -> str:
    try:
        return str(socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)[0][4][0])
    except OSError as error:
        raise DemoError(f"--host {host}: {error.strerror}") from error


# --- the service -----------------------------------------------------------------------------------------------------


@contextlib.asynccontextmanager
async def serving(
    settings: Settings, environment: dict[str, str], stop: asyncio.Event
) -> AsyncIterator[asyncio.subprocess.Process]:
    """A `classroom serve` of its own, ready unless `stop` is set; out of reach of the terminal's Ctrl-C so that it is
    stopped last."""
    import os

    settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    log = settings.data_dir / LOG
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "classroom.command",
            "serve",
            env={**os.environ, **environment},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=output,
            start_new_session=True,
        )
    try:
        assert process.stdout is not None
        await asyncio.to_thread(import_the_rest)  # meanwhile: it takes as long as the service's start
        if not await ready(process.stdout, stop):
            raise DemoError(f"the service did not start:\n{log.read_text(errors='replace')[-LOG_TAIL:].strip()}")
        yield process
    finally:
        await stopped(process)


async def ready(said: asyncio.StreamReader, stop: asyncio.Event) -> bool:
    """Whether the service said its line, or nobody waits for it any more; false where it ended or takes too long."""
    line, stopping = asyncio.create_task(said.readline()), asyncio.create_task(stop.wait())
    try:
        await asyncio.wait((line, stopping), timeout=READY_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        return stop.is_set() or (line.done() and bool(line.result()))
    finally:
        line.cancel()
        stopping.cancel()


def import_the_rest() -> None:
    """What this program needs once the service is ready."""
    for module in ("office_unix", "publisher_aiortc", "qr_segno"):
        importlib.import_module(f"classroom.io.{module}")


async def stopped(process: asyncio.subprocess.Process) -> None:
    if process.returncode is not None:
        return
    process.terminate()
    try:
        async with asyncio.timeout(STOP_SECONDS):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()


# --- the lecture -----------------------------------------------------------------------------------------------------


async def prepared(settings: Settings) -> tuple[list[Link], Demonstration]:
    """The demonstration of this data folder: the last one where it is not over, else a new one."""
    from classroom.io.demonstration_file import Demonstration, keep, kept
    from classroom.io.office_unix import open_office

    async with open_office(settings) as office:
        last = kept(settings.data_dir)
        account = (last.name, last.password) if last is not None else await new_account(office)
        if last is None or not await goes_on(office, last.lecture):
            lecture = await new_lecture(office)
            last = Demonstration(lecture, *account)
            keep(settings.data_dir, last)
        return await office.links(last.lecture), last


async def new_account(office: Office) -> tuple[str, str]:
    """An organizer of everything; the number keeps apart what an earlier folder left in a shared database."""
    import secrets

    from classroom.command.staff import draw_password

    name, password = f"demo{secrets.randbelow(9000) + 1000}", draw_password()
    await office.create_staff(name, password)
    return name, password


async def goes_on(office: Office, lecture: str) -> bool:
    from attendance.facts import LectureState
    from classroom.errors import UserError

    try:
        info = await office.lecture(lecture)
    except UserError:
        return False
    return info.state not in (LectureState.ENDED, LectureState.PUBLISHED)


async def new_lecture(office: Office) -> str:
    import datetime
    from importlib.resources import files

    start = datetime.datetime.now(datetime.UTC).replace(microsecond=0)
    lecture = await office.create_lecture(TITLE, start, start + datetime.timedelta(hours=2))
    roster = files("classroom.sample").joinpath("roster.csv").read_bytes()
    await office.import_roster("roster.csv", roster, lecture.id)
    return lecture.id


# --- what a person sees ----------------------------------------------------------------------------------------------


def show(settings: Settings, links: list[Link], account: Demonstration) -> None:
    from classroom.io.qr_segno import terminal

    lecturer = next(link for link in links if link.role == "lecturer")
    member = next(link for link in links if link.role == "member")
    typer.echo(terminal(member.url))
    typer.echo(f"学员 member ({member.name}, {member.branch}), 二维码即此链接 the QR code above:\n  {member.url}\n")
    typer.echo(f"主讲人 lecturer:\n  {lecturer.url}\n")
    typer.echo(f"组织者 organizer:\n  {urljoin(member.url, '/console')}")
    typer.echo(f"  用户名 name: {account.name}   密码 password: {account.password}\n")
    if settings.tls_cert is not None:
        explain_certificate(settings.tls_cert)
    typer.echo("Ctrl-C 停止 stops everything; 数据保留在 the data stays in " + str(settings.data_dir))


def explain_certificate(cert: Path) -> None:
    from classroom.io.certificate_cryptography import read

    typer.echo(
        "The browser will say that the connection is not private, for the certificate is this machine's own: choose\n"
        "“Advanced”, then “Proceed” (浏览器会提示证书不受信任，请选“高级”→“继续前往”). The lecturer's browser then\n"
        f"asks for camera and microphone. The certificate's SHA-256 fingerprint:\n  {read(cert).fingerprint}\n"
    )


async def until_stopped(
    settings: Settings, lecture: str, links: list[Link], service: asyncio.subprocess.Process, stop: asyncio.Event
) -> None:
    publishing = asyncio.create_task(published(settings, lecture, links), name="sample")
    stopping = asyncio.create_task(stop.wait(), name="stop")
    ending = asyncio.create_task(service.wait(), name="service")
    try:
        await asyncio.wait({stopping, ending}, return_when=asyncio.FIRST_COMPLETED)
        if not stop.is_set():
            raise DemoError(f"the service ended by itself; see {settings.data_dir / LOG}")
    finally:
        for task in (publishing, stopping, ending):
            task.cancel()
        await asyncio.gather(publishing, stopping, ending, return_exceptions=True)


async def published(settings: Settings, lecture: str, links: list[Link]) -> None:
    """Sends the sample round and round until a real lecturer comes."""
    from importlib.resources import as_file, files

    from classroom.command.publish import link_of, say, trust, whip_address
    from classroom.io.media_av import examine
    from classroom.io.publisher_aiortc import Publisher

    link = link_of(links, "lecturer")
    with as_file(files("classroom.sample").joinpath("lecture.mp4")) as file:
        publisher = Publisher(
            await asyncio.to_thread(examine, file),
            whip_address(link, lecture, "lecturer"),
            link.ticket,
            loop=True,
            ready=urljoin(link.url, "/readyz"),
            tls=trust(settings.tls_cert),
        )
        try:
            ending = await publisher.run()
        except ClassroomError as error:
            say(f"样片停止 the sample stopped: {error}")
        else:
            say(f"样片停止 the sample stopped: {ending} (主讲人已接管 a lecturer is live)")
