from __future__ import annotations

from collections.abc import Sequence

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from attendance.facts import AdmittedByCode, Body, Fact, JoinFailed, LectureState
from attendance.presence import Presence
from attendance.roster import Invitation, Member
from classroom.by_code import FAILURES, TRIES, CodeDoor
from classroom.errors import UserError
from classroom.io.code_aiohttp import CodeDesk, CodeHandlers
from classroom.office import LectureRow
from classroom.people.code import code_of
from classroom.people.staff import StaffMember
from classroom.people.ticket import TicketSigner
from signaling.session.turnstile import Turnstile

SECOND = 1_000_000
SECRET = bytes(32)
CODE = code_of(SECRET, "one")


def row(lecture: str, state: LectureState = LectureState.LIVE) -> LectureRow:
    return LectureRow(lecture, lecture, None, None, state, 0)


def invited(lecture: str, member: str, name: str, phone: str | None, role: str = "member") -> Invitation:
    return Invitation(lecture, Member(member, name, ("镇巴县",), phone), role, 1)


class Place:
    """Lectures, a roster, a door, a ledger and a clock."""

    def __init__(self) -> None:
        self.rows = [row("one"), row("over", LectureState.ENDED)]
        self.people = [
            invited("one", "m1", "张 伟", "138****4321"),
            invited("one", "m2", "李秀兰", None),
            invited("one", "m3", "王芳", "139****1111"),
            invited("one", "m4", "王芳", "137****1111"),
            invited("one", "l1", "王建国", "136****9999", "lecturer"),
            invited("over", "m5", "张伟", "138****4321"),
        ]
        self.time = 1_000 * SECOND
        self.said: list[tuple[str, Body]] = []
        self.read = 0
        self.signer = TicketSigner(["x" * 32])
        self.door = CodeDoor(self, self, self.signer, self, self, SECRET)

    def now(self) -> int:
        return self.time

    def at(self, monotonic: float) -> int:
        return self.time

    def record(self, lecture: str, body: Body) -> None:
        self.said.append((lecture, body))

    async def all(self) -> Sequence[LectureRow]:
        return self.rows

    async def invitations(self, lecture: str) -> Sequence[Invitation]:
        self.read += 1
        return [one for one in self.people if one.lecture == lecture]

    async def refused(self, code: str, name: str, digits: str) -> str:
        with pytest.raises(UserError) as error:
            await self.door.ticket(code, name, digits)
        return error.value.reason


async def test_code_name_and_digits_give_a_members_ticket_and_a_fact() -> None:
    place = Place()
    ticket = place.signer.read(await place.door.ticket(CODE, "　张伟", "4321"), place.time)
    assert (ticket.lecture, ticket.member, ticket.role) == ("one", "m1", "member")
    assert ticket.expires * SECOND <= place.time + 86_400 * SECOND
    assert place.said == [("one", AdmittedByCode("m1"))]


@pytest.mark.parametrize(
    ("code", "name", "digits", "kept"),
    [
        (CODE, "张伟", "4322", {"m1": "code-digits"}),
        (CODE, "赵敏", "4321", {}),  # nobody's name
        (code_of(SECRET, "none"), "张伟", "4321", {}),  # nobody's code
        (code_of(SECRET, "over"), "张伟", "4321", {}),  # a lecture that is over
        (CODE, "李秀兰", "0000", {"m2": "code-no-number"}),
        (CODE, "王芳", "1111", {"m3": "code-ambiguous", "m4": "code-ambiguous"}),  # nothing tells them apart
        (CODE, "王建国", "9999", {}),  # not for the stage
    ],
)
async def test_whatever_is_wrong_the_answer_is_the_same_and_whom_it_names_is_known(
    code: str, name: str, digits: str, kept: dict[str, str]
) -> None:
    place = Place()
    assert await place.refused(code, name, digits) == "code-unknown"
    assert place.said == [("one", JoinFailed(member, cause, "code")) for member, cause in kept.items()]


async def test_tries_are_few_for_a_name() -> None:
    place = Place()
    for number in range(int(TRIES)):
        assert await place.refused(CODE, "张伟", f"{number:04}") == "code-unknown"
    assert await place.refused(CODE, "张伟", "4321") == "too-many-tries"
    place.time += 60 * SECOND
    assert await place.door.ticket(CODE, "张伟", "4321")


async def test_failures_are_few_for_a_lecture_whatever_the_names() -> None:
    place = Place()
    for number in range(int(FAILURES)):
        assert await place.refused(CODE, f"名{number}", "4321") == "code-unknown"
    assert await place.refused(CODE, "张伟", "4321") == "too-many-tries"
    assert await place.refused(code_of(SECRET, "none"), "张伟", "4321") == "code-unknown"
    place.time += 10 * SECOND
    assert await place.door.ticket(CODE, "张伟", "4321")


async def test_the_roster_is_read_once_for_many_and_again_after_a_while() -> None:
    place = Place()
    for number in range(10):
        await place.refused(CODE, f"名{number}", "4321")
    assert place.read == 1
    place.time += 31 * SECOND
    await place.refused(CODE, "张伟", "0000")
    assert place.read == 2


class Gate:
    async def staff(self, request: web.Request, right: str) -> StaffMember:
        if "staff" not in request.headers:
            raise UserError("not-signed-in")
        assert right == "console"
        return StaffMember("s1", "clerk", ())


async def test_over_http() -> None:
    place = Place()
    app = web.Application()
    app.add_routes(CodeHandlers(place.door, Turnstile(10, lambda: 0.5)).routes())
    app.add_routes(CodeDesk(place.door, Gate()).routes())
    async with TestClient(TestServer(app)) as client:
        said = {"code": CODE, "name": "张伟", "digits": "4321"}
        answer = await client.post("/api/join/code", json=said)
        assert answer.status == 200
        assert place.signer.read((await answer.json())["ticket"], place.time).member == "m1"
        wrong = await client.post("/api/join/code", json={**said, "digits": "0000"})
        assert (wrong.status, (await wrong.json(content_type=None))["type"]) == (403, "code-unknown")
        for bad in ({"code": "12345"}, {"digits": "x234"}, {"name": "名" * 65}, {"more": "1"}):
            assert (await client.post("/api/join/code", json=said | bad)).status == 400
        assert (await client.get("/api/lectures/one/code")).status == 401
        shown = await client.get("/api/lectures/one/code", headers={"staff": "yes"})
        assert await shown.json() == {"code": CODE}


def test_presence_tells_who_came_by_code() -> None:
    presence = Presence()
    presence.apply(Fact("one", "n", "b", 1, 0, AdmittedByCode("m1")))
    assert presence.account("m1").by_code
    assert not presence.account("m2").by_code


def test_codes_are_six_digits_and_differ() -> None:
    codes = {code_of(SECRET, f"l{number}") for number in range(100)}
    assert all(len(code) == 6 and code.isdigit() for code in codes)
    assert len(codes) > 95
