"""How many are invited, here and reached, by branch: what lecturer, stage and console are told every two seconds.

An organizer of a branch is told the figures of that branch alone; everybody else those of the whole lecture. Counted
anew each time, in one pass over those who are here: for 1,120 members that is less than a millisecond, and nothing can
drift.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from classroom.room.messages import AudienceSeen, County

SEPARATOR = " / "
COUNTIES = 200
"""Branches named at most: those that miss most members."""


@dataclass(slots=True)
class Count:
    invited: int = 0
    here: int = 0  # of the invited: connected, receiving or checked in at a site
    connected: int = 0
    receiving: int = 0
    trouble: int = 0
    hearing: int = 0
    excused: int = 0  # of the invited who are not here

    @property
    def missing(self) -> int:
        return self.invited - self.here - self.excused


class Audience:
    """`invited`: the branch of each invited member by id, a path joined with " / "; "" is the root."""

    def __init__(self, invited: Mapping[str, str]) -> None:
        self._branch_of = invited
        self._counts: dict[str, Count] = {}
        self.still_receiving: int | None = None
        """While most who received, or all, have fallen silent: how many have not."""

    @property
    def invited(self) -> int:
        return len(self._branch_of)

    def invite(self, invited: Mapping[str, str]) -> None:
        self._branch_of = invited

    def count(
        self,
        connected: Mapping[str, str],
        receiving: Collection[str],
        troubled: Iterable[str],
        excused: Iterable[str] = (),
        hearing: Iterable[str] = (),
        gathered: Collection[str] = (),
    ) -> None:
        """`connected`: members and the branch that each came in with; the roster's word goes first. `gathered`: who is
        checked in at a site; nobody has to call them, whatever its screen does."""
        branch_of = self._branch_of
        counts: dict[str, Count] = {}

        def at(member: str) -> Count:
            branch = branch_of.get(member)
            if branch is None:
                branch = connected.get(member, "")
            count = counts.get(branch)
            if count is None:
                count = counts[branch] = Count()
            return count

        for branch in branch_of.values():
            count = counts.get(branch)
            if count is None:
                count = counts[branch] = Count()
            count.invited += 1
        for member in connected:
            count = at(member)
            count.connected += 1
            count.here += member in branch_of
        for member in receiving:
            count = at(member)
            count.receiving += 1
            count.here += member in branch_of and member not in connected
        here = {*connected, *receiving, *gathered}
        for member in here.difference(connected, receiving):
            at(member).here += member in branch_of
        for member in troubled:
            at(member).trouble += 1
        for member in hearing:
            at(member).hearing += 1
        for member in excused:
            if member in branch_of and member not in here:
                at(member).excused += 1
        self._counts = counts

    def seen(self, scope: str = "") -> AudienceSeen:
        """As counted last, of `scope` and all below it; by the branches right below it, where there are any."""
        total, below = Count(), dict[str, Count]()
        for path, count in self._counts.items():
            if not within(path, scope):
                continue
            rest = path[len(scope) + len(SEPARATOR) :] if scope else path
            name = rest.split(SEPARATOR, 1)[0] if path != scope else ""
            for each in (total, below.setdefault(name, Count())):
                _add(each, count)
        missing = sorted(below.items(), key=lambda one: (-one[1].missing, one[0]))[:COUNTIES]
        counties = tuple(
            County(name, one.invited, one.connected, one.receiving, one.missing, one.excused)
            for name, one in sorted(missing)
        )
        silent = self.still_receiving is not None
        receiving = total.receiving if self.still_receiving is None else min(total.receiving, self.still_receiving)
        return AudienceSeen(
            connected=total.connected,
            receiving=receiving,
            invited=total.invited,
            trouble=total.trouble,
            missing=total.missing,
            counties=counties,
            excused=total.excused,
            hearing=min(total.hearing, receiving),
            silent=silent,
        )


def within(path: str, scope: str) -> bool:
    """`scope` itself, or below it."""
    return not scope or path == scope or path.startswith(scope + SEPARATOR)


def _add(total: Count, count: Count) -> None:
    total.invited += count.invited
    total.here += count.here
    total.connected += count.connected
    total.receiving += count.receiving
    total.trouble += count.trouble
    total.hearing += count.hearing
    total.excused += count.excused
