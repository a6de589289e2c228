"""How fast people may act, whatever it is they do: each costs the room something, and most of it a row of the journal.

What is written has narrower limits of its own. Those who keep order are trusted not to flood their own room; the
channel's limit holds for them as for everybody.
"""

from __future__ import annotations

from classroom.people.role import rights
from classroom.room.bucket import Bucket, Buckets, late
from classroom.room.inputs import Person

MEMBER_RATE, MEMBER_BURST = 1.0, 20.0
ROOM_RATE, ROOM_BURST = 400.0, 4_000.0
"""A poll or a sign-in makes everybody act within the same seconds."""
ATTEMPT_RATE, ATTEMPTS = 1 / 60, 5.0
"""Attempts at what one's role may not that are kept of one person."""
MEMBERS = 20_000


class Pace:
    def __init__(self, now: int) -> None:
        self._members = Buckets(MEMBER_RATE, MEMBER_BURST, MEMBERS)
        self._room = Bucket(ROOM_RATE, ROOM_BURST, now)
        self._attempts = Buckets(ATTEMPT_RATE, ATTEMPTS, MEMBERS)

    def allows(self, person: Person, heard: int, now: int) -> bool:
        """`heard`: when their node heard what they do."""
        if rights(person.role).moderate:
            return True
        return self._members.take(person.member, heard) and (late(heard, now) or self._room.take(now))

    def worth_keeping(self, member: str, now: int) -> bool:
        """An attempt at what their role may not, or to come in where they may not."""
        return self._attempts.take(member, now)
