"""The console's pages in every state, as a service that has been in use for a while shows them: letters and targets
large enough, nothing grave for axe in either language, nothing wider than the screen (looks.py)."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import eventually
from tests.browser.crowd import crowd
from tests.browser.held import OPERATOR, ORGANIZER, PASSWORD, Held
from tests.browser.looks import SIZES, Seen

BAD_ROWS = """姓名,支部,手机,流入地
张新,镇巴县/兴隆镇驻苏州流动党支部,13911112222,苏州
,镇巴县/兴隆镇驻苏州流动党支部,13911112223,
没写支部,,13911112224,成都
电话不对,洋县/城关流动党支部,1391111,
"""


STILL = """() => document.getAnimations().every(
  (one) => one.playState !== 'running' || one.effect.getComputedTiming().endTime === Infinity
)"""


class Desk(Seen):
    """The console before somebody who has signed in, in one language after the other."""

    def __init__(self, browser: Browser, size: str, held: Held, cookies: Any) -> None:
        super().__init__(browser, size, letters=14, target=36)
        self.held = held
        self.url = f"{held.service.url}/console"
        self.context.add_cookies(cookies)
        self.page = self.context.new_page()
        self.page.set_default_timeout(20_000)

    def go(self, place: str, shows: str, fresh: bool = False) -> None:
        """A place of the console, until an element of it is there; `fresh`: as after a reload."""
        if fresh or self.page.url == "about:blank":
            self.page.goto("about:blank")
            self.page.goto(f"{self.url}#/{place}")
            self.prepare()
        else:
            self.page.evaluate("place => { location.hash = '#/' + place }", place)
        self.at(shows).first.wait_for()

    def both(self, state: str) -> None:
        """In Chinese, and at a desk in English too."""
        self.check(state)
        if self.size == "phone":
            return
        turn = "document.querySelector('[data-testid=language]').click()"  # a dialogue may lie over it
        self.page.evaluate(turn)
        self.check(f"{state}-en")
        self.page.evaluate(turn)

    def check(self, state: str, axe: bool = True) -> None:
        """Axe finds on a phone what it finds at a desk. What opens is waited for: half faded in it is hard to read."""
        self.page.wait_for_function(STILL)
        super().check(state, axe and self.size == "desktop")
        wide = self.page.evaluate("document.documentElement.scrollWidth - innerWidth")
        if wide > 0:
            self.wrong.append(f"{state}: {wide}px wider than the screen")


@pytest.fixture(scope="module")
def cookies(browser: Browser, held: Held) -> dict[str, Any]:
    """Of those who have signed in, by name."""
    found: dict[str, Any] = {"": []}
    for name in (OPERATOR, ORGANIZER):
        context = browser.new_context()
        given = {"name": name, "password": PASSWORD}
        signed = context.request.post(
            f"{held.service.url}/api/session", data=given, headers={"X-Requested-With": "classroom"}
        )
        assert signed.ok, signed.text()
        found[name] = context.cookies()
        context.close()
    return found


@pytest.fixture(params=list(SIZES))
def desk(
    browser: Browser, held: Held, cookies: dict[str, Any], request: pytest.FixtureRequest
) -> Iterator[Callable[..., Desk]]:
    opened: list[Desk] = []

    def make(who: str = OPERATOR) -> Desk:
        opened.append(Desk(browser, request.param, held, cookies[who]))
        return opened[-1]

    yield make
    for one in opened:
        one.context.close()
    wrong = [each for one in opened for each in one.wrong]
    assert not wrong, "\n".join(wrong)


def refuse(page: Page, path: str, status: int, kind: str, title: str) -> None:
    """The service answers so from here on."""
    body = json.dumps({"type": kind, "title": title})
    page.route(path, lambda route: route.fulfill(status=status, content_type="application/problem+json", body=body))


# --- the way in, and what has nothing yet -----------------------------------------------------------------------------


def test_the_way_in(desk: Callable[..., Desk]) -> None:
    it = desk(who="")
    it.go("", "console-name")
    it.both("sign-in")
    it.at("console-name").fill("李主任")
    it.at("console-password").fill("wrong")
    it.at("console-sign-in").click()
    expect(it.at("console-sign-in-problem")).to_be_visible()
    it.check("sign-in-refused")


def test_lists_and_their_empty_states(desk: Callable[..., Desk]) -> None:
    it = desk()
    it.go("", "console-lecture-counts")
    it.both("lectures")
    it.at("console-create").click()
    expect(it.at("console-lecture-title")).to_be_visible()
    it.check("lectures-new")
    it.page.route("**/api/lectures", lambda route: route.fulfill(json=[]))
    it.go("", "console-none", fresh=True)
    it.check("lectures-none")
    it.page.unroute("**/api/lectures")
    refuse(it.page, "**/api/lectures", 503, "store-away", "数据库暂时不可用，请稍后再试。")
    it.go("", "console-problem", fresh=True)
    it.check("lectures-failed")
    it.go(f"lecture/{'0' * 12}/live", "console-missing-lecture")
    it.check("lecture-missing")


def test_a_lecture_that_is_being_prepared(desk: Callable[..., Desk], tmp_path: Path) -> None:
    it = desk()
    one = f"lecture/{it.held.planned}"
    it.go(f"{one}/live", "console-nobody")
    it.both("planned-live")
    it.go(f"{one}/links", "console-roster-choose")
    it.check("planned-links")
    file = tmp_path / "名单.csv"
    file.write_text(BAD_ROWS, encoding="utf-8-sig")
    it.at("console-roster-file").set_input_files(str(file))
    expect(it.at("console-roster-refused")).to_be_visible()
    it.both("planned-import")
    it.go(f"{one}/sites", "console-site-new")
    it.check("planned-sites")
    it.at("console-site-new").click()
    it.check("planned-site-form")
    it.go(f"{one}/order", "order-add")
    it.check("planned-order")
    it.go(f"{one}/stage", "stage-next")
    it.check("planned-stage")
    it.go(f"{one}/talk", "talk-input")
    it.check("planned-talk")
    it.go(f"{one}/rule", "rule-sentence")
    it.both("planned-rule")
    it.at("rule-share").fill("60")
    it.at("rule-share").blur()
    it.at("rule-save").click()
    expect(it.at("rule-dialog")).to_be_visible()
    it.check("planned-rule-dialog")
    it.go(f"{one}/report", "report-not-begun")
    it.check("planned-report")


# --- while it goes on -------------------------------------------------------------------------------------------------


def test_a_lecture_that_goes_on(desk: Callable[..., Desk]) -> None:
    it = desk()
    crowd(it.page)
    one = f"lecture/{it.held.live}"
    it.go(f"{one}/live", "console-member")
    expect(it.at("console-receiving")).not_to_have_text("0")
    it.both("live")
    it.at("console-branch").first.get_by_role("button").first.click()
    it.at("console-show-missing").click()
    it.check("live-branch")
    it.at("console-person").first.click()
    expect(it.at("evening")).to_be_visible()
    it.check("live-person")
    it.page.keyboard.press("Escape")
    shown = {"stage": "stage-next", "talk": "talk-input", "order": "order-add", "links": "console-link"}
    for tab, shows in shown.items():
        it.go(f"{one}/{tab}", shows)
        it.both(f"live-{tab}")
    it.go(f"{one}/report", "report-line")
    it.check("live-report")
    it.at("console-export").click()
    expect(it.at("console-export-xlsx")).to_be_visible()
    it.check("live-export")


def test_a_service_that_cannot_be_reached(desk: Callable[..., Desk]) -> None:
    """The figures stay, and are said to be old."""
    it = desk()
    it.page.clock.install()
    it.page.route_web_socket("**/ws", lambda socket: socket.close())
    it.go(f"lecture/{it.held.live}/live", "console-member")
    it.page.clock.fast_forward(6_000)
    expect(it.at("console-away")).to_be_visible()
    it.check("live-away")
    it.page.route("**/api/**", lambda route: route.abort())

    def grown_old() -> bool:  # what was asked before may still have been answered
        it.page.clock.fast_forward(13_000)
        return bool(it.at("console-stale").is_visible())

    eventually(grown_old, every=0.5)
    it.check("live-lost")


def test_an_organizer_s_own_part(desk: Callable[..., Desk]) -> None:
    it = desk(who=ORGANIZER)
    one = f"lecture/{it.held.live}"
    it.go(f"{one}/live", "console-member")
    it.check("organizer-live")
    it.go(f"{one}/stage", "stage-only-look")
    it.check("organizer-stage")
    it.go(f"{one}/rule", "rule-sentence")
    expect(it.at("rule-save")).to_have_count(0)
    it.check("organizer-rule")
    it.go("staff", "console-lectures")  # is no place of theirs
    it.check("organizer-lectures")


# --- afterwards -------------------------------------------------------------------------------------------------------


def test_a_lecture_that_is_over(desk: Callable[..., Desk]) -> None:
    it = desk()
    one = f"lecture/{it.held.over}"
    it.go(f"{one}/report", "report-line")
    it.at("curve-chart").locator("svg").wait_for()
    it.both("report")
    it.at("report-scroll").scroll_into_view_if_needed()
    it.check("report-table")
    it.at("console-verify").click()
    expect(it.at("console-verdict")).to_have_attribute("data-ok", "true")
    it.at("audit-show").click()
    it.at("console-verdict").scroll_into_view_if_needed()
    it.check("report-checked")
    it.at("objection-row").first.scroll_into_view_if_needed()
    it.at("objection-row").first.click()
    expect(it.at("objection-answer")).to_be_visible()
    it.both("report-objection")
    it.page.keyboard.press("Escape")
    it.at("report-show-partial").click()
    it.at("report-open").first.click()
    expect(it.at("evening-steps")).to_be_visible()
    it.check("report-person")
    it.at("correct").click()
    it.at("ruling-present").click()
    it.at("correction-why").scroll_into_view_if_needed()
    it.check("report-correction")


# --- people, staff, the year ------------------------------------------------------------------------------------------


def test_people_and_staff(desk: Callable[..., Desk]) -> None:
    it = desk()
    it.go("people", "person")
    it.both("people")
    it.at("person-open").first.click()
    expect(it.at("person-history")).to_be_visible()
    it.both("person")
    it.page.keyboard.press("Escape")
    it.at("people-search").fill("没有这个人")
    it.check("people-none-found")
    it.at("people-view-changes").click()
    it.at("roster-change").first.wait_for()
    it.both("people-changes")
    it.go("staff", "staff-member")
    it.both("staff")
    it.at("staff-new").click()
    it.at("staff-name").fill("西乡组织员")
    it.both("staff-new")
    it.page.keyboard.press("Escape")
    it.at("token-new").first.click()
    expect(it.at("token-name")).to_be_visible()
    it.both("token-new")
    it.go("audit", "staff-audit")
    it.both("audit")
    it.go("year", "year-member")
    it.both("year")
    it.at("year-table-open").click()
    it.check("year-table")
