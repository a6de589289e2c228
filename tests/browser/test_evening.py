"""A whole evening: a lecturer, a host, two guests and four members; asserted on what their pages show and play.

The tests are the evening's hours, one after the other: each begins where the one before it ended.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from playwright.sync_api import Browser, Playwright

from tests.browser.conftest import DESKTOP, PHONE, Hall, Tab, eventually
from tests.browser.frozen import Freezable, freezable
from tests.servers.service import Link, Service

SMALL = (320, 180, 10)


@dataclass
class Evening:
    hall: Hall
    lecturers: Freezable
    guests: Freezable
    tabs: dict[str, Tab] = field(default_factory=dict)
    broken_off: str = ""

    def __getitem__(self, name: str) -> Tab:
        return self.tabs[name]

    @property
    def members(self) -> list[Tab]:
        return [tab for name, tab in self.tabs.items() if name.startswith("member")]

    def link(self, name: str) -> Link:
        return next(link for link in self.hall.lecture.links if link.name == name)


@pytest.fixture(scope="module")
def evening(
    playwright: Playwright, browser: Browser, service: Service, chromium_path: str
) -> Iterator[Evening]:  # fmt: skip
    lecture = service.lecture("乡村振兴与数字治理", members=4)
    order = [
        {"name": "陈晓红", "branch": "镇巴县", "title": "在他乡办起合作社", "minutes": 5},
        {"name": "周建国", "branch": "西乡县", "title": "我在合肥当志愿者", "minutes": 6},
    ]
    service.rest("PUT", f"/api/lectures/{lecture.id}/order", {"entries": order})
    mark = secrets.token_hex(8)
    with (
        freezable(playwright, chromium_path, f"lecturer{mark}") as lecturers,
        freezable(playwright, chromium_path, f"guest{mark}") as guests,
    ):
        hall = Hall(browser, service, service.invited(lecture.id))
        yield Evening(hall, lecturers, guests)
        hall.close()


@pytest.fixture(autouse=True)
def told_in_order(request: pytest.FixtureRequest, evening: Evening) -> Iterator[None]:
    """What follows an hour that failed is not waited for: it would fail for want of that hour."""
    assert not evening.broken_off, f"the evening broke off in {evening.broken_off}"
    failed = request.session.testsfailed
    yield
    if request.session.testsfailed > failed:
        evening.broken_off = request.node.name


def test_the_host_opens_the_evening_and_members_come(evening: Evening) -> None:
    hall, lecture = evening.hall, evening.hall.lecture
    evening.tabs["host"] = host = hall.enter(lecture.of("host"), DESKTOP, SMALL)
    for number, viewport in enumerate((PHONE, DESKTOP, PHONE, DESKTOP)):
        evening.tabs[f"member{number}"] = hall.enter(lecture.members[number], viewport)
    host.at("studio-start").click()
    eventually(lambda: host.outbound(), what="the host sends")
    for member in evening.members:
        member.plays("host")
        member.hears("host")
        assert member.link is not None
        member.says(member.link.name)


def test_the_lecture_starts(evening: Evening) -> None:
    hall = evening.hall
    evening.tabs["lecturer"] = lecturer = hall.enter(
        hall.lecture.of("lecturer"), DESKTOP, SMALL, evening.lecturers.browser
    )
    assert lecturer.at("studio-preview").or_(lecturer.at("device-preview")).first.is_visible()
    lecturer.at("studio-start").click()
    for member in evening.members:
        member.plays("lecturer")
        member.hears("lecturer")
        member.becomes("counted", "data-receiving", "true")
    eventually(lambda: "4" in lecturer.at("studio-viewers").inner_text(), what="four are watching")
    lecturer.says("人正在收看")


def test_the_screen_is_shared(evening: Evening) -> None:
    evening["lecturer"].at("studio-screen").click()
    for member in evening.members:
        member.plays("screen")
        member.shows("room-video-screen", True)
    evening["lecturer"].at("studio-screen-stop").click()
    for member in evening.members:
        member.shows("room-video-screen", False)


def test_members_chat_and_reply(evening: Evening) -> None:
    first, second = evening["member0"], evening["member1"]
    first.at("chat-input").fill("镇巴的同志们，晚上好！")
    first.at("chat-send").click()
    for tab in (*evening.members, evening["host"], evening["lecturer"]):
        tab.says("镇巴的同志们，晚上好！")
    second.page.get_by_text("镇巴的同志们，晚上好！").first.hover()
    second.at("chat-reply").first.click()
    second.at("chat-input").fill("西乡向你们问好")
    second.at("chat-send").click()
    first.says("西乡向你们问好")


def test_the_host_takes_a_line_away(evening: Evening) -> None:
    evening["member2"].at("chat-input").fill("这一行不该出现在这里")
    evening["member2"].at("chat-send").click()
    host = evening["host"]
    line = host.at("chat-line").filter(has_text="这一行不该出现在这里").first
    line.wait_for()
    if not line.get_by_test_id("chat-delete").count():
        line.get_by_test_id("chat-acts").click()
    host.at("chat-delete").locator("visible=true").first.click()
    for member in evening.members:
        member.page.get_by_text("这一行不该出现在这里").first.wait_for(state="detached")


def test_a_question_is_asked_and_published(evening: Evening) -> None:
    member, host = evening["member1"], evening["host"]
    member.at("tab-ask").click()
    member.at("ask-input").fill("外出党员怎样参加村里的议事？")
    member.at("ask-send").click()
    host.at("studio-tab-questions").click()
    host.at("question-waiting").filter(has_text="怎样参加村里的议事").get_by_test_id("question-publish").click()
    other = evening["member3"]
    other.at("tab-ask").click()
    other.says("外出党员怎样参加村里的议事？")


def test_a_raised_hand_is_seen_with_its_branch(evening: Evening) -> None:
    member, host = evening["member0"], evening["host"]
    member.at("hand").click()
    assert member.link is not None
    hand = host.at("stage-hand").filter(has_text=member.link.name)
    hand.wait_for()
    assert member.link.branch.split(" / ")[-1] in hand.inner_text()
    hand.get_by_test_id("stage-lower").click()
    member.becomes("hand", "aria-pressed", "false")


def test_two_members_have_seen_enough(evening: Evening) -> None:
    """Two cores draw ten pages too slowly for anybody to follow the stage; those who stay see the rest."""
    for name in ("member2", "member3"):
        evening.tabs.pop(name).page.context.close()
    eventually(lambda: "2" in evening["lecturer"].at("studio-viewers").inner_text(), what="two are watching")


def test_the_first_testimonial_from_backstage_to_the_stage(evening: Evening) -> None:
    hall, host = evening.hall, evening["host"]
    evening.tabs["guest0"] = first = hall.enter(evening.link("陈晓红"), DESKTOP, SMALL, evening.guests.browser)
    evening.tabs["guest1"] = hall.enter(evening.link("周建国"), PHONE, SMALL)
    host.at("stage-next").click()
    first.at("part-accept").click()
    first.becomes("part-panel", "data-part", "backstage")
    host.plays("backstage")
    host.hears("backstage")
    first.plays("lecturer")
    before = [member.frames("guest") for member in evening.members]
    first.says("观众")
    assert [member.frames("guest") for member in evening.members] == before
    host.at("stage-next").click()
    for member in evening.members:
        member.plays("guest", 75)
        member.hears("guest")
        member.shows("room-video-guest", True)
        member.says("陈晓红")
    first.becomes("part-panel", "data-part", "on")
    first.says("4:")
    assert [member.offers() for member in evening.members] == [1, 1]


def test_layouts_are_the_hosts(evening: Evening) -> None:
    host = evening["host"]
    for layout in ("guest", "side-by-side", "lecturer", "guest"):
        host.at(f"stage-layout-{layout}").click()
        for member in evening.members:
            member.becomes("room-stage", "data-layout", layout)


def test_the_second_testimonial_is_one_tap_away(evening: Evening) -> None:
    second, host = evening["guest1"], evening["host"]
    second.at("part-accept").click()
    second.becomes("part-panel", "data-part", "backstage")
    host.at("stage-next").click()
    for member in evening.members:
        member.says("周建国")
    second.becomes("part-panel", "data-part", "on")
    evening["guest0"].becomes("part-panel", "data-part", "off")
    for member in evening.members:
        member.plays("guest", 75)
    assert [member.offers() for member in evening.members] == [1, 1]


def test_a_poll(evening: Evening) -> None:
    host = evening["host"]
    host.at("studio-tab-polls").click()
    host.at("poll-question").fill("今晚的课对您有帮助吗？")
    host.at("poll-option").nth(0).fill("很有帮助")
    host.at("poll-option").nth(1).fill("有些帮助")
    host.at("poll-open").click()
    for place, member in enumerate(evening.members):
        member.at("poll-call").click()
        member.at("poll-option").nth(place).check()
        member.at("poll-vote").click()
        member.says("很有帮助")
    eventually(lambda: host.at("poll").first.inner_text().count("1") >= 2, what="a vote for each")
    host.at("poll-close").click()
    for member in evening.members:
        member.becomes("poll", "data-open", "false")


def test_a_guest_whose_network_dies_leaves_a_name_and_no_frozen_face(evening: Evening) -> None:
    host, first = evening["host"], evening["guest0"]
    host.at("stage-entry").filter(has_text="陈晓红").get_by_test_id("stage-call").click()
    first.at("part-accept").click()
    first.becomes("part-panel", "data-part", "backstage")
    host.at("stage-entry").filter(has_text="陈晓红").get_by_test_id("stage-put-on").click()
    for member in evening.members:
        member.plays("guest", 75)
    evening.guests.freeze()
    for member in evening.members:
        member.at("room-video-guest-card").wait_for(timeout=10_000)
        member.says("陈晓红")
    host.at("stage-take-off").first.click()
    for member in evening.members:
        member.shows("room-video-guest", False)
    evening.guests.thaw()


def test_the_lecturers_network_dies_and_comes_back_by_itself(evening: Evening) -> None:
    lecturer = evening["lecturer"]
    evening.lecturers.freeze()
    for member in evening.members:
        member.at("room-video-lecturer-card").wait_for(timeout=10_000)
    evening.lecturers.thaw()
    for member in evening.members:
        member.plays("lecturer", 75)
        member.shows("room-video-lecturer", True)
    lecturer.becomes("studio-air", "data-phase", "sending")


def test_the_evening_ends_for_everybody(evening: Evening) -> None:
    host = evening["host"]
    host.at("studio-end").click()
    host.at("studio-end-confirm").click()
    for member in evening.members:
        member.at("room-over").wait_for()
    evening["lecturer"].at("studio-over").wait_for()
    names = {link.member: link.name for link in evening.hall.lecture.links}
    exported = evening.hall.service.attendance(evening.hall.lecture)
    shared = [names[one["member"]] for one in exported["testimonials"]]
    assert shared == ["陈晓红", "周建国", "陈晓红"]
    timeline = evening.hall.service.rest("GET", f"/api/lectures/{evening.hall.lecture.id}/timeline")["events"]
    assert [one["name"] for one in timeline if one["kind"] == "testimonial"] == shared
    assert {"started", "poll", "ended"} <= {one["kind"] for one in timeline}
