"""What programs outside the project rely on: each command's document, exit status and streams, beside a running
service and without one on a data folder that does not exist yet; and a row that was edited is named by both."""

from __future__ import annotations

import csv
import datetime
import io
import json
import sqlite3
import stat
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from python_calamine import CalamineWorkbook

from tests.servers.service import Service, running

ROSTER = """姓名,支部,手机
张伟,镇巴县/泾洋街道党支部,13800000001
王芳,镇巴县/兴隆镇党支部,13800000002
,镇巴县/兴隆镇党支部,13800000003
李娜,西乡县/城北街道党支部,12
"""
IMPORTED = {"added", "changed", "unchanged", "refused", "refusals", "left", "change"}
REFUSED = {"line", "reason", "name"}
LINK = {"name", "branch", "role", "url", "ticket"}
MEMBER = {
    "name",
    "branch",
    "first_join",
    "last_leave",
    "connected_seconds",
    "receiving_seconds",
    "credited_seconds",
    "denominator_seconds",
    "sessions",
}


@pytest.fixture(params=["beside", "without"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Service]:
    if request.param == "beside":
        with running(tmp_path) as service:
            yield service
    else:
        yield Service(tmp_path / "not" / "yet")


class Script:
    """Calls commands as a shell script would: the document from standard output, the sentence from standard error."""

    def __init__(self, service: Service) -> None:
        self.service = service

    def json(self, *words: str, status: int = 0) -> Any:
        done = self.service.run(*words, "--json")
        assert done.returncode == status, done.stderr.decode()
        return json.loads(done.stdout)

    def bytes(self, *words: str) -> bytes:
        done = self.service.run(*words)
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout

    def refused(self, *words: str, status: int = 1) -> str:
        done = self.service.run(*words)
        said = done.stderr.decode()
        assert (done.returncode, done.stdout) == (status, b""), said
        assert said.strip()
        assert "Traceback" not in said
        return said


def test_every_command_as_scripts_rely_on_it(place: Service, tmp_path: Path) -> None:
    script = Script(place)
    made = script.json(
        "lecture", "create", "--title", "晚间课堂",
        "--starts", "2026-01-31T19:30+08:00", "--ends", "2026-01-31T21:00+08:00",
    )  # fmt: skip
    lecture = made["id"]
    assert datetime.datetime.fromisoformat(made["starts"]).utctimetuple()[:5] == (2026, 1, 31, 11, 30)
    assert script.json("lecture", "list")[0]["id"] == lecture

    roster = tmp_path / "roster.csv"
    roster.write_text(ROSTER, encoding="utf-8-sig")
    taken = script.json("roster", "import", str(roster), "--lecture", lecture)
    assert set(taken) == IMPORTED
    assert (taken["added"], taken["changed"], taken["unchanged"]) == (2, 0, 0)
    assert [row["line"] for row in taken["refused"]] == [4, 5]
    assert all(set(row) == REFUSED and row["reason"] for row in taken["refused"])
    again = script.json("roster", "import", str(roster))
    assert (again["added"], again["unchanged"]) == (0, 2)

    links = script.json("links", "export", "--lecture", lecture)
    assert all(link.keys() >= LINK for link in links)
    assert [link["role"] for link in links] == ["lecturer", "host", "guest", "member", "member"]
    assert {link["branch"] for link in links[3:]} == {"镇巴县 / 泾洋街道党支部", "镇巴县 / 兴隆镇党支部"}
    assert all(link["url"] == f"{place.url}/j?l={lecture}#{link['ticket']}" for link in links)

    assert script.json("lecture", "start", lecture)["state"] == "live"
    assert script.json("lecture", "end", lecture)["state"] == "ended"
    exports(script, lecture, tmp_path)
    if place.process is not None:  # the same program refuses; once is enough
        refusals(script, lecture, tmp_path)
    private(place.data)
    edited(script, place.data / "classroom.sqlite3", lecture)


def exports(script: Script, lecture: str, folder: Path) -> None:
    words, sheet = ("attendance", "export", "--lecture", lecture), folder / "attendance.xlsx"
    with ThreadPoolExecutor(2) as pool:  # commands wait for one another where there is no service
        plain = pool.submit(script.bytes, *words, "--format", "json")
        comma = pool.submit(script.bytes, *words, "--format", "csv")
        told = pool.submit(script.json, *words, "--format", "xlsx", "--output", str(sheet))
        verified = pool.submit(script.json, "attendance", "verify", "--lecture", lecture)
    report = json.loads(plain.result())
    assert report["lecture"]["id"] == lecture
    members = [one for one in report["members"] if one["role"] == "member"]
    assert {one["name"] for one in members} == {"张伟", "王芳"}
    assert all(one.keys() >= MEMBER and one["sessions"] == [] and one["first_join"] is None for one in members)
    assert all(one["connected_seconds"] == 0 for one in members)
    rows = list(csv.reader(io.StringIO(comma.result().decode("utf-8-sig"))))
    assert any("张伟" in row for row in rows)
    assert told.result() == {"file": str(sheet), "bytes": sheet.stat().st_size}
    book = CalamineWorkbook.from_path(str(sheet))
    assert any("张伟" in row for name in book.sheet_names for row in book.get_sheet_by_name(name).to_python())
    assert verified.result()["ok"] is True


def refusals(script: Script, lecture: str, folder: Path) -> None:
    """What cannot be done is a sentence on standard error, nothing on standard output, and a status."""
    refused: list[tuple[int, tuple[str, ...]]] = [
        (1, ("lecture", "start", lecture, "--json")),
        (1, ("links", "export", "--lecture", "nowhere/../..", "--json")),
        (2, ("roster", "import", str(folder / "missing.csv"), "--lecture", lecture, "--json")),
        (2, ("lecture", "create", "--title", "t", "--starts", "tomorrow", "--json")),
        (2, ("attendance", "export", "--lecture", lecture, "--format", "csv", "--json")),
    ]
    with ThreadPoolExecutor(2) as pool:
        assert all(pool.map(lambda one: script.refused(*one[1], status=one[0]), refused))


def private(data: Path) -> None:
    """Nobody but the owner reads what the folder holds, wherever it lies."""
    for path in (data, *data.rglob("*")):
        assert stat.S_IMODE(path.lstat().st_mode) & 0o077 == 0, path


def edited(script: Script, database: Path, lecture: str) -> None:
    """Somebody with an editor for SQLite moves the lecture's start."""
    with sqlite3.connect(database, timeout=10) as ledger:
        rows = ledger.execute("SELECT row, body FROM facts WHERE lecture = ? ORDER BY row", (lecture,)).fetchall()
        bad = next(number for number, body in rows if b'"live"' in bytes(body))
        changed = ledger.execute(
            "UPDATE facts SET happened = happened - 60000000 WHERE lecture = ? AND row = ?", (lecture, bad)
        )
        assert changed.rowcount == 1
    ledger.close()
    assert f"row {bad}:" in script.refused("attendance", "verify", "--lecture", lecture)
    with ThreadPoolExecutor(2) as pool:
        exported = pool.submit(script.json, "attendance", "export", "--lecture", lecture)
        result = script.json("attendance", "verify", "--lecture", lecture, status=1)
    assert exported.result()["head"]["broken"]["row"] == bad
    assert (result["ok"], result["bad_row"], result["rows"]) == (False, bad, len(rows))
    assert result["reason"]


def test_a_data_folder_that_others_may_enter_holds_nothing_they_may_read(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir(mode=0o755)
    Script(Service(tmp_path)).json("lecture", "create", "--title", "t")
    private_files = [path for path in data.rglob("*") if path.is_file()]
    assert data / "classroom.sqlite3" in private_files
    assert all(stat.S_IMODE(path.stat().st_mode) & 0o077 == 0 for path in private_files)
