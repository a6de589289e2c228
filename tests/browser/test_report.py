"""After a lecture: its report in the console as figures, curve, table and one evening; and the page to print."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Locator, expect

from tests.browser.conftest import CONSOLE, Hall, Tab
from tests.browser.held import OPERATOR, PASSWORD, Held
from tests.servers.service import Lecture

RED = "rgb(179, 38, 30)"
"""`--bad`: of who did not come, and of nothing else."""


@pytest.fixture
def clerk(browser: Browser, held: Held) -> Iterator[Tab]:
    """Signed in, before the report of the lecture that was held."""
    hall = Hall(browser, held.service, Lecture(held.over, ()))
    tab = hall.tab(viewport=CONSOLE, source=None)
    tab.page.goto(f"{held.service.url}/console#/lecture/{held.over}/report")
    tab.at("console-name").fill(OPERATOR)
    tab.at("console-password").fill(PASSWORD)
    tab.at("console-sign-in").click()
    tab.at("report-line").first.wait_for()
    yield tab
    hall.close()


def _colour(one: Locator) -> str:
    return str(one.evaluate("one => getComputedStyle(one).color"))


def test_the_report_of_a_lecture(clerk: Tab) -> None:
    figures = {name: int(clerk.at(f"report-figure-{name}").inner_text()) for name in ("all", "present", "not-measured")}
    assert figures == {"all": 96, "present": 57, "not-measured": 8}
    assert _colour(clerk.at("report-figure-not-measured")) != RED
    assert _colour(clerk.at("report-figure-absent")) == RED
    expect(clerk.at("curve-chart").locator("svg path").first).to_be_attached()
    expect(clerk.at("curve-most")).to_contain_text("72 人同时收看")
    clerk.at("report-figure-absent").click()
    expect(clerk.at("report-table")).to_have_attribute("aria-rowcount", "8")
    _not_measured(clerk)
    _sorted(clerk)
    _evening(clerk)
    _printed(clerk)


def _not_measured(clerk: Tab) -> None:
    """Is said so, never as 0 and never in red."""
    clerk.at("report-show-not-measured").click()
    line = clerk.at("report-line").first
    for cell in ("share", "credited"):
        expect(line.locator(f".{cell}")).to_have_text("未测得")
        assert _colour(line.locator(f".{cell}")) != RED
    assert _colour(line.locator(".tag")) != RED
    clerk.at("report-show-all").click()


def _sorted(clerk: Tab) -> None:
    share = clerk.page.locator("th.share")
    for direction, first in (("ascending", "0.0%"), ("descending", "100.0%")):
        clerk.at("report-sort-share").click()
        expect(share).to_have_attribute("aria-sort", direction)
        expect(clerk.at("report-line").first.locator(".share")).to_have_text(first)
    clerk.at("report-search").locator("input").or_(clerk.page.locator("input[data-testid=report-search]")).first.fill(
        "断线"
    )
    expect(clerk.at("report-table")).to_have_attribute("aria-rowcount", "9")


def _evening(clerk: Tab) -> None:
    """Each interval with what opened and closed it; the gap, the sign-ins, the attempt that failed, our own outage."""
    clerk.at("report-open").first.click()
    expect(clerk.at("evening-bar").first).to_be_attached()
    steps = clerk.at("evening-steps")
    for words in (
        "收看（接收证明）",
        "收看（仅接收报告）",
        "起点：",
        "真实时间可能再长",
        "断线",
        "签到未应答",
        "进入失败",
        "我方故障",
    ):
        expect(steps).to_contain_text(words)
    clerk.page.keyboard.press("Escape")


def _printed(clerk: Tab) -> None:
    """One or two sheets of A4, without script."""
    clerk.at("console-export").click()
    with clerk.page.expect_popup() as opened:
        clerk.at("console-export-summary").click()
    page = opened.value
    expect(page.locator("body")).to_contain_text("未测得")
    assert page.locator("script").count() == 0
    page.emulate_media(media="print")
    assert b"/Type /Page" in page.pdf(format="A4", prefer_css_page_size=True)
