"""An operator's evening in the console: a running order, then a live lecture beside which order is kept and the stage
run."""

from __future__ import annotations

import re
from typing import Any

from playwright.sync_api import WebSocketRoute, expect

from tests.browser.conftest import Hall, Tab

CONSOLE = {"width": 1366, "height": 768}


def _operator(hall: Hall, channels: list[WebSocketRoute], name: str = "duty") -> Tab:
    """Signed in, on the lecture's page; its sockets are in `channels`."""
    staff = hall.service.command("staff", "create", name, "--json")
    tab = hall.tab(viewport=CONSOLE, source=None)

    def pass_on(socket: WebSocketRoute) -> None:
        socket.connect_to_server()
        channels.append(socket)

    tab.page.route_web_socket(re.compile(r"/ws$"), pass_on)
    tab.page.goto(f"{hall.service.url}/console#/lecture/{hall.lecture.id}/order")
    tab.at("console-name").fill(staff["name"])
    tab.at("console-password").fill(staff["password"])
    tab.at("console-sign-in").click()
    tab.at("order-add").wait_for()
    return tab


def _turn(tab: Tab, place: str) -> None:
    tab.at(f"console-tab-{place}").click()


def _entry(tab: Tab, name: str) -> Any:
    return tab.at("stage-entry").filter(has_text=name)


def test_an_evening_in_the_console(hall: Hall) -> None:
    channels: list[WebSocketRoute] = []
    operator = _operator(hall, channels)
    _plan(operator)
    channels[-1].send('{"type":"notice","kind":"bus-away"}')
    expect(operator.at("console-cut-off")).to_contain_text("您发的内容会自动送出")
    channels[-1].send('{"type":"notice","kind":"bus-back"}')
    expect(operator.at("console-cut-off")).to_have_count(0)
    member = hall.member(0)
    hall.lecturer(source=(320, 180, 15))
    expect(operator.at("console-state")).to_have_attribute("data-state", "live", timeout=15_000)
    _count(operator, member)
    _keep_order(operator, member)
    _stage(hall, operator, member)
    _turn(operator, "live")
    expect(operator.at("console-timeline")).to_contain_text(
        "张三（镇巴县 / 驻西安党支部）上台分享：返乡创业三年", timeout=10_000
    )
    operator.at("console-end").click()
    operator.page.get_by_role("button", name="结束课堂，不再开始").click()
    expect(operator.at("console-state")).to_have_attribute("data-state", "ended")
    _look_back(operator)


def _look_back(operator: Tab) -> None:
    """What was said and done is found afterwards, the deleted line too."""
    _turn(operator, "report")
    operator.at("log-find").fill("微信")
    operator.at("log-search").click()
    expect(operator.at("log-lines")).to_contain_text("加我微信领红包 已删除")
    operator.at("audit-show").click()
    for deed in (
        "置顶通知“八点半签到”",
        "的发言“加我微信领红包”",
        "发起投票“听清楚了吗？”",
        "请张三（镇巴县 / 驻西安党支部）上台",
    ):
        expect(operator.at("audit")).to_contain_text(deed)


def _plan(operator: Tab) -> None:
    """Two testimonials are written down, put in order, and get links."""
    for at, (name, topic) in enumerate((("李四", "在外党员的一天"), ("张三", "返乡创业三年"))):
        operator.at("order-add").click()
        operator.at("order-name").nth(at).fill(name)
        operator.at("order-branch").nth(at).fill("镇巴县 / 驻西安党支部")
        operator.at("order-topic").nth(at).fill(topic)
    operator.at("order-up").nth(1).click()
    operator.at("order-save").click()
    expect(operator.at("order-copy")).to_have_count(2)
    operator.page.reload()
    expect(operator.at("order-name").first).to_have_value("张三")


def _count(operator: Tab, member: Tab) -> None:
    """The figures say what the member's page plays."""
    member.plays()
    _turn(operator, "live")
    expect(operator.at("console-receiving")).to_have_text("1", timeout=15_000)
    expect(operator.at("console-missing")).to_have_text("5")
    assert member.link is not None
    rows = operator.at("console-branch")
    expect(rows.first).to_contain_text("0%")  # worst first
    expect(rows.last).to_contain_text(member.link.branch.split(" / ")[0])
    operator.at("console-receiving").click()
    expect(operator.at("console-member")).to_have_count(1)
    operator.at("console-person").click()
    operator.at("drawer-mute").click()
    expect(operator.at("drawer-muted")).to_be_visible()
    expect(member.at("chat-closed")).to_contain_text("您暂时不能发言")
    operator.at("drawer-mute").click()
    expect(member.at("chat-closed")).to_have_count(0)
    operator.page.keyboard.press("Escape")
    expect(operator.at("drawer-name")).to_have_count(0)


def _keep_order(operator: Tab, member: Tab) -> None:
    """A line is deleted, a question published and answered, a poll asked and closed, a notice pinned."""
    _turn(operator, "talk")
    operator.at("talk-input").wait_for()
    _say(member, "chat", "加我微信领红包")
    line = operator.at("talk-line").filter(has_text="加我微信领红包")
    line.get_by_test_id("talk-manage").click()
    line.get_by_test_id("talk-delete").click()
    expect(line).to_have_count(0)
    expect(member.page.get_by_text("加我微信领红包")).to_have_count(0)
    operator.at("notice-text").fill("八点半签到")
    operator.at("notice-pin").click()
    expect(member.at("chat-pinned")).to_contain_text("八点半签到")
    member.at("tab-ask").click()
    _say(member, "ask", "数据由谁来更新？")
    operator.at("question-asked").filter(has_text="数据由谁来更新？").get_by_test_id("question-publish").click()
    expect(operator.at("question-published")).to_have_attribute("data-state", "published")
    expect(member.at("question")).to_have_attribute("data-state", "published")
    operator.at("question-answered").click()
    expect(member.at("question")).to_have_attribute("data-state", "answered")
    _poll(operator, member)


def _say(member: Tab, box: str, text: str) -> None:
    member.at(f"{box}-input").fill(text)
    member.at(f"{box}-send").click()


def _poll(operator: Tab, member: Tab) -> None:
    operator.at("poll-new").click()
    operator.at("poll-question").fill("听清楚了吗？")
    operator.at("poll-option-0").fill("清楚")
    operator.at("poll-option-1").fill("不清楚")
    operator.at("poll-open").click()
    member.at("tab-poll").click()
    member.at("poll-option").first.click()
    member.at("poll-vote").click()
    expect(operator.at("poll")).to_contain_text("100%")
    operator.at("poll-close").click()
    expect(member.at("poll")).to_have_attribute("data-open", "false")


def _stage(hall: Hall, operator: Tab, member: Tab) -> None:
    """The guest of the running order comes with their link and is called by one tap."""
    _turn(operator, "stage")
    expect(_entry(operator, "张三")).to_contain_text("未到")
    links = hall.service.command("links", "export", "--lecture", hall.lecture.id, "--json")
    link = next(one for one in links if one["name"] == "张三")
    guest = hall.tab(source=(320, 180, 15))
    guest.page.goto(link["url"])
    guest.at("join-enter").click()
    expect(_entry(operator, "张三")).to_contain_text("已就位")
    operator.at("stage-next").click()
    guest.at("part-accept").click()
    expect(_entry(operator, "张三")).to_have_attribute("data-part", "backstage", timeout=20_000)
    expect(operator.at("stage-next-does")).to_contain_text("请 张三 上台")
    operator.at("stage-next").click()
    expect(_entry(operator, "张三")).to_have_attribute("data-part", "on")
    expect(operator.at("stage-on")).to_contain_text("张三")
    member.plays("guest")
    operator.at("stage-layout-guest").click()
    expect(operator.at("stage-layout-guest")).to_have_attribute("aria-pressed", "true")
    operator.at("stage-off").click()
    expect(operator.at("stage-on")).to_contain_text("现在没有人分享")
