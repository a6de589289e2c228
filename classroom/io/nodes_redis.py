"""This process's place among the nodes, over Redis. What nodes must have in common they hold as a lease of the same
value: a node whose value is another is refused at its start, with a sentence."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import time
from collections.abc import AsyncIterator

from classroom.errors import BusAway, SettingsError
from classroom.io.bus_redis import RedisBus
from classroom.io.homes_sqlalchemy import Homes
from classroom.io.node_asyncio import Node
from classroom.io.stores_sqlalchemy import Stores
from classroom.ports import Lease
from classroom.settings import Settings

CLAIM = 15.0
"""Seconds that a node's claims last when it is gone."""
CLAIM_EVERY = 5.0

_log = logging.getLogger(__name__)


@contextlib.asynccontextmanager
async def open_node(redis_url: str, url: str, settings: Settings, stores: Stores) -> AsyncIterator[Node]:
    """`url`: where pages reach this node. Where Redis does not answer the node goes on as far as it can without. Raises
    `SettingsError` where another node has other keys, or this node's name."""
    bus = RedisBus(redis_url)
    node = Node(bus, Homes(stores.engine), stores.recorder.node, stores.recorder.boot, url, time.monotonic)
    keys = Lease("keys", stores.keys.fingerprint().encode())
    name = Lease(f"node.{node.name}", f"{socket.gethostname()}:{settings.data_dir.absolute()}".encode())
    claiming: asyncio.Task[None] | None = None
    try:
        if not await _take(node, keys):
            raise SettingsError(
                f"the keys in {settings.keys} are not those of the other nodes: copy that folder from one node to all "
                "of them before their first start (CLASSROOM_KEYS_DIR)"
            )
        if not await _take(node, name):
            raise SettingsError(
                f"another node is named {node.name}: a data folder was copied; remove {settings.data_dir / 'node'}"
            )
        claiming = asyncio.create_task(_claim(node, (keys, name)), name="claims")
        yield node
    finally:
        if claiming is not None:
            claiming.cancel()
            await asyncio.gather(claiming, return_exceptions=True)
        with contextlib.suppress(BusAway):
            await bus.release(name)
        await bus.close()


async def _take(node: Node, claim: Lease) -> bool:
    try:
        return await node.bus.take(claim, CLAIM)
    except BusAway as error:
        node.lost(error)
        return True


async def _claim(node: Node, claims: tuple[Lease, ...]) -> None:
    while True:
        await asyncio.sleep(CLAIM_EVERY)
        for claim in claims:
            if not await _take(node, claim):
                _log.error("another node claims %s with another value: are its keys others?", claim.key)
