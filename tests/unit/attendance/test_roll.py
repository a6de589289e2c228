"""Verdicts while a lecture goes on: the same as the report's, looked at when they may have changed."""

from __future__ import annotations

import random

import pytest

from attendance.facts import Fact, LectureMoved, LectureState
from attendance.presence import Presence
from attendance.roll import HOLDS, Roll
from attendance.verdict import Verdict, judge
from benchmarks.report import START, S, steps

MEMBERS, MINUTES = 40, 30


def evening(until: int) -> Presence:
    presence = Presence()
    for counter, (at, body) in enumerate(steps(MEMBERS, MINUTES, random.Random(7)), 1):
        if at <= until:
            presence.apply(Fact("lecture", "a", "1", counter, at, body))
    return presence


@pytest.mark.parametrize("minute", [1, 12, 31])
def test_the_roll_says_what_a_report_would(minute: int) -> None:
    now = START + minute * 60 * S
    presence = evening(now)
    roll = Roll(presence)
    assert roll.judge(now) == 0
    counted, rule = presence.counted(), presence.rules.current.rule
    entries = roll.entries(now)
    assert entries
    for member, entry in entries.items():
        account = presence.account(member)
        assert entry.qualified is (judge(rule, account, counted).verdict is Verdict.PRESENT)
        assert entry.ever is (account.first_join is not None)


def test_a_few_are_looked_at_at_a_time_and_again_when_they_are_due() -> None:
    now = START + 12 * 60 * S
    presence = evening(now)
    roll = Roll(presence)
    many = len(presence.members)
    assert roll.judge(now, 10) == many - 10
    assert sum(entry.qualified is None for entry in roll.entries(now).values()) == many - 10
    assert roll.judge(now) == 0
    ended = Fact("lecture", "a", "1", 100_000, now + 1, LectureMoved(LectureState.ENDED, "button"))
    presence.apply(ended)
    before = {member: entry.qualified for member, entry in roll.entries(now + HOLDS - 1).items()}
    assert {member: entry.qualified for member, entry in roll.entries(now).items()} == before


def test_nobody_is_judged_before_the_start() -> None:
    presence = evening(START - 10 * S)
    roll = Roll(presence)
    assert roll.judge(START - 10 * S) == 0
    assert roll.started is None
    assert roll.counted(START - 10 * S) is None
    assert {entry.qualified for entry in roll.entries(START - 10 * S).values()} <= {None}


def test_who_receives_is_credited_the_lectures_time_less_what_they_missed() -> None:
    now = START + 12 * 60 * S
    roll = Roll(evening(now))
    first, then = roll.entries(now), roll.entries(now + 3 * S)
    grown = (roll.counted(now + 3 * S) or 0) - (roll.counted(now) or 0)
    assert grown == 3 * S
    for member, entry in first.items():
        assert (then[member].credited or 0) - (entry.credited or 0) == (grown if entry.standing.receiving else 0)
