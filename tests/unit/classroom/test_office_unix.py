"""The office of a running service over its Unix socket, and the way to whichever there is."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web

from attendance.facts import LectureState
from classroom.errors import SettingsError, UserError
from classroom.io import office_unix
from classroom.io.attendance_aiohttp import AttendanceHandlers
from classroom.io.clock_time import SystemClock
from classroom.io.lectures_aiohttp import LectureHandlers
from classroom.io.lock_fcntl import DataFolderInUse, data_lock
from classroom.io.office_noted import os_user
from classroom.io.office_unix import ServiceError, UnixOffice, open_office, socket_path
from classroom.io.roster_aiohttp import RosterHandlers
from classroom.io.session_aiohttp import OperatorGuard
from classroom.io.staff_aiohttp import StaffHandlers
from classroom.io.stores_sqlalchemy import open_stores
from classroom.office import RecorderDesk
from classroom.ports import RollCall
from classroom.settings import Settings

ROSTER = "姓名,支部,手机\n张伟,镇巴县/泾洋街道党支部,13800000000\n李娜,西乡县/城关党支部,\n,西乡县,\n".encode()
START = datetime.datetime(2026, 1, 31, 11, 30, tzinfo=datetime.UTC)


class Nobody:
    async def roll(self, lecture: str) -> RollCall:
        return RollCall()


async def _healthy(_: web.Request) -> web.Response:
    return web.Response(text="ok")


@contextlib.asynccontextmanager
async def listening(folder: Path, *routes: web.RouteDef) -> AsyncIterator[None]:
    app = web.Application()
    app.add_routes([web.get("/healthz", _healthy), *routes])
    runner = web.AppRunner(app)
    await runner.setup()
    with socket_path(folder) as path:
        await web.UnixSite(runner, path).start()
        yield
        await runner.cleanup()


@contextlib.asynccontextmanager
async def service(folder: Path) -> AsyncIterator[None]:
    """As much of the service as a command line needs."""
    with data_lock(folder):
        async with open_stores(Settings(data_dir=folder), SystemClock()) as stores:
            desk = RecorderDesk(stores.recorder, stores.lectures)
            office = stores.office(desk, "http://127.0.0.1:8080")
            guard = OperatorGuard()
            async with listening(
                folder,
                *LectureHandlers(office, guard, stores.aside).routes(),
                *RosterHandlers(office, stores.registrar(desk), stores.roster, guard).routes(),
                *StaffHandlers(office, guard).routes(),
                *AttendanceHandlers(office, guard, stores.roster, Nobody(), stores.clock, lambda: None).routes(),
            ):
                yield


@pytest.fixture(params=["short", "long"])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A long path does not fit a Unix socket's address."""
    return tmp_path / ("data" if request.param == "short" else "/".join(["a" * 40] * 4))


async def test_the_same_office_beside_a_service_and_without_one(folder: Path) -> None:
    settings = Settings(data_dir=folder)
    async with open_office(settings) as office:
        assert not isinstance(office, UnixOffice)
        first = await office.create_lecture("一", START, None)
        await office.create_staff("admin", "password123", ("镇巴县",))
    async with service(folder), open_office(settings) as office:
        assert isinstance(office, UnixOffice)
        assert await office.lectures() == [first]
        second = await office.create_lecture("二", START, START + datetime.timedelta(hours=2))
        result = await office.import_roster("r.csv", ROSTER, second.id, "en")
        assert (result.added, [row.line for row in result.refused]) == (2, [4])
        assert result.refused[0].reason == "The name is missing; add it."
        links = await office.links(second.id)
        assert [link.role for link in links] == ["lecturer", "host", "guest", "member", "member"]
        assert [link.name for link in await office.links(second.id, ("西乡县",))] == ["李娜"]
        renewed = await office.renew_link(second.id, links[0].member)
        assert renewed.ticket != links[0].ticket
        assert (await office.start(second.id)).state is LectureState.LIVE
        assert (await office.end(second.id)).state is LectureState.ENDED
        assert (await office.lecture(second.id)).invited == 2
        assert (await office.verify(second.id)).ok
        assert (await office.export(second.id, "json", ("镇巴县",))).startswith(b"{")
        exported = await office.export(second.id, "csv", ("镇巴县",), "en", "gb18030")
        checked = await office.check_export("a.csv", exported, (), "en")
        assert (checked.ok, checked.identical, checked.scope) == (True, True, "镇巴县")
        await office.create_staff("other", "password123")
    async with open_office(settings) as office:
        assert {lecture.id for lecture in await office.lectures()} == {first.id, second.id}
        assert await office.links(second.id) == [renewed, *links[1:]]


async def test_refusals_keep_their_reason(tmp_path: Path) -> None:
    async with service(tmp_path), open_office(Settings(data_dir=tmp_path)) as office:
        for attempt, reason in (
            (office.lecture("no/such?lecture"), "no-such-lecture"),
            (office.create_lecture("", None, None), "bad-title"),
            (office.import_roster("a.csv", b"", None), "sheet-empty"),
            (office.create_staff("a", "b"), "weak-password"),
        ):
            with pytest.raises(UserError) as caught:
                await attempt
            assert caught.value.reason == reason


async def test_a_socket_left_behind_is_no_service(tmp_path: Path) -> None:
    async with listening(tmp_path):
        pass
    (tmp_path / office_unix.SOCKET).touch()
    async with open_office(Settings(data_dir=tmp_path)) as office:
        assert await office.lectures() == []


async def test_commands_wait_for_one_another(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)

    async def create(title: str) -> None:
        async with open_office(settings) as office:
            await office.create_lecture(title, None, None)

    await asyncio.gather(*(create(str(at)) for at in range(4)))
    async with open_office(settings) as office:
        assert sorted(lecture.title for lecture in await office.lectures()) == ["0", "1", "2", "3"]


async def test_a_folder_that_stays_locked_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(office_unix, "PATIENCE", 0.2)
    with data_lock(tmp_path), pytest.raises(DataFolderInUse):
        async with open_office(Settings(data_dir=tmp_path)):
            pass


async def test_a_database_that_does_not_answer_is_named_without_its_password(tmp_path: Path) -> None:
    settings = Settings.model_validate(
        {"data_dir": tmp_path, "database_url": "postgresql://someone:secret@127.0.0.1:1/none"}
    )
    with pytest.raises(SettingsError) as caught:
        async with open_office(settings):
            pass
    assert "secret" not in str(caught.value)


async def test_an_answer_of_another_program_is_an_error(tmp_path: Path) -> None:
    async def nonsense(_: web.Request) -> web.Response:
        return web.Response(text="<html>")

    async def broken(_: web.Request) -> web.Response:
        return web.Response(status=500, text="<html>")

    routes = (web.get("/api/lectures", nonsense), web.get("/api/lectures/{id}", broken))
    async with listening(tmp_path, *routes), open_office(Settings(data_dir=tmp_path)) as office:
        with pytest.raises(ServiceError):
            await office.lectures()
        with pytest.raises(ServiceError, match="500"):
            await office.lecture("x")


async def test_what_a_command_does_is_noted_with_the_systems_user(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)
    async with open_office(settings) as office:
        lecture = (await office.create_lecture("一", START, None)).id
        await office.import_roster("r.csv", ROSTER, lecture)
        await office.links(lecture)
        await office.export(lecture, "csv")
    async with open_stores(settings, SystemClock()) as stores:
        found = [(one.by, one.name, one.action, one.lecture, one.detail) for one in await stores.audit.latest()]
    user = os_user()
    assert found == [
        ("", user, "attendance-exported", lecture, "csv"),
        ("", user, "links-exported", lecture, ""),
        ("", user, "roster-imported", lecture, "r.csv"),
    ]
