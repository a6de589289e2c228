"""What the relay saw, as facts of the ledger: one table. Pure; the only place where the two vocabularies meet.

Theory of operation: the relay speaks of peers and of seconds of CLOCK_MONOTONIC, the ledger of members and of
microseconds since the epoch. An interval of *receiving* opens at the first valid report and closes at the last one.
When a viewer stops in order (DELETE, close_notify) that message itself is evidence: if the last report is at most three
seconds old the interval ends with it. The relay tells a stall and the end of a peer one after the other; a stall that
is younger than a real one can be is the first half of such an end, and waits for the second.

Reports say when media arrives; a mark of a period (signaling/proof.py) that the member's page echoes proves that media
of that period arrived. What counts as proved is the part of a period in which reports came *and* whose mark was echoed;
the rest is reported, also the last seconds before an end, for which no echo came any more. So neither invented reports
nor another's marks prove anything, and an interval that changes its evidence does so at the edge of a period.
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
    ViewerHearing,
    ViewerLacksCodec,
    ViewerQuality,
    ViewerReceiving,
    ViewerStalled,
)
from signaling.ports import RelayDown, RelayUp
from signaling.proof import ECHOED_WITHIN, PERIOD, key_of, period_at, proved_by

CLEAN = frozenset({Closing.DELETED, Closing.CLOSED, Closing.SHUTDOWN})
CLEAN_WITHIN = 3.0
STALLS_AFTER = 4.5
"""Seconds. The relay calls a viewer stalled after 5 s without a valid report; what it tells sooner is an end."""


_REPORTED = int(Bits.REPORTED)
_PROVED = int(Bits.REPORTED | Bits.PROVED)


class Told(msgspec.Struct, frozen=True):
    lecture: str
    body: Body
    happened: int | None  # None: now


@dataclass(slots=True)
class Viewer:
    peer: str
    lecture: str
    member: str
    audience: bool
    receiving: bool = False
    hearing: bool = False
    since: int = 0  # µs; of receiving
    proved: int | None = None  # the last period whose mark was echoed, while that is the evidence
    ending: float | None = None  # last valid report, told with an end that is still to come
    lacks: bool = False
    levels: dict[str, str] = field(default_factory=dict)  # by slot, where it ever was another than the whole picture


class Witness:
    """Follows every viewer of this node. `at` turns CLOCK_MONOTONIC seconds into microseconds since the epoch; `proofs`
    is the key that each lecture's own key of marks is made from."""

    def __init__(self, at: Callable[[float], int], proofs: bytes) -> None:
        self._at = at
        self._proofs = proofs
        self._viewers: dict[str, Viewer] = {}
        self._lectures: dict[str, dict[str, Viewer]] = {}
        self._members: dict[tuple[str, str], dict[str, Viewer]] = {}
        self._table: dict[type, Callable[[Any], list[Told]]] = {
            ViewerReceiving: self._receiving,
            ViewerHearing: self._hearing,
            ViewerStalled: self._stalled,
            PeerClosed: self._closed,
            ViewerLacksCodec: self._lacks_codec,
            ViewerQuality: self._level,
        }

    def watch(self, peer: str, lecture: str, member: str, audience: bool = True) -> None:
        """`peer` is a viewer: what the relay tells of it from here on concerns this member. Facts are told of every
        viewer; `audience`: it is also counted among those whom the lecture reaches."""
        if peer not in self._viewers:
            viewer = self._viewers[peer] = Viewer(peer, lecture, member, audience)
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
        return {
            peer: _REPORTED if each.proved is None else _PROVED
            for peer, each in viewers.items()
            if each.receiving and each.since <= before
        }

    def receiving(self, lecture: str) -> frozenset[str]:
        """Members whom media reaches now."""
        viewers = self._lectures.get(lecture, {})
        return frozenset(each.member for each in viewers.values() if each.receiving and each.audience)

    def hearing(self, lecture: str) -> frozenset[str]:
        """Those of them whom sound reaches."""
        viewers = self._lectures.get(lecture, {})
        return frozenset(each.member for each in viewers.values() if each.receiving and each.hearing and each.audience)

    def secret(self, lecture: str, what: str) -> bytes:
        """32 bytes of this lecture that nobody outside the service can tell, always the same; never marks' key."""
        return key_of(key_of(self._proofs, lecture), what)

    def prove(self, lecture: str, member: str, peer: str, marks: Iterable[int], now: float) -> list[Told]:
        """A page of that member echoes these marks for one of its viewers, at `now` (CLOCK_MONOTONIC, seconds)."""
        viewer = self._viewers.get(peer)
        if viewer is None or (viewer.lecture, viewer.member) != (lecture, member) or not viewer.receiving:
            return []
        periods = proved_by(key_of(self._proofs, lecture), peer, marks, now)
        return [told for period in periods for told in self._proved(viewer, period, now)]

    def lapse(self, lecture: str, now: float) -> list[Told]:
        """Whose marks were not echoed for so long that none can come any more falls back to reports alone."""
        oldest = period_at(now) - ECHOED_WITHIN
        viewers = self._lectures.get(lecture, {}).values()
        lapsed = (one for one in viewers if one.proved is not None and one.proved + 1 < oldest)
        return [self._unproved(viewer, self._at(now)) for viewer in lapsed]

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
        viewer.receiving, viewer.proved = True, None
        since = viewer.since = self._at(event.at)
        return [Told(viewer.lecture, ReceivingBegan(viewer.member, viewer.peer, Evidence.REPORTED, since), since)]

    def _hearing(self, event: ViewerHearing) -> list[Told]:
        viewer = self._viewers.get(event.peer)
        if viewer is not None:
            viewer.hearing = event.hearing
        return []

    def _proved(self, viewer: Viewer, period: int, now: float) -> list[Told]:
        start, end = self._at(period * PERIOD), self._at((period + 1) * PERIOD)
        if end <= viewer.since or (viewer.proved is not None and period <= viewer.proved):
            return []
        told: list[Told] = []
        if viewer.proved is not None:
            if viewer.proved == period - 1:
                viewer.proved = period
                return []
            told.append(self._unproved(viewer, self._at(now)))
        viewer.proved = period
        body = ReceivingBegan(viewer.member, viewer.peer, Evidence.PROVED, max(viewer.since, start))
        return [*told, Told(viewer.lecture, body, self._at(now))]

    def _unproved(self, viewer: Viewer, now: int) -> Told:
        """From the end of the last period that was proved there are reports alone."""
        assert viewer.proved is not None
        since = self._at((viewer.proved + 1) * PERIOD)
        viewer.proved = None
        return Told(viewer.lecture, ReceivingBegan(viewer.member, viewer.peer, Evidence.REPORTED, since), now)

    def _lapsed(self, viewer: Viewer, ended: int, now: int) -> list[Told]:
        """Where its last proof covers less than what is over with `ended`."""
        if viewer.proved is None or self._at((viewer.proved + 1) * PERIOD) >= ended:
            return []
        return [self._unproved(viewer, now)]

    def _stalled(self, event: ViewerStalled) -> list[Told]:
        viewer = self._viewers.get(event.peer)
        if viewer is None or not viewer.receiving:
            return []
        if event.at - event.last < STALLS_AFTER:
            viewer.ending = event.last
            return []
        return self._stop(viewer, event.at, event.last, "stalled")

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
        return self._stop(viewer, event.at, last, event.reason.value)

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
        told = [told for viewer in self._viewers.values() for told in self._lapsed(viewer, now, now)]
        told += [Told(lecture, OutageBegan("relay", now), now) for lecture in lectures]
        for viewer in self._viewers.values():
            if viewer.receiving:
                told += self._stop(viewer, event.at, event.at, "relay-down")
        self._viewers.clear()
        self._lectures.clear()
        self._members.clear()
        return told

    def _stop(self, viewer: Viewer, at: float, last: float, reason: str) -> list[Told]:
        viewer.receiving, viewer.ending = False, None
        ended, now = self._at(min(last, at)), self._at(at)
        told = self._lapsed(viewer, ended, now)
        viewer.proved = None
        return [*told, Told(viewer.lecture, ReceivingStopped(viewer.member, viewer.peer, ended, reason), now)]
