"""Verdicts over accounts that the ledger gives: a lecture of a hundred minutes, live from minute 0."""

from __future__ import annotations

from itertools import count

import pytest

from attendance.facts import (
    Body,
    Evidence,
    Fact,
    Leave,
    LectureMoved,
    LectureState,
    MemberConnected,
    MemberDisconnected,
    NodeStarted,
    OutageBegan,
    OutageEnded,
    ReceivingBegan,
    ReceivingStopped,
    Rule,
    SignInAnswered,
    SignInAsked,
    SlotFlowing,
)
from attendance.presence import Presence
from attendance.verdict import Block, Gap, Judgement, Verdict, judge

M = 60_000_000
BASE = 1_000 * M
SHARE = Rule(share=80, sign_ins=0, answered=0)
Step = tuple[float, Body]


def at(minute: float) -> int:
    return BASE + round(minute * M)


def received(start: float, end: float, evidence: Evidence = Evidence.REPORTED, connection: str = "w") -> list[Step]:
    return [
        (start, ReceivingBegan("m", connection, evidence, at(start))),
        (end, ReceivingStopped("m", connection, at(end), "closed")),
    ]


def asked(number: int, minute: float, answered: bool) -> list[Step]:
    name = f"r{number}"
    answer: list[Step] = [(minute + 0.5, SignInAnswered("m", name))] if answered else []
    return [(minute, SignInAsked("m", name, at(minute + 1.5))), *answer]


def verdict(rule: Rule, *groups: list[Step], leave: Leave | None = None) -> Judgement:
    steps: list[Step] = [
        (-1, NodeStarted()),
        (0, LectureMoved(LectureState.LIVE, "button")),
        (0, SlotFlowing("lecturer", "dean")),
        (100, LectureMoved(LectureState.ENDED, "button")),
    ]
    for group in groups:
        steps += group
    presence, counter = Presence(), count(1)
    for minute, body in sorted(steps, key=lambda step: step[0]):
        presence.apply(Fact("party", "a", "1", next(counter), at(minute), body))
    return judge(rule, presence.account("m"), presence.counted(), leave)


def test_who_meets_the_rule_is_present() -> None:
    found = verdict(SHARE, received(0, 80))
    assert (found.verdict, found.unmet) == (Verdict.PRESENT, ())
    assert found.share == pytest.approx(0.8)
    assert verdict(SHARE, received(0, 79.99)).unmet == (Block.SHARE,)


@pytest.mark.parametrize(
    ("spans", "expected"),
    [
        ([(30, 100)], Verdict.LATE),
        ([(0, 70)], Verdict.LEFT_EARLY),
        ([(0, 30), (60, 100)], Verdict.INCOMPLETE),
        ([(12, 40), (45, 90)], Verdict.LATE),
        ([(0, 20), (50, 90)], Verdict.INCOMPLETE),
    ],
)
def test_the_greatest_part_that_is_missing_decides(spans: list[tuple[float, float]], expected: Verdict) -> None:
    found = verdict(SHARE, *(received(*span, connection=str(span)) for span in spans))
    assert (found.verdict, found.unmet) == (expected, (Block.SHARE,))


def test_nothing_received_is_absent_and_nothing_known_is_not_measured() -> None:
    assert verdict(SHARE).verdict is Verdict.ABSENT
    there: list[Step] = [(1, MemberConnected("m", "c")), (50, MemberDisconnected("m", "c", at(50), "closed"))]
    assert verdict(SHARE, there).verdict is Verdict.NOT_MEASURED
    presence = Presence()
    assert judge(SHARE, presence.account("m"), presence.counted()).verdict is Verdict.NOT_MEASURED


def test_reports_alone_are_not_what_a_rule_of_proofs_measures() -> None:
    proofs = Rule(evidence=Evidence.PROVED, share=80, sign_ins=0, answered=0)
    assert verdict(proofs, received(0, 100)).verdict is Verdict.NOT_MEASURED
    assert verdict(proofs, received(0, 100, Evidence.PROVED)).verdict is Verdict.PRESENT
    half = [(0.0, ReceivingBegan("m", "w", Evidence.REPORTED, at(0))), *received(50, 100, Evidence.PROVED)]
    found = verdict(proofs, half)
    assert found.verdict is Verdict.INCOMPLETE
    assert found.share == pytest.approx(0.5)
    assert verdict(SHARE, half).verdict is Verdict.PRESENT


def test_the_latest_entry_counts_without_our_outages() -> None:
    rule = Rule(share=0, sign_ins=0, answered=0, entry=10)
    assert verdict(rule, received(10, 100)).verdict is Verdict.PRESENT
    late = verdict(rule, received(11, 100))
    assert (late.verdict, late.unmet, late.entered) == (Verdict.LATE, (Block.ENTRY,), at(11))
    ours: list[Step] = [(1, OutageBegan("relay", at(1))), (6, OutageEnded("relay"))]
    flows: list[Step] = [(6.0, SlotFlowing("lecturer", "dean"))]
    assert verdict(rule, ours, flows, received(11, 100)).verdict is Verdict.PRESENT


def test_leave_excuses_whoever_is_not_present_and_hides_nothing() -> None:
    assert verdict(SHARE, leave=Leave.DUTY).verdict is Verdict.EXCUSED
    partly = verdict(SHARE, received(0, 50), leave=Leave.ILLNESS)
    assert (partly.verdict, partly.unmet, partly.leave) == (Verdict.EXCUSED, (Block.SHARE,), Leave.ILLNESS)
    came = verdict(SHARE, received(0, 100), leave=Leave.ILLNESS)
    assert (came.verdict, came.leave) == (Verdict.PRESENT, Leave.ILLNESS)


@pytest.mark.parametrize(
    ("answers", "demanded", "expected"),
    [
        ([True, True, False], 2, Verdict.PRESENT),
        ([True, False, False], 2, Verdict.INCOMPLETE),
        ([True, False], 1, Verdict.PRESENT),
        ([False, False], 1, Verdict.INCOMPLETE),
        ([False], 1, Verdict.INCOMPLETE),
        ([True, True, True, False], 3, Verdict.PRESENT),
        ([True, True, False, False], 3, Verdict.INCOMPLETE),
        ([], 0, Verdict.PRESENT),
    ],
)
def test_answers_are_demanded_of_what_was_asked(answers: list[bool], demanded: int, expected: Verdict) -> None:
    steps = [asked(number, 10 + 10 * number, answer) for number, answer in enumerate(answers)]
    found = verdict(Rule(), received(0, 100), *steps)
    assert (found.answered, found.asked, found.demanded) == (sum(answers), len(answers), demanded)
    assert found.verdict is expected


def test_a_sign_in_that_the_end_cut_off_counts_only_where_it_was_answered() -> None:
    found = verdict(Rule(), received(0, 100), asked(1, 20, True), asked(2, 99, False))
    assert (found.answered, found.asked) == (1, 1)
    assert verdict(Rule(), received(0, 100), asked(1, 99, True)).asked == 1


def test_gaps_say_whether_the_page_was_there() -> None:
    there: list[Step] = [(0, MemberConnected("m", "c")), (50, MemberDisconnected("m", "c", at(50), "timeout"))]
    spans = [received(0, 20, connection="1"), received(25, 60, connection="2"), received(80, 99.5, connection="3")]
    found = verdict(SHARE, there, *spans)
    assert found.gaps == (Gap(at(20), at(25), True), Gap(at(60), at(80), False))
    assert (found.entered, found.left) == (None, None)  # half a minute is not worth a word


def test_a_sign_in_whose_grown_window_the_end_cut_off_is_not_held_against_anybody() -> None:
    there: list[Step] = [(0, MemberConnected("m", "c")), (95.5, MemberDisconnected("m", "c", at(95.5), "silent"))]
    found = verdict(Rule(), received(0, 95), asked(1, 20, True), asked(2, 95, False), there)
    assert (found.answered, found.asked) == (1, 1)  # one minute of the window was left when the lecture ended


def test_a_sign_in_whose_grown_window_ended_is_held_against_who_did_not_come_back() -> None:
    there: list[Step] = [(0, MemberConnected("m", "c")), (70.5, MemberDisconnected("m", "c", at(70.5), "silent"))]
    back: list[Step] = [(75, MemberConnected("m", "d"))]
    assert verdict(Rule(), received(0, 70), asked(1, 70, False), there).asked == 1  # for ten minutes, not longer
    assert verdict(Rule(), received(0, 70), asked(1, 70, False), there, back).asked == 1
