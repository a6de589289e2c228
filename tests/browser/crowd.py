"""The real answers of a service in which nobody watches, told as if most of those who are invited did."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any

from playwright.sync_api import Page, Route, WebSocketRoute

from tests.browser.scripted_room import at

COUNTED = ("invited", "receiving", "connected", "missing", "excused", "ever", "qualified")
SINCE = re.compile("since=[^&]*")
LACKING = {"勉县": 0.03, "洋县": 0.05, "西乡县": 0.08, "镇巴县": 0.12}
"""Which part of a county does not watch, beside what is asked for."""


def crowd(page: Page, part: float = 0.95, live: bool = False) -> None:
    """So great a part, less in some counties, is watching; `live`: and somebody lectures."""

    def told(route: Route) -> None:
        answer = route.fetch(url=SINCE.sub("since=", route.request.url))  # whole each time
        said = answer.json()
        if "members" in said:
            _gather(said, part)
        if live:
            said |= {"state": "live", "started": at(-1_200)}
        route.fulfill(response=answer, json=said)

    def heard(socket: WebSocketRoute) -> None:
        server = socket.connect_to_server()

        def passed(text: str | bytes) -> None:
            message = json.loads(text)
            several = message if isinstance(message, list) else [message]
            kept = [one for one in several if one.get("type") != "audience"]  # the list says it
            for one in kept:
                if live and "lecture" in one:
                    one["lecture"] |= {"state": "live"}
                if live and one.get("type") == "lecture":
                    one["state"] = "live"
            if kept:
                socket.send(json.dumps(kept if isinstance(message, list) else kept[0]))

        server.on_message(passed)

    page.route("**/live?**", told)
    page.route_web_socket("**/ws", heard)


def _gather(said: dict[str, Any], part: float) -> None:
    """Every member first, then the sums: they agree as the service's own do."""
    members = said["members"]
    for number, one in enumerate(members):
        drawn = number * 7_919 % 1_000 / 1_000
        share = part - LACKING.get(one["branch"].split(" / ")[0], 0)
        watching = drawn < share
        one |= {"receiving": watching, "connected": watching or drawn > 1 - (1 - share) / 4}
        if one["connected"]:
            one["first_join"] = at(-1_150 + number % 300)
        if watching:
            one |= {"credited_seconds": 1_120 - number % 300, "qualified": number % 9 != 0}
        one["trouble"] = "autoplay" if one["connected"] and not watching and number % 3 == 0 else None
    said |= {**_sums(members), "uplink": {"used": 61_400_000, "limit": 120_000_000}}
    for kind, places in (("branch", said["branches"]), ("city", said["cities"])):
        for place in places:
            place |= _sums(one for one in members if one[kind] == place[kind])


def _sums(members: Iterable[dict[str, Any]]) -> dict[str, int]:
    found = dict.fromkeys(COUNTED, 0)
    for one in members:
        found["invited"] += 1
        found["receiving"] += one["receiving"]
        found["connected"] += one["connected"]
        found["missing"] += not one["connected"]
        found["ever"] += one["first_join"] is not None
        found["qualified"] += one["qualified"] is True
    return found
