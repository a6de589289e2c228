"""A studio publishes its pictures in several sizes at once, and the relay keeps all of them flowing."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.browser.conftest import Hall, Tab, eventually
from tests.interop.lossy_proxy import LossyProxy

STEADY = 6  # seconds
STILL_LOSS = 3  # seconds after a loss in which a freeze is its, and not that of the move up, which comes after ten
MOST_KEY_FRAMES = 4  # of a layer: without transport-wide feedback Chromium makes 12 to 14 in its first 8 s


def layers(tab: Tab, peer: int = 0) -> dict[str, dict[str, Any]]:
    """What goes out now on the n-th connection, by rid."""
    return {line["rid"]: line for line in tab.outbound() if line["peer"] == peer and line.get("rid")}


def all_flow(tab: Tab, rids: set[str], peer: int = 0) -> bool:
    found = layers(tab, peer)
    return set(found) == rids and all(line["frames"] for line in found.values())


def test_a_camera_flows_in_three_sizes_and_the_viewer_plays(hall: Hall) -> None:
    lecturer = hall.lecturer(source=(960, 540, 15))
    eventually(lambda: all_flow(lecturer, {"q", "h", "f"}), what="three sizes")
    member = hall.member()
    member.plays()
    before, began = layers(lecturer), time.monotonic()
    shown = member.frames()
    time.sleep(STEADY)
    after, took = layers(lecturer), time.monotonic() - began
    assert len({line["ssrc"] for line in after.values()}) == 3
    assert [after[rid]["width"] for rid in "qhf"] == [240, 480, 960]
    for rid in "qhf":
        assert (after[rid]["frames"] - before[rid]["frames"]) / took > 8, rid
        assert after[rid]["keyFrames"] <= MOST_KEY_FRAMES, (rid, before, after)
    assert (member.frames() - shown) / took > 8
    assert member.offers() == lecturer.offers() == 1


def test_a_screen_flows_in_two_sizes(hall: Hall) -> None:
    lecturer = hall.lecturer()
    eventually(lambda: all_flow(lecturer, {"h", "f"}), what="two sizes of a small camera")
    lecturer.at("studio-screen").click()
    eventually(lambda: all_flow(lecturer, {"h", "f"}, peer=1), what="two sizes of the screen")
    member = hall.member()
    member.plays("screen")
    member.plays("lecturer")


def test_a_camera_too_small_for_sizes_is_sent_as_it_is(hall: Hall) -> None:
    lecturer = hall.lecturer(source=(320, 180, 15))
    member = hall.member()
    member.plays()
    assert [line.get("rid") for line in lecturer.outbound()] == [None]
    assert member.inbound("lecturer")["width"] == 320


THROUGH = """
const native = RTCPeerConnection.prototype.setRemoteDescription;
RTCPeerConnection.prototype.setRemoteDescription = function ({ type, sdp }) {
  return native.call(this, { type, sdp: sdp.replace(/^(a=candidate:.* )SERVER( typ host)/gm, "$1PROXY$2") });
};
"""
"""Takes the way through a proxy, whatever the answer says."""


@contextmanager
def lossy_link(port: int) -> Iterator[LossyProxy]:
    """A proxy before the relay's port, in a thread of its own; it loses nothing yet."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    proxy = asyncio.run_coroutine_threadsafe(LossyProxy.start(("127.0.0.1", port), 0.0, 1), loop).result(5)
    try:
        yield proxy
    finally:
        loop.call_soon_threadsafe(proxy.close)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(5)
        loop.close()


def test_a_viewer_changes_size_with_its_link_and_never_stands_still_for_it(hall: Hall) -> None:
    lecturer = hall.lecturer(source=(960, 540, 15))
    eventually(lambda: all_flow(lecturer, {"q", "h", "f"}), what="three sizes")
    with lossy_link(hall.service.udp_port) as proxy:
        member = hall.tab(hall.lecture.members[0])
        member.page.add_init_script(
            THROUGH.replace("SERVER", str(hall.service.udp_port)).replace("PROXY", str(proxy.port))
        )
        member.page.goto(hall.lecture.members[0].url)
        member.at("join-enter").click()
        member.plays()
        eventually(lambda: member.inbound("lecturer")["width"] == 960, what="the full size")
        proxy.loss = 0.3
        eventually(lambda: member.inbound("lecturer")["width"] < 960, 20, what="a smaller size")
        proxy.loss = 0.0
        member.plays()
        time.sleep(STILL_LOSS)
        frozen = member.inbound("lecturer")["freezes"]
        eventually(lambda: member.inbound("lecturer")["width"] == 960, 45, what="the full size again")
        member.plays()
        assert member.inbound("lecturer")["freezes"] == frozen
        assert proxy.counts["down lost"]
        assert member.offers() == 1
