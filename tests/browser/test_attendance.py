"""Exported times against the test's own clock: what ends, ends there, and never later than the truth."""

from __future__ import annotations

import contextlib
import datetime
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Playwright

from tests.browser.conftest import Hall, Tab, eventually, launch
from tests.servers.service import Service, running

ROUNDING = 0.05  # seconds by which two clocks on one machine, read by two programs, may differ


@pytest.fixture(scope="module")
def hall(browser: Browser, service: Service) -> Iterator[Hall]:
    """One lecture for all of this file, with a lecturer that sends all the while."""
    opened = Hall(browser, service, service.lecture())
    opened.stranger().publish("lecturer", opened.lecture.of("lecturer").ticket, width=320, height=180, fps=15)
    yield opened
    opened.close()


def _intervals(hall: Hall, member: int, kind: str) -> list[tuple[float, float, dict[str, Any]]]:
    """A member's exported intervals of a kind, as seconds since the epoch, each with its own entry."""
    wanted = hall.lecture.members[member]
    exported = hall.service.attendance(hall.lecture)
    entry = next(one for one in exported["members"] if one["name"] == wanted.name and one["branch"] == wanted.branch)
    return [
        (_seconds(one["from"]), _seconds(one["to"]), one)
        for one in entry["sessions"]
        if one["kind"] == kind and one["to"] is not None
    ]


def _seconds(iso: str) -> float:
    moment = datetime.datetime.fromisoformat(iso)
    assert moment.tzinfo is not None
    return moment.timestamp()


def _counting(tab: Tab) -> None:
    tab.plays("lecturer")
    eventually(lambda: tab.at("counted").get_attribute("data-receiving") == "true", what="counting")
    time.sleep(3)


def test_a_closed_tab_ends_within_a_second(hall: Hall) -> None:
    member = hall.member(0)
    _counting(member)
    closed = time.time()
    member.page.close(run_before_unload=True)
    time.sleep(4)
    (_, ended, _) = _intervals(hall, 0, "receiving")[-1]
    assert closed - 1 <= ended <= closed + 1
    (_, left, _) = _intervals(hall, 0, "connected")[-1]
    assert closed - 1 <= left <= closed + 1


def test_a_killed_network_ends_at_the_last_evidence(
    hall: Hall, playwright: Playwright, chromium_path: str, tmp_path: Path
) -> None:
    other = launch(playwright, chromium_path, f"--user-agent-product={tmp_path.name}")
    member = hall.tab(hall.lecture.members[1], browser=other)
    member.page.goto(hall.lecture.members[1].url)
    member.at("join-enter").click()
    _counting(member)
    # Frozen, every process of it: nothing reaches the network any more, and nothing says goodbye.
    group = os.getpgid(_process(tmp_path.name))
    os.killpg(group, signal.SIGSTOP)
    cut = time.time()
    try:
        eventually(lambda: _ended(hall, 1), 60, 2, "both intervals have ended")
        (_, received, _) = _intervals(hall, 1, "receiving")[-1]
        (_, connected, _) = _intervals(hall, 1, "connected")[-1]
    finally:  # thawed, it may well receive again
        os.killpg(group, signal.SIGCONT)
        other.close()
    assert cut - 3 <= received <= cut + ROUNDING
    assert cut - 15 <= connected <= cut + ROUNDING


def _ended(hall: Hall, member: int) -> bool:
    return all(
        (found := _intervals(hall, member, kind)) and found[-1][2]["closed_by"] not in (None, "open")
        for kind in ("receiving", "connected")
    )


def _process(mark: str) -> int:
    """The main process of the browser whose command line carries the mark; it leads a process group of its own."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                words = (entry / "cmdline").read_bytes()
                if mark.encode() in words and b"--type=" not in words and b"chromium" in words.split(b"\0")[0]:
                    return int(entry.name)
    raise AssertionError("the browser's process was not found")


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
    before, after = _intervals(hall, 2, "receiving")[-2:]
    assert abs(before[1] - killed) <= 3
    assert killed <= after[0] <= again + 3
    outages = hall.service.attendance(hall.lecture)["outages"]
    assert any(one["cause"] == "relay" and abs(_seconds(one["from"]) - killed) <= 3 for one in outages)


def _another_relay(hall: Hall, relay: int) -> bool:
    with contextlib.suppress(RuntimeError, OSError):
        return hall.service.relay_pid() != relay
    return False


def test_a_killed_service_loses_no_fact(tmp_path: Path, playwright: Playwright, browser: Browser) -> None:
    with running(tmp_path / "own") as service:
        hall = Hall(browser, service, service.lecture(members=2))
        try:
            hall.stranger().publish("lecturer", hall.lecture.of("lecturer").ticket, width=320, height=180, fps=15)
            member = hall.member(0)
            _counting(member)
            seen = _intervals(hall, 0, "receiving")
            service.kill()
            service.start()
            assert [one[0] for one in _intervals(hall, 0, "receiving")][: len(seen)] == [one[0] for one in seen]
            verified, said = service.status("attendance", "verify", "--lecture", hall.lecture.id)
            assert verified == 0, said
        finally:
            hall.close()
