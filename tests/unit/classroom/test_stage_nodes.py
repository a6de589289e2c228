"""The stage over two nodes: one running order, one queue of hands, and the same people on the way after a home died."""

from __future__ import annotations

from typing import Any

from classroom.room.inputs import Person as Someone
from classroom.room.inputs import PublicationFlowed, PublicationOpened, Received
from classroom.room.journal import OrderEntry, OrderSet
from classroom.room.messages_stage import AnswerCall, Call, Next, PutOn, RaiseHand, StageMessage
from signaling.control import Audience
from signaling.session.offer import Codec
from tests.unit.classroom.hall import LECTURE, until
from tests.unit.classroom.nodes import Client, Running, Service
from tests.unit.classroom.test_handover import both, quick, whole

__all__ = ["both", "quick"]

ORDER = (OrderEntry("e1", "guest-1", "王芳", "镇巴县", "家乡", 5),)


def say(node: Running, page: Client, message: StageMessage) -> None:
    node.rooms.feed(LECTURE, Received(page.connection, message))


def publish(node: Running, member: str, peer: str) -> None:
    person = Someone(member, f"名{member}", "镇巴县", member.split("-")[0])
    node.rooms.feed(LECTURE, PublicationOpened(peer, "guest", person))
    node.rooms.feed(LECTURE, PublicationFlowed(peer, node.clock.now(), Codec.VP8))


def last(page: Client, kind: str) -> Any:
    found = page.of(kind)
    return found[-1] if found else {}


async def test_a_member_of_one_node_is_called_from_the_other(both: tuple[Service, Running, Running]) -> None:
    _, a, b = both
    host, member = await a.join("host-1"), await b.join("member-1")
    await until(lambda: host.of("snapshot") and member.of("snapshot"))
    say(b, member, RaiseHand(up=True))
    await until(lambda: last(host, "hands").get("count") == 1)
    await until(lambda: last(member, "hand").get("position") == 1)
    say(a, host, Call("member-1"))
    await until(lambda: last(member, "part").get("part") == "called")
    assert last(member, "hand")["up"] is False
    say(b, member, AnswerCall(accept=True))
    await until(lambda: last(member, "part")["part"] == "checking")
    assert a.rooms.admits(LECTURE, "member-1", "guest")
    publish(a, "member-1", "p1")  # media is at the home
    await until(lambda: last(member, "part")["part"] == "backstage")
    say(a, host, PutOn("member-1"))
    await until(lambda: last(member, "part")["part"] == "on" and last(member, "stage").get("on"))
    whole(host, member)


async def test_an_order_that_is_set_at_any_node_is_the_rooms(both: tuple[Service, Running, Running]) -> None:
    service, a, b = both
    host, guest = await a.join("host-1"), await b.join("guest-1")
    await until(lambda: host.of("snapshot") and guest.of("snapshot"))
    await b.rooms.set_order(LECTURE, ORDER, "staff-1")
    await until(lambda: last(host, "running-order").get("entries"))
    assert last(host, "running-order")["entries"][0]["here"] is True
    say(a, host, Next(off=None, on=None))
    await until(lambda: last(guest, "part").get("part") == "called")

    def kept() -> list[str | None]:
        return [each.by for each in service.journal.kept.values() if isinstance(each.entry, OrderSet)]

    await until(lambda: kept() == ["staff-1"])


async def test_who_is_on_when_the_home_dies_is_on_at_the_next(both: tuple[Service, Running, Running]) -> None:
    _, a, b = both
    host, guest = await a.join("host-1"), await b.join("guest-1")
    await until(lambda: host.of("snapshot") and guest.of("snapshot"))
    await b.rooms.set_order(LECTURE, ORDER, None)
    await until(lambda: last(host, "running-order").get("entries"))
    publish(a, "guest-1", "p1")
    for part, ready in (("backstage", None), ("on", "guest-1")):
        say(a, host, Next(off=None, on=ready))
        await until(lambda part=part: last(guest, "part").get("part") == part)
    await until(lambda: last(guest, "stage").get("on") and last(guest, "slot").get("state") == "live")
    a.die()
    await until(lambda: b.home)
    await until(lambda: guest.of("home"))
    assert last(guest, "stage")["on"]["lost"] is False
    await until(lambda: [slot["state"] for slot in guest.of("slot")][-4:] == ["empty", "empty", "empty", "expected"])
    publish(b, "guest-1", "p2")  # its page posts where the new home is
    await until(lambda: ("p2", "guest", Audience.EVERYONE) in b.relay.routes)
    back = await b.join("host-1", again=1)
    await until(lambda: back.of("running-order"))
    (entry,) = last(back, "running-order")["entries"]
    assert (entry["part"], entry["here"]) == ("on", True)
    whole(guest)
