"""What a bus promises, of both kinds."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from classroom.errors import BusAway, LeaseLost
from classroom.io.bus_memory import MemoryBus
from classroom.io.bus_redis import RedisBus
from classroom.ports import Bus, Lease
from tests.servers import redis
from tests.servers.process import free_port

MINE, OTHERS = Lease("home.l1", b"a"), Lease("home.l1", b"b")


@pytest.fixture(params=["memory", "redis"])
async def bus(request: pytest.FixtureRequest) -> AsyncIterator[Bus]:
    if request.param == "memory":
        yield MemoryBus()
        return
    made = RedisBus(request.getfixturevalue("redis_url"))
    yield made
    await made.close()


async def some(bus: Bus, topic: str, count: int, after: str = "") -> list[tuple[str, bytes]]:
    found: list[tuple[str, bytes]] = []
    async with asyncio.timeout(5):
        async for delivery in bus.follow(topic, after):
            found.append((delivery.position, delivery.body))
            if len(found) == count:
                break
    return found


async def test_a_topic_is_read_from_its_beginning_and_on_from_a_position(bus: Bus) -> None:
    for body in (b"one", b"two", b"three"):
        await bus.publish("t", body, 100)
    found = await some(bus, "t", 3)
    assert [body for _, body in found] == [b"one", b"two", b"three"]
    assert [body for _, body in await some(bus, "t", 2, found[0][0])] == [b"two", b"three"]
    assert await bus.kept("t") == [b"one", b"two", b"three"]
    assert await bus.kept("other") == []


async def test_who_follows_gets_what_comes(bus: Bus) -> None:
    following = asyncio.create_task(some(bus, "t", 50))
    await asyncio.sleep(0.05)
    for number in range(50):
        await bus.publish("t", b"%d" % number, 100)
    assert [body for _, body in await following] == [b"%d" % number for number in range(50)]


async def test_a_position_from_before_the_topic_was_forgotten_is_not_waited_for(bus: Bus) -> None:
    ahead = "99" if isinstance(bus, MemoryBus) else "99999999999999-3"
    await bus.publish("t", b"one", 100)
    assert [body for _, body in await some(bus, "t", 1, ahead)] == [b"one"]
    following = asyncio.create_task(some(bus, "u", 1, ahead))
    await asyncio.sleep(0.05)
    await bus.publish("u", b"two", 100)
    assert [body for _, body in await following] == [b"two"]


async def test_a_topic_forgets_what_is_older(bus: Bus) -> None:
    for number in range(1_000):
        await bus.publish("t", b"%d" % number, 100)
    kept = await bus.kept("t")
    assert 100 <= len(kept) <= 300
    assert kept[-1] == b"999"


async def test_a_lease_has_one_holder(bus: Bus) -> None:
    assert await bus.take(MINE, 5)
    assert not await bus.take(OTHERS, 5)
    assert await bus.take(MINE, 5)
    assert await bus.holder(MINE.key) == MINE.value
    await bus.release(OTHERS)
    assert await bus.holder(MINE.key) == MINE.value
    await bus.release(MINE)
    assert await bus.holder(MINE.key) is None
    assert await bus.take(OTHERS, 5)


async def test_a_lease_lapses(bus: Bus) -> None:
    assert await bus.take(MINE, 0.05)
    await asyncio.sleep(0.1)
    assert await bus.holder(MINE.key) is None
    assert await bus.take(OTHERS, 5)


async def test_many_who_take_at_once_leave_one_holder(bus: Bus) -> None:
    leases = [Lease("home.l1", b"%d" % number) for number in range(20)]
    taken = await asyncio.gather(*(bus.take(lease, 5) for lease in leases))
    assert sum(taken) == 1
    assert await bus.holder("home.l1") == leases[taken.index(True)].value


async def test_who_lost_the_lease_cannot_publish_under_it(bus: Bus) -> None:
    await bus.take(MINE, 5)
    await bus.publish("t", b"mine", 10, MINE)
    await bus.release(MINE)
    with pytest.raises(LeaseLost):
        await bus.publish("t", b"nobody's", 10, MINE)
    await bus.take(OTHERS, 5)
    with pytest.raises(LeaseLost):
        await bus.publish("t", b"stale", 10, MINE)
    assert await bus.kept("t") == [b"mine"]


async def test_a_redis_that_is_away_is_said_and_one_that_is_back_is_used() -> None:
    port = free_port()
    bus = RedisBus(f"redis://127.0.0.1:{port}/0")
    try:
        for ask in (
            bus.publish("t", b"", 1),
            bus.kept("t"),
            bus.take(MINE, 1),
            bus.release(MINE),
            bus.holder("t"),
            some(bus, "t", 1),
        ):
            with pytest.raises(BusAway):
                await ask
        with redis.server(port):
            await bus.publish("t", b"one", 10)
            ((position, _),) = await some(bus, "t", 1)
        following = asyncio.create_task(some(bus, "t", 1, position))
        with pytest.raises(BusAway):
            await following
        with redis.server(port):  # which kept nothing
            await bus.publish("t", b"two", 10)
            assert [body for _, body in await some(bus, "t", 1, position)] == [b"two"]
    finally:
        await bus.close()
