"""What the relay saw, as facts of the ledger: one table. Pure; the only place where the two vocabularies meet.

Theory of operation: the relay speaks of peers and of seconds of CLOCK_MONOTONIC, the ledger of members and of
microseconds since the epoch. An interval of *receiving* opens at the first valid report and closes at the last one.
When a viewer stops in order (DELETE, close_notify) that message itself is evidence: if the last report is at most three
seconds old the interval ends with it. The relay tells a stall and the end of a peer one after the other; a stall that
is younger than a real one can be is the first half of such an end, and waits for the second.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import msgspec

from attendance.facts import (
    Bits,
    Body,
    Evidence,
    JoinFailed,
    OutageBegan,
    OutageEnded,
    ReceivingBegan,
    ReceivingStopped,
)
from signaling.control import (
    Closing,
    Event,
    PeerClosed,
    ViewerLacksCodec,
    ViewerQuality,
    ViewerReceiving,
    ViewerStalled,
)
from signaling.ports import RelayDown, RelayUp

CLEAN = frozenset({Closing.DELETED, Closing.CLOSED, Closing.SHUTDOWN})
CLEAN_WITHIN = 3.0
STALLS_AFTER = 4.5
"""Seconds. The relay calls a viewer stalled after 5 s without a valid report; what it tells sooner is an end."""


class Told(msgspec.Struct, frozen=True):
    lecture: str
    body: Body
    happened: int | None  # None: now


@dataclass(slots=True)
class Viewer:
    lecture: str
    member: str
    audience: bool
    receiving: bool = False
    since: int = 0  # µs; of receiving
    ending: float | None = None  # last valid report, told with an end that is still to come
    lacks: bool = False
    levels: dict[str, str] = field(default_factory=dict)  # by slot, where it ever was another than the whole picture


class Witness:
    """Follows every viewer of this node. `at` turns CLOCK_MONOTONIC seconds into microseconds since the epoch."""

    def __init__(self, at: Callable[[float], int]) -> None:
        self._at = at
        self._viewers: dict[str, Viewer] = {}
        self._lectures: dict[str, dict[str, Viewer]] = {}
        self._members: dict[tuple[str, str], dict[str, Viewer]] = {}
        self._table: dict[type, Callable[[Any], list[Told]]] = {
            ViewerReceiving: self._receiving,
            ViewerStalled: self._stalled,
            PeerClosed: self._closed,
            ViewerLacksCodec: self._lacks_codec,
            ViewerQuality: self._level,
        }

    def watch(self, peer: str, lecture: str, member: str, audience: bool = True) -> None:
        """`peer` is a viewer: what the relay tells of it from here on concerns this member. Facts are told of every
        viewer; `audience`: it is also counted among those whom the lecture reaches."""
        if peer not in self._viewers:
            viewer = self._viewers[peer] = Viewer(lecture, member, audience)
            self._lectures.setdefault(lecture, {})[peer] = viewer
            self._members.setdefault((lecture, member), {})[peer] = viewer

    def viewer(self, peer: str) -> Viewer | None:
        return self._viewers.get(peer)

    def of(self, lecture: str, member: str) -> list[Viewer]:
        return list(self._members.get((lecture, member), {}).values())

    def levels(self, lecture: str, member: str) -> list[tuple[str, str, str]]:
        """(peer, slot, level) of this member's viewers, where the level ever was another than the whole picture."""
        viewers = self._members.get((lecture, member), {})
        return [(peer, slot, level) for peer, viewer in viewers.items() for slot, level in viewer.levels.items()]

    def peers(self, lecture: str, members: frozenset[str] | None = None) -> tuple[str, ...]:
        """Its viewers; those of `members` alone where they are given."""
        viewers = self._lectures.get(lecture, {})
        return tuple(peer for peer, viewer in viewers.items() if members is None or viewer.member in members)

    def __len__(self) -> int:
        return len(self._viewers)

    def bits(self, lecture: str, before: int) -> dict[str, int]:
        """What a beat says of this lecture's viewers that receive since `before` (µs) or longer."""
        viewers = self._lectures.get(lecture, {})
        return {peer: int(Bits.REPORTED) for peer, each in viewers.items() if each.receiving and each.since <= before}

    def receiving(self, lecture: str) -> int:
        """Members whom media reaches now, each counted once."""
        viewers = self._lectures.get(lecture, {})
        return len({each.member for each in viewers.values() if each.receiving and each.audience})

    def receive(self, event: Event | RelayUp | RelayDown, lectures: Iterable[str] = ()) -> list[Told]:
        """`lectures`: those that go on now; an outage of the relay is theirs."""
        if isinstance(event, RelayDown):
            return self._down(event, lectures)
        if isinstance(event, RelayUp):
            now = self._at(event.at)
            return [Told(lecture, OutageEnded("relay"), now) for lecture in lectures]
        handler = self._table.get(type(event))
        return [] if handler is None else handler(event)

    def _receiving(self, event: ViewerReceiving) -> list[Told]:
        viewer = self._viewers.get(event.peer)
        if viewer is None:
            return []
        viewer.ending = None
        if viewer.receiving:
            return []
        viewer.receiving = True
        since = viewer.since = self._at(event.at)
        return [Told(viewer.lecture, ReceivingBegan(viewer.member, event.peer, Evidence.REPORTED, since), since)]

    def _stalled(self, event: ViewerStalled) -> list[Told]:
        viewer = self._viewers.get(event.peer)
        if viewer is None or not viewer.receiving:
            return []
        if event.at - event.last < STALLS_AFTER:
            viewer.ending = event.last
            return []
        return self._stop(event.peer, viewer, event.at, event.last, "stalled")

    def _closed(self, event: PeerClosed) -> list[Told]:
        viewer = self._viewers.pop(event.peer, None)
        if viewer is None:
            return []
        del self._lectures[viewer.lecture][event.peer]
        self._forget(viewer.lecture, viewer.member, event.peer)
        if not viewer.receiving:
            return []
        last = event.last if viewer.ending is None else viewer.ending
        if event.reason in CLEAN and event.at - last <= CLEAN_WITHIN:
            last = event.at
        return self._stop(event.peer, viewer, event.at, last, event.reason.value)

    def _forget(self, lecture: str, member: str, peer: str) -> None:
        viewers = self._members[lecture, member]
        del viewers[peer]
        if not viewers:
            del self._members[lecture, member]

    def _lacks_codec(self, event: ViewerLacksCodec) -> list[Told]:
        viewer = self._viewers.get(event.peer)
        if viewer is None or viewer.lacks:
            return []
        viewer.lacks = True
        fact = JoinFailed(viewer.member, "no-codec", f"{event.slot}: {event.codec.value}")
        return [Told(viewer.lecture, fact, None)]

    def _level(self, event: ViewerQuality) -> list[Told]:
        viewer = self._viewers.get(event.peer)
        if viewer is not None:
            viewer.levels[event.slot] = event.level
        return []

    def _down(self, event: RelayDown, lectures: Iterable[str]) -> list[Told]:
        now = self._at(event.at)
        told = [Told(lecture, OutageBegan("relay", now), now) for lecture in lectures]
        for peer, viewer in self._viewers.items():
            if viewer.receiving:
                told += self._stop(peer, viewer, event.at, event.at, "relay-down")
        self._viewers.clear()
        self._lectures.clear()
        self._members.clear()
        return told

    def _stop(self, peer: str, viewer: Viewer, at: float, last: float, reason: str) -> list[Told]:
        viewer.receiving, viewer.ending = False, None
        body = ReceivingStopped(viewer.member, peer, self._at(min(last, at)), reason)
        return [Told(viewer.lecture, body, self._at(at))]
