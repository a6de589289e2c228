"""Tokens by which programs read attendance in somebody's name: nothing else, and not for ever."""

from __future__ import annotations

import msgspec

from attendance.roster import BranchPath

DAY = 86_400 * 1_000_000
LONGEST, USUAL = 1_095, 365
"""Days that a token may hold, and holds where nothing is said."""
USED_WITHIN = 60_000_000
"""µs: its last use is noted about as exactly as that."""
PREFIX = "classroom_"
"""What every token begins with, so that one that was published by mistake is recognized."""


class ApiToken(msgspec.Struct, frozen=True):
    """`name`: what it is for. `staff` and `owner`: the id and name of whose it is, whose right it ends with. `branch`:
    what it sees, with all below it. Times in µs since the epoch, UTC; `used`: last."""

    id: str
    name: str
    staff: str
    owner: str
    branch: BranchPath
    created: int
    expires: int
    used: int | None = None
