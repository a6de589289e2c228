"""A room with a stage, and around it what obeys it: pages that are told, a relay that routes, a journal, a ledger."""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec

from attendance.facts import Body, LectureState
from classroom.room.actions import (
    Action,
    Broadcast,
    ClosePublication,
    Complain,
    Keep,
    Record,
    RoutePublication,
    Tell,
)
from classroom.room.counting import Standing
from classroom.room.inputs import (
    Input,
    Joined,
    Left,
    OrderReplaced,
    Person,
    PublicationClosed,
    PublicationFellSilent,
    PublicationFlowed,
    PublicationOpened,
    Received,
    RelayLost,
    RelayReturned,
    Ticked,
)
from classroom.room.journal import Journaled, OrderEntry
from classroom.room.lecture import Life
from classroom.room.messages import Page, SlotView
from classroom.room.messages_stage import AnswerCall, Call, Next, Part, PartChanged, PutOn, RunningOrder, StageMessage
from classroom.room.room import About, Room
from signaling.control import Audience
from signaling.session.offer import Codec
from tests.unit.classroom.roll import NoHistory

SECOND = 1_000_000
NOW = 1_800_000_000 * SECOND
ABOUT = About("l1", "讲座", None, None, "/whip/l1", "/whep/l1")
DEAN = Person("dean", "李教授", "", "lecturer")
HOST = Person("host", "赵主任", "组织部", "host")
WANG = Person("wang", "王芳", "镇巴县", "guest")
LIU = Person("liu", "刘洋", "西乡县", "guest")
CHEN = Person("chen", "陈静", "城固县 / 莲花街道", "guest")
ZHANG = Person("zhang", "张伟", "镇巴县 / 泾洋街道", "member")
LI = Person("li", "李娜", "洋县", "member")
PEOPLE = {person.member: person for person in (DEAN, HOST, WANG, LIU, CHEN, ZHANG, LI)}
Kind = TypeVar("Kind")


def entry(person: Person, title: str = "", minutes: int = 5) -> OrderEntry:
    return OrderEntry(f"e-{person.member}", person.member, person.name, person.branch, title, minutes)


class Silence(NoHistory):
    """Nobody receives anything."""

    def standing(self, member: str, now: int) -> Standing:
        return Standing(False, 0)

    def receiving(self) -> frozenset[str]:
        return frozenset()

    def excused(self) -> frozenset[str]:
        return frozenset()


class Theatre:
    """`routes`: where each open publication is sent; `pages`: the last message of each type that a socket was told."""

    def __init__(self, state: LectureState = LectureState.LIVE, starts: int | None = None) -> None:
        self.now = NOW
        self.about = msgspec.structs.replace(ABOUT, starts=starts)
        self.journal: list[Journaled] = []
        self.facts: list[Body] = []
        self.numbers: list[int] = []
        self.broadcasts: list[Any] = []
        self.boots = 0
        self.routes: dict[str, tuple[str | None, Audience]] = {}
        self.owners: dict[str, tuple[str, str]] = {}
        self.flowing: set[str] = set()
        self.closing: list[str] = []
        self.pages: dict[str, dict[type, Any]] = {}
        self.peers = 0
        self.room = self._build(state)

    def _build(self, state: LectureState) -> Room:
        return Room(self.about, Life(self.about.starts, state, NOW), Silence(), self.now, self.boots)

    # --- inputs ---

    def feed(self, message: Input, after: float = 0) -> list[Action]:
        self.now += round(after * SECOND)
        actions = self.room.receive(message, self.now)
        for action in actions:
            self._perform(action)
        return actions

    def tick(self, after: float = 0.1) -> list[Action]:
        return self.feed(Ticked(), after)

    def come(self, *people: Person) -> None:
        for person in people:
            page = Page.ROOM if person.role == "member" else Page.STUDIO
            self.pages[f"c-{person.member}"] = {}
            self.feed(Joined(f"c-{person.member}", person, page, ""))

    def go(self, *people: Person) -> None:
        for person in people:
            self.pages.pop(f"c-{person.member}", None)
            self.feed(Left(f"c-{person.member}", self.now, "gone"))
            self.tick(0)

    def say(self, person: Person, message: StageMessage, after: float = 1) -> list[Action]:
        return self.feed(Received(f"c-{person.member}", message), after)

    def next(self, by: Person = HOST, after: float = 1) -> list[Action]:
        """One tap, as their page was told last what it would do."""
        told = self.told(by, RunningOrder)
        assert told is not None
        return self.say(by, Next(told.next.off, told.next.on), after)

    def refusals(self, actions: list[Action]) -> list[str]:
        return [each.reason for each in only(actions, Complain)]

    def order(self, *entries: OrderEntry) -> None:
        self.feed(OrderReplaced(entries, "staff"))

    def publish(self, person: Person, slot: str = "guest", flows: bool = True) -> str:
        self.peers += 1
        peer = f"p{self.peers}"
        self.owners[peer] = (person.member, slot)
        self.feed(PublicationOpened(peer, slot, person))
        if flows:
            self.flow(peer)
        return peer

    def flow(self, peer: str) -> None:
        self.flowing.add(peer)
        self.feed(PublicationFlowed(peer, self.now, Codec.VP8))

    def silence(self, peer: str) -> None:
        """Its network dies."""
        self.flowing.discard(peer)
        self.feed(PublicationFellSilent(peer, self.now - SECOND))

    def close(self, peer: str, wanted: bool = True) -> None:
        self._gone(peer)
        self.feed(PublicationClosed(peer, self.now, wanted))

    def restart_relay(self) -> None:
        for peer in tuple(self.owners):
            self._gone(peer)
        self.feed(RelayLost(self.now))
        self.feed(RelayReturned())

    def restart_web(self, after: float = 1) -> None:
        """The room is built anew from its journal; the relay goes on, and tells what it has a moment later."""
        self.now += round(after * SECOND)
        state = self.room.life.state
        self.boots += 1
        self.pages.clear()
        self.room = self._build(state)
        for journaled in self.journal:
            self.room.restore(journaled)

    def retell(self) -> None:
        """What the relay tells a web process that takes over."""
        for peer, (member, slot) in tuple(self.owners.items()):
            self.feed(PublicationOpened(peer, slot, PEOPLE[member]))
            if peer in self.flowing:
                self.feed(PublicationFlowed(peer, self.now, Codec.VP8))

    # --- what is seen ---

    def part(self, person: Person) -> Part:
        told = self.told(person, PartChanged)
        return Part.OFF if told is None else told.part

    def told(self, person: Person, kind: type[Kind]) -> Kind | None:
        found: Kind | None = self.pages.get(f"c-{person.member}", {}).get(kind)
        return found

    def place(self) -> SlotView:
        return self.room.slots.views()[-1]

    def heard(self) -> dict[str, str]:
        """Who is sent where on the stage's slots, of those whose media flows."""
        return {
            slot: self.owners[peer][0]
            for peer, (slot, audience) in self.routes.items()
            if peer in self.flowing and self.owners[peer][1] == "guest" and slot is not None
            if audience is not Audience.NOBODY
        }

    def appear(self, person: Person, by: Person = HOST) -> str:
        """From their seat onto the stage."""
        self.say(by, Call(person.member))
        self.say(person, AnswerCall(accept=True))
        peer = self.publish(person)
        self.say(by, PutOn(person.member))
        return peer

    # --- what obeys ---

    def _gone(self, peer: str) -> None:
        self.flowing.discard(peer)
        self.owners.pop(peer, None)
        self.routes.pop(peer, None)
        if peer in self.closing:
            self.closing.remove(peer)

    def _perform(self, action: Action) -> None:
        if isinstance(action, Broadcast):
            self.numbers.append(action.message.seq)
            self.broadcasts.append(action.message)
        elif isinstance(action, Tell):
            self.pages.setdefault(action.connection, {})[type(action.message)] = action.message
        elif isinstance(action, Record):
            self.facts.append(action.body)
        elif isinstance(action, Keep):
            self.journal.append(Journaled(action.number, action.at, action.by, action.entry))
        elif isinstance(action, RoutePublication):
            if action.publication in self.owners:
                self.routes[action.publication] = (action.slot, action.audience)
        elif isinstance(action, ClosePublication) and action.publication not in self.closing:
            self.closing.append(action.publication)


def only(actions: list[Action], kind: type[Kind]) -> list[Kind]:
    return [each for each in actions if isinstance(each, kind)]
