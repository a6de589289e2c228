"""Branches, members and invitations: the denominator of every report."""

from __future__ import annotations

import msgspec

BranchPath = tuple[str, ...]
"""From the top: ("镇巴县", "泾洋街道党支部"). Written with " / " between the parts."""


class Member(msgspec.Struct, frozen=True):
    """`id` is opaque and permanent; `phone` is masked (138****0000) except where a store says otherwise."""

    id: str
    name: str
    branch: BranchPath
    phone: str | None = None


class Role:
    """Names of what an invitation lets its holder do; who may do what stands in classroom.people.role."""

    LECTURER = "lecturer"
    HOST = "host"
    GUEST = "guest"
    MEMBER = "member"


class Invitation(msgspec.Struct, frozen=True):
    """A member's (or lecturer's, host's, guest's) place in one lecture. `serial` grows with each re-issue of the
    link; a ticket with another serial is revoked."""

    lecture: str
    member: Member
    role: str
    serial: int
