"""A UDP proxy that loses datagrams, in both directions, by a seeded generator."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from typing import cast

Address = tuple[str, int]


class LossyProxy(asyncio.DatagramProtocol):
    """Each client gets a socket of its own towards the server, as behind a NAT. `loss` may change on the way."""

    def __init__(self, server: Address, loss: float, seed: int) -> None:
        self._server = server
        self.loss = loss
        self._chance = random.Random(seed)
        self._clients: dict[Address, _Upstream] = {}
        self._transport: asyncio.DatagramTransport | None = None
        self.counts: Counter[str] = Counter()

    @classmethod
    async def start(cls, server: Address, loss: float, seed: int) -> LossyProxy:
        loop = asyncio.get_running_loop()
        _, proxy = await loop.create_datagram_endpoint(lambda: cls(server, loss, seed), local_addr=("127.0.0.1", 0))
        return proxy

    @property
    def port(self) -> int:
        assert self._transport is not None
        return int(self._transport.get_extra_info("sockname")[1])

    def close(self) -> None:
        for client in self._clients.values():
            client.close()
        if self._transport is not None:
            self._transport.close()

    async def rebind(self) -> None:
        """Every client appears from a new port from now on, as after a NAT lost its table."""
        for client in self._clients.values():
            client.close()
            await client.open(self._server)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, source: Address) -> None:
        client = self._clients.get(source)
        if client is None:
            client = self._clients[source] = _Upstream(self, source)
            client.opening = asyncio.get_running_loop().create_task(client.open(self._server, data))
        elif self._passes("up"):
            client.send(data)

    def downstream(self, data: bytes, client: Address) -> None:
        if self._passes("down") and self._transport is not None:
            self._transport.sendto(data, client)

    def _passes(self, direction: str) -> bool:
        lost = self._chance.random() < self.loss
        self.counts[f"{direction} {'lost' if lost else 'passed'}"] += 1
        return not lost


class _Upstream(asyncio.DatagramProtocol):
    def __init__(self, proxy: LossyProxy, client: Address) -> None:
        self._proxy = proxy
        self._client = client
        self._transport: asyncio.DatagramTransport | None = None
        self.opening: asyncio.Task[None] | None = None

    async def open(self, server: Address, first: bytes = b"") -> None:
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_datagram_endpoint(lambda: self, remote_addr=server)
        if first:
            self.send(first)

    def send(self, data: bytes) -> None:
        if self._transport is not None:
            self._transport.sendto(data)

    def datagram_received(self, data: bytes, source: Address) -> None:
        self._proxy.downstream(data, self._client)

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()
