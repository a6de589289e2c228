"""The office of a running service, over the Unix socket in its data folder; and the way to whichever office there is.

Whoever may open the socket is an operator: the folder's permissions are the key.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

import aiohttp
import msgspec

from attendance.facts import Leave, Rule, Verdict
from classroom.errors import ClassroomError, UserError
from classroom.io.lock_fcntl import DataFolderInUse, data_lock
from classroom.people.token import USUAL
from classroom.ports import (
    Encoding,
    ExportChecked,
    ExportFormat,
    ImportPreview,
    ImportResult,
    Language,
    LectureInfo,
    Link,
    ObjectionInfo,
    Office,
    Person,
    RosterChange,
    RuleBookInfo,
    SiteInfo,
    StaffInfo,
    TokenInfo,
    UndoResult,
    Verified,
)
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

    async def lectures(self, scope: tuple[str, ...] = ()) -> list[LectureInfo]:
        return await self._get("/api/lectures", list[LectureInfo], _scope(scope))

    async def lecture(self, lecture: str, scope: tuple[str, ...] = ()) -> LectureInfo:
        return await self._get(_path(lecture), LectureInfo, _scope(scope))

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
        seen: str | None = None,
        leaving: bool = False,
    ) -> ImportResult:
        asked = {**({} if seen is None else {"seen": seen}), **({"leaving": "1"} if leaving else {})}
        query = {"name": name, **_lecture(lecture), **asked, **_scope(scope)}
        answer = await self._ask("POST", "/api/roster", query=query, body=body, language=language)
        return _decode(answer, ImportResult)

    async def preview_roster(
        self, name: str, body: bytes, lecture: str | None, language: Language = "zh", scope: tuple[str, ...] = ()
    ) -> ImportPreview:
        query = {"name": name, **_lecture(lecture), **_scope(scope)}
        answer = await self._ask("POST", "/api/roster/preview", query=query, body=body, language=language)
        return _decode(answer, ImportPreview)

    async def people(self, scope: tuple[str, ...] = ()) -> list[Person]:
        return await self._get("/api/roster/people", list[Person], _scope(scope))

    async def roster_changes(self, scope: tuple[str, ...] = ()) -> list[RosterChange]:
        return await self._get("/api/roster/changes", list[RosterChange], _scope(scope))

    async def undo_change(self, change: str, scope: tuple[str, ...] = ()) -> UndoResult:
        path = f"/api/roster/changes/{quote(change, safe='')}/undo"
        return _decode(await self._ask("POST", path, query=_scope(scope)), UndoResult)

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
        encoding: Encoding = "utf-8",
    ) -> bytes:
        query = {**_scope(scope), **({} if encoding == "utf-8" else {"encoding": encoding})}
        return await self._ask("GET", _path(lecture, f"attendance.{form}"), query=query, language=language)

    async def create_site(
        self, lecture: str, place: str, branch: tuple[str, ...], host: str, scope: tuple[str, ...] = ()
    ) -> SiteInfo:
        return await self._post(_path(lecture, "sites"), SiteInfo, {"place": place, "branch": branch, "host": host})

    async def sites(self, lecture: str, scope: tuple[str, ...] = ()) -> list[SiteInfo]:
        return await self._get(_path(lecture, "sites"), list[SiteInfo], _scope(scope))

    async def site_link(self, lecture: str, site: str, scope: tuple[str, ...] = ()) -> str:
        return (await self._get(_path(lecture, "sites", site, "link"), dict[str, str]))["url"]

    async def verify(self, lecture: str) -> Verified:
        return await self._get(_path(lecture, "verify"), Verified)

    async def year(
        self, year: int, scope: tuple[str, ...] = (), language: Language = "zh", anew: bool = False
    ) -> bytes:  # fmt: skip
        query = {"year": str(year), **_scope(scope), **({"anew": "1"} if anew else {})}
        return await self._ask("GET", "/api/attendance/year.xlsx", query=query, language=language)

    async def check_export(
        self, name: str, body: bytes, scope: tuple[str, ...] = (), language: Language = "zh"
    ) -> ExportChecked:
        query = {"name": name, **_scope(scope)}
        answer = await self._ask("POST", "/api/attendance/verify", query=query, body=body, language=language)
        return _decode(answer, ExportChecked)

    async def create_staff(self, name: str, password: str, branch: tuple[str, ...] = ()) -> None:
        body = msgspec.json.encode({"name": name, "password": password, "branch": branch})
        await self._ask("POST", "/api/staff", body=body)

    async def rule(self, lecture: str, language: Language = "zh") -> RuleBookInfo:
        return _decode(await self._ask("GET", _path(lecture, "rule"), language=language), RuleBookInfo)

    async def set_rule(
        self,
        lecture: str,
        version: int,
        rule: Rule,
        why: str = "",
        language: Language = "zh",
        by: str | None = None,
    ) -> RuleBookInfo:
        body = msgspec.json.encode({"version": version, "rule": rule, "why": why})
        return _decode(await self._ask("PUT", _path(lecture, "rule"), body=body, language=language), RuleBookInfo)

    async def staff(self) -> list[StaffInfo]:
        return await self._get("/api/staff", list[StaffInfo])

    async def change_staff(
        self,
        chosen: str,
        name: str | None = None,
        branch: tuple[str, ...] | None = None,
        password: str | None = None,
        by: str | None = None,
    ) -> StaffInfo:
        said = {"name": name, "branch": branch, "password": password}
        body = msgspec.json.encode({word: value for word, value in said.items() if value is not None})
        return _decode(await self._ask("PATCH", f"/api/staff/{quote(chosen, safe='')}", body=body), StaffInfo)

    async def remove_staff(self, chosen: str, by: str | None = None) -> StaffInfo:
        found = next((one for one in await self.staff() if chosen in (one.id, one.name)), None)
        if found is None:
            raise UserError("no-such-staff", chosen[:64])
        await self._ask("DELETE", f"/api/staff/{quote(found.id, safe='')}")
        return found

    async def create_token(self, name: str, staff: str, branch: tuple[str, ...] = (), days: int = USUAL) -> TokenInfo:
        body = {"name": name, "staff": staff, "branch": branch, "days": days}
        return await self._post("/api/tokens", TokenInfo, body)

    async def tokens(self) -> list[TokenInfo]:
        return await self._get("/api/tokens", list[TokenInfo])

    async def revoke_token(self, token: str) -> None:
        await self._ask("DELETE", "/api/tokens/" + quote(token, safe=""))

    @property
    def records(self) -> UnixRecords:
        return UnixRecords(self._ask)

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


class UnixRecords:
    """Implements `classroom.ports.RecordDesk`."""

    def __init__(self, ask: Callable[..., Awaitable[bytes]]) -> None:
        self._ask = ask

    async def give_leave(self, lecture: str, member: str, cause: Leave | None) -> None:
        path = _path(lecture, "excuses", member)
        if cause is None:
            await self._ask("DELETE", path)
        else:
            await self._ask("PUT", path, body=msgspec.json.encode({"cause": cause}))

    async def find(self, lecture: str, member: str, verdict: Verdict, credited_seconds: float | None, why: str) -> None:
        body = {"verdict": verdict, "credited_seconds": credited_seconds, "why": why}
        await self._ask("PUT", _path(lecture, "corrections", member), body=msgspec.json.encode(body))

    async def unfind(self, lecture: str, member: str) -> None:
        await self._ask("DELETE", _path(lecture, "corrections", member))

    async def filed(self, lecture: str) -> list[ObjectionInfo]:
        return _decode(await self._ask("GET", _path(lecture, "objections")), list[ObjectionInfo])

    async def reply(self, lecture: str, objection: str, answer: str) -> None:
        path = _path(lecture, "objections", objection, "answer")
        await self._ask("POST", path, body=msgspec.json.encode({"answer": answer}))


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
    from classroom.io.office_noted import noting, os_user
    from classroom.io.stores_sqlalchemy import base_url, open_stores
    from classroom.office import RecorderDesk

    async with open_stores(settings, SystemClock()) as stores:
        office = stores.office(RecorderDesk(stores.recorder, stores.lectures), base_url(settings))
        yield noting(office, stores.audit, os_user())


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


def _lecture(lecture: str | None) -> dict[str, str]:
    return {} if lecture is None else {"lecture": lecture}


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
