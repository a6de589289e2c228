"""One lecture's room: takes inputs, gives actions, knows no clock and no socket.

Theory of operation: a table sends each input to one short method, which asks the parts (lecture, slots, chat, crowd).
Parts know nothing of each other and return actions. After every input that may have moved something `_settle` lets the
parts see each other's new state, in a fixed order: who may see what is published, the lecture's own moves, its end.
Last the outbox numbers every broadcast.
"""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Callable
from typing import Any

import msgspec

from attendance.facts import Bits, JoinFailed, MemberConnected, MemberDisconnected
from classroom.errors import UserError
from classroom.people.role import BACKSTAGE, rights
from classroom.room import counting
from classroom.room.actions import (
    Action,
    Broadcast,
    CloseViewers,
    Complain,
    Dismiss,
    Measured,
    Record,
    Replay,
    ReportReception,
    Tell,
)
from classroom.room.chat import ChatLog
from classroom.room.crowd import Crowd, Socket
from classroom.room.inputs import (
    Input,
    Joined,
    Lagged,
    Left,
    LinksReplaced,
    MemberTroubled,
    Ordered,
    PictureLevelChanged,
    PublicationClosed,
    PublicationFellSilent,
    PublicationFlowed,
    PublicationOpened,
    PublisherWarned,
    Received,
    RelayLost,
    RelayReturned,
    RosterChanged,
    Ticked,
)
from classroom.room.lecture import OVER, Life, Trigger
from classroom.room.messages import (
    VERSION,
    AudienceSeen,
    Chat,
    Close,
    Command,
    Heartbeat,
    LectureView,
    PictureLevel,
    Presence,
    Quality,
    Reception,
    RelayRestarted,
    Resumed,
    Say,
    Snapshot,
    Trouble,
    You,
    moment,
)
from classroom.room.outbox import Outbox
from classroom.room.slots import Slots

PRESENCE_EVERY = 500_000
PRESENCE_PER_SOCKET = 2_000
"""µs between two counts of who is here, which go to every socket: so many at least, and the longer the more there are,
for while a thousand come in it would be the costliest message of all."""
RECEPTION_EVERY = 1_500_000
"""µs; pages say it every two seconds at most, and what comes sooner is not passed on."""
AUDIENCE_EVERY = 2_000_000
TICKS_A_SECOND = 10


class About(msgspec.Struct, frozen=True):
    """What stays the same while the room exists; `starts` and `ends` in microseconds since the epoch."""

    id: str
    title: str
    starts: int | None
    ends: int | None
    whip: str
    whep: str


class Room:
    def __init__(
        self, about: About, life: Life, attendance: counting.Attendance, now: int, boots: int = 0, invited: int = 0
    ) -> None:
        self.about = about
        self.life = life
        self.slots = Slots(everyone=not life.rehearsing(now))
        self.crowd = Crowd()
        self.invited = invited
        self._attendance = attendance
        self._chat = ChatLog(now)
        self._outbox = Outbox(boots)
        self._said = self._outbox.seq
        self._count_told = 0
        self._count_at = 0
        self._audience: AudienceSeen | None = None
        self._audience_at = 0
        self._turn: deque[str] = deque()
        self._inputs: dict[type, Callable[[Any, int], list[Action]]] = {
            Joined: self._join,
            Left: self._leave,
            Lagged: self._lag,
            Received: self._hear,
            PublicationOpened: lambda it, now: self.slots.open(it.peer, it.slot, it.person),
            PublicationFlowed: lambda it, now: self.slots.flow(it.peer, it.at, it.video),
            PublicationFellSilent: lambda it, now: self.slots.fall_silent(it.peer, it.last),
            PublicationClosed: lambda it, now: self.slots.close(it.peer, it.last, it.wanted),
            PublisherWarned: lambda it, now: self._warn(self.slots.publisher(it.peer), it.reason),
            MemberTroubled: lambda it, now: self._warn(it.member, it.reason),
            PictureLevelChanged: self._tell_level,
            RelayLost: lambda it, now: self.slots.lose_all(it.at),
            RelayReturned: lambda it, now: [Broadcast(RelayRestarted(0))],
            Ordered: lambda it, now: self._order(it.action, it.by, now),
            RosterChanged: self._count_invited,
            LinksReplaced: lambda it, now: self._expel(it.members),
            Ticked: self._tick,
        }
        self._messages: dict[type, Callable[[Socket, Any, int], list[Action]]] = {
            Heartbeat: self._beat,
            Say: self._say,
            Quality: lambda socket, message, now: [Measured(message)],
            Reception: self._reception,
            Trouble: self._trouble,
            Command: lambda socket, message, now: self._command(socket, message, now),
        }

    def receive(self, message: Input, now: int) -> list[Action]:
        """`now` in microseconds since the epoch. Raises `UserError` for `Ordered` alone; whoever writes nonsense on a
        socket is told there."""
        actions = self._inputs[type(message)](message, now)
        if not isinstance(message, Left | Lagged | RosterChanged):
            actions += self._settle(now)
        return self._number(actions)

    def bits(self, connection: str) -> int:
        """What a beat says of a socket that is alive."""
        socket = self.crowd.get(connection)
        if socket is None:
            return 0
        bits = Bits.CONNECTED
        if socket.visible:
            bits |= Bits.VISIBLE
        if self.slots.on_stage(socket.person.member):
            bits |= Bits.ON_STAGE
        return int(bits)

    def since(self, connection: str) -> int:
        """When a socket joined, µs; never, for one that is not here."""
        socket = self.crowd.get(connection)
        return sys.maxsize if socket is None else socket.joined

    @property
    def idle(self) -> bool:
        """Nobody is here and nothing is sent."""
        return not len(self.crowd) and not self.slots.publications

    # --- sockets ---

    def _join(self, joined: Joined, now: int) -> list[Action]:
        if self.life.state in OVER:
            return [Dismiss(joined.connection, Close.LECTURE_OVER, "lecture-over")]
        try:
            socket = self.crowd.add(joined, now)
        except UserError as error:
            return [Dismiss(joined.connection, Close.TOO_MANY_DEVICES, error.reason)]
        self._turn.append(socket.connection)
        member = joined.person.member
        fact = MemberConnected(member, joined.connection, joined.page.value, joined.device)
        missed = None if joined.last is None else self._outbox.since(joined.last)
        actions: list[Action] = [Record(fact, now)]
        if missed is None:
            actions.append(Tell(joined.connection, self._snapshot(socket, now)))
        else:
            resumed = Resumed(self._outbox.seq, joined.connection, self.crowd.count)
            actions += [Tell(joined.connection, resumed), Replay(joined.connection, missed)]
        if on_stage(joined.person.role):
            actions.append(Tell(joined.connection, self._audience_now(now)))
        return [*actions, *self._tell_counted(socket, now)]

    def _leave(self, left: Left, now: int) -> list[Action]:
        socket = self.crowd.remove(left.connection)
        if socket is None:
            return []
        last = min(now, max(left.last, socket.joined))
        return [Record(MemberDisconnected(socket.person.member, left.connection, last, left.reason), now)]

    def _lag(self, lagged: Lagged, now: int) -> list[Action]:
        socket = self.crowd.get(lagged.connection)
        return [] if socket is None else [Tell(lagged.connection, self._snapshot(socket, now))]

    def _snapshot(self, socket: Socket, now: int) -> Snapshot:
        person, life = socket.person, self.life
        return Snapshot(
            seq=self._outbox.seq,
            version=VERSION,
            you=You(person.member, person.name, person.branch, person.role, socket.connection),
            lecture=LectureView(
                self.about.id,
                self.about.title,
                life.state,
                None if self.about.starts is None else moment(self.about.starts),
                None if self.about.ends is None else moment(self.about.ends),
                None if life.since is None else moment(life.since),
            ),
            slots=self.slots.views(),
            count=self.crowd.count,
            chat=tuple(self._chat.history),
            whip=self.about.whip,
            whep=self.about.whep,
            now=moment(now),
        )

    # --- what pages say ---

    def _hear(self, received: Received, now: int) -> list[Action]:
        socket = self.crowd.get(received.connection)
        if socket is None:
            return []
        try:
            return self._messages[type(received.message)](socket, received.message, now)
        except UserError as error:
            return [Complain(socket.connection, error.reason)]

    def _beat(self, socket: Socket, message: Heartbeat, now: int) -> list[Action]:
        socket.visible, socket.playing = message.visible, message.playing
        return []

    def _reception(self, socket: Socket, message: Reception, now: int) -> list[Action]:
        if socket.reported_at is not None and now - socket.reported_at < RECEPTION_EVERY:
            return []
        socket.reported_at = now
        return [ReportReception(socket.person.member, message.session, message.lost, message.frozen_ms)]

    def _say(self, socket: Socket, message: Say, now: int) -> list[Action]:
        if self.life.state in OVER:
            raise UserError("lecture-over")
        said = self._chat.say(socket.person, message, now, self._said + 1)
        self._said += len(said)
        return said

    def _trouble(self, socket: Socket, message: Trouble, now: int) -> list[Action]:
        member = socket.person.member
        if not self.crowd.report_trouble(member, message.cause.value, now):
            return []
        return [Record(JoinFailed(member, message.cause.value, message.detail), now)]

    def _warn(self, member: str | None, reason: str) -> list[Action]:
        """On every page of that member."""
        return [] if member is None else [Complain(connection, reason) for connection in self.crowd.of(member)]

    def _tell_level(self, changed: PictureLevelChanged, now: int) -> list[Action]:
        """On every page of that member: each knows which session is its own."""
        message = PictureLevel(changed.peer, changed.slot, changed.level)
        return [Tell(connection, message) for connection in self.crowd.of(changed.member)]

    def _command(self, socket: Socket, message: Command, now: int) -> list[Action]:
        if not rights(socket.person.role).move:
            raise UserError("role-may-not")
        return self._order(message.action, socket.person.member, now)

    def _order(self, action: str, by: str | None, now: int) -> list[Action]:
        if self.life.state in OVER:
            if action == "end":
                return []
            raise UserError("lecture-over")
        if action == "start":
            return self.life.move(Trigger.BUTTON, now, by)
        return [*self.life.move(Trigger.END, now, by), *self.slots.end(), CloseViewers()]

    def _count_invited(self, changed: RosterChanged, now: int) -> list[Action]:
        self.invited = changed.invited
        return []

    def _expel(self, members: frozenset[str]) -> list[Action]:
        connections = [connection for member in sorted(members) for connection in self.crowd.of(member)]
        dismissed = [Dismiss(connection, Close.TICKET, "ticket-revoked") for connection in connections]
        return [*dismissed, *self.slots.expel(members), CloseViewers(members)]

    # --- time, and what follows from it ---

    def _settle(self, now: int) -> list[Action]:
        actions = self.slots.open_to(not self.life.rehearsing(now), now)
        if self.life.state not in OVER:
            actions += self.life.tick(now, self.slots.picture, self.slots.silent_since)
        return actions

    def _tick(self, _: Ticked, now: int) -> list[Action]:
        actions = self.slots.tick(now)
        apart = max(PRESENCE_EVERY, len(self.crowd) * PRESENCE_PER_SOCKET)
        if self.crowd.count != self._count_told and now - self._count_at >= apart:
            self._count_told, self._count_at = self.crowd.count, now
            actions.append(Broadcast(Presence(0, self.crowd.count)))
        if now - self._audience_at >= AUDIENCE_EVERY:
            self._audience_at = now
            actions += self._tell_audience(now)
        for _turn in range(-(-len(self._turn) // TICKS_A_SECOND)):
            socket = self.crowd.get(self._turn[0])
            if socket is None:
                self._turn.popleft()
                continue
            self._turn.rotate(-1)
            actions += self._tell_counted(socket, now)
        return actions

    def _tell_audience(self, now: int) -> list[Action]:
        seen = self._audience_now(now)
        if seen == self._audience:
            return []
        self._audience = seen
        return [Tell(each.connection, seen) for each in self.crowd if on_stage(each.person.role)]

    def _audience_now(self, now: int) -> AudienceSeen:
        return AudienceSeen(self.crowd.count, self._attendance.receiving(), self.invited, self.crowd.troubles(now))

    def _tell_counted(self, socket: Socket, now: int) -> list[Action]:
        standing = self._attendance.standing(socket.person.member, now)
        message = counting.counted(socket.person.role, self.life.state, standing)
        if not counting.worth_telling(socket.counted, socket.counted_at, message, now):
            return []
        socket.counted, socket.counted_at = message, now
        return [Tell(socket.connection, message)]

    def _number(self, actions: list[Action]) -> list[Action]:
        numbered = self._outbox.number(actions)
        for action in numbered:
            if isinstance(action, Broadcast) and isinstance(action.message, Chat):
                self._chat.keep(action.message)
        return numbered


def on_stage(role: str) -> bool:
    """Lecturer, host and guests: they see how many watch."""
    return BACKSTAGE in rights(role).watch
