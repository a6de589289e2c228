"""A real publisher of one layer climbs: the relay's feedback lets Chromium reach a lecture's quality quickly."""

from __future__ import annotations

import time

from tests.browser.conftest import Hall, eventually


def test_a_720p_publisher_reaches_its_rate_within_six_seconds(hall: Hall) -> None:
    lecturer = hall.lecturer(source=(1280, 720, 30), rich=True)
    eventually(lambda: any(line["bytes"] for line in lecturer.outbound()), what="the first bytes")
    began = time.monotonic()
    best = 0.0
    last = lecturer.outbound()[0]
    while time.monotonic() - began < 6:
        time.sleep(1)
        now = lecturer.outbound()[0]
        rate = (now["bytes"] - last["bytes"]) * 8 / (now["at"] - last["at"])  # kbit/s: bits over milliseconds
        if now["width"] == 1280:
            best = max(best, rate)
        last = now
    assert best >= 1200, (best, last)
