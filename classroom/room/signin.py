"""Sign-ins: each member is asked at moments of their own, and everybody when the host calls. One of the room's parts.

Theory of operation. The lecture's rule says how often. A member's moments are drawn by a generator that is seeded by a
secret of the lecture and the member, one in each equal part of the planned time without its first and last three
minutes, so nobody can tell them in advance and a room that is built anew draws the same ones. A moment that comes while
nothing is shown waits until something is; one that comes while the member is on stage, or watches with others at a
site, waits too; one from before the member came, or that waited into the last three minutes, is left out. Who was here
once is asked even while their connection is down: the window stands still until they are back, for ten minutes at most.

What was asked and answered are facts; a member's open sign-ins are taken up from them when the member comes to a room
that does not know them yet.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any, Protocol

from attendance.facts import Rule, SignInAnswered, SignInAsked
from attendance.sign_in import EXTENDED_AT_MOST
from attendance.sign_in import SignIn as Known
from classroom.errors import UserError
from classroom.people.role import rights
from classroom.room.actions import Action, Record, TellMember, TellThose
from classroom.room.crowd import Socket
from classroom.room.inputs import Person
from classroom.room.messages import ToldMessage, moment
from classroom.room.messages_stage import CallSignIn, Signed, SignIn, SignInProgress

SECOND = 1_000_000
WINDOW = 90 * SECOND
SPARED = 180 * SECOND
"""µs at either end of the planned time."""
APART = 300 * SECOND
"""µs of planned time for each sign-in at least: a short lecture has fewer."""
UNPLANNED = 5_400 * SECOND
"""µs that a lecture without a planned end is taken to last."""
AGAIN = 30 * SECOND
"""µs after which a member who was on stage, or at a site, is looked at again."""
DRAWN = 0.75
"""A moment lies in the first three quarters of its part: two are never close together."""
AT_ONCE = 50
"""Asked in one tick."""
ON_ITS_WAY = 120 * SECOND
"""µs for which an answer in time may be held up at another node, while the bus is away."""
CALLS = 20
PROGRESS_EVERY = SECOND


class History(Protocol):
    """What the ledger knows; times in µs since the epoch."""

    def rule(self) -> Rule:
        """The one that the lecture began under, or that holds now."""

    def started(self) -> int | None: ...

    def seed(self, member: str) -> bytes:
        """A secret of this lecture and member, always the same."""

    def came(self, member: str) -> int | None:
        """When a page of theirs was first connected."""

    def sign_ins(self, member: str) -> list[Known]: ...

    def away(self, member: str, since: int, now: int) -> int:
        """How long of the time since then no page of theirs was connected."""

    def at_site(self, member: str) -> bool:
        """Watching together: nobody there holds a phone with the page."""

    def calls(self) -> int:
        """How often everybody was called."""


@dataclass(slots=True)
class Open:
    """Asked and not answered. `down`: since when the connection is."""

    until: int
    latest: int
    down: int | None = None


@dataclass(slots=True)
class Member:
    here: int = 0  # sockets
    open: dict[str, Open] = field(default_factory=dict)
    done: dict[str, int] = field(default_factory=dict)
    """Answered ones, with what their window was."""
    asked: set[str] = field(default_factory=set)
    came: int = 0


@dataclass(slots=True)
class Called:
    """The last call."""

    id: str
    until: int
    members: frozenset[str]
    answered: int = 0
    told: tuple[int, int] = (-1, 0)
    told_at: int = 0


def moments(seed: bytes, first: int, last: int, count: int) -> list[int]:
    """`count` of them, or as many as there is room for, between `first` and `last` (µs), in order."""
    count = min(count, max(0, last - first) // APART)
    chance = Random(seed)  # noqa: S311 (the seed is the secret)
    part = (last - first) / count if count else 0.0
    return [first + int(part * (number + DRAWN * chance.random())) for number in range(count)]


class SignIns:
    """`starts` and `ends` as planned. `handlers` by the type of message; the room has looked at rights before it asks
    them. They raise `UserError`."""

    def __init__(self, history: History, starts: int | None, ends: int | None) -> None:
        self._history = history
        self._starts = starts
        self._ends = ends
        self._members: dict[str, Member] = {}
        self._due: list[tuple[int, str, str]] | None = None  # None: the lecture has not begun
        self._last = 0
        self._open: set[tuple[str, str]] = set()
        self._called: Called | None = None
        self._calls = history.calls()
        self._asking = False
        self.handlers: Mapping[type, Callable[[Socket, Any, int], list[Action]]] = {
            Signed: lambda socket, message, now: self.sign(socket.person.member, message.id, socket.heard),
            CallSignIn: lambda socket, message, now: self.call(now),
        }

    # --- who is here ---

    def join(self, member: str, now: int) -> None:
        """A page of a member who is counted came."""
        found = self._members.get(member)
        if found is None:
            found = self._members[member] = self._take_up(member, now)
            self._plan(member, found)
        found.here += 1
        for one in found.open.values():
            if one.down is not None:
                one.until = min(one.until + max(0, now - one.down), one.latest)
                one.down = None

    def leave(self, member: str, last: int) -> None:
        """A page of theirs went; `last`: its last sign."""
        found = self._members.get(member)
        if found is None:
            return
        found.here -= 1
        if not found.here:
            for one in found.open.values():
                one.down = last

    def greet(self, person: Person, now: int) -> list[ToldMessage]:
        """What somebody who comes in is told besides the snapshot."""
        found = self._members.get(person.member)
        told: list[ToldMessage] = []
        if found is not None:
            told += [SignIn(name, moment(one.until), False) for name, one in found.open.items() if now <= one.until]
        if rights(person.role).direct and (progress := self._progress()) is not None:
            told.append(progress)
        return told

    def _progress(self) -> SignInProgress | None:
        """Of the last call."""
        called = self._called
        if called is None:
            return None
        return SignInProgress(called.id, moment(called.until), len(called.members), called.answered)

    def _take_up(self, member: str, now: int) -> Member:
        came = self._history.came(member)
        found = Member(came=now if came is None else came)
        for known in self._history.sign_ins(member):
            found.asked.add(known.id)
            if known.answered is not None:
                found.done[known.id] = known.until
                continue
            grown = min(self._history.away(member, known.at, now), EXTENDED_AT_MOST)
            if known.until + grown > now:
                self._put(member, found, known.id, known.until + grown, known.until)
        return found

    def _put(self, member: str, found: Member, name: str, until: int, planned: int) -> None:
        found.asked.add(name)
        found.open[name] = Open(until, planned + EXTENDED_AT_MOST)
        self._open.add((member, name))

    # --- asking ---

    def tick(self, now: int, asking: bool, on_stage: Callable[[str], bool]) -> list[Action]:
        """`asking`: the lecture is live and something is shown."""
        self._asking = asking
        if self._due is None:
            self._begin()
        actions: list[Action] = []
        due = self._due
        while asking and due and due[0][0] <= now and len(actions) < 2 * AT_ONCE:
            _, member, name = heapq.heappop(due)
            if now > self._last or name in self._members[member].asked:
                continue
            if on_stage(member) or self._history.at_site(member):
                heapq.heappush(due, (now + AGAIN, member, name))
            else:
                actions += self._ask(member, name, now)
        self._close(now)
        return [*actions, *self._tell_progress(now)]

    def _begin(self) -> None:
        started = self._history.started()
        if started is None:
            return
        self._due = []
        for member, found in self._members.items():
            self._plan(member, found)

    def _plan(self, member: str, found: Member) -> None:
        started = self._history.started()
        if self._due is None or started is None:
            return
        begin = max(started, self._starts or started)
        end = begin + UNPLANNED if self._ends is None else self._ends
        self._last = end - SPARED
        drawn = moments(self._history.seed(member), begin + SPARED, self._last, self._history.rule().sign_ins)
        for number, at in enumerate(drawn, start=1):
            name = f"r{number}"
            if at >= found.came and name not in found.asked:
                heapq.heappush(self._due, (at, member, name))

    def _ask(self, member: str, name: str, now: int) -> list[Action]:
        found, until = self._members[member], now + WINDOW
        self._put(member, found, name, until, until)
        if not found.here:
            found.open[name].down = now
        told = SignIn(name, moment(until), False)
        return [Record(SignInAsked(member, name, until), now), TellMember(member, told)]

    def call(self, now: int) -> list[Action]:
        """Everybody who is here. Raises `UserError`."""
        if not self._asking:
            raise UserError("not-live")
        if self._called is not None and now < self._called.until:
            raise UserError("sign-in-open")
        if self._calls >= CALLS:
            raise UserError("sign-ins-enough")
        self._calls += 1
        name = f"c{self._calls}"
        members = [
            member for member, found in self._members.items() if found.here and not self._history.at_site(member)
        ]
        self._called = Called(name, now + WINDOW, frozenset(members))
        asked = [action for member in members for action in self._ask(member, name, now)]
        return [*asked, *self._tell_progress(now)]

    def sign(self, member: str, name: str, heard: int) -> list[Action]:
        """The member answered, and their node heard it then. Raises `UserError` where it was too late, or they were
        never asked."""
        found = self._members.get(member)
        if found is None or (name not in found.open and name not in found.done):
            raise UserError("sign-in-over")
        if name in found.done:
            return [TellMember(member, SignIn(name, moment(found.done[name]), True))]
        one = found.open[name]
        if heard > one.until:
            raise UserError("sign-in-over")
        self._drop(member, name)
        found.done[name] = one.until
        if self._called is not None and self._called.id == name:
            self._called.answered += 1
        return [Record(SignInAnswered(member, name), heard), TellMember(member, SignIn(name, moment(one.until), True))]

    def _drop(self, member: str, name: str) -> None:
        self._open.discard((member, name))
        del self._members[member].open[name]

    def _close(self, now: int) -> None:
        """Forgets those whose window is over, and of which no answer can be on its way."""
        for member, name in self._over(now):
            self._drop(member, name)

    def _over(self, now: int) -> Iterable[tuple[str, str]]:
        found = ((key, self._members[key[0]].open[key[1]]) for key in self._open)
        return [key for key, one in found if now > (one.until + ON_ITS_WAY if one.down is None else one.latest)]

    def _tell_progress(self, now: int) -> list[Action]:
        called, progress = self._called, self._progress()
        if called is None or progress is None:
            return []
        counts = (len(called.members), called.answered)
        if counts == called.told or (called.told_at and now - called.told_at < PROGRESS_EVERY):
            return []
        called.told, called.told_at = counts, now
        return [TellThose("direct", progress)]
