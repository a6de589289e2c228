"""Sign-ins from the room's door to the ledger and back, over the rooms of a node."""

from __future__ import annotations

import json
from typing import Any

import pytest

from attendance.facts import (
    Body,
    Fact,
    LectureMoved,
    LectureState,
    MemberConnected,
    MemberDisconnected,
    NodeStarted,
    SignInAnswered,
    SignInAsked,
)
from classroom.io.clock_time import SystemClock
from classroom.room.inputs import Joined, Left, Person, PublicationFlowed, PublicationOpened, Received
from classroom.room.messages import Page
from classroom.room.messages_stage import CallSignIn, Signed
from classroom.room.signin import WINDOW
from signaling.session.offer import Codec
from tests.unit.classroom.hall import LECTURE, Hall, hall, until

S = 1_000_000
DEAN = Person("lecturer-1", "李教授", "", "lecturer")


class Outlet:
    def __init__(self, here: Hall, connection: str) -> None:
        self.connection = connection
        self.evidence = here.clock.now()
        self.messages: list[dict[str, Any]] = []
        self.complaints: list[str] = []

    def send(self, frame: bytes) -> None:
        message = json.loads(frame)
        self.messages += message["messages"] if message["type"] == "batch" else [message]

    def complain(self, reason: str, key: str | None) -> None:
        self.complaints.append(reason)

    def dismiss(self, code: int, reason: str) -> None:
        raise AssertionError(reason)

    def said(self, kind: str) -> list[dict[str, Any]]:
        return [message for message in self.messages if message["type"] == kind]


async def joined(here: Hall, member: str) -> Outlet:
    outlet = Outlet(here, f"c-{member}")
    person = DEAN if member == DEAN.member else Person(member, "张伟", "", member.split("-")[0])
    await here.rooms.join(LECTURE, outlet, Joined(outlet.connection, person, Page.ROOM, ""))
    return outlet


async def shown(here: Hall) -> None:
    """The lecture is live, and its picture flows."""
    here.rooms.feed(LECTURE, PublicationOpened("p1", "lecturer", DEAN))
    here.rooms.feed(LECTURE, PublicationFlowed("p1", here.clock.now(), Codec.VP8))
    await until(lambda: LectureMoved(LectureState.LIVE, "first-picture") in here.recorder.bodies(LectureMoved))


@pytest.mark.parametrize("member", ["member-1"])
async def test_a_call_reaches_members_and_their_answers_the_ledger(member: str) -> None:
    async with hall() as here:
        lecturer, page = await joined(here, DEAN.member), await joined(here, member)
        here.rooms.feed(LECTURE, Received(lecturer.connection, CallSignIn()))
        assert lecturer.complaints == ["not-live"]
        await shown(here)
        await until(lambda: _call(here, lecturer))
        (asked,) = page.said("sign-in")
        assert (asked["id"], asked["answered"]) == ("c1", False)
        assert lecturer.said("sign-in") == []  # who is on stage is not counted
        here.rooms.feed(LECTURE, Received(page.connection, Signed("c1")))
        await until(lambda: here.recorder.bodies(SignInAnswered) == [SignInAnswered(member, "c1")])
        assert [one["answered"] for one in page.said("sign-in")] == [False, True]
        await until(lambda: (lecturer.said("sign-ins") or [{}])[-1].get("answered") == 1)
        here.rooms.feed(LECTURE, Received(page.connection, CallSignIn()))
        assert page.complaints == ["role-may-not"]


def _call(here: Hall, lecturer: Outlet) -> bool:
    here.rooms.feed(LECTURE, Received(lecturer.connection, CallSignIn()))
    return bool(here.recorder.bodies(SignInAsked))


async def test_a_page_that_returns_is_asked_again() -> None:
    async with hall() as here:
        lecturer, page = await joined(here, DEAN.member), await joined(here, "member-1")
        await shown(here)
        await until(lambda: _call(here, lecturer))
        here.rooms.feed(LECTURE, Left(page.connection, here.clock.now(), "connection-lost"))
        again = await joined(here, "member-1")
        assert [one["id"] for one in again.said("sign-in")] == ["c1"]


async def test_a_service_that_died_takes_open_sign_ins_up_again() -> None:
    now = SystemClock().now()
    before: list[tuple[int, Body]] = [
        (now - 300 * S, NodeStarted()),
        (now - 300 * S, LectureMoved(LectureState.LIVE, "button")),
        (now - 290 * S, MemberConnected("member-1", "c0")),
        (now - 100 * S, SignInAsked("member-1", "r1", now - 100 * S + WINDOW)),
        (now - 95 * S, MemberDisconnected("member-1", "c0", now - 95 * S, "connection-lost")),
    ]
    facts = [Fact(LECTURE, "node", "0", number, at, body) for number, (at, body) in enumerate(before, 1)]
    async with hall(facts) as here:
        page = await joined(here, "member-1")
        (asked,) = page.said("sign-in")
        assert asked["id"] == "r1"
        here.rooms.feed(LECTURE, Received(page.connection, Signed("r1")))
        await until(lambda: here.recorder.bodies(SignInAnswered) == [SignInAnswered("member-1", "r1")])
