"""Raised hands: a queue, longest waiting first. A hand is up once; it goes when its person is called, or is away for a
minute. Times in µs since the epoch."""

from __future__ import annotations

from dataclasses import dataclass

from classroom.errors import UserError
from classroom.room.bucket import Buckets
from classroom.room.inputs import Person
from classroom.room.messages import moment
from classroom.room.messages_stage import Hand, Hands, HandState

AWAY_FOR = 60 * 1_000_000
QUEUE = 500
"""Hands that may be up at once; a room in which more want to speak needs no queue."""
SHOWN = 100
RAISES_A_SECOND, RAISES = 1 / 5, 4.0
PEOPLE = 20_000

DOWN = HandState(up=False, position=None)


@dataclass(slots=True)
class Raised:
    member: str
    name: str
    branch: str
    since: int
    away: int | None = None
    """Since when none of their pages is open."""
    told: int | None = None
    """The position that their pages know."""


class HandQueue:
    def __init__(self) -> None:
        self._up: dict[str, Raised] = {}
        self._rates = Buckets(RAISES_A_SECOND, RAISES, PEOPLE)

    @property
    def members(self) -> tuple[str, ...]:
        return tuple(self._up)

    def put_up(self, person: Person, now: int) -> bool:
        """Whether it was down. Raises `UserError` (hand-too-fast, hands-full)."""
        if person.member in self._up:
            return False
        if not self._rates.take(person.member, now):
            raise UserError("hand-too-fast")
        if len(self._up) >= QUEUE:
            raise UserError("hands-full")
        self._up[person.member] = Raised(person.member, person.name, person.branch, now)
        return True

    def restore(self, raised: Raised) -> None:
        self._up[raised.member] = raised

    def lower(self, member: str) -> Raised | None:
        return self._up.pop(member, None)

    def came(self, member: str) -> None:
        raised = self._up.get(member)
        if raised is not None:
            raised.away = None

    def went(self, member: str, now: int) -> None:
        raised = self._up.get(member)
        if raised is not None and raised.away is None:
            raised.away = now

    def overdue(self, now: int) -> list[str]:
        """Those who were away for too long."""
        return [each.member for each in self._up.values() if each.away is not None and now - each.away > AWAY_FOR]

    def state(self, member: str) -> HandState:
        """What this person's pages are told."""
        raised = self._up.get(member)
        if raised is None:
            return DOWN
        raised.told = list(self._up).index(member) + 1
        return HandState(True, raised.told)

    def moved(self) -> list[tuple[str, HandState]]:
        """Whose position is another than they were told."""
        found: list[tuple[str, HandState]] = []
        for position, raised in enumerate(self._up.values(), 1):
            if raised.told != position:
                raised.told = position
                found.append((raised.member, HandState(True, position)))
        return found

    def view(self) -> Hands:
        """For those who run the stage."""
        shown = list(self._up.values())[:SHOWN]
        return Hands(len(self._up), tuple(Hand(one.member, one.name, one.branch, moment(one.since)) for one in shown))
