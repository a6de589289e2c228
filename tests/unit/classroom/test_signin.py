from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from attendance.facts import Rule, SignInAnswered, SignInAsked
from attendance.sign_in import EXTENDED_AT_MOST
from attendance.sign_in import SignIn as Known
from classroom.errors import UserError
from classroom.room.actions import Action, Record, TellMember, TellThose
from classroom.room.inputs import Person
from classroom.room.messages_stage import SignIn, SignInProgress
from classroom.room.signin import (
    APART,
    CALLS,
    SPARED,
    UNPLANNED,
    WINDOW,
    SignIns,
    moments,
)
from tests.unit.classroom.roll import NoHistory

S = 1_000_000
STARTS = 1_000_000 * S
ZHANG = Person("m", "张伟", "镇巴县", "member")
DEAN = Person("dean", "李教授", "", "lecturer")
ENDS = STARTS + 5_400 * S


class Ledger(NoHistory):
    def __init__(self) -> None:
        self.count = 3
        self.began: int | None = STARTS
        self.first: dict[str, int] = {}
        self.known: dict[str, list[Known]] = {}
        self.down = 0
        self.called = 0
        self.together: set[str] = set()

    def rule(self) -> Rule:
        return Rule(sign_ins=self.count, answered=0)

    def started(self) -> int | None:
        return self.began

    def came(self, member: str) -> int | None:
        return self.first.get(member)

    def sign_ins(self, member: str) -> list[Known]:
        return self.known.get(member, [])

    def away(self, member: str, since: int, now: int) -> int:
        return self.down

    def at_site(self, member: str) -> bool:
        return member in self.together

    def calls(self) -> int:
        return self.called


class Evening:
    """Sign-ins, and a clock that ticks once a second."""

    def __init__(self, ledger: Ledger | None = None) -> None:
        self.ledger = Ledger() if ledger is None else ledger
        self.part = SignIns(self.ledger, STARTS, ENDS)
        self.now = STARTS
        self.asking = True
        self.stage: set[str] = set()
        self.actions: list[Action] = []

    def until(self, now: int) -> Evening:
        while self.now < now:
            self.now = min(now, self.now + S)
            self.actions += self.part.tick(self.now, self.asking, self.stage.__contains__)
        return self

    def facts(self, kind: type[SignInAsked] | type[SignInAnswered], member: str = "m") -> list[tuple[int, str]]:
        found = [(one.happened or 0, one.body) for one in self.actions if isinstance(one, Record)]
        return [(at, body.id) for at, body in found if isinstance(body, kind) and body.member == member]

    def asked(self, member: str = "m") -> list[tuple[int, str]]:
        return self.facts(SignInAsked, member)

    def told(self, kind: type) -> list[object]:
        return [
            one.message for one in self.actions if isinstance(one, TellMember | TellThose) and type(one.message) is kind
        ]

    def first(self, member: str = "m") -> int:
        """Lets the member come, and waits until they are asked for the first time."""
        self.part.join(member, self.now)
        while not self.asked(member):
            self.until(self.now + S)
        return self.now


# --- moments --------------------------------------------------------------------------------------------------------


@given(st.binary(max_size=32), st.integers(0, 10**9), st.integers(0, 6 * 3600 * S), st.integers(0, 6))
def test_moments_lie_within_and_apart(seed: bytes, first: int, length: int, count: int) -> None:
    found = moments(seed, first, first + length, count)
    assert found == moments(seed, first, first + length, count)
    assert len(found) == min(count, length // APART)
    assert all(first <= one < first + length for one in found)
    assert all(after - before > APART // 5 for before, after in pairwise(found))


def test_a_time_that_is_over_before_it_begins_has_none() -> None:
    assert moments(b"", 10, 5, 3) == []


def test_everybody_has_moments_of_their_own() -> None:
    evening = Evening()
    for member in ("m", "n"):
        evening.part.join(member, evening.now)
    evening.until(ENDS)
    assert [name for _, name in evening.asked("m")] == [name for _, name in evening.asked("n")] == ["r1", "r2", "r3"]
    assert {at for at, _ in evening.asked("m")}.isdisjoint(at for at, _ in evening.asked("n"))


# --- when nobody is asked -------------------------------------------------------------------------------------------


def test_not_in_the_first_and_last_three_minutes() -> None:
    evening = Evening()
    for number in range(200):
        evening.part.join(f"m{number}", evening.now)
    evening.until(ENDS + 600 * S)
    times = [at for number in range(200) for at, _ in evening.asked(f"m{number}")]
    assert len(times) == 600
    assert min(times) >= STARTS + SPARED
    assert max(times) <= ENDS - SPARED + S


def test_a_lecture_that_begins_late_spares_its_own_first_minutes() -> None:
    ledger = Ledger()
    ledger.began = None
    evening = Evening(ledger)
    for number in range(50):
        evening.part.join(f"m{number}", evening.now)
    evening.until(STARTS + 1_200 * S)
    ledger.began = evening.now
    evening.until(ENDS)
    times = [at for number in range(50) for at, _ in evening.asked(f"m{number}")]
    assert len(times) == 150
    assert min(times) >= STARTS + 1_200 * S + SPARED


def test_a_lecture_without_a_planned_end_is_taken_to_last_ninety_minutes() -> None:
    evening = Evening()
    evening.part = SignIns(evening.ledger, None, None)
    evening.part.join("m", evening.now)
    evening.until(STARTS + UNPLANNED)
    assert len(evening.asked()) == 3


def test_the_rule_may_ask_for_none() -> None:
    ledger = Ledger()
    ledger.count = 0
    evening = Evening(ledger)
    evening.part.join("m", evening.now)
    assert evening.until(ENDS).asked() == []


def test_what_comes_while_nothing_is_shown_waits() -> None:
    planned = Evening().first()
    evening = Evening()
    evening.part.join("m", evening.now)
    evening.until(planned - 10 * S)
    evening.asking = False
    evening.until(planned + 60 * S)
    assert evening.asked() == []
    evening.asking = True
    evening.until(planned + 70 * S)
    assert evening.asked() == [(planned + 61 * S, "r1")]


def test_what_comes_on_stage_waits() -> None:
    planned = Evening().first()
    evening = Evening()
    evening.part.join("m", evening.now)
    evening.stage.add("m")
    evening.until(planned + 300 * S)
    assert evening.asked() == []
    evening.stage.clear()
    evening.until(planned + 360 * S)
    assert [name for _, name in evening.asked()] == ["r1"]


def test_who_watches_with_others_is_not_asked_and_not_called() -> None:
    evening = Evening()
    for member in ("m", "n"):
        evening.part.join(member, evening.now)
    evening.ledger.together.add("m")
    evening.until(STARTS + S)
    evening.actions += evening.part.call(evening.now)
    evening.until(ENDS)
    assert evening.asked("m") == []
    assert [name for _, name in evening.asked("n")][:2] == ["c1", "r1"]


def test_who_comes_late_is_not_asked_for_what_was_before() -> None:
    drawn = Evening()
    drawn.part.join("m", drawn.now)
    times = [at for at, _ in drawn.until(ENDS).asked()]
    evening = Evening().until(times[1] + S)
    evening.part.join("m", evening.now)
    assert [name for _, name in evening.until(ENDS).asked()] == ["r3"]


# --- answering ------------------------------------------------------------------------------------------------------


def test_an_answer_in_time_is_a_fact() -> None:
    evening = Evening()
    at = evening.first()
    (asked,) = evening.told(SignIn)
    assert isinstance(asked, SignIn)
    assert (asked.id, asked.answered) == ("r1", False)
    assert asked.until.timestamp() * S == at + WINDOW
    found = evening.part.sign("m", "r1", at + WINDOW)
    assert Record(SignInAnswered("m", "r1"), at + WINDOW) in found
    assert found[-1] == TellMember("m", SignIn("r1", asked.until, True))
    again = evening.part.sign("m", "r1", at + WINDOW + 60 * S)
    assert [type(one) for one in again] == [TellMember]  # said again, recorded once
    assert evening.part.greet(ZHANG, evening.now) == []


def test_too_late_or_never_asked_is_none() -> None:
    evening = Evening()
    at = evening.first()
    for name, now in (("r1", at + WINDOW + 1), ("r2", at), ("c1", at)):
        with pytest.raises(UserError, match="sign-in-over"):
            evening.part.sign("m", name, now)
    with pytest.raises(UserError, match="sign-in-over"):
        evening.part.sign("stranger", "r1", at)
    evening.until(at + WINDOW + 2 * S)
    assert evening.part.greet(ZHANG, evening.now) == []


def test_an_answer_in_time_that_was_held_up_at_another_node_is_a_fact() -> None:
    evening = Evening()
    at = evening.first()
    evening.until(at + WINDOW + 60 * S)
    assert evening.part.greet(ZHANG, evening.now) == []
    assert Record(SignInAnswered("m", "r1"), at + 40 * S) in evening.part.sign("m", "r1", at + 40 * S)


def test_the_window_stands_still_while_the_connection_is_down() -> None:
    evening = Evening()
    at = evening.first()
    evening.part.leave("m", at + 10 * S)
    evening.until(at + 300 * S)
    evening.part.join("m", evening.now)
    (told,) = evening.part.greet(ZHANG, evening.now)
    assert isinstance(told, SignIn)
    assert told.until.timestamp() * S == at + WINDOW + 290 * S
    evening.until(at + WINDOW + 290 * S)
    assert evening.part.sign("m", "r1", evening.now)


def test_a_second_device_keeps_the_connection() -> None:
    evening = Evening()
    at = evening.first()
    evening.part.join("m", at)
    evening.part.leave("m", at + 10 * S)
    evening.until(at + WINDOW + 2 * S)
    with pytest.raises(UserError):
        evening.part.sign("m", "r1", evening.now)


def test_the_window_grows_by_ten_minutes_at_most() -> None:
    evening = Evening()
    at = evening.first()
    evening.part.leave("m", at)
    evening.until(at + WINDOW + EXTENDED_AT_MOST + 2 * S)
    evening.part.join("m", evening.now)
    assert evening.part.greet(ZHANG, evening.now) == []


def test_who_is_down_when_asked_may_answer_on_return() -> None:
    planned = Evening().first()
    evening = Evening()
    evening.part.join("m", evening.now)
    evening.part.leave("m", evening.now)
    evening.until(planned + 200 * S)
    assert evening.asked() == [(planned, "r1")]
    evening.part.join("m", evening.now)
    assert evening.part.sign("m", "r1", evening.now + WINDOW)


# --- built anew -----------------------------------------------------------------------------------------------------


def test_a_room_that_is_built_anew_asks_nothing_twice_and_what_was_left() -> None:
    drawn = Evening()
    drawn.part.join("m", drawn.now)
    times = [at for at, _ in drawn.until(ENDS).asked()]
    ledger = Ledger()
    ledger.first["m"] = STARTS
    ledger.known["m"] = [Known(times[0], "r1", times[0] + WINDOW, times[0] + S)]
    evening = Evening(ledger)
    evening.now = times[1] - 60 * S
    evening.part.join("m", evening.now)
    assert evening.part.greet(ZHANG, evening.now) == []
    assert evening.until(ENDS).asked() == [(times[1], "r2"), (times[2], "r3")]


def test_an_open_sign_in_is_taken_up_with_the_time_that_was_lost() -> None:
    ledger = Ledger()
    asked = STARTS + 1_000 * S
    ledger.known["m"] = [Known(asked, "r1", asked + WINDOW)]
    ledger.down = 60 * S
    evening = Evening(ledger)
    evening.part.join("m", asked + 140 * S)
    (told,) = evening.part.greet(ZHANG, evening.now)
    assert isinstance(told, SignIn)
    assert told.until.timestamp() * S == asked + WINDOW + 60 * S
    assert Record(SignInAnswered("m", "r1"), asked + 149 * S) in evening.part.sign("m", "r1", asked + 149 * S)
    late = Evening(ledger)
    late.part.join("m", asked + WINDOW + 61 * S)
    assert late.part.greet(ZHANG, late.now) == []


# --- the host calls -------------------------------------------------------------------------------------------------


def test_everybody_who_is_here_is_called() -> None:
    evening = Evening()
    for member in ("m", "n", "gone"):
        evening.part.join(member, evening.now)
    evening.part.leave("gone", evening.now)
    evening.until(STARTS + 10 * S)
    evening.actions += evening.part.call(evening.now)
    assert evening.asked("m") == evening.asked("n") == [(evening.now, "c1")]
    assert evening.asked("gone") == []
    evening.actions += evening.part.sign("m", "c1", evening.now + S)
    evening.until(evening.now + 5 * S)
    told = evening.told(SignInProgress)
    assert [(one.asked, one.answered) for one in told if isinstance(one, SignInProgress)] == [(2, 0), (2, 1)]
    assert evening.part.greet(DEAN, evening.now) == told[-1:]
    with pytest.raises(UserError, match="sign-in-open"):
        evening.part.call(evening.now)
    evening.until(evening.now + WINDOW)
    evening.actions += evening.part.call(evening.now)
    assert evening.asked("m")[-1] == (evening.now, "c2")


def test_nobody_is_called_while_nothing_is_shown_or_too_often() -> None:
    ledger = Ledger()
    evening = Evening(ledger)
    evening.part.join("m", evening.now)
    evening.asking = False
    evening.until(STARTS + S)
    with pytest.raises(UserError, match="not-live"):
        evening.part.call(evening.now)
    ledger.called = CALLS
    enough = Evening(ledger)
    enough.until(STARTS + S)
    with pytest.raises(UserError, match="sign-ins-enough"):
        enough.part.call(enough.now)


def test_calls_go_on_counting_when_the_room_is_built_anew() -> None:
    ledger = Ledger()
    ledger.called = 2
    evening = Evening(ledger)
    evening.part.join("m", evening.now)
    evening.until(STARTS + S)
    evening.actions += evening.part.call(evening.now)
    assert [name for _, name in evening.asked()] == ["c3"]
