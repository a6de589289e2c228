"""A municipal clerk's whole way in the browser, as one story: the roster imported, links, an evening that some watch on
their phones and some together at a site, who is missing, a correction, leave, an objection and its answer, the export
that the city takes and its check, a token for a program of the city's; and an organizer of another county, who has no
part in any of it."""

from __future__ import annotations

import csv
import datetime
import io
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import APIResponse, Browser, Download, expect
from python_calamine import CalamineWorkbook

from tests.browser.conftest import CONSOLE, PHONE, Hall, Tab
from tests.browser.held import CHINA
from tests.servers.service import Lecture, Link, Service
from tests.sheets import SHEETS

SHOTS = os.environ.get("CLASSROOM_SHOTS")
"""Where pictures of the pages go for whoever wants to look at them."""
TITLE = "流动不流失：党员教育第三讲"
ROSTER = """镇巴、西乡流动党员花名册,,,
姓名,党支部,手机号码,流入地
张伟,镇巴县/泾洋街道流动党支部,13800000001,陕西省西安市
王芳,镇巴县/兴隆镇党支部,13800000002,苏州
刘洋,镇巴县/泾洋街道流动党支部,13800000003,镇巴
陈静,镇巴县/兴隆镇党支部,13800000004,镇巴
周强,镇巴县/泾洋街道流动党支部,13800000005,
李娜,西乡县/城北街道党支部,13800000006,深圳市
杨磊,西乡县/城北街道党支部,13800000007,
没写支部,,13800000008,
"""
SMALL = (320, 180, 15)


def shot(tab: Tab, name: str) -> None:
    if SHOTS:
        tab.page.wait_for_timeout(500)
        tab.page.screenshot(path=str(Path(SHOTS) / f"clerk-{name}.png"))


@pytest.fixture
def town(browser: Browser, service: Service) -> Iterator[Hall]:
    """A service in which nothing is yet."""
    opened = Hall(browser, service, Lecture("", ()))
    yield opened
    opened.close()


@pytest.mark.timeout(180)
def test_a_clerk_s_whole_way(town: Hall, tmp_path: Path) -> None:
    clerk = _signed_in(town, "李主任")
    _creates(town, clerk)
    _imports(clerk, tmp_path)
    _hands_out_links(town, clerk)
    _makes_a_site(town, clerk)
    screen, objector = _evening(town, clerk)
    _absent(clerk)
    _at_the_site(town, clerk, screen)
    objector.page.context.close()
    _ends(clerk, screen)
    _objects(town)
    _answers(clerk, town)
    _gives_leave(clerk)
    _exports(clerk, tmp_path)
    _lends_a_token(town, clerk)
    _another_county(town)


def _signed_in(town: Hall, name: str, *branch: str) -> Tab:
    """A wrong password first is told so; then one is where one wants to be."""
    staff = town.service.command("staff", "create", name, *branch, "--json")
    tab = town.tab(viewport=CONSOLE, source=None)
    tab.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    tab.page.goto(f"{town.service.url}/console")
    for password in ("wrong", staff["password"]):
        tab.at("console-name").fill(name)
        tab.at("console-password").fill(password)
        tab.at("console-sign-in").click()
        if password == "wrong":
            expect(tab.at("console-sign-in-problem")).to_contain_text("密码")
    expect(tab.at("console-who")).to_contain_text(name)
    return tab


def _link(town: Hall, name: str) -> Link:
    return next(link for link in town.lecture.links if link.name == name)


# --- before the evening ---------------------------------------------------------------------------------------------


def _creates(town: Hall, clerk: Tab) -> None:
    expect(clerk.page.get_by_text("还没有课堂")).to_be_visible()
    shot(clerk, "nothing-yet")
    clerk.at("console-create").first.click()
    clerk.at("console-lecture-title").fill(TITLE)
    begins = datetime.datetime.now(CHINA)
    clerk.at("console-lecture-starts").fill(begins.strftime("%Y-%m-%dT%H:%M"))
    clerk.at("console-create-confirm").click()
    expect(clerk.at("console-title")).to_have_text(TITLE)
    expect(clerk.at("console-tab-links")).to_have_attribute("aria-current", "page")


def _imports(clerk: Tab, folder: Path) -> None:
    """Bad rows first, with reason and line; nothing happens before it is confirmed."""
    file = folder / "花名册.csv"
    file.write_bytes(ROSTER.encode("gb18030"))
    clerk.at("console-roster-file").set_input_files(str(file))
    refused = clerk.at("console-roster-refused")
    expect(refused).to_contain_text("没有写所在支部")
    expect(refused).to_contain_text("10")
    expect(clerk.at("console-roster-preview")).to_contain_text("新增的 7 人")
    expect(clerk.page.locator("[data-testid=console-link][data-role=member]")).to_have_count(0)
    shot(clerk, "import-preview")
    clerk.at("console-roster-confirm").click()
    expect(clerk.at("console-roster-result")).to_contain_text("7")
    expect(clerk.page.locator("[data-testid=console-link][data-role=member]")).to_have_count(7)


def _hands_out_links(town: Hall, clerk: Tab) -> None:
    (lecture,) = town.service.rest("GET", "/api/lectures")
    town.lecture = town.service.invited(lecture["id"])
    row = clerk.at("console-link").filter(has_text="张伟")
    row.get_by_test_id("console-link-copy").click()
    assert clerk.page.evaluate("navigator.clipboard.readText()") == _link(town, "张伟").url
    with clerk.page.expect_download() as taken:
        clerk.at("console-links-xlsx").click()
    assert any("张伟" in map(str, line) for line in _sheet(taken.value, 0))
    shot(clerk, "links")


def _makes_a_site(town: Hall, clerk: Tab) -> None:
    clerk.at("console-tab-sites").click()
    clerk.at("console-site-new").click()
    clerk.at("console-site-place").fill("党员活动室")
    clerk.at("console-site-branch").select_option("镇巴县")
    clerk.at("console-site-host").fill("刘洋")
    clerk.at("console-site-found").first.click()
    clerk.at("console-site-create").click()
    expect(clerk.at("console-site-state")).to_contain_text("未开放")


# --- the evening ----------------------------------------------------------------------------------------------------


def _evening(town: Hall, clerk: Tab) -> tuple[Tab, Tab]:
    """One watches to the end, one leaves; what their pages play is what the console's figures say."""
    clerk.at("console-tab-live").click()
    expect(clerk.at("console-missing")).to_have_text("7")
    lecturer = town.lecturer(start=False, source=SMALL)
    stays, leaves = (town.enter(_link(town, name), PHONE) for name in ("张伟", "王芳"))
    lecturer.at("studio-start").click()
    stays.plays()
    leaves.plays()
    stays.at("room-record-open").click()
    expect(stays.at("record-intervals")).to_contain_text("–现在", timeout=15_000)
    shot(stays, "own-record-live")
    stays.at("room-record-close").click()
    expect(clerk.at("console-state")).to_have_attribute("data-state", "live", timeout=15_000)
    expect(clerk.at("console-receiving")).to_have_text("2", timeout=15_000)
    expect(clerk.at("console-missing")).to_have_text("5")
    expect(clerk.at("console-branch").first).to_contain_text("西乡县")  # worst first
    expect(clerk.at("console-branch").first).to_contain_text("0%")
    clerk.at("console-receiving").click()
    expect(clerk.at("console-member")).to_have_count(2)
    shot(clerk, "live")
    url = town.service.rest("GET", f"/api/lectures/{town.lecture.id}/sites")[0]["id"]
    opened = town.tab(_link(town, "刘洋"), CONSOLE)
    opened.page.goto(town.service.rest("GET", f"/api/lectures/{town.lecture.id}/sites/{url}/link")["url"])
    return opened, leaves


def _absent(clerk: Tab) -> None:
    """As it would be pasted into a group's chat."""
    clerk.at("absent-copy").click()
    text = clerk.page.evaluate("navigator.clipboard.readText()")
    assert "西乡县 / 城北街道党支部（2 人）：李娜、杨磊" in text.splitlines()
    assert text.splitlines()[0].startswith(f"{TITLE}：")
    assert "张伟" not in text


def _at_the_site(town: Hall, clerk: Tab, screen: Tab) -> None:
    """The host's screen plays; one scans its code with their own phone, one is picked from the list."""
    screen.at("site-open").click()
    screen.plays("lecturer")
    expect(screen.at("site-screen")).to_have_attribute("data-tone", "good", timeout=15_000)
    code = screen.at("site-code")
    code.wait_for()
    phone = town.tab(_link(town, "陈静"), PHONE)
    phone.page.goto(_link(town, "陈静").url)
    phone.at("join-name").wait_for()  # this phone knows whose it is
    phone.page.goto("about:blank")
    phone.page.goto(str(code.get_attribute("data-code")).rsplit(".", 1)[0] + ".AAAAAAAAAAAA")
    expect(phone.at("scan-notice")).to_be_visible()
    phone.page.goto("about:blank")
    phone.page.goto(str(code.get_attribute("data-code")))
    expect(phone.at("scan-name")).to_have_text("陈静")
    phone.at("scan-here").click()
    phone.at("scan-done").wait_for()
    expect(screen.at("site-present-n")).to_contain_text("2", timeout=10_000)
    screen.at("site-search").fill("周强")
    screen.at("site-check-in").first.click()
    expect(screen.at("site-present-n")).to_contain_text("3", timeout=10_000)
    screen.at("site-heads").fill("4")
    screen.at("site-heads-save").click()
    expect(screen.at("site-heads-note")).to_contain_text("1")
    shot(screen, "site")
    clerk.at("console-show-together").click()
    expect(clerk.at("console-member")).to_have_count(3, timeout=10_000)
    expect(clerk.at("console-missing")).to_have_text("2")
    clerk.at("console-tab-sites").click()
    expect(clerk.at("console-site-count")).to_contain_text("3 / 4", timeout=10_000)
    clerk.at("console-site-people").click()
    expect(clerk.at("console-site-person")).to_have_count(3)
    shot(clerk, "sites")


def _ends(clerk: Tab, screen: Tab) -> None:
    """It is said how many are watching; then the report is there."""
    clerk.at("console-tab-live").click()
    expect(clerk.at("console-receiving")).to_have_text("4", timeout=15_000)  # one has gone
    clerk.at("console-end").click()
    expect(clerk.page.locator(".el-message-box")).to_contain_text("4 人正在收看")
    clerk.page.get_by_role("button", name="结束课堂，不再开始").click()
    expect(clerk.at("console-state")).to_have_attribute("data-state", "ended")
    expect(clerk.at("report-line")).to_have_count(7)
    expect(screen.at("site-over")).to_be_visible(timeout=15_000)
    shot(clerk, "report")


# --- afterwards -----------------------------------------------------------------------------------------------------


def _objects(town: Hall) -> None:
    """By her own link; what is known of her stands above it."""
    member = town.tab(_link(town, "王芳"), PHONE)
    member.page.goto(_link(town, "王芳").url)
    member.at("record-verdict").wait_for()
    member.at("object").click()
    member.at("objection-text").fill("手机没电了，\n后半场在村部和大家一起看完。")
    shot(member, "objecting")
    member.at("objection-send").click()
    expect(member.at("my-objection")).to_have_attribute("data-state", "open")
    member.page.context.close()


def _answers(clerk: Tab, town: Hall) -> None:
    """With a correction; both are seen by the member, and what was measured stays beside it."""
    clerk.page.reload()
    badge = clerk.at("console-tab-report").locator(".badge")
    expect(badge).to_contain_text("1", timeout=15_000)
    clerk.at("console-tab-report").click()
    clerk.at("objection-row").click()
    drawer = clerk.at("member-drawer")
    expect(drawer.get_by_test_id("evening-steps")).to_contain_text("真实时间可能再长")
    measured = str(clerk.at("record-verdict").get_attribute("data-verdict"))
    ruling = "late" if measured == "present" else "present"
    clerk.at("objection-answer").fill("已核实村部签到表，予以认可。")
    clerk.at("objection-correct").check()
    clerk.at(f"ruling-{ruling}").click()
    expect(clerk.at("objection-will")).to_contain_text("更正为")
    shot(clerk, "answering")
    clerk.at("objection-reply").click()
    expect(clerk.at("drawer-objection")).to_have_attribute("data-state", "answered")
    expect(clerk.at("correction-made")).to_contain_text("李主任")
    expect(badge).to_have_count(0)
    member = town.tab(_link(town, "王芳"), PHONE)
    member.page.goto(_link(town, "王芳").url)
    expect(member.at("my-objection")).to_contain_text("已核实村部签到表，予以认可。")
    expect(member.at("record-verdict")).to_have_attribute("data-verdict", ruling)
    expect(member.at("record-verdict")).to_contain_text("测得：")
    shot(member, "answer-seen")
    member.page.context.close()
    clerk.page.keyboard.press("Escape")


def _gives_leave(clerk: Tab) -> None:
    """Given, taken back, given again; a correction is taken back likewise."""
    clerk.at("report-line").filter(has_text="李娜").get_by_test_id("report-open").click()
    for again in (False, True):
        clerk.at("leave-illness").click()
        clerk.at("leave-give").click()
        expect(clerk.at("leave-has")).to_contain_text("病假")
        if not again:
            clerk.at("leave-undo").click()
            expect(clerk.at("leave-has")).to_have_count(0)
    expect(clerk.at("record-verdict")).to_have_attribute("data-verdict", "excused")
    clerk.page.keyboard.press("Escape")
    expect(clerk.at("report-line").filter(has_text="李娜")).to_contain_text("请假")


def _exports(clerk: Tab, folder: Path) -> None:
    """The table opens, has its sheets, the corrected verdict and the measured one, who watched together and who attests
    it; and the service says that it agrees with the ledger."""
    clerk.at("console-export").click()
    with clerk.page.expect_download() as taken:
        clerk.at("console-export-xlsx").click()
    day = datetime.datetime.now(CHINA).date()
    assert taken.value.suggested_filename == f"{TITLE.replace(':', '-')}_{day.isoformat()}_考勤.xlsx"
    book = _book(taken.value)
    assert book.sheet_names == SHEETS
    people = {str(line[1]): [str(cell) for cell in line] for line in book.get_sheet_by_name("人员").to_python()}
    assert {"张伟", "王芳", "刘洋", "陈静", "周强", "李娜", "杨磊"} <= people.keys()
    assert "请假" in people["李娜"]
    together = [[str(cell) for cell in line] for line in book.get_sheet_by_name("集中收看").to_python()]
    assert {"刘洋", "陈静", "周强"} <= {cell for line in together for cell in line}
    corrected = [cell for line in book.get_sheet_by_name("更正与请假").to_python() for cell in line]
    assert "已核实村部签到表，予以认可。" in corrected
    _for_old_programs(clerk, day)
    shot(clerk, "export")
    clerk.page.keyboard.press("Escape")
    kept = folder / taken.value.suggested_filename
    taken.value.save_as(kept)
    clerk.at("check-file").set_input_files(str(kept))
    expect(clerk.at("check-verdict")).to_have_attribute("data-ok", "true", timeout=15_000)
    shot(clerk, "export-checked")


def _for_old_programs(clerk: Tab, day: datetime.date) -> None:
    """The same people and verdicts in the encoding that old programs in China read."""
    with clerk.page.expect_download() as taken:
        clerk.at("console-export-gb18030").click()
    assert taken.value.suggested_filename.endswith(f"_{day.isoformat()}_考勤.csv")
    written = Path(taken.value.path()).read_bytes()
    with pytest.raises(UnicodeDecodeError):
        written.decode()
    lines = list(csv.reader(io.StringIO(written.decode("gb18030"))))
    people = {cell: line for line in lines for cell in line}
    assert {"张伟", "王芳", "刘洋", "陈静", "周强", "李娜", "杨磊"} <= people.keys()
    assert "请假" in people["李娜"]
    assert "请假" not in people["杨磊"]


def _lends_a_token(town: Hall, clerk: Tab) -> None:
    """It reads attendance and does nothing else; revoked, it reads nothing."""
    clerk.at("console-nav-staff").click()
    expect(clerk.at("token-none")).to_be_visible()
    clerk.at("token-new").click()
    clerk.at("token-name").fill("市委组织部大屏")
    clerk.at("token-days").select_option("30")
    clerk.at("token-make").click()
    shown = clerk.at("token-secret")
    expect(shown).to_have_text(re.compile(r"^classroom_\S+$"))
    shot(clerk, "token")
    secret = shown.inner_text()
    clerk.at("token-secret-noted").click()
    row = clerk.at("token")
    expect(row).to_contain_text("市委组织部大屏")
    expect(row).to_contain_text("还没有用过")
    expect(clerk.page.locator("body")).not_to_contain_text(secret)
    assert {one["name"] for one in _asked(town, secret, "attendance.json").json()["members"]} >= {"张伟", "李娜"}
    assert _asked(town, secret, "links").status == 403
    clerk.page.reload()
    expect(row).to_contain_text("最近使用")
    shot(clerk, "tokens")
    row.get_by_test_id("token-revoke").click()
    question = clerk.page.locator(".el-message-box")
    expect(question).to_contain_text("市委组织部大屏")
    question.get_by_role("button", name="作废").click()
    expect(clerk.at("token-none")).to_be_visible()
    assert _asked(town, secret, "attendance.json").status == 401


def _asked(town: Hall, secret: str, path: str) -> APIResponse:
    """As a program would, which has no session."""
    context = town.browser.new_context()
    town.contexts.append(context)
    headers = {"Authorization": f"Bearer {secret}"}
    return context.request.get(f"{town.service.url}/api/lectures/{town.lecture.id}/{path}", headers=headers)


def _another_county(town: Hall) -> None:
    """Sees the two of their own county, nothing and nobody else, and does nothing that is an operator's."""
    other = _signed_in(town, "西乡组织员", "--branch", "西乡县")
    other.page.goto(f"{town.service.url}/console#/lecture/{town.lecture.id}/report")
    expect(other.at("report-line")).to_have_count(2)
    expect(other.at("objection-row")).to_have_count(0)
    for absent in ("console-start", "console-end", "console-nav-staff", "console-create"):
        expect(other.at(absent)).to_have_count(0)
    other.at("console-tab-links").click()
    expect(other.at("console-link")).to_have_count(2)
    other.at("console-tab-sites").click()
    expect(other.page.get_by_text("还没有收看点")).to_be_visible()
    other.at("console-export").click()
    with other.page.expect_download() as taken:
        other.at("console-export-xlsx").click()
    names = {str(cell) for line in _book(taken.value).get_sheet_by_name("人员").to_python() for cell in line}
    assert names >= {"李娜", "杨磊"}
    assert not names & {"张伟", "王芳", "刘洋", "陈静", "周强"}
    foreign = _link(town, "王芳").member
    for path in (f"report/{foreign}", f"records/{foreign}", f"links/{foreign}.svg"):
        answer = other.page.request.get(f"{town.service.url}/api/lectures/{town.lecture.id}/{path}")
        assert answer.status == 404, path
    asked = other.page.request.get(f"{town.service.url}/api/lectures/{town.lecture.id}/attendance.json?scope=镇巴县")
    assert {one["name"] for one in asked.json()["members"]} <= {"李娜", "杨磊"}


def _book(taken: Download) -> CalamineWorkbook:
    return CalamineWorkbook.from_filelike(io.BytesIO(Path(taken.path()).read_bytes()))


def _sheet(taken: Download, number: int) -> list[list[Any]]:
    book = _book(taken)
    return book.get_sheet_by_name(book.sheet_names[number]).to_python()
