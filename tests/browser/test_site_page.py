"""The page on a site's big screen and the page of the phones that scan its code, in every state, in both sizes and
languages (looks.py)."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from playwright.sync_api import Route, expect

from classroom.io.qr_segno import svg
from tests.browser.looks import Look
from tests.browser.scripted_room import ME, ORIGIN, at

INFO = {
    "id": "site1",
    "place": "党员活动室",
    "branch": "镇巴县 / 泾洋街道流动党支部",
    "host": "m1",
    "host_name": "张伟",
    "state": "planned",
    "opened": None,
    "closed": None,
    "heads": None,
    "present": 0,
    "receiving": False,
}
PEOPLE = [
    ("m1", "张伟", "镇巴县 / 兴隆镇 / 驻成都流动党员支部", "host"),
    ("m5", "陈静", "镇巴县 / 泾洋街道流动党支部", "qr"),
    ("m6", "周强", "镇巴县 / 泾洋街道流动党支部", "search"),
]
CANDIDATES = [
    {"id": "m7", "name": "刘洋", "branch": "镇巴县 / 泾洋街道流动党支部", "digits": "0003"},
    {"id": "m8", "name": "刘洋", "branch": "镇巴县 / 泾洋街道流动党支部", "digits": "0017"},
    {"id": "m5", "name": "陈静", "branch": "镇巴县 / 泾洋街道流动党支部", "digits": None},
]
CODE = f"{ORIGIN}/s#site1.AAAAAAAAAAAA"


def room(present: int = 0, lecture: str = "live", code: str | None = None, **info: Any) -> dict[str, Any]:
    people = [
        {"id": one, "name": name, "branch": branch, "digits": None, "since": at(-60 * number), "how": how}
        for number, (one, name, branch, how) in enumerate(PEOPLE[:present], 1)
    ]
    return {
        "info": INFO | {"present": present} | info,
        "title": "第三讲　流动中的组织生活",
        "lecture_state": lecture,
        "now": at(),
        "receiving": bool(info.get("receiving")),
        "present": people,
        "code": code,
        "code_until": at(12),
    }


def hosted(look: Callable[..., Look], site: dict[str, Any], **lecture: Any) -> Look:
    it = look(**lecture)
    it.room.answers |= {
        "/api/site": lambda _: site | {"now": at(), "code_until": at(12)},
        "/api/site/candidates": lambda _: CANDIDATES,
        "/api/site/code.svg": lambda _: svg(CODE).decode(),
    }
    it.room.answers |= {f"/api/site/{deed}": lambda _: None for deed in ("open", "close", "screen", "heads")}
    it.open("/site#ticket-of-zhang-wei", enter=False)
    return it


def test_before_it_is_open_and_after(look: Callable[..., Look]) -> None:
    states = {
        "planned": room(lecture="lobby"),
        "closed": room(state="closed", opened=at(-3_600), closed=at(-60), heads=23),
        "over": room(lecture="ended", state="closed", opened=at(-5_400), closed=at(), heads=23),
    }
    for state, site in states.items():
        it = hosted(look, site, state="lobby" if state == "planned" else "live", starts=900.0)
        expect(it.at("site-over" if state == "over" else "site-open")).to_be_visible()
        it.both(f"site-{state}")


def test_while_they_watch(look: Callable[..., Look]) -> None:
    it = hosted(look, room(3, code=CODE, state="open", opened=at(-600), heads=5))
    it.at("site-open").click()
    expect(it.at("site-person")).to_have_count(3)
    expect(it.at("site-code")).to_be_visible()
    expect(it.at("site-screen")).to_have_attribute("data-tone", "warn")
    it.both("site-dark")
    watched = room(3, code=CODE, state="open", opened=at(-600), heads=5, receiving=True)
    it.room.answers["/api/site"] = lambda _: watched | {"now": at(), "code_until": at(12)}
    it.room.show(it.page, "lecturer", "live")
    it.uncovered("lecturer")
    expect(it.at("site-screen")).to_have_attribute("data-tone", "good", timeout=10_000)
    it.both("site-watching")
    it.at("site-search").fill("刘")
    expect(it.at("site-found")).to_have_count(2)
    it.at("site-search").scroll_into_view_if_needed()
    it.both("site-found")
    it.at("site-search").fill("没有这个人")
    it.both("site-none-found")
    it.at("site-search").fill("")
    it.at("site-close").click()
    it.both("site-close")


def test_a_service_that_is_away(look: Callable[..., Look]) -> None:
    it = hosted(look, room(3, code=CODE, state="open", opened=at(-600), receiving=True))
    it.at("site-open").click()
    it.page.route("**/api/site", lambda route: route.abort())
    expect(it.page.get_by_role("alert")).to_contain_text("连不上")
    it.both("site-stale")


# --- the phones -------------------------------------------------------------------------------------------------------


def scanned(look: Callable[..., Look], known: bool, **answers: Any) -> Look:
    """`known`: this phone has opened its holder's personal link before."""
    it = look()
    member = {name: ME[name] for name in ("id", "name", "branch")}
    lecture = {"id": "scripted", "title": "第三讲　流动中的组织生活"}
    it.room.answers |= {
        "/api/site/scan": lambda _: {"pass": "p", "place": INFO["place"], "branch": INFO["branch"], "lecture": lecture},
        "/api/site/check-in": lambda _: {"member": member, "place": INFO["place"], "ticket": "t"},
        "/api/site/leave": lambda _: None,
    }
    if known:
        it.open(enter=False)
        it.at("join-name").wait_for()
        it.page.goto("about:blank")
        it.page.goto(f"{ORIGIN}/s#site1.AAAAAAAAAAAA")
        it.prepare()
    else:
        it.open("/s#site1.AAAAAAAAAAAA", enter=False)
    return it


def test_a_phone_that_knows_whose_it_is(look: Callable[..., Look]) -> None:
    it = scanned(look, known=True)
    expect(it.at("scan-name")).to_have_text(ME["name"])
    it.both("scan-who")
    it.at("scan-here").click()
    expect(it.at("scan-done")).to_be_visible()
    it.both("scan-done")
    it.at("scan-undo").click()
    expect(it.at("scan-notice")).to_contain_text("已撤销")
    it.both("scan-undone")


def test_a_phone_that_does_not(look: Callable[..., Look]) -> None:
    it = scanned(look, known=False)
    it.both("scan-name")
    it.page.route("**/api/site/check-in", _refusal(403, "code-unknown"))
    it.at("scan-name-field").fill("张伟")
    it.at("scan-digits").fill("00a01")
    it.at("scan-as").click()
    expect(it.at("scan-refused")).to_be_visible()
    it.both("scan-name-refused")


def test_codes_that_check_nobody_in(look: Callable[..., Look]) -> None:
    for state, kind, status in (("stale", "code-stale", 410), ("away", "store-away", 503)):
        it = look()
        it.context.route("**/api/site/scan", _refusal(status, kind, "数据库暂时不可用，请稍后再试。"))
        it.open("/s#site1.AAAAAAAAAAAA", enter=False)
        it.at("scan-notice" if state == "stale" else "scan-refused").wait_for()
        it.both(f"scan-{state}")
    it = look()
    it.open("/s", enter=False)
    it.at("scan-notice").wait_for()
    it.both("scan-none")


def _refusal(status: int, kind: str, title: str = "") -> Callable[[Route], None]:
    body = json.dumps({"type": kind, "title": title})
    return lambda route: route.fulfill(status=status, content_type="application/problem+json", body=body)
