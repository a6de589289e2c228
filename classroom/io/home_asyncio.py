"""A lecture's room with what surrounds it in the process that runs it, and the performing of what it decides.

`Performer.feed` is synchronous: a room decides and every action is put where it belongs (the floor, the errands for
the relay, the ledger) before the next input is looked at.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol

from attendance.facts import (
    Beat,
    Body,
    LectureMoved,
    LectureState,
    MemberConnected,
    MemberDisconnected,
    RuleFrozen,
)
from attendance.ports import Clock
from attendance.presence import NOBODY, Presence
from attendance.roll import Roll
from classroom.evidence import Told, Witness
from classroom.io.errands_asyncio import Errands
from classroom.io.floor_asyncio import Floor
from classroom.ports import RollCall, Standing
from classroom.room.actions import (
    Action,
    Broadcast,
    ClosePublication,
    CloseViewers,
    Complain,
    Dismiss,
    EchoMarks,
    Keep,
    Measured,
    Record,
    Replay,
    ReportReception,
    RoutePublication,
    Tell,
)
from classroom.room.inputs import Input, Left
from classroom.room.journal import Journaled
from classroom.room.messages import Quality, Resumed, Snapshot, encode
from classroom.room.room import Room
from signaling.control import Closing
from signaling.ports import Relay

JUDGED_AT_ONCE = 120
"""Members whose verdict so far is looked at before others have their turn: 6 ms."""


class Lectures(Protocol):
    async def set_state(self, lecture: str, state: LectureState) -> None: ...


@dataclass(slots=True)
class LiveRoom:
    """`used`: when somebody last needed it; `beaten`: when a beat was written last (both µs); `row`: the last row of
    the ledger that `presence` has seen."""

    room: Room
    presence: Presence
    floor: Floor
    used: int = 0
    beaten: int | None = None
    row: int = 0
    roll: Roll = field(init=False)

    def __post_init__(self) -> None:
        self.roll = Roll(self.presence)

    def call(self, now: int) -> RollCall:
        """With the verdicts as they were looked at last."""
        troubled = self.room.crowd.troubled(now)
        excuses, entries = self.presence.excuses, self.roll.entries(now)
        members: dict[str, Standing] = {}
        for member in {*entries, *troubled, *excuses.members}:
            entry, excuse = entries.get(member), excuses.of(member)
            at = NOBODY if entry is None else entry.standing
            members[member] = Standing(
                connected=at.connected,
                receiving=at.receiving,
                first_join=at.first_join,
                credited=at.credited if entry is None else entry.credited,
                trouble=troubled.get(member),
                proved=at.proved,
                leave=None if excuse is None else excuse.cause.value,
                qualified=None if entry is None else entry.qualified,
                together=at.site is not None,
            )
        return RollCall(self.roll.started, self.roll.counted(now), members)

    def bits(self, before: int) -> dict[str, int]:
        """What a beat says of this process's sockets that gave a sign since `before` (µs). Of staff (0) there are no
        facts."""
        return {
            connection: bits
            for connection, guest in self.floor.guests.items()
            if guest.outlet.evidence >= before
            and self.room.since(connection) <= before
            and (bits := self.room.bits(connection))
        }


class Performer:
    def __init__(
        self,
        clock: Clock,
        errands: Errands,
        lectures: Lectures,
        relay: Relay,
        witness: Witness,
        measure: Callable[[Quality], None],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """`monotonic`: CLOCK_MONOTONIC in seconds, by which marks are judged."""
        self._monotonic = monotonic
        self._clock = clock
        self._errands = errands
        self._lectures = lectures
        self._relay = relay
        self._witness = witness
        self._performers: dict[type, Callable[[str, LiveRoom, Any], None]] = {
            Broadcast: lambda lecture, live, it: live.floor.say(it.frame),
            Tell: self._tell,
            Replay: lambda lecture, live, it: live.floor.tell(it.connection, it.frames, admits=False),
            Complain: lambda lecture, live, it: live.floor.complain(it.connection, it.reason, it.key),
            Dismiss: lambda lecture, live, it: live.floor.dismiss(it.connection, it.code, it.reason),
            Record: self._record,
            Keep: lambda lecture, live, it: live.floor.keep(Journaled(it.number, it.at, it.by, it.entry)),
            RoutePublication: lambda lecture, live, it: errands.put(
                lambda: relay.route(it.publication, it.slot, it.audience)
            ),
            ClosePublication: lambda lecture, live, it: self.close(it.publication),
            CloseViewers: lambda lecture, live, it: self.close_viewers(lecture, it.members),
            EchoMarks: self._echo,
            ReportReception: self._report_reception,
            Measured: lambda lecture, live, it: measure(it.quality),
        }

    def feed(self, lecture: str, live: LiveRoom, message: Input) -> None:
        """Raises `UserError` for `Ordered` alone."""
        self.perform(lecture, live, live.room.receive(message, self._clock.now()))
        if isinstance(message, Left):
            live.floor.guests.pop(message.connection, None)

    def perform(self, lecture: str, live: LiveRoom, actions: Iterable[Action]) -> None:
        for action in actions:
            self._performers[type(action)](lecture, live, action)

    def record(self, lecture: str, body: Body, happened: int | None = None) -> None:
        """A fact of a lecture of this node; nobody waits until it is stored."""
        self._errands.record(lecture, body, happened)
        if isinstance(body, LectureMoved):
            state = body.state
            self._errands.put(lambda: self._lectures.set_state(lecture, state))

    def freeze_rule(self, lecture: str, presence: Presence) -> None:
        if presence.rules.frozen is None:
            current = presence.rules.current
            self.record(lecture, RuleFrozen(current.rule, current.version))

    def close(self, peer: str) -> None:
        self._errands.put(partial(self._relay.close, peer, Closing.DELETED))

    def close_viewers(self, lecture: str, members: frozenset[str] | None = None) -> None:
        for peer in self._witness.peers(lecture, members):
            self.close(peer)

    def beat(self, lecture: str, own: dict[str, int], happened: int) -> Beat:
        """What is known of every connection of this process at that moment."""
        self._believe(self._witness.lapse(lecture, self._monotonic()))
        return Beat({**own, **self._witness.bits(lecture, happened)})

    def _tell(self, _lecture: str, live: LiveRoom, action: Tell) -> None:
        admits = isinstance(action.message, Snapshot | Resumed)
        live.floor.tell(action.connection, (encode(action.message),), admits)

    def _record(self, lecture: str, live: LiveRoom, action: Record) -> None:
        body = action.body
        if isinstance(body, MemberConnected | MemberDisconnected) and not live.floor.own(body.connection):
            return  # its own node writes that
        self.record(lecture, body, action.happened)
        if isinstance(body, LectureMoved) and body.state is LectureState.LIVE:
            self.freeze_rule(lecture, live.presence)

    def _echo(self, lecture: str, _live: LiveRoom, action: EchoMarks) -> None:
        now = self._monotonic()
        self._believe(self._witness.prove(lecture, action.member, action.session, action.marks, now))

    def _report_reception(self, lecture: str, _live: LiveRoom, action: ReportReception) -> None:
        viewer = self._witness.viewer(action.session)
        if viewer is not None and (viewer.lecture, viewer.member) == (lecture, action.member):
            self._errands.put(partial(self._relay.reported, action.session, action.lost, action.frozen_ms))

    def _believe(self, told: Iterable[Told]) -> None:
        for each in told:
            self.record(each.lecture, each.body, each.happened)
