"""Who is seen where: the stage's wish and the relay's word, merged into one state per slot.

A publication is *opened* by its publisher, then *flows* or falls silent, then *closes*. A slot shows one publication;
one that comes later for the same slot waits until it flows and then takes over (the relay switches at its key frame),
so that a lecturer who returns is never told "busy" and nobody sees a hole.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from attendance.facts import SlotFlowing, SlotSilent, StageEntered, StageLeft
from classroom.room.actions import Action, Broadcast, ClosePublication, Record, RoutePublication
from classroom.room.inputs import Person
from classroom.room.messages import SlotChanged, SlotState, SlotView
from signaling.control import Audience
from signaling.session.offer import Codec

SLOTS = ("lecturer", "screen", "host", "guest")
STAGE_SLOTS = frozenset({"host", "guest"})
LOST_FOR = 60 * 1_000_000
"""A slot whose publisher was lost stays `lost` this long, then it is `empty`."""


@dataclass(slots=True)
class Publication:
    peer: str
    slot: str
    person: Person
    flowing: bool = False
    video: Codec | None = None


@dataclass(slots=True)
class Slot:
    """`shown` is what viewers see or saw last; `next` waits for its first packet."""

    name: str
    shown: Publication | None = None
    next: Publication | None = None
    person: Person | None = None
    lost_at: int | None = None
    told: SlotView | None = None
    flowing: str | None = None  # the member whose media reaches the audience, as the ledger knows it

    def view(self, everyone: bool) -> SlotView:
        state = self._state(everyone)
        if state is SlotState.EMPTY or self.person is None:
            return SlotView(self.name, SlotState.EMPTY)
        video = self.shown.video if state is SlotState.LIVE and self.shown is not None else None
        person = self.person
        return SlotView(self.name, state, person.name, person.branch, person.member, video)

    def _state(self, everyone: bool) -> SlotState:
        if self.shown is not None and self.shown.flowing:
            return SlotState.LIVE if everyone else SlotState.EXPECTED
        if self.lost_at is not None:
            return SlotState.LOST if everyone else SlotState.EMPTY
        if self.shown is not None or self.next is not None:
            return SlotState.EXPECTED
        return SlotState.EMPTY


@dataclass(slots=True)
class Slots:
    everyone: bool = False
    silent_since: int | None = 0
    """Since when nothing flows to the audience; None while something does."""
    _slots: dict[str, Slot] = field(default_factory=lambda: {name: Slot(name) for name in SLOTS})
    _publications: dict[str, Publication] = field(default_factory=dict)

    # --- what others ask ---

    def views(self) -> tuple[SlotView, ...]:
        return tuple(slot.view(self.everyone) for slot in self._slots.values())

    @property
    def picture(self) -> bool:
        """A picture flows on `lecturer`."""
        shown = self._slots["lecturer"].shown
        return shown is not None and shown.flowing and shown.video is not None

    def on_stage(self, member: str) -> bool:
        """Media of this member reaches the audience now."""
        return any(slot.flowing == member for slot in self._slots.values())

    def publisher(self, peer: str) -> str | None:
        """The member behind a publication."""
        publication = self._publications.get(peer)
        return None if publication is None else publication.person.member

    @property
    def publications(self) -> tuple[str, ...]:
        return tuple(self._publications)

    # --- what happens ---

    def open(self, peer: str, name: str, person: Person) -> list[Action]:
        """A publisher's session stands; its media is on the way."""
        if peer in self._publications or name not in self._slots:
            return []
        publication = self._publications[peer] = Publication(peer, name, person)
        slot = self._slots[name]
        slot.next = publication
        if slot.shown is None or not slot.shown.flowing:
            slot.person = person
        return [self._route(publication), *self._tell(slot)]

    def flow(self, peer: str, at: int, video: Codec | None) -> list[Action]:
        publication = self._publications.get(peer)
        if publication is None:
            return []
        publication.flowing, publication.video = True, video
        slot = self._slots[publication.slot]
        if slot.next is publication or slot.shown is None:
            slot.shown, slot.next = publication, None
        if slot.shown is not publication:
            return []
        slot.person, slot.lost_at = publication.person, None
        return [*self._account(slot, at), *self._tell(slot)]

    def fall_silent(self, peer: str, last: int) -> list[Action]:
        publication = self._publications.get(peer)
        if publication is None or not publication.flowing:
            return []
        publication.flowing = False
        slot = self._slots[publication.slot]
        if slot.shown is not publication:
            return []
        slot.lost_at = last
        return [*self._account(slot, last), *self._tell(slot)]

    def close(self, peer: str, last: int, wanted: bool) -> list[Action]:
        publication = self._publications.pop(peer, None)
        if publication is None:
            return []
        publication.flowing = False
        slot = self._slots[publication.slot]
        if slot.next is publication:
            slot.next = None
        if slot.shown is publication:
            slot.shown = None
            slot.lost_at = None if wanted else slot.lost_at or last
        if slot.next is not None:
            slot.person = slot.next.person
        elif slot.shown is None and slot.lost_at is None:
            slot.person = None
        return [*self._account(slot, last), *self._tell(slot)]

    def lose_all(self, at: int) -> list[Action]:
        """The relay is gone, and every publication with it."""
        return [action for peer in self.publications for action in self.close(peer, at, wanted=False)]

    def end(self) -> list[Action]:
        """The lecture is over: publishers are told to stop; the relay's word that they did follows."""
        return [ClosePublication(peer) for peer in self._publications]

    def expel(self, members: frozenset[str]) -> list[Action]:
        """These members publish no more; the relay's word that they stopped follows."""
        return [ClosePublication(peer) for peer, each in self._publications.items() if each.person.member in members]

    def open_to(self, everyone: bool, now: int) -> list[Action]:
        """Whether everyone, or the stage alone, is sent what is published."""
        if everyone == self.everyone:
            return []
        self.everyone = everyone
        actions: list[Action] = [self._route(publication) for publication in self._publications.values()]
        for slot in self._slots.values():
            actions += [*self._account(slot, now), *self._tell(slot)]
        return actions

    def tick(self, now: int) -> list[Action]:
        actions: list[Action] = []
        for slot in self._slots.values():
            if slot.lost_at is not None and now - slot.lost_at > LOST_FOR:
                slot.lost_at = None
                if slot.shown is None and slot.next is None:
                    slot.person = None
                actions += self._tell(slot)
        return actions

    # --- details ---

    def _route(self, publication: Publication) -> Action:
        audience = Audience.EVERYONE if self.everyone else Audience.STAGE
        return RoutePublication(publication.peer, publication.slot, audience)

    def _tell(self, slot: Slot) -> list[Action]:
        view = slot.view(self.everyone)
        if view == (slot.told or SlotView(slot.name, SlotState.EMPTY)):
            return []
        slot.told = view
        return [Broadcast(SlotChanged(0, view.slot, view.state, view.name, view.branch, view.member, view.video))]

    def _account(self, slot: Slot, at: int) -> list[Action]:
        """Facts about what reaches the audience, where they changed."""
        shown = slot.shown
        before, slot.flowing = slot.flowing, None
        if self.everyone and shown is not None and shown.flowing:
            slot.flowing = shown.person.member
        if any(each.flowing for each in self._slots.values()):
            self.silent_since = None
        elif self.silent_since is None:
            self.silent_since = at
        if slot.flowing == before:
            return []
        actions: list[Action] = []
        if before is not None and slot.name in STAGE_SLOTS:
            actions.append(Record(StageLeft(before, slot.name, at), at))
        if slot.flowing is None:
            actions.append(Record(SlotSilent(slot.name, at), at))
        else:
            actions.append(Record(SlotFlowing(slot.name, slot.flowing), at))
            if slot.name in STAGE_SLOTS:
                actions.append(Record(StageEntered(slot.flowing, slot.name), at))
        return actions
