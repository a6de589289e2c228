"""The REST handlers for staff in a place of their own: stores in a folder, two organizers, one lecture."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from aiohttp import ClientResponse, web
from aiohttp.test_utils import TestClient, TestServer
from pydantic import SecretStr

from attendance.facts import LectureState
from classroom.admission import Entry
from classroom.io.attendance_aiohttp import AttendanceHandlers
from classroom.io.audit_aiohttp import AuditHandlers, noting
from classroom.io.branches_aiohttp import BranchHandlers
from classroom.io.excuses_aiohttp import ExcuseHandlers
from classroom.io.lectures_aiohttp import LectureHandlers
from classroom.io.record_aiohttp import RecordHandlers
from classroom.io.records_aiohttp import RecordsHandlers
from classroom.io.reports_aiohttp import ReportHandlers
from classroom.io.roster_aiohttp import RosterHandlers
from classroom.io.session_aiohttp import CookieGuard, SessionHandlers
from classroom.io.staff_aiohttp import StaffHandlers
from classroom.io.stores_sqlalchemy import Stores, open_stores
from classroom.io.talk_aiohttp import TalkHandlers
from classroom.io.token_aiohttp import TokenGuard, TokenHandlers
from classroom.io.year_aiohttp import OwnYearHandlers, YearHandlers
from classroom.office import RecorderDesk, StoreOffice
from classroom.people.ticket import TicketError
from classroom.ports import RollCall, Standing
from classroom.settings import Settings
from signaling.control import Load
from signaling.errors import Refusal, Refused
from signaling.session.turnstile import Turnstile

LOAD = Load(1.0, 1, 2, 3, 4, 5, {}, 0.1, uplink_used=720_000_000, uplink_limit=900_000_000)
OURS = {"X-Requested-With": "classroom"}
PASSWORD = "correct horse"
ROSTER = (
    "姓名,支部,手机\n张伟,镇巴县/泾洋街道党支部,13800000000\n李娜,镇巴县/永乐镇党支部,\n王芳,西乡县/城关党支部,13900000000\n"
).encode()


class HandClock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.time = 1_800_000_000_000_000

    def now(self) -> int:
        return self.time

    def at(self, monotonic: float) -> int:
        return int(monotonic * 1_000_000)

    def advance(self, floor: int) -> None:
        self.time = max(self.time, floor)


class Standings:
    def __init__(self) -> None:
        self.known: dict[str, Standing] = {}
        self.started: int | None = None
        self.counted: int | None = None

    async def roll(self, lecture: str) -> RollCall:
        return RollCall(self.started, self.counted, dict(self.known))


class Doorman:
    """Reads tickets, and lets everybody in who has one."""

    def __init__(self, stores: Stores) -> None:
        self._stores = stores

    async def read(self, ticket: str) -> Entry:
        try:
            invitation = await self._stores.door.read(ticket, self._stores.clock.now())
        except TicketError as error:
            raise Refused(Refusal(error.reason)) from error
        row = await self._stores.lectures.get(invitation.lecture)
        return Entry(invitation, LectureState.PLANNED if row is None else row.state)


@dataclass
class Place:
    client: TestClient[web.Request, web.Application]
    stores: Stores
    office: StoreOffice
    clock: HandClock
    standings: Standings
    lecture: str

    async def sign_in(self, name: str, password: str = PASSWORD) -> ClientResponse:
        return await self.client.post("/api/session", json={"name": name, "password": password})


@contextlib.asynccontextmanager
async def open_place(folder: Path, database_url: str | None = None) -> AsyncIterator[Place]:
    """Over SQLite where no other database is given."""
    clock, standings = HandClock(), Standings()
    url = None if database_url is None else SecretStr(database_url)
    async with open_stores(Settings(data_dir=folder, database_url=url), clock) as stores:
        desk = RecorderDesk(stores.recorder, stores.lectures)
        office = stores.office(desk, "https://class.example.org")
        cookie = CookieGuard(stores.staff, stores.keys.sessions, clock)
        guard = TokenGuard(stores.tokens, cookie, clock)
        app = web.Application(middlewares=[noting(stores.audit)])
        app.add_routes(SessionHandlers(cookie, stores.staff, stores.passwords, clock, secure=False).routes())
        app.add_routes(AuditHandlers(stores.audit, stores.roster, guard).routes())
        app.add_routes(TokenHandlers(office, guard).routes())
        app.add_routes(LectureHandlers(office, guard, stores.aside).routes())
        app.add_routes(RosterHandlers(office, stores.registrar(desk), stores.roster, guard).routes())
        app.add_routes(StaffHandlers(office, guard).routes())
        app.add_routes(BranchHandlers(stores.registrar(desk), stores.roster, guard).routes())
        talk = TalkHandlers(office, guard, stores.journal, stores.roster, stores.staff, stores.aside)
        app.add_routes(talk.routes())
        app.add_routes(ReportHandlers(office, guard, stores.aside).routes())
        app.add_routes(YearHandlers(stores.years, guard, stores.aside).routes())
        records = stores.records()
        app.add_routes(ExcuseHandlers(records, stores.roster, guard).routes())
        app.add_routes(RecordsHandlers(records, guard).routes())
        turnstile = Turnstile(10, lambda: 0.5)
        app.add_routes(RecordHandlers(Doorman(stores), records, turnstile, clock).routes())
        app.add_routes(OwnYearHandlers(Doorman(stores), stores.years, turnstile).routes())
        app.add_routes(AttendanceHandlers(office, guard, stores.roster, standings, clock, lambda: LOAD).routes())
        await office.create_staff("operator", PASSWORD)
        await office.create_staff("zhenba", PASSWORD, ("镇巴县",))
        lecture = await office.create_lecture("晚间课堂", None, None)
        await office.import_roster("r.csv", ROSTER, lecture.id)
        async with TestClient(TestServer(app)) as client:
            yield Place(client, stores, office, clock, standings, lecture.id)


async def problem(response: ClientResponse) -> tuple[int, str]:
    assert response.content_type == "application/problem+json"
    body = await response.json()
    assert body["title"]
    assert body["status"] == response.status
    return response.status, body["type"]
