"""People who sign in with a password."""

from __future__ import annotations

import msgspec

from attendance.roster import BranchPath

SESSION = 12 * 3600 * 1_000_000
"""µs that a sign-in lasts: an evening and its preparation."""
NAME_LENGTH = 64
PASSWORD_LENGTHS = (8, 200)


class StaffMember(msgspec.Struct, frozen=True):
    """An organizer of `branch` and all below it; () sees everything: an operator."""

    id: str
    name: str
    branch: BranchPath

    @property
    def role(self) -> str:
        return "organizer" if self.branch else "operator"


class Signed(msgspec.Struct, frozen=True):
    """A session that is open until `expires` (µs since the epoch)."""

    member: StaffMember
    expires: int
