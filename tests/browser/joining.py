"""How long from opening a personal link to the first picture; and the same of the barest player, to compare with."""

from __future__ import annotations

import time
from pathlib import Path

from tests.browser.conftest import PHONE, Hall
from tests.servers.service import Link

BARE = (Path(__file__).parent / "bare_player.js").read_text()


def first_picture(hall: Hall, link: Link) -> float:
    """Milliseconds: our page on a phone, with an empty cache, tapped as soon as there is a button."""
    tab = hall.tab(link, viewport=PHONE, source=None)
    tab.page.add_init_script("window.__eager = true")
    tab.page.goto("about:blank")
    opened = time.time() * 1000
    tab.page.goto(link.url, wait_until="commit")
    taken = tab.first_frame("room-video-lecturer") - opened
    tab.page.context.close()
    return taken


def first_picture_bare(hall: Hall, link: Link) -> float:
    """Milliseconds: an empty page of the same origin that posts one offer."""
    tab = hall.tab(link, viewport=PHONE, source=None)
    tab.page.goto("about:blank")
    opened = time.time() * 1000
    tab.page.goto(f"{hall.service.url}/healthz", wait_until="commit")
    whep = f"{hall.service.url}/whep/{hall.lecture.id}"
    taken = float(tab.page.evaluate(BARE, {"url": whep, "ticket": link.ticket})) - opened
    tab.page.context.close()
    return taken
