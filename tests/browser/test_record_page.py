"""A member's own record by their own link, live and after, in both sizes and languages (looks.py): as a service that
held a lecture tells it of those who saw it whole, in part, not at all, or could not be measured."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.held import Held
from tests.browser.looks import Look

Answer = Callable[[str], Any]


@pytest.fixture(scope="module")
def tickets(held: Held) -> dict[str, list[str]]:
    """Of the members of the lecture that was held, by verdict; whom an organizer gave another is at "corrected"."""
    known = {link.member: link.ticket for link in held.service.invited(held.over).links}
    found: dict[str, list[str]] = {}
    for line in held.service.rest("GET", f"/api/lectures/{held.over}/report")["members"]:
        if line["id"] in known:
            found.setdefault("corrected" if line["corrected"] else line["verdict"], []).append(known[line["id"]])
    return found


def told(held: Held, path: str, ticket: str) -> Answer:
    def answer(language: str) -> Any:
        headers = {"Content-Type": "application/json", "Accept-Language": language}
        body = json.dumps({"ticket": ticket}).encode()
        request = urllib.request.Request(f"{held.service.url}{path}", body, headers)
        with urllib.request.urlopen(request, timeout=20) as response:
            return json.load(response)

    return answer


def going(answer: Answer) -> Answer:
    """The same evening before it is over: what is received last goes on."""

    def changed(language: str) -> Any:
        record = answer(language)
        received = [one for one in record["sessions"] if one["kind"] == "receiving"]
        for one in received[-1:]:
            one["open"] = True
        return record | {"lecture": record["lecture"] | {"ended": None}, "objections": [], "decisions": []}

    return changed


def nothing_yet(answer: Answer) -> Answer:
    def changed(language: str) -> Any:
        unmeasured = {"credited_seconds": None, "denominator_seconds": None, "share": None}
        return answer(language) | unmeasured | {"sessions": [], "sign_ins": [], "failed": [], "outages": []}

    return changed


def opened(look: Callable[..., Look], held: Held, ticket: str, **lecture: Any) -> Look:
    it = look(**lecture)
    it.room.answers["/api/record"] = told(held, "/api/record", ticket)
    it.room.answers["/api/record/year"] = told(held, "/api/record/year", ticket)
    return it


def whole(it: Look) -> None:
    """The picture then holds all of it."""
    if it.size == "phone":
        it.page.set_viewport_size({"width": 390, "height": int(it.page.evaluate("document.body.scrollHeight"))})


@pytest.mark.parametrize("verdict", ["present", "corrected", "incomplete", "excused", "absent", "not-measured"])
def test_after_the_lecture(look: Callable[..., Look], held: Held, tickets: dict[str, list[str]], verdict: str) -> None:
    it = opened(look, held, tickets[verdict][0], state="ended", starts=-90_000.0)
    it.open(enter=False)
    shown = it.at("record-verdict")
    expect(shown).to_have_attribute("data-verdict", "present" if verdict == "corrected" else verdict)
    whole(it)
    it.both(f"record-{verdict}")
    if verdict == "incomplete":
        expect(it.at("my-objection")).to_have_attribute("data-state", "open")
    if verdict == "corrected":
        expect(it.at("my-objection")).to_have_attribute("data-state", "answered")
    if verdict == "absent":
        it.at("object").click()
        it.at("objection-text").fill("信号不好，一直没有画面。")
        it.both("record-objecting")


def test_its_sentences_follow_the_language(
    look: Callable[..., Look], held: Held, tickets: dict[str, list[str]]
) -> None:
    it = opened(look, held, tickets["incomplete"][0], state="ended")
    it.open(enter=False)
    expect(it.at("record-explanation")).to_contain_text("收看")
    it.at("language").click()
    expect(it.at("record-explanation")).not_to_contain_text("收看")
    expect(it.at("record-intervals")).not_to_contain_text("收看")


def test_abroad_every_clock_of_it_is_chinas(
    look: Callable[..., Look], held: Held, tickets: dict[str, list[str]]
) -> None:
    """The times of the sentence are those of the intervals, and it is said whose they are."""
    it = opened(look, held, tickets["incomplete"][0], state="ended", starts=-90_000.0, zone="Europe/Berlin")
    it.open(enter=False)
    expect(it.at("record-explanation")).to_contain_text("20:00–20:26 断线")
    expect(it.at("record-intervals")).to_contain_text("–20:00")
    expect(it.at("record-intervals")).to_contain_text("20:26–")
    expect(it.at("zone")).to_contain_text("北京时间")
    expect(it.page.locator(".when")).to_contain_text("北京时间")
    whole(it)
    it.both("record-abroad")


def test_while_it_goes_on(look: Callable[..., Look], held: Held, tickets: dict[str, list[str]]) -> None:
    it = opened(look, held, tickets["incomplete"][0])
    known = going(it.room.answers["/api/record"])
    it.room.answers["/api/record"] = nothing_yet(known)
    it.open()
    it.live()
    it.at("room-record-open").click()
    expect(it.at("member-record")).to_contain_text("还没有收到画面和声音")
    it.both("record-live-empty")
    it.room.answers["/api/record"] = known
    expect(it.at("record-intervals")).to_contain_text("–现在", timeout=10_000)  # by itself
    it.both("record-live")


def test_a_record_that_cannot_be_read(look: Callable[..., Look], held: Held) -> None:
    it = look(state="ended")
    it.context.route("**/api/record", lambda route: route.abort())
    it.open(enter=False)
    expect(it.at("record-refused")).to_be_visible()
    it.both("record-unreachable")
