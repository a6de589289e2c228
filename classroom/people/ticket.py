"""A ticket: who holds it is that person in that lecture.

Signed, not secret: lecture, member, role, serial and expiry can be read by anybody and changed by nobody. It is
revoked by giving its invitation the next serial. Times are microseconds since the epoch, UTC.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import msgspec
from itsdangerous import BadSignature, Signer
from itsdangerous.encoding import base64_decode, base64_encode

from attendance.roster import Invitation
from classroom.errors import UserError

SALT = "classroom.ticket.1"
LONGEST = 512
DOT = "."
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


class Ticket(msgspec.Struct, frozen=True):
    """`expires` in seconds since the epoch."""

    lecture: str
    member: str
    role: str
    serial: int
    expires: int


class TicketSigner:
    """Issues and reads tickets. `secrets`, oldest first: the last one signs, all are accepted.

    The text is `lecture.member.role.serial.expires.signature`: short, for it is printed as a QR code.
    """

    def __init__(self, secrets: Sequence[str], salt: str = SALT) -> None:
        if not secrets or not all(secrets):
            raise ValueError("tickets need a secret")
        self._signer = Signer(list(secrets), salt=salt, sep=DOT, key_derivation="hmac", digest_method=hashlib.sha256)

    def issue(self, invitation: Invitation, expires: int) -> str:
        """The same invitation and expiry (µs since the epoch) give the same text."""
        parts = (
            invitation.lecture,
            invitation.member.id,
            invitation.role,
            str(invitation.serial),
            str(expires // SECOND),
        )
        if any(DOT in part for part in parts):
            raise ValueError("an id with a dot cannot be written on a ticket")
        return self._signer.sign(DOT.join(parts)).decode()

    def read(self, text: str, now: int) -> Ticket:
        """Raises `TicketBad` or `TicketExpired`. Whether it was revoked, its invitation knows."""
        ticket = self.decode(text)
        if now >= ticket.expires * SECOND:
            raise TicketExpired
        return ticket

    def decode(self, text: str) -> Ticket:
        """What we once wrote on it, whether or not it still opens anything. Raises `TicketBad`."""
        if len(text) > LONGEST or not text.isascii():
            raise TicketBad
        try:
            said = self._signer.unsign(text).decode()
            if not _one_spelling(text.removeprefix(said + DOT)):
                raise TicketBad
            lecture, member, role, serial, expires = said.split(DOT)
            return Ticket(lecture, member, role, int(serial), int(expires))
        except (BadSignature, ValueError) as error:
            raise TicketBad from error


def _one_spelling(signature: str) -> bool:
    """Base64 leaves bits of the last letter unused: four spellings would be read alike, and only one was issued."""
    return base64_encode(base64_decode(signature)).decode() == signature
