"""What we ourselves break, in the export: a relay that dies is our gap, and a service that dies loses no fact. What
members do is told by test_scripted_members.py."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.browser.conftest import Hall, Tab, eventually
from tests.browser.exported import Interval, account, intervals, seconds
from tests.servers.service import Service, running


@pytest.fixture(scope="module")
def hall(browser: Browser, service: Service) -> Iterator[Hall]:
    """One lecture for all of this file, with a lecturer that sends all the while."""
    opened = Hall(browser, service, service.lecture())
    opened.stranger().publish("lecturer", opened.lecture.of("lecturer").ticket, width=320, height=180, fps=15)
    yield opened
    opened.close()


def _intervals(hall: Hall, member: int) -> list[Interval]:
    """In which that member received."""
    return intervals(account(hall, hall.lecture.members[member]), "receiving")


def _counting(tab: Tab) -> None:
    tab.plays("lecturer")
    eventually(lambda: tab.at("counted").get_attribute("data-receiving") == "true", what="counting")
    time.sleep(3)


def test_a_killed_relay_is_our_gap(hall: Hall) -> None:
    member = hall.member(2)
    _counting(member)
    killed = time.time()
    relay = hall.service.relay_pid()
    os.kill(relay, signal.SIGKILL)
    # The stranger that publishes is no page of ours and does not come back by itself.
    eventually(lambda: _another_relay(hall, relay), what="another relay")
    hall.service.wait_ready()
    hall.stranger().publish("lecturer", hall.lecture.of("lecturer").ticket, width=320, height=180, fps=15)
    member.plays("lecturer", 20)
    again = time.time()
    time.sleep(3)
    before, after = _intervals(hall, 2)[-2:]
    assert abs(before.end - killed) <= 3
    assert killed <= after.start <= again + 3
    outages = hall.service.attendance(hall.lecture)["outages"]
    assert any(one["cause"] == "relay" and abs(seconds(one["from"]) - killed) <= 3 for one in outages)


def _another_relay(hall: Hall, relay: int) -> bool:
    with contextlib.suppress(RuntimeError, OSError):
        return hall.service.relay_pid() != relay
    return False


def test_a_killed_service_loses_no_fact(tmp_path: Path, browser: Browser) -> None:
    with running(tmp_path / "own") as service:
        hall = Hall(browser, service, service.lecture(members=2))
        try:
            hall.stranger().publish("lecturer", hall.lecture.of("lecturer").ticket, width=320, height=180, fps=15)
            member = hall.member(0)
            _counting(member)
            seen = [one.start for one in _intervals(hall, 0)]
            service.kill()
            service.start()
            assert [one.start for one in _intervals(hall, 0)][: len(seen)] == seen
            verified, said = service.status("attendance", "verify", "--lecture", hall.lecture.id)
            assert verified == 0, said
        finally:
            hall.close()
