"""The command line on a data folder of its own, where no service runs: what scripts rely on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from classroom.command.app import app
from classroom.command.options import moment
from classroom.command.output import explain
from classroom.command.progress import minutes
from classroom.command.staff import LENGTH, draw_password
from classroom.errors import SettingsError, UserError

ROSTER = """姓名,支部,手机
张伟,镇巴县/泾洋街道党支部,13800000001
王芳,西乡县/城北街道党支部,13800000002
,西乡县,13800000003
"""


class Terminal:
    """Runs `classroom …` on one data folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._runner = CliRunner(env={"CLASSROOM_DATA_DIR": str(folder / "data"), "LANG": "zh_CN.UTF-8", "LC_ALL": ""})

    def run(self, *words: str) -> Result:
        return self._runner.invoke(app, list(words))

    def document(self, *words: str) -> Any:
        result = self.run(*words)
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)


@pytest.fixture(scope="module")
def terminal(tmp_path_factory: pytest.TempPathFactory) -> Terminal:
    return Terminal(tmp_path_factory.mktemp("command"))


@pytest.fixture(scope="module")
def lecture(terminal: Terminal) -> str:
    made = terminal.document(
        "lecture", "create", "--title", "流动不流失", "--starts", "2031-01-31T19:30:00+08:00", "--json"
    )
    roster = terminal.folder / "roster.csv"
    roster.write_text(ROSTER, encoding="utf-8-sig")
    imported = terminal.document("roster", "import", str(roster), "--lecture", made["id"], "--json")
    assert (imported["added"], imported["changed"], imported["unchanged"]) == (2, 0, 0)
    assert [row["line"] for row in imported["refused"]] == [4]
    assert imported["refused"][0]["reason"]
    return str(made["id"])


def test_a_roster_imported_again_changes_nothing(terminal: Terminal, lecture: str) -> None:
    again = terminal.document("roster", "import", str(terminal.folder / "roster.csv"), "--lecture", lecture, "--json")
    assert (again["added"], again["changed"], again["unchanged"]) == (0, 0, 2)


def test_a_lecture_is_listed_with_its_time_and_its_people(terminal: Terminal, lecture: str) -> None:
    (listed,) = terminal.document("lecture", "list", "--json")
    assert (listed["id"], listed["title"], listed["invited"]) == (lecture, "流动不流失", 2)
    assert listed["starts"].startswith("2031-01-31T11:30:00")
    assert "流动不流失" in terminal.run("lecture", "list").stdout


def test_links_name_everybody_those_on_stage_first(terminal: Terminal, lecture: str) -> None:
    links = terminal.document("links", "export", "--lecture", lecture, "--json")
    assert [link["role"] for link in links] == ["lecturer", "host", "guest", "member", "member"]
    assert {"name", "branch", "role", "url", "ticket"} <= set(links[0])
    assert links[0]["url"].endswith("/j#" + links[0]["ticket"])


@pytest.mark.parametrize(("name", "begins"), [("links.xlsx", b"PK"), ("links.html", b"<!doctype html>")])
def test_links_are_written_as_a_sheet(terminal: Terminal, lecture: str, name: str, begins: bytes) -> None:
    file = terminal.folder / name
    assert terminal.run("links", "export", "--lecture", lecture, "--output", str(file)).exit_code == 0
    assert file.read_bytes().startswith(begins)


def test_links_refuse_another_ending(terminal: Terminal, lecture: str) -> None:
    assert terminal.run("links", "export", "--lecture", lecture, "--output", "links.pdf").exit_code == 2


def test_a_lecture_starts_and_ends_and_its_ledger_verifies(terminal: Terminal, lecture: str) -> None:
    assert terminal.document("lecture", "start", lecture, "--json")["state"] == "live"
    assert terminal.document("lecture", "end", lecture, "--json")["state"] == "ended"
    verified = terminal.document("attendance", "verify", "--lecture", lecture, "--json")
    assert verified["ok"] is True
    assert verified["rows"] > 0
    assert "unbroken" in terminal.run("attendance", "verify", "--lecture", lecture).stdout


def test_attendance_is_exported_in_each_form(terminal: Terminal, lecture: str) -> None:
    exported = terminal.document("attendance", "export", "--lecture", lecture, "--format", "json")
    assert {member["name"] for member in exported["members"] if member["role"] == "member"} == {"张伟", "王芳"}
    for form, begins in (("csv", b"\xef\xbb\xbf"), ("xlsx", b"PK")):
        file = terminal.folder / f"attendance.{form}"
        words = ("attendance", "export", "--lecture", lecture, "--format", form, "--output", str(file))
        assert terminal.run(*words).exit_code == 0
        assert file.read_bytes().startswith(begins)


def test_an_organizer_gets_a_password_drawn_at_random(terminal: Terminal) -> None:
    made = terminal.document("staff", "create", "clerk", "--branch", "镇巴县 / 泾洋街道党支部", "--json")
    assert (made["name"], made["branch"], len(made["password"])) == ("clerk", "镇巴县 / 泾洋街道党支部", LENGTH)
    again = terminal.run("staff", "create", "clerk")
    assert isinstance(again.exception, UserError)
    assert again.exception.reason == "name-taken"


def test_a_lecture_that_does_not_exist_is_an_error_in_words(terminal: Terminal) -> None:
    result = terminal.run("attendance", "export", "--lecture", "nowhere", "--format", "json")
    assert isinstance(result.exception, UserError)
    said = explain(result.exception)
    assert said is not None
    assert "nowhere" in said


@pytest.mark.parametrize(
    "words",
    [
        ("lecture", "create"),
        ("lecture", "create", "--title", "a", "--starts", "tomorrow"),
        ("attendance", "export", "--lecture", "a", "--format", "pdf"),
        ("publish", "missing.mp4", "--lecture", "a"),
        ("nothing",),
    ],
)
def test_wrong_usage_is_status_2(terminal: Terminal, words: tuple[str, ...]) -> None:
    assert terminal.run(*words).exit_code == 2


def test_publish_wants_one_place(terminal: Terminal) -> None:
    film = terminal.folder / "film.mp4"
    film.write_bytes(b"no film")
    assert terminal.run("publish", str(film)).exit_code == 2
    assert terminal.run("publish", str(film), "--url", "http://127.0.0.1:9/whip/a/lecturer").exit_code == 2


def test_a_time_without_an_offset_is_local() -> None:
    assert moment(None) is None
    local = moment("2031-01-31T19:30")
    assert local is not None
    assert local.utcoffset() is not None
    aware = moment("2031-01-31T19:30:00+08:00")
    assert aware is not None
    assert aware.isoformat() == "2031-01-31T11:30:00+00:00"


def test_only_errors_that_a_person_can_mend_are_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "C")
    assert explain(SettingsError("CLASSROOM_HTTP_PORT: too high")) == "CLASSROOM_HTTP_PORT: too high"
    assert explain(UserError("name-taken", "clerk")) == "That name is taken. Choose another one. (clerk)"
    assert explain(UserError("no-word-for-this", "x")) == "no-word-for-this: x"
    assert explain(FileNotFoundError(2, "No such file", "roster.csv")) is not None
    assert explain(ZeroDivisionError()) is None
    monkeypatch.setenv("LC_ALL", "zh_CN.UTF-8")
    assert explain(UserError("name-taken")) == "这个名称已被使用，请换一个。"


def test_passwords_differ_and_hold_nothing_that_is_read_wrongly() -> None:
    drawn = {draw_password() for _ in range(50)}
    assert len(drawn) == 50
    assert not set("".join(drawn)) & set("0O1lIi")


def test_minutes_are_written_as_a_clock() -> None:
    assert [minutes(seconds) for seconds in (0, 59.9, 61, 3_599, 3_600, 36_061)] == [
        "0:00", "0:59", "1:01", "59:59", "1:00:00", "10:01:01",
    ]  # fmt: skip
