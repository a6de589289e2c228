"""What a machine must offer before an evening: each check says what it found, and how to mend what is wrong.

Findings are `ok`, `warn` (works, but not for everybody or not for long) or `fail` (members would notice).
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import datetime
import enum
import ipaddress
import os
import resource
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
import msgspec

from classroom.io import certificate_cryptography
from classroom.io.office_unix import socket_path
from classroom.settings import Settings
from signaling.io.port_udp import RECEIVE_BUFFER, SEND_BUFFER

GIB = 1 << 30
DISK_WARN, DISK_FAIL = 2 * GIB, GIB // 4
DESCRIPTORS_BESIDE = 512  # database, files, pages being fetched
CERTIFICATE_WARN = datetime.timedelta(days=21)
TIMEX_BYTES = 512  # more than struct timex on any Linux
TIME_ERROR = 5  # adjtimex(2): the clock is not synchronized
CHECK_SECONDS = 10.0
LEAST_REDIS = (6, 2)


class State(enum.StrEnum):
    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


class Finding(msgspec.Struct, frozen=True):
    """`mend` is what to do, empty where nothing is wrong."""

    name: str
    state: State
    found: str
    mend: str = ""


Check = Callable[[Settings, bool], Awaitable[list[Finding]]]
"""The second argument: the service runs on this data folder now."""


async def checkup(settings: Settings) -> list[Finding]:
    """All checks in order. A check that fails in an unforeseen way is a finding too."""
    running = await service_ready(settings)
    findings = [running] if running is not None else []
    for check in CHECKS:
        try:
            async with asyncio.timeout(CHECK_SECONDS):
                findings += await check(settings, running is not None)
        except Exception as error:
            name = check.__name__.removesuffix("_check")
            findings.append(Finding(name, State.FAIL, f"{type(error).__name__}: {error}"))
    return findings


async def service_ready(settings: Settings) -> Finding | None:
    """What the running service says of itself; None where none runs."""
    async with _session(settings.data_dir) as session:
        try:
            async with session.get("/readyz") as answer:
                body = await answer.json(content_type=None)
                if answer.status == 200:
                    return Finding("service", State.OK, "running and ready")
                troubles = ", ".join(f"{name}: {why}" for name, why in body.get("troubles", {}).items())
                return Finding("service", State.FAIL, troubles or "not ready", "see the service's log")
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError):
            return None


async def ports_check(settings: Settings, running: bool) -> list[Finding]:
    places = (
        ("http port", socket.SOCK_STREAM, settings.http_host, settings.http_port, "CLASSROOM_HTTP_PORT"),
        ("udp port", socket.SOCK_DGRAM, "", settings.udp_port, "CLASSROOM_UDP_PORT"),
    )
    findings = []
    for name, kind, host, port, key in places:
        if running:
            findings.append(Finding(name, State.OK, f"{port}, held by the running service"))
            continue
        try:
            _bind(kind, host, port)
        except OSError as error:
            mend = f"stop what uses it, or choose another with {key}"
            findings.append(Finding(name, State.FAIL, f"{port}: {error.strerror}", mend))
        else:
            findings.append(Finding(name, State.OK, f"{port} is free"))
    return findings


async def certificate_check(settings: Settings, running: bool) -> list[Finding]:
    if settings.tls_cert is None:
        return [_without_certificate(settings)]
    certificate = certificate_cryptography.read(settings.tls_cert)
    left = certificate.ends - datetime.datetime.now(datetime.UTC)
    until = f"valid until {certificate.ends:%Y-%m-%d}, for {', '.join(certificate.names) or 'no name'}"
    if left < CERTIFICATE_WARN:
        state = State.FAIL if left < datetime.timedelta(0) else State.WARN
        return [Finding("certificate", state, until, "renew it, then restart the service")]
    host = urlsplit(settings.public_url or "").hostname
    if host is not None and not any(_covers(name, host) for name in certificate.names):
        return [Finding("certificate", State.FAIL, until, f"it does not name {host}, which members are sent to")]
    return [Finding("certificate", State.OK, until)]


def _without_certificate(settings: Settings) -> Finding:
    if settings.public_url is not None and settings.public_url.startswith("https:"):
        return Finding("certificate", State.OK, f"a proxy serves {settings.public_url}")
    if settings.http_host in ("127.0.0.1", "::1", "localhost"):
        return Finding("certificate", State.OK, "none; this machine alone is served")
    mend = "set CLASSROOM_TLS_CERT and CLASSROOM_TLS_KEY, or put a proxy before it: no camera without HTTPS"
    return Finding("certificate", State.FAIL, "none, and other machines are served", mend)


async def clock_check(settings: Settings, running: bool) -> list[Finding]:
    now = datetime.datetime.now(datetime.UTC)
    if not sys.platform.startswith("linux"):
        return [
            Finding("clock", State.OK, f"{now:%Y-%m-%d %H:%M:%S} UTC; whether it is synchronized is not known here")
        ]
    status = ctypes.CDLL(None, use_errno=True).adjtimex(ctypes.create_string_buffer(TIMEX_BYTES))
    if status in (TIME_ERROR, -1):
        mend = "attendance is told by this clock: install chrony or systemd-timesyncd"
        return [Finding("clock", State.WARN, f"{now:%Y-%m-%d %H:%M:%S} UTC, not synchronized", mend)]
    return [Finding("clock", State.OK, f"{now:%Y-%m-%d %H:%M:%S} UTC, synchronized")]


async def disk_check(settings: Settings, running: bool) -> list[Finding]:
    folder = settings.data_dir.absolute()
    while not folder.exists():
        folder = folder.parent
    status = os.statvfs(folder)
    free = status.f_bavail * status.f_frsize
    found = f"{free / GIB:.1f} GiB free for {settings.data_dir}"
    if not os.access(folder, os.W_OK):
        return [Finding("disk", State.FAIL, f"{folder} cannot be written", "give it to the service's user")]
    if free < DISK_WARN:
        state = State.FAIL if free < DISK_FAIL else State.WARN
        return [Finding("disk", state, found, "make room, or move CLASSROOM_DATA_DIR")]
    return [Finding("disk", State.OK, found)]


async def limits_check(settings: Settings, running: bool) -> list[Finding]:
    needed = settings.viewer_limit + DESCRIPTORS_BESIDE
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    files = Finding("open files", State.OK, f"{soft} (limit {hard})")
    if soft < needed:
        mend = f"{needed} for {settings.viewer_limit} viewers: LimitNOFILE=65536 in the unit, or ulimit -n 65536"
        files = Finding("open files", State.WARN, f"{soft} (limit {hard})", mend)
    return [files, *(_buffer(name, wanted) for name, wanted in BUFFERS)]


BUFFERS = (("rmem_max", RECEIVE_BUFFER), ("wmem_max", SEND_BUFFER))


def _buffer(name: str, wanted: int) -> Finding:
    path = Path("/proc/sys/net/core") / name
    try:
        allowed = int(path.read_text())
    except (OSError, ValueError):
        return Finding(name, State.OK, "not known on this system")
    found = f"{allowed >> 10} KiB"
    if allowed < wanted and os.geteuid() != 0:  # root may exceed it
        return Finding(name, State.WARN, found, f"sysctl -w net.core.{name}={wanted}")
    return Finding(name, State.OK, found)


async def advertised_check(settings: Settings, running: bool) -> list[Finding]:
    from signaling.io.process_epoll import advertised

    addresses = [address for address, _ in advertised(settings.advertise, "::", settings.udp_port)]
    how = "as configured" if settings.advertise else "found by the default route"
    found = f"{', '.join(addresses)}, {how}"
    for_others = settings.public_url is not None or settings.http_host not in ("127.0.0.1", "::1", "localhost")
    kinds = [ipaddress.ip_address(address) for address in addresses]
    if for_others and all(kind.is_loopback for kind in kinds):
        mend = "set CLASSROOM_ADVERTISE to the address that members reach"
        return [Finding("advertised address", State.FAIL, found, mend)]
    if for_others and all(kind.is_private for kind in kinds):
        mend = "members outside this network reach only a public address: set CLASSROOM_ADVERTISE, forward the UDP port"
        return [Finding("advertised address", State.WARN, found, mend)]
    return [Finding("advertised address", State.OK, found)]


async def database_check(settings: Settings, running: bool) -> list[Finding]:
    from sqlalchemy import text

    from attendance.io.engine_sqlalchemy import READ_ONLY, normalize_url, open_engine

    url = normalize_url(settings.database)
    kind = url.get_backend_name()
    if kind == "sqlite" and not os.access(url.database or "", os.F_OK):
        return [Finding("database", State.OK, f"SQLite, made at the first start: {url.database}")]
    engine = open_engine(settings.database)
    try:
        async with engine.connect() as connection:
            await connection.execution_options(**READ_ONLY)
            question = "SELECT sqlite_version()" if kind == "sqlite" else "SHOW server_version"
            version = (await connection.execute(text(question))).scalar_one()
    except Exception as error:
        mend = "check CLASSROOM_DATABASE_URL and that the server is up"
        return [Finding("database", State.FAIL, f"{kind}: {str(error).splitlines()[0][:200]}", mend)]
    finally:
        await engine.dispose()
    return [Finding("database", State.OK, f"{kind} {version}")]


async def redis_check(settings: Settings, running: bool) -> list[Finding]:
    if settings.redis_url is None:
        return []
    from redis.asyncio import Redis
    from redis.exceptions import RedisError

    async with Redis.from_url(settings.redis_url.get_secret_value(), socket_timeout=3) as client:
        try:
            version = str((await client.info("server"))["redis_version"])
        except (RedisError, OSError) as error:
            mend = "check CLASSROOM_REDIS_URL and that the server is up"
            return [Finding("redis", State.FAIL, str(error)[:200], mend)]
    if tuple(int(part) for part in version.split(".")[:2]) < LEAST_REDIS:
        return [Finding("redis", State.FAIL, version, "Redis 6.2 or later is needed")]
    return [Finding("redis", State.OK, version)]


async def nodes_check(settings: Settings, running: bool) -> list[Finding]:
    """Whether the addresses that pages are given of the nodes answer, as far as that can be seen from here."""
    if settings.redis_url is None:
        return []
    if not settings.node_urls:
        mend = "set CLASSROOM_NODE_URLS to the addresses of all nodes: pages send their media there and nowhere else"
        return [Finding("nodes", State.WARN, "no addresses of nodes are set", mend)]
    return list(await asyncio.gather(*(_node_answers(url) for url in settings.node_urls)))


async def _node_answers(url: str) -> Finding:
    try:
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5)) as session,
            session.get(f"{url}/healthz") as answer,
        ):
            if answer.status == 200:
                return Finding("nodes", State.OK, f"{url} answers")
            found = f"{url} answers {answer.status}"
    except (aiohttp.ClientError, TimeoutError) as error:
        found = f"{url}: {str(error)[:120] or type(error).__name__}"
    return Finding("nodes", State.WARN, found, "start that node, or let its proxy pass this address to it")


async def packets_check(settings: Settings, running: bool) -> list[Finding]:
    """Which way the packets go: chosen here as the relay chooses it at its start, on a port of its own."""
    return [await asyncio.to_thread(_packet_path, settings)]


def _packet_path(settings: Settings) -> Finding:
    from signaling.io.libsrtp_address import Unavailable
    from signaling.io.packet_path import choose
    from signaling.io.port_udp import UdpPort

    port = UdpPort.bind("", 0)
    try:
        path = choose(port, settings.packet_path)
    except Unavailable as error:
        mend = "set CLASSROOM_PACKET_PATH to auto, or mend what is missing"
        return Finding("packet path", State.FAIL, f"compiled is asked for and cannot be had: {error}", mend)
    finally:
        port.close()
    found = f"{path.name} ({path.detail})"
    if path.missing is None:
        return Finding("packet path", State.OK, found)
    mend = "costs up to twice the CPU for each viewer; CLASSROOM_PACKET_PATH=reference if that is meant"
    return Finding("packet path", State.WARN, f"{found}: {path.missing}", mend)


async def pages_check(settings: Settings, running: bool) -> list[Finding]:
    from classroom.io.pages_aiohttp import built

    if (built() / "index.html").is_file():
        return [Finding("pages", State.OK, "built")]
    return [Finding("pages", State.FAIL, "not built", "make setup")]


CHECKS: tuple[Check, ...] = (
    ports_check,
    certificate_check,
    clock_check,
    disk_check,
    limits_check,
    advertised_check,
    database_check,
    redis_check,
    nodes_check,
    packets_check,
    pages_check,
)


def _bind(kind: socket.SocketKind, host: str, port: int) -> None:
    family, _, protocol, _, address = socket.getaddrinfo(host or None, port, type=kind, flags=socket.AI_PASSIVE)[0]
    with socket.socket(family, kind, protocol) as probe:
        if kind is socket.SOCK_STREAM:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(address)


def _covers(name: str, host: str) -> bool:
    """RFC 6125: an asterisk stands for one whole label."""
    return name.lower() == host or (name.startswith("*.") and host.partition(".")[2] == name[2:].lower())


@contextlib.asynccontextmanager
async def _session(folder: Path) -> AsyncIterator[aiohttp.ClientSession]:
    with socket_path(folder) as path:
        connector = aiohttp.UnixConnector(path)
        timeout = aiohttp.ClientTimeout(total=5)
        async with aiohttp.ClientSession("http://classroom", connector=connector, timeout=timeout) as session:
            yield session
