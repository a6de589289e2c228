"""The last packets of one outgoing stream, to answer NACKs."""

from __future__ import annotations

from typing import NamedTuple

from signaling.session.offer import Codec

SIZE = 1024


class Kept(NamedTuple):
    """A packet as it was numbered. Its payload type is open (each viewer has its own): `codec` says which one."""

    number: int
    packet: bytes
    codec: Codec


class Ring:
    """Numbers are extended (they never wrap)."""

    def __init__(self) -> None:
        self._places: list[Kept | None] = [None] * SIZE
        self._top = -1

    def put(self, kept: Kept) -> None:
        if kept.number <= self._top - SIZE:
            return
        self._top = max(self._top, kept.number)
        self._places[kept.number % SIZE] = kept

    def get(self, number: int) -> Kept | None:
        kept = self._places[number % SIZE]
        return kept if kept is not None and kept.number == number and number > self._top - SIZE else None

    def passed(self, number: int) -> bool:
        """Whether this number was so long ago that the ring cannot hold it any more."""
        return number <= self._top - SIZE
