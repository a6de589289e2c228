"""What a person relies on without thinking of it: that the studio says when nobody sees or hears them and is not closed
by accident, that one tap brings the sound and the screen stays on, and that all of a member's evening goes by keys."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Dialog, Playwright, expect

from tests.browser.conftest import DESKTOP, Hall, Tab, eventually
from tests.browser.frozen import Freezable, freezable
from tests.browser.looks import Look
from tests.browser.on_air import BUSY, TOLD_WITHIN, WATCH
from tests.servers.service import Service

SMALL = (320, 180, 15)
VOICE = """
const camera = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
const context = new AudioContext();
const loud = context.createGain();
const voice = context.createOscillator();
voice.connect(loud);
voice.start();
window.__loudness = (share) => { loud.gain.value = share; };
navigator.mediaDevices.getUserMedia = async (wanted) => {
  const stream = await camera(wanted);
  for (const track of stream.getAudioTracks()) {
    stream.removeTrack(track);
    track.stop();
    const out = context.createMediaStreamDestination();
    loud.connect(out);
    stream.addTrack(out.stream.getAudioTracks()[0]);
  }
  return stream;
};
"""
"""The microphone is a tone that the test makes louder and softer."""
PHONE_LIKE = """
window.__wakes = [];
Object.defineProperty(navigator, 'wakeLock', { value: {
  request: async (kind) => {
    window.__wakes.push(kind);
    return { released: false, release: async () => window.__wakes.push('released') };
  },
} });
const play = HTMLMediaElement.prototype.play;
HTMLMediaElement.prototype.play = function () {
  if (!this.muted && !window.__tapped) return Promise.reject(new DOMException('no gesture', 'NotAllowedError'));
  return play.call(this);
};
addEventListener('click', (event) => {
  if (event.target.closest('[data-testid=room-unmute]')) window.__tapped = true;
}, { capture: true });
"""
"""A browser that plays no sound before a tap, and notes who wants its screen to stay on."""
FOCUSED = """() => {
  const one = document.activeElement;
  if (!one || one === document.body) return null;
  const name = one.dataset.testid ?? one.id ?? one.tagName;
  const ring = [one, ...one.querySelectorAll('*')].some((part) => {
    const { outlineStyle, outlineWidth, boxShadow } = getComputedStyle(part);
    return (outlineStyle !== 'none' && parseFloat(outlineWidth) > 0) || boxShadow !== 'none';
  });
  const { left, top, width, height } = one.getBoundingClientRect();
  const inside = left < innerWidth && top < innerHeight && left + width > 0 && top + height > 0 && width * height > 1;
  return { name, ring, inside };
}"""


@pytest.fixture
def stalling(playwright: Playwright, chromium_path: str) -> Iterator[Freezable]:
    with freezable(playwright, chromium_path, f"members{secrets.token_hex(8)}") as members:
        yield members


def test_a_lecturer_is_told_and_not_closed_by_accident(browser: Browser, service: Service, stalling: Freezable) -> None:
    hall = Hall(browser, service, service.lecture(members=1))
    try:
        link = hall.lecture.of("lecturer")
        lecturer = hall.tab(link, DESKTOP, SMALL)
        lecturer.page.add_init_script(VOICE)
        lecturer.page.goto(link.url)
        lecturer.at("join-enter").click()
        lecturer.at("studio-start").click()
        member = hall.enter(hall.lecture.members[0], DESKTOP, SMALL, stalling.browser)
        member.plays("lecturer")
        lecturer.becomes("studio-air", "data-tone", "live")

        # Silence is said with what to do about it, and goes when there is a voice again.
        lecturer.page.evaluate("window.__loudness(0)")
        quiet = lecturer.at("studio-alarm-quiet")
        expect(quiet).to_contain_text("您的声音没有传出去", timeout=20_000)
        expect(quiet).to_contain_text("请对着麦克风说句话")
        lecturer.page.evaluate("window.__loudness(1)")
        expect(quiet).to_have_count(0, timeout=10_000)

        # Whoever watched is sent everything still, and nothing of it arrives.
        lecturer.page.evaluate(WATCH)
        stalling.freeze()
        assert lecturer.page.evaluate("window.__told") <= TOLD_WITHIN + BUSY
        lecturer.says("学员看不到您，正在重连")
        stalling.thaw()
        lecturer.becomes("studio-air", "data-tone", "live", 30)

        _closing_asks(lecturer)
        member.plays("lecturer")
        lecturer.at("studio-stop").click()
        lecturer.at("studio-stop-confirm").click()
        eventually(lambda: lecturer.at("studio-start").is_visible(), what="off the air")
        with lecturer.page.expect_event("close"):  # without a question
            lecturer.page.close(run_before_unload=True)
    finally:
        hall.close()


def _closing_asks(tab: Tab) -> None:
    """Closing the tab asks first; "stay" changes nothing."""
    asked: list[str] = []

    def stay(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.dismiss()

    tab.page.on("dialog", stay)
    with tab.page.expect_event("dialog"):
        tab.page.close(run_before_unload=True)
    assert asked == ["beforeunload"]
    assert not tab.page.is_closed()
    tab.becomes("studio-air", "data-tone", "live")


def test_one_tap_to_sound_the_whole_screen_and_a_screen_that_stays_on(look: Callable[..., Look]) -> None:
    it = look(script=PHONE_LIKE)
    it.open()
    it.live()
    video = it.at("room-video-lecturer")
    expect(it.at("room-unmute")).to_be_visible()
    assert video.evaluate("one => one.muted && !one.paused"), "the picture plays, without sound"
    it.check("tap-to-sound")
    it.at("room-unmute").click()
    expect(it.at("room-unmute")).to_have_count(0)
    it.page.wait_for_function("() => !document.querySelector('[data-testid=room-video-lecturer]').muted")
    assert not video.evaluate("one => one.paused")
    assert it.page.evaluate("window.__wakes") == ["screen"]

    if it.size == "desktop":  # a phone has its own buttons
        it.at("room-volume").fill("30")
        assert video.evaluate("one => one.volume") == pytest.approx(0.3)
    it.at("room-mute").click()
    assert video.evaluate("one => one.muted")
    it.at("room-mute").click()
    assert not video.evaluate("one => one.muted")

    it.at("room-fullscreen").click()
    expect(it.at("room-fullscreen")).to_have_attribute("aria-pressed", "true")
    assert it.page.evaluate("document.fullscreenElement.contains(document.querySelector('video'))")
    it.check("full-screen", axe=False)
    it.at("room-fullscreen").click()
    expect(it.at("room-fullscreen")).to_have_attribute("aria-pressed", "false")

    it.room.move("ended")
    expect(it.at("room-over")).to_be_visible()
    it.page.wait_for_function("() => window.__wakes.includes('released')")


def test_an_evening_by_keys_alone(look: Callable[..., Look]) -> None:
    it = look(script=PHONE_LIKE)
    it.open(enter=False)
    expect(it.at("join-enter")).to_be_enabled()
    _to(it, "join-enter")
    it.page.keyboard.press("Enter")
    expect(it.at("room-me")).to_be_visible()
    it.live()
    expect(it.at("room-unmute")).to_be_visible()
    _to(it, "room-unmute")
    it.page.keyboard.press("Enter")
    it.page.wait_for_function("() => !document.querySelector('[data-testid=room-video-lecturer]').muted")
    _to(it, "chat-input")
    it.page.keyboard.type("老师好")
    it.page.keyboard.press("Enter")
    _heard(it, "chat", text="老师好")
    _to(it, "hand")
    it.page.keyboard.press("Enter")
    _heard(it, "hand", up=True)


def _to(it: Look, name: str, most: int = 40) -> None:
    """By Tab; whatever has the focus on the way there is seen to have it."""
    for _ in range(most):
        it.page.keyboard.press("Tab")
        focused = it.page.evaluate(FOCUSED)
        if focused is None:
            continue
        assert focused["ring"], f"{focused['name']} does not show that it has the focus"
        assert focused["inside"], f"{focused['name']} has the focus out of sight"
        if focused["name"] == name:
            return
    raise AssertionError(f"{most} times Tab, and never at {name}")


def _heard(it: Look, kind: str, **fields: Any) -> None:
    def said() -> list[dict[str, Any]]:
        it.page.wait_for_timeout(20)
        return [one for one in it.room.heard if one["type"] == kind and one.items() >= fields.items()]

    eventually(said, what=f"{kind} {fields}")
