"""What a home does with the letters of its edges: who is there, what they say, what they ask; and who is gone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import msgspec

from attendance.facts import MemberConnected, NodeLost
from attendance.ports import Clock
from classroom.errors import UserError
from classroom.io.floor_asyncio import SharedFloor
from classroom.io.home_asyncio import JUDGED_AT_ONCE, LiveRoom, Performer
from classroom.io.node_asyncio import Node
from classroom.nodes.lease import GONE
from classroom.nodes.link import Hole, HomeEnd
from classroom.nodes.wire import Answer, Ask, Attach, Detach, Inputs, Letter, Present, Unknown, Welcome
from classroom.room.actions import Record, Replay, Tell
from classroom.room.inputs import Joined, Lagged, Left, Ordered
from classroom.room.lecture import OVER
from classroom.room.messages import Resumed


class Rooms(Protocol):
    live: dict[str, LiveRoom]

    def beat_soon(self, lecture: str) -> None:
        """A beat of this process's sockets and viewers; nobody waits for it."""


class Host:
    """`send` takes letters, to a node's process, and waits for nothing."""

    def __init__(
        self,
        node: Node,
        rooms: Rooms,
        performer: Performer,
        clock: Clock,
        send: Callable[[str, str, Letter], None],
    ) -> None:
        self._node = node
        self._rooms = rooms
        self._performer = performer
        self._clock = clock
        self._send = send
        self._missing: dict[tuple[str, str, str], int] = {}

    def readmit(self, lecture: str, live: LiveRoom, joined: Joined, complete: bool) -> None:
        """A socket that another home had taken in: that it is connected is written, and what was said it has, or gets
        by itself (`complete`); otherwise it needs a snapshot."""
        joined = msgspec.structs.replace(joined, last=live.room.seq if complete else None)
        actions = live.room.receive(joined, self._clock.now())
        self._performer.perform(
            lecture,
            live,
            [
                action
                for action in actions
                if not (isinstance(action, Record) and isinstance(action.body, MemberConnected))
                and not (isinstance(action, Tell) and isinstance(action.message, Resumed))
                and not isinstance(action, Replay)
            ],
        )

    def _home(self, lecture: str, fence: int | None = None) -> tuple[LiveRoom, SharedFloor] | None:
        live = self._rooms.live.get(lecture)
        if live is None or not isinstance(live.floor, SharedFloor):
            return None
        return (live, live.floor) if fence in (None, live.floor.hold.home.fence) else None

    def attach(self, letter: Attach) -> None:
        found = self._home(letter.lecture, letter.fence)
        if found is None:
            return
        live, floor = found
        key = f"{letter.node}/{letter.boot}"
        now = self._clock.now()
        before = floor.edges.get(key)
        here = {present.joined.connection for present in letter.present}
        for connection in [one for one, owner in floor.whose.items() if owner == key and one not in here]:
            self._gone(letter.lecture, live, floor, connection, now)
        seq = letter.seq if any(present.admitted for present in letter.present) else floor.spoken
        missed = floor.given(live.room.missed(seq), seq)
        complete = missed is not None and not letter.reset and not (before is not None and before.torn)
        heard = max(floor.heard.get(key, 0), letter.heard)
        floor.heard[key] = heard
        settled = floor.settled[key] = max(floor.settled.get(key, 0), letter.heard)
        end = HomeEnd(letter.node, letter.boot, heard, now, settled)
        seq = seq if complete else floor.spoken
        welcome = Welcome(letter.lecture, letter.fence, letter.id, settled, seq, anew=not complete)
        floor.attach(end, welcome, (missed or ()) if complete else ())
        for item in () if before is None else before.left():
            end.put(item)
        for present in letter.present:
            self._present(letter.lecture, live, floor, key, present, complete)

    def _present(
        self, lecture: str, live: LiveRoom, floor: SharedFloor, key: str, present: Present, complete: bool
    ) -> None:
        joined = present.joined
        known = live.room.crowd.get(joined.connection) is not None
        floor.whose[joined.connection] = key
        if known and not (present.admitted and complete):
            self._performer.feed(lecture, live, Lagged(joined.connection))
        elif not known and present.admitted:
            self.readmit(lecture, live, joined, complete)
        elif not known:
            self._performer.feed(lecture, live, joined)

    def hear(self, letter: Inputs) -> None:
        found = self._home(letter.lecture)
        if found is None:
            return
        live, floor = found
        key = f"{letter.node}/{letter.boot}"
        end = floor.edges.get(key)
        unknown = Unknown(letter.lecture, letter.fence)
        if end is None or letter.fence != floor.hold.home.fence:
            self._send(letter.node, letter.boot, unknown)
            return
        try:
            fresh = end.hear(letter, self._clock.now())
        except Hole:
            self._send(letter.node, letter.boot, unknown)
            return
        floor.heard[key] = end.heard
        for message in fresh:
            if isinstance(message, Joined):
                if live.room.crowd.get(message.connection) is not None:
                    continue
                floor.whose[message.connection] = key
            self._performer.feed(letter.lecture, live, message)
            if isinstance(message, Left):
                floor.whose.pop(message.connection, None)

    def detach(self, letter: Detach) -> None:
        found = self._home(letter.lecture)
        if found is not None:
            self._lose(letter.lecture, *found, f"{letter.node}/{letter.boot}", self._clock.now())

    def answer(self, letter: Ask) -> None:
        live = self._rooms.live.get(letter.lecture)
        if live is None:
            answer = Answer(letter.id, reason="room-away")
        else:
            try:
                answer = Answer(letter.id, self._outcome(letter, live))
            except UserError as error:
                answer = Answer(letter.id, reason=error.reason)
        self._send(letter.node, letter.boot, answer)

    def _outcome(self, letter: Ask, live: LiveRoom) -> bytes:
        if letter.what == "roll":
            now = self._clock.now()
            live.roll.judge(now, JUDGED_AT_ONCE)
            return msgspec.msgpack.encode(live.call(now))
        if letter.what == "witness":
            self._rooms.beat_soon(letter.lecture)
            return b""
        self._performer.feed(letter.lecture, live, Ordered(letter.what, letter.by))
        live.floor.flush()
        return live.room.life.state.value.encode()

    def bury(self, lecture: str, live: LiveRoom, floor: SharedFloor) -> None:
        """Edges that give no sign, and processes that told something of this lecture and are nowhere."""
        now = self._clock.now()
        for key, end in tuple(floor.edges.items()):
            if now - end.seen > GONE * 1_000_000:
                self._lose(lecture, live, floor, key, end.seen)
        if live.room.life.state in OVER:
            return
        missing = {
            (lecture, node, boot)
            for node, boot in live.presence.open_boots
            if (node, boot) != (self._node.name, self._node.boot) and f"{node}/{boot}" not in floor.edges
        }
        for one in [one for one in self._missing if one[0] == lecture and one not in missing]:
            del self._missing[one]
        for one in missing:
            if now - self._missing.setdefault(one, now) > GONE * 1_000_000:
                del self._missing[one]
                self._performer.record(lecture, NodeLost(one[1], one[2]))

    def _lose(self, lecture: str, live: LiveRoom, floor: SharedFloor, key: str, last: int) -> None:
        if floor.edges.pop(key, None) is None:
            return
        for connection in [one for one, owner in floor.whose.items() if owner == key]:
            self._gone(lecture, live, floor, connection, last)

    def _gone(self, lecture: str, live: LiveRoom, floor: SharedFloor, connection: str, last: int) -> None:
        self._performer.feed(lecture, live, Left(connection, last, "node-lost"))
        floor.whose.pop(connection, None)
