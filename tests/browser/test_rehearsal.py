"""Before the start: lecturer and guest try everything, and neither the audience nor the record has anything of it."""

from __future__ import annotations

import datetime
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.browser.conftest import DESKTOP, PHONE, Hall, eventually
from tests.servers.service import Service

SMALL = (320, 180, 15)
SAW_NOTHING = 2_000
"""ms within which a member would have seen what leaked."""


@pytest.fixture
def tomorrow(browser: Browser, service: Service) -> Iterator[Hall]:
    starts = datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=1)
    hall = Hall(browser, service, service.lecture(starts=starts.isoformat()))
    yield hall
    hall.close()


def test_lecturer_and_guest_rehearse_and_nothing_counts(tomorrow: Hall) -> None:
    hall, lecture = tomorrow, tomorrow.lecture
    guest_link = lecture.of("guest")
    order = {"entries": [{"name": guest_link.name, "branch": guest_link.branch, "title": "家乡", "minutes": 5}]}
    hall.service.rest("PUT", f"/api/lectures/{lecture.id}/order", order)
    member = hall.enter(lecture.members[0], PHONE)
    guest = hall.enter(guest_link, DESKTOP, SMALL)
    guest.at("studio-rehearsing").wait_for()
    lecturer = hall.enter(lecture.of("lecturer"), DESKTOP, SMALL)
    assert lecturer.at("studio-start").inner_text() == "试播（学员看不到）"
    lecturer.at("studio-start").click()
    lecturer.becomes("studio-air", "data-tone", "rehearsal")
    lecturer.says("排练中，不计时")
    guest.plays("lecturer")
    guest.hears("lecturer")
    guest.shows("studio-video-lecturer", True)

    lecturer.at("studio-tab-stage").click()
    lecturer.at("stage-next").click()
    guest.at("part-accept").click()
    guest.becomes("part-panel", "data-part", "backstage")
    lecturer.at("stage-next").dblclick()  # the second tap takes off nobody who has just come on
    guest.becomes("part-stage", "data-state", "rehearsal")
    guest.says("观众看不到")
    lecturer.plays("guest")
    lecturer.shows("studio-video-guest", True)

    member.page.wait_for_timeout(SAW_NOTHING)
    assert guest.at("part-stage").get_attribute("data-state") == "rehearsal"
    assert not member.inbound("lecturer")
    assert not member.inbound("guest")
    assert member.page.get_by_text(guest_link.name).count() == 0
    assert member.at("counted").get_attribute("data-receiving") == "false"

    lecturer.at("studio-stop").click()
    eventually(lambda: lecturer.at("studio-start").count(), what="the rehearsal is over")
    assert hall.service.rest("GET", f"/api/lectures/{lecture.id}")["state"] == "planned"
    exported = hall.service.attendance(lecture)
    assert exported["testimonials"] == []
    assert not any(row.get("credited_seconds") for row in exported["members"])


def test_the_lecturer_begins_earlier_than_planned_when_asked_twice(tomorrow: Hall) -> None:
    hall, lecture = tomorrow, tomorrow.lecture
    member = hall.enter(lecture.members[0], PHONE)
    lecturer = hall.enter(lecture.of("lecturer"), DESKTOP, SMALL)
    lecturer.at("studio-start").click()
    lecturer.becomes("studio-air", "data-tone", "rehearsal")
    lecturer.at("studio-begin").click()
    lecturer.says("不能撤回")
    assert not member.inbound("lecturer")
    lecturer.at("studio-begin-confirm").click()
    member.plays("lecturer")
    lecturer.becomes("studio-air", "data-tone", "live")
