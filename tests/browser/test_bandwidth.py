"""A real publisher climbs: the relay's feedback lets Chromium reach a lecture's quality quickly."""

from __future__ import annotations

import time

from tests.browser.conftest import Hall, Tab, eventually


def sent(tab: Tab) -> tuple[float, int, int]:
    """When (ms), how many bytes of video in all its sizes, and the width of the largest."""
    lines = tab.outbound()
    return lines[0]["at"], sum(line["bytes"] for line in lines), max(line["width"] or 0 for line in lines)


def test_a_720p_publisher_reaches_its_rate_within_six_seconds(hall: Hall) -> None:
    lecturer = hall.lecturer(source=(1280, 720, 30), rich=True)
    eventually(lambda: any(line["bytes"] for line in lecturer.outbound()), what="the first bytes")
    began = time.monotonic()
    best = 0.0
    last = sent(lecturer)
    while time.monotonic() - began < 6:
        time.sleep(1)
        now = sent(lecturer)
        rate = (now[1] - last[1]) * 8 / (now[0] - last[0])  # kbit/s: bits over milliseconds
        if now[2] == 1280:
            best = max(best, rate)
        last = now
    assert best >= 1200, (best, last)
