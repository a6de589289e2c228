"""The web process: constructs everything and joins it. Started by the parent: `python -m classroom.service START`."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import os
import random
import signal
import socket
import ssl
import sys
import time
from collections.abc import AsyncIterator, Coroutine, Iterator
from pathlib import Path
from typing import Any

import msgspec
from aiohttp import web
from sqlalchemy import text

from attendance.io.engine_sqlalchemy import READ_ONLY
from classroom.admission import TicketAdmission
from classroom.by_code import CodeDoor
from classroom.errors import SettingsError
from classroom.evidence import Witness
from classroom.io.access_aiohttp import AccessLog
from classroom.io.attendance_aiohttp import AttendanceHandlers
from classroom.io.audit_aiohttp import AuditHandlers, noting
from classroom.io.branches_aiohttp import BranchHandlers
from classroom.io.channel_aiohttp import Channel
from classroom.io.clock_time import SystemClock
from classroom.io.code_aiohttp import CodeDesk, CodeHandlers
from classroom.io.errands_asyncio import Errands
from classroom.io.excuses_aiohttp import ExcuseHandlers
from classroom.io.health_aiohttp import Check, Health, disk_check
from classroom.io.join_aiohttp import JoinHandlers
from classroom.io.lectures_aiohttp import LectureHandlers
from classroom.io.lock_fcntl import DataFolderInUse, data_lock
from classroom.io.logs_structlog import configure
from classroom.io.metrics_prometheus import Meter
from classroom.io.node_asyncio import Node
from classroom.io.office_unix import socket_path
from classroom.io.pages_aiohttp import HEADERS, Pages, policy, protection
from classroom.io.parent_subprocess import BACKLOG, FATAL, Start
from classroom.io.privacy_sqlalchemy import JournalKeeper
from classroom.io.record_aiohttp import RecordHandlers
from classroom.io.records_aiohttp import RecordsHandlers
from classroom.io.records_attendance import RoomFacts
from classroom.io.relay_asyncio import LOAD_AGE, RelayFollower
from classroom.io.reports_aiohttp import ReportHandlers
from classroom.io.retention_asyncio import Retention
from classroom.io.rooms_asyncio import Rooms
from classroom.io.roster_aiohttp import RosterHandlers
from classroom.io.rules_aiohttp import RuleHandlers
from classroom.io.rules_attendance import LedgerRules
from classroom.io.session_aiohttp import ConsoleDoor, CookieGuard, Guard, OperatorGuard, SessionHandlers
from classroom.io.sites_aiohttp import SiteHandlers
from classroom.io.staff_aiohttp import StaffHandlers
from classroom.io.stage_aiohttp import StageHandlers
from classroom.io.stores_sqlalchemy import Stores, base_url, open_stores
from classroom.io.talk_aiohttp import TalkHandlers
from classroom.io.token_aiohttp import TokenGuard, TokenHandlers
from classroom.io.trail_aiohttp import TrailHandlers
from classroom.io.watching_aiohttp import WatchingHandlers
from classroom.io.year_aiohttp import OwnYearHandlers, YearHandlers
from classroom.room.lecture import UNDER_WAY
from classroom.settings import Settings, load
from signaling.control import Load
from signaling.io.control_unix import UnixRelay
from signaling.io.whep_aiohttp import WhepHandlers
from signaling.io.whip_aiohttp import WhipHandlers
from signaling.session.turnstile import Turnstile

DRAIN_WITHIN = 3.0
REQUEST_WITHIN = 75.0
"""Seconds that a connection may take for its first, or its next, request line and headers: longer than a proxy keeps an
idle connection, short enough for whoever opens many and says nothing."""
GARBAGE_EVERY = (5_000, 5, 40)
"""How many new objects make the collector look at the young, how often that at the middle-aged, and that at all: a
member who comes in brings 240 that stay, and by Python's own thresholds a thousand of them coming in would have all
looked at fifteen times, at 100 ms each in the end."""
LOCK_WITHIN = 20.0
READY_POLL = 0.02

_log = logging.getLogger(__name__)


class Service:
    """One web process over its stores."""

    def __init__(
        self, settings: Settings, stores: Stores, relay: UnixRelay, port: int, node: Node | None = None
    ) -> None:
        self._settings = settings
        self._stores = stores
        self._relay = relay
        self._draining = False
        clock = stores.clock
        meter = Meter()
        witness = Witness(clock.at, stores.keys.proofs)
        self._errands = Errands(stores.recorder)
        self.rooms = Rooms(
            clock,
            self._errands,
            stores.ledger,
            stores.journal,
            stores.lectures,
            stores.roster,
            relay,
            witness,
            meter.quality,
            node,
        )
        stores.recorder.follow(self.rooms.observe)
        self._follower = RelayFollower(relay, self.rooms, witness, self._errands, stores.roster, clock, meter.load)
        admission = TicketAdmission(
            stores.door,
            self.rooms,
            self._follower,
            witness,
            self._errands,
            clock,
            settings.viewer_limit,
            stores.keys.proofs,
        )

        def turnstile() -> Turnstile:
            return Turnstile(settings.entering_at_once, random.random)

        self._guard = CookieGuard(stores.staff, stores.keys.sessions, clock)
        door = ConsoleDoor(self._guard)
        self.channel = Channel(self.rooms, admission, door, turnstile(), clock, settings.public_url)
        self._base_url = base_url(settings, port)
        facts = RoomFacts(self.rooms, self._errands)
        self._records, self._sites = stores.records(facts), stores.sites(self._base_url, facts)
        self._rules = LedgerRules(self.rooms, self._errands, stores.turn)
        self._reports = stores.reports()
        self._office = stores.office(self.rooms, self._base_url, self._records, self._rules, self._reports, self._sites)
        self._evening = stores.evening(self.rooms)
        self._retention = Retention(settings.retention_days, JournalKeeper(stores.engine), stores.roster, clock)
        self._by_code = CodeDoor(stores.lectures, stores.roster, stores.door, self._errands, clock, stores.keys.proofs)
        self._health = Health(self._checks(), meter.exposition)
        self._open_routes = [
            *WhipHandlers(admission, relay, turnstile()).routes(),
            *WhepHandlers(admission, relay, turnstile()).routes(),
            *self.channel.routes(),
            *JoinHandlers(admission, self.rooms, turnstile(), settings.retention_days).routes(),
            *CodeHandlers(self._by_code, turnstile()).routes(),
            *WatchingHandlers(self._sites, stores.door, self._by_code, turnstile(), stores.aside, clock).routes(),
            *RecordHandlers(admission, self._records, turnstile(), clock).routes(),
            *OwnYearHandlers(admission, stores.years, turnstile()).routes(),
            *Pages(public_url=self._base_url, title_of=self.rooms.title).routes(),
        ]
        meter.watch("sockets", "Channel sockets open", lambda: len(self.channel))
        meter.watch("rooms", "Lectures in this process", lambda: len(self.rooms))
        if node is not None:
            meter.watch("bus_away", "Whether the way to the other nodes is away", lambda: int(node.away))
        meter.watch("facts_waiting", "Facts that are not stored yet", lambda: stores.recorder.waiting)

    def public(self) -> web.Application:
        """What the HTTP port serves; staff sign in."""
        stores, clock = self._stores, self._stores.clock
        guard = self._guard
        by_token = TokenGuard(stores.tokens, guard, clock)
        secure = self._base_url.startswith("https:")
        session = SessionHandlers(guard, stores.staff, stores.passwords, clock, secure)
        headers = HEADERS | {"Content-Security-Policy": policy(self._settings.node_urls, self._base_url)}
        app = web.Application(middlewares=[protection(headers), noting(stores.audit)])
        app.add_routes([*self._open_routes, *session.routes(), *self._staff_routes(by_token), *self._health.routes()])
        return app

    def private(self) -> web.Application:
        """What the data folder's Unix socket serves; whoever may open it is an operator."""
        app = web.Application(middlewares=[noting(self._stores.audit)])
        app.add_routes([*self._open_routes, *self._staff_routes(OperatorGuard()), *self._health.private_routes()])
        return app

    def _staff_routes(self, guard: Guard) -> list[web.RouteDef]:
        stores, office = self._stores, self._office
        return [
            *CodeDesk(self._by_code, guard).routes(),
            *LectureHandlers(office, guard, stores.aside).routes(),
            *AuditHandlers(stores.audit, stores.roster, guard).routes(),
            *StaffHandlers(office, guard).routes(),
            *TokenHandlers(office, guard).routes(),
            *RosterHandlers(office, stores.registrar(self.rooms), stores.roster, guard).routes(),
            *BranchHandlers(stores.registrar(self.rooms), stores.roster, guard).routes(),
            *YearHandlers(stores.years, guard, stores.aside).routes(),
            *ExcuseHandlers(self._records, stores.roster, guard).routes(),
            *RecordsHandlers(self._records, guard).routes(),
            *SiteHandlers(self._sites, guard).routes(),
            *RuleHandlers(self._rules, guard, stores.staff, stores.roster, self._reports).routes(),
            *StageHandlers(self._evening, guard).routes(),
            *TrailHandlers(office, stores.journal, stores.roster, stores.staff, guard).routes(),
            *TalkHandlers(office, guard, stores.journal, stores.roster, stores.staff, stores.aside).routes(),
            *ReportHandlers(office, guard, stores.aside).routes(),
            *AttendanceHandlers(office, guard, stores.roster, self.rooms, stores.clock, self._load).routes(),
        ]

    def _load(self) -> Load | None:
        return self._follower.load

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        async with self._errands.open(), self.rooms.open(), asyncio.TaskGroup() as tasks:
            running = [
                tasks.create_task(self._relay.run(), name="relay connection"),
                tasks.create_task(self._follower.run(), name="relay events"),
                tasks.create_task(self.channel.run(), name="channel pings"),
                tasks.create_task(self._retention.run(), name="retention"),
                tasks.create_task(self._stores.years.run(), name="outcomes"),
            ]
            going = [row.id for row in await self._stores.lectures.all() if row.state in UNDER_WAY]
            await self.rooms.take_up(going)
            yield
            self._draining = True
            await self.channel.drain(DRAIN_WITHIN)
            for task in running:
                task.cancel()

    async def ready(self) -> None:
        """Returns when nothing is wrong."""
        while troubles := await self._health.troubles():
            _log.debug("not ready: %s", troubles)
            await asyncio.sleep(READY_POLL)

    def _checks(self) -> dict[str, Check]:
        return {
            "service": self._check_service,
            "database": self._check_database,
            "relay": self._check_relay,
            "disk": disk_check(self._settings.data_dir),
        }

    async def _check_service(self) -> str | None:
        return "stopping" if self._draining else None

    async def _check_database(self) -> str | None:
        async with self._stores.engine.connect() as connection:
            await connection.execution_options(**READ_ONLY)
            await connection.execute(text("SELECT 1"))
        return "facts wait for it" if self._stores.recorder.away else None

    async def _check_relay(self) -> str | None:
        seen = self._follower.seen
        if seen is None:
            return "not connected"
        silent = time.monotonic() - seen
        return None if silent <= LOAD_AGE else f"silent for {silent:.0f} s"


async def serve(settings: Settings, start: Start) -> None:
    """Until SIGTERM or SIGINT; then it drains. Raises `SettingsError` where it cannot start."""
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    listening = socket.socket(fileno=start.http)
    tls = _tls(settings)
    port = listening.getsockname()[1]
    async with contextlib.AsyncExitStack() as stack:
        await _hold(stack, settings.data_dir)
        stores = await stack.enter_async_context(open_stores(settings, SystemClock()))
        node = await _node(stack, settings, stores, port)
        service = Service(settings, stores, UnixRelay(Path(start.control)), port, node)
        public, private = runner_of(service.public()), runner_of(service.private())
        for runner in (public, private):
            await runner.setup()
            stack.push_async_callback(runner.cleanup)
        async with service.open():
            with _unix_socket(settings.data_dir) as unix:
                await web.SockSite(private, unix).start()
                await web.SockSite(public, listening, ssl_context=tls, backlog=BACKLOG).start()
                gc.collect()
                gc.freeze()  # what lives from here on is the evening's; the rest is never scanned again
                gc.set_threshold(*GARBAGE_EVERY)
                await _first(service.ready(), stopping.wait())
                if not stopping.is_set():
                    with contextlib.suppress(BrokenPipeError):
                        os.write(start.ready, base_url(settings, port).encode() + b"\n")
                await stopping.wait()
            for site in tuple(public.sites):
                await site.stop()


async def _node(stack: contextlib.AsyncExitStack, settings: Settings, stores: Stores, port: int) -> Node | None:
    """None where this process is the whole service, which then never loads what joins nodes."""
    if settings.redis_url is None:
        return None
    from classroom.io.nodes_redis import open_node

    url = settings.node_url or base_url(settings, port)
    return await stack.enter_async_context(open_node(settings.redis_url.get_secret_value(), url, settings, stores))


async def _first(*works: Coroutine[Any, Any, Any]) -> None:
    """Until one of them is done; the others are cancelled. Raises what that one raised."""
    tasks = [asyncio.create_task(work) for work in works]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    for task in done:
        task.result()


async def _hold(stack: contextlib.AsyncExitStack, folder: Path) -> None:
    """The data folder's lock. A command that works on it just now is waited for."""
    deadline = time.monotonic() + LOCK_WITHIN
    while True:
        try:
            stack.enter_context(data_lock(folder))
        except DataFolderInUse:
            if time.monotonic() > deadline:
                raise
            await asyncio.sleep(0.05)
        else:
            return


def runner_of(app: web.Application) -> web.AppRunner:
    """How an application is served, whoever connects."""
    return web.AppRunner(
        app,
        access_log_class=AccessLog,
        access_log=logging.getLogger("classroom.access"),
        shutdown_timeout=DRAIN_WITHIN,
        keepalive_timeout=REQUEST_WITHIN,
    )


@contextlib.contextmanager
def _unix_socket(folder: Path) -> Iterator[socket.socket]:
    """Listening, for its owner alone. One left by a predecessor is replaced: the folder's lock says that it is gone."""
    with socket_path(folder) as path:
        Path(path).unlink(missing_ok=True)
        unix = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        mask = os.umask(0o177)
        try:
            unix.bind(path)
        finally:
            os.umask(mask)
        try:
            yield unix
        finally:  # the runner closes the socket
            Path(path).unlink(missing_ok=True)


def _tls(settings: Settings) -> ssl.SSLContext | None:
    if settings.tls_cert is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(settings.tls_cert, settings.tls_key)
    except (OSError, ssl.SSLError) as error:
        raise SettingsError(f"CLASSROOM_TLS_CERT, CLASSROOM_TLS_KEY: they cannot be used: {error}") from error
    return context


def main(arguments: list[str]) -> int:
    start = msgspec.json.decode(arguments[0], type=Start)
    try:
        settings = load(None if start.config is None else Path(start.config))
        configure(settings.log_level)
        asyncio.run(serve(settings, start))
    except SettingsError as error:
        with contextlib.suppress(OSError):  # who reads the log may be gone; the status must tell all the same
            os.write(2, f"classroom: {error}\n".encode())
        return FATAL
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
