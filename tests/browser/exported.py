"""What the export says of one member, as numbers that a test compares with its own clock."""

from __future__ import annotations

import datetime
from typing import Any, NamedTuple

from tests.browser.conftest import Hall
from tests.servers.service import Link


class Interval(NamedTuple):
    """Seconds since the epoch, and the whole entry."""

    start: float
    end: float
    entry: dict[str, Any]

    @property
    def ended(self) -> bool:
        return not self.entry["open"]


def accounts(hall: Hall) -> dict[str, dict[str, Any]]:
    """By member."""
    return {one["id"]: one for one in hall.service.attendance(hall.lecture)["members"]}


def account(hall: Hall, link: Link) -> dict[str, Any]:
    return accounts(hall)[link.member]


def intervals(account: dict[str, Any], kind: str) -> list[Interval]:
    """In order."""
    chosen = [one for one in account["sessions"] if one["kind"] == kind and one["to"] is not None]
    return [Interval(seconds(one["from"]), seconds(one["to"]), one) for one in chosen]


def seconds(iso: str) -> float:
    moment = datetime.datetime.fromisoformat(iso)
    assert moment.tzinfo is not None
    return moment.timestamp()
