"""Slots change hands, audience and codec; nobody who watches sends another offer."""

from __future__ import annotations

from tests.browser.conftest import Hall, eventually


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
    for member in members:
        member.plays("guest")
        member.hears("guest")
        member.shows("room-video-guest", True)
    guest.stop_publishing()
    for member in members:
        member.shows("room-video-guest", False)
        member.plays("lecturer")
        assert member.offers() == 1
