"""What organizers tell of a member by hand, in a lecture's ledger: the last word counts, all of it is kept."""

from __future__ import annotations

from collections import defaultdict
from typing import Generic, Protocol, TypeVar

from attendance.facts import Fact


class Word(Protocol):
    """A fact's body; `by` is a staff id."""

    @property
    def member(self) -> str: ...

    @property
    def by(self) -> str | None: ...


Said = TypeVar("Said", bound=Word)


class ToldBook(Generic[Said]):
    """Of one lecture; files facts in any order, a second time without effect."""

    def __init__(self) -> None:
        self._told: defaultdict[str, dict[tuple[int, str, str, int], Said]] = defaultdict(dict)

    def file(self, fact: Fact, body: Said) -> None:
        self._told[body.member][fact.happened, fact.node, fact.boot, fact.counter] = body

    def last(self, member: str) -> tuple[int, Said] | None:
        """What was said last, with its time (µs, UTC)."""
        told = self._told.get(member)
        if not told:
            return None
        key = max(told)
        return key[0], told[key]

    def history(self, member: str) -> list[tuple[int, Said]]:
        """Everything that was said of them, with its time (µs, UTC), in order."""
        told = self._told.get(member, {})
        return [(key[0], told[key]) for key in sorted(told)]

    @property
    def told(self) -> list[str]:
        """Of whom anything was said."""
        return list(self._told)

    @property
    def staff(self) -> set[str]:
        """Who ever said anything."""
        return {body.by for told in self._told.values() for body in told.values() if body.by is not None}
