"""Who is seen where: the stage's wish and the relay's word, merged into one state per slot.

A publication is *opened* by its publisher, then *flows* or falls silent, then *closes*. A slot shows one publication;
one that comes later for the same slot waits until it flows and then takes over (the relay switches at its key frame),
so that a lecturer who returns is never told "busy" and nobody sees a hole.

A host may speak *aside*: what they publish to `host` then goes to the stage alone, and the audience is sent nothing.

The slot `guest` is the stage's: several people may publish to it at once, and the cast says who of them everybody sees,
who is shown backstage, and that nobody sees the others. Who goes off is taken off before another is put on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import msgspec

from attendance.facts import SlotFlowing, SlotSilent, StageEntered, StageLeft
from classroom.people.role import BACKSTAGE, may_publish
from classroom.room.actions import Action, Broadcast, ClosePublication, Record, RoutePublication
from classroom.room.inputs import Person
from classroom.room.messages import SlotChanged, SlotState, SlotView
from signaling.control import Audience
from signaling.session.offer import Codec

GUEST = "guest"
SCREEN = "screen"
HOST = "host"
SLOTS = ("lecturer", SCREEN, HOST, GUEST)
STAGE_SLOTS = frozenset({HOST, GUEST})
LOST_FOR = 60 * 1_000_000
"""A slot whose publisher was lost stays `lost` this long, then it is `empty`. (On `guest` the stage says how long.)"""

FLOWS = frozenset({SlotState.LIVE, SlotState.STAGE})
NOWHERE: tuple[None, Audience] = (None, Audience.NOBODY)


class Actor(msgspec.Struct, frozen=True):
    member: str
    name: str
    branch: str


class Cast(msgspec.Struct, frozen=True):
    """The stage's wish. `on`: who is on, `lost` while their media is awaited; `backstage`: the member who is shown
    there; `called`: all who may publish to `guest` because they were called."""

    on: Actor | None = None
    lost: bool = False
    backstage: str | None = None
    called: frozenset[str] = frozenset()


class Seen(msgspec.Struct, frozen=True):
    """What the stage is told of the slots. `flowing`: those whose media flows to `guest`, wherever it is sent, by
    member; `lost`: when that of who is on was lost (µs); `screen`: one is shown, or was within the last minute."""

    flowing: Mapping[str, Person]
    lost: int | None
    screen: bool


@dataclass(slots=True)
class Publication:
    peer: str
    slot: str
    person: Person
    flowing: bool = False
    video: Codec | None = None
    since: int = 0
    route: tuple[str | None, Audience] | None = None  # a guest's, as the relay was asked last
    closing: bool = False


@dataclass(slots=True)
class Slot:
    """`shown` is what viewers see or saw last; `next` waits for its first packet."""

    name: str
    shown: Publication | None = None
    next: Publication | None = None
    person: Person | Actor | None = None
    lost_at: int | None = None
    told: SlotView | None = None
    routed: Publication | None = None  # the one that the relay was asked last to put here
    flowing: str | None = None  # the member whose media reaches the audience, as the ledger knows it

    def view(self, everyone: bool) -> SlotView:
        state = self._state(everyone)
        if state is SlotState.EMPTY or self.person is None:
            return SlotView(self.name, SlotState.EMPTY)
        video = self.shown.video if state in FLOWS and self.shown is not None else None
        person = self.person
        return SlotView(self.name, state, person.name, person.branch, person.member, video)

    def _state(self, everyone: bool) -> SlotState:
        if self.shown is not None and self.shown.flowing:
            return SlotState.LIVE if everyone else SlotState.STAGE
        if self.lost_at is not None:
            return SlotState.LOST if everyone else SlotState.EMPTY
        if self.shown is not None or self.next is not None:
            return SlotState.EXPECTED
        return SlotState.EMPTY


@dataclass(slots=True)
class Place(Slot):
    """The slot `guest`: its state is the cast's."""

    cast: Cast = field(default_factory=Cast)
    since: int = 0
    """When who is on came on, µs."""

    def _state(self, everyone: bool) -> SlotState:
        if self.cast.on is None:
            return SlotState.EMPTY
        if self.shown is not None and self.shown.flowing:
            return SlotState.LIVE if everyone else SlotState.STAGE
        if not everyone:
            return SlotState.EMPTY
        return SlotState.LOST if self.cast.lost else SlotState.EXPECTED


@dataclass(slots=True)
class Slots:
    everyone: bool = False
    doubted: bool = False
    """What pages were told of the slots came from another node, whose media is not here: everything is told anew."""
    silent_since: int | None = 0
    """Since when nothing flows to the audience; None while something does."""
    _aside: set[str] = field(default_factory=set)  # members who speak to the stage alone
    _slots: dict[str, Slot] = field(default_factory=lambda: {name: Slot(name) for name in SLOTS if name != GUEST})
    _place: Place = field(default_factory=lambda: Place(GUEST))
    _publications: dict[str, Publication] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._slots[GUEST] = self._place

    # --- what others ask ---

    def views(self) -> tuple[SlotView, ...]:
        return tuple(slot.view(self._reaches_all(slot)) for slot in self._slots.values())

    @property
    def picture(self) -> bool:
        """A picture flows on `lecturer`."""
        shown = self._slots["lecturer"].shown
        return shown is not None and shown.flowing and shown.video is not None

    @property
    def seen(self) -> Seen:
        flowing = {each.person.member: each.person for each in self._publications.values() if _plays(each)}
        screen = self._slots[SCREEN]
        shown = screen.lost_at is not None or (screen.shown is not None and screen.shown.flowing)
        return Seen(flowing, self._place.lost_at, shown)

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
        if name == GUEST:
            return []
        slot = self._slots[name]
        slot.next = publication
        if slot.shown is None or not slot.shown.flowing:
            slot.person = person
        return [*self._put(slot, publication), *self._tell(slot)]

    def flow(self, peer: str, at: int, video: Codec | None) -> list[Action]:
        publication = self._publications.get(peer)
        if publication is None:
            return []
        if not publication.flowing:
            publication.since = at
        publication.flowing, publication.video = True, video
        if publication.slot == GUEST:
            return []
        slot = self._slots[publication.slot]
        if slot.next is publication:
            slot.shown, slot.next = publication, None
        elif slot.shown is None:
            slot.shown = publication
        if slot.shown is not publication:
            return []
        slot.person, slot.lost_at = publication.person, None
        routes = [] if slot.routed is publication else self._put(slot, publication)
        return [*routes, *self._account(slot, at), *self._tell(slot)]

    def fall_silent(self, peer: str, last: int) -> list[Action]:
        publication = self._publications.get(peer)
        if publication is None or not publication.flowing:
            return []
        publication.flowing = False
        slot = self._slots[publication.slot]
        if slot.shown is not publication:
            return []
        slot.lost_at = last
        return [] if slot is self._place else [*self._account(slot, last), *self._tell(slot)]

    def close(self, peer: str, last: int, wanted: bool) -> list[Action]:
        publication = self._publications.pop(peer, None)
        if publication is None:
            return []
        slot = self._slots[publication.slot]
        if slot is self._place:
            if slot.shown is publication:
                slot.lost_at = last if publication.flowing else slot.lost_at or last
            publication.flowing = False
            return []
        publication.flowing = False
        if slot.next is publication:
            slot.next = None
        if slot.shown is publication:
            slot.shown = None
            slot.lost_at = None if wanted else slot.lost_at or last
            other = self._other(slot)
            if other is not None:
                return self.flow(other.peer, last, other.video)
        if slot.next is not None:
            slot.person = slot.next.person
        elif slot.shown is None and slot.lost_at is None:
            slot.person = None
        return [*self._account(slot, last), *self._tell(slot)]

    def follow(self, cast: Cast, now: int) -> list[Action]:
        """What the stage wishes, and what of it the relay's word allows: ask after every input."""
        place = self._place
        before, place.cast = place.cast.on, cast
        if (before and before.member) != (cast.on and cast.on.member):
            place.since, place.lost_at = now, None
        place.person = cast.on
        place.shown = self._of(cast.on)
        flows = place.shown is not None and place.shown.flowing
        if place.shown is not None and flows:
            place.lost_at = None
        at = max(place.since, place.shown.since) if place.shown is not None and flows else place.lost_at or now
        changes = [publication for publication in self._publications.values() if publication.slot == GUEST]
        changes.sort(key=lambda each: self._wish(each)[1] is not Audience.NOBODY)
        actions = [action for publication in changes for action in self._direct(publication)]
        return [*actions, *self._account(place, at), *self._tell(place)]

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
        self._place.since = now
        actions: list[Action] = []
        for publication in self._publications.values():
            if publication.slot != GUEST:
                actions += self._put(self._slots[publication.slot], publication)
        for slot in self._slots.values():
            if slot is not self._place:
                actions += [*self._account(slot, now), *self._tell(slot)]
        return [*actions, *self.follow(self._place.cast, now)]

    def talk_aside(self, member: str, on: bool, now: int) -> list[Action]:
        """Whether what this member publishes to `host` goes to the stage alone, also what they are yet to publish."""
        if on is (member in self._aside):
            return []
        self._aside ^= {member}
        slot = self._slots[HOST]
        own = [each for each in self._publications.values() if each.slot == HOST and each.person.member == member]
        routes = [action for each in own if slot.routed is each for action in self._put(slot, each)]
        return [*routes, *self._account(slot, now), *self._tell(slot)]

    def tick(self, now: int) -> list[Action]:
        actions: list[Action] = []
        if self.doubted:
            self.doubted = False
            for slot in self._slots.values():
                slot.told = slot.view(self._reaches_all(slot))
                actions.append(Broadcast(_changed(slot.told)))
        for slot in self._slots.values():
            if slot is not self._place and slot.lost_at is not None and now - slot.lost_at > LOST_FOR:
                slot.lost_at = None
                if slot.shown is None and slot.next is None:
                    slot.person = None
                actions += self._tell(slot)
        return actions

    # --- details ---

    def _put(self, slot: Slot, publication: Publication) -> list[Action]:
        slot.routed = publication
        audience = Audience.STAGE if self._is_aside(publication) else self._audience
        return [RoutePublication(publication.peer, slot.name, audience)]

    def _is_aside(self, publication: Publication | None) -> bool:
        return publication is not None and publication.slot == HOST and publication.person.member in self._aside

    def _reaches_all(self, slot: Slot) -> bool:
        """What it shows is sent to the audience."""
        return self.everyone and not self._is_aside(slot.shown or slot.next)

    @property
    def _audience(self) -> Audience:
        return Audience.EVERYONE if self.everyone else Audience.STAGE

    def _wish(self, publication: Publication) -> tuple[str | None, Audience]:
        """Where a guest's publication belongs."""
        cast, member = self._place.cast, publication.person.member
        if publication.closing:
            return NOWHERE
        if cast.on is not None and cast.on.member == member:
            return GUEST, self._audience
        return (BACKSTAGE, Audience.STAGE) if cast.backstage == member else NOWHERE

    def _direct(self, publication: Publication) -> list[Action]:
        """Where it goes, if that changed; whoever may publish only when called is told to stop when they are not."""
        actions: list[Action] = []
        called = publication.person.member in self._place.cast.called
        if not called and not publication.closing and not may_publish(publication.person.role, GUEST):
            publication.closing = True
            actions.append(ClosePublication(publication.peer))
        wish = self._wish(publication)
        if publication.route != wish:
            publication.route = wish
            actions.append(RoutePublication(publication.peer, *wish))
        return actions

    def _of(self, on: Actor | None) -> Publication | None:
        """The publication of who is on: the latest that flows, else the latest."""
        if on is None:
            return None
        guests = [each for each in self._publications.values() if each.slot == GUEST and not each.closing]
        own = [each for each in guests if each.person.member == on.member]
        return next((each for each in reversed(own) if each.flowing), own[-1] if own else None)

    def _other(self, slot: Slot) -> Publication | None:
        """Another one that flows for the same slot, when what it showed is gone: the latest."""
        others = [each for each in self._publications.values() if each.slot == slot.name and each.flowing]
        return others[-1] if others else None

    def _tell(self, slot: Slot) -> list[Action]:
        view = slot.view(self._reaches_all(slot))
        if view == (slot.told or SlotView(slot.name, SlotState.EMPTY)):
            return []
        slot.told = view
        return [Broadcast(_changed(view))]

    def _account(self, slot: Slot, at: int) -> list[Action]:
        """Facts about what reaches the audience, where they changed."""
        shown = slot.shown
        before, slot.flowing = slot.flowing, None
        if shown is not None and shown.flowing and self._reaches_all(slot):
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


def _changed(view: SlotView) -> SlotChanged:
    return SlotChanged(0, view.slot, view.state, view.name, view.branch, view.member, view.video)


def _plays(publication: Publication) -> bool:
    return publication.slot == GUEST and publication.flowing and not publication.closing
