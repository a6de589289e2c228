"""A whole room under whatever order of events: people who come and go, raise hands, are called, publish and lose their
network, hosts who tap everything, restarts of the relay and of the service."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from attendance.facts import AppearanceEnded, LectureMoved, LectureState, StageEntered, StageLeft
from classroom.errors import UserError
from classroom.room.inputs import LinksReplaced, Ordered, Person
from classroom.room.journal import HandSet, PartSet
from classroom.room.lecture import OVER
from classroom.room.lecture import TRANSITIONS as LIFE
from classroom.room.messages_stage import (
    AnswerCall,
    Call,
    Extend,
    LeaveStage,
    LowerHand,
    Next,
    Part,
    PartChanged,
    PutOn,
    RaiseHand,
    RunningOrder,
    SetLayout,
    StageChanged,
    StageMessage,
    TakeOff,
)
from classroom.room.messages_stage import Layout as Layouts
from classroom.room.part import TRANSITIONS
from signaling.control import Audience
from tests.unit.classroom.theatre import CHEN, DEAN, HOST, LI, LIU, NOW, SECOND, WANG, ZHANG, Theatre, entry

SEATED = (WANG, LIU, CHEN, ZHANG, LI)
STAYS = 15 * SECOND + 60 * SECOND + 120 * SECOND
"""µs within which whoever is gone has no part any more: what is awaited after a restart, then lost or checking."""

ON_THE_STAGE = (Part.ON, Part.LOST, Part.BACKSTAGE)

anybody = st.sampled_from(SEATED)
some = st.integers(0, len(SEATED) - 1)
"""One of those whom it concerns, where it concerns anybody; else just anybody."""
director = st.sampled_from((HOST, DEAN))


class Evening(RuleBasedStateMachine):
    """`away`: since when neither page nor media of a person is there."""

    @initialize(rehearsal=st.booleans(), planned=st.lists(anybody, unique=True, max_size=4))
    def open(self, rehearsal: bool, planned: list[Person]) -> None:
        state = LectureState.LOBBY if rehearsal else LectureState.LIVE
        self.theatre = Theatre(state, starts=NOW + 120 * SECOND if rehearsal else None)
        self.away: dict[str, int] = {person.member: NOW for person in SEATED}
        self.parts: dict[str, Part] = {}
        self.up: set[str] = set()
        self.state = state
        self.facts = 0
        self.read = 0
        self.last_number = 0
        self.theatre.come(HOST, DEAN)
        self.theatre.publish(DEAN, "lecturer")
        self.theatre.order(*(entry(person) for person in planned))

    # --- people ---

    @rule(person=anybody)
    def comes(self, person: Person) -> None:
        if f"c-{person.member}" not in self.theatre.pages:
            self.theatre.come(person)

    @rule(person=anybody)
    def goes(self, person: Person) -> None:
        self.theatre.go(person)

    @rule(person=st.sampled_from((ZHANG, LI)), up=st.booleans())
    def hand(self, person: Person, up: bool) -> None:
        self.comes(person)
        self._says(person, RaiseHand(up))

    @rule(number=some, accept=st.booleans())
    def answers(self, number: int, accept: bool) -> None:
        self._says(self._one(number, Part.CALLED), AnswerCall(accept))

    @rule(number=some)
    def leaves(self, number: int) -> None:
        self._says(self._one(number, *ON_THE_STAGE), LeaveStage())

    @rule(number=some, flows=st.booleans())
    def publishes(self, number: int, flows: bool) -> None:
        theatre, person = self.theatre, self._one(number, Part.CALLED, Part.CHECKING, Part.LOST)
        if person.role == "guest" or theatre.room.admits(person.member, "guest"):
            older = self._own(person)
            theatre.publish(person, flows=flows)
            for peer in older if flows else ():
                theatre.close(peer)  # replaced, as the relay does

    @rule(person=anybody)
    def media_flows(self, person: Person) -> None:
        for peer in self._own(person)[-1:]:
            self.theatre.flow(peer)

    @rule(person=anybody, by=director)
    def gets_ready(self, person: Person, by: Person) -> None:
        self.comes(person)
        self._says(by, Call(person.member))
        self.publishes(SEATED.index(person), flows=True)

    @rule(number=some)
    def network_dies(self, number: int) -> None:
        person = self._one(number, Part.ON, Part.BACKSTAGE)
        for peer in self._own(person):
            self.theatre.silence(peer)

    @rule(person=anybody, wanted=st.booleans())
    def publication_ends(self, person: Person, wanted: bool) -> None:
        for peer in self._own(person):
            self.theatre.close(peer, wanted)

    @rule(person=anybody)
    def link_is_renewed(self, person: Person) -> None:
        self.theatre.feed(LinksReplaced(frozenset({person.member})))
        for peer in self._own(person):
            self.theatre.close(peer)
        self.theatre.go(person)

    # --- those who run the stage ---

    @rule(by=director, person=anybody, minutes=st.none() | st.integers(1, 3))
    def calls(self, by: Person, person: Person, minutes: int | None) -> None:
        self._says(by, Call(person.member, minutes))

    @rule(by=director, number=some)
    def puts_on(self, by: Person, number: int) -> None:
        self._says(by, PutOn(self._one(number, Part.BACKSTAGE).member))

    @rule(by=director, number=some)
    def takes_off(self, by: Person, number: int) -> None:
        self._says(by, TakeOff(self._one(number, *ON_THE_STAGE).member))

    @rule(by=director)
    def next(self, by: Person) -> None:
        told = self.theatre.told(by, RunningOrder)
        if told is not None:
            self._says(by, Next(told.next.off, told.next.on))

    @rule(by=director, other=director)
    def next_is_tapped_twice(self, by: Person, other: Person) -> None:
        """By one hand, or by the host and the console together: the second tap takes nobody off."""
        told = self.theatre.told(by, RunningOrder)
        if told is None or f"c-{other.member}" not in self.theatre.pages:
            return
        tap = Next(told.next.off, told.next.on)
        self._says(by, tap)
        seen = self.theatre.room.stage.view.on
        refused = self.theatre.refusals(self.theatre.say(other, tap, after=0))
        assert len(refused) == 1
        assert self.theatre.room.stage.view.on == seen

    @rule(by=director, person=anybody)
    def lowers(self, by: Person, person: Person) -> None:
        self._says(by, LowerHand(person.member))

    @rule(layout=st.sampled_from(tuple(Layouts)))
    def arranges(self, layout: Layouts) -> None:
        self._says(HOST, SetLayout(layout))

    @rule(minutes=st.integers(1, 3))
    def extends(self, minutes: int) -> None:
        self._says(HOST, Extend(minutes))

    @rule(planned=st.lists(anybody, unique=True, max_size=5))
    def edits(self, planned: list[Person]) -> None:
        self.theatre.order(*(entry(person) for person in planned))

    # --- machines and time ---

    @rule(how=st.sampled_from(("silent", "flows", "closed", "opened")))
    def the_lecturers_network(self, how: str) -> None:
        for peer in [peer for peer, owner in self.theatre.owners.items() if owner == ("dean", "lecturer")][-1:]:
            if how == "silent":
                self.theatre.silence(peer)
            elif how == "flows":
                self.theatre.flow(peer)
            elif how == "closed":
                self.theatre.close(peer, wanted=False)
        if how == "opened":
            self.theatre.publish(DEAN, "lecturer")

    @rule(sure=st.integers(0, 5))
    def lecture_starts(self, sure: int) -> None:
        if sure == 0:
            with suppress(UserError):  # it is over
                self.theatre.feed(Ordered("start", "staff"))

    @rule(seconds=st.sampled_from((0.1, 1, 6, 20, 61, 121)))
    def time_passes(self, seconds: float) -> None:
        self.theatre.tick(seconds)

    @rule()
    def relay_restarts(self) -> None:
        self.theatre.restart_relay()
        self.theatre.publish(DEAN, "lecturer")

    @rule(returns=st.lists(anybody, unique=True))
    def service_restarts(self, returns: list[Person]) -> None:
        self.theatre.restart_web()
        self.theatre.retell()
        self.theatre.come(HOST, DEAN, *returns)

    @rule(sure=st.integers(0, 20))
    def lecture_ends(self, sure: int) -> None:
        if sure == 0:
            self.theatre.feed(Ordered("end", "staff"))

    # --- what always holds ---

    @invariant()
    def everything_holds(self) -> None:
        self.one_at_most_is_on_and_each_step_is_the_tables()
        self.only_who_is_on_is_sent_to_everyone()
        self.nobody_backstage_is_heard_by_the_audience()
        self.everybody_was_told_where_they_stand()
        self.whoever_is_on_is_told_to_everybody()
        self.hands_are_up_once()
        self.the_lecture_moves_by_its_table()
        self.who_is_gone_has_no_part_in_the_end()
        self.numbers_have_no_gap()
        self.the_ledger_is_told_in_pairs()

    def only_who_is_on_is_sent_to_everyone(self) -> None:
        theatre = self.theatre
        on = theatre.room.stage.cast.on
        for peer, (slot, audience) in theatre.routes.items():
            member, published = theatre.owners[peer]
            if published == "guest" and audience is Audience.EVERYONE:
                assert on is not None
                assert (slot, member) == ("guest", on.member)
                assert not theatre.room.life.rehearsing(theatre.now)

    def nobody_backstage_is_heard_by_the_audience(self) -> None:
        shown = {
            self.theatre.owners[peer][0]
            for peer, (slot, audience) in self.theatre.routes.items()
            if slot == "backstage" and audience is not Audience.NOBODY
        }
        assert len(shown) <= 1
        for peer, (slot, audience) in self.theatre.routes.items():
            assert slot != "backstage" or audience is Audience.STAGE
            assert slot != "guest" or self.theatre.owners[peer][0] not in shown

    def one_at_most_is_on_and_each_step_is_the_tables(self) -> None:
        for journaled in self.theatre.journal[self.read :]:
            kept = journaled.entry
            if isinstance(kept, PartSet):
                before = self.parts.get(kept.member, Part.OFF)
                steps = {to for (part, _), to in TRANSITIONS.items() if part is before}
                assert kept.part in steps or (kept.part is before and before in (Part.ON, Part.LOST))  # extended
                self.parts[kept.member] = kept.part
            elif isinstance(kept, HandSet):
                assert (kept.member in self.up) is not kept.up
                self.up ^= {kept.member}
        self.read = len(self.theatre.journal)
        assert sum(part in (Part.ON, Part.LOST) for part in self.parts.values()) <= 1

    def everybody_was_told_where_they_stand(self) -> None:
        for person in SEATED:
            told = self.theatre.told(person, PartChanged)
            if told is not None:
                assert told.part is self.parts.get(person.member, Part.OFF)
                assert self.theatre.room.admits(person.member, "guest") is (told.part is not Part.OFF)

    def whoever_is_on_is_told_to_everybody(self) -> None:
        on = next((name for name, part in self.parts.items() if part in (Part.ON, Part.LOST)), None)
        shown = self.theatre.room.stage.view.on
        assert (shown is None) is (on is None)
        if shown is not None and on is not None:
            assert shown.lost is (self.parts[on] is Part.LOST)
            said = [each for each in self.theatre.broadcasts if isinstance(each, StageChanged)]
            assert said[-1].on == shown

    def hands_are_up_once(self) -> None:
        hands = self._hands()
        assert set(hands) == self.up
        assert len(hands) == len(set(hands))
        assert not set(hands) & {member for member, part in self.parts.items() if part is not Part.OFF}

    def the_lecture_moves_by_its_table(self) -> None:
        for fact in self.theatre.facts[self.facts :]:
            if isinstance(fact, LectureMoved):
                assert fact.state in {to for (state, _), to in LIFE.items() if state is self.state}
                self.state = fact.state
        self.facts = len(self.theatre.facts)
        assert self.theatre.room.life.state is self.state
        if self.state in OVER:
            assert not self._hands()
            assert not self.theatre.heard()

    def who_is_gone_has_no_part_in_the_end(self) -> None:
        for person in SEATED:
            member = person.member
            there = f"c-{member}" in self.theatre.pages or any(
                self.theatre.owners[peer][0] == member for peer in self.theatre.flowing
            )
            since = self.away.setdefault(member, self.theatre.now)
            if there:
                del self.away[member]
            elif self.theatre.now - since > 3 * STAYS:
                self.theatre.tick(0)
                assert not self.theatre.room.admits(member, "guest")
                assert member not in self._hands()

    def numbers_have_no_gap(self) -> None:
        for number in self.theatre.numbers:
            assert number == self.last_number + 1 or number == self.theatre.boots * 1_000_000 + 1
            self.last_number = number
        self.theatre.numbers.clear()

    def the_ledger_is_told_in_pairs(self) -> None:
        entered: dict[str, bool] = {}
        for fact in self.theatre.facts:
            if isinstance(fact, AppearanceEnded):
                assert NOW <= fact.since <= fact.last <= self.theatre.now
            elif self.theatre.boots == 0 and isinstance(fact, StageEntered | StageLeft):
                assert entered.get(fact.member, False) is isinstance(fact, StageLeft)
                entered[fact.member] = isinstance(fact, StageEntered)

    # --- details ---

    def _says(self, person: Person, message: StageMessage) -> None:
        if f"c-{person.member}" in self.theatre.pages:
            self.theatre.say(person, message, after=0.5)

    def _one(self, number: int, *parts: Part) -> Person:
        concerned = [person for person in SEATED if self.parts.get(person.member) in parts]
        return concerned[number % len(concerned)] if concerned else SEATED[number]

    def _own(self, person: Person) -> list[str]:
        return [peer for peer, owner in self.theatre.owners.items() if owner == (person.member, "guest")]

    def _hands(self) -> list[str]:
        told: Any = self.theatre.room.stage.greet(HOST, self.theatre.now)[0]
        return [hand.member for hand in told.hands]


Evening.TestCase.settings = settings(
    max_examples=120,
    stateful_step_count=40,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)
TestEvening = Evening.TestCase
