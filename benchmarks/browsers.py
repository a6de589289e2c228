"""What real browsers see: how long from a link to the first picture, and from one glass to the other.

    python -m benchmarks.browsers [--joins 9] [--frames 300]

The pages are those of the product, in Chromium, on this machine: its two cores encode, relay and decode at once.

*Join*: a phone's page with an empty cache, in the middle of a lecture; a thumb taps as soon as there is a button. In
turns with it, the least that a browser can do: an empty page of the same origin that posts an offer for one picture
and one sound. What ours takes more is the page, the ticket, the room and its ten lines.

*Glass to glass*: the publisher's camera is a canvas with a time code in bars (timecode.js); the receiving page reads
it from each frame that is to be displayed. Both pages read one clock, that of the machine.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

from benchmarks.viewers.report import keep, lay_out
from tests.browser.conftest import Hall, Tab, eventually, launch
from tests.browser.joining import first_picture, first_picture_bare
from tests.browser.test_slots import Host, reached, stage
from tests.servers import chromium
from tests.servers.service import Link, running

TIMECODE = (Path(__file__).parent / "timecode.js").read_text()
LECTURER, GUEST = 1, 2
"""Tags of the time codes."""
CAMERA = {"width": 640, "height": 360, "fps": 30}
PATIENCE = 40_000  # milliseconds for the frames of one pair


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.browsers", description=__doc__)
    parser.add_argument("--joins", type=int, default=9, help="joins of each kind")
    parser.add_argument("--frames", type=int, default=300, help="frames of each pair of pages")
    options = parser.parse_args(argv)
    with (
        tempfile.TemporaryDirectory() as folder,
        running(Path(folder)) as service,
        sync_playwright() as driver,
    ):
        browser = launch(driver, chromium.path())
        hall = Hall(browser, service, service.lecture(members=2 * options.joins + 2))
        joining = _joining(hall, options.joins)
        hall.close()
        hall = Hall(browser, service, service.lecture())
        delays = _delays(hall, options.frames)
        hall.close()
        browser.close()
    lay_out(
        "from the link to the first picture, ms",
        ("", "median", "fastest", "slowest"),
        [(name, *_spread(one)) for name, one in joining.items()],
    )
    ratio = statistics.median(joining["ours"]) / statistics.median(joining["bare"])
    print(f"ours takes {ratio:.2f} times the least that this browser takes on this machine")
    lay_out(
        "glass to glass, ms",
        ("", "frames", "median", "p95"),
        [(name, len(one), *_delay(one)) for name, one in delays.items()],
    )
    path = keep(
        "browsers",
        "Chromium: link to first picture; camera to display",
        {
            "join_ms": {name: [round(each) for each in one] for name, one in joining.items()},
            "join_ratio": round(ratio, 2),
            "glass_ms": {
                name: dict(zip(("frames", "median", "p95"), (len(one), *_delay(one)), strict=True))
                for name, one in delays.items()
            },
        },
    )
    print(path)


def _joining(hall: Hall, joins: int) -> dict[str, list[float]]:
    lecturer = hall.lecturer()
    eventually(lambda: lecturer.outbound(), what="the studio sends")
    hall.member(0).plays("lecturer")
    ours, bare = [], []
    for number in range(joins):
        ours.append(first_picture(hall, hall.lecture.members[1 + 2 * number]))
        bare.append(first_picture_bare(hall, hall.lecture.members[2 + 2 * number]))
    return {"ours": ours, "bare": bare}


def _delays(hall: Hall, frames: int) -> dict[str, list[float]]:
    lecturer = _coded(hall, hall.lecture.of("lecturer"), LECTURER)
    lecturer.at("studio-start").click()
    member = hall.tab(hall.lecture.members[0], source=None)
    member.page.add_init_script(TIMECODE)
    member.page.goto(hall.lecture.members[0].url)
    member.at("join-enter").click()
    member.plays("lecturer")
    found = {"lecturer to member": _read(member, LECTURER, frames)}
    member.page.context.close()
    with stage(hall) as host:
        guest = _coded(hall, hall.lecture.of("guest"), GUEST)
        guest.at("part-idle").or_(guest.at("part-panel")).first.wait_for()
        _bring(host, "called")
        guest.at("part-accept").click()
        guest.becomes("part-panel", "data-part", "backstage")
        _bring(host, "on")
        lecturer.plays("guest")
        found["guest to lecturer"] = _read(lecturer, GUEST, frames)
    return found


def _bring(host: Host, part: str) -> None:
    """One tap. Where the stage moved meanwhile, for its pages come and go by themselves here, the host is asked to look
    and tap again, and does."""
    host.tap()
    while True:
        for message in host.hear():
            if message["type"] == "error":
                assert message["reason"] == "stage-moved", message
                host.tap()
            if reached(message, part):
                return


def _coded(hall: Hall, link: Link, tag: int) -> Tab:
    tab = hall.tab(link, source=None)
    tab.page.add_init_script(f"window.__code = {json.dumps({**CAMERA, 'tag': tag})};\n{TIMECODE}")
    tab.page.goto(link.url)
    tab.at("join-enter").click()
    return tab


def _read(tab: Tab, tag: int, frames: int) -> list[float]:
    read: Any = tab.page.evaluate(f"window.__readCodes({tag}, {frames}, {PATIENCE})")
    if len(read) < frames // 2:
        raise RuntimeError(f"only {len(read)} of {frames} frames bore a code that could be read")
    return [float(one) for one in read]


def _spread(found: Sequence[float]) -> tuple[int, int, int]:
    return round(statistics.median(found)), round(min(found)), round(max(found))


def _delay(found: Sequence[float]) -> tuple[int, int]:
    return round(statistics.median(found)), round(sorted(found)[int(0.95 * (len(found) - 1))])


if __name__ == "__main__":
    main()
