"""The bus over Redis (6.2 or later): a topic is a stream, a lease a key that expires.

Theory of operation. Nothing here is the only copy of anything: the ledger, the rooms' records and the fences are in the
database, and who publishes keeps what the other side has not acknowledged. So Redis may lose everything (it restarts
without persistence) and nothing is lost with it.
Every key expires an hour after it was last written, so that nothing is left of lectures and processes that are over.
A command is never repeated by the client library: whether it took effect is then the caller's question.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from typing import Any

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError, ResponseError

from classroom.errors import BusAway, LeaseLost
from classroom.ports import Delivery, Lease

PREFIX = "classroom:"
ANSWERS_WITHIN = 2.0
"""Seconds after which Redis is taken to be away."""
CONNECTS_WITHIN = 1.0
BLOCK = 1_000
"""ms that a follower's read waits at a time."""
AT_ONCE = 200
LASTS = 3_600
"""Seconds that a topic nobody writes to is kept."""
NOT_HELD = "NOTHELD"

PUBLISH = f"""
if #ARGV == 4 and redis.call('GET', KEYS[2]) ~= ARGV[4] then return redis.error_reply('{NOT_HELD} lease') end
redis.call('XADD', KEYS[1], 'MAXLEN', '~', ARGV[2], '*', 'b', ARGV[1])
redis.call('EXPIRE', KEYS[1], ARGV[3])
return 1
"""
TAKE = """
local held = redis.call('GET', KEYS[1])
if held and held ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
"""
RELEASE = """
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0
"""


class RedisBus:
    """Implements `ports.Bus`. `close()` it at the end."""

    alone = False

    def __init__(self, url: str) -> None:
        self._client = Redis.from_url(
            url,
            protocol=2,
            socket_timeout=ANSWERS_WITHIN,
            socket_connect_timeout=CONNECTS_WITHIN,
            retry=Retry(NoBackoff(), 0),
        )
        self._publish = self._client.register_script(PUBLISH)
        self._take = self._client.register_script(TAKE)
        self._release = self._client.register_script(RELEASE)

    async def close(self) -> None:
        await self._client.aclose()

    async def publish(self, topic: str, body: bytes, keep: int, lease: Lease | None = None) -> None:
        keys: list[str] = [PREFIX + topic]
        arguments: list[bytes | int] = [body, keep, LASTS]
        if lease is not None:
            keys.append(PREFIX + lease.key)
            arguments.append(lease.value)
        try:
            with available():
                await self._publish(keys=keys, args=arguments)
        except ResponseError as error:
            raise LeaseLost(topic) from error

    async def follow(self, topic: str, after: str = "") -> AsyncIterator[Delivery]:
        key = PREFIX + topic
        position = await self._position(key, after)
        while True:
            with available():
                async with asyncio.timeout(ANSWERS_WITHIN + BLOCK / 1_000):
                    found: Any = await self._client.xread({key: position}, count=AT_ONCE, block=BLOCK)
            for _, entries in found or ():
                for identity, fields in entries:
                    position = identity.decode()
                    yield Delivery(position, fields[b"b"])

    async def _position(self, key: str, after: str) -> str:
        """`after`, unless the topic was forgotten meanwhile, and its positions begin anew."""
        if not after:
            return "0"
        with available():
            if not await self._client.exists(key):
                return "0"
            found: Any = await self._client.xinfo_stream(key)
        last: str = found["last-generated-id"].decode()
        return after if _place(after) <= _place(last) else "0"

    async def kept(self, topic: str) -> list[bytes]:
        with available():
            entries: Any = await self._client.xrange(PREFIX + topic)
        return [fields[b"b"] for _, fields in entries or ()]

    async def take(self, lease: Lease, lasts: float) -> bool:
        with available():
            taken = await self._take(keys=[PREFIX + lease.key], args=[lease.value, int(lasts * 1_000)])
        return bool(taken)

    async def release(self, lease: Lease) -> None:
        with available():
            await self._release(keys=[PREFIX + lease.key], args=[lease.value])

    async def holder(self, key: str) -> bytes | None:
        with available():
            held: Any = await self._client.get(PREFIX + key)
        return None if held is None else bytes(held)


def _place(identity: str) -> tuple[int, int]:
    time, _, number = identity.partition("-")
    return int(time), int(number or 0)


@contextlib.contextmanager
def available() -> Iterator[None]:
    """`BusAway` for whatever says that Redis does not serve now; its answers to a script stay what they are."""
    try:
        yield
    except ResponseError as error:
        if NOT_HELD in str(error):
            raise
        raise BusAway(str(error)) from error
    except (RedisError, OSError, TimeoutError) as error:
        raise BusAway(str(error) or type(error).__name__) from error
