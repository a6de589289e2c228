"""The stage: hands, the running order, and who stands where between the seats and the audience's eyes. One of the
room's parts; it joins its own: the queue of hands, the running order, everybody's part, the layout.

Who is on and where somebody stands is told at once; hands and positions at most twice a second, however many are raised
together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from attendance.roster import Role
from classroom.errors import UserError
from classroom.people.role import rights
from classroom.room.actions import Action, Broadcast, Keep, TellMember, TellThose
from classroom.room.crowd import Socket
from classroom.room.hand import DOWN, HandQueue, Raised
from classroom.room.inputs import Person
from classroom.room.journal import HandSet, Journaled, LayoutSet, OrderEntry, OrderSet, PartSet
from classroom.room.layout import Arrangement
from classroom.room.messages import ToldMessage
from classroom.room.messages_stage import (
    AnswerCall,
    Call,
    Extend,
    LeaveStage,
    LowerHand,
    Next,
    NextStep,
    Part,
    PutOn,
    RaiseHand,
    RunningOrder,
    SetLayout,
    StageChanged,
    TakeOff,
    Testimonial,
)
from classroom.room.order import Rundown
from classroom.room.part import Standing, Trigger
from classroom.room.slots import Cast, Seen
from classroom.room.stage_people import AT_ONCE, RESUMES_WITHIN, People

HANDS_EVERY = 500_000
SEEN_BY = "oversee"
"""The right of those who are shown hands and the running order."""


class Stage:
    """`handlers` by the type of message; the room has looked at rights before it asks them. They raise `UserError`.
    Ask `settle` after every input, and what is the `cast` then."""

    def __init__(self, now: int) -> None:
        self._hands = HandQueue()
        self._rundown = Rundown()
        self._people = People(self._rundown, now)
        self._arrangement = Arrangement()
        self._resuming_until: int | None = None
        self._built = now
        self._pages: dict[str, Person] = {}
        self._publishing: Mapping[str, Person] = {}
        self._view = self._look()
        self._order: RunningOrder | None = None
        self._moves = 0
        self._stirred = False
        self._hands_stirred = False
        self._hands_at = 0
        self.handlers: Mapping[type, Callable[[Socket, Any, int], list[Action]]] = {
            RaiseHand: self._hand,
            LowerHand: self._lower_hand,
            Call: self._call,
            AnswerCall: self._answer,
            PutOn: self._put_on,
            TakeOff: self._take_off,
            Next: self._next,
            LeaveStage: self._leave,
            SetLayout: self._set_layout,
            Extend: self._extend,
        }
        self._restorers: dict[type, Callable[[Any, Journaled], None]] = {
            HandSet: self._restore_hand,
            OrderSet: lambda entry, _: self._set(entry.entries),
            PartSet: lambda entry, kept: self._people.restore(entry, kept.at),
            LayoutSet: lambda entry, kept: self._arrangement.restore(entry.layout, kept.by is not None),
        }

    # --- what others ask ---

    @property
    def view(self) -> StageChanged:
        """As it was told last."""
        return self._view

    @property
    def cast(self) -> Cast:
        return self._people.cast

    def admits(self, member: str) -> bool:
        """They were called: they may publish to the slot `guest`, whatever their role."""
        return member in self._people

    @property
    def behind(self) -> frozenset[str]:
        """Those who said that they come: they may be sent what only the stage is sent."""
        return frozenset(each.member for each in self._people if each.part is not Part.CALLED)

    def greet(self, person: Person, now: int) -> list[ToldMessage]:
        """What somebody who comes in is told besides the snapshot."""
        told: list[ToldMessage] = []
        may = rights(person.role)
        if may.counted:
            told.append(self._hands.state(person.member))
        if may.counted or person.role == Role.GUEST:
            told.append(self._people.told(person.member))
        if may.oversee:
            told += [self._hands.view(), self._running_order()]
        return told

    # --- what happens ---

    def restore(self, journaled: Journaled) -> None:
        """Takes an entry back."""
        restorer = self._restorers.get(type(journaled.entry))
        if restorer is not None:
            restorer(journaled.entry, journaled)
            on = self._people.on
            self._arrangement.restored(None if on is None else on.member)
            self._resuming_until = self._built + RESUMES_WITHIN
            self._view = self._look()
            self._stirred = self._hands_stirred = True

    def came(self, person: Person) -> None:
        """One of their pages is open."""
        if person.member not in self._pages:
            self._pages[person.member] = person
            self._hands.came(person.member)
            self._stirred = True

    def went(self, member: str, now: int) -> None:
        """None is any more."""
        self._pages.pop(member, None)
        self._hands.went(member, now)
        self._stirred = True

    def set_order(self, entries: tuple[OrderEntry, ...], by: str | None) -> list[Action]:
        self._set(entries)
        self._stirred = True
        return [Keep(OrderSet(self._rundown.entries), by)]

    def remove(self, members: Iterable[str], now: int) -> list[Action]:
        """They leave the room with all they have here."""
        actions: list[Action] = []
        for member in members:
            standing = self._people.get(member)
            if standing is not None:
                actions += self._people.move(standing, Trigger.TAKE_OFF, now)
            actions += self._lower(member, None)
        return actions

    def end(self, now: int) -> list[Action]:
        """The lecture is over."""
        actions = self._people.all(Trigger.OVER, now)
        for member in self._hands.members:
            actions += self._lower(member, None)
        return actions

    def settle(self, seen: Seen, rehearsing: bool, now: int) -> list[Action]:
        """What follows from media and time, and from what happened since the last time."""
        if rehearsing is not self._rundown.rehearsing:
            self._rundown.rehearsing, self._stirred = rehearsing, True
        if seen.flowing.keys() != self._publishing.keys():
            self._publishing, self._stirred = seen.flowing, True
        actions = self._people.settle(seen, now)
        on = self._people.on
        resuming = self._resuming_until is not None and now < self._resuming_until
        if self._arrangement.follow(None if on is None else on.member, seen.screen, resuming):
            actions.append(Keep(LayoutSet(self._arrangement.layout), None))
            self._stirred = True
        for member in self._hands.overdue(now):
            actions += self._lower(member, None)
        if self._people.moves != self._moves or self._stirred:
            self._moves, self._stirred = self._people.moves, False
            actions += self._tell_stage()
        if self._hands_stirred and now - self._hands_at >= HANDS_EVERY:
            self._hands_stirred, self._hands_at = False, now
            actions.append(TellThose(SEEN_BY, self._hands.view()))
            actions += [TellMember(member, state) for member, state in self._hands.moved()]
        return [*actions, *self._people.tell()]

    # --- hands ---

    def _hand(self, socket: Socket, message: RaiseHand, now: int) -> list[Action]:
        person = socket.person
        if not message.up:
            return self._lower(person.member, person.member)
        if person.member in self._people:
            raise UserError("called-already")
        if not self._hands.put_up(person, socket.heard):
            return []
        self._hands_stirred = True
        kept = HandSet(person.member, person.name, person.branch, up=True)
        return [Keep(kept, person.member), TellMember(person.member, self._hands.state(person.member))]

    def _lower_hand(self, socket: Socket, message: LowerHand, now: int) -> list[Action]:
        return self._lower(message.member, socket.person.member)

    def _lower(self, member: str, by: str | None) -> list[Action]:
        raised = self._hands.lower(member)
        if raised is None:
            return []
        self._hands_stirred = True
        return [Keep(HandSet(member, raised.name, raised.branch, up=False), by), TellMember(member, DOWN)]

    def _restore_hand(self, entry: HandSet, kept: Journaled) -> None:
        if entry.up:
            self._hands.restore(Raised(entry.member, entry.name, entry.branch, kept.at, away=self._built))
        else:
            self._hands.lower(entry.member)

    # --- calls, and what whoever is called says ---

    def _call(self, socket: Socket, message: Call, now: int) -> list[Action]:
        return self._ask(message.member, self._rundown.of(message.member), message.minutes, socket.person, now)

    def _ask(
        self, member: str, entry: OrderEntry | None, minutes: int | None, by: Person, now: int
    ) -> list[Action]:  # fmt: skip
        if member in self._people:
            raise UserError("called-already")
        person = self._here(member)
        if person is None:
            raise UserError("not-here")
        if not self._can_come(member):
            raise UserError("not-for-the-stage")
        if len(self._people) >= AT_ONCE:
            raise UserError("stage-full")
        called = self._people.call(member, person.name, person.branch, entry, minutes, by, now)
        return [*called, *self._lower(member, None)]

    def _here(self, member: str) -> Person | None:
        """Who has a page open, or publishes with a program of their own."""
        return self._pages.get(member) or self._publishing.get(member)

    def _can_come(self, member: str) -> bool:
        person = self._here(member)
        return person is not None and (rights(person.role).counted or person.role == Role.GUEST)

    def _answer(self, socket: Socket, message: AnswerCall, now: int) -> list[Action]:
        return self._move(socket.person.member, Trigger.ACCEPT if message.accept else Trigger.DECLINE, socket, now)

    def _leave(self, socket: Socket, message: LeaveStage, now: int) -> list[Action]:
        return self._move(socket.person.member, Trigger.LEAVE, socket, now)

    def _take_off(self, socket: Socket, message: TakeOff, now: int) -> list[Action]:
        return self._move(message.member, Trigger.TAKE_OFF, socket, now)

    def _put_on(self, socket: Socket, message: PutOn, now: int) -> list[Action]:
        standing = self._people.get(message.member)
        if standing is None or standing.part is not Part.BACKSTAGE:
            if standing is self._people.on and standing is not None:
                return []
            raise UserError("not-backstage")
        return self._swap(self._people.on, standing, socket.person.member, now)

    def _next(self, socket: Socket, message: Next, now: int) -> list[Action]:
        """Whoever runs the stage is told why, where it changes nothing."""
        step, entry = self._next_step()
        if (message.off, message.on) != (step.off, step.on):
            raise UserError("stage-moved")
        if step.off is None and step.on is None and entry is None:
            raise UserError("nobody-next" if step.coming is None else "next-is-coming")
        waiting = self._people.backstage
        actions = self._swap(self._people.on, waiting[0] if waiting else None, socket.person.member, now)
        if entry is not None:
            actions += self._ask(entry.member, entry, None, socket.person, now)
        return actions

    def _next_step(self) -> tuple[NextStep, OrderEntry | None]:
        """What "next" does now, and what is called by it."""
        on, waiting, on_the_way = self._people.on, self._people.backstage, self._people.on_the_way
        entry: OrderEntry | None = None
        if len(waiting) <= 1 and not on_the_way:  # so there is room for one more
            entry = self._rundown.callable(self._can_come, {each.member for each in self._people if each is not on})
        step = NextStep(
            off=None if on is None else on.member,
            on=waiting[0].member if waiting else None,
            call=None if entry is None else entry.member,
            coming=on_the_way[0].member if on_the_way else None,
        )
        return step, entry

    def _swap(self, off: Standing | None, on: Standing | None, by: str, now: int) -> list[Action]:
        actions: list[Action] = []
        if off is not None:
            actions += self._people.move(off, Trigger.TAKE_OFF if on is None else Trigger.REPLACE, now, by)
        if on is not None:
            actions += self._people.move(on, Trigger.PUT_ON, now, by)
        return actions

    def _move(self, member: str, trigger: Trigger, socket: Socket, now: int) -> list[Action]:
        """Nothing where it no longer applies: what a page says may come too late."""
        standing = self._people.get(member)
        return [] if standing is None else self._people.move(standing, trigger, now, socket.person.member)

    def _extend(self, socket: Socket, message: Extend, now: int) -> list[Action]:
        on = self._people.on
        if on is None:
            raise UserError("nobody-on")
        return self._people.extend(on, message.minutes, now, socket.person.member)

    # --- order and layout ---

    def _set(self, entries: tuple[OrderEntry, ...]) -> None:
        before = {entry.id: entry for entry in self._rundown.entries}
        self._rundown.set(entries)
        self._people.amend(before)

    def _set_layout(self, socket: Socket, message: SetLayout, now: int) -> list[Action]:
        self._stirred = self._arrangement.choose(message.layout) or self._stirred
        return [Keep(LayoutSet(message.layout), socket.person.member)]

    # --- what is shown ---

    def _tell_stage(self) -> list[Action]:
        actions: list[Action] = []
        view = self._look()
        if view != self._view:
            self._view = view
            actions.append(Broadcast(view))
        order = self._running_order()
        if order != self._order:
            self._order = order
            actions.append(TellThose(SEEN_BY, order))
        return actions

    def _look(self) -> StageChanged:
        on = self._people.on
        coming = self._rundown.planned(() if on is None else (on.member,))
        by_place = {each.entry: each for each in self._people.backstage}
        ready = next((entry for entry in coming if entry.id in by_place), coming[0] if coming else None)
        named = None if ready is None else " · ".join(part for part in (ready.name, ready.branch) if part)
        return StageChanged(0, self._arrangement.layout, self._people.show(), named)

    def _running_order(self) -> RunningOrder:
        standings = {each.entry: each for each in self._people if each.entry is not None}
        entries = tuple(self._testimonial(entry, standings.pop(entry.id, None)) for entry in self._rundown.entries)
        others = [each for each in self._people if each.entry is None or each.entry in standings]
        return RunningOrder(entries, tuple(self._other(each) for each in others), self._next_step()[0])

    def _testimonial(self, entry: OrderEntry, standing: Standing | None) -> Testimonial:
        return Testimonial(
            entry.id,
            entry.member,
            entry.name,
            entry.branch,
            entry.title,
            entry.minutes,
            Part.OFF if standing is None else standing.part,
            self._here(entry.member) is not None,
            standing is None and self._rundown.appeared(entry.id),
            self._rundown.passed(entry.id),
        )

    def _other(self, one: Standing) -> Testimonial:
        here = self._here(one.member) is not None
        return Testimonial(
            one.member, one.member, one.name, one.branch, one.title, one.minutes or 0, one.part, here, False, False
        )  # fmt: skip
