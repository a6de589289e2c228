"""Behind the stage: the host speaks to those who wait there, and the audience is sent nothing of it."""

from __future__ import annotations

from tests.browser.conftest import DESKTOP, PHONE, Hall, Tab, eventually

SMALL = (320, 180, 15)
LEAKS_WITHIN = 1_500
"""ms within which the audience would have been sent what leaked."""


def packets(tab: Tab, slot: str) -> tuple[int, int]:
    """What arrived of a slot so far."""
    return tuple(int(tab.inbound(slot, kind).get("packets") or 0) for kind in ("audio", "video"))  # type: ignore[return-value]


def test_the_host_speaks_to_backstage_alone(hall: Hall) -> None:
    lecture = hall.lecture
    lecturer = hall.lecturer(source=SMALL)
    called, audience = hall.enter(lecture.members[0], PHONE), hall.enter(lecture.members[1], PHONE)
    audience.plays("lecturer")
    host = hall.enter(lecture.of("host"), DESKTOP, SMALL)
    called.at("hand").click()
    host.at("stage-invite").click()
    called.at("part-accept").click()
    called.becomes("part-panel", "data-part", "backstage")
    host.plays("backstage")
    host.hears("backstage")

    # A host who is not on the stage.
    button = host.at("studio-talkback")
    button.hover()
    host.page.mouse.down()
    host.becomes("studio-air", "data-tone", "wait")
    called.hears("host")
    audience.page.wait_for_timeout(LEAKS_WITHIN)
    assert packets(audience, "host") == (0, 0)
    host.page.mouse.up()
    host.becomes("studio-air", "data-tone", "off")

    # And one who is.
    host.at("studio-start").click()
    audience.hears("host")
    button.hover()
    host.page.mouse.down()
    host.becomes("studio-air", "data-tone", "wait")
    audience.shows("room-video-host", False)
    before, heard = packets(audience, "host"), packets(called, "host")
    audience.page.wait_for_timeout(LEAKS_WITHIN)
    assert packets(audience, "host") == before
    assert packets(called, "host")[0] > heard[0]
    host.page.mouse.up()
    audience.shows("room-video-host", True)
    eventually(lambda: packets(audience, "host") > before, what="the audience hears the host again")

    # Off the stage a member is one of the audience again.
    host.at("stage-take-off").first.click()
    called.becomes("part-panel", "data-part", "off")
    called.plays("lecturer")
    button = host.at("studio-talkback")
    assert button.count() == 0
    assert lecturer.at("studio-air").get_attribute("data-tone") == "live"
