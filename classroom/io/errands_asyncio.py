"""What rooms want done that takes time, so that no room ever waits: facts to store, words to the relay and the list.

Facts are stamped in the order in which they are handed in; their storing is awaited by a task of its own each, so that
the recorder commits many at once. Everything else is done one after the other, in order.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable

from sqlalchemy.exc import SQLAlchemyError

from attendance.errors import AttendanceError, StoreUnavailable
from attendance.facts import Body
from attendance.ports import Recorder
from classroom.errors import UserError
from signaling.errors import Refused

WAITING = 20_000
CLOSE_WITHIN = 5.0
STORED_WITHIN = 10.0
"""Seconds that somebody waits for a fact to be stored before they are told that it is not yet."""

_log = logging.getLogger(__name__)


class Errands:
    """Errands are run within `open()`."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._waiting: asyncio.Queue[Callable[[], Awaitable[None]]] = asyncio.Queue(WAITING)
        self._tasks: asyncio.TaskGroup | None = None
        self._storing: set[asyncio.Task[None]] = set()

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """At its end what is under way is waited for, for some seconds."""
        async with asyncio.TaskGroup() as tasks:
            self._tasks = tasks
            runner = tasks.create_task(self._run(), name="errands")
            yield
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(CLOSE_WITHIN):
                    await self._waiting.join()
            runner.cancel()
            if self._storing:
                _, late = await asyncio.wait(self._storing, timeout=CLOSE_WITHIN)
                for task in late:  # the fact is in the recorder's hands, which keeps it
                    task.cancel()
        self._tasks = None

    def record(self, lecture: str, body: Body, happened: int | None = None) -> None:
        if self._tasks is None:
            raise RuntimeError("errands are not open")
        task = self._tasks.create_task(self._keep(lecture, body, happened))
        self._storing.add(task)
        task.add_done_callback(self._storing.discard)

    def put(self, errand: Callable[[], Awaitable[None]]) -> None:
        """Beyond 20,000 that wait, an errand is dropped and logged: the relay has then been away for long, and is told
        everything anew when it is back."""
        try:
            self._waiting.put_nowait(errand)
        except asyncio.QueueFull:
            _log.error("too many errands wait: one is dropped")

    async def store(self, lecture: str, body: Body, happened: int | None) -> None:
        """Like `record`, for who waits until it is stored. Raises `UserError`: "not-stored", or "stored-later" where
        it waits for the database, which will have it once it is back."""
        try:
            async with asyncio.timeout(STORED_WITHIN):
                await self._recorder.record(lecture, body, happened)
        except (TimeoutError, StoreUnavailable) as error:
            raise UserError("stored-later") from error
        except (AttendanceError, SQLAlchemyError, ValueError) as error:
            _not_stored(lecture, body, error)
            raise UserError("not-stored") from error

    async def _keep(self, lecture: str, body: Body, happened: int | None) -> None:
        try:
            await self._recorder.record(lecture, body, happened)
        except (AttendanceError, SQLAlchemyError, ValueError) as error:
            _not_stored(lecture, body, error)

    async def _run(self) -> None:
        while True:
            errand = await self._waiting.get()
            try:
                await errand()
            except Refused as refused:  # the peer is gone, or the relay is: its events say so
                _log.info("an errand for the relay was refused: %s", refused)
            except SQLAlchemyError as error:  # the list's copy of a lecture's state; the facts hold the truth
                _log.error("a lecture's state cannot be written: %s", type(error).__name__)
            finally:
                self._waiting.task_done()


def _not_stored(lecture: str, body: Body, error: Exception) -> None:
    _log.error("a fact of lecture %s is not stored: %s: %s", lecture, type(body).__name__, error)
