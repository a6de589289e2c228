"""The console on the channel: who is signed in comes in by the cookie, sees what they may see, and leaves no fact."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidStatus

from attendance.errors import StoreUnavailable
from attendance.facts import Beat, MemberConnected
from classroom.io import channel_aiohttp, rooms_asyncio
from classroom.io.session_aiohttp import COOKIE
from classroom.room.journal import Attempted
from classroom.room.permission import NEEDED
from tests.unit.classroom.hall import LECTURE, Hall, hall, until
from tests.unit.classroom.test_channel import closed, enter, next_of

CONSOLE = json.dumps({"type": "hello", "lecture": LECTURE, "page": "console"})


@pytest.fixture
async def here() -> AsyncIterator[Hall]:
    async with hall() as made:
        yield made


async def console(here: Hall, cookie: Mapping[str, str], hello: str = CONSOLE) -> ClientConnection:
    client = await connect(here.url, compression=None, additional_headers=dict(cookie))
    await client.send(hello)
    return client


async def refused(here: Hall, cookie: Mapping[str, str], hello: str = CONSOLE) -> tuple[int, str]:
    code, said = await closed(await console(here, cookie, hello))
    return code, said[-1]["reason"]


async def test_the_console_comes_in_by_its_cookie_and_is_no_member(here: Hall) -> None:
    member = await enter(here, "member-1")
    await next_of(member, "snapshot")
    operator = await console(here, here.sign_in("duty"))
    snapshot = await next_of(operator, "snapshot")
    assert (snapshot["you"]["name"], snapshot["you"]["role"], snapshot["you"]["id"]) == (
        "duty",
        "operator",
        "staff-duty",
    )
    assert snapshot["count"] == 1
    audience = await next_of(operator, "audience")
    assert audience["counties"] == [
        {"branch": "镇巴县", "invited": 5, "connected": 1, "receiving": 0, "missing": 4, "excused": 0}
    ]
    await operator.send(json.dumps({"type": "chat", "text": "请大家保持页面打开"}))
    said = await next_of(member, "chat")
    assert (said["name"], said["role"]) == ("duty", "operator")
    await operator.send(json.dumps({"type": "lecture", "action": "start"}))
    assert (await next_of(member, "lecture"))["state"] == "live"
    assert [fact.member for fact in here.recorder.bodies(MemberConnected)] == ["member-1"]


async def test_no_beat_speaks_of_the_console(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rooms_asyncio, "BEAT", 0.2)
    monkeypatch.setattr(rooms_asyncio, "BEAT_AGE", 100_000)
    monkeypatch.setattr(channel_aiohttp, "PING_EVERY", 0.1)
    async with hall() as here:
        operator, member = await console(here, here.sign_in("duty")), await enter(here, "member-1")
        connection = (await next_of(member, "snapshot"))["you"]["connection"]
        await next_of(operator, "snapshot")
        listening = [asyncio.create_task(closed(client)) for client in (operator, member)]  # answers pings
        await until(lambda: any(beat.connections for beat in here.recorder.bodies(Beat)))
        spoken = {one for beat in here.recorder.bodies(Beat) for one in beat.connections}
        assert spoken == {connection}
        for task in listening:
            task.cancel()


async def test_an_organizer_sees_the_own_branch_and_moves_nothing(here: Hall) -> None:
    organizer = await console(here, here.sign_in("xixiang", ("西乡县",)))
    audience = await next_of(organizer, "audience")
    assert (audience["invited"], audience["counties"]) == (0, [])
    for message in (
        {"type": "lecture", "action": "start"},
        {"type": "delete", "id": "c1"},
        {"type": "next", "off": None, "on": None},
        {"type": "hand", "up": True},
    ):
        await organizer.send(json.dumps(message))
        assert (await next_of(organizer, "error"))["reason"] == "role-may-not"
    tried = [kept.entry for _, kept in here.journal.kept if kept.by == "staff-xixiang"]
    assert tried == [Attempted("lecture"), Attempted("delete"), Attempted("next"), Attempted("hand")]
    own = await console(here, here.sign_in("zhenba", ("镇巴县",)))
    audience = await next_of(own, "audience")
    assert (audience["invited"], audience["missing"]) == (5, 5)
    assert [county["branch"] for county in audience["counties"]] == ["泾洋"]


def test_every_message_that_changes_something_needs_a_right_that_no_organizer_has() -> None:
    from classroom.people.role import ORGANIZER, rights

    mine = {kind.__name__ for kind, right in NEEDED.items() if getattr(rights(ORGANIZER), right)}
    assert mine == {"Say", "Ask"}


async def test_who_is_not_signed_in_stays_outside(here: Hall) -> None:
    good = here.sign_in("duty")
    forged = {"Cookie": f"{COOKIE}=duty.forged"}
    assert await refused(here, {}) == (4401, "not-signed-in")
    assert await refused(here, forged) == (4401, "not-signed-in")
    assert await refused(here, here.sign_in("gone", lasts=-1)) == (4401, "not-signed-in")
    assert await refused(here, good, CONSOLE.replace(LECTURE, "gone")) == (4404, "no-such-lecture")
    assert await refused(here, good, CONSOLE.replace('"console"', '"room"')) == (4400, "malformed")
    assert await refused(here, good, here.hello("member-1", page="console")) == (4400, "malformed")
    del here.sessions.open["duty"]
    assert await refused(here, good) == (4401, "not-signed-in")


async def test_a_foreign_page_cannot_ride_on_the_cookie(here: Hall) -> None:
    headers = {**here.sign_in("duty"), "Origin": "https://evil.example"}
    with pytest.raises(InvalidStatus) as refusal:
        await connect(here.url, additional_headers=headers)
    assert refusal.value.response.status_code == 403


@pytest.mark.parametrize("how", ["signed out", "expired"])
async def test_a_session_that_ends_ends_its_socket(monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    monkeypatch.setattr(channel_aiohttp, "SESSIONS_EVERY", 0.05)
    async with hall() as here:
        stays = await console(here, here.sign_in("other"))
        goes = await console(here, here.sign_in("duty", lasts=400_000 if how == "expired" else 3_600_000_000))
        await next_of(goes, "snapshot")
        await next_of(stays, "snapshot")
        if how == "signed out":
            await here.sessions.close_session("duty")
        code, said = await closed(goes)
        assert (code, said[-1]["reason"]) == (4401, "not-signed-in")
        await stays.send(json.dumps({"type": "chat", "text": "还在"}))
        await next_of(stays, "chat")


async def test_nobody_is_sent_away_while_the_database_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(channel_aiohttp, "SESSIONS_EVERY", 0.05)
    async with hall() as here:
        cookie = here.sign_in("duty")
        stays = await console(here, cookie)
        await next_of(stays, "snapshot")
        looked = asyncio.Event()

        async def away(token: str, now: int) -> None:
            looked.set()
            raise StoreUnavailable

        monkeypatch.setattr(here.sessions, "session", away)
        await asyncio.wait_for(looked.wait(), 5)
        await stays.send(json.dumps({"type": "chat", "text": "还在"}))
        await next_of(stays, "chat")
        assert await refused(here, cookie) == (1012, "relay-restarting")


async def test_an_office_shares_one_name(here: Hall) -> None:
    cookie = here.sign_in("duty")
    for _ in range(8):
        await next_of(await console(here, cookie), "snapshot")
