"""The main job: a lecturer publishes camera and screen from the page; members play, whenever they come."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from playwright.sync_api import Browser

from tests.browser.conftest import PHONE, Hall, Tab, eventually
from tests.servers.service import Service


@pytest.fixture(scope="module")
def live(browser: Browser, service: Service) -> Iterator[tuple[Hall, Tab]]:
    """A hall whose lecturer is live with the camera."""
    hall = Hall(browser, service, service.lecture(members=12))
    lecturer = hall.lecturer(source=(320, 180, 15))  # small: six pages encode and decode on the cores that relay
    eventually(lambda: lecturer.outbound(), what="the studio sends")
    yield hall, lecturer
    hall.close()


def test_four_members_see_and_hear_lecturer_and_screen(live: tuple[Hall, Tab]) -> None:
    hall, lecturer = live
    with ExitStack() as leaving:
        members = [hall.member(number, viewport=PHONE if number % 2 else None) for number in range(4)]
        for member in members:
            leaving.callback(member.page.context.close)
        for member in members:
            member.plays("lecturer")
        lecturer.at("studio-screen").click()
        for member in members:
            member.plays("screen")

        heard = [member.inbound("lecturer", "audio").get("energy") or 0.0 for member in members]
        before = [(member.frames("lecturer"), member.frames("screen")) for member in members]
        sent = frames_sent(lecturer)
        time.sleep(6)
        sent = frames_sent(lecturer) - sent
        assert sent >= 30
        for member, (camera, screen), energy in zip(members, before, heard, strict=True):
            # 20 of 30 frames a second, by what was sent: six pages on a slow machine may have time to encode fewer.
            assert member.frames("lecturer") - camera >= 2 / 3 * sent
            assert member.frames("screen") > screen
            assert member.inbound("lecturer", "audio")["energy"] > energy
            assert member.offers() == 1


def frames_sent(lecturer: Tab) -> int:
    """Of the camera, which the studio published first, in the layer that was sent most."""
    lines = lecturer.outbound()
    return max(int(line.get("sent") or 0) for line in lines if line["peer"] == lines[0]["peer"])


def test_the_studio_shows_the_lecturer_and_who_is_watching(live: tuple[Hall, Tab]) -> None:
    hall, lecturer = live
    member = hall.member(4)
    member.plays("lecturer")
    preview = lecturer.at("device-preview")
    assert preview.evaluate("video => video.videoWidth") > 0
    eventually(lambda: "1" in lecturer.at("studio-viewers").inner_text(), what="one is watching")
    member.page.context.close()


def test_members_talk(live: tuple[Hall, Tab]) -> None:
    hall, _ = live
    first, second = hall.member(0), hall.member(1)
    first.at("chat-input").wait_for()
    first.at("chat-input").fill("老师好，镇巴的同志们好！")
    first.at("chat-send").click()
    second.page.get_by_text("老师好，镇巴的同志们好！").first.wait_for()
    first.page.context.close()
    second.page.context.close()


def test_a_members_own_time_is_counted_on_the_page(live: tuple[Hall, Tab]) -> None:
    hall, _ = live
    member = hall.member(2)
    member.plays("lecturer")
    eventually(lambda: member.at("counted").get_attribute("data-receiving") == "true", what="the green dot")
    member.page.context.close()
