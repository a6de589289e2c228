"""The channel over aiohttp: `GET /ws`, text frames, one socket a page.

Theory of operation: the handler reads, and one writer task a socket writes; everybody else only puts frames into the
socket's bounded queue and never waits. Who does not keep up loses the queue and gets a snapshot instead; who falls
behind again soon is closed. Liveness is the server's own: a ping every five seconds (page timers sleep in hidden
tabs), and a socket that gave no sign for twelve is dead. A member's *connected* ends at the last sign, or with the
close frame itself.

Pages come in with a ticket. Staff in the console come in with the session that they signed in to: its cookie comes with
the socket's own request, and while the socket is open it is looked at again and again, whichever node ended it.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
import secrets
from collections import deque
from collections.abc import Mapping
from typing import Protocol
from urllib.parse import urlsplit

from aiohttp import WSMsgType, web

from attendance.errors import StoreUnavailable
from attendance.ports import Clock
from classroom.errors import ProtocolError, UserError, explained, sentence
from classroom.room.bucket import Bucket
from classroom.room.inputs import Input, Joined, Lagged, Left, Person, Received
from classroom.room.messages import Close, Hello, Problem, decode, encode
from signaling.errors import Refusal, Refused
from signaling.io.problem_aiohttp import REFUSALS, language_of, problem_response
from signaling.session.turnstile import Turnstile

HELLO_WITHIN = 10.0
PING_EVERY = 5.0
SESSIONS_EVERY = 3.0
"""Seconds between two looks at whether who is in the console is still signed in."""
TURNS = 10
"""Parts of the sockets that are pinged one after the other: all at once would hold up whoever comes in just then."""
DEAD_AFTER = 12_000_000
MAX_MESSAGE = 64 * 1024
MAX_FRAMES = 256
MAX_BYTES = 512 * 1024
MAX_SOCKETS = 20_000
WRITE_WITHIN = 15.0
CLOSE_WITHIN = 2.0
LAG_AGAIN = 30_000_000
RATE, BURST = 10.0, 40.0

CLOSES: dict[Refusal, Close] = {
    Refusal.NO_LECTURE: Close.NO_LECTURE,
    Refusal.LECTURE_OVER: Close.LECTURE_OVER,
    Refusal.TOO_MANY_TRIES: Close.TOO_MANY_TRIES,
    Refusal.TOO_MANY_DEVICES: Close.TOO_MANY_DEVICES,
    Refusal.NO_TICKET: Close.TICKET,
    Refusal.BAD_TICKET: Close.TICKET,
    Refusal.EXPIRED: Close.TICKET,
    Refusal.REVOKED: Close.TICKET,
    Refusal.BARRED: Close.BARRED,
}

_log = logging.getLogger(__name__)


class Doorman(Protocol):
    async def enter(self, ticket: str) -> tuple[str, Person]:
        """The lecture that a ticket opens, and whose it is. Raises `Refused`."""

    async def confirm(self, ticket: str) -> None:
        """It still holds. Raises `Refused`."""

    async def turned_away(self, ticket: str, cause: str, detail: str) -> None:
        """Its holder did not come in; `cause` is a word, `detail` where."""


class StaffDoor(Protocol):
    async def enter(self, request: web.Request) -> tuple[str, Person]:
        """The session that a request comes from, and whose it is. Raises `UserError("not-signed-in")`."""

    async def holds(self, session: str) -> bool:
        """Nobody signed out of it and it has not expired. Raises `StoreUnavailable`."""


class Outlet(Protocol):
    """A socket, as the room's shell sees it."""

    connection: str
    evidence: int

    def send(self, frame: bytes) -> None: ...

    def complain(self, reason: str, key: str | None) -> None: ...

    def dismiss(self, code: Close, reason: str) -> None: ...


class Rooms(Protocol):
    async def join(self, lecture: str, outlet: Outlet, joined: Joined) -> None:
        """Raises `Refused`."""

    def feed(self, lecture: str, message: Input) -> None: ...


class ChannelSocket:
    """The sending side of one socket. `evidence`: when its page last gave a sign, µs since the epoch; `turn`: when it
    is pinged."""

    def __init__(self, websocket: web.WebSocketResponse, request: web.Request, clock: Clock, turn: int) -> None:
        self.connection = f"c-{secrets.token_urlsafe(12)}"
        self.lecture: str | None = None
        self.session: str | None = None  # of staff
        self.evidence = clock.now()
        self.reason = "closed"
        self.turn = turn
        self._websocket = websocket
        self._transport = request.transport
        self._language = language_of(request)
        self._clock = clock
        self._queue: deque[bytes] = deque()
        self._bytes = 0
        self._wake = asyncio.Event()
        self._ping = False
        self._lagging = False
        self._lagged_at: int | None = None
        self._closing: Close | None = None

    # --- what others ask; none of these waits ---

    def send(self, frame: bytes) -> None:
        if self._closing is not None or self._lagging:
            return
        if len(self._queue) >= MAX_FRAMES or self._bytes + len(frame) > MAX_BYTES:
            self._lag()
            return
        self._queue.append(frame)
        self._bytes += len(frame)
        self._wake.set()

    def complain(self, reason: str, key: str | None) -> None:
        self.send(encode(Problem(reason, self._sentence(reason), fatal=False, key=key)))

    def dismiss(self, code: Close, reason: str) -> None:
        """Say why, then close."""
        if self._closing is not None:
            return
        self.reason = reason
        self._queue.append(encode(Problem(reason, self._sentence(reason), fatal=True)))
        self._closing = code
        self._wake.set()

    def abort(self, reason: str) -> None:
        """Cut it: there is nobody at the other end who could read a farewell."""
        self.reason = reason
        self._closing = self._closing or Close.TOO_SLOW
        if self._transport is not None:
            self._transport.abort()
        self._wake.set()

    def ping(self) -> None:
        self._ping = True
        self._wake.set()

    def finish(self) -> None:
        """Nothing more is read: the writer says what is left to say, where the socket is still open, and ends."""
        self._closing = self._closing or Close.RESTARTING
        self._wake.set()

    def alive(self, now: int) -> bool:
        return now - self.evidence <= DEAD_AFTER

    # --- the writer ---

    async def write(self, rooms: Rooms) -> None:
        """Until the socket closes, by whichever side."""
        try:
            while True:
                await self._wake.wait()
                self._wake.clear()
                if self._websocket.closed:
                    return
                await self._write_waiting()
                if self._closing is not None:
                    async with asyncio.timeout(CLOSE_WITHIN):
                        await self._websocket.close(code=self._closing.value)
                    return
                if self._lagging and self.lecture is not None:
                    self._lagging = False
                    rooms.feed(self.lecture, Lagged(self.connection))
        except TimeoutError:
            self.abort("too-slow")
        except (ConnectionError, RuntimeError) as error:  # aiohttp raises RuntimeError on a socket closed meanwhile
            _log.debug("writing to %s ended: %s", self.connection, error)
            self.abort("connection-lost")

    async def _write_waiting(self) -> None:
        """Each frame has its time, and a ping need not wait for all of them: a reader that is slow but reads is not
        cut, but overflows its queue."""
        while self._ping or self._queue:
            async with asyncio.timeout(WRITE_WITHIN):
                if self._ping:
                    self._ping = False
                    await self._websocket.ping()
                if self._queue:
                    frame = self._queue.popleft()
                    self._bytes -= len(frame)
                    await self._websocket.send_frame(frame, WSMsgType.TEXT)

    def _lag(self) -> None:
        now = self._clock.now()
        if self._lagged_at is not None and now - self._lagged_at < LAG_AGAIN:
            self._queue.clear()
            self.dismiss(Close.TOO_SLOW, "too-slow")
            return
        self._lagged_at = now
        self._lagging = True
        self._queue.clear()
        self._bytes = 0
        self._wake.set()

    def _sentence(self, reason: str) -> str:
        if reason in set(Refusal):
            return REFUSALS[Refusal(reason)][1][self._language]
        return sentence(reason, self._language)


class Channel:
    """`turnstile` bounds those who join at once; `public_origin`: the origin of pages that come through a proxy,
    besides the request's own host."""

    def __init__(
        self,
        rooms: Rooms,
        doorman: Doorman,
        staff: StaffDoor,
        turnstile: Turnstile,
        clock: Clock,
        public_origin: str | None = None,
    ) -> None:
        self._rooms = rooms
        self._doorman = doorman
        self._staff = staff
        self._turnstile = turnstile
        self._clock = clock
        self._public_origin = public_origin
        self._sockets: set[ChannelSocket] = set()
        self._turns = itertools.cycle(range(TURNS))
        self._draining = False
        self._empty = asyncio.Event()
        self._empty.set()

    def routes(self) -> list[web.RouteDef]:
        return [web.get("/ws", self.serve)]

    def __len__(self) -> int:
        return len(self._sockets)

    async def run(self) -> None:
        """Pings, buries the dead, and sends away whose session has ended; somebody must own this task."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._ping_all(), name="channel pings")
            tasks.create_task(self._look_at_sessions(), name="channel sessions")

    async def _ping_all(self) -> None:
        for turn in itertools.cycle(range(TURNS)):
            await asyncio.sleep(PING_EVERY / TURNS)
            now = self._clock.now()
            for socket in tuple(self._sockets):
                if socket.turn != turn:
                    continue
                if socket.alive(now):
                    socket.ping()
                else:
                    socket.abort("silent")

    async def _look_at_sessions(self) -> None:
        while True:
            await asyncio.sleep(SESSIONS_EVERY)
            for socket in tuple(self._sockets):
                try:
                    if socket.session is not None and not await self._staff.holds(socket.session):
                        socket.dismiss(Close.TICKET, "not-signed-in")
                except StoreUnavailable as error:
                    _log.warning("sessions cannot be looked at now: %s", error)
                    break

    async def drain(self, within: float) -> None:
        """Tell everybody that the service restarts, and wait until they are gone, at most `within` seconds."""
        self._draining = True
        for socket in tuple(self._sockets):
            socket.dismiss(Close.RESTARTING, "restarting")
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within):
                await self._empty.wait()
        for socket in tuple(self._sockets):
            socket.abort("restarting")

    async def serve(self, request: web.Request) -> web.StreamResponse:
        if not self._welcome(request):
            return _turned_away(request, "cross-site")
        if self._draining or len(self._sockets) >= MAX_SOCKETS:
            return _turned_away(request, "restarting" if self._draining else "busy", {"Retry-After": "5"})
        websocket = web.WebSocketResponse(
            autoping=False, compress=False, max_msg_size=MAX_MESSAGE, timeout=CLOSE_WITHIN
        )
        await websocket.prepare(request)
        socket = ChannelSocket(websocket, request, self._clock, next(self._turns))
        self._sockets.add(socket)
        self._empty.clear()
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(socket.write(self._rooms), name=f"channel {socket.connection}")
                await self._read(request, websocket, socket)
                socket.finish()
        finally:
            self._sockets.discard(socket)
            if not self._sockets:
                self._empty.set()
            if socket.lecture is not None:
                self._rooms.feed(socket.lecture, Left(socket.connection, socket.evidence, socket.reason))
        return websocket

    def _welcome(self, request: web.Request) -> bool:
        """A page of another site must not speak with the ticket of this one; programs send no Origin."""
        origin = request.headers.get("Origin")
        if origin is None:
            return True
        try:
            return urlsplit(origin).netloc == request.host or origin == self._public_origin
        except ValueError:  # brackets that are no address
            return False

    # --- the reader ---

    async def _read(self, request: web.Request, websocket: web.WebSocketResponse, socket: ChannelSocket) -> None:
        try:
            if await self._hello(request, websocket, socket):
                await self._listen(websocket, socket)
        except ProtocolError as error:
            _log.info("channel %s: %s", socket.connection, error)
            socket.dismiss(Close.PROTOCOL, "malformed")
        except UserError as error:
            socket.dismiss(Close.TICKET, error.reason)
        except Refused as refused:
            socket.dismiss(CLOSES.get(refused.reason, Close.RESTARTING), refused.reason.value)

    async def _hello(self, request: web.Request, websocket: web.WebSocketResponse, socket: ChannelSocket) -> bool:
        try:
            async with asyncio.timeout(HELLO_WITHIN):
                frame = await self._frame(websocket, socket)
        except TimeoutError:
            socket.dismiss(Close.NO_HELLO, "no-hello")
            return False
        if frame is None:
            return False
        hello = decode(frame)
        if not isinstance(hello, Hello):
            raise ProtocolError("the first message is not hello")
        with self._turnstile.passing():
            if hello.ticket is not None:
                try:
                    await self._enter(hello.ticket, hello, socket)
                except Refused as refused:
                    await self._doorman.turned_away(hello.ticket, refused.reason.value, hello.page.value)
                    raise
            elif hello.lecture is not None:
                try:
                    socket.session, person = await self._staff.enter(request)
                except StoreUnavailable as error:
                    raise Refused(Refusal.RELAY_DOWN, "the database is away", retry_after=5) from error
                await self._join(hello.lecture, person, hello, socket)
        return True

    async def _enter(self, ticket: str, hello: Hello, socket: ChannelSocket) -> None:
        lecture, person = await self._doorman.enter(ticket)
        await self._join(lecture, person, hello, socket)
        await self._doorman.confirm(ticket)  # replaced, perhaps, while the room did not know of us yet

    async def _join(self, lecture: str, person: Person, hello: Hello, socket: ChannelSocket) -> None:
        socket.lecture = lecture
        await self._rooms.join(lecture, socket, Joined(socket.connection, person, hello.page, hello.device, hello.last))

    async def _listen(self, websocket: web.WebSocketResponse, socket: ChannelSocket) -> None:
        bucket = Bucket(RATE, BURST, self._clock.now())
        while (frame := await self._frame(websocket, socket)) is not None:
            message = decode(frame)
            if isinstance(message, Hello):
                raise ProtocolError("hello again")
            now = self._clock.now()
            if not bucket.take(now):
                socket.dismiss(Close.TOO_MANY_TRIES, "too-many-tries")
                return
            if socket.lecture is not None:
                self._rooms.feed(socket.lecture, Received(socket.connection, message, now))

    async def _frame(self, websocket: web.WebSocketResponse, socket: ChannelSocket) -> str | None:
        """The next text; None at the end. Whatever arrives is a sign of life."""
        while True:
            message = await websocket.receive()
            if message.type is WSMsgType.TEXT:
                socket.evidence = self._clock.now()
                text: str = message.data
                return text
            if message.type is WSMsgType.PING:
                await websocket.pong(message.data)
            elif message.type is WSMsgType.BINARY:
                raise ProtocolError("a binary frame")
            elif message.type is WSMsgType.CLOSE:
                socket.evidence = self._clock.now()
                return None
            elif message.type is not WSMsgType.PONG:
                if socket.reason == "closed":
                    socket.reason = "connection-lost"
                return None
            socket.evidence = self._clock.now()


def _turned_away(request: web.Request, reason: str, headers: Mapping[str, str] | None = None) -> web.Response:
    """Before there is a socket."""
    status, sentences = explained(reason)
    return problem_response(request, reason, status, sentences, headers=headers)
