"""WHEP before Janus's streaming plugin: signaling only, the media goes between player and Janus directly.

    python -m benchmarks.peers.whep_janus --janus ws://192.0.2.7:8188 --address 192.0.2.7 --port 8081

One WebSocket session holds a handle for each player (Janus's documentation, "Janus Session API").
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import itertools
import logging
import signal
from typing import Any

from aiohttp import ClientSession, ClientWebSocketResponse, WSMsgType, web

from benchmarks.peers.sdp_janus import Unusable, join, parse

MOUNTPOINT = 1
PATH = "/whep"
OFFER_LIMIT = 64 << 10  # bytes
REQUEST_SECONDS = 20.0
KEEP_ALIVE_SECONDS = 20.0  # Janus ends a session after 60 s
log = logging.getLogger(__name__)


class JanusError(Exception):
    """What Janus answered instead."""


class Session:
    """Requests to Janus by WebSocket; answers are told apart by transaction."""

    def __init__(self, socket: ClientWebSocketResponse) -> None:
        self._socket = socket
        self._waiting: dict[str, asyncio.Future[dict[str, Any]]] = {}
        self._transactions = itertools.count(1)
        self._session = 0

    async def begin(self) -> None:
        self._session = (await self._request({"janus": "create"}))["data"]["id"]

    async def attach(self) -> int:
        """A new handle of the streaming plugin."""
        answer = await self._request({"janus": "attach", "plugin": "janus.plugin.streaming"})
        handle: int = answer["data"]["id"]
        return handle

    async def message(self, handle: int, body: dict[str, object], jsep: dict[str, str] | None = None) -> dict[str, Any]:
        """The plugin's event."""
        request: dict[str, object] = {"janus": "message", "handle_id": handle, "body": body}
        event = await self._request(request if jsep is None else {**request, "jsep": jsep})
        if "error" in event.get("plugindata", {}).get("data", {}):
            raise JanusError(str(event["plugindata"]["data"]))
        return event

    async def detach(self, handle: int) -> None:
        await self._request({"janus": "detach", "handle_id": handle})

    async def run(self) -> None:
        """Reads until Janus closes; keeps the session alive."""
        keeper = asyncio.create_task(self._keep_alive())
        try:
            async for message in self._socket:
                if message.type is WSMsgType.TEXT:
                    self._arrived(message.json())
        finally:
            keeper.cancel()
            for waiting in self._waiting.values():
                waiting.cancel()

    def _arrived(self, message: dict[str, Any]) -> None:
        waiting = self._waiting.get(message.get("transaction", ""))
        if waiting is None or waiting.done():
            return
        match message["janus"]:
            case "ack":  # the event follows
                return
            case "error":
                waiting.set_exception(JanusError(str(message["error"])))
            case _:
                waiting.set_result(message)

    async def _keep_alive(self) -> None:
        while True:
            await asyncio.sleep(KEEP_ALIVE_SECONDS)
            transaction = f"keep-{next(self._transactions)}"
            await self._socket.send_json(
                {"janus": "keepalive", "session_id": self._session, "transaction": transaction}
            )

    async def _request(self, request: dict[str, object]) -> dict[str, Any]:
        transaction = str(next(self._transactions))
        waiting: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._waiting[transaction] = waiting
        try:
            async with asyncio.timeout(REQUEST_SECONDS):
                known = {"session_id": self._session} if self._session else {}
                await self._socket.send_json({**request, **known, "transaction": transaction})
                return await waiting
        finally:
            del self._waiting[transaction]


class Handlers:
    """POST, DELETE and PATCH of WHEP."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._handles: set[int] = set()

    def routes(self) -> list[web.RouteDef]:
        return [
            web.post(PATH, self.open),
            web.delete(PATH + r"/{handle:\d{1,16}}", self.close),
            web.patch(PATH + r"/{handle:\d{1,16}}", self.candidates),
        ]

    async def open(self, request: web.Request) -> web.Response:
        try:
            player = parse(await request.text())
            handle = await self._session.attach()
            try:
                answer = await self._watch(handle, player)
            except BaseException:
                await self._session.detach(handle)
                raise
        except Unusable as error:
            raise web.HTTPUnprocessableEntity(text=str(error)) from error
        except (JanusError, TimeoutError) as error:
            log.warning("Janus: %r", error)
            raise web.HTTPBadGateway(text=str(error)) from error
        self._handles.add(handle)
        headers = {"Location": f"{PATH}/{handle}"}
        return web.Response(status=201, text=answer, content_type="application/sdp", headers=headers)

    async def _watch(self, handle: int, player: Any) -> str:
        watched = await self._session.message(handle, {"request": "watch", "id": MOUNTPOINT})
        to_player, to_janus = join(player, parse(watched["jsep"]["sdp"]))
        await self._session.message(handle, {"request": "start"}, {"type": "answer", "sdp": to_janus})
        return to_player

    async def close(self, request: web.Request) -> web.Response:
        handle = int(request.match_info["handle"])
        if handle not in self._handles:
            raise web.HTTPNotFound
        self._handles.discard(handle)
        await self._session.detach(handle)
        return web.Response()

    async def candidates(self, request: web.Request) -> web.Response:
        """Janus is ICE-lite and needs none."""
        return web.Response(status=204)


async def serve(janus: str, address: str, port: int) -> None:
    """Until Janus closes the session, or SIGTERM."""
    async with ClientSession() as client, client.ws_connect(janus, protocols=["janus-protocol"]) as socket:
        session = Session(socket)
        reading = asyncio.create_task(session.run())
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, reading.cancel)
        await session.begin()
        app = web.Application(client_max_size=OFFER_LIMIT)
        app.add_routes(Handlers(session).routes())
        runner = web.AppRunner(app)
        await runner.setup()
        try:
            await web.TCPSite(runner, address, port).start()
            with contextlib.suppress(asyncio.CancelledError):
                await reading
        finally:
            await runner.cleanup()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.peers.whep_janus", description="WHEP before Janus")
    parser.add_argument("--janus", required=True, help="ws:// address of Janus")
    parser.add_argument("--address", required=True)
    parser.add_argument("--port", type=int, required=True)
    given = parser.parse_args()
    asyncio.run(serve(given.janus, given.address, given.port))


if __name__ == "__main__":
    main()
