"""What every test may ask for: servers of the tests' own, and databases of both kinds."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.servers import chromium, postgres, redis
from tests.servers.postgres import Postgres


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Postgres]:
    with postgres.server() as running:
        yield running


@pytest.fixture(scope="session")
def redis_server() -> Iterator[int]:
    """The port of a Redis of this test session."""
    with redis.server() as port:
        yield port


@pytest.fixture
def postgres_url(postgres_server: Postgres) -> Iterator[str]:
    """An empty PostgreSQL database of this test alone."""
    name = postgres_server.create()
    yield postgres_server.url(name)
    postgres_server.drop(name)


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """A SQLite file that does not exist yet."""
    return f"sqlite+aiosqlite:///{tmp_path / 'classroom.sqlite3'}"


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest) -> str:
    """An empty database of this test alone; the test runs once with each kind."""
    chosen: str = request.getfixturevalue(f"{request.param}_url")
    return chosen


@pytest.fixture
def redis_url(redis_server: int) -> str:
    """An empty Redis."""
    from redis import Redis

    url = f"redis://127.0.0.1:{redis_server}/0"
    with Redis.from_url(url) as client:
        client.flushall()
    return url


@pytest.fixture(scope="session")
def chromium_path() -> str:
    return chromium.path()
