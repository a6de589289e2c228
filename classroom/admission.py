"""Who may come in, publish and watch: tickets against invitations, roles, the lecture's state and limits.

Implements `signaling.ports.Admission`, and lets the channel and the join page in by the same rules.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Protocol

import msgspec

from attendance.errors import StoreUnavailable
from attendance.facts import Body, JoinFailed, LectureState
from attendance.ports import Clock
from attendance.roster import Invitation
from classroom.evidence import Witness
from classroom.people.invitations import Door
from classroom.people.role import BACKSTAGE, may_publish, viewer_slots
from classroom.people.ticket import Ticket, TicketError
from classroom.room.bucket import Buckets
from classroom.room.inputs import Person
from classroom.room.lecture import OVER
from signaling.errors import Refusal, Refused
from signaling.ports import Act, Grant
from signaling.proof import key_of

TRIES_A_SECOND, TRIES = 1.0, 20.0
"""A member's page that reconnects in trouble stays well within these; a program that hammers does not."""
FAILURES_A_SECOND, FAILURES = 1 / 30, 20.0
"""So many failed attempts of a member are kept, then one every half minute."""
PEOPLE = 20_000
ADMITTED = 4_096
RETRY = 5
DEVICES = 3
SESSIONS = 8


class Rooms(Protocol):
    """What this module asks of the rooms."""

    async def state_of(self, lecture: str) -> LectureState | None:
        """None: there is no such lecture."""

    async def load(self, lecture: str) -> object:
        """Raises `Refused` where another node runs it: media is there."""

    def barred(self, lecture: str, member: str) -> bool:
        """Removed from the lecture, and not let in again. Of a lecture whose state was asked for a moment ago."""

    def admits(self, lecture: str, member: str, slot: str) -> bool:
        """Called to the stage: may publish to a slot that their role does not give them. Of such a lecture too."""

    def hears(self, lecture: str, member: str) -> bool:
        """On the way to the stage: is sent what only the stage is sent. Of such a lecture too."""


class Peers(Protocol):
    """Who is told of sessions that are open now."""

    async def watched(self, lecture: str, member: str, role: str, peer: str) -> None: ...

    async def published(self, lecture: str, slot: str, person: Person, peer: str) -> None: ...


class Ledger(Protocol):
    """Where facts go that nobody waits for."""

    def record(self, lecture: str, body: Body) -> None: ...


class Entry(msgspec.Struct, frozen=True):
    """What a good ticket opens."""

    invitation: Invitation
    state: LectureState


class TicketAdmission:
    def __init__(
        self,
        door: Door,
        rooms: Rooms,
        peers: Peers,
        witness: Witness,
        ledger: Ledger,
        clock: Clock,
        viewer_limit: int,
        proofs: bytes,
    ) -> None:
        """`proofs` is the key that each lecture's own key of marks is made from."""
        self._door = door
        self._rooms = rooms
        self._peers = peers
        self._witness = witness
        self._ledger = ledger
        self._clock = clock
        self._viewer_limit = viewer_limit
        self._proofs = proofs
        self._tries = Buckets(TRIES_A_SECOND, TRIES, PEOPLE)
        self._failures = Buckets(FAILURES_A_SECOND, FAILURES, PEOPLE)
        self._admitted: OrderedDict[tuple[str, str], Invitation] = OrderedDict()

    # --- signaling ---

    async def admit(self, ticket: str, lecture: str, act: Act, slot: str | None) -> Grant:
        entry = await self.read(ticket)
        invitation = entry.invitation
        if invitation.lecture != lecture:
            exists = await self._rooms.state_of(lecture) is not None
            raise Refused(Refusal.ROLE if exists else Refusal.NO_LECTURE)
        if entry.state in OVER:
            raise Refused(Refusal.LECTURE_OVER)
        await self._rooms.load(lecture)
        member, role = invitation.member.id, invitation.role
        self._remember(invitation)
        if act is Act.PUBLISH:
            if slot is None or not (may_publish(role, slot) or self._rooms.admits(lecture, member, slot)):
                raise Refused(Refusal.ROLE)
            return Grant(lecture, member, act, (slot,))
        slots = viewer_slots(role)
        if not slots:
            raise Refused(Refusal.ROLE)
        if BACKSTAGE not in slots and self._rooms.hears(lecture, member):
            slots = (*slots, BACKSTAGE)
        self._check_viewers(lecture, member)
        return Grant(lecture, member, act, slots, key_of(self._proofs, lecture))

    async def opened(self, grant: Grant, peer: str) -> None:
        invitation = self._admitted.get((grant.lecture, grant.member))
        if invitation is None:  # so many came in between that this one's admission is forgotten
            raise Refused(Refusal.FULL, retry_after=RETRY)
        try:
            await self._announce(grant, peer, invitation)
            holds = await self._door.holds(invitation, self._clock.now())
        except StoreUnavailable as error:
            raise database_away() from error
        if not holds:  # replaced while the session was opened
            raise Refused(Refusal.REVOKED)
        if self._rooms.barred(grant.lecture, grant.member):  # removed meanwhile
            raise Refused(Refusal.BARRED)

    async def _announce(self, grant: Grant, peer: str, invitation: Invitation) -> None:
        if grant.act is Act.WATCH:
            await self._peers.watched(grant.lecture, grant.member, invitation.role, peer)
        else:
            await self._peers.published(grant.lecture, grant.slots[0], person_of(invitation), peer)

    async def failed(self, ticket: str, lecture: str, act: Act, cause: str) -> None:
        """Kept where the ticket says whose attempt it was; a stranger's leaves no row."""
        named = self._door.named(ticket)
        if named is not None and named.lecture == lecture:
            await self._keep(named, cause, act.value)

    # --- channel and pages ---

    async def enter(self, ticket: str) -> tuple[str, Person]:
        """The lecture that a ticket opens, and whose it is. Raises `Refused`."""
        invitation = (await self.read(ticket)).invitation
        return invitation.lecture, person_of(invitation)

    async def confirm(self, ticket: str) -> None:
        """It still holds, for who entered with it a moment ago. Raises `Refused`."""
        await self._holder(ticket, self._clock.now())

    async def turned_away(self, ticket: str, cause: str, detail: str) -> None:
        """Its holder could not come in (`detail`: where); kept as `failed` is."""
        named = self._door.named(ticket)
        if named is not None:
            await self._keep(named, cause, detail)

    async def _keep(self, named: Ticket, cause: str, detail: str) -> None:
        """Whoever comes when all is over failed at nothing, and an old ledger does not grow."""
        if not self._failures.take(named.member, self._clock.now()):
            return
        try:
            state = await self._rooms.state_of(named.lecture)
        except Refused:  # the database is away, of which this may well be the story; the fact waits with all others
            state = LectureState.PLANNED
        if state is not None and state not in OVER:
            self._ledger.record(named.lecture, JoinFailed(named.member, cause, detail))

    async def read(self, ticket: str) -> Entry:
        """Raises `Refused`: the ticket is no good, its lecture is gone, or its holder tried too often."""
        now = self._clock.now()
        invitation = await self._holder(ticket, now)
        if not self._tries.take(invitation.member.id, now):
            raise Refused(Refusal.TOO_MANY_TRIES, retry_after=RETRY)
        state = await self._rooms.state_of(invitation.lecture)
        if state is None:
            raise Refused(Refusal.NO_LECTURE)
        if self._rooms.barred(invitation.lecture, invitation.member.id):
            raise Refused(Refusal.BARRED)
        return Entry(invitation, state)

    async def _holder(self, ticket: str, now: int) -> Invitation:
        try:
            return await self._door.read(ticket, now)
        except TicketError as error:
            raise Refused(Refusal(error.reason), error.detail) from error
        except StoreUnavailable as error:
            raise database_away() from error

    def _remember(self, invitation: Invitation) -> None:
        """Until the session is open, a moment later."""
        key = (invitation.lecture, invitation.member.id)
        self._admitted[key] = invitation
        self._admitted.move_to_end(key)
        if len(self._admitted) > ADMITTED:
            self._admitted.popitem(last=False)

    def _check_viewers(self, lecture: str, member: str) -> None:
        """A page that reloads leaves a session behind for some seconds, so only those that receive are devices."""
        if len(self._witness) >= self._viewer_limit:
            raise Refused(Refusal.FULL, retry_after=30)
        viewers = self._witness.of(lecture, member)
        if len(viewers) >= SESSIONS or sum(viewer.receiving for viewer in viewers) >= DEVICES:
            raise Refused(Refusal.TOO_MANY_DEVICES, retry_after=15)


def database_away() -> Refused:
    return Refused(Refusal.RELAY_DOWN, "the database is away", retry_after=RETRY)


def person_of(invitation: Invitation) -> Person:
    member = invitation.member
    return Person(member.id, member.name, " / ".join(member.branch), invitation.role)
