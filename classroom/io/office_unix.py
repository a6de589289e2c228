"""The office of a running service, over the Unix socket in its data folder; and the way to whichever office there is.

Whoever may open the socket is an operator: the folder's permissions are the key.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import os
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

import aiohttp
import msgspec

from classroom.errors import ClassroomError, UserError
from classroom.io.lock_fcntl import DataFolderInUse, data_lock
from classroom.ports import ExportFormat, ImportResult, Language, LectureInfo, Link, Office, Verified
from classroom.settings import Settings

SOCKET = "service.sock"
PATIENCE = 20.0
"""Seconds that a command waits for a service that starts, or for another command."""
PAUSE = 0.1
TIMEOUT = aiohttp.ClientTimeout(total=300, sock_connect=5)
ALIVE_WITHIN = aiohttp.ClientTimeout(total=5)
LONGEST_PATH = 100
"""Bytes; the kernel's own limit for a Unix socket's path is 107."""

Answer = TypeVar("Answer")


class ServiceError(ClassroomError):
    """The running service answered what this program does not understand, or broke off."""


class UnixOffice:
    """Implements `classroom.ports.Office` as a client. `session` connects to the service's socket."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session

    async def create_lecture(
        self, title: str, starts: datetime.datetime | None, ends: datetime.datetime | None
    ) -> LectureInfo:
        body = {"title": title, "starts": starts, "ends": ends}
        return await self._post("/api/lectures", LectureInfo, body)

    async def lectures(self) -> list[LectureInfo]:
        return await self._get("/api/lectures", list[LectureInfo])

    async def lecture(self, lecture: str) -> LectureInfo:
        return await self._get(_path(lecture), LectureInfo)

    async def start(self, lecture: str, by: str | None = None) -> LectureInfo:
        return await self._post(_path(lecture, "start"), LectureInfo)

    async def end(self, lecture: str, by: str | None = None) -> LectureInfo:
        return await self._post(_path(lecture, "end"), LectureInfo)

    async def import_roster(
        self,
        name: str,
        body: bytes,
        lecture: str | None,
        language: Language = "zh",
        scope: tuple[str, ...] = (),
    ) -> ImportResult:
        query = {"name": name, **({} if lecture is None else {"lecture": lecture}), **_scope(scope)}
        answer = await self._ask("POST", "/api/roster", query=query, body=body, language=language)
        return _decode(answer, ImportResult)

    async def links(self, lecture: str, scope: tuple[str, ...] = ()) -> list[Link]:
        return await self._get(_path(lecture, "links"), list[Link], _scope(scope))

    async def renew_link(self, lecture: str, member: str, scope: tuple[str, ...] = ()) -> Link:
        path = _path(lecture, "links", member, "renew")
        return _decode(await self._ask("POST", path, query=_scope(scope)), Link)

    async def export(
        self,
        lecture: str,
        form: ExportFormat,
        scope: tuple[str, ...] = (),
        language: Language = "zh",
    ) -> bytes:
        return await self._ask("GET", _path(lecture, f"attendance.{form}"), query=_scope(scope), language=language)

    async def verify(self, lecture: str) -> Verified:
        return await self._get(_path(lecture, "verify"), Verified)

    async def create_staff(self, name: str, password: str, branch: tuple[str, ...] = ()) -> None:
        body = msgspec.json.encode({"name": name, "password": password, "branch": branch})
        await self._ask("POST", "/api/staff", body=body)

    async def _get(self, path: str, kind: type[Answer], query: Mapping[str, str] | None = None) -> Answer:
        return _decode(await self._ask("GET", path, query=query), kind)

    async def _post(self, path: str, kind: type[Answer], body: Any = None) -> Answer:
        return _decode(await self._ask("POST", path, body=msgspec.json.encode(body or {})), kind)

    async def _ask(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: bytes | None = None,
        language: Language = "zh",
    ) -> bytes:
        """Raises `UserError` with the service's own reason, `ServiceError` where the answer is of no use."""
        headers = {"Accept-Language": language, "Content-Type": "application/octet-stream"}
        try:
            async with self._session.request(method, path, params=query, data=body, headers=headers) as response:
                answer = await response.read()
                if response.status < 400:
                    return answer
                raise _refusal(response.status, answer)
        except (aiohttp.ClientError, TimeoutError) as error:
            raise ServiceError(f"the running service broke off: {error or type(error).__name__}") from error


@contextlib.asynccontextmanager
async def open_office(settings: Settings) -> AsyncIterator[Office]:
    """The running service's office where its socket answers; otherwise the stores themselves, under the folder's lock.

    A data folder that does not exist yet is made. Raises `SettingsError`, among it `DataFolderInUse` where another
    process holds the folder for longer than `PATIENCE` and does not answer.
    """
    deadline = time.monotonic() + PATIENCE
    while True:
        async with _service(settings.data_dir) as session:
            if session is not None:
                yield UnixOffice(session)
                return
        try:
            with data_lock(settings.data_dir):
                async with _own(settings) as office:
                    yield office
                return
        except DataFolderInUse:
            if time.monotonic() > deadline:
                raise
        await asyncio.sleep(PAUSE)


@contextlib.asynccontextmanager
async def _own(settings: Settings) -> AsyncIterator[Office]:
    from classroom.io.clock_time import SystemClock  # beside a running service none of this is needed
    from classroom.io.stores_sqlalchemy import base_url, open_stores
    from classroom.office import RecorderDesk

    async with open_stores(settings, SystemClock()) as stores:
        yield stores.office(RecorderDesk(stores.recorder, stores.lectures), base_url(settings))


@contextlib.asynccontextmanager
async def _service(folder: Path) -> AsyncIterator[aiohttp.ClientSession | None]:
    """A session with the service that answers there, or None."""
    with socket_path(folder) as path:
        connector = aiohttp.UnixConnector(path)
        async with aiohttp.ClientSession("http://classroom", connector=connector, timeout=TIMEOUT) as session:
            try:
                async with session.get("/healthz", timeout=ALIVE_WITHIN) as response:
                    alive = response.status == 200
            except (aiohttp.ClientError, OSError, TimeoutError):
                alive = False
            yield session if alive else None


@contextlib.contextmanager
def socket_path(folder: Path) -> Iterator[str]:
    """A path of the socket that is short enough for the kernel, good while the context lasts."""
    path = str(folder / SOCKET)
    if len(os.fsencode(path)) <= LONGEST_PATH or not folder.is_dir():
        yield path
        return
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{descriptor}/{SOCKET}"
    finally:
        os.close(descriptor)


def _path(*parts: str) -> str:
    return "/api/lectures/" + "/".join(quote(part, safe="") for part in parts)


def _scope(scope: tuple[str, ...]) -> dict[str, str]:
    return {"scope": " / ".join(scope)} if scope else {}


def _decode(answer: bytes, kind: type[Answer]) -> Answer:
    try:
        return msgspec.json.decode(answer, type=kind)
    except msgspec.MsgspecError as error:
        raise ServiceError(f"the running service answered something else: {error}") from error


class _Problem(msgspec.Struct, frozen=True):
    type: str
    detail: str = ""


def _refusal(status: int, answer: bytes) -> ClassroomError:
    try:
        problem = msgspec.json.decode(answer, type=_Problem)
    except msgspec.MsgspecError:
        return ServiceError(f"the running service answered with status {status}")
    return UserError(problem.type, problem.detail)
