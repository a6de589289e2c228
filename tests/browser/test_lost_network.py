"""The lecturer's own network dies: the page says so at once, and comes back by itself."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Playwright

from tests.browser.conftest import Hall, launch
from tests.browser.on_air import BUSY, TOLD_WITHIN, WATCH
from tests.servers.namespace import namespace, possible
from tests.servers.service import running

SMALL = (320, 180, 15)


@pytest.mark.skipif(not possible(), reason="only root may make a network that can be cut")
def test_the_lecturer_is_told_when_the_network_is_dead(
    playwright: Playwright, chromium_path: str, tmp_path: Path
) -> None:
    with namespace() as far, running(tmp_path / "service", far) as service:
        # Cameras need a secure page; a service with a certificate is another test's matter.
        browser = launch(playwright, chromium_path, f"--unsafely-treat-insecure-origin-as-secure={service.url}")
        hall = Hall(browser, service, service.lecture(members=1))
        try:
            lecturer = hall.lecturer(source=SMALL)
            member = hall.member(0)
            member.plays("lecturer")
            lecturer.becomes("studio-air", "data-tone", "live")
            lecturer.page.evaluate(WATCH)
            far.cut(away=True)
            told = lecturer.page.evaluate("window.__told")
            assert told <= TOLD_WITHIN + BUSY
            lecturer.says("正在重连")
            far.cut(away=False)
            lecturer.becomes("studio-air", "data-tone", "live", 40)
            member.plays("lecturer", 40)
        finally:
            hall.close()
            browser.close()
