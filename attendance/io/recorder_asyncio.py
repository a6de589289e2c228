"""Stamps facts and sees to it that each one is stored, whatever becomes of the database.

Theory of operation. `record` stamps a fact with this process's node, boot and next counter and puts it in one queue.
One task takes everything that waits (up to a batch) and appends it in one transaction, so that facts which come
together share one fsync; then it acknowledges them, in order. A fact that comes alone is stored at once; where they
follow each other closely the next transaction waits a moment for more, since it costs the same for one and for many.
While the database is away, the queue's facts are also written to the spool, and their callers keep waiting:
acknowledged means committed, never less. When the database is back, the queue is appended in its order and the spool is
emptied; facts that were stored although the answer got lost are recognized by their ids. A process that died leaves its
spool to the next one, which appends it before its own.

The queue holds at most `MAX_WAITING` facts; further callers wait for room, in order.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

from attendance.chain import encode_body
from attendance.errors import RecorderClosed, StoreUnavailable
from attendance.facts import Body, Fact, LectureMoved, LectureState
from attendance.io.spool_file import Orphan, Spool, adopt, set_aside
from attendance.ports import Clock, Notary, Store

MAX_WAITING = 20_000
"""Facts; some hours of one lecture without a database."""
BATCH = 500
"""Facts in one transaction."""
GATHER = 0.05
"""Seconds from the end of a transaction to the next at least, unless a whole batch waits."""
APPEND_TIMEOUT = 5.0
"""Seconds after which a database that does not answer is taken to be away."""
FIRST_PAUSE = 0.1
LONGEST_PAUSE = 5.0
"""Seconds between two tries while the database is away; doubled from the first to the longest."""
SEAL_EVERY = 60.0
"""Seconds between two signed heads of a lecture that grows."""
DRAIN = 5.0
"""Seconds that a stop waits for the database."""

_log = logging.getLogger(__name__)


class _Waiting(NamedTuple):
    """A fact to be stored. Nobody waits (`future` None) for those of a dead process."""

    fact: Fact
    future: asyncio.Future[None] | None


class LedgerRecorder:
    """Implements `attendance.ports.Recorder`. Use it as an asynchronous context manager, or call `start` and `stop`.

    `folder` (which must exist) keeps the spools of this node's processes; `node` names the node for ever, `boot` this
    run of the process, random and never used again.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        folder: Path,
        *,
        node: str,
        boot: str,
        notary: Notary | None = None,
        seal_every: float = SEAL_EVERY,
    ) -> None:
        self.node = node
        self.boot = boot
        self.away = False
        """Whether the database did not answer the last time."""
        self._store = store
        self._clock = clock
        self._folder = folder
        self._spool = Spool(folder, boot)
        self._notary = notary
        self._seal_every = seal_every
        self._counter = itertools.count(1)
        self._queue: deque[_Waiting] = deque()
        self._kept = 0  # how many of the queue, from its front, are in the spool too
        self._committed = 0.0  # the loop's time at the end of the last transaction
        self._room = asyncio.Semaphore(MAX_WAITING)
        self._wake = asyncio.Event()
        self._seal_now = asyncio.Event()
        self._unsealed: set[str] = set()
        self._followers: list[Callable[[Fact], None]] = []
        self._closed = True
        self._task: asyncio.Task[None] | None = None

    @property
    def waiting(self) -> int:
        """Facts that are not yet stored."""
        return len(self._queue)

    def follow(self, follower: Callable[[Fact], None]) -> Callable[[], None]:
        """Calls `follower` with each fact once it is stored, in order, also with those of a dead process that are
        stored late. Returns what ends it. A follower must be quick and not raise."""
        self._followers.append(follower)
        return lambda: self._followers.remove(follower) if follower in self._followers else None

    async def record(self, lecture: str, body: Body, happened: int | None = None) -> None:
        """Completes when the fact is committed. A caller that is cancelled no longer waits; the fact is stored all
        the same.

        Raises `ValueError` for a body that cannot be stored, `RecorderClosed` where the recorder does not run, and
        `StoreUnavailable` if it is stopped while the fact waits in the spool for the next process.
        """
        encode_body(body)
        time = self._clock.now() if happened is None else happened
        if self._closed:
            raise RecorderClosed
        await self._room.acquire()
        if self._closed:
            self._room.release()  # whoever waits behind learns it too
            raise RecorderClosed
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._queue.append(_Waiting(Fact(lecture, self.node, self.boot, next(self._counter), time, body), future))
        self._wake.set()
        await future

    async def start(self) -> None:
        """Adopts the spools of dead processes and begins to store. Raises `OSError`."""
        orphans = await asyncio.to_thread(adopt, self._folder)
        self._closed = False
        self._task = asyncio.create_task(self._run(orphans), name="attendance recorder")

    async def stop(self) -> None:
        """Takes no more facts, stores what waits or, where the database is away, leaves it in the spool."""
        if self._task is None:
            return
        self._close()
        task, self._task = self._task, None
        await asyncio.wait([task], timeout=DRAIN)
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    def _close(self) -> None:
        self._closed = True
        self._wake.set()
        self._seal_now.set()
        self._room.release()

    async def _run(self, orphans: list[Orphan]) -> None:
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._write(orphans), name="attendance writer")
                group.create_task(self._seal_regularly(), name="attendance notary")
            await self._seal()
        except Exception:
            _log.exception("the recorder failed; its facts wait in the spool for the next start")
            raise
        finally:
            self._close()
            await self._leave()

    # --- storing ----------------------------------------------------------------------------------------------------

    async def _write(self, orphans: list[Orphan]) -> None:
        try:
            while orphans:
                await self._replay(orphans[0])
                orphans.pop(0).release(done=True)
        finally:
            for orphan in orphans:
                orphan.release(done=False)
        while self._queue or not self._closed:
            if not self._queue:
                self._wake.clear()
                await self._wake.wait()
                continue
            if len(self._queue) < BATCH and not self._closed:
                await asyncio.sleep(self._committed + GATHER - asyncio.get_running_loop().time())
            batch = list(itertools.islice(self._queue, BATCH))
            await self._commit(batch)
            self._committed = asyncio.get_running_loop().time()
            for _ in batch:
                self._queue.popleft()
                self._room.release()
            if self._kept:
                self._kept = max(0, self._kept - len(batch))
                if not self._kept:
                    await self._empty_spool()

    async def _replay(self, orphan: Orphan) -> None:
        facts = orphan.facts()
        while batch := await asyncio.to_thread(_take, facts):
            _log.info("storing %d facts of a process that died, from %s", len(batch), orphan.path)
            await self._commit([_Waiting(fact, None) for fact in batch])

    async def _commit(self, batch: list[_Waiting]) -> None:
        """Returns when each of the batch is stored, or refused for good."""
        pause = FIRST_PAUSE
        while True:
            try:
                async with asyncio.timeout(APPEND_TIMEOUT):
                    await self._store.append([waiting.fact for waiting in batch])
                break
            except (StoreUnavailable, TimeoutError) as error:
                if not self.away:
                    _log.error("the database is away, facts go to the spool: %r", error)
                self.away = True
                await self._endure(pause)
                pause = min(2 * pause, LONGEST_PAUSE)
            except Exception as error:
                if len(batch) == 1:
                    await self._refuse(batch[0], error)
                else:
                    for waiting in batch:
                        await self._commit([waiting])
                return
        if self.away:
            _log.info("the database is back")
        self.away = False
        for waiting in batch:
            self._announce(waiting)

    def _announce(self, waiting: _Waiting) -> None:
        fact = waiting.fact
        for follower in list(self._followers):
            try:
                follower(fact)
            except Exception:
                _log.exception("a follower of the ledger failed")
        self._unsealed.add(fact.lecture)
        if isinstance(fact.body, LectureMoved) and fact.body.state is LectureState.ENDED:
            self._seal_now.set()
        if waiting.future is not None and not waiting.future.done():
            waiting.future.set_result(None)

    async def _refuse(self, waiting: _Waiting, error: Exception) -> None:
        fact = waiting.fact
        _log.error("fact %s/%s/%d cannot be stored: %s", fact.node, fact.boot, fact.counter, error)
        try:
            await asyncio.to_thread(set_aside, self._folder, fact)
        except OSError:
            _log.exception("nor can it be set aside")
        if waiting.future is not None and not waiting.future.done():
            waiting.future.set_exception(error)

    # --- while the database is away ---------------------------------------------------------------------------------

    async def _endure(self, pause: float) -> None:
        """Keeps what waits, and what comes meanwhile, in the spool."""
        loop = asyncio.get_running_loop()
        until = loop.time() + pause
        while (rest := until - loop.time()) > 0:
            self._wake.clear()
            await self._keep()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(rest):
                    await self._wake.wait()

    async def _keep(self) -> None:
        fresh = [waiting.fact for waiting in itertools.islice(self._queue, self._kept, None)]
        if not fresh:
            return
        try:
            await asyncio.to_thread(self._spool.write, fresh)
        except OSError:
            _log.exception("the spool cannot be written; %d facts are in memory only", len(fresh))
        else:
            self._kept += len(fresh)

    async def _empty_spool(self) -> None:
        try:
            await asyncio.to_thread(self._spool.clear)
        except OSError:  # what is stored twice is stored once
            _log.exception("the spool cannot be emptied")

    async def _leave(self) -> None:
        """At the end: what is not stored waits in the spool for the next process."""
        await self._keep()
        while self._queue:
            future = self._queue.popleft().future
            if future is not None and not future.done():
                future.set_exception(StoreUnavailable("the service stopped; the fact waits in the spool"))
        await asyncio.to_thread(self._spool.close)

    # --- heads ------------------------------------------------------------------------------------------------------

    async def _seal_regularly(self) -> None:
        while not self._closed:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._seal_every):
                    await self._seal_now.wait()
            self._seal_now.clear()
            await self._seal()

    async def _seal(self) -> None:
        """Signs the heads of the lectures that have grown; those that cannot be read now stay for the next time."""
        notary = self._notary
        for lecture in sorted(self._unsealed):
            self._unsealed.discard(lecture)
            if notary is None:
                continue
            try:
                async with asyncio.timeout(APPEND_TIMEOUT):
                    await notary.seal(lecture)
            except (StoreUnavailable, TimeoutError, OSError) as error:
                self._unsealed.add(lecture)
                _log.warning("the head of lecture %s is not signed: %s", lecture, error)


def _take(facts: Iterator[Fact]) -> list[Fact]:
    return list(itertools.islice(facts, BATCH))
