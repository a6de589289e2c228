"""Real Chromium against a real `classroom serve`; each story is a file beside this one."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, sync_playwright

from tests.browser.held import Held, dispute, fill
from tests.browser.looks import look as look  # a fixture
from tests.servers.service import Lecture, Link, Service, running

HERE = Path(__file__).parent
CAPTURE = (HERE / "capture.js").read_text()
PUBLISHER = (HERE / "publisher.js").read_text()
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-renderer-backgrounding",
    "--disable-backgrounding-occluded-windows",
    "--disable-background-timer-throttling",
    "--allow-loopback-in-peer-connection",
    "--use-fake-ui-for-media-stream",
    "--use-fake-device-for-media-stream=display-media-type=monitor,fps=30",
    "--disable-features=WebRtcHideLocalIpsWithMdns",
]
PHONE = {"width": 390, "height": 844}
DESKTOP = {"width": 1280, "height": 800}
CONSOLE = {"width": 1440, "height": 900}

T = TypeVar("T")


def eventually(ask: Callable[[], T], seconds: float = 15.0, every: float = 0.1, what: str = "") -> T:
    """Ask again until the answer is true; it is returned. Fails with the last answer."""
    deadline = time.monotonic() + seconds
    while True:
        answer = ask()
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s: {what or ask}: {answer!r}")
        time.sleep(every)


class Tab:
    """One page of a person, and what the test may ask of it."""

    def __init__(self, page: Page, service: Service, lecture: Lecture, link: Link | None) -> None:
        self.page = page
        self.service = service
        self.lecture = lecture
        self.link = link

    def at(self, name: str) -> Any:
        """The element with that data-testid."""
        return self.page.get_by_test_id(name)

    def inbound(self, slot: str, kind: str = "video") -> dict[str, Any]:
        """What arrives now on a slot's line; an empty dict where nothing did."""
        lines: list[dict[str, Any]] = self.page.evaluate("window.__test.inbound()")
        found = [line for line in lines if line["slot"] == slot and line["kind"] == kind]
        return found[-1] if found else {}

    def outbound(self, kind: str = "video") -> list[dict[str, Any]]:
        lines: list[dict[str, Any]] = self.page.evaluate("window.__test.outbound()")
        return [line for line in lines if line["kind"] == kind]

    def frames(self, slot: str = "lecturer") -> int:
        return int(self.inbound(slot).get("frames") or 0)

    def offers(self) -> int:
        """How many offers the page has posted."""
        return int(self.page.evaluate("window.__test.posts.filter(one => one.method === 'POST').length"))

    def plays(self, slot: str = "lecturer", seconds: float = 15.0) -> None:
        """Waits until frames of the slot are being decoded."""
        before = self.frames(slot)
        eventually(lambda: self.frames(slot) > before + 3, seconds, what=f"frames on {slot}")

    def hears(self, slot: str = "lecturer") -> None:
        """Waits until sound of the slot has energy."""
        eventually(lambda: self.inbound(slot, "audio").get("energy"), what=f"sound on {slot}")

    def first_frame(self, video: str) -> float:
        """When that <video> first showed a picture, in milliseconds since the epoch."""
        return float(eventually(lambda: self.page.evaluate(f"window.__test.firsts['{video}']"), 10, 0.05, video))

    def shows(self, name: str, wanted: bool) -> None:
        """Waits until a picture has a place that a person can see, or has none (its <video> stays in the document)."""

        def width() -> float:
            box = self.at(name).bounding_box()
            return float(box["width"]) if box else 0.0

        eventually(lambda: (width() > 50) is wanted, what=f"{name} {'shown' if wanted else 'away'}")

    def becomes(self, name: str, attribute: str, wanted: str, seconds: float = 15.0) -> None:
        """Waits until an element says so."""
        eventually(
            lambda: self.at(name).first.get_attribute(attribute) == wanted, seconds, what=f"{name} {attribute}={wanted}"
        )

    def says(self, words: str, seconds: float = 15.0) -> None:
        """Waits until a person can read these words on the page."""
        self.page.get_by_text(words).locator("visible=true").first.wait_for(timeout=seconds * 1000)

    def publish(self, slot: str, ticket: str, codec: str = "VP8", **picture: int) -> None:
        """Publish canvas and tone by plain WHIP from this page (which is none of ours)."""
        self.page.evaluate(
            PUBLISHER,
            {
                "url": f"{self.service.url}/whip/{self.lecture.id}/{slot}",
                "ticket": ticket,
                "codec": codec,
                "width": picture.get("width", 640),
                "height": picture.get("height", 360),
                "fps": picture.get("fps", 25),
                "hue": picture.get("hue", 200),
            },
        )

    def stop_publishing(self) -> None:
        self.page.evaluate("window.__stopPublishing()")


class Hall:
    """A lecture in which people open their tabs."""

    def __init__(self, browser: Browser, service: Service, lecture: Lecture) -> None:
        self.browser = browser
        self.service = service
        self.lecture = lecture
        self.contexts: list[BrowserContext] = []

    def tab(
        self,
        link: Link | None = None,
        viewport: dict[str, int] | None = None,
        source: tuple[int, int, int] | None = (640, 360, 30),
        browser: Browser | None = None,
        rich: bool = False,
    ) -> Tab:
        """A tab in a browser profile of its own. `source`: width, height and rate of its camera and screen; a `rich`
        camera has enough to show to fill a lecture's bitrate."""
        context = (browser or self.browser).new_context(
            viewport=viewport or DESKTOP,  # type: ignore[arg-type]
            locale="zh-CN",
            timezone_id="Asia/Shanghai",
            permissions=["camera", "microphone"],
            reduced_motion="reduce",  # each breath of a lamp is drawn by the processor that all pages share
        )
        self.contexts.append(context)
        script = CAPTURE
        if source:
            picture = json.dumps({**dict(zip(("width", "height", "fps"), source, strict=True)), "rich": rich})
            script = f"window.__source = {picture};\n{CAPTURE}"
        context.add_init_script(script)
        page = context.new_page()
        page.set_default_timeout(20_000)
        return Tab(page, self.service, self.lecture, link)

    def member(self, number: int = 0, viewport: dict[str, int] | None = None, enter: bool = True) -> Tab:
        """A member who has opened the personal link and, unless told otherwise, tapped once."""
        link = self.lecture.members[number]
        tab = self.tab(link, viewport)
        tab.page.goto(link.url)
        if enter:
            tab.at("join-enter").click()
        return tab

    def enter(
        self,
        link: Link,
        viewport: dict[str, int] | None = None,
        source: tuple[int, int, int] = (320, 180, 15),
        browser: Browser | None = None,
    ) -> Tab:
        """Whoever it is opens their personal link and taps once."""
        tab = self.tab(link, viewport, source, browser)
        tab.page.goto(link.url)
        tab.at("join-enter").click()
        return tab

    def lecturer(self, start: bool = True, source: tuple[int, int, int] = (640, 360, 30), rich: bool = False) -> Tab:
        link = self.lecture.of("lecturer")
        tab = self.tab(link, source=source, rich=rich)
        tab.page.goto(link.url)
        tab.at("join-enter").click()
        if start:
            tab.at("studio-start").click()
        return tab

    def stranger(self) -> Tab:
        """A page of the service's origin that is not one of its pages, for scripts of the test."""
        tab = self.tab(source=None)
        tab.page.goto(f"{self.service.url}/healthz")
        return tab

    def close(self) -> None:
        for context in self.contexts:
            with contextlib.suppress(Exception):
                context.close()


@pytest.fixture(scope="package")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as driver:
        yield driver


def launch(playwright: Playwright, chromium_path: str, *more: str) -> Browser:
    return playwright.chromium.launch(
        executable_path=chromium_path, args=[*FLAGS, *more], headless=True, handle_sigint=False
    )


@pytest.fixture(scope="package")
def browser(playwright: Playwright, chromium_path: str) -> Iterator[Browser]:
    opened = launch(playwright, chromium_path)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with running(tmp_path_factory.mktemp("service")) as up:
        yield up


@pytest.fixture(scope="package")
def held(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Held]:
    """A service in which a lecture was held, one goes on and one is to come. Whoever uses it leaves it as it is."""
    service = Service(tmp_path_factory.mktemp("held"))
    try:
        found = fill(service)
        dispute(found)
        yield found
    finally:
        service.stop()


@pytest.fixture
def hall(browser: Browser, service: Service) -> Iterator[Hall]:
    opened = Hall(browser, service, service.lecture())
    yield opened
    opened.close()
