"""Joining in the middle of a lecture: how long from opening the personal link to the first picture."""

from __future__ import annotations

import statistics
import time

from playwright.sync_api import Browser, Route, expect

from tests.browser.conftest import PHONE, Hall, eventually
from tests.browser.joining import first_picture, first_picture_bare
from tests.servers.service import Service

AT_MOST = 3.0
"""Times the barest player's median: the page, the ticket, the room and its ten lines must not cost more."""


def test_a_member_who_joins_in_the_middle_soon_sees(browser: Browser, service: Service) -> None:
    """Measured against the same browser on the same machine, in turns (what it is in seconds: benchmarks.browsers)."""
    hall = Hall(browser, service, service.lecture(members=12))
    try:
        lecturer = hall.lecturer()
        eventually(lambda: lecturer.outbound(), what="the studio sends")
        hall.member(0).plays("lecturer")
        links = iter(hall.lecture.members[1:])
        pairs = [(first_picture(hall, next(links)), first_picture_bare(hall, next(links))) for _ in range(5)]
        ours, bare = (statistics.median(times) for times in zip(*pairs, strict=True))
        assert ours <= AT_MOST * bare, pairs
    finally:
        hall.close()


def test_a_members_offer_is_slim(hall: Hall) -> None:
    """A thousand of them arrive within seconds: Chromium's own would be four times as long, and ten times the work."""
    tab = hall.member(0)
    eventually(tab.offers)
    sizes = tab.page.evaluate("window.__test.posts.filter(one => one.method === 'POST').map(one => one.size)")
    assert 2_000 < sizes[0] < 6_500, sizes


def test_who_is_asked_to_come_again_in_a_moment_does_so_and_sees_why(hall: Hall) -> None:
    link, asked = hall.lecture.members[0], []
    tab = hall.tab(link, viewport=PHONE)

    def crowded(route: Route) -> None:
        asked.append(time.monotonic())
        if len(asked) > 1:
            route.continue_()
            return
        body = {"type": "too-many-at-once", "title": "此刻进入的人很多，请稍候", "status": 503, "detail": ""}
        route.fulfill(status=503, headers={"Retry-After": "2"}, content_type="application/problem+json", json=body)

    tab.page.route("**/api/join", crowded)
    tab.page.goto(link.url)
    tab.page.get_by_text("此刻进入的人很多").wait_for()
    tab.at("join-enter").click()
    assert len(asked) == 2
    assert 2.0 <= asked[1] - asked[0] < 10.0


def test_who_has_no_link_comes_by_code_name_and_digits(hall: Hall) -> None:
    """Counted as anybody, and marked in the export."""
    hall.stranger().publish("lecturer", hall.lecture.of("lecturer").ticket, width=320, height=180, fps=15)
    code = hall.service.rest("GET", f"/api/lectures/{hall.lecture.id}/code")["code"]
    exported = hall.service.attendance(hall.lecture)["members"]
    person = next(one for one in exported if one["role"] == "member")
    tab = hall.tab()
    tab.page.goto(f"{hall.service.url}/j?code={code}")
    tab.at("code-name").fill(person["name"])
    tab.at("code-digits").fill(f"{(int(person['phone'][-4:]) + 1) % 10_000:04}")
    tab.at("code-enter").click()
    tab.at("code-refused").wait_for()
    tab.at("code-digits").fill(person["phone"][-4:])
    tab.at("code-enter").click()
    expect(tab.at("join-name")).to_have_text(person["name"])
    tab.at("join-enter").click()
    tab.plays("lecturer")
    marked = [one["name"] for one in hall.service.attendance(hall.lecture)["members"] if one["by_code"]]
    assert marked == [person["name"]]
