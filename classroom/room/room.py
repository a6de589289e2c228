"""One lecture's room: takes inputs, gives actions, knows no clock and no socket.

Theory of operation: a table sends each input to one short method, which asks the parts (lecture, slots, talk, stage,
crowd). Parts know nothing of each other and return actions; whom a message concerns they say by a person or a right,
and the room makes words to sockets of it. What must outlive the process is an entry of the journal (`Keep`), and
`restore` takes them back in order before the first input. After every input that may have moved something `_settle`
lets the parts see each other's new state, in a fixed order: who may see what is published, the lecture's own moves, its
end. Last the outbox numbers every broadcast.
"""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol

import msgspec

from attendance.facts import Bits, JoinFailed, LectureState, MemberConnected, MemberDisconnected, PageTroubled
from classroom.errors import UserError
from classroom.people.role import BACKSTAGE, rights
from classroom.room import counting
from classroom.room.actions import (
    Action,
    Broadcast,
    CloseViewers,
    Complain,
    Dismiss,
    EchoMarks,
    Keep,
    Measured,
    Record,
    Remove,
    Replay,
    ReportReception,
    Rewrite,
    Tell,
    TellMember,
    TellThose,
)
from classroom.room.audience import Audience
from classroom.room.crowd import Crowd, Socket
from classroom.room.inputs import (
    AudienceFellSilent,
    Input,
    Joined,
    Lagged,
    Left,
    LinksReplaced,
    MemberTroubled,
    Ordered,
    OrderReplaced,
    PictureLevelChanged,
    PublicationClosed,
    PublicationFellSilent,
    PublicationFlowed,
    PublicationOpened,
    PublisherWarned,
    Received,
    Rehomed,
    RelayLost,
    RelayReturned,
    RosterChanged,
    Ticked,
)
from classroom.room.journal import Attempted, Journaled
from classroom.room.lecture import OVER, Life, Trigger
from classroom.room.messages import (
    VERSION,
    WHILE_IN,
    AudienceSeen,
    Close,
    Command,
    Heartbeat,
    HomeMoved,
    LectureView,
    Level,
    PictureLevel,
    Presence,
    Quality,
    Reception,
    RelayRestarted,
    Resumed,
    Snapshot,
    Trouble,
    You,
    moment,
)
from classroom.room.messages_stage import Talkback
from classroom.room.outbox import Outbox
from classroom.room.pace import Pace
from classroom.room.permission import TALK_AND_STAGE, invited, permitted, scope_of, sees_audience
from classroom.room.signin import History, SignIns
from classroom.room.slots import GUEST, Slots
from classroom.room.stage import Stage
from classroom.room.talk import Talk

PRESENCE_EVERY = 500_000
PRESENCE_PER_SOCKET = 2_000
"""µs between two counts of who is here, which go to every socket: so many at least, and the longer the more there are,
for while a thousand come in it would be the costliest message of all."""
RECEPTION_EVERY = 1_500_000
"""µs; pages say it every two seconds at most, and what comes sooner is not passed on."""
AUDIENCE_EVERY = 2_000_000
WAITED_AT_MOST = 600_000_000
"""µs; what is told to have been heard longer ago was heard by a clock that is wrong."""
TICKS_A_SECOND = 10


class About(msgspec.Struct, frozen=True):
    """What stays the same while the room exists; `starts` and `ends` in microseconds since the epoch."""

    id: str
    title: str
    starts: int | None
    ends: int | None
    whip: str
    whep: str


class Ledger(counting.Attendance, History, Protocol):
    """What the room asks of attendance; pure, by the facts recorded so far."""


class Room:
    def __init__(
        self,
        about: About,
        life: Life,
        attendance: Ledger,
        now: int,
        boots: int = 0,
        invited: Mapping[str, str] | None = None,
    ) -> None:
        """`invited`: as in `RosterChanged`."""
        self.about = about
        self.life = life
        self.slots = Slots(everyone=not life.rehearsing(now))
        self.crowd = Crowd()
        self.audience = Audience(invited or {})
        self._attendance = attendance
        self.talk = Talk(now, self.crowd.person)
        self._pace = Pace(now)
        self.stage = Stage(now)
        self.sign_ins = SignIns(attendance, about.starts, about.ends)
        self._outbox = Outbox(boots)
        self._kept = 0
        self._count_told = 0
        self._count_at = 0
        self._audience: dict[str, AudienceSeen] = {}
        self._audience_at = 0
        self._behind: frozenset[str] = frozenset()  # who hears what only the stage is sent, because of their part
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
            AudienceFellSilent: self._fall_silent,
            RelayLost: lambda it, now: self.slots.lose_all(it.at),
            RelayReturned: lambda it, now: [Broadcast(RelayRestarted(0))],
            Rehomed: self._rehome,
            Ordered: lambda it, now: self._order(it.action, it.by, now),
            OrderReplaced: lambda it, now: self.stage.set_order(it.entries, it.by),
            RosterChanged: self._count_invited,
            LinksReplaced: lambda it, now: self._dismiss(it.members, Close.TICKET, "ticket-revoked", now),
            Ticked: self._tick,
        }
        self._messages: dict[type, Callable[[Socket, Any, int], list[Action]]] = {
            Heartbeat: self._beat,
            Quality: lambda socket, message, now: [Measured(message)],
            Reception: self._reception,
            Trouble: self._trouble,
            Command: lambda socket, message, now: self._order(message.action, socket.person.member, now),
            Talkback: lambda socket, message, now: self.slots.talk_aside(socket.person.member, message.on, now),
            **self.talk.handlers,
            **self.stage.handlers,
            **self.sign_ins.handlers,
        }

    def restore(self, journaled: Journaled) -> None:
        """Takes an entry back, in order, before the first input."""
        self._kept = journaled.number
        self.talk.restore(journaled)
        self.stage.restore(journaled)

    def resume(self, after: int, frames: Iterable[bytes]) -> None:
        """What the node before this one said last, from number `after` + 1 on: the count goes on from there."""
        self.slots.doubted = True
        self._outbox.restore(after, frames)
        for message in self._outbox.messages():
            for action in self.talk.recall(message):
                if isinstance(action, Rewrite):
                    self._outbox.rewrite(action.message)

    @property
    def seq(self) -> int:
        """The number of what was said last."""
        return self._outbox.seq

    def missed(self, last: int) -> tuple[bytes, ...] | None:
        """What was said beyond a number; None where not all of it is kept."""
        return self._outbox.since(last)

    def receive(self, message: Input, now: int) -> list[Action]:
        """`now` in microseconds since the epoch. Raises `UserError` for `Ordered` alone; whoever writes nonsense on a
        socket is told there."""
        actions = self._inputs[type(message)](message, now)
        said = type(message.message) if isinstance(message, Received) else type(message)
        if said not in MOVES_NOTHING:
            actions += self._settle(now)
        return self._number(actions, now)

    def bits(self, connection: str) -> int:
        """What a beat says of a socket that is alive."""
        socket = self.crowd.get(connection)
        if socket is None or not invited(socket.person.role):
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

    def admits(self, member: str, slot: str) -> bool:
        """Whether the stage lets this member publish to a slot that their role does not give them."""
        return slot == GUEST and self.stage.admits(member)

    def hears(self, member: str) -> bool:
        """Whether the stage lets this member be sent what only the stage is sent, whatever their role."""
        return member in self.stage.behind

    @property
    def idle(self) -> bool:
        """Nobody is here and nothing is sent."""
        return not len(self.crowd) and not self.slots.publications

    # --- sockets ---

    def _join(self, joined: Joined, now: int) -> list[Action]:
        if self.life.state in OVER:
            return [Dismiss(joined.connection, Close.LECTURE_OVER, "lecture-over")]
        if self.talk.barred(joined.person.member):
            return self._turn_away(joined, Close.BARRED, "barred", now)
        try:
            socket = self.crowd.add(joined, now)
        except UserError as error:
            return self._turn_away(joined, Close.TOO_MANY_DEVICES, error.reason, now)
        self._turn.append(socket.connection)
        self.stage.came(joined.person)
        member = joined.person.member
        if rights(joined.person.role).counted:
            self.sign_ins.join(member, now)
        missed = None if joined.last is None else self._outbox.since(joined.last)
        actions: list[Action] = []
        if invited(joined.person.role):
            actions.append(Record(MemberConnected(member, joined.connection, joined.page.value, joined.device), now))
        if missed is None:
            actions.append(Tell(joined.connection, self._snapshot(socket, now)))
        else:
            resumed = Resumed(self._outbox.seq, joined.connection, self.crowd.count)
            actions += [Tell(joined.connection, resumed), Replay(joined.connection, missed)]
        if sees_audience(joined.person.role):
            self._count_audience(now)
            actions.append(Tell(joined.connection, self.audience.seen(scope_of(joined.person))))
        return [*actions, *self._greet(socket, now), *self._tell_counted(socket, now)]

    def _turn_away(self, joined: Joined, code: Close, reason: str, now: int) -> list[Action]:
        """Of invited people it is kept that they came, and not without end."""
        dismissed = Dismiss(joined.connection, code, reason)
        person = joined.person
        if not invited(person.role) or not self._pace.worth_keeping(person.member, now):
            return [dismissed]
        return [Record(JoinFailed(person.member, reason, joined.page.value), now), dismissed]

    def _greet(self, socket: Socket, now: int) -> list[Action]:
        parts = (self.talk, self.stage, self.sign_ins)
        told = [message for part in parts for message in part.greet(socket.person, now)]
        levels = self._attendance.levels(socket.person.member)  # they may have changed while the channel was away
        told += [PictureLevel(session, slot, Level(level)) for session, slot, level in levels]
        return [Tell(socket.connection, message) for message in told]

    def _leave(self, left: Left, now: int) -> list[Action]:
        socket = self.crowd.remove(left.connection)
        if socket is not None and not self.crowd.of(socket.person.member):
            self.stage.went(socket.person.member, now)
        if socket is None or not invited(socket.person.role):
            return []
        last = min(now, max(left.last, socket.joined))
        self.sign_ins.leave(socket.person.member, last)
        return [Record(MemberDisconnected(socket.person.member, left.connection, last, left.reason), now)]

    def _lag(self, lagged: Lagged, now: int) -> list[Action]:
        socket = self.crowd.get(lagged.connection)
        if socket is None:
            return []
        return [Tell(lagged.connection, self._snapshot(socket, now)), *self._greet(socket, now)]

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
            chat=self.talk.history,
            deleted=self.talk.deleted,
            pinned=self.talk.pinned,
            rules=self.talk.rules,
            questions=self.talk.questions,
            polls=self.talk.polls,
            stage=self.stage.view,
            whip=self.about.whip,
            whep=self.about.whep,
            now=moment(now),
        )

    # --- what pages say ---

    def _hear(self, received: Received, now: int) -> list[Action]:
        socket = self.crowd.get(received.connection)
        if socket is None or self.talk.barred(socket.person.member):
            return []
        message = received.message
        socket.heard = now if received.at is None else min(max(received.at, now - WAITED_AT_MOST), now)
        if not permitted(socket.person.role, type(message)):
            return self._refuse(socket, str(message.__struct_config__.tag), now)
        actions = self._take(socket, message, now)
        key = getattr(message, "key", None)
        if key is None:
            return actions
        return [msgspec.structs.replace(it, key=key) if isinstance(it, Complain) else it for it in actions]

    def _take(self, socket: Socket, message: Any, now: int) -> list[Action]:
        if type(message) in TALK_AND_STAGE:
            if self.life.state in OVER:
                return [Complain(socket.connection, "lecture-over")]
            if not self._pace.allows(socket.person, socket.heard, now):
                return [Complain(socket.connection, "too-fast")]
        try:
            return self._messages[type(message)](socket, message, now)
        except UserError as error:
            return [Complain(socket.connection, error.reason)]

    def _refuse(self, socket: Socket, action: str, now: int) -> list[Action]:
        """What their role may not."""
        complaint = Complain(socket.connection, "role-may-not")
        if not self._pace.worth_keeping(socket.person.member, now):
            return [complaint]
        return [complaint, Keep(Attempted(action), socket.person.member)]

    def _beat(self, socket: Socket, message: Heartbeat, now: int) -> list[Action]:
        socket.visible, socket.playing = message.visible, message.playing
        return [EchoMarks(socket.person.member, proof.session, proof.marks) for proof in message.proofs]

    def _reception(self, socket: Socket, message: Reception, now: int) -> list[Action]:
        if socket.reported_at is not None and now - socket.reported_at < RECEPTION_EVERY:
            return []
        socket.reported_at = now
        return [ReportReception(socket.person.member, message.session, message.lost, message.frozen_ms)]

    def _trouble(self, socket: Socket, message: Trouble, now: int) -> list[Action]:
        member = socket.person.member
        if not self.crowd.report_trouble(member, message.cause.value, now):
            return []
        told = PageTroubled if message.cause in WHILE_IN else JoinFailed
        return [Record(told(member, message.cause.value, message.detail), now)]

    def _warn(self, member: str | None, reason: str) -> list[Action]:
        """On every page of that member."""
        return [] if member is None else [Complain(connection, reason) for connection in self.crowd.of(member)]

    def _tell_level(self, changed: PictureLevelChanged, now: int) -> list[Action]:
        """On every page of that member: each knows which session is its own."""
        message = PictureLevel(changed.peer, changed.slot, changed.level)
        return [Tell(connection, message) for connection in self.crowd.of(changed.member)]

    def _order(self, action: str, by: str | None, now: int) -> list[Action]:
        if self.life.state in OVER:
            if action == "end":
                return []
            raise UserError("lecture-over")
        if action == "start":
            return self.life.move(Trigger.BUTTON, now, by)
        return [
            *self.life.move(Trigger.END, now, by),
            *self.talk.end(),
            *self.stage.end(now),
            *self.slots.end(),
            CloseViewers(),
        ]

    def _rehome(self, moved: Rehomed, now: int) -> list[Action]:
        self.about = msgspec.structs.replace(self.about, whip=moved.whip, whep=moved.whep)
        return [Broadcast(HomeMoved(0, moved.whip, moved.whep))]

    def _count_invited(self, changed: RosterChanged, now: int) -> list[Action]:
        self.audience.invite(changed.invited)
        return []

    def _dismiss(self, members: frozenset[str], code: Close, reason: str, now: int) -> list[Action]:
        """With all they have here."""
        connections = [connection for member in sorted(members) for connection in self.crowd.of(member)]
        dismissed = [Dismiss(connection, code, reason) for connection in connections]
        left = self.stage.remove(sorted(members), now)
        return [*dismissed, *left, *self.slots.expel(members), CloseViewers(members)]

    # --- time, and what follows from it ---

    def _settle(self, now: int) -> list[Action]:
        rehearsing = self.life.rehearsing(now)
        actions = self.stage.settle(self.slots.seen, rehearsing, now)
        actions += self.slots.follow(self.stage.cast, now)
        actions += self.slots.open_to(not rehearsing, now)
        actions += self._send_back()
        if self.life.state not in OVER:
            actions += self.life.tick(now, self.slots.picture, self.slots.silent_since)
        return actions

    def _send_back(self) -> list[Action]:
        """A member whose part is over is sent what the audience is sent, by a new session: the old one ends."""
        before, self._behind = self._behind, self.stage.behind
        gone = {member for member in before - self._behind if not self._belongs_behind(member)}
        return [CloseViewers(frozenset(gone))] if gone else []

    def _belongs_behind(self, member: str) -> bool:
        """By their role, whatever their part."""
        person = self.crowd.person(member)
        return person is not None and BACKSTAGE in rights(person.role).watch

    def _tick(self, _: Ticked, now: int) -> list[Action]:
        shown = self.life.state is LectureState.LIVE and self.slots.silent_since is None
        asked = self.sign_ins.tick(now, shown, self.slots.on_stage)
        actions = [*self.slots.tick(now), *self.talk.tick(now), *asked]
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

    def _fall_silent(self, heard: AudienceFellSilent, now: int) -> list[Action]:
        """Whoever speaks is told at once."""
        self.audience.still_receiving = heard.receiving
        self._audience_at = now
        return self._tell_audience(now)

    def _tell_audience(self, now: int) -> list[Action]:
        watching = [each for each in self.crowd if sees_audience(each.person.role)]
        if not watching:
            return []
        self._count_audience(now)
        told = self._audience
        self._audience = {scope: self.audience.seen(scope) for scope in {scope_of(each.person) for each in watching}}
        return [
            Tell(each.connection, self._audience[scope])
            for each in watching
            if self._audience[scope := scope_of(each.person)] != told.get(scope)
        ]

    def _count_audience(self, now: int) -> None:
        attendance = self._attendance
        self.audience.count(
            self.crowd.audience,
            attendance.receiving(),
            self.crowd.troubles(now),
            attendance.excused(),
            attendance.hearing(),
            attendance.gathered(),
        )

    def _tell_counted(self, socket: Socket, now: int) -> list[Action]:
        standing = self._attendance.standing(socket.person.member, now)
        message = counting.counted(socket.person.role, self.life.state, standing)
        if not counting.worth_telling(socket.counted, socket.counted_at, message, now):
            return []
        socket.counted, socket.counted_at = message, now
        return [Tell(socket.connection, message)]

    def _number(self, actions: list[Action], now: int) -> list[Action]:
        return [self._numbered(action, now) for each in actions for action in self._addressed(each, now)]

    def _addressed(self, action: Action, now: int) -> Iterable[Action]:
        """To sockets, what is meant for people; and what is the room's own to do, done."""
        if isinstance(action, TellMember):
            return [Tell(connection, action.message) for connection in self.crowd.of(action.member)]
        if isinstance(action, TellThose):
            able = (each for each in self.crowd if getattr(rights(each.person.role), action.right))
            return [Tell(each.connection, action.message) for each in able]
        if isinstance(action, Remove):
            removed = self._dismiss(frozenset((action.member,)), Close.BARRED, "barred", now)
            return [each for one in removed for each in self._addressed(one, now)]
        if isinstance(action, Rewrite):
            self._outbox.rewrite(action.message)
            return ()
        return (action,)

    def _numbered(self, action: Action, now: int) -> Action:
        if isinstance(action, Broadcast):
            numbered = self._outbox.number(action)
            self.talk.keep(numbered.message)
            return numbered
        if isinstance(action, Keep):
            self._kept += 1
            return msgspec.structs.replace(action, number=self._kept, at=now)
        return action


MOVES_NOTHING = frozenset({Left, Lagged, RosterChanged, Heartbeat, Quality, Reception})
"""After these nothing needs to be settled that the next tick would not do: with a thousand pages they are the most."""
