"""`classroom db backup` beside a service whose facts flow: the copy is of one moment and verifies, the service goes on,
and a restored copy serves what was known then."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.interop.test_serve import page
from tests.servers.service import Lecture, Service, running


async def coming_and_going(service: Service, lecture: Lecture) -> None:
    """One member after the other, without end; each leaves two facts."""
    while True:
        for link in lecture.members:
            async with page(service, link.ticket) as one:
                await one.until("snapshot")


@contextlib.asynccontextmanager
async def facts_flow(service: Service, lecture: Lecture) -> AsyncIterator[None]:
    task = asyncio.create_task(coming_and_going(service, lecture))
    try:
        yield
        assert not task.done(), "the service turned somebody away"
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def verified(service: Service, lecture: Lecture) -> int:
    """Rows of a ledger that agrees with itself and its signed heads."""
    found = service.rest("GET", f"/api/lectures/{lecture.id}/verify")
    assert found["ok"], found
    return int(found["rows"])


@pytest.fixture(params=["sqlite", "postgres"])
def database(request: pytest.FixtureRequest) -> dict[str, str]:
    """The service's environment that says which database it has."""
    return {} if request.param == "sqlite" else {"CLASSROOM_DATABASE_URL": request.getfixturevalue("postgres_url")}


async def test_a_backup_beside_a_running_service(database: dict[str, str], tmp_path: Path) -> None:
    saved = tmp_path / "backup.sqlite3"
    with running(tmp_path / "first", None, **database) as service:
        lecture = service.lecture(members=3)
        service.rest("POST", f"/api/lectures/{lecture.id}/start")
        async with facts_flow(service, lecture):
            before = await asyncio.to_thread(verified, service, lecture)
            done = await asyncio.to_thread(service.run, "db", "backup", str(saved))
            assert done.returncode == 0, done.stderr
            after = await asyncio.to_thread(verified, service, lecture)
        assert after > before
        shutil.copytree(service.data / "keys", tmp_path / "second" / "data" / "keys")

    restored = Service(tmp_path / "second")
    done = restored.run("db", "restore", str(saved))
    assert done.returncode == 0, done.stderr
    found = restored.command("db", "check", "--json")
    assert found["wrong"] == []
    assert before <= found["rows"]["facts"] <= after
    try:
        restored.start()
        async with page(restored, lecture.members[0].ticket) as one:
            assert (await one.until("snapshot"))["lecture"]["state"] in ("live", "interrupted")
        assert verified(restored, lecture) > found["rows"]["facts"]
    finally:
        restored.stop()
