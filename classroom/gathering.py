"""What happens at a site of collective viewing: each deed against what is known, as the facts that it makes.

Pure, and without state: a `SiteBook` says what holds now. Every deed may be repeated: what holds already makes no fact.
`by` is who says so, a member or staff id; `now` in µs since the epoch. All raise `UserError`.
"""

from __future__ import annotations

from attendance.facts import (
    Body,
    How,
    LectureState,
    SiteCheckedIn,
    SiteCheckedOut,
    SiteClosed,
    SiteCounted,
    SiteOpened,
    SiteScreened,
)
from attendance.roster import BranchPath, Invitation, Role
from attendance.site import Site, SiteBook
from classroom.errors import UserError
from classroom.room.lecture import OVER

HEADS = 10_000
"""Beyond so many no room is counted."""


def belongs(branch: BranchPath, site: Site) -> bool:
    """Whether members of that branch watch there: the site's own, and all below it."""
    return branch[: len(site.branch)] == site.branch


def open_site(book: SiteBook, site: Site, state: LectureState, by: str | None) -> list[Body]:
    """A host who opens it is there."""
    _still(state)
    if book.is_open(site.id):
        return []
    opened: list[Body] = [SiteOpened(site.id, site.host, by)]
    return [*opened, SiteCheckedIn(site.host, site.id, How.HOST, by)] if by == site.host else opened


def close_site(book: SiteBook, site: Site, by: str | None, now: int) -> list[Body]:
    return [SiteClosed(site.id, now, by)] if book.is_open(site.id) else []


def show(book: SiteBook, site: Site, connection: str) -> list[Body]:
    """The host's page at the site plays through this connection. A host whose site somebody else opened is there from
    here on, unless they were checked out."""
    if not book.is_open(site.id):
        raise UserError("site-closed")
    facts: list[Body] = []
    if (site.host, connection) not in book.screens(site.id):
        facts.append(SiteScreened(site.id, site.host, connection))
    if not any(stay.site == site.id for stay in book.stays(site.host)):
        facts.append(SiteCheckedIn(site.host, site.id, How.HOST, site.host))
    return facts


def check_in(
    book: SiteBook, site: Site, state: LectureState, invitation: Invitation | None, how: How, by: str | None
) -> list[Body]:
    """`invitation`: of who comes; None: they are not invited."""
    _still(state)
    if not book.is_open(site.id):
        raise UserError("site-closed")
    if invitation is None or invitation.role != Role.MEMBER or not belongs(invitation.member.branch, site):
        raise UserError("not-of-this-site")
    stay = book.stay(invitation.member.id)
    if stay is not None and stay.site == site.id:
        return []
    return [SiteCheckedIn(invitation.member.id, site.id, how, by)]


def check_out(book: SiteBook, site: Site, member: str, by: str | None, now: int) -> list[Body]:
    stay = book.stay(member)
    if stay is None or stay.site != site.id:
        return []
    return [SiteCheckedOut(member, site.id, now, by)]


def count(book: SiteBook, site: Site, heads: int, by: str | None) -> list[Body]:
    """Also after the end: a host counts when there is time to."""
    if not book.hours(site.id):
        raise UserError("site-closed")
    if not 0 <= heads <= HEADS:
        raise UserError("bad-headcount")
    known = book.heads(site.id)
    return [] if known is not None and known.heads == heads else [SiteCounted(site.id, heads, by)]


def _still(state: LectureState) -> None:
    if state in OVER:
        raise UserError("lecture-over")
