"""Branches, members and invitations: the denominator of every report."""

from __future__ import annotations

from typing import Literal

import msgspec

BranchPath = tuple[str, ...]
"""From the top: ("镇巴县", "泾洋街道党支部"). Written with " / " between the parts."""


ERASED = "（已删除）"
"""What stands in the place of a name, or of words about somebody, that was deleted."""


class Member(msgspec.Struct, frozen=True):
    """`id` is opaque and permanent; `phone` is masked (138****0000) except where a store says otherwise."""

    id: str
    name: str
    branch: BranchPath
    phone: str | None = None
    city: str | None = None
    """Where they live now, as the roster says it."""


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


class Listed(msgspec.Struct, frozen=True):
    """A person of the roster as lists show them; `phone` masked, `left` in µs."""

    id: str
    name: str
    branch: BranchPath
    phone: str | None
    city: str | None
    extra: dict[str, str]
    left: int | None


Deed = Literal["import", "invite", "move", "leave", "return", "rename", "merge", "officer"]


class RosterChange(msgspec.Struct, frozen=True):
    """What was done to the roster. `by`: a staff id; None: the command line. `undone`: when it was taken back; times in
    µs."""

    id: str
    at: int
    by: str | None
    what: Deed
    file: str
    lecture: str | None
    scope: BranchPath
    added: int
    changed: int
    undone: int | None = None


class ListedChange(msgspec.Struct, frozen=True):
    """A change as lists show it: how many people it touched, and the names of the first."""

    change: RosterChange
    people: int
    names: tuple[str, ...]


class Undone(msgspec.Struct, frozen=True):
    """`revoked`: whose links of the change's lecture hold no more; `lectures`: whose invitations it touched."""

    change: RosterChange
    removed: int
    restored: int
    revoked: frozenset[str]
    lectures: frozenset[str] = frozenset()
