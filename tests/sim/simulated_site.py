"""Watching together in a simulated evening: a site's page on one screen, what is tapped there, who comes and who goes.

Whoever wants in stands at the door until the service has said yes, and stays until it has said that they are gone:
where it does not answer, they tap again. So what is true of a stay has two bounds: nobody was there before the first
tap or after the last answer (`most`), and they were there from the answer to the one until the first tap of the other
(`least`). Times are seconds of the evening, spans µs.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from attendance.facts import How
from attendance.interval import Span, union
from attendance.site import Site
from classroom.errors import UserError
from classroom.sites import SiteDesk
from tests.sim.simulated_attendance import Behaviour, Device, Evening, at

AGAIN = 3.0
"""Seconds after which who was not answered taps again."""
SCREEN = 9
"""The number of a screen among its host's devices."""

Deed = Callable[[SiteDesk, Site], Awaitable[None]]


class Screen(Device):
    """The site's page: a device of its host, which says of each session that it is the site's screen. `shown`: what
    each session really received; `tied`: those of which the service knows."""

    def __init__(self, place: Place, behaviour: Behaviour) -> None:
        super().__init__(place.evening, place.host, SCREEN, behaviour)
        self.place = place
        self.shown: list[tuple[str | None, Span]] = []
        self.tied: set[str] = set()
        self._named: set[str] = set()

    @property
    def open(self) -> bool:
        """A page whose site is closed plays no more."""
        return super().open and self.place.closed is None

    def session(self) -> str | None:
        return self.peer

    def come(self) -> None:
        super().come()
        self.tie()

    def tie(self) -> None:
        session = self.session()
        if session is None or session in self._named or not self.open:
            return
        self._named.add(session)

        def answered(done: bool) -> None:
            if done:
                self.tied.add(session)

        self.place.tap(lambda desk, site: desk.show(site, session), answered, lambda: self.session() == session)

    def cut(self) -> None:
        before = len(self.received)
        super().cut()
        self.shown += [(self.peer, span) for span in self.received[before:]]


class StrangersScreen(Screen):
    """A cheat's, whose page takes no media and names the session of somebody who watches."""

    def session(self) -> str | None:
        viewers = self.evening.viewers.items()
        return next((peer for peer, device in viewers if device.media_since is not None), None)

    def beat(self) -> None:
        super().beat()
        self.tie()


@dataclass
class Stay:
    """One member's before one screen; None: it did not come to that."""

    place: Place
    asked: float
    let_in: float | None = None
    going: float | None = None
    gone: float | None = None

    def most(self) -> list[Span]:
        return self._span(self.asked, self.gone, self.place.closed)

    def least(self) -> list[Span]:
        return [] if self.let_in is None else self._span(self.let_in, self.going, self.place.closing)

    def _span(self, start: float, *ends: float | None) -> list[Span]:
        over = min((one for one in ends if one is not None), default=self.place.evening.ends + 60)
        return union([(at(start), at(over))])


class Place:
    """A site whose host opens it by their own link as soon as the page is there, and closes it at `closes`, or never:
    then the lecture's end does."""

    def __init__(
        self,
        evening: Evening,
        host: str,
        behaviour: Behaviour,
        closes: float | None = None,
        screen: type[Screen] = Screen,
    ) -> None:
        self.evening = evening
        self.host = host
        self.closing: float | None = None
        self.closed: float | None = None
        self.screen = screen(self, behaviour)
        evening.place(self)
        evening.time.at(behaviour.spans[0][0], self._open)
        if closes is not None:
            evening.time.at(closes, self._close)

    def tap(self, deed: Deed, answered: Callable[[bool], None], wanted: Callable[[], bool] = lambda: True) -> None:
        """Again and again while it is `wanted`, until the service has done it, or refused it for good."""
        over = False

        def once(done: bool) -> None:
            nonlocal over
            if not over and (done or self.closing is not None or self.evening.time.now >= self.evening.ends):
                over = True
                answered(done)

        def tap() -> None:
            if over or not wanted():
                return
            if self.evening.service is not None and self.screen.linked:
                self.evening.service.at_site(self.host, deed, once)
            self.evening.time.after(AGAIN, tap)

        tap()

    def _open(self) -> None:
        stay = Stay(self, self.evening.time.now)
        self.evening.stays[self.host].append(stay)

        def answered(done: bool) -> None:
            stay.let_in = self.evening.time.now if done else None

        self.tap(lambda desk, site: desk.open(site, self.host), answered)

    def _close(self) -> None:
        self.closing = self.evening.time.now

        def answered(_done: bool) -> None:
            self.closed = self.evening.time.now
            self.screen.leave()

        self.tap(lambda desk, site: desk.close(site, self.host), answered)


@dataclass(frozen=True)
class Step:
    """When a member wants to be before which screen, found in the list by its host or by the code on it; None: home."""

    when: float
    place: Place | None
    how: How = How.SEARCH


class Visitor:
    """A member's way through the evening, one step after the other."""

    def __init__(self, evening: Evening, member: str, steps: Sequence[Step]) -> None:
        self._evening = evening
        self._member = member
        self._steps = list(steps)
        self._here: Stay | None = None
        self._next()

    def _next(self) -> None:
        if self._steps:
            step = self._steps.pop(0)
            self._evening.time.at(step.when, lambda: self._go(step))

    def _go(self, step: Step) -> None:
        here, there = self._here, None
        if here is not None:
            here.going = self._evening.time.now
        if step.place is not None:
            there = Stay(step.place, self._evening.time.now)
            self._evening.stays[self._member].append(there)

        def answered(done: bool) -> None:
            now = self._evening.time.now
            if done:
                if here is not None:
                    here.gone = now
                if there is not None:
                    there.let_in = now
                self._here = there
            elif there is not None:  # they stay where they were
                there.gone = now
            self._next()

        if step.place is not None:
            step.place.tap(self._scan if step.how is How.QR else self._found, answered)
        elif here is not None:
            here.place.tap(self._leave, answered)
        else:
            self._next()

    async def _found(self, desk: SiteDesk, site: Site) -> None:
        await desk.check_in(site, self._member, How.SEARCH, site.host)

    async def _scan(self, desk: SiteDesk, site: Site) -> None:
        """What the member's own phone does with the code that the screen shows now."""
        code = (await desk.room(site)).code
        if code is None:
            raise UserError("site-closed")
        found, _, given = await desk.scan(site.id, code.rpartition(".")[2])
        await desk.check_in(await desk.passing(found.id, given), self._member, How.QR, self._member)

    async def _leave(self, desk: SiteDesk, site: Site) -> None:
        await desk.check_out(site, self._member, site.host)
