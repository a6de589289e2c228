"""One room over several nodes: shared, moved, cut in two and joined again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import nullcontext

import pytest

from attendance.facts import (
    LectureState,
    MemberConnected,
    MemberDisconnected,
    NodeLost,
    NodeStarted,
    NodeStopped,
)
from attendance.ports import Stored
from classroom.errors import UserError
from classroom.io import edge_asyncio, handover_asyncio, host_asyncio, node_asyncio, rooms_asyncio
from classroom.io.rules_attendance import LedgerRules
from classroom.nodes import lease
from classroom.room.messages import Close
from signaling.control import ViewerQuality
from signaling.errors import Refusal, Refused
from tests.unit.classroom.hall import LECTURE, until
from tests.unit.classroom.nodes import Client, Running, Service

# Leases of 0.4 s: where other programs have the processor for as long, another node takes the room over.
pytestmark = pytest.mark.flaky(reruns=2)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handover_asyncio, "RENEW", 0.05)
    monkeypatch.setattr(handover_asyncio, "FOLLOW", 0.05)
    monkeypatch.setattr(handover_asyncio, "RETRY", 0.05)
    monkeypatch.setattr(handover_asyncio, "GONE", 0.6)
    monkeypatch.setattr(host_asyncio, "GONE", 0.6)
    monkeypatch.setattr(node_asyncio, "LEASE", 0.4)
    monkeypatch.setattr(lease, "RECLAIM", 0.4)
    monkeypatch.setattr(edge_asyncio, "AGAIN", 0.2)


@pytest.fixture
async def both() -> AsyncIterator[tuple[Service, Running, Running]]:
    service = Service()
    async with service.node("a") as a, service.node("b") as b:
        yield service, a, b


async def gathered(a: Running, b: Running) -> tuple[Client, Client]:
    """`a` is home; a member's page is open at each."""
    mine = await a.join("member-1")
    other = await b.join("member-2")
    await until(lambda: mine.of("snapshot") and other.of("snapshot"))
    assert a.home
    assert not b.home
    return mine, other


def whole(*pages: Client) -> None:
    for page in pages:
        assert page.holes == [], page.member
        assert page.code is None


async def test_members_of_both_nodes_are_in_one_room(both: tuple[Service, Running, Running]) -> None:
    service, a, b = both
    mine, other = await gathered(a, b)
    for number in range(4):
        a.say(mine, f"a{number}")
        b.say(other, f"b{number}")
        await asyncio.sleep(0.03)
    await until(lambda: len(mine.chat) == len(other.chat) == 8)
    assert mine.chat == other.chat
    await until(lambda: mine.of("presence")[-1]["count"] == 2 and other.of("presence"))
    whole(mine, other)
    assert (mine.of("snapshot")[0]["whep"], other.of("snapshot")[0]["whep"]) == (
        f"https://a.example/whep/{LECTURE}",
    ) * 2
    assert [
        (fact.node, fact.body.member) for fact in service.ledger.facts if isinstance(fact.body, MemberConnected)
    ] == [
        ("a", "member-1"),
        ("b", "member-2"),
    ]
    b.leave(other)
    await until(lambda: mine.of("presence")[-1]["count"] == 1)
    (left,) = [fact for fact in service.ledger.facts if isinstance(fact.body, MemberDisconnected)]
    assert (left.node, left.body.member) == ("b", "member-2")  # type: ignore[union-attr]


async def test_the_home_knows_the_facts_that_other_nodes_write(both: tuple[Service, Running, Running]) -> None:
    _, a, b = both
    await gathered(a, b)
    live = a.rooms.live[LECTURE]
    await until(lambda: "member-2" in live.presence.members)
    assert (await a.rooms.roll(LECTURE)).members["member-2"].connected
    assert (await b.rooms.roll(LECTURE)).members.keys() == {"member-1", "member-2"}


async def test_staff_of_any_node_move_the_lecture(both: tuple[Service, Running, Running]) -> None:
    service, a, b = both
    mine, other = await gathered(a, b)
    assert await b.rooms.start(LECTURE, LectureState.PLANNED, "staff") is LectureState.LIVE
    await until(lambda: mine.of("lecture") and other.of("lecture"))
    service.lectures.rows[LECTURE].state = LectureState.LIVE
    await until(lambda: service.lectures.states.get(LECTURE) is LectureState.LIVE)
    assert await b.rooms.state_of(LECTURE) is LectureState.LIVE
    assert await b.rooms.end(LECTURE, LectureState.LIVE, "staff") is LectureState.ENDED
    with pytest.raises(UserError, match="lecture-over"):
        await b.rooms.start(LECTURE, LectureState.ENDED, "staff")
    with pytest.raises(UserError, match="no-such-lecture"):
        await b.rooms.start("nowhere", LectureState.PLANNED, None)
    assert await b.rooms.state_of("nowhere") is None
    about = await b.rooms.about(LECTURE)
    assert about is not None
    assert about.title == "讲座"


async def test_media_is_at_the_home_alone(both: tuple[Service, Running, Running]) -> None:
    _, a, b = both
    await gathered(a, b)
    with pytest.raises(Refused) as refused:
        await b.rooms.load(LECTURE)
    assert (refused.value.reason, refused.value.detail) == (Refusal.ELSEWHERE, "https://a.example")


async def test_a_replaced_link_ends_sockets_on_every_node(both: tuple[Service, Running, Running]) -> None:
    _, a, b = both
    mine, other = await gathered(a, b)
    again = await b.join("member-1", again=1)
    await until(lambda: again.of("snapshot"))
    await b.rooms.expel(LECTURE, frozenset({"member-1"}))
    await until(lambda: mine.code is Close.TICKET and again.code is Close.TICKET)
    assert other.code is None


async def test_who_lagged_on_another_node_gets_a_snapshot(both: tuple[Service, Running, Running]) -> None:
    _, a, b = both
    _, other = await gathered(a, b)
    b.lag(other)
    await until(lambda: len(other.of("snapshot")) == 2)


async def test_a_page_of_any_node_is_told_what_holds_of_its_picture(both: tuple[Service, Running, Running]) -> None:
    _, a, b = both
    await gathered(a, b)
    a.witness.watch("w1", LECTURE, "member-2")
    a.witness.receive(ViewerQuality("w1", "lecturer", "reduced", 1.0), ())
    returned = await b.join("member-2", again=1)
    await until(lambda: returned.of("picture"))
    b.lag(returned)
    await until(lambda: len(returned.of("picture")) == 2)
    assert {each["level"] for each in returned.of("picture")} == {"reduced"}


async def test_a_home_that_dies_is_followed_by_another_and_nothing_is_missed(
    both: tuple[Service, Running, Running],
) -> None:
    service, a, b = both
    mine, other = await gathered(a, b)
    for number in range(3):
        a.say(mine, f"a{number}")
        b.say(other, f"b{number}")
    await until(lambda: len(mine.chat) == len(other.chat) == 6)
    a.die()
    b.say(other, "while nobody is home")
    await until(lambda: b.home)
    back = await b.join("member-1", last=mine.last, again=1)
    await until(lambda: back.of("resumed") and "while nobody is home" in other.chat)
    b.say(back, "again")
    await until(lambda: "again" in other.chat and "again" in back.chat)
    assert mine.chat + back.chat == other.chat
    whole(other)
    moved = back.of("home")
    assert moved == other.of("home")
    assert moved[0]["whep"] == f"https://b.example/whep/{LECTURE}"
    assert service.ledger.bodies(NodeLost) == [NodeLost("a", "1")]
    assert [fact.node for fact in service.ledger.facts if isinstance(fact.body, NodeStarted)] == ["a", "b"]
    assert len(service.ledger.bodies(MemberConnected)) == 3
    standings = (await b.rooms.roll(LECTURE)).members
    assert {member for member, at in standings.items() if at.connected} == {"member-1", "member-2"}
    assert [entry.number for entry in service.journal.kept.values()] == list(range(1, 9))
    assert not b.journal.refused


async def test_a_node_of_members_that_dies_is_noticed_and_they_come_back(
    both: tuple[Service, Running, Running],
) -> None:
    service, a, b = both
    mine, other = await gathered(a, b)
    await until(lambda: mine.of("presence") and mine.of("presence")[-1]["count"] == 2)
    b.die()
    await until(lambda: mine.of("presence")[-1]["count"] == 1)
    a.say(mine, "missed")
    await until(lambda: "missed" in mine.chat)
    back = await a.join("member-2", last=other.last, again=1)
    await until(lambda: "missed" in back.chat)
    assert not back.of("snapshot")
    await until(lambda: service.ledger.bodies(NodeLost) == [NodeLost("b", "1")])
    presence = service.ledger.presence()
    assert [one.closed_by for one in presence.account("member-2").sessions] == ["service-crash", "open"]
    assert not mine.of("home")


async def test_a_home_that_stops_in_order_is_followed_at_once() -> None:
    service = Service()
    async with service.node("b") as b:
        async with service.node("a") as a:
            mine, other = await gathered(a, b)
            a.say(mine, "one")
            await until(lambda: other.chat == ["one"])
            a.leave(mine)
            await asyncio.sleep(0.1)
        assert service.ledger.bodies(NodeStopped, "a") == [NodeStopped()]
        await until(lambda: b.home)
        assert not service.ledger.bodies(NodeLost)
        back = await b.join("member-1", last=mine.last, again=1)
        b.say(back, "two")
        await until(lambda: other.chat == ["one", "two"] and back.chat == ["two"])
        whole(other)


async def test_without_the_bus_the_home_goes_on_and_the_others_catch_up(
    both: tuple[Service, Running, Running],
) -> None:
    service, a, b = both
    mine, other = await gathered(a, b)
    a.power.bus = b.power.bus = False
    await until(lambda: other.of("notice"))
    assert other.of("notice")[0]["kind"] == "bus-away"
    a.say(mine, "alone")
    b.say(other, "held")
    await until(lambda: mine.chat == ["alone"])
    await until(lambda: service.homes.rows[LECTURE].alone)
    with pytest.raises(UserError, match="room-away"):
        await b.rooms.start(LECTURE, LectureState.PLANNED, None)
    await asyncio.sleep(0.6)  # longer than the lease
    a.power.bus = b.power.bus = True
    await until(lambda: mine.chat == other.chat == ["alone", "held"])
    await until(lambda: other.of("notice")[-1]["kind"] == "bus-back")
    assert a.home
    assert not b.home
    await until(lambda: not service.homes.rows[LECTURE].alone)
    whole(mine, other)
    assert not service.ledger.bodies(NodeLost)
    assert len(service.ledger.bodies(MemberConnected)) == 2


async def test_a_bus_that_forgot_everything_moves_no_room(both: tuple[Service, Running, Running]) -> None:
    service, a, b = both
    mine, other = await gathered(a, b)
    a.power.bus = b.power.bus = False
    await until(lambda: other.of("notice"))
    service.bus._topics.clear()
    service.bus._leases.clear()
    a.power.bus = b.power.bus = True
    a.say(mine, "one")
    b.say(other, "two")
    await until(lambda: len(mine.chat) == len(other.chat) == 2)
    await asyncio.sleep(0.5)
    assert a.home
    assert not b.home
    whole(mine, other)


async def test_a_home_that_slept_while_another_took_over_becomes_an_edge(
    both: tuple[Service, Running, Running],
) -> None:
    service, a, b = both
    mine, other = await gathered(a, b)
    await a.rooms._performer._errands.store(LECTURE, NodeStarted(), None)  # so that its boot has told something
    a.power.bus = False  # as b sees it, it sleeps
    await until(lambda: b.home)
    b.say(other, "new")
    await until(lambda: other.chat == ["new"])
    await until(lambda: not a.home)
    a.power.bus = True
    await until(lambda: mine.chat == ["new"])
    a.say(mine, "reply")
    await until(lambda: mine.chat == other.chat == ["new", "reply"])
    whole(mine, other)
    assert service.ledger.bodies(NodeStopped, "a") == [NodeStopped()]
    connected = [fact.node for fact in service.ledger.facts if isinstance(fact.body, MemberConnected)]
    assert connected.count("a") == 2
    presence = service.ledger.presence()
    assert [one.open for one in presence.account("member-1").sessions] == [False, True]
    assert mine.of("snapshot")[-1]["whip"] == f"https://b.example/whip/{LECTURE}"


async def test_a_home_that_spoke_alone_and_died_leaves_its_members_a_snapshot(
    both: tuple[Service, Running, Running],
) -> None:
    service, a, b = both
    mine, other = await gathered(a, b)
    a.power.bus = b.power.bus = False
    await until(lambda: other.of("notice"))
    a.say(mine, "alone")
    await until(lambda: mine.chat == ["alone"] and service.homes.rows[LECTURE].alone)
    a.die()
    b.power.bus = True
    await until(lambda: b.home)
    back = await b.join("member-1", last=mine.last, again=1)
    await until(lambda: back.of("snapshot") and len(other.of("snapshot")) == 2)
    assert back.chat == other.chat == ["alone"]  # the journal knew it
    b.say(other, "on")
    await until(lambda: back.chat == other.chat == ["alone", "on"])
    whole(other, back)


async def test_whoever_cannot_be_told_what_is_missing_gets_a_snapshot_before_anything_else() -> None:
    """A third node, whose edge attaches to a home that counts from its next million."""
    service = Service()
    async with service.node("a") as a, service.node("b") as b, service.node("c") as c:
        mine, other = await gathered(a, b)
        third = await c.join("member-3")
        await until(lambda: third.of("snapshot"))
        for node in (a, b, c):
            node.power.bus = False
        await until(lambda: third.of("notice") and other.of("notice"))
        a.say(mine, "alone")
        await until(lambda: mine.chat == ["alone"] and service.homes.rows[LECTURE].alone)
        a.die()
        b.power.bus = True
        await until(lambda: b.home)
        b.say(other, "new")
        await until(lambda: other.chat == ["alone", "new"])
        c.power.bus = True
        await until(lambda: third.chat == ["alone", "new"])
        b.say(other, "more")
        await until(lambda: third.chat[-1] == other.chat[-1] == "more")
        whole(other, third)


async def test_a_lecture_begins_while_the_bus_is_away() -> None:
    service = Service()
    async with service.node("a") as a, service.node("b") as b:
        a.power.bus = b.power.bus = False
        mine = await a.join("member-1")
        await until(lambda: mine.of("snapshot"))
        a.say(mine, "first")
        await until(lambda: mine.chat == ["first"])
        with pytest.raises(Refused):
            await b.join("member-2")
        a.power.bus = b.power.bus = True
        await until(lambda: a.node.steady > 0.1)
        other = await b.join("member-2", again=1)
        await until(lambda: other.chat == ["first"])


async def test_of_three_nodes_one_takes_over_and_the_third_follows() -> None:
    service = Service()
    async with service.node("a") as a, service.node("b") as b, service.node("c") as c:
        mine, other = await gathered(a, b)
        third = await c.join("member-3")
        await until(lambda: third.of("snapshot"))
        a.say(mine, "one")
        await until(lambda: third.chat == other.chat == ["one"])
        a.die()
        c.say(third, "two")
        b.say(other, "three")
        await until(lambda: len(third.chat) == len(other.chat) == 3)
        assert third.chat == other.chat
        assert b.home != c.home
        whole(other, third)
        assert service.homes.rows[LECTURE].fence == 2


async def test_a_room_that_nobody_needs_is_given_up_for_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rooms_asyncio, "FORGET_AFTER", 100_000)
    monkeypatch.setattr(handover_asyncio, "FORGET_AFTER", 100_000)
    service = Service()
    async with service.node("a") as a, service.node("b") as b:
        mine, other = await gathered(a, b)
        a.say(mine, "one")
        await until(lambda: other.chat == ["one"])
        a.leave(mine)
        b.leave(other)
        await until(lambda: not a.home and not service.homes.rows[LECTURE].held)
        back = await b.join("member-1", last=mine.last, again=1)
        await until(lambda: back.of("resumed"))
        assert b.home
        assert service.ledger.bodies(NodeStopped, "a")


async def test_a_rule_is_read_and_changed_from_any_node(both: tuple[Service, Running, Running]) -> None:
    _, a, b = both
    await gathered(a, b)
    of_a, of_b = (LedgerRules(node.rooms, node.rooms._errands, nullcontext) for node in (a, b))
    first = (await of_b.rules(LECTURE)).current
    await of_b.set_rule(LECTURE, first.version, first.rule, "staff", "")
    assert (await of_a.rules(LECTURE)).current.version == first.version + 1
    with pytest.raises(UserError, match="rule-changed"):
        await of_a.set_rule(LECTURE, first.version, first.rule, "staff", "")


async def test_a_node_of_members_reads_each_row_once_however_many_ask(
    both: tuple[Service, Running, Running], monkeypatch: pytest.MonkeyPatch
) -> None:
    service, a, b = both
    await gathered(a, b)
    await until(lambda: "member-2" in a.rooms.live[LECTURE].presence.members)  # the home has read what it will
    read, rows = service.ledger.read, []

    async def counted(lecture: str, after: int = 0) -> AsyncIterator[Stored]:
        async for stored in read(lecture, after):
            rows.append(stored.row)
            await asyncio.sleep(0)
            yield stored

    monkeypatch.setattr(service.ledger, "read", counted)
    found = await asyncio.gather(*(b.rooms.presence(LECTURE) for _ in range(20)))
    assert {"member-1", "member-2"} <= set(found[0].members)
    assert rows
    assert len(rows) == len(set(rows)), rows
    rows.clear()
    await b.join("member-3")
    await until(lambda: "member-3" in service.ledger.presence().members)
    assert "member-3" in (await b.rooms.presence(LECTURE)).members
    assert 1 not in rows, "what was read is not read again"


async def test_a_web_process_that_died_alone_takes_its_rooms_up_again() -> None:
    service = Service()
    async with service.node("b") as b, service.node("a") as before:
        mine, other = await gathered(before, b)
        before.say(mine, "one")
        await until(lambda: other.chat == ["one"])
        before.die()
        async with service.node("a", "2") as after:
            back = await after.join("member-1", last=mine.last, again=1)
            await until(lambda: back.of("resumed"))
            assert after.home
            b.say(other, "two")
            await until(lambda: back.chat == ["two"] and other.chat == ["one", "two"])
            whole(back, other)
            assert not other.of("home"), "media stayed where it was"
            assert not service.ledger.bodies(NodeLost)
            assert [one.closed_by for one in service.ledger.presence().account("member-1").sessions] == [
                "service-crash",
                "open",
            ]
