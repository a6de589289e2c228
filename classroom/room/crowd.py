"""Who is connected: sockets, the members behind them, their devices, and what their pages say."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from classroom.errors import UserError
from classroom.people.role import rights
from classroom.room.inputs import Joined, Person
from classroom.room.messages import Counted

DEVICES = 3
SOCKETS = 6
CONSOLES = 20
TROUBLE_SHOWN = 60 * 1_000_000
TROUBLES = 20


@dataclass(slots=True)
class Socket:
    connection: str
    person: Person
    device: str
    joined: int
    visible: bool = True
    playing: bool = False
    counted: Counted | None = None
    counted_at: int = 0
    reported_at: int | None = None
    """When its page last said how its session arrives."""
    heard: int = 0
    """When its node heard what it said last."""


class Crowd:
    """Members are counted once, however many sockets they have; lecturer, host and guests are not the audience."""

    def __init__(self) -> None:
        self._sockets: dict[str, Socket] = {}
        self._members: dict[str, set[str]] = {}
        self._audience: dict[str, str] = {}
        self._trouble: dict[str, tuple[int, str]] = {}
        self._troubles: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self._sockets)

    def __iter__(self) -> Iterator[Socket]:
        return iter(self._sockets.values())

    def get(self, connection: str) -> Socket | None:
        return self._sockets.get(connection)

    def of(self, member: str) -> tuple[str, ...]:
        """This member's sockets."""
        return tuple(self._members.get(member, ()))

    @property
    def audience(self) -> Mapping[str, str]:
        """Members connected, and the branch that each came in with."""
        return self._audience

    def person(self, member: str) -> Person | None:
        """Who they are, while a page of theirs is open."""
        return next((self._sockets[connection].person for connection in self._members.get(member, ())), None)

    @property
    def count(self) -> int:
        """Members connected."""
        return len(self._audience)

    def add(self, joined: Joined, now: int) -> Socket:
        """Raises `UserError("too-many-devices")`: at most three devices a member, and six sockets on them; staff of an
        office share one name."""
        person = joined.person
        others = self._members.get(person.member, set())
        devices = {self._sockets[other].device for other in others}
        device = joined.device or joined.connection
        most, sockets = (CONSOLES, CONSOLES) if rights(person.role).console else (DEVICES, SOCKETS)
        if len(devices | {device}) > most or len(others) >= sockets:
            raise UserError("too-many-devices")
        socket = self._sockets[joined.connection] = Socket(joined.connection, person, device, now)
        self._members.setdefault(person.member, set()).add(joined.connection)
        if rights(person.role).counted:
            self._audience[person.member] = person.branch
        return socket

    def remove(self, connection: str) -> Socket | None:
        socket = self._sockets.pop(connection, None)
        if socket is None:
            return None
        member = socket.person.member
        left = self._members[member]
        left.discard(connection)
        if not left:
            del self._members[member]
            self._audience.pop(member, None)
        return socket

    def report_trouble(self, member: str, cause: str, now: int) -> bool:
        """Whether this report is worth keeping: a page that repeats itself without end is not."""
        self._trouble[member] = (now, cause)
        self._troubles[member] = self._troubles.get(member, 0) + 1
        return self._troubles[member] <= TROUBLES

    def troubled(self, now: int) -> dict[str, str]:
        """Members who reported trouble in the last minute, and its cause."""
        self._trouble = {member: told for member, told in self._trouble.items() if now - told[0] < TROUBLE_SHOWN}
        return {member: cause for member, (_, cause) in self._trouble.items()}

    def troubles(self, now: int) -> frozenset[str]:
        """Those of the audience that is here who were in trouble within the last minute."""
        return frozenset(self.troubled(now).keys() & self._audience.keys())
