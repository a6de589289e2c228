"""A relay that dies: pages hear of its successor and do not wait for their browsers to notice."""

from __future__ import annotations

import os
import signal
import time

from tests.browser.conftest import Hall

WITHIN = 3.0
FRAMES = """() => {
  const video = document.querySelector('[data-testid=room-video-lecturer]');
  const seen = (window.__seen = []);
  const next = () => { seen.push(Date.now() / 1000); video.requestVideoFrameCallback(next); };
  video.requestVideoFrameCallback(next);
}"""
AGAIN = """killed => {
  const seen = window.__seen.filter((at) => at > killed);
  const gap = seen.findIndex((at, place) => at - (place ? seen[place - 1] : killed) > 0.4);
  return gap >= 0 ? seen[gap] : null;
}"""
"""The first frame after the gap."""


def test_a_killed_relay_is_replaced_within_three_seconds(hall: Hall) -> None:
    lecturer = hall.lecturer()
    member = hall.member()
    member.plays("lecturer")
    member.page.evaluate(FRAMES)
    time.sleep(2)
    killed = time.time()
    os.kill(hall.service.relay_pid(), signal.SIGKILL)
    again = float(member.page.wait_for_function(AGAIN, arg=killed, timeout=20_000).json_value())
    assert again - killed < WITHIN
    member.plays("lecturer")
    member.hears("lecturer")
    assert lecturer.at("studio-air").get_attribute("data-phase") == "sending"
