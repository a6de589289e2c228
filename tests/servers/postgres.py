"""A PostgreSQL of the tests' own: initdb in a temporary folder, as an unprivileged user where the tests run as root."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

from tests.servers.process import folder, free_port, running, unprivileged

# Nothing here must survive the test run, so nothing waits for a disk.
QUICK = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "max_connections=200", "shared_buffers=64MB")
ATTEMPTS = 3


def programs() -> Path:
    """The folder of initdb, postgres and psql: the newest of Debian's, else the one of the PATH."""
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    found = debian[-1] if debian else shutil.which("initdb")
    if found is None:
        raise RuntimeError("PostgreSQL is missing: apt-get install postgresql")
    return Path(found).resolve().parent


@dataclass
class Postgres:
    """A running server; `url(name)` is SQLAlchemy's address of a database of it."""

    port: int
    bin: Path
    numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def url(self, name: str = "postgres") -> str:
        return f"postgresql+asyncpg://postgres@127.0.0.1:{self.port}/{name}"

    def sql(self, statement: str) -> None:
        """Runs one statement outside any transaction; raises `CalledProcessError`."""
        command = [str(self.bin / "psql"), "-X", "-q", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1", "-p", str(self.port)]
        subprocess.run([*command, "-U", "postgres", "-c", statement], check=True, stdout=subprocess.DEVNULL, timeout=30)

    def create(self, template: str = "template0") -> str:
        """A new database copied from `template`, which nobody may be connected to; returns its name."""
        name = f"test_{next(self.numbers)}"
        self.sql(f"CREATE DATABASE {name} TEMPLATE {template}")
        return name

    def drop(self, name: str) -> None:
        self.sql(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


def answers(bin_folder: Path, port: int) -> bool:
    command = [str(bin_folder / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(port)]
    return subprocess.run(command, check=False).returncode == 0


@contextlib.contextmanager
def server() -> Iterator[Postgres]:
    """Raises `RuntimeError` where PostgreSQL is missing or does not start."""
    bin_folder = programs()
    user = unprivileged("postgres")
    with folder("postgres", user) as home, contextlib.ExitStack() as stack:
        initialize(bin_folder, home, user)
        for attempt in range(1, ATTEMPTS + 1):
            port = free_port()
            try:
                stack.enter_context(start(bin_folder, home, port, user))
                break
            except RuntimeError:  # somebody else took the port
                if attempt == ATTEMPTS:
                    raise
        yield Postgres(port, bin_folder)


class Stoppable:
    """A server that goes and comes back where it was, with what it held."""

    def __init__(self, bin_folder: Path, home: Path, user: str | None) -> None:
        self._place = (bin_folder, home, free_port(), user)
        self._running = contextlib.ExitStack()

    @property
    def url(self) -> str:
        return Postgres(self._place[2], self._place[0]).url()

    def start(self) -> None:
        """Raises `RuntimeError`."""
        self._running.enter_context(start(*self._place))

    def stop(self) -> None:
        self._running.close()


@contextlib.contextmanager
def stoppable() -> Iterator[Stoppable]:
    bin_folder = programs()
    user = unprivileged("postgres")
    with folder("postgres", user) as home:
        initialize(bin_folder, home, user)
        found = Stoppable(bin_folder, home, user)
        found.start()
        try:
            yield found
        finally:
            found.stop()


def initialize(bin_folder: Path, home: Path, user: str | None) -> None:
    subprocess.run(
        [bin_folder / "initdb", "-D", home / "data", "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "-N"],
        check=True,
        stdout=subprocess.DEVNULL,
        cwd=home,
        user=user,
        group=None if user is None else pwd.getpwnam(user).pw_gid,
        extra_groups=None if user is None else [],
        env={**os.environ, "HOME": str(home)},
        timeout=60,
    )


def start(
    bin_folder: Path, home: Path, port: int, user: str | None
) -> contextlib.AbstractContextManager[subprocess.Popen[bytes]]:
    options = [part for setting in QUICK for part in ("-c", setting)]
    place = ["-D", str(home / "data"), "-h", "127.0.0.1", "-p", str(port), "-k", str(home)]
    return running(
        [str(bin_folder / "postgres"), *place, *options],
        home / "log",
        lambda: answers(bin_folder, port),
        user=user,
        stop=signal.SIGINT,  # PostgreSQL's "fast shutdown": clients are disconnected
    )
