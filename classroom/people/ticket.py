"""A ticket: who holds it is that person in that lecture.

Signed, not secret: lecture, member, role, serial and expiry can be read by anybody and changed by nobody. It is
revoked by giving its invitation the next serial. Times are microseconds since the epoch, UTC.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import msgspec
from itsdangerous import BadData, URLSafeSerializer

from attendance.roster import Invitation
from classroom.errors import UserError

SALT = "classroom.ticket.1"
LONGEST = 512
SECOND = 1_000_000


class TicketError(UserError):
    """This ticket opens nothing; `reason` is also the problem's `type` on the wire."""

    REASON = "bad-ticket"

    def __init__(self, detail: str = "") -> None:
        super().__init__(self.REASON, detail)


class TicketBad(TicketError):
    """No ticket of ours, or changed on the way."""


class TicketExpired(TicketError):
    REASON = "ticket-expired"


class TicketRevoked(TicketError):
    """Another link was made for this person since, or the invitation was taken back."""

    REASON = "ticket-revoked"


class Ticket(msgspec.Struct, frozen=True, array_like=True):
    """`expires` in seconds since the epoch, which keeps links short."""

    lecture: str
    member: str
    role: str
    serial: int
    expires: int


class Signer:
    """Issues and reads tickets. `secrets`, oldest first: the last one signs, all are accepted."""

    def __init__(self, secrets: Sequence[str], salt: str = SALT) -> None:
        if not secrets or not all(secrets):
            raise ValueError("tickets need a secret")
        self._serializer = URLSafeSerializer(
            list(secrets), salt=salt, signer_kwargs={"digest_method": hashlib.sha256, "key_derivation": "hmac"}
        )

    def issue(self, invitation: Invitation, expires: int) -> str:
        """The same invitation and expiry give the same text."""
        ticket = Ticket(invitation.lecture, invitation.member.id, invitation.role, invitation.serial, expires // SECOND)
        return self._text(ticket)

    def _text(self, ticket: Ticket) -> str:
        text = self._serializer.dumps(msgspec.to_builtins(ticket))
        return text if isinstance(text, str) else text.decode()

    def read(self, text: str, now: int) -> Ticket:
        """Raises `TicketBad` or `TicketExpired`. Whether it was revoked, its invitation knows."""
        ticket = self._ticket(text)
        if now >= ticket.expires * SECOND:
            raise TicketExpired
        return ticket

    def _ticket(self, text: str) -> Ticket:
        if len(text) > LONGEST:
            raise TicketBad("too long")
        try:
            payload: Any = self._serializer.loads(text)
            return msgspec.convert(payload, Ticket)
        except (BadData, msgspec.ValidationError, ValueError) as error:
            raise TicketBad from error
