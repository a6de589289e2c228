"""Which tickets still hold: a ticket against the invitation it was made for."""

from __future__ import annotations

from collections import OrderedDict
from typing import Protocol

from attendance.roster import Invitation
from classroom.people.ticket import Ticket, TicketBad, TicketRevoked, TicketSigner

CACHED = 8_192
FRESH = 15_000_000
"""µs that an invitation is believed without asking again: another node may have revoked it meanwhile."""


class Invitations(Protocol):
    """What this module asks of the roster."""

    async def invitation(self, lecture: str, member: str) -> Invitation | None: ...


class Door:
    """Reads tickets and looks their invitations up, with a small memory of them."""

    def __init__(self, signer: TicketSigner, invitations: Invitations) -> None:
        self._signer = signer
        self._invitations = invitations
        self._known: OrderedDict[tuple[str, str], tuple[int, Invitation | None]] = OrderedDict()
        self._changes = 0

    def issue(self, invitation: Invitation, expires: int) -> str:
        """The ticket of an invitation, until `expires` (µs since the epoch)."""
        return self._signer.issue(invitation, expires)

    def named(self, text: str) -> Ticket | None:
        """Whom a ticket names, also one that opens nothing any more; None: it is none of ours."""
        try:
            return self._signer.decode(text)
        except TicketBad:
            return None

    async def read(self, text: str, now: int) -> Invitation:
        """Who holds this ticket, and in which lecture. Raises `TicketBad`, `TicketExpired`, `TicketRevoked`."""
        ticket = self._signer.read(text, now)
        invitation = await self._find(ticket.lecture, ticket.member, now)
        if invitation is None or (invitation.serial, invitation.role) != (ticket.serial, ticket.role):
            raise TicketRevoked
        return invitation

    async def holds(self, invitation: Invitation, now: int) -> bool:
        """Whether tickets of this invitation, as it was read, still open something."""
        found = await self._find(invitation.lecture, invitation.member.id, now)
        return found is not None and (found.serial, found.role) == (invitation.serial, invitation.role)

    def forget(self, lecture: str, member: str | None = None) -> None:
        """That invitation (or all of the lecture's) was changed: the next ticket asks the roster again."""
        self._changes += 1
        if member is not None:
            self._known.pop((lecture, member), None)
            return
        for key in [key for key in self._known if key[0] == lecture]:
            del self._known[key]

    async def _find(self, lecture: str, member: str, now: int) -> Invitation | None:
        key = (lecture, member)
        known = self._known.get(key)
        if known is not None and now - known[0] < FRESH:
            self._known.move_to_end(key)
            return known[1]
        changes = self._changes
        found = await self._invitations.invitation(lecture, member)
        if changes != self._changes:  # it may have been read just before it was changed
            return found
        self._known[key] = (now, found)
        self._known.move_to_end(key)
        while len(self._known) > CACHED:
            self._known.popitem(last=False)
        return found
