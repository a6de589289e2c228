"""The relay's turns: what is read, decided, sent and worked off, in which order, and for how long.

Theory of operation. One thread serves everything, so nothing may take long. A turn reads what waits, feeds it, ticks
where a tick is due, and sends what is due: audio at once; video once it has waited for the rest of its frame (a frame
in one run of segments costs half of a frame in two). Sending goes slice by slice, each at most about a millisecond;
between slices the port is read and audio taken first, also in the middle of a key frame for everyone. Then what can
wait is worked off for a bounded time: what viewers report and ask for again, handshakes, and SRTCP of peers that moved.
So many packets as a third of an audience loses of a key frame must not hold up the others', which are still being sent.
A turn takes a few milliseconds at most, so that the event loop can serve the control socket.

After a turn that heard something the port rests: feedback of a thousand viewers comes three times a millisecond, and
a turn for each datagram would cost more than the datagram. Audio waits for that rest at most. While the kernel's buffer
is full only reading and other work go on; what is left of a slice goes first afterwards.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, Protocol

from signaling.io.intake import Arrival

FULL = 0.001  # seconds until a full kernel buffer is tried again
REST = 0.002  # seconds between two turns while datagrams come
READ_AGAIN = 0.001  # seconds of sending, at most, until the port is read again
READING = 0.001  # seconds of reading at a time
SENDING = 0.004  # seconds of a turn's sending
REPORTS = 0.002  # seconds of a turn in which viewers are listened to
REPORTS_BESIDE = 0.0003  # the same in a turn that could not send all: a fourteenth of its time
WORKING = 0.002  # seconds of a turn's other work
WORKING_BESIDE = 0.001  # the same in a turn that could not send all: a fifth of its time, 300 handshakes a second
TICK = 0.02  # seconds


class Media(Protocol):
    """What turns ask of the `Shell`."""

    @property
    def due(self) -> float:
        """When something may be sent at the earliest; infinite: nothing waits."""

    @property
    def reports(self) -> bool:
        """Whether something that viewers sent waits for `listen`."""

    @property
    def works(self) -> bool:
        """Whether `work` has something to do."""

    def arrived(self, arrival: Arrival, now: float) -> None: ...

    def tick(self, now: float) -> None: ...

    def send_slice(self, most: int, now: float) -> bool:
        """False while the kernel has no room."""

    def listen(self, now: float) -> None: ...

    def work(self, now: float) -> None: ...


class Reader(Protocol):
    """What turns ask of the `Intake`."""

    @property
    def drained(self) -> bool: ...

    @property
    def heard(self) -> int: ...

    def read(self, now: float) -> list[Arrival]: ...


class Rest(NamedTuple):
    """Turn again after so many seconds; `listening`: at once, if a datagram comes before."""

    seconds: float
    listening: bool


class Turns:
    """`most` is the size of a slice. `failed` is told of every exception of ours: what one datagram brings out must not
    end the lecture for everybody else."""

    def __init__(
        self, media: Media, reader: Reader, most: int, clock: Callable[[], float], failed: Callable[[Exception], None]
    ) -> None:
        self._media = media
        self._reader = reader
        self._most = most
        self._clock = clock
        self._failed = failed
        self._tick_at = 0.0
        self._read_at = 0.0  # when the last reading ended
        self._full = False

    def turn(self) -> Rest:
        before = self._reader.heard
        self._look(self._clock())
        self._send(self._clock() + SENDING)
        self._work()
        return self._rest(self._reader.heard > before)

    # --- reading -----------------------------------------------------------------------------------------------------

    def _look(self, now: float) -> None:
        self._read(now)
        if now >= self._tick_at:
            self._tick_at = max(self._tick_at + TICK, now)
            try:
                self._media.tick(now)
            except Exception as error:
                self._failed(error)
        self._read_at = self._clock()

    def _read(self, now: float) -> None:
        until = now + READING
        while True:
            for arrival in self._reader.read(now):
                try:
                    self._media.arrived(arrival, now)
                except Exception as error:
                    self._failed(error)
            if self._reader.drained:
                return
            now = self._clock()
            if now >= until:
                return

    # --- sending -----------------------------------------------------------------------------------------------------

    def _send(self, until: float) -> None:
        self._full = False
        while True:
            now = self._clock()
            if now - self._read_at >= READ_AGAIN:
                self._look(now)
                now = self._clock()
            if now < self._media.due:
                return
            try:
                self._full = not self._media.send_slice(self._most, now)
            except Exception as error:
                self._failed(error)
            if self._full or self._clock() >= until:
                return

    # --- the rest ----------------------------------------------------------------------------------------------------

    def _work(self) -> None:
        beside = self._clock() >= self._media.due and not self._full
        self._work_off(lambda: self._media.reports, self._media.listen, REPORTS_BESIDE if beside else REPORTS)
        self._work_off(lambda: self._media.works, self._media.work, WORKING_BESIDE if beside else WORKING)

    def _work_off(self, waits: Callable[[], bool], take: Callable[[float], None], seconds: float) -> None:
        """Piece by piece until nothing waits, for about so long; one piece at least."""
        now = self._clock()
        until = now + seconds
        while waits():
            try:
                take(now)
            except Exception as error:
                self._failed(error)
            now = self._clock()
            if now >= until:
                return

    def _rest(self, heard: bool) -> Rest:
        now = self._clock()
        if self._full:
            return Rest(max(0.0, min(FULL, self._tick_at - now)), listening=False)
        if self._media.works or self._media.reports:
            return Rest(0.0, listening=False)
        rest = REST if heard else TICK
        return Rest(max(0.0, min(rest, self._tick_at - now, self._media.due - now)), listening=not heard)
