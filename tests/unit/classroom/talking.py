"""A room in which people talk, and the same room built anew from its journal."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, TypeVar

from attendance.facts import LectureState
from classroom.room.actions import Action, Broadcast, Complain, Keep, Replay, Tell
from classroom.room.counting import Standing
from classroom.room.inputs import Input, Joined, Left, Person, Received, Ticked
from classroom.room.journal import Journaled
from classroom.room.lecture import Life
from classroom.room.messages import Page, Snapshot
from classroom.room.room import About, Room
from tests.unit.classroom.roll import NoHistory

SECOND = 1_000_000
START = 1_800_000_000 * SECOND
ABOUT = About("l1", "讲座", None, None, "/whip/l1", "/whep/l1")
Kind = TypeVar("Kind")


class Nobody(NoHistory):
    def standing(self, member: str, now: int) -> Standing:
        return Standing(False, 0)

    def receiving(self) -> Collection[str]:
        return ()

    def excused(self) -> frozenset[str]:
        return frozenset()


class Talking:
    """Who joins as "host-1" is a host, as "member-1" a member; connections are "c-" and the name. Each thing that is
    said comes three seconds after the last one."""

    def __init__(self, *people: str, boots: int = 0, now: int = START) -> None:
        self.now = now
        self.room = Room(ABOUT, Life(None, LectureState.LOBBY, now), Nobody(), now, boots)
        self.journal: list[Journaled] = []
        self.told: dict[str, list[Any]] = {}
        for name in people:
            self.join(name)

    def feed(self, message: Input, after: int = 0) -> list[Action]:
        self.now += after
        actions = self.room.receive(message, self.now)
        for action in actions:
            if isinstance(action, Keep):
                self.journal.append(Journaled(action.number, action.at, action.by, action.entry))
            if isinstance(action, Tell):
                self.told.setdefault(action.connection, []).append(action.message)
        return actions

    def join(self, name: str, device: str = "", last: int | None = None) -> list[Action]:
        return self.feed(Joined(f"c-{name}{device}", person(name), Page.ROOM, device, last))

    def leave(self, name: str) -> list[Action]:
        return self.feed(Left(f"c-{name}", self.now, "closed"))

    def say(self, name: str, message: Any, after: int = 3 * SECOND) -> list[Action]:
        return self.feed(Received(f"c-{name}", message), after)

    def tick(self, after: int = SECOND) -> list[Action]:
        return self.feed(Ticked(), after)

    def refused(self, name: str, message: Any, after: int = 3 * SECOND) -> str:
        """The reason; nothing else happens but what is kept of it."""
        actions = self.say(name, message, after)
        assert not only(actions, Broadcast)
        (complaint,) = only(actions, Complain)
        assert complaint.connection == f"c-{name}"
        return complaint.reason

    def snapshot(self, name: str = "member-9", device: str = "look") -> Snapshot:
        """As somebody who comes in is given it."""
        (found,) = told(self.join(name, device), Snapshot)
        self.feed(Left(f"c-{name}{device}", self.now, "closed"))
        return found

    def anew(self) -> Talking:
        """The same lecture after a restart."""
        again = Talking(boots=1, now=self.now)
        again.journal = list(self.journal)
        for journaled in self.journal:
            again.room.restore(journaled)
        return again


def person(name: str) -> Person:
    return Person(name, f"名{name}", "镇巴县", name.split("-")[0])


def only(actions: list[Action], kind: type[Kind]) -> list[Kind]:
    return [each for each in actions if isinstance(each, kind)]


def said(actions: list[Action], kind: type[Kind]) -> list[Kind]:
    """What everybody is told."""
    every: list[Any] = [each.message for each in actions if isinstance(each, Broadcast)]
    return [each for each in every if isinstance(each, kind)]


def told(actions: list[Action], kind: type[Kind], name: str | None = None) -> list[Kind]:
    """What single sockets are told; of one person, where named."""
    every: list[Any] = [
        each.message
        for each in actions
        if isinstance(each, Tell) and (name is None or each.connection.startswith(f"c-{name}"))
    ]
    return [each for each in every if isinstance(each, kind)]


def kept(actions: list[Action], kind: type[Kind]) -> list[Kind]:
    every: list[Any] = [each.entry for each in actions if isinstance(each, Keep)]
    return [each for each in every if isinstance(each, kind)]


def replayed(actions: list[Action]) -> str:
    """What who returns is given, as it goes over the wire."""
    return "".join(frame.decode() for each in only(actions, Replay) for frame in each.frames)
