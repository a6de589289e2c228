"""The relay as the web process sees it, over its Unix socket: `ports.Relay`, with reconnection."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections import deque
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import TypeVar

from signaling.control import (
    Audience,
    ClosePeer,
    Closing,
    Event,
    ListPeers,
    NotOpened,
    Opened,
    OpenPeer,
    OpenPublication,
    OpenViewer,
    PeerClosed,
    Peers,
    Route,
    ToRelay,
    ToWeb,
    ViewerReported,
)
from signaling.errors import ProtocolError, Refusal, Refused
from signaling.io.frames_unix import Frames
from signaling.ports import Act, Grant, RelayDown, RelayUp
from signaling.session.answer import Answer
from signaling.session.offer import Offer

ANSWER_TIMEOUT = 5.0  # seconds until a question counts as unanswered
MAX_PENDING = 4_000  # questions under way
MAX_EVENTS = 50_000  # events that wait for their one consumer
CLOSE_WITHIN = 1.0  # seconds that a close is waited for
RECONNECT = (0.05, 0.2)  # seconds: the first pause and the longest
RETRY_AFTER = {Refusal.RELAY_DOWN: 1, Refusal.FULL: 30}  # seconds, for those whom the relay refuses

_log = logging.getLogger(__name__)
_Answer = TypeVar("_Answer", Answer, tuple[OpenPeer, ...])


class UnixRelay:
    """`ports.Relay`. Somebody must own `run()`; until it has connected every method raises `Refused(RELAY_DOWN)`.

    `close` raises `Refused(NO_SESSION)` for a peer that the relay does not have. Where the consumer of `events` falls
    50,000 events behind, the connection is broken on purpose: the consumer then sees `RelayDown` and `RelayUp`, and
    asks for `peers()` as after any restart.
    """

    def __init__(
        self, path: Path, *, timeout: float = ANSWER_TIMEOUT, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._path = path
        self._timeout = timeout
        self._clock = clock
        self._writer: asyncio.StreamWriter | None = None
        self._frames: Frames[ToWeb] = Frames(ToWeb)
        self._requests = 0
        self._opening: dict[int, asyncio.Future[Answer]] = {}
        self._listing: dict[int, asyncio.Future[tuple[OpenPeer, ...]]] = {}
        self._closing: dict[str, asyncio.Event] = {}
        self._known: set[str] = set()
        self._complete = False  # whether `_known` holds all peers
        self._events: deque[Event | RelayUp | RelayDown] = deque()
        self._arrived = asyncio.Event()

    @property
    def up(self) -> bool:
        return self._writer is not None

    async def run(self) -> None:
        """Connect, read, connect again; until cancelled."""
        pause, longest = RECONNECT
        while True:
            try:
                reader, writer = await asyncio.open_unix_connection(str(self._path))
            except OSError:
                await asyncio.sleep(pause)
                pause = min(2 * pause, longest)
                continue
            pause = RECONNECT[0]
            try:
                await self._serve(reader, writer)
            finally:
                self._disconnected(writer)
            await asyncio.sleep(pause)

    async def open(self, grant: Grant, peer: str, offer: Offer) -> Answer:
        request = self._next_request()
        message: ToRelay
        if grant.act is Act.PUBLISH:
            message = OpenPublication(
                request=request,
                peer=peer,
                lecture=grant.lecture,
                member=grant.member,
                slot=grant.slots[0],
                offer=offer,
            )
        else:
            message = OpenViewer(
                request=request,
                peer=peer,
                lecture=grant.lecture,
                member=grant.member,
                slots=grant.slots,
                offer=offer,
                proof=grant.proof,
            )
        return await self._ask(message, request, self._opening)

    async def close(self, peer: str, reason: Closing) -> None:
        if not self.knows(peer):
            raise Refused(Refusal.NO_SESSION)
        closed = self._closing.setdefault(peer, asyncio.Event())
        await self._send(ClosePeer(peer=peer, reason=reason))
        # Who is told that it is closed may close its own end next; that farewell must not come before ours.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_WITHIN):
                await closed.wait()
        self._closing.pop(peer, None)
        self._known.discard(peer)

    def knows(self, peer: str) -> bool:
        return not self._complete or peer in self._known

    async def route(self, publication: str, slot: str | None, audience: Audience) -> None:
        await self._send(Route(publication=publication, slot=slot, audience=audience))

    async def reported(self, peer: str, lost_share: float, frozen_ms: int) -> None:
        await self._send(ViewerReported(peer=peer, lost_share=lost_share, frozen_ms=frozen_ms))

    async def peers(self) -> tuple[OpenPeer, ...]:
        request = self._next_request()
        return await self._ask(ListPeers(request=request), request, self._listing)

    async def events(self) -> AsyncIterator[Event | RelayUp | RelayDown]:
        """For one consumer."""
        while True:
            while self._events:
                yield self._events.popleft()
            self._arrived.clear()
            await self._arrived.wait()

    # --- asking ------------------------------------------------------------------------------------------------------

    def _next_request(self) -> int:
        self._requests += 1
        return self._requests

    async def _ask(self, message: ToRelay, request: int, pending: dict[int, asyncio.Future[_Answer]]) -> _Answer:
        if len(pending) >= MAX_PENDING:
            raise _down("too many questions under way")
        future: asyncio.Future[_Answer] = asyncio.get_running_loop().create_future()
        pending[request] = future
        try:
            async with asyncio.timeout(self._timeout):
                await self._send(message)
                return await future
        except TimeoutError:
            raise _down("the relay does not answer") from None
        finally:
            del pending[request]

    async def _send(self, message: ToRelay) -> None:
        if self._writer is None:
            raise _down("not connected to the relay")
        try:
            self._writer.write(self._frames.encode(message))
            await self._writer.drain()
        except ConnectionError:
            raise _down("the connection to the relay broke") from None

    # --- reading -----------------------------------------------------------------------------------------------------

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writer = writer
        self._tell(RelayUp(at=self._clock()))
        writer.write(self._frames.encode(ListPeers(request=0)))
        while len(self._events) < MAX_EVENTS:
            try:
                message = await self._frames.read(reader)
            except ProtocolError as error:
                _log.error("the relay's control connection is closed: %s", error)
                return
            if message is None:
                return
            self._handle(message)
        _log.error("events of the relay are not consumed: its control connection starts anew")

    def _handle(self, message: ToWeb) -> None:
        if isinstance(message, Opened):
            self._opened(message)
        elif isinstance(message, NotOpened):
            _settle(
                self._opening.get(message.request),
                Refused(message.reason, message.detail, RETRY_AFTER.get(message.reason)),
            )
        elif isinstance(message, Peers):
            self._known = {one.peer for one in message.peers}
            self._complete = True
            _settle(self._listing.get(message.request), message.peers)
        else:
            if isinstance(message, PeerClosed):
                self._known.discard(message.peer)
                self._closed(message.peer)
            self._tell(message)

    def _opened(self, message: Opened) -> None:
        """An answer after its question was given up: nobody will use that peer, so it is closed."""
        self._known.add(message.peer)
        if not _settle(self._opening.get(message.request), message.answer) and self._writer is not None:
            self._writer.write(self._frames.encode(ClosePeer(peer=message.peer, reason=Closing.DELETED)))

    def _closed(self, peer: str) -> None:
        closing = self._closing.pop(peer, None)
        if closing is not None:
            closing.set()

    def _tell(self, event: Event | RelayUp | RelayDown) -> None:
        self._events.append(event)
        self._arrived.set()

    def _disconnected(self, writer: asyncio.StreamWriter) -> None:
        self._writer = None
        self._known.clear()
        for peer in list(self._closing):
            self._closed(peer)
        self._complete = False
        for opening in self._opening.values():
            _settle(opening, _down("the connection to the relay broke"))
        for listing in self._listing.values():
            _settle(listing, _down("the connection to the relay broke"))
        with contextlib.suppress(OSError, RuntimeError):
            writer.close()
        self._tell(RelayDown(at=self._clock()))


def _down(detail: str) -> Refused:
    return Refused(Refusal.RELAY_DOWN, detail, RETRY_AFTER[Refusal.RELAY_DOWN])


def _settle(future: asyncio.Future[_Answer] | None, result: _Answer | Refused) -> bool:
    if future is None or future.done():
        return False
    if isinstance(result, Refused):
        future.set_exception(result)
    else:
        future.set_result(result)
    return True
