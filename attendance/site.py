"""Watching together (集中收看): who was at which site, from when to when, who says so, and what its screen received.

Theory of operation. A site is one screen in one room. That a member is in the room is attested by people (its host, an
organizer, or the member who scanned the code on the screen); what reached the room is measured, on the one connection
that is the site's screen. Neither alone is attendance: a stay counts where both hold, `watched`.

Facts are filed in any order, a second time without effect, and folded when asked, by time: being somewhere is said by
people and not by a process, so no crash ends a stay; the screen's own sessions end as all do, at their last evidence.
A stay ends when the member is checked out, is checked in at another site (nobody is in two rooms) or the site closes.
All times in µs since the epoch, UTC.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

import msgspec

from attendance.facts import Fact, SiteCheckedIn, SiteCheckedOut, SiteClosed, SiteCounted, SiteOpened, SiteScreened
from attendance.interval import Span, union
from attendance.roster import BranchPath
from attendance.track import Kind, Session

CHECKED_OUT = "checked-out"
MOVED = "moved-site"
SITE_CLOSED = "site-closed"
STILL_THERE = "open"


class Site(msgspec.Struct, frozen=True):
    """What people call a site: its row outside the ledger, which can be deleted. `host` is a member id, `host_name`
    theirs; members of `branch` and below watch there. `created` in µs."""

    id: str
    lecture: str
    branch: BranchPath
    place: str
    host: str
    host_name: str = ""
    created: int = 0


class Stay(msgspec.Struct, frozen=True, order=True):
    """One member at one site, [start, end). `end` None: still there. `how` and `by` say what attests the beginning, and
    `closed_by` is a word for what ended it."""

    start: int
    site: str
    member: str
    how: str
    by: str | None
    end: int | None = None
    closed_by: str = STILL_THERE
    ended_by: str | None = None


class Headcount(msgspec.Struct, frozen=True, order=True):
    at: int
    heads: int
    by: str


Key = tuple[int, str, str, int]
"""Order of what people say: by time, then (node, boot, counter)."""


class SiteBook:
    """Of one lecture."""

    def __init__(self) -> None:
        self._doors: defaultdict[str, dict[Key, SiteOpened | SiteClosed]] = defaultdict(dict)
        self._said: defaultdict[str, dict[Key, SiteCheckedIn | SiteCheckedOut]] = defaultdict(dict)
        self._heads: defaultdict[str, dict[Key, Headcount]] = defaultdict(dict)
        self._screens: defaultdict[str, set[tuple[str, str]]] = defaultdict(set)
        self._connections: set[tuple[str, str]] = set()
        self._folded: dict[str, list[Stay]] = {}

    # --- filing ---

    def open_or_close(self, fact: Fact, body: SiteOpened | SiteClosed) -> None:
        self._doors[body.site][_key(fact, _when(fact, body))] = body
        self._folded.clear()

    def check(self, fact: Fact, body: SiteCheckedIn | SiteCheckedOut) -> None:
        self._said[body.member][_key(fact, _when(fact, body))] = body
        self._folded.pop(body.member, None)

    def count(self, fact: Fact, body: SiteCounted) -> None:
        self._heads[body.site][_key(fact, fact.happened)] = Headcount(fact.happened, body.heads, body.by or "")

    def screen(self, _fact: Fact, body: SiteScreened) -> None:
        self._screens[body.site].add((body.host, body.connection))
        self._connections.add((body.host, body.connection))

    # --- sites ---

    @property
    def sites(self) -> list[str]:
        """Those that ever opened, the first one first."""
        return sorted(self._doors, key=lambda site: (min(self._doors[site]), site))

    def is_open(self, site: str) -> bool:
        doors = self._doors.get(site, {})
        return bool(doors) and isinstance(doors[max(doors)], SiteOpened)

    def hours(self, site: str) -> list[tuple[int, int | None]]:
        """From when to when it was open; None: it still is."""
        found: list[tuple[int, int | None]] = []
        opened: int | None = None
        for key, door in sorted(self._doors.get(site, {}).items(), key=lambda one: one[0]):
            if isinstance(door, SiteOpened):
                opened = key[0] if opened is None else opened
            elif opened is not None:
                found.append((opened, key[0]))
                opened = None
        return found if opened is None else [*found, (opened, None)]

    def heads(self, site: str) -> Headcount | None:
        """What its host counted last."""
        heads = self._heads.get(site)
        return heads[max(heads)] if heads else None

    def screens(self, site: str) -> frozenset[tuple[str, str]]:
        """(member, connection) of what its screen ever was."""
        return frozenset(self._screens.get(site, ()))

    def is_screen(self, member: str, connection: str) -> bool:
        """Whether that connection is a site's screen, and nobody's own."""
        return (member, connection) in self._connections

    # --- members ---

    @property
    def members(self) -> list[str]:
        """Who was ever checked in."""
        return list(self._said)

    def stays(self, member: str) -> list[Stay]:
        """In order, one after the other."""
        if member not in self._said:
            return []
        found = self._folded.get(member)
        if found is None:
            found = self._folded[member] = self._fold(member)
        return found

    def _fold(self, member: str) -> list[Stay]:
        said = self._said[member]
        found: list[Stay] = []
        current: Stay | None = None
        steps: list[tuple[Key, SiteCheckedIn | SiteCheckedOut | SiteClosed]] = list(said.items())
        for site in {body.site for body in said.values()}:
            steps += [(key, door) for key, door in self._doors.get(site, {}).items() if isinstance(door, SiteClosed)]
        for (time, *_), body in sorted(steps, key=lambda step: step[0]):
            if isinstance(body, SiteCheckedIn):
                if current is not None and current.site == body.site:
                    continue
                if current is not None:
                    found.append(_ended(current, time, MOVED, body.by))
                open_then = self._was_open(body.site, time)
                current = Stay(time, body.site, member, body.how.value, body.by) if open_then else None
            elif current is not None and current.site == body.site:
                why = SITE_CLOSED if isinstance(body, SiteClosed) else CHECKED_OUT
                found.append(_ended(current, time, why, body.by))
                current = None
        return found if current is None else [*found, current]

    def stay(self, member: str) -> Stay | None:
        """Where the member is now."""
        stays = self.stays(member)
        return stays[-1] if stays and stays[-1].end is None else None

    def present(self) -> dict[str, list[Stay]]:
        """Who is where now, by site, the first one first."""
        found: defaultdict[str, list[Stay]] = defaultdict(list)
        for stay in sorted(stay for member in self._said if (stay := self.stay(member)) is not None):
            found[stay.site].append(stay)
        return dict(found)

    def _was_open(self, site: str, time: int) -> bool:
        """A closed site takes nobody; one of whose opening nothing is known yet does."""
        hours = self.hours(site)
        return not hours or any(start <= time and (end is None or time < end) for start, end in hours)


def attested(stays: Iterable[Stay], until: int) -> list[Span]:
    """When somebody says that the member was at a site; `until`: the last instant that who is there still is there."""
    return union((stay.start, until if stay.end is None else stay.end) for stay in stays)


def watched(stays: Iterable[Stay], screens: dict[str, list[Session]]) -> list[Session]:
    """What of the stays the screens (their received sessions, by site) received: each with the evidence of the screen,
    and with what attests or ended it at either edge. One that is open ends at its last evidence, or is empty."""
    found: list[Session] = []
    for stay in stays:
        for shown in screens.get(stay.site, ()):
            start = max(stay.start, shown.start)
            stopped = stay.end is not None and stay.end < shown.end
            end = stay.end if stopped and stay.end is not None else shown.end
            going = shown.open and stay.end is None
            if start < end or going:
                found.append(
                    Session(
                        kind=Kind.COLLECTIVE,
                        connection=stay.site,
                        evidence=shown.evidence,
                        start=start,
                        end=max(start, end),
                        opened_by=stay.how if stay.start >= shown.start else shown.opened_by,
                        closed_by=stay.closed_by if stopped else shown.closed_by,
                        uncertainty=shown.uncertainty,
                        open=going,
                    )
                )
    return found


def _ended(stay: Stay, time: int, why: str, by: str | None) -> Stay:
    return msgspec.structs.replace(stay, end=max(stay.start, time), closed_by=why, ended_by=by)


def _key(fact: Fact, time: int) -> Key:
    return time, fact.node, fact.boot, fact.counter


def _when(fact: Fact, body: SiteOpened | SiteClosed | SiteCheckedIn | SiteCheckedOut) -> int:
    return min(body.last, fact.happened) if isinstance(body, SiteClosed | SiteCheckedOut) else fact.happened
