"""The running order: who shares when, and who comes next."""

from __future__ import annotations

from collections.abc import Callable, Collection

from classroom.room.journal import OrderEntry

LENGTH = 50


class Rundown:
    """What was on in a rehearsal is to come again in the lecture: `rehearsing` says which of the two is counted now."""

    def __init__(self) -> None:
        self.entries: tuple[OrderEntry, ...] = ()
        self.rehearsing = False
        self._appeared: dict[bool, set[str]] = {False: set(), True: set()}
        self._passed: dict[bool, set[str]] = {False: set(), True: set()}

    def set(self, entries: tuple[OrderEntry, ...]) -> None:
        self.entries = entries[:LENGTH]
        known = {entry.id for entry in self.entries}
        for ids in (*self._appeared.values(), *self._passed.values()):
            ids &= known

    def get(self, entry: str | None) -> OrderEntry | None:
        return next((each for each in self.entries if each.id == entry), None)

    def place(self, entry: str | None) -> int:
        """Its place from 0; beyond the last for what is in no entry."""
        return next((place for place, each in enumerate(self.entries) if each.id == entry), len(self.entries))

    def of(self, member: str) -> OrderEntry | None:
        """What this person is called for: their first testimonial that is still to come, else their last one."""
        own = [each for each in self.entries if each.member == member]
        return next((each for each in own if not self.appeared(each.id)), own[-1] if own else None)

    def appeared(self, entry: str) -> bool:
        """It was on, or is."""
        return entry in self._appeared[self.rehearsing]

    def passed(self, entry: str) -> bool:
        """Whoever it is was called and did not come: "next" calls all others first."""
        return entry in self._passed[self.rehearsing]

    def came_on(self, entry: str | None, rehearsed: bool) -> None:
        if self.get(entry) is not None and entry is not None:
            self._appeared[rehearsed].add(entry)
            self._passed[rehearsed].discard(entry)

    def did_not_come(self, entry: str | None, rehearsed: bool) -> None:
        """Nothing where it was on before."""
        if self.get(entry) is not None and entry is not None and entry not in self._appeared[rehearsed]:
            self._passed[rehearsed].add(entry)

    def callable(self, here: Callable[[str], bool], busy: Collection[str]) -> OrderEntry | None:
        """Whom "next" calls: of those who are here and not on their way (`busy`: members) the first."""
        free = [each for each in self.planned(busy) if here(each.member)]
        return min(free, key=lambda each: self.passed(each.id), default=None)

    def planned(self, busy: Collection[str] = ()) -> list[OrderEntry]:
        """Testimonials to come."""
        return [each for each in self.entries if not self.appeared(each.id) and each.member not in busy]
