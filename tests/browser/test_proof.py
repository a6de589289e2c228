"""Proof of reception: the marks in a viewer's own copy of the media, as real browsers read them and pages echo them.
What is proved of whole evenings is told by test_scripted_members.py."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Playwright

from tests.browser.conftest import Hall, Tab, eventually, launch
from tests.browser.exported import account
from tests.servers.service import Link, Service

PERIOD = 10
WATCH = """async ({ url, ticket }) => {
  const peer = new RTCPeerConnection();
  peer.addTransceiver('audio', { direction: 'recvonly' });
  peer.addTransceiver('video', { direction: 'recvonly' });
  await peer.setLocalDescription();
  const answer = await fetch(url, {
    method: 'POST',
    headers: { Authorization: `Bearer ${ticket}`, 'Content-Type': 'application/sdp' },
    body: peer.localDescription.sdp,
  });
  await peer.setRemoteDescription({ type: 'answer', sdp: await answer.text() });
  window.__peer = peer;
}"""
"""A player that plays and echoes nothing."""


@pytest.fixture(scope="module")
def hall(browser: Browser, service: Service) -> Iterator[Hall]:
    opened = Hall(browser, service, service.lecture())
    opened.stranger().publish("lecturer", opened.lecture.of("lecturer").ticket, width=320, height=180, fps=15)
    yield opened
    opened.close()


def evidence(hall: Hall, link: Link, going: bool = False) -> list[str]:
    """Of all receptions in order, or of those that go on."""
    found = [one for one in account(hall, link)["sessions"] if one["kind"] == "receiving"]
    return [one["evidence"] for one in found if one["open"] or not going]


def test_a_tab_that_may_not_play_sound_proves_too(hall: Hall, playwright: Playwright, chromium_path: str) -> None:
    strict = launch(playwright, chromium_path, "--autoplay-policy=document-user-activation-required")
    link = hall.lecture.members[1]
    try:
        member = hall.tab(link, browser=strict)
        member.page.goto(link.url)
        member.at("join-enter").click()
        member.plays("lecturer")
        room, context = member.page.url, member.page.context
        entered = member.page.evaluate("JSON.stringify(sessionStorage)")
        member.page.close(run_before_unload=True)
        untouched = Tab(context.new_page(), hall.service, hall.lecture, link)
        # A tab that is doubled has what its twin kept: it need not be told once more who sits there.
        untouched.page.add_init_script(f"Object.assign(sessionStorage, {entered})")
        untouched.page.goto(room)
        eventually(lambda: evidence(hall, link, going=True), 20, 1, "it receives")
        time.sleep(2)  # whatever a test asks of a page counts as a gesture: not before its sound was refused
        untouched.at("room-unmute").wait_for()
        untouched.plays("lecturer")
        eventually(lambda: evidence(hall, link, going=True) == ["proved"], 20, 1, "proved")
    finally:
        strict.close()


def test_a_player_that_echoes_nothing_is_reported_only(hall: Hall) -> None:
    link = hall.lecture.members[2]
    player = hall.stranger()
    player.page.evaluate(WATCH, {"url": f"{hall.service.url}/whep/{hall.lecture.id}", "ticket": link.ticket})
    marks = "window.__peer.getReceivers().flatMap(one => one.getContributingSources()).length"
    eventually(lambda: player.page.evaluate(marks), what="marks, which it could read")
    eventually(lambda: evidence(hall, link), 15, 1, "it receives")
    player.page.wait_for_timeout(PERIOD * 1000)
    found = account(hall, link)
    assert evidence(hall, link) == ["reported"]
    assert (found["proved_seconds"], found["reported_seconds"]) == (None, found["receiving_seconds"])
