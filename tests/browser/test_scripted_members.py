"""One evening of six members in real Chromium, and what the export says of each against the test's own clock: what ends
in order ends within a second, what a dead network ends ends at the last evidence and never later than the truth, and
what a page received it proves."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Playwright

from tests.browser.conftest import Hall, Tab, eventually
from tests.browser.exported import account, accounts, intervals, seconds
from tests.browser.frozen import freezable
from tests.servers.service import Service

ROUNDING = 0.05
"""Seconds by which two clocks on one machine, read by two programs, may differ."""
CLEAN, REPORTS, BEAT, PERIOD = 1.0, 3.0, 15.0, 10.0
HIDE = """() => {
  Object.defineProperty(document, 'visibilityState', { get: () => 'hidden' })
  document.dispatchEvent(new Event('visibilitychange'))
}"""
"""Headless Chromium never hides a page by itself."""


@pytest.fixture(scope="module")
def hall(browser: Browser, service: Service) -> Iterator[Hall]:
    opened = Hall(browser, service, service.lecture(members=6))
    yield opened
    opened.close()


def counted(tab: Tab) -> Tab:
    tab.plays("lecturer")
    tab.becomes("counted", "data-receiving", "true")
    return tab


def shut(tab: Tab) -> float:
    """Closed by its owner; when."""
    closed = time.time()
    tab.page.close(run_before_unload=True)
    return closed


def around(account: dict[str, Any]) -> tuple[float, float]:
    """When the member first received and last did."""
    found = intervals(account, "receiving")
    return found[0].start, found[-1].end


def test_one_evening_of_six_members(hall: Hall, playwright: Playwright, chromium_path: str, tmp_path: Path) -> None:
    late, returns, closes, dies, hides, stays = hall.lecture.members
    small = (320, 180, 15)
    with freezable(playwright, chromium_path, tmp_path.name) as other:
        tabs = {link.member: hall.enter(link, source=small) for link in (returns, closes, hides, stays)}
        tabs[dies.member] = hall.enter(dies, source=small, browser=other.browser)
        ticket = hall.lecture.of("lecturer").ticket
        began = time.time()
        hall.stranger().publish("lecturer", ticket, width=320, height=180, fps=15)
        for tab in tabs.values():
            counted(tab)
        time.sleep(REPORTS)

        left = shut(tabs[returns.member])
        closed = shut(tabs[closes.member])
        tabs[hides.member].page.evaluate(HIDE)
        other.freeze()
        cut = time.time()

        came = time.time()
        arrived = counted(hall.enter(late, source=small))
        seen = arrived.first_frame("room-video-lecturer") / 1000
        back = time.time()
        again = counted(hall.enter(returns, source=small))
        returned = again.first_frame("room-video-lecturer") / 1000

        def silent() -> bool:
            one = account(hall, dies)
            ends = [found[-1:] for kind in ("receiving", "connected") if (found := intervals(one, kind))]
            return len(ends) == 2 and all(last.ended for (last,) in ends)

        eventually(silent, 40, 2, "the dead network's intervals have ended")
        eventually(lambda: (account(hall, stays)["proved_seconds"] or 0) > PERIOD, 40, 2, "a whole period is proved")
        ended = time.time()
        hall.service.rest("POST", f"/api/lectures/{hall.lecture.id}/end")
        told = accounts(hall)  # before that browser thaws, and comes back

    # arrives late
    start, end = around(told[late.member])
    assert came <= start <= seen + REPORTS
    assert seconds(told[late.member]["first_join"]) == pytest.approx(start, abs=0.001)
    assert end >= ended - CLEAN

    # leaves and comes back: a gap so short is bridged, and remains visible
    one = told[returns.member]
    received = intervals(one, "receiving")
    before, after = [each for each in received if each.start < left], [each for each in received if each.start > left]
    assert left - CLEAN <= before[-1].end <= left + CLEAN
    assert back <= after[0].start <= returned + REPORTS
    gap = pytest.approx((before[-1].end, after[0].start), abs=0.001)
    assert gap in [(seconds(bridged["from"]), seconds(bridged["to"])) for bridged in one["bridged"]]
    assert one["credited_seconds"] > one["receiving_seconds"]

    # closes the tab
    for kind in ("receiving", "connected"):
        last = intervals(told[closes.member], kind)[-1]
        assert closed - CLEAN <= last.end <= closed + CLEAN
        assert last.ended
    assert told[closes.member]["verdict"] == "left-early"

    # its network dies: nothing says goodbye
    heard, connected = (intervals(told[dies.member], kind)[-1] for kind in ("receiving", "connected"))
    assert cut - REPORTS <= heard.end <= cut + ROUNDING
    assert cut - BEAT <= connected.end <= cut + ROUNDING

    # hides the page, and stays: both received to the end, one was not looked at
    for link in (hides, stays):
        start, end = around(told[link.member])
        assert began <= start <= began + 10
        assert ended - CLEAN <= end <= time.time()
        assert told[link.member]["verdict"] == "present"
    assert told[hides.member]["visible_seconds"] < told[stays.member]["visible_seconds"]

    # proved, but for what came after the last heartbeat
    for link in (late, stays):
        one = told[link.member]
        assert one["receiving_seconds"] == pytest.approx(one["proved_seconds"] + one["reported_seconds"], abs=0.002)
        assert one["reported_seconds"] <= BEAT
