"""The pages of lecturer, host and guest in every state, as a scripted room puts them there (looks.py)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.looks import Look
from tests.browser.scripted_room import GUEST, HOST, LECTURER, at

DESK: dict[str, float] = {"letters": 14, "target": 36}
"""Lecturer and host sit at a desk."""
COUNTIES = [
    {"branch": name, "invited": invited, "connected": connected, "receiving": receiving, "missing": invited - connected}
    for name, invited, connected, receiving in (
        ("镇巴县", 312, 301, 297),
        ("西乡县", 268, 249, 240),
        ("勉县", 301, 281, 280),
        ("略阳县", 229, 226, 226),
    )
]
AUDIENCE: dict[str, Any] = {
    "type": "audience",
    "connected": 1057,
    "receiving": 1043,
    "invited": 1110,
    "trouble": 3,
    "missing": 53,
    "excused": 0,
    "counties": [{**one, "excused": 0} for one in COUNTIES],
}
NOBODY = AUDIENCE | {"receiving": 0}
QUESTION = {"name": "刘洋", "branch": "镇巴县 / 泾洋街道", "at": at(), "state": "asked"}
PERSON = {"branch": "镇巴县 / 泾洋街道流动党员支部", "minutes": 5, "here": True, "done": False, "passed": False}
ORDER = [
    {**PERSON, "id": "o1", "member": "m4", "name": "李秀兰", "title": "我在苏州的三年", "part": "backstage"},
    {**PERSON, "id": "o2", "member": "m5", "name": "周强", "title": "在他乡办起合作社", "part": "off", "here": False},
]
ON = {"name": "李秀兰", "branch": PERSON["branch"], "title": "我在苏州的三年", "since": at(), "lost": False}
OWN_PART = {"type": "part", "slot": "guest", "by": "赵敏", "title": "我在苏州的三年", "minutes": 5, "reason": None}
REFUSED = """
navigator.mediaDevices.getUserMedia = async () => { throw new DOMException("no", "%s"); };
"""


def _part(it: Look, part: str, **more: Any) -> None:
    it.room.tell(**{**OWN_PART, "part": part, "until": None, "deadline": None, **more})


def _order(it: Look, **following: Any) -> None:
    steps = {"off": None, "on": None, "call": None, "coming": None}
    it.room.tell(type="running-order", entries=ORDER, others=[], next=steps | following)


def _picture(it: Look) -> None:
    """One sees oneself."""
    it.page.wait_for_function("() => document.querySelector('video[data-testid=device-preview]')?.videoWidth > 0")


def test_a_lecturer_rehearses_before_the_start(look: Callable[..., Look]) -> None:
    it = look(state="lobby", starts=900.0, me=LECTURER, **DESK)
    it.open()
    _picture(it)
    it.room.tell(**AUDIENCE)
    expect(it.at("studio-start")).to_contain_text("试播")
    it.check("lecturer-ready")
    it.at("studio-start").click()
    it.room.show(it.page, "lecturer", "stage")
    expect(it.at("studio-air")).to_have_attribute("data-tone", "rehearsal")
    it.check("lecturer-rehearses")
    it.at("studio-begin").click()
    it.check("lecturer-asked-to-begin")


def test_a_lecturer_on_air(look: Callable[..., Look]) -> None:
    it = look(me=LECTURER, **DESK)
    it.open()
    _picture(it)
    it.room.tell(**AUDIENCE)
    it.at("studio-start").click()
    it.room.show(it.page, "lecturer", "live")
    expect(it.at("studio-air")).to_have_attribute("data-tone", "live")
    expect(it.at("studio-viewers")).to_contain_text("1,043 人正在收看")
    it.check("lecturer-live")
    it.room.say("刘洋", "老师好")
    it.room.tell(type="asked", questions=[{**QUESTION, "id": "q1", "text": "组织关系要不要转？"}])
    if it.size == "desktop":
        it.at("studio-tab-questions").click()
        expect(it.at("question-waiting")).to_be_visible()
        it.check("lecturer-questions")
        it.at("studio-tab-audience").click()
        expect(it.page.get_by_text("西乡县").first).to_be_visible()
        it.check("lecturer-audience")
    it.at("studio-screen").click()
    expect(it.at("studio-screen-preview")).to_be_visible()
    it.check("lecturer-screen")
    it.at("studio-screen-stop").click()
    it.at("studio-stop").click()
    expect(it.at("studio-stop-confirm")).to_be_visible()
    expect(it.page.get_by_text("1,043").last).to_be_visible()
    it.check("lecturer-asked-to-stop")


def test_a_lecturer_whom_nobody_sees_or_hears(look: Callable[..., Look]) -> None:
    it = look(me=LECTURER, **DESK)
    it.open()
    _picture(it)
    it.room.tell(**AUDIENCE)
    it.at("studio-start").click()
    it.room.show(it.page, "lecturer", "live")
    expect(it.at("studio-air")).to_have_attribute("data-tone", "live")
    it.at("device-mute").click()
    expect(it.at("studio-alarm-muted")).to_be_visible(timeout=15_000)
    it.check("lecturer-muted")
    it.room.show(it.page, "lecturer", "lost")
    expect(it.at("studio-air")).to_have_attribute("data-tone", "lost")
    it.check("lecturer-lost")
    it.room.drop()
    expect(it.at("studio-alarm-away")).to_be_visible(timeout=8_000)
    it.check("lecturer-away")
    it.room.answering = True


def test_a_lecturer_whose_lecture_is_over(look: Callable[..., Look]) -> None:
    it = look(me=LECTURER, **DESK)
    it.open()
    it.room.tell(**AUDIENCE)
    it.room.move("ended")
    expect(it.at("studio-most")).to_contain_text("1,043")
    it.check("lecturer-over")


@pytest.mark.parametrize("error", ["NotAllowedError", "NotFoundError"])
def test_without_a_camera(look: Callable[..., Look], error: str) -> None:
    it = look(me=LECTURER, script=REFUSED % error, **DESK)
    it.open()
    expect(it.at("device-trouble")).to_be_visible()
    expect(it.at("studio-start")).to_be_disabled()
    it.check(f"lecturer-{error}")


def test_a_host_runs_the_stage(look: Callable[..., Look]) -> None:
    it = look(me=HOST, **DESK)
    it.open()
    _picture(it)
    it.room.tell(**AUDIENCE)
    _order(it, on="m4")
    hands = [{"member": "m7", "name": "陈静", "branch": "西乡县 / 城北街道", "since": at(-95)}]
    it.room.tell(type="hands", count=1, hands=hands)
    expect(it.at("stage-hand")).to_contain_text("陈静")
    it.check("host-ready")
    it.room.show(it.page, "lecturer", "live")
    it.room.show(it.page, "guest", "live")
    it.room.stage("side-by-side", {**ON, "until": at(200)}, "周强")
    it.room.tell(
        type="running-order",
        entries=[{**ORDER[0], "part": "on"}, ORDER[1]],
        others=[],
        next={"off": "m4", "on": None, "call": "m5", "coming": None},
    )
    expect(it.at("stage-clock").first).to_be_visible()
    it.check("host-guest-on")
    poll = {"id": "p1", "question": "今年参加过几次？", "options": ["一到三次", "四次以上"], "multiple": False}
    it.room.broadcast(type="poll", poll=poll | {"open": True, "results": [120, 310], "voters": 430})
    it.at("studio-tab-polls").click()
    it.check("host-poll")
    it.at("studio-tab-more").click()
    it.check("host-more")


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_host_mutes_the_writer_of_a_line_and_lets_them_write_again(look: Callable[..., Look], language: str) -> None:
    it = look(me=HOST, **DESK)
    it.open(f"/j?lang={language}#ticket-of-zhang-wei")
    if it.size == "phone":
        it.at("studio-tab-chat").click()
    said = it.room.say("刘洋", "买保险请加我", branch="镇巴县")
    it.room.say("陈静", "请不要发广告", branch="镇巴县")

    def mute() -> dict[str, Any]:
        it.at("chat-acts").first.click()
        it.check(f"chat-acts-{language}")
        it.at("chat-mute").click()
        it.page.wait_for_timeout(200)
        return [one for one in it.room.heard if one["type"] == "mute"][-1]

    assert mute() == {"type": "mute", "muted": True, "said": said}
    muted = [{"member": "m8", "name": "刘洋", "branch": "镇巴县"}]
    it.room.tell(type="order-kept", muted=muted, barred=[], words=[])
    expect(it.at("chat-muted")).to_have_count(1)
    assert mute() == {"type": "mute", "muted": False, "said": said}


def test_a_guest_on_the_way_to_the_stage_and_back(look: Callable[..., Look]) -> None:
    """On a phone as a member: letters and targets as large as theirs."""
    it = look(me=GUEST)
    it.open()
    it.room.show(it.page, "lecturer", "live")
    _part(it, "off")
    it.check("guest-waits")
    it.room.tell(type="notice", kind="bus-away")
    expect(it.at("studio-cut-off")).to_contain_text("您发的内容会自动送出")
    it.check("guest-cut-off")
    it.room.tell(type="notice", kind="bus-back")
    expect(it.at("studio-cut-off")).to_have_count(0)
    it.at("part-try").click()
    expect(it.at("part-network")).to_have_attribute("data-grade", "good", timeout=15_000)
    it.check("guest-tries")
    it.at("part-close").click()
    _part(it, "called", deadline=at(60))
    expect(it.at("part-accept")).to_be_visible()
    it.check("guest-called")
    it.at("part-accept").click()
    _part(it, "checking", deadline=at(120))
    expect(it.at("part-stage")).to_have_attribute("data-state", "checking")
    it.check("guest-checks")
    _part(it, "backstage")
    expect(it.at("part-stage")).to_have_attribute("data-state", "backstage")
    it.check("guest-backstage")
    _part(it, "on", until=at(290))
    expect(it.at("part-stage")).to_have_attribute("data-state", "on")
    expect(it.at("part-time")).to_contain_text("4:")
    it.check("guest-on")
    _part(it, "on", until=at(-5))
    expect(it.at("part-time")).to_have_attribute("data-tone", "over")
    it.check("guest-over-time")
    it.at("part-leave").click()
    expect(it.at("part-leave-confirm")).to_be_visible()
    it.check("guest-asked-to-leave")
    it.at("part-leave-confirm").click()
    _part(it, "off", reason="left")
    expect(it.at("part-idle")).not_to_have_attribute("data-ended", "")
    it.check("guest-was-on")


@pytest.mark.parametrize("me", [LECTURER, HOST, GUEST], ids=lambda me: me["role"])
def test_english(look: Callable[..., Look], me: dict[str, str]) -> None:
    """Longer words, and still room for them."""
    it = look(me=me, **(DESK if me is not GUEST else {}))
    it.open("/j?lang=en#ticket-of-zhang-wei")
    it.room.tell(**AUDIENCE)
    _order(it, on="m4")
    it.room.show(it.page, "guest", "live")
    it.check(f"english-{me['role']}")


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("me", [LECTURER, HOST], ids=lambda me: me["role"])
def test_every_tab_is_in_sight_however_much_waits(look: Callable[..., Look], me: dict[str, str], language: str) -> None:
    it = look(me=me, **DESK)
    it.open(f"/j?lang={language}#ticket-of-zhang-wei")
    hands = [{"member": "m7", "name": "陈静", "branch": "西乡县 / 城北街道", "since": at(-95)}]
    it.room.tell(type="hands", count=120, hands=hands)
    asked = [{**QUESTION, "id": f"q{number}", "text": "组织关系要不要转？"} for number in range(120)]
    it.room.tell(type="asked", questions=asked)
    if it.size == "phone":
        it.at("studio-tab-audience").click()
    for _ in range(120):
        it.room.say("刘洋", "老师好")
    expect(it.at("studio-tab-questions")).to_contain_text("99+")
    it.check(f"tabs-{me['role']}-{language}")
