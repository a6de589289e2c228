"""Firefox ESR from Debian's packages plays a VP8 lecture on the member's page, over a network that is not loopback,
and proves that it does."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Playwright

from tests.browser.conftest import Hall, eventually, launch
from tests.servers.firefox import firefox
from tests.servers.namespace import namespace, possible
from tests.servers.service import running

ENTER = """
for (;;) {
  const button = document.querySelector('[data-testid=join-enter]');
  if (button) return button.click();
  await new Promise(resolve => setTimeout(resolve, 50));
}
"""
FRAMES = """
const video = document.querySelector('[data-testid=room-video-lecturer]');
if (video && video.dataset.frames === undefined) {
  video.dataset.frames = 0;
  const count = () => { video.dataset.frames++; video.requestVideoFrameCallback(count); };
  video.requestVideoFrameCallback(count);
}
return video ? Number(video.dataset.frames) : 0;
"""


def evidence(hall: Hall) -> set[str]:
    members = hall.service.attendance(hall.lecture)["members"]
    return {one["evidence"] for member in members for one in member["sessions"] if one["kind"] == "receiving"}


@pytest.mark.skipif(not possible(), reason="Firefox needs an address other than loopback; only root may make one")
def test_firefox_plays_vp8(playwright: Playwright, chromium_path: str, tmp_path: Path) -> None:
    with namespace() as host, running(tmp_path / "service", host) as service:
        chromium = launch(playwright, host.script(tmp_path, chromium_path))
        hall = Hall(chromium, service, service.lecture())
        try:
            ticket = hall.lecture.of("lecturer").ticket
            hall.stranger().publish("lecturer", ticket, "VP8", width=320, height=180, fps=15)
            with firefox(tmp_path / "firefox", host) as browser:
                browser.open(hall.lecture.members[0].url)
                browser.run(ENTER)
                first = eventually(lambda: int(browser.run(FRAMES)), 20, 0.3, "a first frame in Firefox")
                eventually(lambda: int(browser.run(FRAMES)) > first + 20, 20, 0.3, "frames go on")
                eventually(lambda: "proved" in evidence(hall), 30, 1, "marks that Firefox read")
        finally:
            chromium.close()
