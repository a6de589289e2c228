"""WHEP over HTTP: viewers join and leave at any server that speaks it (draft-ietf-wish-whep)."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Any, TypeVar
from urllib.parse import urljoin

import aiohttp

from benchmarks.viewers.crowd import Crowd
from benchmarks.viewers.description import SLOTS, audio_type, offer, read
from benchmarks.viewers.viewer import State, Viewer

TRIES = 20
LONGEST_WAIT = 5.0  # seconds: what is waited for at most where Retry-After asks for more
LATER = (429, 503)
CONNECTIONS = 256

Result = TypeVar("Result")


class NotJoined(Exception):
    """The server refused, or no connection came about; the text says which. `later`: it asked to come back later."""

    def __init__(self, text: str, later: bool = False) -> None:
        super().__init__(text)
        self.later = later


@dataclass(eq=False)
class Joined:
    """One viewer's session. Times in ns of CLOCK_REALTIME."""

    viewer: Viewer
    ticket: str
    location: str
    asked: int
    """When the first POST began."""
    answered: int
    """When the 201 came."""
    connected: int = 0
    tries: int = 1


class Door:
    """`join` and `leave`, for one event loop. `url` is the server's WHEP address, `slots` and `full` say what is
    offered (benchmarks/viewers/description.py)."""

    def __init__(self, crowd: Crowd, url: str, slots: int = SLOTS, full: bool = False) -> None:
        self.url = url
        self.retries = 0
        self._crowd = crowd
        self._slots = slots
        self._full = full
        self._loop = asyncio.get_running_loop()
        self._settled: dict[Viewer, asyncio.Future[State]] = {}
        crowd.changed = self._changed
        self.session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=CONNECTIONS), timeout=aiohttp.ClientTimeout(total=60)
        )

    async def __aenter__(self) -> Door:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.session.close()

    async def join(
        self,
        ticket: str,
        group: int = 0,
        decrypts: bool = False,
        loss: float = 0.0,
        within: float = 15.0,
        tries: int = TRIES,
    ) -> Joined:
        """Returns once DTLS is done; asks up to `tries` times where the server says later. Raises `NotJoined`."""
        viewer = await self.run(self._crowd.add, group, decrypts, loss)
        try:
            joined, text = await self._post(viewer, ticket, tries)
            settled = self._settled[viewer] = self._loop.create_future()
            try:
                await self.run(self._crowd.connect, viewer, read(text), audio_type(text))
                async with asyncio.timeout(within):
                    state = await settled
            except TimeoutError:
                raise NotJoined(f"no connection within {within:g} s") from None
            if state is not State.CONNECTED:
                raise NotJoined(f"{state.value}: {viewer.detail}")
            joined.connected = time.time_ns()
            return joined
        except BaseException:
            await self.run(self._crowd.remove, viewer)
            raise
        finally:
            self._settled.pop(viewer, None)

    async def leave(self, joined: Joined) -> None:
        """DELETE, as a page does, then close the socket."""
        with contextlib.suppress(aiohttp.ClientError, TimeoutError):
            async with self.session.delete(urljoin(self.url, joined.location)):
                pass
        await self.forget(joined)

    async def forget(self, joined: Joined) -> None:
        """Close the socket without a word, as a phone that is switched off."""
        await self.run(self._crowd.remove, joined.viewer)

    async def run(self, function: Callable[..., Result], *arguments: Any) -> Result:
        """`Crowd.call`, awaited."""
        return await asyncio.wrap_future(self._crowd.call(function, *arguments))

    async def _post(self, viewer: Viewer, ticket: str, tries: int) -> tuple[Joined, str]:
        """The session, and the answer's text."""
        body = offer(viewer.local, self._slots, self._full)
        headers = {"Content-Type": "application/sdp"}
        if ticket:
            headers["Authorization"] = f"Bearer {ticket}"
        asked, later = time.time_ns(), False
        for number in range(1, tries + 1):
            try:
                async with self.session.post(self.url, data=body, headers=headers) as answer:
                    text = await answer.text()
                    if answer.status == 201:
                        location = answer.headers.get("Location", "")
                        return Joined(viewer, ticket, location, asked, time.time_ns(), tries=number), text
                    if answer.status not in LATER:
                        raise NotJoined(f"HTTP {answer.status}: {text[:200]}")
                    wait, later = answer.headers.get("Retry-After", ""), True
            except (aiohttp.ClientError, TimeoutError) as error:
                wait, text, later = "", repr(error), True
            self.retries += 1
            if number == tries:
                break
            await asyncio.sleep(min(float(wait) if wait.isdigit() else 0.5, LONGEST_WAIT))
        raise NotJoined(f"no answer in {tries} tries: {text[:200]}", later)

    def _changed(self, viewer: Viewer) -> None:
        """In the crowd's thread."""
        with contextlib.suppress(RuntimeError):  # the loop is closed already
            self._loop.call_soon_threadsafe(self._settle, viewer, viewer.state)

    def _settle(self, viewer: Viewer, state: State) -> None:
        future = self._settled.get(viewer)
        if future is not None and not future.done() and state is not State.CONNECTING:
            future.set_result(state)
