"""The roll while a lecture goes on: who was ever there, and who would be present by the rule if it ended now.

Theory of operation. A verdict rests on a member's whole account, 50 µs to reckon; a console asks every second or two
for a thousand members. So verdicts are kept. One is looked at again when its member came or went since, and otherwise
when it is `HOLDS` old (the share of everybody changes with time, and evidence comes in with the beats, as often); of
those that are due, the oldest first, no more than a caller has time for.
"""

from __future__ import annotations

import msgspec

from attendance.presence import Presence, Standing
from attendance.verdict import Verdict, judge

HOLDS = 15_000_000
"""µs; a beat."""


class Entry(msgspec.Struct, frozen=True):
    """One member. `credited` in µs: 0 before the lecture is live, None is not measured. `qualified`: meets the rule so
    far; None: not judged yet."""

    standing: Standing
    credited: int | None
    qualified: bool | None

    @property
    def ever(self) -> bool:
        """Media of the lecture reached them at some time while it was live."""
        return self.standing.first_join is not None


class _Judged(msgspec.Struct, frozen=True):
    """`seen`: what makes it worth looking again."""

    at: int
    seen: tuple[object, ...]
    qualified: bool
    measured: bool


class Roll:
    """Of one lecture; looked at with a `now` (µs, UTC) that does not go back."""

    def __init__(self, presence: Presence) -> None:
        self._presence = presence
        self._judged: dict[str, _Judged] = {}
        self._at: tuple[int, dict[str, Standing]] = (0, {})

    @property
    def started(self) -> int | None:
        return self._presence.started

    def counted(self, now: int) -> int | None:
        """µs of the lecture that count so far, for everybody; None before it is live. Whoever receives all the while
        is credited this less what they missed before, to the µs."""
        counted = self._presence.counted(now)
        return None if counted.extent is None else counted.denominator or 0

    def judge(self, now: int, most: int | None = None) -> int:
        """Looks at verdicts that are due, at most `most`; answers how many members have none at all yet. Before the
        start nobody is judged."""
        if self._presence.started is None:
            return 0
        due: list[tuple[int, str, tuple[object, ...]]] = []
        new = 0
        for member, standing in self._standings(now).items():
            known, seen = self._judged.get(member), self._seen(member, standing)
            if known is None:
                new += 1
                due.append((0, member, seen))
            elif known.seen != seen:
                due.append((1, member, seen))
            elif now - known.at >= HOLDS:
                due.append((known.at, member, seen))
        due.sort(key=lambda one: one[:2])
        counted, rule = self._presence.counted(), self._presence.rules.current.rule
        for _, member, seen in due[:most]:
            new -= member not in self._judged
            account = self._presence.account(member)
            correction = self._presence.corrections.of(member)
            found = judge(rule, account, counted).verdict if correction is None else correction.verdict
            present = found is Verdict.PRESENT
            self._judged[member] = _Judged(now, seen, present, account.credited is not None)
        return new

    def entries(self, now: int) -> dict[str, Entry]:
        """Everybody who was ever there, as of now, with the verdict that was looked at last."""
        found: dict[str, Entry] = {}
        for member, standing in self._standings(now).items():
            known = self._judged.get(member)
            measured = known is None or known.measured or standing.credited > 0
            credited = standing.credited if measured else None
            found[member] = Entry(standing, credited, None if known is None else known.qualified)
        return found

    def _standings(self, now: int) -> dict[str, Standing]:
        if self._at[0] != now or len(self._at[1]) != len(self._presence.members):
            self._at = now, {member: self._presence.standing(member, now) for member in self._presence.members}
        return self._at[1]

    def _seen(self, member: str, standing: Standing) -> tuple[object, ...]:
        return standing.receiving, standing.since, self._presence.answers(member), self._presence.corrections.of(member)
