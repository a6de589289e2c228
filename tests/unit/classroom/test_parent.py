"""The parent with children that are not ours: small programs that say what happens to them."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest

from classroom.errors import SettingsError
from classroom.io import parent_subprocess
from classroom.io.parent_subprocess import FATAL, Child, Start, bind_http
from signaling.io.process_epoll import RelaySettings

PARENT = """
import os, sys
from classroom.io.parent_subprocess import Child, Parent
ready, said = os.pipe()
note = sys.argv[1]
first = (
    "import os, time; print('first', os.getpid(), flush=True);"
    "os.write({said}, b'http://here\\\\n'); time.sleep(60)"
)
second = (
    "import os, signal, sys, time\\n"
    "signal.signal(signal.SIGTERM, lambda *_: (print('second ends', flush=True), os._exit(0)))\\n"
    "print('second', os.getpid(), flush=True)\\n"
    "time.sleep(60)"
)
children = (
    Child("first", (sys.executable, "-c", first.replace("{said}", str(said))), (said,)),
    Child("second", (sys.executable, "-c", second), ()),
)
sys.exit(Parent(children, ready).run())
"""


class Running:
    def __init__(self, folder: Path) -> None:
        self.output = folder / "output"
        with self.output.open("wb") as file:
            self.process = subprocess.Popen(
                [sys.executable, "-c", PARENT, str(folder)], stdout=file, stderr=subprocess.STDOUT
            )

    def pids(self, name: str) -> list[int]:
        return [int(pid) for pid in re.findall(rf"^{name} (\d+)$", self.output.read_text(), re.MULTILINE)]

    def until(self, condition: Callable[[], object]) -> None:
        deadline = time.monotonic() + 20
        while not condition():
            assert time.monotonic() < deadline, self.output.read_text()
            time.sleep(0.02)


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    made = Running(tmp_path)
    try:
        made.until(lambda: made.pids("first") and made.pids("second"))
        yield made
    finally:
        if made.process.poll() is None:
            made.process.kill()
        made.process.wait(10)


def alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def test_either_child_is_started_again_alone(running: Running) -> None:
    (first,) = running.pids("first")
    os.kill(running.pids("second")[0], signal.SIGKILL)
    running.until(lambda: len(running.pids("second")) == 2)
    assert running.pids("first") == [first]
    assert alive(first)
    assert "http://here" in running.output.read_text()


def test_children_end_with_the_parent_whatever_ends_it(running: Running) -> None:
    pids = running.pids("first") + running.pids("second")
    running.process.kill()
    running.until(lambda: not any(alive(pid) for pid in pids))


def test_told_to_stop_it_ends_them_in_order(running: Running) -> None:
    pids = running.pids("first") + running.pids("second")
    running.process.terminate()
    assert running.process.wait(15) == 0
    assert not any(alive(pid) for pid in pids)
    assert "second ends" in running.output.read_text()


def test_a_child_that_dies_at_once_is_started_later_and_later(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    child = Child("x", (sys.executable, "-c", ""), ())
    pauses = []
    for _ in range(10):
        child.start()
        assert child.process is not None
        child.process.wait(10)
        assert child.look() == 0
        pauses.append(child.due - now)
        now = child.due
    assert pauses == sorted(pauses)
    assert pauses[0] < 0.2
    assert pauses[-1] == parent_subprocess.LONGEST_PAUSE
    child.start()
    assert child.process is not None
    child.process.wait(10)
    now += parent_subprocess.STEADY + 1
    child.look()
    assert child.due == now


def test_the_port_is_waited_for_and_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parent_subprocess, "BIND_WITHIN", 0.1)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(SettingsError, match="CLASSROOM_HTTP_PORT"):
            bind_http("127.0.0.1", taken.getsockname()[1])
    with pytest.raises(SettingsError, match="CLASSROOM_HTTP_HOST"):
        bind_http("no.such.host.invalid", 0)
    with bind_http("127.0.0.1", 0) as bound:
        assert bound.getsockname()[1]


def test_what_the_children_are_given_is_what_they_read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    started: list[tuple[str, ...]] = []

    def note(self: parent_subprocess.Parent) -> int:
        started.extend(tuple(child.arguments) for child in self._children)
        return 0

    monkeypatch.setattr(parent_subprocess.Parent, "run", note)
    monkeypatch.setattr(parent_subprocess, "configure", lambda level: None)
    given = {"DATA_DIR": str(tmp_path / "d"), "HTTP_PORT": "0", "UDP_PORT": "0", "ADVERTISE": "::1"}
    for name, value in (given | {"PACKET_PATH": "compiled", "UPLINK_LIMIT": "900000000"}).items():
        monkeypatch.setenv(f"CLASSROOM_{name}", value)
    assert parent_subprocess.run(None) == 0
    web, relay = started
    assert web[1:3] == ("-m", "classroom.service")
    assert relay[1:3] == ("-m", "signaling.io.process_epoll")
    assert msgspec.json.decode(web[3], type=Start).control == str(tmp_path / "d" / "relay.sock")
    settings = msgspec.json.decode(relay[3], type=RelaySettings)
    assert settings.advertise == ("::1",)
    assert settings.fanout == "compiled"
    assert settings.limits.uplink_limit == 900_000_000
    assert json.loads(relay[3])["udp_descriptor"] == settings.udp_descriptor


@pytest.mark.parametrize("heard", [True, False], ids=["the log is read", "nobody reads the log"])
def test_a_web_process_that_cannot_start_ends_the_service(heard: bool, tmp_path: Path) -> None:
    environment = {
        **os.environ,
        "CLASSROOM_DATA_DIR": str(tmp_path),
        "CLASSROOM_HTTP_PORT": "0",
        "CLASSROOM_UDP_PORT": "0",
        "CLASSROOM_DATABASE_URL": f"sqlite:///{tmp_path}/no/such/folder.sqlite3",
    }
    reading, writing = os.pipe()
    process = subprocess.Popen(
        [sys.executable, "-c", "from classroom.command.serve import serve; serve()"], env=environment, stderr=writing
    )
    os.close(writing)
    with open(reading, encoding="utf-8") as log:
        if heard:
            assert "database" in log.read()
    try:
        assert process.wait(60) == 1
    finally:
        process.kill()
        process.wait()
    assert FATAL == os.EX_CONFIG
