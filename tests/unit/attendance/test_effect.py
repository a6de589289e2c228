"""What another rule would make of the same evidence."""

from __future__ import annotations

from itertools import count

from attendance.effect import Moved, effect
from attendance.facts import (
    Body,
    Evidence,
    Fact,
    LectureMoved,
    LectureState,
    NodeStarted,
    ReceivingBegan,
    ReceivingStopped,
    Rule,
    SlotFlowing,
)
from attendance.presence import Presence
from attendance.roster import Invitation, Member, Role
from attendance.verdict import Verdict

M = 60_000_000
STRICT, MILD = Rule(share=80, sign_ins=0, answered=0), Rule(share=50, sign_ins=0, answered=0)


def presence(minutes: dict[str, int]) -> Presence:
    """Of a lecture of a hundred minutes, each received so many of them."""
    steps: list[tuple[int, Body]] = [
        (0, NodeStarted()),
        (0, LectureMoved(LectureState.LIVE, "button")),
        (0, SlotFlowing("lecturer", "dean")),
        (100, LectureMoved(LectureState.ENDED, "button")),
    ]
    for member, received in minutes.items():
        steps.append((0, ReceivingBegan(member, f"w{member}", Evidence.REPORTED, 0)))
        steps.append((received, ReceivingStopped(member, f"w{member}", received * M, "closed")))
    found, counter = Presence(), count(1)
    for minute, body in sorted(steps, key=lambda step: step[0]):
        found.apply(Fact("party", "a", "1", next(counter), minute * M, body))
    return found


def invited(member: str, name: str, role: str = Role.MEMBER) -> Invitation:
    return Invitation("party", Member(member, name, ("镇巴县",)), role, 1)


def test_who_moves_from_which_verdict_to_which() -> None:
    people = [invited("a", "张伟"), invited("b", "李娜"), invited("c", "王芳"), invited("d", "主讲", Role.LECTURER)]
    found = effect(presence({"a": 90, "b": 60}), people, STRICT, MILD)
    assert found.before == {Verdict.PRESENT: 1, Verdict.LEFT_EARLY: 1, Verdict.ABSENT: 1}
    assert found.after == {Verdict.PRESENT: 2, Verdict.ABSENT: 1}
    assert found.moved == (Moved(Verdict.LEFT_EARLY, Verdict.PRESENT, 1, ("李娜",)),)


def test_the_same_rule_moves_nobody() -> None:
    assert effect(presence({"a": 90}), [invited("a", "张伟")], STRICT, STRICT).moved == ()
