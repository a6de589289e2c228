"""The pages of members and lecturers in both languages, as axe-core sees it: nothing serious, nothing critical."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.browser.conftest import DESKTOP, PHONE, Hall, Tab

AXE = Path(__file__).parents[2] / "web/node_modules/axe-core/axe.min.js"
RUN = "axe.run(document, {resultTypes: ['violations']}).then(found => found.violations)"
GRAVE = {"serious", "critical"}


def _findings(tab: Tab, place: str) -> list[str]:
    """Grave ones, in the language shown and in the other."""
    found = []
    for _ in range(2):
        language = tab.page.evaluate("document.documentElement.lang")
        violations: list[dict[str, Any]] = tab.page.evaluate(RUN)
        for one in violations:
            if one["impact"] in GRAVE:
                at = "; ".join(f"{' '.join(node['target'])}: {node['failureSummary']}" for node in one["nodes"][:4])
                found.append(f"{place} ({language}): {one['id']}: {at}")
        tab.at("language").first.click()
    return found


def _open(hall: Hall, url: str, viewport: dict[str, int]) -> Tab:
    tab = hall.tab(viewport=viewport)
    tab.page.goto(url)
    tab.page.evaluate(AXE.read_text())  # by the debugger: the page's own policy admits no foreign script
    return tab


@pytest.mark.parametrize("viewport", [PHONE, DESKTOP], ids=["phone", "desktop"])
def test_members_pages(hall: Hall, viewport: dict[str, int]) -> None:
    hall.stranger().publish("lecturer", hall.lecture.of("lecturer").ticket, width=320, height=180, fps=15)
    found = _findings(_open(hall, hall.service.url, viewport), "landing")
    found += _findings(_open(hall, f"{hall.service.url}/j#wrong", viewport), "wrong link")
    tab = _open(hall, hall.lecture.members[0].url, viewport)
    tab.at("join-enter").wait_for()
    found += _findings(tab, "join")
    tab.at("join-enter").click()
    tab.plays("lecturer")
    found += _findings(tab, "room")
    hall.service.command("lecture", "end", hall.lecture.id, "--json")
    tab.at("room-over").wait_for()
    found += _findings(tab, "over")
    assert not found, "\n".join(found)


def test_studio(hall: Hall) -> None:
    tab = hall.lecturer(start=False)
    tab.at("studio-start").wait_for()
    tab.page.evaluate(AXE.read_text())
    found = _findings(tab, "ready")
    tab.at("studio-start").click()
    tab.page.locator("[data-testid=studio-air][data-phase=sending]").wait_for()
    found += _findings(tab, "on air")
    tab.at("studio-stop").click()
    tab.at("studio-stop-confirm").wait_for()
    violations: list[dict[str, Any]] = tab.page.evaluate(RUN)
    found += [f"question: {one['id']}" for one in violations if one["impact"] in GRAVE]
    assert not found, "\n".join(found)
