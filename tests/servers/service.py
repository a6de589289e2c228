"""A `classroom serve` of the test's own: free ports, a data folder of its own, driven by the real command line."""

from __future__ import annotations

import contextlib
import dataclasses
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.servers.namespace import Namespace

CLASSROOM = str(Path(sys.executable).with_name("classroom"))
READY_SECONDS = 40.0


def free_port(kind: socket.SocketKind = socket.SOCK_STREAM) -> int:
    """A port that nothing listens on now."""
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass(frozen=True)
class Link:
    """A personal link as `links export --json` gives it."""

    member: str
    name: str
    branch: str
    role: str
    url: str
    ticket: str


@dataclass(frozen=True)
class Lecture:
    id: str
    links: tuple[Link, ...]

    def of(self, role: str) -> Link:
        """The first link of a role."""
        return next(link for link in self.links if link.role == role)

    @property
    def members(self) -> list[Link]:
        return [link for link in self.links if link.role == "member"]


class _UnixConnection(http.client.HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=30)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


class Service:
    """One `classroom serve`; `start` and `stop` may be called again on the same data folder."""

    def __init__(self, folder: Path, where: Namespace | None = None, **environment: str) -> None:
        """`where`: it runs in that namespace, on its address."""
        self.folder = folder
        self._enter = where.enter() if where else ()
        host = where.address if where else "127.0.0.1"
        self.port = free_port()
        self.udp_port = free_port(socket.SOCK_DGRAM)
        self.url = f"http://{host}:{self.port}"
        self._environment = {
            **os.environ,
            "CLASSROOM_DATA_DIR": str(folder / "data"),
            "CLASSROOM_HTTP_PORT": str(self.port),
            "CLASSROOM_UDP_PORT": str(self.udp_port),
            "CLASSROOM_HTTP_HOST": host,
            "CLASSROOM_ADVERTISE": host,
            **environment,
        }
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def data(self) -> Path:
        return Path(self._environment["CLASSROOM_DATA_DIR"])

    def start(self) -> None:
        """Returns once `/readyz` answers 200."""
        self.folder.mkdir(parents=True, exist_ok=True)
        log = (self.folder / "serve.log").open("ab")
        self.process = subprocess.Popen(
            [*self._enter, CLASSROOM, "serve"],
            env=self._environment,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        log.close()
        self.wait_ready()

    def wait_ready(self, seconds: float = READY_SECONDS) -> None:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if self.process is not None and self.process.poll() is not None:
                raise RuntimeError(f"classroom serve ended with {self.process.returncode}:\n{self.log()}")
            with contextlib.suppress(OSError), urllib.request.urlopen(f"{self.url}/readyz", timeout=2) as answer:
                if answer.status == 200:
                    return
            time.sleep(0.05)
        raise RuntimeError(f"classroom serve was not ready within {seconds} s:\n{self.log()}")

    def stop(self) -> None:
        """In order, by SIGTERM."""
        if self.process is None:
            return
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.kill()
        self.process = None

    def kill(self) -> None:
        """The parent and every child of it at once, by SIGKILL."""
        if self.process is None:
            return
        for pid in [self.process.pid, *self.children()]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait(10)
        self.process = None

    def children(self) -> list[int]:
        if self.process is None:
            return []
        found = []
        for entry in Path("/proc").glob("[0-9]*/stat"):
            with contextlib.suppress(OSError):
                parent = entry.read_text().rsplit(")", 1)[1].split()[1]
                if int(parent) == self.process.pid:
                    found.append(int(entry.parent.name))
        return found

    def relay_pid(self) -> int:
        """The relay's process: the child that runs no web server."""
        for pid in self.children():
            if "process_epoll" in Path(f"/proc/{pid}/cmdline").read_text():
                return pid
        raise RuntimeError("no relay process")

    def log(self) -> str:
        with contextlib.suppress(FileNotFoundError):
            return (self.folder / "serve.log").read_text(errors="replace")[-6000:]
        return ""

    def run(self, *words: str) -> subprocess.CompletedProcess[bytes]:
        """`classroom …` beside the service, or on its data folder where it does not run."""
        return subprocess.run([CLASSROOM, *words], env=self._environment, capture_output=True, timeout=90, check=False)

    def command(self, *words: str, check: bool = True) -> Any:
        """Run `classroom …` beside the service and return its JSON document."""
        done = subprocess.run(
            [CLASSROOM, *words], env=self._environment, capture_output=True, text=True, timeout=90, check=False
        )
        if check and done.returncode:
            raise RuntimeError(f"classroom {' '.join(words)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
        return json.loads(done.stdout) if done.stdout.strip() else None

    def rest(self, method: str, path: str, body: Any = None) -> Any:
        """Ask the running service as an operator, over its Unix socket; its JSON."""
        connection = _UnixConnection(str(self.data / "service.sock"))
        try:
            sent = None if body is None else json.dumps(body).encode()
            connection.request(method, path, sent, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            text = answer.read()
        finally:
            connection.close()
        if answer.status >= 400:
            raise RuntimeError(f"{method} {path}: {answer.status} {text.decode(errors='replace')}")
        return json.loads(text) if text else None

    def status(self, *words: str) -> tuple[int, str]:
        """Exit status and whole output of `classroom …`."""
        done = subprocess.run(
            [CLASSROOM, *words], env=self._environment, capture_output=True, text=True, timeout=90, check=False
        )
        return done.returncode, done.stdout + done.stderr

    def lecture(self, title: str = "乡村振兴与数字治理", members: int = 6, starts: str = "") -> Lecture:
        """A new lecture with a roster of its own invited to it."""
        planned = ("--starts", starts) if starts else ()
        made = self.command("lecture", "create", "--title", title, *planned, "--json")
        roster = self.folder / f"roster-{made['id']}.csv"
        rows = [f"{name},{branch},{phone}" for name, branch, phone in _people(members)]
        roster.write_text("姓名,支部,手机\n" + "\n".join(rows) + "\n", encoding="utf-8-sig")
        self.command("roster", "import", str(roster), "--lecture", made["id"], "--json")
        return self.invited(made["id"])

    def invited(self, lecture: str) -> Lecture:
        """A lecture with the links of everybody who is invited now."""
        links = self.command("links", "export", "--lecture", lecture, "--json")
        return Lecture(
            id=lecture,
            links=tuple(Link(**{field.name: link[field.name] for field in dataclasses.fields(Link)}) for link in links),
        )

    def attendance(self, lecture: Lecture) -> Any:
        return self.command("attendance", "export", "--lecture", lecture.id, "--format", "json")


def _people(count: int) -> Iterator[tuple[str, str, str]]:
    branches = ("镇巴县/泾洋街道流动党支部", "镇巴县/兴隆镇党支部", "西乡县/城北街道党支部")
    names = ("张伟", "王芳", "李娜", "刘洋", "陈静", "杨磊", "赵敏", "黄强", "周杰", "吴霞")
    for number in range(count):
        name = names[number % len(names)] + ("" if number < len(names) else str(number))
        yield name, branches[number % len(branches)], f"1380000{number:04d}"


@contextlib.contextmanager
def running(folder: Path, where: Namespace | None = None, **environment: str) -> Iterator[Service]:
    """A service that is up inside the block and gone after it, whatever happens."""
    service = Service(folder, where, **environment)
    try:
        service.start()
        yield service
    finally:
        service.stop()
