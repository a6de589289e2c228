"""All viewers of one process: one thread reads, answers and reports for every one of them.

Theory of operation. The thread visits each socket about every 20 ms by the compiled loop (receiving.py), then does in
Python what is rare: handshakes, checks, reports, NACKs. Viewers that are still connecting are visited every 2 ms, so
that a handshake is not held up. Nothing but this thread touches viewers and arrays: other threads pass a function to
`call`, which runs it between two visits.
"""

from __future__ import annotations

import heapq
import itertools
import random
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np

from benchmarks.viewers.counting import (
    AUDIO_TYPE,
    COLUMNS,
    DECRYPTS,
    DROPPED,
    GROUP,
    KIND,
    LOSS,
    ORIGIN,
    RANDOM,
    SSRC,
    Counts,
    clear,
    make_counts,
)
from benchmarks.viewers.description import OPUS, Remote
from benchmarks.viewers.media import Stream
from benchmarks.viewers.receiving import make_receiver, make_socket, sweep
from benchmarks.viewers.table import Table
from benchmarks.viewers.verifying import Verifier
from benchmarks.viewers.viewer import Identity, State, Viewer
from signaling.io.port_udp import Content, content_of

VISIT = 0.02  # seconds between two visits of a socket
QUICK_VISIT = 0.002  # of one that is connecting
REPORT_EVERY = 1.0
ORIGINS_EVERY = 0.1

Result = TypeVar("Result")


@dataclass
class Departed:
    """Sums over viewers that left."""

    viewers: int = 0
    lines: Any = field(default_factory=lambda: np.zeros((2, COLUMNS), np.int64))  # by kind
    dropped: int = 0


class Crowd:
    """`start` and `stop` its thread; `add`, `connect` and `remove` are for that thread: pass them to `call`."""

    def __init__(
        self,
        capacity: int,
        table: Table,
        stream: Stream,
        host: str = "127.0.0.1",
        profile: str = "SRTP_AEAD_AES_128_GCM",
        receive_buffer: int = 4 << 20,
        visit: float = VISIT,
    ) -> None:
        self.counts: Counts = make_counts(capacity, table.sent)
        self.verifier = Verifier(stream)
        self.viewers: dict[int, Viewer] = {}  # by place
        self.departed = Departed()
        self.changed: Callable[[Viewer], None] = lambda viewer: None
        """Called in the crowd's thread when a viewer's state has changed."""
        self.cpu_seconds = 0.0
        """CPU time of the thread."""
        self.slowest = 0.0
        """The longest time between two visits, seconds."""
        self.fault: BaseException | None = None
        self._host = host
        self._receive_buffer = receive_buffer
        self._visit = visit
        self._identity = Identity(profile)
        self._receiver = make_receiver()
        self._descriptors = np.full(capacity, -1, np.int64)
        self._places = np.zeros(capacity, np.int64)
        self._quick = np.zeros(capacity, np.int64)
        self._all = self._few = 0  # how many of these are in use
        self._dirty = False
        self._free = list(range(capacity))
        self._connecting: set[Viewer] = set()
        self._timers: list[tuple[float, int, Viewer, Callable[[float], float | None]]] = []
        self._order = itertools.count()
        self._asking: set[tuple[Viewer, int]] = set()
        self._origins_at = 0.0
        self._calls: deque[tuple[Future[Any], Callable[[], Any]]] = deque()
        self._wake = threading.Event()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="viewers", daemon=True)

    # --- from other threads -----------------------------------------------------------------------------------------

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Closes every socket; returns when the thread has ended."""
        self._stopping = True
        self._wake.set()
        self._thread.join(30)

    def call(self, function: Callable[..., Result], *arguments: Any) -> Future[Result]:
        """Run `function` in the crowd's thread; it must be short."""
        future: Future[Result] = Future()
        if self.fault is not None:
            future.set_exception(RuntimeError(f"the viewers' thread has ended: {self.fault!r}"))
            return future
        self._calls.append((future, lambda: function(*arguments)))
        self._wake.set()
        return future

    # --- in the crowd's thread --------------------------------------------------------------------------------------

    def add(self, group: int = 0, decrypts: bool = False, loss: float = 0.0) -> Viewer:
        """A viewer with a socket and a description of its own, which is not connected yet. `group` is its row of
        delays, `loss` the share of its media that is thrown away. Raises `IndexError` when the crowd is full."""
        place = heapq.heappop(self._free)
        clear(self.counts, place)
        viewer = Viewer(
            place, make_socket(self._host, self._receive_buffer), self._identity, self.counts, self._viewer_changed
        )
        viewer.decrypts = decrypts
        about = self.counts.viewers[place]
        about[AUDIO_TYPE], about[GROUP], about[RANDOM] = OPUS, group, place + 1
        about[LOSS], about[DECRYPTS] = round(loss * 2**32), decrypts
        self.viewers[place] = viewer
        self._descriptors[place] = viewer.socket.fileno()
        return viewer

    def connect(self, viewer: Viewer, remote: Remote, audio_type: int = OPUS) -> None:
        self.counts.viewers[viewer.place, AUDIO_TYPE] = audio_type
        now = time.monotonic()
        viewer.connect(remote, now)
        self._schedule(now, viewer, viewer.check)
        self._dirty = True

    def remove(self, viewer: Viewer) -> None:
        """Its figures go to `departed`."""
        if self.viewers.pop(viewer.place, None) is None:
            return
        viewer.close()
        self._connecting.discard(viewer)
        self._descriptors[viewer.place] = -1
        self._dirty = True
        rows = self.counts.lines[viewer.place]
        for kind in (0, 1):
            self.departed.lines[kind] += rows[(rows[:, SSRC] >= 0) & (rows[:, KIND] == kind)].sum(axis=0)
        self.departed.viewers += 1
        self.departed.dropped += int(self.counts.viewers[viewer.place, DROPPED])
        self.verifier.forget(viewer.place)
        heapq.heappush(self._free, viewer.place)

    def _viewer_changed(self, viewer: Viewer) -> None:
        if viewer.state is State.CONNECTING:
            self._connecting.add(viewer)
        else:
            self._connecting.discard(viewer)
        if viewer.state is State.CONNECTED:
            now = time.monotonic()
            self._schedule(now + random.random() * REPORT_EVERY, viewer, self._reporter(viewer))
        self._dirty = True
        self.changed(viewer)

    def _reporter(self, viewer: Viewer) -> Callable[[float], float | None]:
        def report(now: float) -> float | None:
            if viewer.state is not State.CONNECTED:
                return None
            viewer.report()
            return now + REPORT_EVERY

        return report

    # --- the thread -------------------------------------------------------------------------------------------------

    def _run(self) -> None:
        try:
            while not self._stopping:
                self._turn()
        except BaseException as error:  # whoever waits must learn of it
            self.fault = error
            raise
        finally:
            for viewer in list(self.viewers.values()):
                self.remove(viewer)
            while self._calls:
                self._calls.popleft()[0].cancel()

    def _turn(self) -> None:
        began = time.monotonic()
        self._obey()
        if self._dirty:
            self._arrange()
        self._sweep(self._places, self._all)
        now = time.monotonic()
        self._gaps(now)
        self._ring(now)
        if now >= self._origins_at:
            self._origins_at = now + ORIGINS_EVERY
            self._learn_origins()
        self.cpu_seconds = time.thread_time()
        self._rest(began + self._visit)
        self.slowest = max(self.slowest, time.monotonic() - began)

    def _arrange(self) -> None:
        """Which places are visited."""
        self._dirty = False
        places = sorted(self.viewers)
        self._all = len(places)
        self._places[: self._all] = places
        quick = sorted(viewer.place for viewer in self._connecting)
        self._few = len(quick)
        self._quick[: self._few] = quick

    def _rest(self, until: float) -> None:
        """Until the next visit is due, with an eye on those who connect and on calls."""
        while (left := until - time.monotonic()) > 0 and not self._stopping:
            self._wake.clear()
            if self._calls:
                self._obey()
            elif self._connecting:
                time.sleep(min(left, QUICK_VISIT))
                if self._dirty:
                    self._arrange()
                self._sweep(self._quick, self._few)
                self._ring(time.monotonic())
            else:
                self._wake.wait(left)

    def _obey(self) -> None:
        for _ in range(len(self._calls)):
            future, function = self._calls.popleft()
            if not future.set_running_or_notify_cancel():
                continue
            try:
                future.set_result(function())
            except Exception as error:
                future.set_exception(error)

    def _sweep(self, places: Any, count: int) -> None:
        place = 0
        while True:
            place = sweep(self.counts, self._receiver, self._descriptors, places, count, place)
            self._handle()
            if place >= count:
                return

    def _handle(self) -> None:
        receiver, now = self._receiver, time.monotonic()
        for place, length, arrived, datagram in _entries(receiver):
            viewer = self.viewers.get(place)
            if viewer is None:
                continue
            content = content_of(datagram)
            if content is Content.RTP:
                if viewer.inbound is not None:
                    self.verifier.receive(place, viewer.inbound, datagram)
            elif content is Content.STUN:
                viewer.stun(datagram, now)
            elif content is Content.DTLS:
                viewer.dtls(datagram, now)
            elif content is Content.RTCP and length:
                viewer.rtcp(datagram, arrived)
        receiver.used[0] = 0

    def _gaps(self, now: float) -> None:
        found = int(self.counts.found[0])
        if found:
            for place, line, first, last in self.counts.gaps[:found].tolist():
                viewer = self.viewers.get(place)
                if viewer is not None:
                    viewer.gap(line, first, last, now)
                    self._asking.add((viewer, line))
            self.counts.found[0] = 0
        for viewer, line in list(self._asking):
            if viewer.state is not State.CONNECTED or not viewer.ask(line, now):
                self._asking.discard((viewer, line))

    def _schedule(self, when: float, viewer: Viewer, action: Callable[[float], float | None]) -> None:
        heapq.heappush(self._timers, (when, next(self._order), viewer, action))

    def _ring(self, now: float) -> None:
        while self._timers and self._timers[0][0] <= now:
            _, _, viewer, action = heapq.heappop(self._timers)
            if self.viewers.get(viewer.place) is not viewer:
                continue
            again = action(now)
            if again is not None:
                self._schedule(again, viewer, action)
        for viewer in list(self._connecting):
            viewer.tick(now)

    def _learn_origins(self) -> None:
        lines = self.counts.lines
        unknown = (lines[:, :, SSRC] >= 0) & (lines[:, :, ORIGIN] < 0)
        if not unknown.any():
            return
        for ssrc, origin in self.verifier.origins.items():
            lines[:, :, ORIGIN][unknown & (lines[:, :, SSRC] == ssrc)] = origin
        unknown = (lines[:, :, SSRC] >= 0) & (lines[:, :, ORIGIN] < 0)
        for kind, origin in self.verifier.latest.items():
            lines[:, :, ORIGIN][unknown & (lines[:, :, KIND] == kind)] = origin


def _entries(receiver: Any) -> Iterator[tuple[int, int, int, bytes]]:
    used = int(receiver.used[0])
    for entry, (place, length, arrived) in enumerate(receiver.about[:used].tolist()):
        yield place, length, arrived, receiver.queue[entry, :length].tobytes()
