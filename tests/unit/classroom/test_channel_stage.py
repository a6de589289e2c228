"""The stage over real sockets, with the relay's words about media; and the same after the service started anew."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator

import pytest
from websockets.asyncio.client import connect

from attendance.facts import AppearanceEnded
from classroom.room.journal import OrderEntry
from signaling.control import Audience, Closing, OpenPeer, PeerClosed, PublicationFlowing
from signaling.errors import Refused
from signaling.ports import Act, RelayUp
from signaling.session.offer import Codec
from tests.unit.classroom.hall import LECTURE, Hall, hall, until
from tests.unit.classroom.test_channel_talk import Page, enter


@pytest.fixture
async def here() -> AsyncIterator[Hall]:
    async with hall() as made:
        yield made


async def publish(here: Hall, member: str, peer: str) -> None:
    grant = await here.admission.admit(here.ticket(member), LECTURE, Act.PUBLISH, "guest")
    await here.admission.opened(grant, peer)
    here.relay.told.put_nowait(PublicationFlowing(peer, time.monotonic(), True, Codec.VP8))


async def part(page: Page, expected: str) -> None:
    async with asyncio.timeout(5):
        while (await page.hear("part"))["part"] != expected:
            pass


async def test_a_member_comes_from_a_raised_hand_to_the_stage_and_off(here: Hall) -> None:
    host, member, other = [await enter(here, name) for name in ("host-1", "member-1", "member-2")]
    await member.say("hand", up=True)
    while not (hands := await host.hear("hands"))["count"]:
        pass
    assert [hand["member"] for hand in hands["hands"]] == ["member-1"]
    with pytest.raises(Refused):
        await publish(here, "member-1", "p1")
    await host.say("call", member="member-1", minutes=3)
    await part(member, "called")
    await member.say("answer-call", accept=True)
    await part(member, "checking")
    await publish(here, "member-1", "p1")
    await part(member, "backstage")
    await until(lambda: ("p1", "backstage", Audience.STAGE) in here.relay.routes)
    await host.say("put-on", member="member-1")
    await part(member, "on")
    stage = await other.hear("stage")
    assert (stage["on"]["name"], stage["layout"], stage["on"]["lost"]) == ("名member-1", "side-by-side", False)
    assert (await other.hear("slot"))["state"] == "live"
    await until(lambda: here.relay.routes[-1] == ("p1", "guest", Audience.EVERYONE))
    here.relay.told.put_nowait(PeerClosed("p1", Closing.SILENT, time.monotonic(), time.monotonic()))
    assert (await other.hear("slot"))["state"] == "lost"
    await part(member, "lost")
    await publish(here, "member-1", "p2")
    await part(member, "on")
    await member.say("leave-stage")
    await part(member, "off")
    await until(lambda: "p2" in here.relay.closed)
    await until(lambda: here.recorder.bodies(AppearanceEnded))
    (appearance,) = here.recorder.bodies(AppearanceEnded)
    assert (appearance.member, appearance.called_by, appearance.reconnects) == ("member-1", "host-1", 1)
    assert (await other.hear("slot"))["state"] == "live"
    assert (await other.hear("slot"))["state"] == "empty"


async def test_an_operator_runs_the_stage_from_the_console(here: Hall) -> None:
    await here.rooms.set_order(LECTURE, (OrderEntry("e1", "guest-1", "王芳", "镇巴县", "家乡", 5),), "staff-1")
    client = await connect(here.url, compression=None, additional_headers=here.sign_in("operator"))
    await client.send(json.dumps({"type": "hello", "lecture": LECTURE, "page": "console"}))
    operator, guest = Page(client), await enter(here, "guest-1")
    assert (await operator.hear("running-order"))["entries"][0]["here"] is False
    assert (await operator.hear("running-order"))["entries"][0]["here"] is True
    await operator.say("next", off=None, on=None)
    called = await guest.hear("part")
    while called["part"] == "off":
        called = await guest.hear("part")
    assert (called["part"], called["by"], called["title"], called["minutes"]) == ("called", "operator", "家乡", 5)


async def test_after_a_restart_of_the_service_the_relay_goes_on_with_who_is_on() -> None:
    async with hall() as before:
        host, guest = await enter(before, "host-1"), await enter(before, "guest-1")
        await publish(before, "guest-1", "p1")
        await host.say("call", member="guest-1")
        await part(guest, "backstage")
        await host.say("put-on", member="guest-1")
        await part(guest, "on")
        kept = before.journal.kept
    async with hall() as after:
        after.journal.kept = kept
        after.relay.open_peers = (
            OpenPeer("p1", LECTURE, "guest-1", "guest", True, True, Codec.VP8),
            OpenPeer("p2", LECTURE, "guest-2", "guest", True, True, Codec.VP8),
        )
        after.relay.told.put_nowait(RelayUp(time.monotonic()))
        await until(lambda: ("p1", "guest", Audience.EVERYONE) in after.relay.routes)
        await until(lambda: len({peer for peer, _, _ in after.relay.routes}) == 2)
        assert set(after.relay.routes) == {("p1", "guest", Audience.EVERYONE), ("p2", None, Audience.NOBODY)}
        member = await enter(after, "member-1")
        snapshot = await member.hear("snapshot")
        assert (snapshot["stage"]["on"]["name"], snapshot["stage"]["on"]["lost"]) == ("名guest-1", False)
        (place,) = [slot for slot in snapshot["slots"] if slot["slot"] == "guest"]
        assert place["state"] == "live"
