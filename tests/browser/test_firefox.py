"""Firefox ESR from Debian's packages plays a VP8 lecture on the member's page."""

from __future__ import annotations

from pathlib import Path

from tests.browser.conftest import Hall, eventually
from tests.servers.firefox import firefox


def test_firefox_plays_vp8(hall: Hall, tmp_path: Path) -> None:
    hall.stranger().publish("lecturer", hall.lecture.of("lecturer").ticket, "VP8", width=320, height=180, fps=15)
    link = hall.lecture.members[0]
    with firefox(tmp_path) as browser:
        browser.open(f"{hall.service.url}/healthz")
        # Marionette has no script that runs before a page's own: the <video> element is asked instead.
        browser.open(link.url)
        browser.run(
            "for (;;) { const b = document.querySelector('[data-testid=join-enter]'); if (b) return b.click();"
            " await new Promise(r => setTimeout(r, 50)); }"
        )

        def frames() -> int:
            return int(
                browser.run(
                    "const v = document.querySelector('[data-testid=room-video-lecturer]');"
                    "return v && v.getVideoPlaybackQuality ? v.getVideoPlaybackQuality().totalVideoFrames : 0"
                )
            )

        first = eventually(frames, 20, 0.3, "a first frame in Firefox")
        eventually(lambda: frames() > first + 20, 20, 0.3, "frames go on")
