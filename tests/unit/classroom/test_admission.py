from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from attendance.errors import StoreUnavailable
from attendance.facts import JoinFailed, LectureState
from attendance.roster import Invitation
from classroom import admission
from classroom.room.journal import Journaled, MemberBarred, PartSet
from classroom.room.messages_stage import Part
from signaling.control import ViewerReceiving
from signaling.errors import Refusal, Refused
from signaling.ports import Act, Grant
from tests.unit.classroom.hall import LECTURE, Hall, hall, until


@pytest.fixture
async def here() -> AsyncIterator[Hall]:
    async with hall(viewer_limit=4) as made:
        yield made


async def refusal(here: Hall, ticket: str, lecture: str, act: Act, slot: str | None = None) -> Refusal:
    with pytest.raises(Refused) as refused:
        await here.admission.admit(ticket, lecture, act, slot)
    return refused.value.reason


async def test_what_each_role_is_granted(here: Hall) -> None:
    admit = here.admission.admit
    grant = await admit(here.ticket("lecturer-1"), LECTURE, Act.PUBLISH, "screen")
    assert grant == Grant(LECTURE, "lecturer-1", Act.PUBLISH, ("screen",))
    grant = await admit(here.ticket("member-1"), LECTURE, Act.WATCH, None)
    assert grant.slots == ("lecturer", "screen", "host", "guest")
    grant = await admit(here.ticket("guest-1"), LECTURE, Act.WATCH, None)
    assert grant.slots[-1] == "backstage"


async def called(here: Hall, member: str, part: Part) -> None:
    live = await here.rooms.load(LECTURE)
    live.room.restore(Journaled(live.room.seq + 1, here.clock.now(), "host-1", PartSet(member, "某", "", part)))


async def test_a_member_publishes_while_they_are_called_to_the_stage(here: Hall) -> None:
    member = here.ticket("member-1")
    assert await refusal(here, member, LECTURE, Act.PUBLISH, "guest") is Refusal.ROLE
    await called(here, "member-1", Part.CALLED)
    assert (await here.admission.admit(member, LECTURE, Act.PUBLISH, "guest")).slots == ("guest",)
    assert await refusal(here, member, LECTURE, Act.PUBLISH, "lecturer") is Refusal.ROLE
    assert await refusal(here, here.ticket("member-2"), LECTURE, Act.PUBLISH, "guest") is Refusal.ROLE
    await bar(here, "member-1")
    assert await refusal(here, member, LECTURE, Act.PUBLISH, "guest") is Refusal.BARRED
    await bar(here, "member-1", barred=False)
    await called(here, "member-1", Part.OFF)
    assert await refusal(here, member, LECTURE, Act.PUBLISH, "guest") is Refusal.ROLE


async def test_each_refusal_has_its_own_reason(here: Hall) -> None:
    member = here.ticket("member-1")
    assert await refusal(here, "x.y", LECTURE, Act.WATCH) is Refusal.BAD_TICKET
    assert await refusal(here, here.ticket("member-1", lasts=-1), LECTURE, Act.WATCH) is Refusal.EXPIRED
    assert await refusal(here, here.ticket("member-1", serial=9), LECTURE, Act.WATCH) is Refusal.REVOKED
    assert await refusal(here, here.ticket("nobody-1"), LECTURE, Act.WATCH) is Refusal.REVOKED
    assert await refusal(here, member, "nowhere", Act.WATCH) is Refusal.NO_LECTURE
    assert await refusal(here, member, "other", Act.WATCH) is Refusal.ROLE
    assert await refusal(here, member, LECTURE, Act.PUBLISH, "lecturer") is Refusal.ROLE
    assert await refusal(here, here.ticket("guest-1"), LECTURE, Act.PUBLISH, "lecturer") is Refusal.ROLE
    assert await refusal(here, here.ticket("lecturer-1"), LECTURE, Act.PUBLISH, "nowhere") is Refusal.ROLE


async def test_a_lecture_that_is_over_lets_nobody_in(here: Hall) -> None:
    await here.rooms.end(LECTURE, LectureState.LIVE, None)
    assert await refusal(here, here.ticket("member-1"), LECTURE, Act.WATCH) is Refusal.LECTURE_OVER
    entry = await here.admission.read(here.ticket("member-1"))  # its page says that it is over
    assert entry.state is LectureState.ENDED


async def watching(here: Hall, member: str, peer: str) -> None:
    grant = await here.admission.admit(here.ticket(member), LECTURE, Act.WATCH, None)
    await here.admission.opened(grant, peer)
    here.relay.told.put_nowait(ViewerReceiving(peer, asyncio.get_running_loop().time()))
    await until(lambda: here.witness.viewer(peer) and here.witness.viewer(peer).receiving)  # type: ignore[union-attr]


async def test_a_fourth_device_and_a_full_lecture_are_refused(here: Hall) -> None:
    for number in range(3):
        await watching(here, "member-1", f"w{number}")
    assert await refusal(here, here.ticket("member-1"), LECTURE, Act.WATCH) is Refusal.TOO_MANY_DEVICES
    await watching(here, "member-2", "w4")
    assert await refusal(here, here.ticket("member-3"), LECTURE, Act.WATCH) is Refusal.FULL


async def test_a_page_that_reloads_is_no_new_device(here: Hall) -> None:
    grant = await here.admission.admit(here.ticket("member-1"), LECTURE, Act.WATCH, None)
    for number in range(3):
        await here.admission.opened(grant, f"w{number}")
    await here.admission.admit(here.ticket("member-1"), LECTURE, Act.WATCH, None)


async def test_who_hammers_is_told_to_wait(here: Hall) -> None:
    ticket = here.ticket("member-1")
    for _ in range(int(admission.TRIES)):
        await here.admission.admit(ticket, LECTURE, Act.WATCH, None)
    with pytest.raises(Refused) as refused:
        await here.admission.admit(ticket, LECTURE, Act.WATCH, None)
    assert refused.value.reason is Refusal.TOO_MANY_TRIES
    assert refused.value.retry_after
    await here.admission.admit(here.ticket("member-2"), LECTURE, Act.WATCH, None)


async def test_a_publisher_that_opened_is_announced_to_the_room(here: Hall) -> None:
    grant = await here.admission.admit(here.ticket("host-1"), LECTURE, Act.PUBLISH, "host")
    await here.admission.opened(grant, "p1")
    live = await here.rooms.load(LECTURE)
    assert live.room.slots.publications == ("p1",)
    assert live.room.slots.views()[2].name == "名host-1"


async def test_failed_attempts_of_known_people_are_facts_and_bounded(here: Hall) -> None:
    ticket = here.ticket("member-1")
    for _ in range(int(admission.FAILURES) + 5):
        await here.admission.failed(ticket, LECTURE, Act.WATCH, "no-common-codec")
    await until(lambda: len(here.recorder.bodies(JoinFailed)) == int(admission.FAILURES))
    facts = here.recorder.bodies(JoinFailed)
    assert facts[0] == JoinFailed("member-1", "no-common-codec", "watch")
    await here.admission.failed("x.y", LECTURE, Act.WATCH, "bad-ticket")
    await here.admission.failed(here.ticket("member-2"), "other", Act.WATCH, "role-may-not")
    await asyncio.sleep(0.05)
    assert len(here.recorder.bodies(JoinFailed)) == len(facts)


@pytest.mark.parametrize(("act", "slot"), [(Act.WATCH, None), (Act.PUBLISH, "lecturer")])
async def test_a_link_that_is_replaced_while_its_session_opens_opens_nothing(
    here: Hall, act: Act, slot: str | None
) -> None:
    grant = await here.admission.admit(here.ticket("lecturer-1"), LECTURE, act, slot)
    here.roster.serial += 1
    here.door.forget(LECTURE, "lecturer-1")
    with pytest.raises(Refused) as refused:
        await here.admission.opened(grant, "p1")
    assert refused.value.reason is Refusal.REVOKED


async def bar(here: Hall, member: str, barred: bool = True) -> None:
    """As the journal of the room says it."""
    live = await here.rooms.load(LECTURE)
    live.room.restore(Journaled(1, 0, "host-1", MemberBarred(member, "某", "", barred)))


async def test_who_is_barred_comes_in_by_no_way_until_let_in_again(here: Hall) -> None:
    await bar(here, "guest-1")
    ticket = here.ticket("guest-1")
    assert await refusal(here, ticket, LECTURE, Act.WATCH) is Refusal.BARRED
    assert await refusal(here, ticket, LECTURE, Act.PUBLISH, "guest") is Refusal.BARRED
    with pytest.raises(Refused) as refused:
        await here.admission.enter(ticket)
    assert refused.value.reason is Refusal.BARRED
    await here.admission.enter(here.ticket("guest-2"))
    await bar(here, "guest-1", barred=False)
    await here.admission.admit(ticket, LECTURE, Act.PUBLISH, "guest")


@pytest.mark.parametrize(("act", "slot"), [(Act.WATCH, None), (Act.PUBLISH, "guest")])
async def test_who_is_barred_while_their_session_opens_opens_nothing(here: Hall, act: Act, slot: str | None) -> None:
    grant = await here.admission.admit(here.ticket("guest-1"), LECTURE, act, slot)
    await bar(here, "guest-1")
    with pytest.raises(Refused) as refused:
        await here.admission.opened(grant, "p1")
    assert refused.value.reason is Refusal.BARRED


async def test_a_database_that_is_away_is_said_so_and_waited_for_by_nobody(
    here: Hall, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(lecture: str, member: str) -> Invitation | None:
        raise StoreUnavailable("connection refused")

    ticket = here.ticket("member-1")
    monkeypatch.setattr(here.roster, "invitation", away)
    with pytest.raises(Refused) as refused:
        await here.admission.admit(ticket, LECTURE, Act.WATCH, None)
    assert refused.value.reason is Refusal.RELAY_DOWN
    assert refused.value.retry_after
    await here.admission.failed(ticket, LECTURE, Act.WATCH, refused.value.reason.value)
