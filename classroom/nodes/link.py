"""The two ends of the way between an edge and a lecture's home: numbers, so that nothing is missed or done twice.

Theory of operation. The bus may lose what lies on it, and does not say whether it took what it was given when it broke.
So inputs are numbered by the edge and kept until the home says that it heard them; parcels are numbered by the home,
kept until the bus took them, and a hole in their numbers makes the edge attach anew. Attaching tells the home
everything, and the home's answer says from where to go on. A new home learns from the outbox what the one before it
had heard. Both ends are bounded: an edge whose inputs are not heard refuses more, and a home whose parcels are not
taken drops them all and leaves a hole.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from classroom.nodes.wire import EdgeInput, Inputs, Item, Parcel, Spoken

HELD = 2_000
"""Inputs that an edge keeps at most until they are heard."""
AT_ONCE = 250
"""Inputs in one letter."""
QUEUED = 20_000
"""Items that wait for one edge at most."""
PACKED = 500
"""Items in one parcel."""


class Hole(Exception):
    """Something is missing: attach anew. Where a parcel is, single sockets may lack what was said to them alone."""


class EdgeEnd:
    """An edge's end. `seq`: the last number that its sockets were given; `fence` None: attached to nobody; `heard`:
    inputs up to that number need not be sent. `first`: numbers begin there; never used before by this process."""

    def __init__(self, seq: int, first: int) -> None:
        self.fence: int | None = None
        self.seq = seq
        self.heard = first - 1
        self._number = 0
        self._counter = self._sent = self.heard
        self._unheard: deque[tuple[int, EdgeInput]] = deque()

    def __len__(self) -> int:
        """Inputs that are not heard yet."""
        return len(self._unheard)

    def put(self, message: EdgeInput) -> bool:
        """False where too many wait."""
        if len(self._unheard) >= HELD:
            return False
        self._counter += 1
        self._unheard.append((self._counter, message))
        return True

    def beyond(self, heard: int) -> list[EdgeInput]:
        """What was put after that number."""
        return [message for number, message in self._unheard if number > heard]

    def leave(self) -> None:
        """There is no home, or it is not known what it has: attach before anything else."""
        self.fence = None

    def welcome(self, fence: int, heard: int, seq: int) -> None:
        """The home's answer to our attaching."""
        self.fence, self.seq, self._number = fence, seq, 0
        self._sent = self.heard
        self._forget(heard)

    def next(self, lecture: str, node: str, boot: str) -> Inputs | None:
        """What is to be sent next; `sent` says that the bus took it. None while nothing waits, or nobody hears."""
        if self.fence is None or self._sent >= self._counter:
            return None
        waiting = [message for number, message in self._unheard if number > self._sent]
        return Inputs(lecture, node, boot, self.fence, self._sent + 1, tuple(waiting[:AT_ONCE]))

    def sent(self, inputs: Inputs) -> None:
        self._sent = max(self._sent, inputs.first + len(inputs.inputs) - 1)

    def sign(self, lecture: str, node: str, boot: str) -> Inputs | None:
        """Of life."""
        return None if self.fence is None else Inputs(lecture, node, boot, self.fence, self._sent + 1, ())

    def open(self, parcel: Parcel) -> list[Item]:
        """What is new in it, in order. Raises `Hole`."""
        if parcel.fence != self.fence or parcel.number <= self._number:
            return []
        if parcel.number != self._number + 1:
            raise Hole
        self._number = parcel.number
        self._forget(parcel.heard)
        items: list[Item] = []
        seq = self.seq
        for item in parcel.items:
            if not isinstance(item, Spoken):
                items.append(item)
            elif item.after > seq:
                raise Hole  # and nothing of the parcel is used
            elif item.last > seq:
                items.append(Spoken(seq, item.last, item.frames[seq - item.after :]))
                seq = item.last
        self.seq = seq
        return items

    def _forget(self, heard: int) -> None:
        while self._unheard and self._unheard[0][0] <= heard:
            self._unheard.popleft()
        self.heard = max(self.heard, heard)
        self._sent = max(self._sent, heard)  # the bus took more than it said


class HomeEnd:
    """The home's end of the way to one edge. `seen`: when it last gave a sign of life, in the caller's µs. `heard`:
    its last input that the room was given; `settled`: the last one whose outcome cannot be lost with this home, which
    the edge may forget."""

    def __init__(self, node: str, boot: str, heard: int, now: int, settled: int | None = None) -> None:
        self.node = node
        self.boot = boot
        self.heard = heard
        self.settled = heard if settled is None else settled
        self.seen = now
        self.torn = False
        """More waited for it than is kept, and is lost."""
        self._told = self.settled
        self._number = 0
        self._items: deque[Item] = deque()
        self._packed: Parcel | None = None

    def hear(self, inputs: Inputs, now: int) -> Sequence[EdgeInput]:
        """What of it is new. Raises `Hole`."""
        self.seen = now
        if inputs.first > self.heard + 1:
            raise Hole
        fresh = inputs.inputs[self.heard + 1 - inputs.first :]
        self.heard += len(fresh)
        return fresh

    def put(self, item: Item) -> None:
        if len(self._items) >= QUEUED:
            self._items.clear()
            self._packed = None
            self._number += 1
            self.torn = True
        self._items.append(item)

    def left(self) -> list[Item]:
        """What was meant for single sockets, and may not have arrived."""
        packed = () if self._packed is None else self._packed.items
        return [item for item in (*packed, *self._items) if not isinstance(item, Spoken)]

    def pack(self, lecture: str, fence: int) -> Parcel | None:
        """The next parcel, the same one until `sent`; None where there is nothing to say."""
        if self._packed is None and (self._items or self._told != self.settled):
            items = tuple(self._items.popleft() for _ in range(min(PACKED, len(self._items))))
            self._number += 1
            self._packed = Parcel(lecture, fence, self._number, self.settled, items)
        return self._packed

    def sent(self) -> None:
        if self._packed is not None:
            self._told = self._packed.heard
        self._packed = None
