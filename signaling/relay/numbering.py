"""From a source's numbers to the one outgoing numbering of a stream.

Theory of operation. Numbers on both sides are extended (they never wrap). A packet that arrives in order takes the
next outgoing number; what is missing before it keeps its numbers reserved, so that a late packet finds its own. What
is not forwarded (padding probes, packets dropped because we are behind) closes up: the next one takes its number, so
viewers see no gap and ask for nothing. The window remembers what became of the last source numbers.
"""

from __future__ import annotations

WINDOW = 1024
"""How late a packet may be, in source numbers. A larger jump ahead reserves nothing."""


class Numbering:
    def __init__(self, first: int) -> None:
        self.next = first
        """The next outgoing number."""
        self._top: int | None = None  # the highest source number seen; None before the first packet of a source
        self._window: list[tuple[int, int | None]] = [(-1, None)] * WINDOW

    def restart(self) -> None:
        """A new source begins, with whatever number comes first. Nothing of the old one is placed any more."""
        self._top = None
        self._window = [(-1, None)] * WINDOW

    def ahead(self, source: int) -> bool:
        """Whether this source number is higher than all before it."""
        return self._top is None or source > self._top

    def reach(self, source: int) -> None:
        """Reserve the numbers of what is missing before this source number, which must be ahead."""
        if self._top is None or source - self._top > WINDOW:
            self._top = source - 1
            return
        for missing in range(self._top + 1, source):
            self._remember(missing, self.insert())

    def insert(self) -> int:
        """A number for a packet of our own."""
        number = self.next
        self.next += 1
        return number

    def place(self, source: int) -> int | None:
        """The outgoing number of this packet; None for a late one that has none."""
        if self.ahead(source):
            self.reach(source)
            number = self.insert()
            self._remember(source, number)
            return number
        known, reserved = self._window[source % WINDOW]
        return reserved if known == source else None

    def drop(self, source: int) -> None:
        """This packet, which must be ahead, is not forwarded: the numbering closes up."""
        self.reach(source)
        self._remember(source, None)

    def _remember(self, source: int, number: int | None) -> None:
        self._window[source % WINDOW] = (source, number)
        self._top = source
