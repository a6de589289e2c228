"""The pictures of README.md: pages in a scripted room, and the console of a service with most of an audience in it.

python -m tests.browser.pictures
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from playwright.sync_api import Browser, Page, Route, sync_playwright

from tests.browser.conftest import CONSOLE, launch
from tests.browser.crowd import crowd
from tests.browser.held import OPERATOR, PASSWORD, fill
from tests.browser.scripted_room import LECTURER, ScriptedRoom, at
from tests.browser.test_studio_page import AUDIENCE
from tests.servers import chromium
from tests.servers.service import Service

FOLDER = Path(__file__).parents[2] / "docs/images"
SAID = (
    ("陈静", "西乡县 / 城北街道", "member", "老师好，西乡的同志们都到了"),
    ("刘洋", "镇巴县 / 泾洋街道", "member", "在苏州也能听到家乡的课，声音很清楚"),
    ("赵敏", "镇巴县委组织部", "host", "讲义在群里，讲完后由三位支部代表发言"),
    ("周强", "勉县 / 勉阳街道", "member", "请问流动党员的组织关系要不要转？"),
    ("李秀兰", "镇巴县 / 泾洋街道", "member", "我们支部每月在线上过一次组织生活"),
)


def main() -> None:
    with sync_playwright() as driver:
        browser = launch(driver, chromium.path())
        _member(browser)
        _lecturer(browser)
        with tempfile.TemporaryDirectory() as folder:
            service = Service(Path(folder))
            try:
                _console(browser, service)
            finally:
                service.stop()
        browser.close()


def _member(browser: Browser) -> None:
    context = browser.new_context(viewport={"width": 390, "height": 844}, locale="zh-CN", device_scale_factor=2)
    room = ScriptedRoom(context)
    page = room.open()
    page.get_by_test_id("join-enter").click()
    page.get_by_test_id("room-me").wait_for()
    for slot in ("lecturer", "screen"):
        room.show(page, slot, "live")
    room.stage("screen")
    room.tell(type="counted", receiving=True, counted_ms=42 * 60_000, since=at(-60), reason=None)
    _talk(room)
    _keep(page, "room-live-390x844")


def _lecturer(browser: Browser) -> None:
    context = browser.new_context(viewport={"width": 1440, "height": 900}, locale="zh-CN")
    context.add_init_script("window.__pose = 'lecturer'")
    room = ScriptedRoom(context, me=LECTURER)
    page = room.open()
    page.get_by_test_id("join-enter").click()
    page.wait_for_url("**/studio*")
    page.get_by_test_id("studio-start").click()
    room.tell(**AUDIENCE)
    room.show(page, "lecturer", "live")
    _talk(room)
    page.get_by_test_id("studio-air").and_(page.locator("[data-tone=live]")).wait_for()
    _keep(page, "studio-live-1440x900")


def _console(browser: Browser, service: Service) -> None:
    live = fill(service, 1_110).live
    context = browser.new_context(viewport=CONSOLE, locale="zh-CN")  # type: ignore[arg-type]
    page = context.new_page()
    crowd(page, 0.99, live=True)
    page.route("**/timeline", _evening)
    page.goto(f"{service.url}/console#/lecture/{live}/live")
    page.get_by_test_id("console-name").fill(OPERATOR)
    page.get_by_test_id("console-password").fill(PASSWORD)
    page.get_by_test_id("console-sign-in").click()
    page.get_by_test_id("console-member").first.wait_for()
    page.mouse.move(0, 0)
    _keep(page, "console-live-1440x900")
    page.unroute_all(behavior="ignoreErrors")


def _evening(route: Route) -> None:
    """What has happened in the lecture so far."""
    began = -20 * 60
    events = [
        {"at": at(began - 1_800), "kind": "doors"},
        {"at": at(began), "kind": "started", "by": "王建国"},
        {"at": at(began + 300), "kind": "sign-in", "detail": "986/1012", "until": at(began + 420)},
        {
            "at": at(-360),
            "until": at(-70),
            "kind": "testimonial",
            "name": "李秀兰",
            "branch": "镇巴县",
            "detail": "我在苏州的三年",
        },
    ]
    route.fulfill(json={"events": events})


def _talk(room: ScriptedRoom) -> None:
    for name, branch, role, text in SAID:
        room.say(name, text, role=role, branch=branch)


def _keep(page: Page, name: str) -> None:
    page.wait_for_timeout(2_500)
    page.screenshot(path=FOLDER / f"{name}.png")


if __name__ == "__main__":
    main()
