"""Presence: from the facts of one lecture to who received it, from when to when, and how we know.

Theory of operation. `apply` only files a fact where it belongs; every answer is computed from what is filed, so the
order of arrival and repeated deliveries do not matter (attendance.track). Two answers are given:

- by evidence (`counted`, `account`): what the ledger holds, for reports. What is still open ends at its last evidence.
- at a moment (`standing`): for live pages. What is open goes on until `now`.

The algebra, all in µs. The lecture's extent is [first LIVE, first ENDED after it). Ours are the outages: those told
(`OutageBegan`…`OutageEnded`), the time from a crashed boot's last complete evidence to its node's next start or to
another node's taking over, and whatever no process covered at all. Silent is the time with nothing on any slot. Then

    E          = extent − ours − silent                          (denominator = |E|)
    R          = union of the member's received sessions, over all connections
    measured   = R ∩ E
    bridged    = gaps between two spans of R that are shorter than 30 s, our outages and silence not counted
    credited   = (R ∪ bridged) ∩ E                               (share = credited / denominator ≤ 1)

and the same of P ⊆ R, what was proved: proved = P ∩ E, reported = measured − proved, and credited of P and its gaps.

Watching together (attendance.site): the screen of a site is a connection of its host, and no part of the host's R. Let
C = the member's stays at sites ∩ what those sites' screens received. R above is the member's own sessions and C, so
that no instant counts twice: collective = C ∩ E, individual = measured − C. `alone` are the figures without C.

Not measured is None, never 0: everything where E is empty (the lecture was never live, or nothing was ever on a slot);
and what a member received who was connected for 10 s of E or more while no evidence of reception ever came (a player
that sends no reports). What was proved is not measured for who received and never echoed a mark (a player that is none
of our pages). Nor is what somebody received who was checked in for 10 s of E or more at a site whose screen never
received anything. Who never connected was measured, and received 0. Outages are the lecture's, not one member's:
with several nodes a crash of one is taken from everybody's E, which leaves nobody a smaller share.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import Any, NamedTuple

import msgspec

from attendance.correction import CorrectionBook
from attendance.excuse import ExcuseBook
from attendance.extent import Counted, Extent
from attendance.facts import (
    AdmittedByCode,
    AppearanceEnded,
    Beat,
    Corrected,
    CorrectionWithdrawn,
    Evidence,
    ExcuseWithdrawn,
    Fact,
    JoinFailed,
    LectureMoved,
    LectureState,
    MemberConnected,
    MemberDisconnected,
    MemberExcused,
    NodeLost,
    NodeStarted,
    NodeStopped,
    OutageBegan,
    OutageEnded,
    PageTroubled,
    ReceivingBegan,
    ReceivingStopped,
    RuleFrozen,
    RuleSet,
    SignInAnswered,
    SignInAsked,
    SiteCheckedIn,
    SiteCheckedOut,
    SiteClosed,
    SiteCounted,
    SiteOpened,
    SiteScreened,
    SlotFlowing,
    SlotSilent,
    StageEntered,
    StageLeft,
)
from attendance.interval import Span, bridge, clip, subtract, total, union
from attendance.rule import RuleBook
from attendance.sign_in import SignIn, grown
from attendance.site import SiteBook, Stay, attested, watched
from attendance.track import CLOSED_BY_CRASH, REPORT, STILL_OPEN, Boot, Event, Kind, Mark, Session, Track

BRIDGED_BELOW = 30_000_000
"""µs: a shorter gap between two received spans is bridged."""
KEPT_EMPTY = frozenset({STILL_OPEN, CLOSED_BY_CRASH})
"""A session that began, with no evidence after that: its beginning is a fact, and its uncertainty says the rest."""
MEASURABLE = 10_000_000
"""µs of connection after which evidence of reception would have come."""
WHILE_IN = frozenset({"autoplay", "camera-refused"})
"""What `JoinFailed` told, before there was `PageTroubled`, of members who were in."""


class Failure(msgspec.Struct, frozen=True, order=True):
    at: int
    cause: str
    detail: str


class Appearance(msgspec.Struct, frozen=True, order=True):
    """A testimonial: somebody on the stage before everybody. Times in µs; `called_by` a member or staff id."""

    start: int
    end: int
    member: str
    called_by: str
    reconnects: int


class Account(msgspec.Struct, frozen=True):
    """What is known of one member, in µs; None is *not measured*.

    `receiving` is `proved` and `reported` together; `credited_proved` is what of `credited` proofs alone would leave.
    `connected`, `visible` and `on_stage` are within the lecture's extent. `first_join` and `last_leave` are those of
    received spans that reach into it, and may lie outside it. `sessions` holds all of them, rehearsal's too. `failed`:
    attempts to come in or to receive; `troubled`: what else did not work. `sign_ins` have the window that the member
    really had.
    """

    member: str
    connected: int | None
    receiving: int | None
    proved: int | None
    reported: int | None
    credited: int | None
    credited_proved: int | None
    denominator: int | None
    visible: int | None
    on_stage: int | None
    first_join: int | None
    last_leave: int | None
    sessions: list[Session]
    bridged: list[Span]
    failed: list[Failure]
    sign_ins: list[SignIn]
    by_code: bool = False
    """A ticket was given for the lecture's code, and not by the personal link alone."""
    collective: int | None = None
    individual: int | None = None
    """What of `receiving` was watched together at a site, and the rest."""
    credited_alone: int | None = None
    credited_alone_proved: int | None = None
    """As `credited` and `credited_proved`, without what was watched together."""
    attested: int = 0
    """What of the time that counts somebody says that the member was at a site, whatever its screen received."""
    stays: list[Stay] = []
    troubled: list[Failure] = []

    @property
    def share(self) -> float | None:
        return self.share_by(Evidence.REPORTED)

    def credit(self, evidence: Evidence, together: bool = True) -> int | None:
        """With at least that evidence: a proof is more than a report. `together`: at sites too."""
        if evidence is Evidence.PROVED:
            return self.credited_proved if together else self.credited_alone_proved
        return self.credited if together else self.credited_alone

    def share_by(self, evidence: Evidence, together: bool = True) -> float | None:
        credited = self.credit(evidence, together)
        return None if credited is None or not self.denominator else credited / self.denominator


class Standing(msgspec.Struct, frozen=True):
    """One member at one moment, in µs. `proved`: on some connection a proof says so, not reports alone. `since`: when
    receiving began, or (not receiving) ended; None if it never was. `credited` is 0 before the lecture is live. `site`:
    the one where the member is checked in; `receiving` is then its screen's too."""

    connected: bool
    receiving: bool
    proved: bool
    since: int | None
    credited: int
    first_join: int | None
    site: str | None = None


NOBODY = Standing(False, False, False, None, 0, None)


class _Folded(NamedTuple):
    """What one member received by their own pages: what is `over`, and what is `going` on."""

    successions: int
    over: list[Span]
    going: list[Session]
    connected: bool


class Presence:
    """Of one lecture. Feed it every fact of that lecture, in any order."""

    def __init__(self) -> None:
        self._extent = Extent()
        self._tracks: defaultdict[tuple[Kind, Boot], dict[str, Track]] = defaultdict(dict)
        self._members: defaultdict[str, list[Track]] = defaultdict(list)
        self._by_code: set[str] = set()
        self._failures: defaultdict[str, dict[tuple[str, str, int], Failure]] = defaultdict(dict)
        self._troubles: defaultdict[str, dict[tuple[str, str, int], Failure]] = defaultdict(dict)
        self._folded: dict[str, _Folded] = {}
        self._asked: defaultdict[str, dict[str, SignIn]] = defaultdict(dict)
        self._answered: defaultdict[str, dict[str, int]] = defaultdict(dict)
        self._appearances: dict[tuple[str, str, int], Appearance] = {}
        self.rules = RuleBook()
        self.excuses = ExcuseBook()
        self.sites = SiteBook()
        self.corrections = CorrectionBook()

    def apply(self, fact: Fact, row: int | None = None) -> None:
        """Files one fact; a second time does nothing more. `row`: its number in the ledger, where that is known; it
        says which of two boots came first even where the clock was set back between them."""
        _FILES[type(fact.body)](self, self._extent.boot(fact, row), fact, fact.body)

    @property
    def members(self) -> list[str]:
        """Who was ever there."""
        return list(dict.fromkeys([*self._members, *self.sites.members]))

    @property
    def open_boots(self) -> list[tuple[str, str]]:
        """(node, boot) of the processes that told of somebody, and neither stopped nor are known to be gone."""
        return self._extent.open_boots

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

    @property
    def appearances(self) -> list[Appearance]:
        """Testimonials that are over, in order."""
        return sorted(self._appearances.values())

    def served(self) -> list[Span]:
        """When we were there to see who is connected, by evidence."""
        return self._extent.served()

    def counted(self, now: int | None = None) -> Counted:
        """What of the lecture counts: by evidence, or (`now`) at this moment."""
        return self._extent.counted(now)

    def account(self, member: str) -> Account:
        """By evidence alone: the same facts always give the same account."""
        counted = self.counted()
        stays = self.sites.stays(member)
        sessions = self._sessions(member)
        if stays:
            sessions = sorted([*sessions, *self._watched(stays)], key=_order)
        kinds: defaultdict[Kind, list[tuple[int, int]]] = defaultdict(list)
        for session in sessions:
            kinds[session.kind].append((session.start, session.end))
        whole = [] if counted.extent is None else [counted.extent]
        together = union(kinds[Kind.COLLECTIVE])
        received = union(kinds[Kind.RECEIVING], together)
        connected = union(kinds[Kind.CONNECTED])
        measured, bridged = _credit(received, counted)
        echoed = union((one.start, one.end) for one in sessions if one.evidence == Evidence.PROVED)
        proved, proved_bridged = _credit(echoed, counted)
        provable = bool(echoed) or not measured
        alone, alone_proved = total(measured) + total(bridged), total(proved) + total(proved_bridged)
        if together:
            own = (one for one in sessions if one.kind is Kind.RECEIVING and one.evidence == Evidence.PROVED)
            alone = sum(map(total, _credit(union(kinds[Kind.RECEIVING]), counted)))
            alone_proved = sum(map(total, _credit(union((one.start, one.end) for one in own), counted)))
        said = clip(attested(stays, 0 if counted.extent is None else counted.extent.end), counted.spans)
        live = [span for span in received if clip([span], whole)]
        measurable = counted.denominator is not None and (
            bool(live) or total(clip(union(connected, said), counted.spans)) < MEASURABLE
        )
        within = [
            None if counted.extent is None else total(clip(union(kinds[kind]), whole))
            for kind in (Kind.CONNECTED, Kind.VISIBLE, Kind.ON_STAGE)
        ]
        return Account(
            member=member,
            connected=within[0],
            receiving=total(measured) if measurable else None,
            proved=total(proved) if measurable and provable else None,
            reported=total(measured) - total(proved) if measurable else None,
            credited=total(measured) + total(bridged) if measurable else None,
            credited_proved=total(proved) + total(proved_bridged) if measurable and provable else None,
            denominator=counted.denominator,
            visible=within[1],
            on_stage=within[2],
            first_join=live[0].start if live else None,
            last_leave=live[-1].end if live else None,
            sessions=sessions,
            bridged=bridged,
            failed=sorted(self._failures.get(member, {}).values()),
            sign_ins=[grown(one, connected) for one in self.sign_ins(member)],
            by_code=member in self._by_code,
            collective=total(clip(together, counted.spans)) if measurable else None,
            individual=total(subtract(measured, together)) if measurable else None,
            credited_alone=alone if measurable else None,
            credited_alone_proved=alone_proved if measurable and provable else None,
            attested=total(said),
            stays=stays,
            troubled=sorted(self._troubles.get(member, {}).values()),
        )

    def sign_ins(self, member: str) -> list[SignIn]:
        """Those that this member was asked, in order, with the window that was told then."""
        answered = self._answered.get(member, {})
        return sorted(
            msgspec.structs.replace(asked, answered=answered.get(asked.id))
            for asked in self._asked.get(member, {}).values()
        )

    def answers(self, member: str) -> int:
        """How many sign-ins this member answered."""
        return len(self._answered.get(member, ()))

    def called(self) -> int:
        """How many different sign-ins anybody was asked whose id begins with a c: those of everybody at once."""
        return len({one for asked in self._asked.values() for one in asked if one.startswith("c")})

    def connected(self, member: str) -> list[Span]:
        """When a page of theirs was connected, by evidence."""
        tracks = (track for track in self._members.get(member, ()) if track.kind is Kind.CONNECTED)
        return union((session.start, session.end) for track in tracks for session in track.sessions())

    def standing(self, member: str, now: int) -> Standing:
        """For live pages; asking for all members at the same `now` computes the lecture's part once."""
        stays = self.sites.stays(member)
        if member not in self._members and not stays:
            return NOBODY
        folded = self._folded.get(member)
        if folded is None or folded.successions != self._extent.successions:
            folded = self._folded[member] = self._fold(member)
        stay = self.sites.stay(member)
        watching = self._watched(stays) if stays else []
        going = [*folded.going, *(session for session in watching if session.open)]
        over = ((session.start, session.end) for session in watching if not session.open)
        received = union(folded.over, over, ((session.start, now) for session in going))
        receiving = bool(going)
        proved = any(session.evidence == Evidence.PROVED for session in going)
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
        return Standing(
            folded.connected, receiving, proved, since, credited, first_join, None if stay is None else stay.site
        )

    def _fold(self, member: str) -> _Folded:
        tracks = self._members.get(member, ())
        received = [
            session
            for track in tracks
            if track.kind is Kind.RECEIVING and not self.sites.is_screen(member, track.connection)
            for session in track.sessions()
        ]
        connected = any(
            session.open for track in tracks if track.kind is Kind.CONNECTED for session in track.sessions()
        )
        over = union((session.start, session.end) for session in received if not session.open)
        going = [session for session in received if session.open]
        return _Folded(self._extent.successions, over, going, connected)

    def _sessions(self, member: str) -> list[Session]:
        found: list[Session] = []
        for track in self._members.get(member, ()):
            if track.kind is Kind.RECEIVING and self.sites.is_screen(member, track.connection):
                continue
            found.extend(track.sessions())
            if track.kind is Kind.CONNECTED:
                found.extend(track.views())
        found = [session for session in found if session.start < session.end or session.closed_by in KEPT_EMPTY]
        return sorted(found, key=_order)

    def together(self) -> frozenset[str]:
        """Who is at a site whose screen receives now."""
        shown = (stays for site, stays in self.sites.present().items() if any(one.open for one in self.screen(site)))
        return frozenset(stay.member for stays in shown for stay in stays)

    def screen(self, site: str) -> list[Session]:
        """What a site's screen received, in order."""
        screens = self.sites.screens(site)
        found = [
            session
            for host in {host for host, _ in screens}
            for track in self._members.get(host, ())
            if track.kind is Kind.RECEIVING and (host, track.connection) in screens
            for session in track.sessions()
        ]
        return sorted(found, key=_order)

    def _watched(self, stays: list[Stay]) -> list[Session]:
        return watched(stays, {site: self.screen(site) for site in {stay.site for stay in stays}})

    def _file(self, kind: Kind, boot: Boot, connection: str, member: str, event: Event) -> None:
        tracks = self._tracks[kind, boot]
        track = tracks.get(connection)
        if track is None:
            track = tracks[connection] = Track(kind, boot, connection)
        track.add(event)
        if track not in self._members[member]:
            self._members[member].append(track)
        self._folded.pop(member, None)

    def _begin(
        self,
        kind: Kind,
        boot: Boot,
        fact: Fact,
        key: tuple[str, str],
        since: int,
        evidence: str,
        doubt: int,
        source: str = "",
    ) -> None:
        member, connection = key
        event = Event(fact.counter, min(since, fact.happened), evidence, evidence, doubt, source)
        self._file(kind, boot, connection, member, event)

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
        evidence = Evidence(body.evidence).value
        self._begin(Kind.RECEIVING, boot, fact, key, body.since, evidence, REPORT, body.source)

    def _receiving_stopped(self, boot: Boot, fact: Fact, body: ReceivingStopped) -> None:
        self._end(Kind.RECEIVING, boot, fact, (body.member, body.connection), body.last, body.reason)

    def _stage_entered(self, boot: Boot, fact: Fact, body: StageEntered) -> None:
        key = (body.member, f"{body.member}/{body.slot}")
        self._begin(Kind.ON_STAGE, boot, fact, key, fact.happened, "stage", 0)

    def _stage_left(self, boot: Boot, fact: Fact, body: StageLeft) -> None:
        self._end(Kind.ON_STAGE, boot, fact, (body.member, f"{body.member}/{body.slot}"), body.last, "left")

    def _appearance_ended(self, boot: Boot, fact: Fact, body: AppearanceEnded) -> None:
        last = min(body.last, fact.happened)
        self._appearances[boot.node, boot.boot, fact.counter] = Appearance(
            min(body.since, last), last, body.member, body.called_by or "", body.reconnects
        )  # fmt: skip

    def _beat(self, boot: Boot, fact: Fact, body: Beat) -> None:
        boot.told(Mark(fact.counter, fact.happened), body.connections)

    def _join_failed(self, boot: Boot, fact: Fact, body: JoinFailed) -> None:
        if body.member is not None:
            kept = self._troubles if body.cause in WHILE_IN else self._failures
            kept[body.member][boot.node, boot.boot, fact.counter] = Failure(fact.happened, body.cause, body.detail)

    def _page_troubled(self, boot: Boot, fact: Fact, body: PageTroubled) -> None:
        identity = (boot.node, boot.boot, fact.counter)
        self._troubles[body.member][identity] = Failure(fact.happened, body.cause, body.detail)

    def _admitted_by_code(self, boot: Boot, fact: Fact, body: AdmittedByCode) -> None:
        self._by_code.add(body.member)

    def _node_started(self, boot: Boot, fact: Fact, _body: NodeStarted) -> None:
        self._extent.node_started(boot, fact)
        self._folded.clear()

    def _node_stopped(self, boot: Boot, fact: Fact, _body: NodeStopped) -> None:
        self._extent.node_stopped(boot, fact)
        self._folded.clear()

    def _node_lost(self, _boot: Boot, fact: Fact, body: NodeLost) -> None:
        self._extent.node_lost(fact, body)
        self._folded.clear()

    def _outage_began(self, boot: Boot, fact: Fact, body: OutageBegan) -> None:
        self._extent.outage_began(boot, fact, body)
        self._folded.clear()

    def _outage_ended(self, boot: Boot, fact: Fact, body: OutageEnded) -> None:
        self._extent.outage_ended(boot, fact, body)

    def _sign_in_asked(self, boot: Boot, fact: Fact, body: SignInAsked) -> None:
        asked = self._asked[body.member]
        known = asked.get(body.id)
        if known is None or fact.happened < known.at:
            asked[body.id] = SignIn(fact.happened, body.id, body.until)

    def _sign_in_answered(self, boot: Boot, fact: Fact, body: SignInAnswered) -> None:
        answered = self._answered[body.member]
        answered[body.id] = min(fact.happened, answered.get(body.id, fact.happened))

    def _rule_set(self, boot: Boot, fact: Fact, body: RuleSet) -> None:
        self.rules.set(fact, body)

    def _excused(self, boot: Boot, fact: Fact, body: MemberExcused | ExcuseWithdrawn) -> None:
        self.excuses.file(fact, body)

    def _site_moved(self, boot: Boot, fact: Fact, body: SiteOpened | SiteClosed) -> None:
        self.sites.open_or_close(fact, body)

    def _site_checked(self, boot: Boot, fact: Fact, body: SiteCheckedIn | SiteCheckedOut) -> None:
        self.sites.check(fact, body)

    def _site_screened(self, boot: Boot, fact: Fact, body: SiteScreened) -> None:
        self.sites.screen(fact, body)
        self._folded.pop(body.host, None)

    def _site_counted(self, boot: Boot, fact: Fact, body: SiteCounted) -> None:
        self.sites.count(fact, body)

    def _corrected(self, boot: Boot, fact: Fact, body: Corrected | CorrectionWithdrawn) -> None:
        self.corrections.file(fact, body)

    def _rule_frozen(self, boot: Boot, fact: Fact, body: RuleFrozen) -> None:
        self.rules.freeze(fact, body)

    def _moved(self, boot: Boot, fact: Fact, body: LectureMoved) -> None:
        self._extent.moved(boot, fact, body)

    def _slot_flowing(self, boot: Boot, fact: Fact, body: SlotFlowing) -> None:
        self._extent.slot_flowing(boot, fact, body)

    def _slot_silent(self, boot: Boot, fact: Fact, body: SlotSilent) -> None:
        self._extent.slot_silent(boot, fact, body)


def _order(session: Session) -> tuple[int, int, Kind, str]:
    return session.start, session.end, session.kind, session.connection


def _credit(received: list[Span], counted: Counted) -> tuple[list[Span], list[Span]]:
    """What of a set counts, and what of its short gaps is bridged."""
    bridged = clip(bridge(received, BRIDGED_BELOW, counted.forgiven), counted.spans)
    return clip(received, counted.spans), bridged


_FILES: dict[type[Any], Callable[[Presence, Boot, Fact, Any], None]] = {
    NodeStarted: Presence._node_started,
    NodeStopped: Presence._node_stopped,
    NodeLost: Presence._node_lost,
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
    PageTroubled: Presence._page_troubled,
    AdmittedByCode: Presence._admitted_by_code,
    StageEntered: Presence._stage_entered,
    StageLeft: Presence._stage_left,
    AppearanceEnded: Presence._appearance_ended,
    RuleSet: Presence._rule_set,
    RuleFrozen: Presence._rule_frozen,
    MemberExcused: Presence._excused,
    ExcuseWithdrawn: Presence._excused,
    Corrected: Presence._corrected,
    CorrectionWithdrawn: Presence._corrected,
    SignInAsked: Presence._sign_in_asked,
    SignInAnswered: Presence._sign_in_answered,
    SiteOpened: Presence._site_moved,
    SiteClosed: Presence._site_moved,
    SiteScreened: Presence._site_screened,
    SiteCheckedIn: Presence._site_checked,
    SiteCheckedOut: Presence._site_checked,
    SiteCounted: Presence._site_counted,
}
