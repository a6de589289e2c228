"""Sites of collective viewing as their hosts, organizers and the phones before their screens ask for them.

Nothing is kept here: rows say what a site is called, the lecture's facts what happens there. What is decided is decided
by `gathering`; here it is looked up and written down. All raise `UserError` and `StoreUnavailable`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal, Protocol

from attendance.facts import Body, How
from attendance.ports import Clock
from attendance.presence import Presence
from attendance.roster import BranchPath, Invitation, Role
from attendance.sheet import preview
from attendance.site import Site, Stay
from classroom import gathering
from classroom.errors import UserError
from classroom.office import LectureRow, moment
from classroom.people import scan
from classroom.people.invitations import Door
from classroom.ports import SiteInfo, SitePerson, SiteRoom
from classroom.records import Facts
from classroom.room.lecture import OVER

PLACE_LENGTH = 80
SITES = 500
"""Of one lecture."""


class Lectures(Protocol):
    async def get(self, lecture: str) -> LectureRow | None: ...


class Roster(Protocol):
    async def invitations(self, lecture: str, scope: BranchPath = ()) -> list[Invitation]: ...

    async def invitation(self, lecture: str, member: str) -> Invitation | None: ...

    async def of_members(self, lecture: str, chosen: Sequence[str]) -> list[Invitation]: ...


class Rows(Protocol):
    async def add(self, site: Site, most: int) -> str | None: ...

    async def get(self, site: str) -> Site | None: ...

    async def of(self, lecture: str, scope: BranchPath = ()) -> list[Site]: ...

    async def hosted(self, lecture: str, host: str) -> Site | None: ...

    async def remove(self, site: str) -> None: ...


class SiteDesk:
    """`secret` gives what nobody outside the service can tell of a lecture and a purpose (`Witness.secret`)."""

    def __init__(
        self,
        *,
        lectures: Lectures,
        roster: Roster,
        rows: Rows,
        facts: Facts,
        door: Door,
        clock: Clock,
        new_id: Callable[[], str],
        secret: Callable[[str, str], bytes],
        base_url: str,
    ) -> None:
        self._lectures = lectures
        self._roster = roster
        self._rows = rows
        self._facts = facts
        self._door = door
        self._clock = clock
        self._new_id = new_id
        self._secret = secret
        self._base_url = base_url.rstrip("/")

    # --- organizers ---

    async def create(
        self, lecture: str, place: str, branch: BranchPath, host: str, scope: BranchPath = ()
    ) -> SiteInfo:  # fmt: skip
        """`host`: a member who is invited and within `scope`, as is `branch`."""
        row = await self._lecture(lecture)
        if row.state in OVER:
            raise UserError("lecture-over")
        place, path = preview.tidy(place), tuple(preview.tidy(part) for part in branch)
        if not 0 < len(place) <= PLACE_LENGTH:
            raise UserError("bad-place")
        if path[: len(scope)] != scope:
            raise UserError("branch-not-yours")
        found = await self._roster.invitation(lecture, host)
        if found is None or found.role != Role.MEMBER or found.member.branch[: len(scope)] != scope:
            raise UserError("no-such-member", host[:64])
        site = Site(self._new_id(), lecture, path, place, host, found.member.name, self._clock.now())
        refused = await self._rows.add(site, SITES)
        if refused is not None:
            raise UserError(refused)
        return self._info(site, row, Presence())

    async def sites(self, lecture: str, scope: BranchPath = ()) -> list[SiteInfo]:
        row, presence = await self._lecture(lecture), await self._facts.presence(lecture)
        return [self._info(site, row, presence) for site in await self._rows.of(lecture, scope)]

    async def rows(self, lecture: str) -> list[Site]:
        """What its sites are called."""
        return await self._rows.of(lecture)

    async def staff_site(self, lecture: str, site: str, scope: BranchPath) -> Site:
        """One of the organizer's."""
        found = await self._rows.get(site)
        if found is None or found.lecture != lecture or found.branch[: len(scope)] != scope:
            raise UserError("no-such-site")
        return found

    async def link(self, site: Site) -> str:
        """What the host opens: their personal link, to the site's page."""
        row = await self._lecture(site.lecture)
        invitation = await self._roster.invitation(site.lecture, site.host)
        if invitation is None:
            raise UserError("no-such-member")
        return f"{self._base_url}/site#{self._door.issue(invitation, row.links_expire)}"

    async def remove(self, site: Site) -> None:
        """One that never opened: nobody was there."""
        if (await self._facts.presence(site.lecture)).sites.hours(site.id):
            raise UserError("site-was-open")
        await self._rows.remove(site.id)

    # --- whoever runs a site ---

    async def hosted(self, lecture: str, host: str) -> Site:
        found = await self._rows.hosted(lecture, host)
        if found is None:
            raise UserError("hosts-no-site")
        return found

    async def open(self, site: Site, by: str | None) -> None:
        row, presence = await self._both(site)
        await self._write(site, gathering.open_site(presence.sites, site, row.state, by))

    async def close(self, site: Site, by: str | None) -> None:
        _, presence = await self._both(site)
        await self._write(site, gathering.close_site(presence.sites, site, by, self._clock.now()))

    async def show(self, site: Site, connection: str) -> None:
        _, presence = await self._both(site)
        await self._write(site, gathering.show(presence.sites, site, connection))

    async def check_in(self, site: Site, member: str, how: How, by: str | None) -> None:
        row, presence = await self._both(site)
        invitation = await self._roster.invitation(site.lecture, member)
        await self._write(site, gathering.check_in(presence.sites, site, row.state, invitation, how, by))

    async def check_out(self, site: Site, member: str, by: str | None) -> None:
        _, presence = await self._both(site)
        await self._write(site, gathering.check_out(presence.sites, site, member, by, self._clock.now()))

    async def go(self, lecture: str, member: str) -> None:
        """The member leaves where they are."""
        presence = await self._facts.presence(lecture)
        stay = presence.sites.stay(member)
        site = None if stay is None else await self._rows.get(stay.site)
        if site is not None:
            await self._write(site, gathering.check_out(presence.sites, site, member, member, self._clock.now()))

    async def count(self, site: Site, heads: int, by: str | None) -> None:
        _, presence = await self._both(site)
        await self._write(site, gathering.count(presence.sites, site, heads, by))

    async def room(self, site: Site) -> SiteRoom:
        """The site as its host sees it."""
        row, presence = await self._both(site)
        now = self._clock.now()
        stays = presence.sites.present().get(site.id, [])
        people = {one.member.id: one for one in await self._roster.of_members(site.lecture, [s.member for s in stays])}
        shown = presence.screen(site.id)
        return SiteRoom(
            info=self._info(site, row, presence),
            title=row.title,
            lecture_state=row.state,
            now=moment(now),
            receiving=bool(shown) and any(session.open for session in shown),
            present=[_there(stay, people.get(stay.member)) for stay in stays],
            code=self._code(site, now) if presence.sites.is_open(site.id) and row.state not in OVER else None,
            code_until=moment(scan.changes_at(now)),
        )

    async def people(self, site: Site) -> list[SitePerson]:
        """Whom its host may check in. Only who cannot be told apart by the name is shown with the end of a number."""
        found = [one for one in await self._roster.invitations(site.lecture, site.branch) if one.role == Role.MEMBER]
        names: dict[tuple[str, BranchPath], int] = {}
        for one in found:
            key = (one.member.name, one.member.branch)
            names[key] = names.get(key, 0) + 1
        return [
            SitePerson(
                one.member.id,
                one.member.name,
                " / ".join(one.member.branch[len(site.branch) :]),
                one.member.phone[-4:]
                if one.member.phone is not None and names[one.member.name, one.member.branch] > 1
                else None,
            )
            for one in found
        ]

    # --- phones ---

    async def scan(self, site: str, code: str) -> tuple[Site, LectureRow, str]:
        """Who scanned the screen's code has a pass for three minutes. Another answer than "stale" to a code of no site
        would tell which sites there are."""
        found = await self._rows.get(site)
        now = self._clock.now()
        if found is None or not scan.fresh(self._key(found), code, now):
            raise UserError("code-stale")
        row, presence = await self._both(found)
        if row.state in OVER:
            raise UserError("lecture-over")
        if not presence.sites.is_open(found.id):
            raise UserError("site-closed")
        return found, row, scan.pass_until(self._key(found), now + scan.PASS)

    async def passing(self, site: str, given: str) -> Site:
        found = await self._rows.get(site)
        if found is None or not scan.holds(self._key(found), given, self._clock.now()):
            raise UserError("code-stale")
        return found

    # ---

    def _code(self, site: Site, now: int) -> str:
        return f"{self._base_url}/s#{site.id}.{scan.code_at(self._key(site), now)}"

    def _key(self, site: Site) -> bytes:
        return self._secret(site.lecture, f"site/{site.id}")

    async def _lecture(self, lecture: str) -> LectureRow:
        found = await self._lectures.get(lecture)
        if found is None:
            raise UserError("no-such-lecture", lecture[:64])
        return found

    async def _both(self, site: Site) -> tuple[LectureRow, Presence]:
        return await self._lecture(site.lecture), await self._facts.presence(site.lecture)

    async def _write(self, site: Site, facts: Sequence[Body]) -> None:
        for body in facts:
            await self._facts.store(site.lecture, body)

    def _info(self, site: Site, row: LectureRow, presence: Presence) -> SiteInfo:
        book = presence.sites
        hours, heads = book.hours(site.id), book.heads(site.id)
        open_ = book.is_open(site.id) and row.state not in OVER
        state: Literal["planned", "open", "closed"] = "open" if open_ else "closed" if hours else "planned"
        end = hours[-1][1] if hours else None
        return SiteInfo(
            id=site.id,
            place=site.place,
            branch=" / ".join(site.branch),
            host=site.host,
            host_name=site.host_name,
            state=state,
            opened=moment(hours[0][0]) if hours else None,
            closed=moment(end if end is not None or open_ else presence.ended) if hours else None,
            heads=None if heads is None else heads.heads,
            present=len(book.present().get(site.id, ())),
            receiving=any(session.open for session in presence.screen(site.id)),
        )


def _there(stay: Stay, invitation: Invitation | None) -> SitePerson:
    name = "" if invitation is None else invitation.member.name
    branch = "" if invitation is None else " / ".join(invitation.member.branch)
    return SitePerson(stay.member, name, branch, None, moment(stay.start), stay.how)
