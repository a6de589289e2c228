"""Slots change hands, audience and codec; nobody who watches sends another offer."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from websockets.sync.client import ClientConnection, connect

from tests.browser.conftest import Hall, eventually


class Host:
    """The host's channel, of which no page is needed here."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self._next: dict[str, Any] = {"off": None, "on": None}

    def next(self, part: str) -> None:
        """One tap; the only one in the running order is brought there by it."""
        self.tap()
        while True:
            for message in self.hear():
                assert message["type"] != "error", message
                if reached(message, part):
                    return

    def tap(self) -> None:
        """For what was told last that the next tap does."""
        self._socket.send(json.dumps({"type": "next", "off": self._next["off"], "on": self._next["on"]}))

    def hear(self) -> list[dict[str, Any]]:
        """What the room says next."""
        frame: dict[str, Any] = json.loads(self._socket.recv(timeout=10))
        messages: list[dict[str, Any]] = frame["messages"] if frame["type"] == "batch" else [frame]
        for message in messages:
            if message["type"] == "running-order":
                self._next = message["next"]
        return messages


def reached(message: dict[str, Any], part: str) -> bool:
    """The room says that the only one in the running order is there."""
    return message["type"] == "running-order" and [one["part"] for one in message["entries"]] == [part]


@contextmanager
def stage(hall: Hall) -> Iterator[Host]:
    guest = hall.lecture.of("guest")
    order = {"entries": [{"name": guest.name, "branch": guest.branch}]}
    hall.service.rest("PUT", f"/api/lectures/{hall.lecture.id}/order", order)
    with connect(hall.service.url.replace("http", "ws", 1) + "/ws") as socket:
        socket.send(json.dumps({"type": "hello", "ticket": hall.lecture.of("host").ticket}))
        yield Host(socket)


def test_codecs_follow_one_another_on_a_slot(hall: Hall) -> None:
    member = hall.member()
    ticket = hall.lecture.of("lecturer").ticket
    first = hall.stranger()
    first.publish("lecturer", ticket, "VP8")
    member.plays()
    assert member.inbound("lecturer")["codec"] == "video/VP8"
    first.stop_publishing()

    second = hall.stranger()
    second.publish("lecturer", ticket, "H264", hue=20)
    member.plays()
    eventually(lambda: member.inbound("lecturer")["codec"] == "video/H264", what="H.264 on the line")
    assert member.offers() == 1


def test_a_guest_comes_and_goes_without_an_offer(hall: Hall) -> None:
    lecturer = hall.stranger()
    lecturer.publish("lecturer", hall.lecture.of("lecturer").ticket)
    members = [hall.member(0), hall.member(1)]
    for member in members:
        member.plays("lecturer")
        assert not member.inbound("guest")
    guest = hall.stranger()
    guest.publish("guest", hall.lecture.of("guest").ticket, hue=100)
    lecturer.page.wait_for_timeout(1_000)
    for member in members:
        assert not member.inbound("guest")  # nobody was put on the stage
    with stage(hall) as host:
        host.next("backstage")
        host.next("on")
        for member in members:
            member.plays("guest")
            member.hears("guest")
            member.shows("room-video-guest", True)
        host.next("off")
    for member in members:
        member.shows("room-video-guest", False)
        member.plays("lecturer")
        assert member.offers() == 1
