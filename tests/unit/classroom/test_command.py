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
    assert links[0]["url"].endswith("#" + links[0]["ticket"])


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


def test_a_year_s_hours_are_written_for_everybody_or_one_branch(terminal: Terminal, lecture: str) -> None:
    file = terminal.folder / "2031.xlsx"
    words = ("attendance", "year", "--year", "2031", "--output", str(file))
    assert terminal.document(*words, "--branch", "镇巴县", "--anew", "--json")["bytes"] == file.stat().st_size
    assert str(file) in terminal.run(*words, "--language", "en").stdout
    named = terminal.run("attendance", "year", "--year", "2031", "--output", str(terminal.folder), "--branch", "镇巴县")
    assert named.stdout.strip().endswith("2031_镇巴县_年度学时.xlsx")
    result = terminal.run(*words, "--branch", "没有的县")
    assert isinstance(result.exception, UserError)
    assert result.exception.reason == "no-such-branch"


def test_an_export_is_named_by_what_it_is_and_verified(terminal: Terminal, lecture: str) -> None:
    words = ("attendance", "export", "--lecture", lecture, "--output", str(terminal.folder), "--format", "csv")
    said = terminal.run(*words, "--branch", "镇巴县", "--encoding", "gb18030").stdout.strip()
    assert Path(said).name == "流动不流失_2031-01-31_镇巴县_考勤.csv"
    text = Path(said).read_bytes().decode("gb18030")
    assert "张伟" in text
    assert "王芳" not in text
    found = terminal.document("attendance", "verify", said, "--json")
    assert (found["ok"], found["identical"], found["scope"]) == (True, True, "镇巴县")
    assert "逐字节相同" in terminal.run("attendance", "verify", said).stdout
    Path(said).write_bytes(text.replace("张伟", "张三").encode("gb18030"))
    broken = terminal.run("attendance", "verify", said)
    assert broken.exit_code == 1
    assert "张三" in broken.output


def test_a_token_is_made_listed_and_revoked(terminal: Terminal) -> None:
    terminal.run("staff", "create", "reader", "--branch", "镇巴县")
    made = terminal.document("staff", "token", "create", "每晚报表", "--staff", "reader", "--days", "30", "--json")
    assert made["branch"] == "镇巴县"
    assert made["token"] not in terminal.run("staff", "token", "list").stdout
    (listed,) = [one for one in terminal.document("staff", "token", "list", "--json") if one["id"] == made["id"]]
    assert (listed["name"], listed["used"], listed["token"]) == ("每晚报表", None, None)
    assert terminal.run("staff", "token", "revoke", made["id"]).exit_code == 0
    assert made["id"] not in terminal.run("staff", "token", "list").stdout


@pytest.mark.parametrize("words", [(), ("--lecture", "a", "brief.csv")])
def test_what_is_verified_is_named_once(terminal: Terminal, words: tuple[str, ...]) -> None:
    (terminal.folder / "brief.csv").write_text("a")
    named = [str(terminal.folder / word) if word.endswith(".csv") else word for word in words]
    assert terminal.run("attendance", "verify", *named).exit_code == 2


def test_a_roster_is_looked_at_listed_and_taken_back(terminal: Terminal, lecture: str) -> None:
    file = terminal.folder / "more.csv"
    file.write_text("姓名,支部\n张伟,镇巴县/永乐镇党支部\n赵敏,西乡县/城北街道党支部\n", encoding="utf-8")
    seen = terminal.document("roster", "preview", str(file), "--json")
    assert (seen["added"], seen["changed"]) == (2, 0)
    shown = terminal.run("roster", "preview", str(file)).output
    assert "+ 赵敏" in shown
    terminal.document("roster", "import", str(file), "--yes", "--json")
    listed = terminal.run("roster", "list", "--branch", "西乡县").output
    assert "赵敏" in listed
    assert "镇巴县" not in listed
    (last, *_) = terminal.document("roster", "changes", "--json")
    assert (last["what"], last["file"], last["added"]) == ("import", "more.csv", 2)
    assert terminal.document("roster", "undo", last["id"], "--json") == {"removed": 2, "restored": 0}
    assert "赵敏" not in terminal.run("roster", "list").output
    assert "(undone)" in terminal.run("roster", "changes").output


def test_a_rule_is_shown_and_set(terminal: Terminal) -> None:
    made = terminal.document("lecture", "create", "--title", "规则", "--json")
    assert "80%" in terminal.run("rule", "show", "--lecture", made["id"]).output
    book = terminal.document("rule", "set", "--lecture", made["id"], "--share", "75", "--sign-ins", "1", "--json")
    assert (book["version"], book["rule"]["share"], book["rule"]["answered"]) == (2, 75, 1)
    terminal.document("rule", "set", "--lecture", made["id"], "--entry", "15", "--json")
    book = terminal.document("rule", "set", "--lecture", made["id"], "--entry", "0", "--json")
    assert (book["version"], book["rule"]["entry"]) == (4, None)
    terminal.document("lecture", "start", made["id"], "--json")
    refused = terminal.run("rule", "set", "--lecture", made["id"], "--share", "50")
    assert isinstance(refused.exception, UserError)
    assert refused.exception.reason == "reason-needed"
    assert terminal.run("rule", "set", "--lecture", made["id"]).exit_code == 2


def test_staff_are_listed_given_another_password_and_removed(terminal: Terminal) -> None:
    terminal.document("staff", "create", "联络员", "--json")
    assert "联络员  (everything)" in terminal.run("staff", "list").output
    again = terminal.document("staff", "password", "联络员", "--json")
    assert len(again["password"]) == LENGTH
    assert terminal.document("staff", "remove", "联络员", "--json")["name"] == "联络员"
    assert "联络员" not in terminal.run("staff", "list").output
    nobody = terminal.run("staff", "remove", "联络员")
    assert isinstance(nobody.exception, UserError)
    assert nobody.exception.reason == "no-such-staff"


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
        ("attendance", "year", "--year", "26", "--output", "x.xlsx"),
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


def test_leave_corrections_and_objections_from_the_command_line(terminal: Terminal) -> None:
    lecture = terminal.document("lecture", "create", "--title", "还没有开始", "--json")["id"]
    roster = terminal.folder / "leave.csv"
    roster.write_text(ROSTER, encoding="utf-8-sig")
    terminal.document("roster", "import", str(roster), "--lecture", lecture, "--json")
    links = terminal.document("links", "export", "--lecture", lecture, "--json")
    member = next(link["member"] for link in links if link["name"] == "张伟")
    whom = ("--lecture", lecture, "--member", member)
    assert terminal.run("attendance", "excuse", *whom, "--cause", "illness").exit_code == 0
    report = terminal.document("attendance", "export", "--lecture", lecture, "--json")
    assert next(one["leave"] for one in report["members"] if one["id"] == member) == "illness"
    assert terminal.run("attendance", "excuse", *whom, "--withdraw").exit_code == 0
    assert terminal.run("attendance", "excuse", *whom).exit_code == 2
    early = terminal.run("attendance", "correct", *whom, "--verdict", "present", "--why", "签到表为证")
    assert early.exit_code != 0
    assert terminal.run("attendance", "correct", *whom).exit_code == 2
    assert terminal.document("attendance", "objections", "--lecture", lecture, "--json") == []
