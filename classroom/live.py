"""What a console has been told of the live list, and what it has not: whoever asks again gets what changed since.

Theory of operation. A board holds one scope's lines: members, their branches, their cities. Each line has the version
at which it last changed; an answer carries the version that it goes up to, as a token, and whoever brings a token
gets the lines beyond it. The minutes of whoever receives grow with the lecture's own, which stand in every answer: a
line changes only where somebody's own time stops, jumps or begins. A token that the board does not know (another
process, another roster, an answer too long ago to matter) gets everything.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from attendance.roster import Invitation
from attendance.sheet.city import city_of
from classroom.office import moment
from classroom.ports import RollCall, Standing

COUNTS = ("invited", "connected", "receiving", "missing", "excused", "ever", "qualified")
NOBODY = Standing()
ABSENT = Standing(credited=0, qualified=False)
"""Who never came to a lecture that began: measured, and nothing received."""


class Delta(msgspec.Struct, frozen=True):
    """`whole`: these are all lines; otherwise those that changed. `counts` are the whole scope's."""

    token: str
    whole: bool
    counts: dict[str, int]
    branches: list[dict[str, Any]]
    cities: list[dict[str, Any]]
    members: list[dict[str, Any]]


class Board:
    """Of one scope of one lecture. `epoch` names it among all boards there ever were."""

    def __init__(self, epoch: str, invited: Sequence[Invitation]) -> None:
        self.invited = invited
        self._epoch = epoch
        self._version = 0
        self._members = [_Line(one) for one in invited]
        self._groups: dict[tuple[str, str | None], _Group] = {}
        self._counts = dict.fromkeys(COUNTS, 0)

    def update(self, call: RollCall, began: bool) -> None:
        """`began`: who was never there is absent from now on."""
        others = ABSENT if began else NOBODY
        version = self._version + 1
        total = dict.fromkeys(COUNTS, 0)
        groups: dict[tuple[str, str | None], dict[str, int]] = {}
        changed = False
        for line in self._members:
            standing = call.members.get(line.id, others)
            changed |= line.take(standing, call.counted, version)
            counted = _counted(standing)
            _add(total, counted)
            for key in (("branch", line.branch), ("city", line.city)):
                _add(groups.setdefault(key, dict.fromkeys(COUNTS, 0)), counted)
        for key, counts in groups.items():
            known = self._groups.get(key)
            if known is None or known.counts != counts:
                self._groups[key] = _Group(counts, version)
                changed = True
        self._counts = total
        if changed:
            self._version = version

    def since(self, token: str | None) -> Delta:
        after = self._known(token)
        return Delta(
            token=f"{self._epoch}.{self._version}",
            whole=after < 0,
            counts=self._counts,
            branches=[{"branch": name, **counts} for name, counts in self._of("branch", after)],
            cities=[{"city": name, **counts} for name, counts in self._of("city", after)],
            members=[line.row() for line in self._members if line.version > after],
        )

    def _of(self, kind: str, after: int) -> Iterable[tuple[str | None, dict[str, int]]]:
        return (
            (name, group.counts) for (of, name), group in self._groups.items() if of == kind and group.version > after
        )  # fmt: skip

    def _known(self, token: str | None) -> int:
        epoch, _, version = (token or "").rpartition(".")
        if epoch != self._epoch or not version.isascii() or not version.isdigit() or len(version) > 12:
            return -1
        return int(version) if int(version) <= self._version else -1


class _Group(msgspec.Struct, frozen=True):
    counts: dict[str, int]
    version: int


class _Line:
    """One member: who they are, how they stand, since which version."""

    __slots__ = ("_told", "branch", "city", "id", "member", "standing", "version")

    def __init__(self, invitation: Invitation) -> None:
        self.member = invitation.member
        self.id = self.member.id
        self.branch = " / ".join(self.member.branch)
        self.city = city_of(self.member.city)
        self.standing = NOBODY
        self.version = 0
        self._told: tuple[object, ...] = ()

    def take(self, standing: Standing, counted: int | None, version: int) -> bool:
        own = standing.credited
        if standing.receiving and own is not None and counted is not None:
            own -= counted  # what they missed, which does not grow
        told = (
            standing.connected, standing.receiving, standing.proved, standing.first_join, standing.trouble,
            standing.qualified, standing.leave, standing.together, own,
        )  # fmt: skip
        self.standing = standing
        if told == self._told:
            return False
        self._told, self.version = told, version
        return True

    def row(self) -> dict[str, Any]:
        standing, member = self.standing, self.member
        return {
            "id": self.id,
            "name": member.name,
            "branch": self.branch,
            "phone": member.phone,
            "city": self.city,
            "connected": standing.connected,
            "receiving": standing.receiving,
            "proved": standing.proved,
            "first_join": moment(standing.first_join),
            "credited_seconds": seconds(standing.credited),
            "qualified": standing.qualified,
            "trouble": standing.trouble,
            "leave": standing.leave,
            "together": standing.together,
        }


def seconds(time: int | None) -> float | None:
    return None if time is None else round(time / 1000) / 1000


def _counted(standing: Standing) -> tuple[int, ...]:
    away = not (standing.connected or standing.receiving or standing.together)
    return (
        1, standing.connected, standing.receiving, away and standing.leave is None, away and standing.leave is not None,
        standing.first_join is not None, standing.qualified is True,
    )  # fmt: skip


def _add(counts: dict[str, int], more: Sequence[int]) -> None:
    for name, one in zip(COUNTS, more, strict=True):
        counts[name] += one
