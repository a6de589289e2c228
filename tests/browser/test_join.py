"""Joining in the middle of a lecture: how long from opening the personal link to the first picture."""

from __future__ import annotations

import statistics
import time

from tests.browser.conftest import PHONE, Hall, eventually


def test_a_member_who_joins_in_the_middle_sees_within_a_second(hall: Hall) -> None:
    lecturer = hall.lecturer()
    eventually(lambda: lecturer.outbound(), what="the studio sends")
    hall.member(0).plays("lecturer")
    times = []
    for number in range(1, 6):
        link = hall.lecture.members[number]
        tab = hall.tab(link, viewport=PHONE)
        tab.page.add_init_script("window.__eager = true")
        tab.page.goto("about:blank")
        opened = time.time() * 1000
        tab.page.goto(link.url, wait_until="commit")
        times.append(tab.first_frame("room-video-lecturer") - opened)
        tab.page.context.close()
    assert statistics.median(times) <= 1000, times
