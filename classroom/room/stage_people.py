"""Those between the seats and the stage: everybody's standing, what follows from time and media, and what of it is
kept, told and recorded."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from attendance.facts import AppearanceEnded
from classroom.room.actions import Action, Keep, Record, TellMember
from classroom.room.inputs import Person
from classroom.room.journal import OrderEntry, PartSet
from classroom.room.messages import moment
from classroom.room.messages_stage import OnStage, Part, PartChanged
from classroom.room.order import Rundown
from classroom.room.part import IN_SIGHT, NOWHERE, ON_THE_WAY, SECOND, Standing, Trigger
from classroom.room.slots import Actor, Cast, Seen

RESUMES_WITHIN = 15 * SECOND
"""µs after a restart of the service within which the relay tells of the media that it still has."""
AT_ONCE = 8
"""People between the seats and the stage at once, whoever is on among them."""

MEDIA: dict[tuple[Part, bool], Trigger] = {
    (Part.CALLED, True): Trigger.FLOWS,
    (Part.CHECKING, True): Trigger.FLOWS,
    (Part.LOST, True): Trigger.FLOWS,
    (Part.BACKSTAGE, False): Trigger.SILENT,
    (Part.ON, False): Trigger.SILENT,
}
"""What it means for a part that somebody's media flows, or does not."""


class People:
    """`rundown` learns who was on and who did not come. Whoever moves is told once, by `tell`."""

    def __init__(self, rundown: Rundown, now: int) -> None:
        self._rundown = rundown
        self._standings: dict[str, Standing] = {}
        self._untold: dict[str, PartChanged] = {}
        self._awaited = now + RESUMES_WITHIN
        self.moves = 0
        """How often anybody moved: whoever shows them looks here."""

    def __iter__(self) -> Iterator[Standing]:
        return iter(self._standings.values())

    def __len__(self) -> int:
        return len(self._standings)

    def __contains__(self, member: str) -> bool:
        return member in self._standings

    def get(self, member: str) -> Standing | None:
        return self._standings.get(member)

    @property
    def on(self) -> Standing | None:
        """Who holds the stage, or is awaited there."""
        return next((each for each in self if each.part in IN_SIGHT), None)

    @property
    def backstage(self) -> list[Standing]:
        """Those who can come on: by the running order, then as they came. The first is seen and heard there."""
        waiting = [each for each in self if each.part is Part.BACKSTAGE]
        return sorted(waiting, key=lambda each: (self._rundown.place(each.entry), each.at))

    @property
    def on_the_way(self) -> list[Standing]:
        return [each for each in self if each.part in ON_THE_WAY]

    @property
    def cast(self) -> Cast:
        on, waiting = self.on, self.backstage
        actor = None if on is None else Actor(on.member, on.name, on.branch)
        lost = on is not None and on.part is Part.LOST
        return Cast(actor, lost, waiting[0].member if waiting else None, frozenset(self._standings))

    def told(self, member: str) -> PartChanged:
        standing = self._standings.get(member)
        return NOWHERE if standing is None else standing.told()

    # --- what happens ---

    def call(
        self, member: str, name: str, branch: str, entry: OrderEntry | None, minutes: int | None, by: Person, now: int
    ) -> list[Action]:
        standing = Standing(
            member, name, branch, caller=by.name, called_by=by.member, rehearsed=self._rundown.rehearsing
        )  # fmt: skip
        if entry is not None:
            standing.entry, standing.title, standing.minutes = entry.id, entry.title, entry.minutes
        standing.minutes = minutes or standing.minutes
        self._standings[member] = standing
        return self.move(standing, Trigger.CALL, now, by.member)

    def move(self, standing: Standing, trigger: Trigger, now: int, by: str | None = None) -> list[Action]:
        """Nothing where the table has no such move. `by`: whose doing it is; None: the room's own."""
        before = standing.part
        if not standing.move(trigger, now, self._rundown.rehearsing):
            return []
        self.moves += 1
        self._untold[standing.member] = standing.told()
        actions: list[Action] = [Keep(standing.journaled(), by)]
        if standing.part is Part.ON:
            self._rundown.came_on(standing.entry, standing.rehearsed)
        if standing.part is Part.OFF:
            del self._standings[standing.member]
            self._rundown.did_not_come(standing.entry, standing.rehearsed)
            if before in IN_SIGHT and standing.since is not None and not standing.rehearsed:
                actions.append(self._appeared(standing, standing.last if before is Part.LOST else now, now))
        return actions

    def extend(self, standing: Standing, minutes: int, now: int, by: str) -> list[Action]:
        standing.extend(minutes, now)
        self.moves += 1
        self._untold[standing.member] = standing.told()
        return [Keep(standing.journaled(), by)]

    def amend(self, before: Mapping[str, OrderEntry]) -> None:
        """The running order was changed, `before` is what it was: whoever is not on yet gets what is new in it."""
        for standing in self:
            entry = self._rundown.get(standing.entry)
            if entry is None or standing.part in IN_SIGHT:
                continue
            standing.title = entry.title
            old = before.get(entry.id)
            if old is not None and standing.minutes == old.minutes:  # else the caller chose
                standing.minutes = entry.minutes
            self._untold[standing.member] = standing.told()

    def all(self, trigger: Trigger, now: int) -> list[Action]:
        return [action for each in tuple(self) for action in self.move(each, trigger, now)]

    def settle(self, seen: Seen, now: int) -> list[Action]:
        """What follows from media and time."""
        actions: list[Action] = []
        for standing in tuple(self):
            if not self._rundown.rehearsing and standing.rehearsed and standing.part in IN_SIGHT:
                actions += self.move(standing, Trigger.DOORS, now)
            flows = standing.member in seen.flowing
            trigger = MEDIA.get((standing.part, flows))
            if trigger is Trigger.SILENT:
                if standing.awaited is not None and now < standing.awaited:
                    continue
                standing.last = min(now, seen.lost or now)
            elif flows:
                standing.awaited = None
            if trigger is not None:
                actions += self.move(standing, trigger, now)
            deadline = standing.deadline
            if deadline is not None and now >= deadline:
                actions += self.move(standing, Trigger.TIME_OUT, now)
        return actions

    def tell(self) -> list[Action]:
        """Those who moved, where they stand now: once, however often they did."""
        told = [TellMember(member, message) for member, message in self._untold.items()]
        self._untold.clear()
        return [*told]

    def restore(self, kept: PartSet, at: int) -> None:
        standing = Standing.restored(kept, at, self._awaited)
        if kept.part is Part.ON:
            self._rundown.came_on(kept.entry, kept.rehearsed)
        if kept.part is not Part.OFF:
            self._standings[kept.member] = standing
        elif self._standings.pop(kept.member, None) is not None:
            self._rundown.did_not_come(kept.entry, kept.rehearsed)

    def show(self) -> OnStage | None:
        """Who is on, for everybody."""
        on = self.on
        if on is None:
            return None
        until = None if on.until is None else moment(on.until)
        since = moment(on.at if on.since is None else on.since)
        return OnStage(on.name, on.branch, on.title, since, until, on.part is Part.LOST)

    def _appeared(self, standing: Standing, last: int | None, now: int) -> Record:
        since = standing.since or now
        ended = max(since, now if last is None else last)
        return Record(AppearanceEnded(standing.member, standing.called_by, since, ended, standing.reconnects), now)
