"""A page in a scripted room, brought to one state after another, and what is found wrong with it there: letters and
targets that are too small, what axe calls grave, and in a room what scrolls sideways. `CLASSROOM_SHOTS=folder` keeps a
picture of each state."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.scripted_room import ScriptedRoom, at

AXE = (Path(__file__).parents[2] / "web/node_modules/axe-core/axe.min.js").read_text()
SHOTS = os.environ.get("CLASSROOM_SHOTS")
SIZES = {"phone": {"width": 390, "height": 844}, "desktop": {"width": 1366, "height": 768}}
SMALL = """([letters, target]) => {
  const visible = {checkOpacity: true, checkVisibilityCSS: true};
  const shown = (one) => one.checkVisibility(visible) && !one.closest('.out-of-sight');
  const found = [];
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const one = walk.currentNode.parentElement;
    if (!walk.currentNode.data.trim() || !shown(one) || /SCRIPT|STYLE|NOSCRIPT/.test(one.tagName)) continue;
    const size = parseFloat(getComputedStyle(one).fontSize);
    if (size < letters) found.push(`letters of ${size}px: ${one.textContent.trim().slice(0, 30)}`);
  }
  const targets = 'button, a.button, select, textarea, input:not([type=radio], [type=checkbox])';
  for (const one of document.querySelectorAll(targets)) {
    const {width, height} = one.getBoundingClientRect();
    const name = one.dataset.testid ?? one.textContent.trim();
    if (shown(one) && width > 1 && (width < target || height < target)) found.push(`${name}: ${width}×${height}`);
  }
  return found;
}"""
TURN = "document.querySelector('[data-testid=language]').click()"
"""To the other language, also where a dialogue lies over the switch."""
SIDEWAYS = """() => {
  const scrolls = (one) => /auto|scroll/.test(getComputedStyle(one).overflowX) && !/TEXTAREA|INPUT/.test(one.tagName);
  const all = [...document.querySelectorAll('body *')].filter(scrolls);
  const wide = [document.documentElement, ...all].filter((one) => one.scrollWidth > one.clientWidth);
  const by = (one) => `${one.scrollWidth - one.clientWidth}px`;
  return wide.map((one) => `${one.className || one.tagName} scrolls sideways by ${by(one)}`);
}"""
GRAVE = "axe.run(document).then(found => found.violations.filter(one => ['serious', 'critical'].includes(one.impact)))"


class Seen:
    """One person's page, and what is found wrong with it in the states that it is brought to. `letters`, `target`: how
    large they are at least, in CSS pixels."""

    page: Page

    def __init__(self, browser: Browser, size: str, letters: float, target: float, zone: str = "Asia/Shanghai") -> None:
        self.size = size
        self.least = (letters, target)
        self.context = browser.new_context(
            viewport=SIZES[size],  # type: ignore[arg-type]
            locale="zh-CN",
            timezone_id=zone,
            permissions=["camera", "microphone"],
        )
        self.wrong: list[str] = []

    def prepare(self) -> None:
        """After each document that is opened: by the debugger, for the page's own policy admits no foreign script."""
        self.page.evaluate(AXE)

    def at(self, name: str) -> Any:
        return self.page.get_by_test_id(name)

    def check(self, state: str, axe: bool = True) -> None:
        self.page.wait_for_timeout(100)
        if SHOTS:
            self.page.wait_for_timeout(400)
            self.page.screenshot(path=f"{SHOTS}/{self.size}-{state}.png")
        self.wrong += [f"{state}: {one}" for one in self.page.evaluate(SMALL, self.least)]
        if not axe:
            return
        for one in self.page.evaluate(GRAVE):
            places = "; ".join(" ".join(node["target"]) for node in one["nodes"][:3])
            self.wrong.append(f"{state}: {one['id']}: {places}")

    def both(self, state: str) -> None:
        """In Chinese and in English, in neither wider than the screen."""
        for suffix in ("", "-en"):
            self.page.wait_for_load_state("networkidle")
            self.check(state + suffix)
            wide = self.page.evaluate("document.documentElement.scrollWidth - innerWidth")
            if wide > 0:
                self.wrong.append(f"{state}{suffix}: {wide}px wider than the screen")
            self.page.evaluate(TURN)

    def box(self, name: str) -> dict[str, float]:
        found: dict[str, float] = self.at(name).bounding_box()
        return found


class Look(Seen):
    """In a scripted room; no page there is wider than its screen, nor is anything on it."""

    def __init__(
        self,
        browser: Browser,
        size: str,
        letters: float = 16,
        target: float = 44,
        script: str = "",
        zone: str = "Asia/Shanghai",
        **lecture: Any,
    ) -> None:
        super().__init__(browser, size, letters, target, zone)
        if script:
            self.context.add_init_script(script)
        self.room = ScriptedRoom(self.context, **lecture)

    def open(self, address: str = "/j#ticket-of-zhang-wei", enter: bool = True) -> Page:
        self.page = self.room.open(address)
        self.prepare()
        if enter:
            self.at("join-enter").click()
            if self.room.me["role"] == "member":
                expect(self.at("room-me")).to_be_visible()
            else:  # another document
                self.page.wait_for_url("**/studio*")
                self.at("language").first.wait_for()
                self.prepare()
        return self.page

    def check(self, state: str, axe: bool = True) -> None:
        super().check(state, axe)
        self.wrong += [f"{state}: {one}" for one in self.page.evaluate(SIDEWAYS)]

    def live(self) -> None:
        self.room.show(self.page, "lecturer", "live")
        self.room.tell(type="counted", receiving=True, counted_ms=42 * 60_000, since=at(-60), reason=None)
        self.uncovered("lecturer")

    def uncovered(self, slot: str) -> None:
        """Its picture is seen, not its card."""
        expect(self.at(f"room-video-{slot}-card")).to_have_count(0, timeout=15_000)


@pytest.fixture(params=list(SIZES))
def look(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Callable[..., Look]]:
    opened: list[Look] = []

    def make(**lecture: Any) -> Look:
        opened.append(Look(browser, request.param, **lecture))
        return opened[-1]

    yield make
    for one in opened:
        one.context.close()
    wrong = [each for one in opened for each in one.wrong]
    assert not wrong, "\n".join(wrong)
