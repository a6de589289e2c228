"""A clerk keeps the roster in the console: a file is looked at, taken and taken back after a reload; people move, leave
and come back; an organizer of another branch sees none of it."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Hall, Tab

CONSOLE = {"width": 1366, "height": 768}


def _signed_in(hall: Hall, place: str, *branch: str) -> Tab:
    staff = hall.service.command("staff", "create", f"clerk{len(branch)}", *branch, "--json")
    tab = hall.tab(viewport=CONSOLE, source=None)
    tab.page.goto(f"{hall.service.url}/console#/{place}")
    tab.at("console-name").fill(staff["name"])
    tab.at("console-password").fill(staff["password"])
    tab.at("console-sign-in").click()
    return tab


@pytest.mark.timeout(180)
def test_a_clerk_keeps_the_roster(hall: Hall, tmp_path: Path) -> None:
    file = tmp_path / "名单.csv"
    file.write_text(
        "姓名,支部,手机\n新同志,洋县/城关党支部,13911112222\n没写支部,,\n姓名,支部,手机\n", encoding="utf-8"
    )
    tab = _signed_in(hall, "people")
    _import(tab, file)
    _move_and_leave(tab)
    _take_back(tab)
    other = _signed_in(hall, "people", "--branch", "洋县")
    other.at("people-view-people").wait_for()
    expect(other.at("people-branch")).to_have_count(2)  # the county and the branch, in which nobody is any more
    expect(other.at("person")).to_have_count(0)
    expect(other.at("console-nav-staff")).to_have_count(0)


def _import(tab: Tab, file: Path) -> None:
    """Nothing happens before it is confirmed; bad rows come first, with their reason."""
    tab.at("people-view-import").click()
    tab.at("console-roster-file").set_input_files(str(file))
    expect(tab.at("console-roster-refused")).to_contain_text("没有写所在支部")
    expect(tab.at("console-roster-preview")).to_contain_text("新增的 1 人")
    tab.at("console-roster-confirm").click()
    tab.at("console-roster-result").wait_for()


def _move_and_leave(tab: Tab) -> None:
    tab.at("people-view-people").click()
    tab.at("people-search").fill("新同志")
    tab.at("person-open").click()
    tab.at("person-read-phone").click()
    expect(tab.at("person-phone")).to_have_text("13911112222")
    tab.at("person-leave").click()
    tab.page.locator(".el-message-box").get_by_role("button", name="离开花名册").click()
    expect(tab.at("person-left")).to_be_visible()
    tab.at("person-return").click()
    expect(tab.at("person-left")).to_have_count(0)
    expect(tab.at("person-history")).to_contain_text("重新加入")
    tab.page.keyboard.press("Escape")
    tab.at("console-nav-audit").click()
    expect(tab.at("staff-audit")).to_contain_text("查看完整手机号码：新同志")
    tab.at("console-nav-people").click()


def _take_back(tab: Tab) -> None:
    """From the list of changes, after a reload: what came later first."""
    tab.page.reload()
    tab.at("people-view-changes").click()
    for words in ("新同志重新加入", "新同志离开花名册", "导入“名单.csv”"):
        change = tab.at("roster-change").filter(has_text=words).first
        change.get_by_test_id("roster-change-undo").click()
        tab.page.locator(".el-message-box").get_by_role("button", name="撤销").click()
        expect(change).to_have_attribute("data-undone", "true")
