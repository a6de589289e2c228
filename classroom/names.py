"""Readable names of those who did something: staff, and the people invited to a lecture."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Protocol

from attendance.roster import Invitation


class Staff(Protocol):
    async def names(self, chosen: Collection[str]) -> dict[str, str]: ...


class Invited(Protocol):
    async def of_members(self, lecture: str, chosen: Collection[str]) -> Sequence[Invitation]: ...


class Names:
    """Implements `records.Names`."""

    def __init__(self, staff: Staff, invited: Invited) -> None:
        self._staff = staff
        self._invited = invited

    async def of(self, lecture: str, people: Collection[str]) -> dict[str, str]:
        """Of staff and of those invited, by id; whoever is unknown is left out. Raises `StoreUnavailable`."""
        if not people:
            return {}
        named = await self._staff.names(people)
        others = [one for one in people if one not in named]
        found = await self._invited.of_members(lecture, others) if others else []
        return named | {one.member.id: one.member.name for one in found}
