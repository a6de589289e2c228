"""Presence: from the facts of one lecture to who received it, from when to when, and how we know.

Theory of operation. `apply` only files a fact where it belongs; every answer is computed from what is filed, so the
order of arrival and repeated deliveries do not matter (attendance.track). Two answers are given:

- by evidence (`counted`, `account`): what the ledger holds, for reports. What is still open ends at its last evidence.
- at a moment (`standing`): for live pages. What is open goes on until `now`.

The algebra, all in µs. The lecture's extent is [first LIVE, first ENDED after it). Ours are the outages: those told
(`OutageBegan`…`OutageEnded`), the time from a crashed boot's last complete evidence to its node's next start, and
whatever no process covered at all. Silent is the time with nothing on any slot. Then

    E          = extent − ours − silent                          (denominator = |E|)
    R          = union of the member's received sessions, over all connections
    measured   = R ∩ E
    bridged    = gaps between two spans of R that are shorter than 30 s, our outages and silence not counted
    credited   = (R ∪ bridged) ∩ E                               (share = credited / denominator ≤ 1)

Not measured is None, never 0: everything where E is empty (the lecture was never live, or nothing was ever on a slot);
and what a member received who was connected for 10 s of E or more while no evidence of reception ever came (a player
that sends no reports). Who never connected was measured, and received 0. Outages are the lecture's, not one member's:
with several nodes a crash of one is taken from everybody's E, which leaves nobody a smaller share.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import Any

import msgspec

from attendance.extent import Counted, Extent
from attendance.facts import (
    Beat,
    Evidence,
    Fact,
    JoinFailed,
    LectureMoved,
    LectureState,
    MemberConnected,
    MemberDisconnected,
    NodeStarted,
    NodeStopped,
    OutageBegan,
    OutageEnded,
    ReceivingBegan,
    ReceivingStopped,
    SlotFlowing,
    SlotSilent,
    StageEntered,
    StageLeft,
)
from attendance.interval import Span, bridge, clip, total, union
from attendance.track import CLOSED_BY_CRASH, REPORT, STILL_OPEN, Boot, Event, Kind, Mark, Session, Track

BRIDGED_BELOW = 30_000_000
"""µs: a shorter gap between two received spans is bridged."""
KEPT_EMPTY = frozenset({STILL_OPEN, CLOSED_BY_CRASH})
"""A session that began, with no evidence after that: its beginning is a fact, and its uncertainty says the rest."""
MEASURABLE = 10_000_000
"""µs of connection after which evidence of reception would have come."""


class Failure(msgspec.Struct, frozen=True, order=True):
    at: int
    cause: str
    detail: str


class Account(msgspec.Struct, frozen=True):
    """What is known of one member, in µs; None is *not measured*.

    `connected`, `visible` and `on_stage` are within the lecture's extent. `first_join` and `last_leave` are those of
    received spans that reach into it, and may lie outside it. `sessions` holds all of them, rehearsal's too.
    """

    member: str
    connected: int | None
    receiving: int | None
    credited: int | None
    denominator: int | None
    visible: int | None
    on_stage: int | None
    first_join: int | None
    last_leave: int | None
    sessions: list[Session]
    bridged: list[Span]
    failed: list[Failure]

    @property
    def share(self) -> float | None:
        if self.credited is None or self.denominator is None:
            return None
        return self.credited / self.denominator


class Standing(msgspec.Struct, frozen=True):
    """One member at one moment, in µs. `since`: when receiving began, or (not receiving) ended; None if it never
    was. `credited` is 0 before the lecture is live."""

    connected: bool
    receiving: bool
    since: int | None
    credited: int
    first_join: int | None


NOBODY = Standing(False, False, None, 0, None)


class Presence:
    """Of one lecture. Feed it every fact of that lecture, in any order."""

    def __init__(self) -> None:
        self._extent = Extent()
        self._tracks: dict[tuple[Kind, Boot, str], Track] = {}
        self._members: defaultdict[str, dict[Track, None]] = defaultdict(dict)
        self._failures: defaultdict[str, dict[tuple[str, str, int], Failure]] = defaultdict(dict)
        self._folded: dict[str, tuple[int, list[Session], bool]] = {}

    def apply(self, fact: Fact) -> None:
        """Files one fact; a second time does nothing more."""
        _FILES[type(fact.body)](self, self._extent.boot(fact), fact, fact.body)

    @property
    def members(self) -> list[str]:
        """Who was ever there."""
        return list(self._members)

    @property
    def state(self) -> LectureState:
        return self._extent.state

    @property
    def started(self) -> int | None:
        """When it was first live, µs."""
        return self._extent.started

    @property
    def ended(self) -> int | None:
        return self._extent.ended

    def counted(self, now: int | None = None) -> Counted:
        """What of the lecture counts: by evidence, or (`now`) at this moment."""
        return self._extent.counted(now)

    def account(self, member: str) -> Account:
        """By evidence alone: the same facts always give the same account."""
        counted = self.counted()
        sessions = self._sessions(member)
        kinds: defaultdict[Kind, list[tuple[int, int]]] = defaultdict(list)
        for session in sessions:
            kinds[session.kind].append((session.start, session.end))
        whole = [] if counted.extent is None else [counted.extent]
        received = union(kinds[Kind.RECEIVING])
        connected = union(kinds[Kind.CONNECTED])
        measured = clip(received, counted.spans)
        bridged = clip(bridge(received, BRIDGED_BELOW, counted.forgiven), counted.spans)
        live = [span for span in received if clip([span], whole)]
        measurable = counted.denominator is not None and (
            bool(live) or total(clip(connected, counted.spans)) < MEASURABLE
        )
        within = [
            None if counted.extent is None else total(clip(union(kinds[kind]), whole))
            for kind in (Kind.CONNECTED, Kind.VISIBLE, Kind.ON_STAGE)
        ]
        return Account(
            member=member,
            connected=within[0],
            receiving=total(measured) if measurable else None,
            credited=total(measured) + total(bridged) if measurable else None,
            denominator=counted.denominator,
            visible=within[1],
            on_stage=within[2],
            first_join=live[0].start if live else None,
            last_leave=live[-1].end if live else None,
            sessions=sessions,
            bridged=bridged,
            failed=sorted(self._failures[member].values()) if member in self._failures else [],
        )

    def standing(self, member: str, now: int) -> Standing:
        """For live pages; asking for all members at the same `now` computes the lecture's part once."""
        if member not in self._members:
            return NOBODY
        folded = self._folded.get(member)
        if folded is None or folded[0] != self._extent.successions:
            folded = self._folded[member] = self._fold(member)
        _, sessions, connected = folded
        received = union((session.start, now if session.open else session.end) for session in sessions)
        receiving = any(session.open for session in sessions)
        counted = self.counted(now)
        credited, first_join = 0, None
        if counted.extent is not None:
            extended = received
            if len(received) > 1:
                extended = union(received, bridge(received, BRIDGED_BELOW, counted.forgiven))
            credited = total(clip(extended, counted.spans))
            first_join = next(
                (
                    span.start
                    for span in received
                    if span.end > counted.extent.start and span.start < counted.extent.end
                ),
                None,
            )
        since = (received[-1].start if receiving else received[-1].end) if received else None
        return Standing(connected, receiving, since, credited, first_join)

    def _fold(self, member: str) -> tuple[int, list[Session], bool]:
        tracks = self._members[member]
        received = [session for track in tracks if track.kind is Kind.RECEIVING for session in track.sessions()]
        connected = any(
            session.open for track in tracks if track.kind is Kind.CONNECTED for session in track.sessions()
        )
        return self._extent.successions, received, connected

    def _sessions(self, member: str) -> list[Session]:
        found: list[Session] = []
        for track in self._members.get(member, ()):
            found.extend(track.sessions())
            if track.kind is Kind.CONNECTED:
                found.extend(track.views())
        found = [session for session in found if session.start < session.end or session.closed_by in KEPT_EMPTY]
        return sorted(found, key=lambda session: (session.start, session.end, session.kind, session.connection))

    def _track(self, kind: Kind, boot: Boot, connection: str) -> Track:
        key = (kind, boot, connection)
        track = self._tracks.get(key)
        if track is None:
            track = self._tracks[key] = Track(kind, boot, connection)
        return track

    def _file(self, kind: Kind, boot: Boot, connection: str, member: str, event: Event) -> None:
        track = self._track(kind, boot, connection)
        track.add(event)
        self._members[member][track] = None
        self._folded.pop(member, None)

    def _begin(
        self, kind: Kind, boot: Boot, fact: Fact, key: tuple[str, str], since: int, evidence: str, doubt: int
    ) -> None:
        member, connection = key
        self._file(
            kind, boot, connection, member, Event(fact.counter, min(since, fact.happened), evidence, evidence, doubt)
        )

    def _end(self, kind: Kind, boot: Boot, fact: Fact, key: tuple[str, str], last: int, why: str) -> None:
        member, connection = key
        last = min(last, fact.happened)
        self._file(kind, boot, connection, member, Event(fact.counter, last, None, why, fact.happened - last))

    def _connected(self, boot: Boot, fact: Fact, body: MemberConnected) -> None:
        self._begin(Kind.CONNECTED, boot, fact, (body.member, body.connection), fact.happened, "hello", 0)

    def _disconnected(self, boot: Boot, fact: Fact, body: MemberDisconnected) -> None:
        self._end(Kind.CONNECTED, boot, fact, (body.member, body.connection), body.last, body.reason)

    def _receiving_began(self, boot: Boot, fact: Fact, body: ReceivingBegan) -> None:
        key = (body.member, body.connection)
        self._begin(Kind.RECEIVING, boot, fact, key, body.since, Evidence(body.evidence).value, REPORT)

    def _receiving_stopped(self, boot: Boot, fact: Fact, body: ReceivingStopped) -> None:
        self._end(Kind.RECEIVING, boot, fact, (body.member, body.connection), body.last, body.reason)

    def _stage_entered(self, boot: Boot, fact: Fact, body: StageEntered) -> None:
        key = (body.member, f"{body.member}/{body.slot}")
        self._begin(Kind.ON_STAGE, boot, fact, key, fact.happened, "stage", 0)

    def _stage_left(self, boot: Boot, fact: Fact, body: StageLeft) -> None:
        self._end(Kind.ON_STAGE, boot, fact, (body.member, f"{body.member}/{body.slot}"), body.last, "left")

    def _beat(self, boot: Boot, fact: Fact, body: Beat) -> None:
        boot.told(Mark(fact.counter, fact.happened), body.connections)

    def _join_failed(self, boot: Boot, fact: Fact, body: JoinFailed) -> None:
        if body.member is not None:
            identity = (boot.node, boot.boot, fact.counter)
            self._failures[body.member][identity] = Failure(fact.happened, body.cause, body.detail)

    def _node_started(self, boot: Boot, fact: Fact, _body: NodeStarted) -> None:
        self._extent.node_started(boot, fact)
        self._folded.clear()

    def _node_stopped(self, boot: Boot, fact: Fact, _body: NodeStopped) -> None:
        self._extent.node_stopped(boot, fact)
        self._folded.clear()

    def _outage_began(self, boot: Boot, fact: Fact, body: OutageBegan) -> None:
        self._extent.outage_began(boot, fact, body)
        self._folded.clear()

    def _outage_ended(self, boot: Boot, fact: Fact, body: OutageEnded) -> None:
        self._extent.outage_ended(boot, fact, body)

    def _moved(self, boot: Boot, fact: Fact, body: LectureMoved) -> None:
        self._extent.moved(boot, fact, body)

    def _slot_flowing(self, boot: Boot, fact: Fact, body: SlotFlowing) -> None:
        self._extent.slot_flowing(boot, fact, body)

    def _slot_silent(self, boot: Boot, fact: Fact, body: SlotSilent) -> None:
        self._extent.slot_silent(boot, fact, body)


_FILES: dict[type[Any], Callable[[Presence, Boot, Fact, Any], None]] = {
    NodeStarted: Presence._node_started,
    NodeStopped: Presence._node_stopped,
    LectureMoved: Presence._moved,
    MemberConnected: Presence._connected,
    MemberDisconnected: Presence._disconnected,
    ReceivingBegan: Presence._receiving_began,
    ReceivingStopped: Presence._receiving_stopped,
    Beat: Presence._beat,
    SlotFlowing: Presence._slot_flowing,
    SlotSilent: Presence._slot_silent,
    OutageBegan: Presence._outage_began,
    OutageEnded: Presence._outage_ended,
    JoinFailed: Presence._join_failed,
    StageEntered: Presence._stage_entered,
    StageLeft: Presence._stage_left,
}
